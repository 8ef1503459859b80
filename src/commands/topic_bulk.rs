//! The topic `bulk` of `vescli help`: how a list is read, sent, stopped and continued.

/// The topic `bulk`.
pub const BULK: &str = r"The list
  CSV with a column `email` (any case) and perhaps `cname`; NDJSON objects with the same two; or one address
  per line with # for comments. Other columns are ignored and named. All of it is read and checked before the
  first request; rows that cannot be used end the run (65) unless --skip-invalid. An address that comes again
  with the same cname, both in whatever case, is sent to once; with another cname it is another mail, and the
  plan counts these. One run addresses one tenant: a column `tenant` or `region` is refused.

Before it sends
  The plan shows tenant, URL, numbers, a sample and the time it takes. On a terminal a question follows;
  elsewhere --yes is needed. --dry-run prints the plan and sends nothing.

People known from other lists
  A person is known by service (host and port), cname and address, compared as DNS compares names: case and a
  dot at the end do not count, and all names of this machine are one host. Before the first request all
  journals in the state folder are searched, whatever list they belong to; journals elsewhere (--journal FILE)
  are not. People who are accepted or unknown there are in the plan. On a terminal vescli asks whether to skip
  them or to mail them again. Elsewhere, and with --yes, the run refuses (65) unless --known decides:
    --known skip   leaves them out; they count as what they are on the other list
    --known send   mails them again
  The choice is for one run: the next one needs it again. A journal that may know people of the list and
  cannot be read in full is named in a warning, and with --yes the run refuses (65) unless --known decides. If
  another run begins to mail people of the list meanwhile, this one stops (12) before it mails one of them too.

The journal
  Before a request leaves, the journal on the disk says so; when it has ended, the journal says how. So the
  same command, run again after whatever happened, continues:
    accepted   is skipped
    not_sent   goes out
    rejected   is left alone, unless --retry-rejected; but it goes out if it is due: the reason was not the
               row's own (401, 403, a redirect, a service that was too busy)
    unknown    may have been mailed: is left alone until `vescli journal resolve` or --resend-unknown
  The list may be edited in between: rows are known by service, cname and address, not by their place. The
  journal is that of the list's name and folder. A list on a descriptor (standard input, <(command),
  /dev/fd/3) has that of the current folder, whatever the list contains. --journal FILE names another. --fresh
  starts a new journal: people already mailed will be mailed again. The old one is kept under another name,
  and people known from other lists still need --known. Two runs cannot share a journal (75). It contains
  addresses, and only its owner can read it.

When something happens to the journal
  A journal that is removed, moved, replaced or cut during a run stops the run before its next request (74).
  What a power failure leaves behind the last sync is cut by the next run: nobody was mailed on its strength.
  Any other damage is refused (65), because to continue could mail someone twice. The way out:
    vescli journal check users.csv
    vescli journal repair users.csv --list users.csv
  People who may be on a damaged line are unknown from then on, and the old file is kept.

Journal commands
  They take a journal or the name of its list: `vescli journal show users.csv`.
    list       all journals, and files that killed runs have left behind
    show       the numbers, and the rows that need a decision
    resolve    decides rows that are unknown: --email (several times) or --all-unknown, with --as accepted or
               --as not_sent; --undo takes a decision back
    rm         removes one journal: a run of the same list mails everybody again
    prune      removes journals of finished runs: `vescli journal prune --older-than 90d`
  Journals of rehearsals are in a folder of their own. `vescli sandbox -- vescli bulk …` continues what an
  earlier sandbox began, so that a resume can be rehearsed with two runs. Within a sandbox (VESCLI_SANDBOX),
  journal commands mean the journals of rehearsals.

Pace
  --rate 30/m spaces requests evenly, retries included; the server never sees more than one over the rate in
  any stretch of that length. 429, and 503 with Retry-After, pause all of --jobs, and such a wait is no
  attempt of the row. After it the rows that were refused go first, one of them alone, and one more at a time
  with each that is accepted. A row that is refused ten times while it goes alone is left to the next run; so
  is every row that is refused with --retries 0. Other retries follow --retries, and a run makes at most 20 of
  them, and one more for every ten rows. With too few files (`ulimit -n`) or threads for --jobs, fewer workers
  do all of the work, and say so. --keep-alive reuses connections that were idle for less than a second:
  faster, but a server that closes one at that moment leaves its row unknown. One with bytes to read that no
  request asked for is closed, not reused.

What stops it
  401, 403, a redirect, a certificate or a proxy that refuses: every other row would fail the same way (12).
  Nobody was mailed by these, and their rows go out with the next run. So do --max-failures consecutive rows
  (12), a journal that cannot be written or is not where it was (74), a wait longer than --max-retry-after
  (12), and 20 consecutive waits with no row accepted in between (12). A client certificate that is refused
  when the request is on its way, as in TLS 1.3, leaves its row unknown. Every end that is not 0 prints the
  command to run next. Ctrl-C once: no new requests; those under way end and are written down. Twice: at once;
  what was under way is unknown then.

Exit codes
  0 everybody was accepted, now or earlier, but for those that --limit kept back
  10 some rejected or not sent     11 some unknown (wins over 10)     12 stopped early, or not confirmed
  65 66 the list, a damaged journal, or people known from other lists     71 no room for a single worker
  74 journal or output     75 another run holds the journal     130 143 ended by Ctrl-C or SIGTERM

The command `vescli bulk`: see `vescli bulk --help`.
";

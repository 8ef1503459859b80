//! The topics of `vescli help` that are not commands. A paragraph is one line here: it is wrapped when it is shown.

use crate::args::environment::{
    F5_PASSWORD_VARIABLE, F5_TOKEN_VARIABLE, P12_PASSWORD_VARIABLE, SANDBOX_VARIABLE, TOKEN_VARIABLE,
};
use crate::args::settings_table::{Group, Kind, Scope, SettingSpec, specs};
use crate::report::text::Style;

/// Variables of vescli that are not flags.
pub const SECRET_VARIABLES: [(&str, &str); 2] = [
    (TOKEN_VARIABLE, "The API token; there is no flag for it on purpose"),
    (P12_PASSWORD_VARIABLE, "The password of the PKCS#12 file"),
];

/// Variables of other tools that are read.
pub const FOREIGN_VARIABLES: [(&str, &str); 14] = [
    (F5_TOKEN_VARIABLE, "The API token, if no other source names a credential"),
    (F5_PASSWORD_VARIABLE, "The password of the PKCS#12 file, if no other source has it"),
    ("HTTPS_PROXY, https_proxy", "The proxy for https"),
    ("ALL_PROXY, all_proxy", "The proxy if none is set for https"),
    ("NO_PROXY, no_proxy", "Hosts that are reached without the proxy"),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Trusted certificates instead of the system's store"),
    ("NO_COLOR", "No colours, if not empty"),
    ("FORCE_COLOR, CLICOLOR_FORCE", "Colours even without a terminal, if neither empty nor 0"),
    ("TERM", "No colours if it is `dumb`"),
    ("PAGER", "The command that shows help longer than the screen, `less` if not set; empty or `cat` for none"),
    ("COLUMNS", "The width of help, if it is not that of the terminal"),
    ("COMPLETE", "The shell that asks for completions; see `vescli completions --help`"),
    ("XDG_CONFIG_HOME", "The folder of the configuration, if it is an absolute path"),
    ("XDG_STATE_HOME", "The folder of the journals, if it is an absolute path"),
];

pub(super) fn environment(style: Style) -> String {
    let mut text = String::from(
        "Every flag is also a variable: VESCLI_ and its long name in upper case, hyphens as underscores. \
         Switches take 1 or 0. A variable that is empty counts as not set. A flag wins over its variable, \
         a variable over the configuration file, the file over the names of other tools.\n",
    );
    for group in Group::ALL {
        text.push_str(&format!("\n{}\n", style.heading(group.heading())));
        for spec in specs().filter(|spec| spec.group == *group && spec.is_flag()) {
            let foreign = spec.f5_variable.map_or_else(String::new, |name| format!(" (also {name})"));
            text.push_str(&entry(&spec.variable(), &format!("{}{foreign}", spec.help)));
        }
        if *group == Group::Sandbox {
            text.push_str(&entry(
                SANDBOX_VARIABLE,
                "Address of the sandbox, set by `vescli sandbox`; the journals are then those of rehearsals",
            ));
        }
        if *group == Group::Credential {
            text.extend(SECRET_VARIABLES.map(|(name, help)| entry(name, help)));
        }
    }
    text.push_str(&format!("\n{}\n", style.heading("Variables of other tools that are read")));
    text.extend(FOREIGN_VARIABLES.map(|(name, help)| entry(name, help)));
    text.push_str("\nNot read: F5XC_API_URL and VOLT_API_URL, which contain another kind of URL; SSLKEYLOGFILE.\n");
    text
}

pub(super) fn config(style: Style) -> String {
    let mut text = format!(
        "{heading}\n  \
         --config FILE, else VESCLI_CONFIG, else $XDG_CONFIG_HOME/vescli/config.toml if that is an absolute path, else \
         ~/.config/vescli/config.toml (on Windows the configuration folder). `--config none` reads none.\n\n\
         {example}\n  \
         default_profile = \"prod\"\n\n  \
         [defaults]\n  \
         timeout = \"30s\"\n\n  \
         [profiles.prod]\n  \
         tenant = \"example-corp\"\n  \
         token_file = \"~/.config/vescli/prod.token\"     # chmod 600; no token in here\n\n  \
         [profiles.lab]\n  \
         extends = \"prod\"\n  \
         tenant = \"example-lab\"\n  \
         token_command = [\"pass\", \"show\", \"f5xc/lab\"]  # run without a shell\n\n\
         {rules}\n  \
         The profile is that of --profile, else VESCLI_PROFILE, else default_profile, else the only one in the file.\n  \
         For each setting, the first source that has it wins: flag, variable, profile, those it extends, [defaults], \
         F5's names, built in.\n  \
         A credential (token, client certificate) comes whole from the first of these that names one. A credential \
         from the file is sent only to the host of the table that names it; for any other host vescli refuses (78). \
         A table names its host with `tenant`, `console` or `base_url`, itself or through the profiles that it extends \
         and [defaults]. A profile that changes the host of a profile that it extends must name its own credential. A \
         table that names no host, such as [defaults], uses that of the chosen profile. Flags and variables never \
         decide the host of a credential from the file.\n  \
         A file that names a command is refused (78) if others can write to it or its folder, or if another user owns \
         it. The file must be a regular file of at most 1 MiB.\n  \
         Relative paths start at the folder of the file, ~/ at the home folder.\n  \
         `vescli config explain` shows every value with its origin; `vescli config check` checks the file.\n\n\
         {keys}\n",
        heading = style.heading("Where the file is"),
        example = style.heading("What it looks like"),
        rules = style.heading("Which value applies"),
        keys = style.heading("Keys of [defaults] and [profiles.NAME]"),
    );
    for spec in specs().filter(|spec| spec.in_file()) {
        text.push_str(&entry(&format!("{} = {}", spec.name(), example(spec)), spec.help));
    }
    text.push_str("\nThe command `vescli config`: see `vescli config --help`.\n");
    text
}

fn example(spec: &SettingSpec) -> String {
    match (spec.kind, spec.default) {
        (Kind::Count | Kind::Level, default) => default.unwrap_or("0").to_owned(),
        (Kind::Switch, _) => "true".to_owned(),
        (Kind::List(name), _) if spec.scope == Scope::FileOnly => format!("[\"{name}\", …]"),
        (Kind::List(name), _) => format!("[\"{name}\"]"),
        (_, Some(default)) => format!("\"{default}\""),
        (Kind::Text(name), None) => format!("\"{name}\""),
        (Kind::File, None) => "\"FILE\"".to_owned(),
        (Kind::Choice(_) | Kind::Duration, None) => "\"…\"".to_owned(),
    }
}

fn entry(name: &str, help: &str) -> String {
    format!("  {name:<37} {help}\n")
}

pub const JSON: &str = "\
With --json, standard output contains exactly one document on one line, for success, failure and usage errors alike. \
  The order of the fields is fixed; fields are only ever added. Standard error still has the text, unless -q. \
  The folder schemas/ of the source and of the packages' documentation has a JSON Schema for each document.

  schema       \"vescli.result/1\"
  ok           true exactly when the service accepted the request
  outcome      the field that scripts need:
                 accepted   the service accepted it: a complete 2xx, empty or a JSON object without an error
                 rejected   the service refused it: no one was mailed
                 not_sent   the request was not sent: no one was mailed
                 unknown    it was sent, and no answer shows its outcome: someone may have been mailed
  email, cname, tenant, url    as used; null when the run ended before they were known
  status       the HTTP status, or null
  attempts     the number of attempts
  elapsed_ms   milliseconds, waits included
  exit_code    the exit code of the process
  error        null, or
    class            the class, as in `vescli help exit-codes`; `interrupted` when a signal ended the program
    message          the class in words, or what is wrong
    server_code      the service's own (gRPC) number, or null
    server_message   the service's own message, unchanged, or null
    safe_to_retry    true when the same request may be sent again, at once or later, without mailing anyone twice
    retry_after_s    seconds that the server asks vescli to wait, or null
    hint             what to do
    cause            why the network failed, or null
    location         the target of a redirect, or null
  warnings     a list of texts, mostly empty

`bulk` prints one \"vescli.row/1\" for each row as it ends (row: its line in the list; outcome, email, cname, \
  status, attempts, elapsed_ms, exit_code, error, warnings as above; due: whether the next run sends it without \
  another flag), then one \"vescli.summary/1\":
  rows, accepted, rejected, not_sent, unknown    the whole list as it is now
  this_run     the rows that ended in this run, by outcome
  requests     how many requests this run made, retries included
  repeats, invalid    rows that were dropped
  signal       the number of the signal that ended the run, or null
  due          how many rows of the list the next run sends without another flag, rejected ones included
  beyond_limit    how many of them --limit leaves for later
  shard        2/4 for the second of four shards, whose people rows and all counts are about, or null
  go_on        the command to run next, or null
  known        people on the list who are known from other lists: accepted, unknown, choice (skip, send or null), \
    lists (list, journal, at, accepted, unknown); the list `send` stands for single sends
  error        why the run stopped, or null

`bulk --dry-run` prints \"vescli.plan/1\": to_send, accepted, rejected, unknown (row and email), sample, seconds, \
  known and shard as above, other_cname (rows with the address of another row and another cname).

--dry-run prints \"vescli.request/1\" (method, url, headers, body, proxy), --show-curl \"vescli.curl/1\" (command), \
  `--version --json` \"vescli.version/1\" (version, features), `explain --json` \"vescli.explain/1\" (exit_codes, \
  signal), `doctor --json` \"vescli.doctor/1\" (checks, each with name, state, message and hint). `config` prints path, \
  and `path` exists, `init` written, `show` text, `check` and `profiles` profiles; `config explain` prints profile and \
  settings (key, value, origin). `sandbox` without a command prints \"vescli.sandbox/1\" (url, variables). Help and \
  completions are always text.

`journal` prints, each with schema, ok and exit_code:
  list      \"vescli.journals/1\": folder, journals (path, url, rows, last_run, single_sends, error and others), \
    leftovers (files of killed runs)
  show      \"vescli.journal/1\": path, url, runs, rows (by outcome, and due), unknown (email, cname, row, at, …)
  check     \"vescli.journal-check/1\": path, lines, runs, unfinished_bytes, damage (line, offset, reason, holds)
  resolve   \"vescli.journal-resolve/1\": path, as, rows (key, email, cname); key, email and cname again when it is \
    one row
  merge     \"vescli.journal-merge/1\": path, journals, rows (by outcome, and due), missing_shards
  repair    \"vescli.journal-repair/1\": path, was_damaged, kept_lines, damaged_lines, unreadable_lines (they do not \
    show whose they are), nameless_lines (of people not on the list), unknown (row, email, cname), old_file
  rm, prune \"vescli.journal-remove/1\": dry_run, removed, leftovers

  vescli send --email hello@example.com --json | jq -r '.outcome, .exit_code'
";

pub const BULK: &str = "\
The list
  CSV with a column `email` (any case) and an optional column `cname`; NDJSON objects with the same two; or one \
    address per line, with # for comments. Other columns are ignored, and the plan names them. The whole list is \
    read and checked before the first request; invalid rows end the run (65) unless --skip-invalid is given. A \
    repeated address with the same cname, in any case, is mailed once; with another cname it is another mail, and \
    the plan counts these. One run is for one tenant: a column `tenant` or `region` is refused.

Before sending
  The plan shows tenant, URL, counts, a sample and the time it takes. On a terminal vescli asks for confirmation; \
    elsewhere --yes is needed. --dry-run prints the plan and sends nothing.

People known from other lists
  A person is identified by service (host and port), cname and address. Case and a dot at the end of a name are \
    ignored, and all names of this machine are one host. Before the first request all journals in the state folder \
    are searched, whatever list they belong to; journals elsewhere (--journal FILE) are not. Single sends have \
    journals there too, unless they were made with --no-journal. People who are accepted or unknown there are in \
    the plan. On a terminal vescli asks whether to skip them or to mail them again. Elsewhere, and with --yes, the \
    run refuses (65) unless --known decides:
    --known skip   leaves them out; they count as what they are on the other list
    --known send   mails them again
  The choice applies to one run; the next one needs it again. A journal that may know people of the list and cannot \
    be read completely is named in a warning, and with --yes the run refuses (65) unless --known decides. If another \
    run begins to mail people of the list meanwhile, this one stops (12) before it mails any of them.

The journal
  Each request is recorded in the journal on disk before it is sent, and its outcome when it has ended. So the same \
    command continues, whatever ended the last run:
    accepted   is skipped
    not_sent   is sent
    rejected   is not sent again without --retry-rejected, unless it is due: the reason was not the row itself (401, \
      403, a redirect, a service that was too busy)
    unknown    may have been mailed: is not sent again without `vescli journal resolve` or --resend-unknown
  The list may be edited in between: rows are identified by service, cname and address, not by their line. The \
    journal belongs to the name and folder of the list. A list on a descriptor (standard input, <(command), \
    /dev/fd/3) uses that of the current folder, whatever it contains. --journal FILE names another one. --fresh \
    starts a new journal: people already mailed will be mailed again. The old one is kept under another name, and \
    people known from other lists still need --known. Two runs cannot share a journal (75). It contains addresses, \
    so only its owner can read it.

When the journal is damaged
  A journal that is removed, moved, replaced or truncated during a run stops the run before its next request (74). \
    After a power failure the next run removes what was written after the last sync: no one was mailed because of \
    it. Any other damage is refused (65), because continuing could mail someone twice. To continue:
    vescli journal check users.csv
    vescli journal repair users.csv --list users.csv
  People who may be on a damaged line become unknown, and the old file is kept.

Journal commands
  They take a journal or the name of its list: `vescli journal show users.csv`. Single sends have a journal for each \
    service and month, `send-HOST_PORT-YYYY-MM.ndjson`: name its file.
    list       all journals, and files that killed runs left behind
    show       the counts, and the rows that need a decision
    resolve    decides rows that are unknown: --email (several times) or --all-unknown, with --as accepted or --as \
      not-sent; --undo takes a decision back
    merge      joins journals in a new one, of several shards or machines: `vescli journal merge --into all.ndjson a.ndjson \
      b.ndjson`, then `vescli bulk users.csv --journal all.ndjson`
    rm         removes one journal: the next run of the same list mails everybody again
    prune      removes journals of finished runs: `vescli journal prune --older-than 90d`
  Journals of rehearsals are in their own folder. `vescli sandbox -- vescli bulk …` continues what an earlier \
    sandbox started, so that a resume can be rehearsed with two runs. Within a sandbox (VESCLI_SANDBOX), journal \
    commands use the journals of rehearsals.

Pace
  --rate 30/m spaces requests evenly, retries included; in any period of that length the server gets at most one \
    request more than the rate. 429, and 503 with Retry-After, pause all of --jobs; such a wait does not count as an \
    attempt. After it the refused rows are sent first: one alone, then one more at a time for each that is accepted. \
    A row that is refused ten times while it is sent alone is left for the next run; so is every refused row with \
    --retries 0. Other retries follow --retries; a run makes at most 20 of them, and one more for every ten rows. \
    With too few file descriptors (`ulimit -n`) or threads for --jobs, fewer workers do all the work, and a warning \
    says so. --keep-alive reuses connections that were idle for less than a second: faster, but if the server closes \
    one at that moment its row is unknown. A connection on which the server has sent something unexpected is closed, \
    not reused.

Several machines
  --shard 2/4 sends the second of four parts of the list. Every machine gets the whole list and the same command, in \
    which only the shard's number differs; it counts from 1. A person's shard follows from service, cname and \
    address, not from the line, so an edited list keeps its shards. --rate is for all shards together: in any \
    period the service gets at most one request more than the rate, also when a shard is killed and started again \
    with its journal. If there are more shards than requests in a period, they take turns by the clock: then the \
    clocks of the machines have to agree. --jobs, --limit, --max-failures and the number of retries are for each \
    shard.
  Each shard has a journal of its own, with shard-2-of-4 in its name, also with --journal FILE. A run with another \
    number of shards, or without --shard, first reads the journals of the earlier shards: people in them are not \
    planned again. It refuses if one of these journals is missing (65) or is being written (75). Copy \
    them into one folder, or join them with `vescli journal merge`.

Reports
  --junit FILE writes a case for each row: unknown is an error; rejected and not sent are failures; accepted \
    earlier, known from another list, left for later by --limit and unusable are skipped. --metrics FILE writes rows \
    by outcome, times and exit code for Prometheus. Both replace the old file when a run has ended, however it \
    ended. A path that cannot be written is refused before anyone is mailed (74); if writing fails at the end, \
    vescli warns and the exit code stays. With --shard, both name the shard.

Users who were just created
  Until a new user exists, the service answers 404, which mails no one. --wait-for-user 2m retries a 404 for 2 \
    minutes from the first one on, at random intervals of 5 to 35 s: at most one request per person in 5 s, and the \
    last one when the limit is reached. Other rows are sent meanwhile; a row that waits occupies none of --jobs. \
    These requests count against --rate, but not against --retries; at a low rate, new rows and those that wait are \
    sent by turns. A row that is still not found after the limit is rejected (44). Until then it is rejected and due \
    in the journal: if the run is ended, the next one sends it, and its limit starts again.

What stops it
  401, 403, a redirect, a certificate or a proxy that refuses: every other row would fail the same way (12). These \
    mail no one, and the next run sends their rows. Also: --max-failures consecutive rows not accepted (12), \
    a journal that cannot be written or is not where it was (74), a wait longer than --max-retry-after (12), and 20 \
    consecutive waits with no row accepted in between (12). A client certificate that is refused after the request \
    was sent, as in TLS 1.3, leaves its row unknown. A run that does not end with 0 prints the command to run next. \
    Ctrl-C once: no new requests; those under way end and are recorded. Ctrl-C twice: vescli ends at once, and those \
    under way are unknown.

Exit codes
  0         everybody was accepted, now or earlier, except those that --limit left for later
  10        some rejected or not sent
  11        some unknown (wins over 10)
  12        stopped early, or not confirmed
  65, 66    the list, a damaged journal, or people known from other lists
  71        no worker can be started
  74        journal or output
  75        another run uses the journal
  130, 143  ended by Ctrl-C or SIGTERM

The command `vescli bulk`: see `vescli bulk --help`.
";

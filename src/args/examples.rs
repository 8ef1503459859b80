//! What stands below the flags in the help of a command: what it does, and examples to copy.

/// Below the help of `doctor`.
pub(super) const DOCTOR: &str = "It looks at configuration, URL, credential, trusted certificates, DNS, TCP, proxy, TLS, HTTP\n\
     and clock, a line each. It sends a HEAD for / of the host, without the token, and no POST.\n\
     Its exit code is that of the first failure: the one that a send would end with.\n\n\
     Examples:\n  \
     vescli doctor --tenant example-corp\n  \
     vescli doctor --profile prod -v\n  \
     vescli doctor --profile prod --json | jq -r '.checks[] | select(.state == \"failure\") | .hint'";

/// Below the help of `bulk`.
pub(super) const BULK: &str = "The list is CSV with a column email and perhaps a column cname, NDJSON with the same two, or plain lines.\n\
     Each step is written to a journal, so that nobody is mailed twice: see `vescli help bulk`.\n\n\
     Examples:\n  \
     vescli bulk users.csv --profile prod --dry-run\n  \
     vescli bulk users.csv --profile prod --rate 30/m --yes\n  \
     jq -c '.[] | {email}' users.json | vescli bulk - --yes --json";

/// Below the help of `journal`.
pub(super) const JOURNAL: &str = "FILE is a journal, or the list that it belongs to. A journal is text, a JSON object per line: grep and\n\
     jq read it too. Within `vescli sandbox` the journals of rehearsals are meant.\n\n\
     Examples:\n  \
     vescli journal list\n  \
     vescli journal show users.csv\n  \
     vescli journal resolve users.csv --email ada@example.com --as accepted\n  \
     vescli journal repair users.csv --list users.csv\n  \
     vescli journal prune --older-than 90d";

/// Below the help of `journal list`.
pub(super) const JOURNAL_LIST: &str = "Journals are kept in $XDG_STATE_HOME/vescli if that is an absolute path,\n\
     else in ~/.local/state/vescli; those of rehearsals in the folder rehearsals below it.\n\n\
     Examples:\n  \
     vescli journal list\n  \
     vescli journal list --json | jq -r '.journals[] | select(.rows.unknown > 0) | .path'";

/// Below the help of `journal show`.
pub(super) const JOURNAL_SHOW: &str = "A row needs a decision when it may have been mailed and nothing proves it.\n\
     A run leaves it alone until then.\n\n\
     Examples:\n  \
     vescli journal show users.csv\n  \
     vescli journal show users.csv --json | jq -r '.unknown[].email'";

/// Below the help of `journal check`.
pub(super) const JOURNAL_CHECK: &str = "It changes nothing. The exit code is 65 when the journal is damaged.\n\n\
     Examples:\n  \
     vescli journal check users.csv\n  \
     vescli journal check users.csv --json | jq .damage";

/// Below the help of `journal resolve`.
pub(super) const JOURNAL_RESOLVE: &str = "Find out first: ask the person, or look into the console.\n\
     A row that is not unknown is refused, and then nothing is written. After --as not_sent the next run\n\
     sends the row; after --undo it is unknown again.\n\n\
     Examples:\n  \
     vescli journal resolve users.csv --email ada@example.com --as accepted\n  \
     vescli journal resolve users.csv -e bob@example.com -e cy@example.com --as not-sent\n  \
     vescli journal resolve users.csv --all-unknown --as accepted\n  \
     vescli journal resolve users.csv --email bob@example.com --undo";

/// Below the help of `journal repair`.
pub(super) const JOURNAL_REPAIR: &str = "Damaged lines are taken out. Whoever may be on one of them is unknown from then on, and no run\n\
     mails them until `vescli journal resolve` decides. The old file is kept beside the new one.\n\
     --cname and the target are used only when no record of a run is left.\n\n\
     Examples:\n  \
     vescli journal repair users.csv --list users.csv\n  \
     vescli journal show users.csv";

/// Below the help of `journal rm`.
pub(super) const JOURNAL_RM: &str = "What the journal knows is forgotten: a run of the same list mails everyone again.\n\
     A journal that a run is using is not removed.\n\n\
     Examples:\n  \
     vescli journal rm users.csv\n  \
     vescli journal rm users.csv --yes";

/// Below the help of `journal prune`.
pub(super) const JOURNAL_PRUNE: &str = "A run is finished when no row is left to send and none is unknown. Journals of rehearsals count as\n\
     finished. Without --older-than only the files of killed runs are removed.\n\n\
     Examples:\n  \
     vescli journal prune --older-than 90d --dry-run\n  \
     vescli journal prune --older-than 90d --yes";

//! What the help of each command shows besides clap's own parts: examples to paste, the flags that `-h` shows, and notes.
//! This is a table of its own, because clap would build all of these texts at every start.

#[derive(Debug)]
pub struct CommandHelp {
    /// The words after `vescli`.
    pub command: &'static str,
    /// Commands that run unchanged in bash, zsh and fish.
    pub examples: &'static [&'static str],
    /// The long names of the flags that `-h` shows, in this order.
    pub main_flags: &'static [&'static str],
    /// Paragraphs for `--help`, a line each.
    pub notes: &'static str,
}

pub fn help_of(command: &str) -> Option<&'static CommandHelp> {
    ENTRIES.iter().find(|entry| entry.command == command)
}

pub fn entries() -> impl Iterator<Item = &'static CommandHelp> {
    ENTRIES.iter()
}

/// Makes the entries: the command with the flags that `-h` shows, its examples, and its notes.
macro_rules! commands {
    ($($command:literal [$($flag:literal),*] { $($example:literal)+ } => $notes:literal;)*) => {
        const ENTRIES: &[CommandHelp] = &[$(CommandHelp {
            command: $command,
            examples: &[$($example),+],
            main_flags: &[$($flag),*],
            notes: $notes,
        }),*];
    };
}

commands! {
    "" [] {
        "vescli sandbox -- vescli send --email hello@example.com"
        "vescli config init --tenant example-corp"
        "vescli send --email hello@example.com --dry-run"
        "vescli bulk users.csv"
    } => "";
    "send-password-email" ["email", "profile", "tenant", "token-file", "dry-run", "json"] {
        "vescli send-password-email --tenant example-corp --email hello@example.com"
        "vescli send --profile prod --email hello@example.com --dry-run"
        "vescli send --profile prod --email hello@example.com --json | jq -r .outcome"
    } => "Every flag is also an environment variable: VESCLI_ and the flag in upper case.\n\
        The token comes from VESCLI_TOKEN, --token-file or a profile, never from a flag.\n\
        The outcome is recorded in the folder of the journals, so that `vescli bulk` knows the person (see \
        --known there). Without HOME and XDG_STATE_HOME nothing is recorded.";
    "bulk" ["profile", "rate", "retry-rejected", "known", "dry-run", "yes"] {
        "vescli bulk users.csv --profile prod --dry-run"
        "vescli bulk users.csv --profile prod --rate 30/m --yes"
        "jq -c '.[] | {email}' users.json | vescli bulk - --yes --json"
    } => "The list is CSV with a column email and an optional column cname, NDJSON with the same two, or plain lines.\n\
        Each request is recorded in a journal, so that no one is mailed twice: see `vescli help bulk`.";
    "journal" [] {
        "vescli journal list"
        "vescli journal show users.csv"
        "vescli journal resolve users.csv --email ada@example.com --as accepted"
        "vescli journal repair users.csv --list users.csv"
        "vescli journal prune --older-than 90d"
    } => "FILE is a journal, or the list that it belongs to. A journal is text, a JSON object per line: grep and jq \
        read it too. Within `vescli sandbox`, these commands use the journals of rehearsals.";
    "journal list" ["json"] {
        "vescli journal list"
        "vescli journal list --json | jq -r '.journals[].path'"
    } => "Journals are kept in $XDG_STATE_HOME/vescli if that is an absolute path, else in ~/.local/state/vescli; \
        those of rehearsals in the folder rehearsals below it.";
    "journal show" ["json"] {
        "vescli journal show users.csv"
        "vescli journal show users.csv --json | jq -r '.unknown[].email'"
    } => "A row needs a decision when its outcome is unknown: the person may have been mailed. No run sends it \
        until then.";
    "journal check" ["json"] {
        "vescli journal check users.csv"
        "vescli journal check users.csv --json | jq .damage"
    } => "It changes nothing. The exit code is 65 when the journal is damaged.";
    "journal export" ["csv", "json"] {
        "vescli journal export users.csv > audit.csv"
        "vescli journal export users.csv --json | jq -r .email"
    } => "The columns are email, cname, outcome, at, status, attempts, resolved (by an operator), row, run, user, \
        host and job; JSON has the same fields. A CSV cell that begins like a formula (= + - @, tab, CR) gets an \
        apostrophe in front. The journal may be in use. Older journals do not say user, host and job.";
    "journal resolve" ["email", "all-unknown", "as", "undo"] {
        "vescli journal resolve users.csv --email ada@example.com --as accepted"
        "vescli journal resolve users.csv -e bob@example.com --as not-sent"
        "vescli journal resolve users.csv --all-unknown --as accepted"
        "vescli journal resolve users.csv --email bob@example.com --undo"
    } => "Find out first: ask the person, or look in the console.\n\
        --email may be repeated. If one of the rows is not unknown, nothing is written. After --as not-sent the next run sends the row; after \
        --undo it is unknown again.";
    "journal merge" ["into", "json"] {
        "vescli journal merge users.csv --into all.ndjson"
        "vescli bulk users.csv --journal all.ndjson --dry-run"
    } => "A list stands for all its journals. Of what they say of a person, accepted counts over unknown, that over \
        rejected, that over not sent; a decision of `resolve` counts only over the requests that its journal knew. \
        The journals may be copies of one, of several shards or of several lists. An unfinished end is passed over. \
        Damage and journals of different services are refused (65), and so is a journal in use (75). The old ones \
        stay as they are.";
    "journal repair" ["list", "cname", "profile"] {
        "vescli journal repair users.csv --list users.csv"
        "vescli journal show users.csv"
    } => "Damaged lines are removed. People who may be on one of them become unknown, and no run mails them until \
        `vescli journal resolve` decides. The old file is kept beside the new one. --cname and the target are used \
        only if no record of a run is left.";
    "journal rm" ["yes"] {
        "vescli journal rm users.csv"
        "vescli journal rm users.csv --yes"
    } => "The record of who was mailed is lost: the next run of the same list mails everybody again. A journal that \
        a run is using is not removed.";
    "journal prune" ["older-than", "dry-run", "yes"] {
        "vescli journal prune --older-than 90d --dry-run"
        "vescli journal prune --older-than 90d --yes"
    } => "A run is finished when no row is left to send and none is unknown. Journals of rehearsals count as \
        finished. Without --older-than only the files of killed runs are removed.";
    "config" [] {
        "vescli config init --tenant example-corp"
        "vescli config check"
        "vescli config explain --profile prod"
    } => "`vescli help config` explains the file and its keys.";
    "config path" ["config"] { "vescli config path" } => "";
    "config init" ["tenant", "token-file", "cname", "config"] {
        "vescli config init --tenant example-corp"
        "vescli config init --tenant example-corp --token-file prod.token"
    } => "";
    "config show" ["config"] { "vescli config show" } => "Users and passwords of proxies are hidden.";
    "config explain" ["profile", "config", "json"] {
        "vescli config explain --profile prod"
        "vescli config explain --json | jq -r '.settings[] | .key + \" \" + .origin'"
    } => "It takes the flags of a send and shows which value applies.";
    "config check" ["config"] {
        "vescli config check"
        "vescli config check --config ./vescli.toml"
    } => "";
    "config profiles" ["config", "profile", "json"] {
        "vescli config profiles"
        "vescli config profiles --json | jq -r .chosen"
    } => "";
    "doctor" ["profile", "tenant", "proxy", "cacert", "verbose", "json"] {
        "vescli doctor --tenant example-corp"
        "vescli doctor --profile prod -v"
        "vescli doctor --json | jq -r '.checks[] | select(.state == \"failure\").hint'"
    } => "It checks configuration, URL, credential, trusted certificates, DNS, TCP, proxy, TLS, HTTP and clock, one \
        line each. It sends a HEAD for / of the host, without the token, and no POST. Its exit code is that of the \
        first failure, the same that a send would end with.";
    "explain" ["json"] {
        "vescli explain 42"
        "vescli explain 503"
        "vescli explain rate_limited"
    } => "";
    "sandbox" ["port", "tls", "rate", "fail-rate", "log"] {
        "vescli sandbox -- vescli send-password-email --email hello@example.com"
        "vescli sandbox -- vescli send --email status-429@example.com"
        "vescli sandbox -- ./onboard.sh"
        "vescli sandbox --tls --fail-rate 5% -- ./onboard.sh"
        "vescli sandbox --rate 30/m --log requests.ndjson"
    } => "The name before the @ chooses the answer: status-429@… that status, flaky-429@… once and then 200, \
        late-20s@… 404 for that long and then 200 (to rehearse --wait-for-user), drop@… hangs up, slow@… answers \
        after a minute, html@… a login page, redirect@… a 302. Everybody else is accepted, except for the share of \
        --fail-rate (5% or 0.05): a 503 with Retry-After: 1, so that no one was mailed and a retry is safe. The address \
        and the number of requests to it before decide which ones fail, so the same list fails in the same way again.\n\
        With --tls, certificates are made for this run, and the file in VESCLI_CACERT is removed at its end.\n\
        Without a command it prints lines to run in another terminal, and serves until Ctrl-C.";
    "completions" [] {
        "vescli completions bash > vescli.bash"
        "vescli completions zsh > _vescli"
        "vescli completions fish > vescli.fish"
    } => "This script knows commands and flags. Its place is ~/.local/share/bash-completion/completions/vescli, a \
        file _vescli in a folder of zsh's fpath, or ~/.config/fish/completions/vescli.fish.\n\
        Another script also knows profiles, journals, topics and exit codes, because it asks vescli at every Tab: \
        `source <(COMPLETE=bash vescli)` in ~/.bashrc, `source <(COMPLETE=zsh vescli)` in ~/.zshrc after compinit, \
        or `COMPLETE=fish vescli | source` in ~/.config/fish/completions/vescli.fish. vescli then reads the \
        configuration file and the names of journals, but no secret, and does not use the network.\n\
        After `vescli sandbox --`, bash, zsh and fish complete the inner command as usual.";
    "help" [] {
        "vescli help send-password-email"
        "vescli help journal resolve"
        "vescli help exit-codes"
    } => "";
}

//! The rows that say how it is sent, how often, and what is told of it.

use super::keys::{Group, Key, Kind, Reach, Row};

/// Network, retry, output, safety, and the flags of single commands.
pub(super) static ROWS: &[Row] = &[
    Row::new(
        Key::Timeout,
        Group::Network,
        "timeout",
        Kind::Duration,
        "Longest time for one attempt, all of it",
    )
    .default("30s"),
    Row::new(
        Key::ConnectTimeout,
        Group::Network,
        "connect-timeout",
        Kind::Duration,
        "Longest time until the connection is up, TLS included",
    )
    .default("10s"),
    Row::new(
        Key::Proxy,
        Group::Network,
        "proxy",
        Kind::Text("URL"),
        "Proxy to tunnel through (http, https or socks5h)",
    )
    .short('x'),
    Row::new(
        Key::Noproxy,
        Group::Network,
        "noproxy",
        Kind::Text("LIST"),
        "Hosts that are reached without the proxy, separated by commas",
    ),
    Row::new(
        Key::Cacert,
        Group::Network,
        "cacert",
        Kind::File,
        "Certificates (PEM) to trust besides the system's store",
    )
    .f5("VOLT_API_CA_CERT"),
    Row::new(
        Key::Resolve,
        Group::Network,
        "resolve",
        Kind::List("HOST:PORT:ADDR"),
        "Address to use for a host and port instead of asking DNS; may be given again",
    ),
    Row::new(
        Key::Retries,
        Group::Retry,
        "retries",
        Kind::Count,
        "Retries after failures that cannot have sent mail; 0 disables",
    )
    .default("2"),
    Row::new(
        Key::MaxRetryAfter,
        Group::Retry,
        "max-retry-after",
        Kind::Duration,
        "Longest wait that the server may ask for with Retry-After",
    )
    .default("5m"),
    Row::new(
        Key::RetryUnknown,
        Group::Retry,
        "retry-unknown",
        Kind::Switch,
        "Retry also what may have been sent: a person may be mailed twice",
    ),
    Row::new(
        Key::Output,
        Group::Output,
        "output",
        Kind::Choice(&["text", "json"]),
        "Form of the result on standard output",
    )
    .short('o')
    .default("text"),
    Row::new(
        Key::Json,
        Group::Output,
        "json",
        Kind::Switch,
        "Short for --output json",
    ),
    Row::new(
        Key::Quiet,
        Group::Output,
        "quiet",
        Kind::Switch,
        "Say nothing on success, and with --json nothing on standard error",
    )
    .short('q'),
    Row::new(
        Key::Verbose,
        Group::Output,
        "verbose",
        Kind::Level,
        "Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too",
    )
    .short('v'),
    Row::new(
        Key::Color,
        Group::Output,
        "color",
        Kind::Choice(&["auto", "always", "never"]),
        "When to colour",
    )
    .default("auto"),
    Row::new(
        Key::DryRun,
        Group::Safety,
        "dry-run",
        Kind::Switch,
        "Print the request and send nothing",
    )
    .short('n')
    .reach(Reach::RunOnly),
    Row::new(
        Key::ShowCurl,
        Group::Safety,
        "show-curl",
        Kind::Switch,
        "Print the equivalent curl command (bash, zsh, fish, dash) without the secret, and send nothing",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::NoInput,
        Group::Safety,
        "no-input",
        Kind::Switch,
        "Never ask a question",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Rate,
        Group::Bulk,
        "rate",
        Kind::Text("N/UNIT"),
        "Most requests in a time, such as 30/m (s, m, h; `none` for no limit) [default: bulk 60/m, sandbox none; the variable is bulk's alone]",
    ),
    Row::new(
        Key::RequireAuth,
        Group::Sandbox,
        "require-auth",
        Kind::Switch,
        "Answer 401 to a request without the sandbox's own token",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Log,
        Group::Sandbox,
        "log",
        Kind::File,
        "Write one JSON line for each request received",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::As,
        Group::Journal,
        "as",
        Kind::Choice(&["accepted", "not-sent", "not_sent"]),
        "What became of the rows: accepted, the people were mailed; not-sent, nobody was",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::AllUnknown,
        Group::Journal,
        "all-unknown",
        Kind::Switch,
        "Every row that is unknown, in place of --email",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Undo,
        Group::Journal,
        "undo",
        Kind::Switch,
        "Take back an earlier `resolve`: the rows are unknown again",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::List,
        Group::Journal,
        "list",
        Kind::File,
        "The list that the journal belongs to: it names the people whose lines are damaged",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::OlderThan,
        Group::Journal,
        "older-than",
        Kind::Duration,
        "Only journals whose last run is at least this long ago, such as 90d",
    )
    .reach(Reach::RunOnly),
];

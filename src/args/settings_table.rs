//! The table of everything that can be set, a row each. One row makes the flag, the `VESCLI_` variable, the key of the file,
//! the help and the completion of a setting.

use super::keys::{Group, Key, Kind, Reach, Row};

/// The settings, in the order of [`Key`].
pub(super) static ROWS: &[Row] = &[
    Row::new(
        Key::Email,
        Group::Request,
        "email",
        Kind::Text("ADDR"),
        "Address of the person who gets the link",
    )
    .short('e'),
    Row::new(
        Key::Cname,
        Group::Request,
        "cname",
        Kind::Text("NAME"),
        "Domain under which the tenant belongs [default: the tenant]",
    ),
    Row::new(
        Key::AllowAnyEmail,
        Group::Request,
        "allow-any-email",
        Kind::Switch,
        "Accept an address that the published pattern refuses",
    ),
    Row::new(
        Key::Profile,
        Group::Target,
        "profile",
        Kind::Text("NAME"),
        "Profile of the configuration file to use",
    )
    .short('p')
    .reach(Reach::RunOnly),
    Row::new(
        Key::Config,
        Group::Target,
        "config",
        Kind::File,
        "Configuration file to read; `none` reads no file",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Tenant,
        Group::Target,
        "tenant",
        Kind::Text("LABEL"),
        "Tenant: the first label of the console's host name",
    )
    .f5("F5XC_TENANT"),
    Row::new(
        Key::Region,
        Group::Target,
        "region",
        Kind::Text("LABEL"),
        "Region in the URL",
    )
    .default("us-east-1")
    .f5("F5XC_REGION"),
    Row::new(
        Key::Environment,
        Group::Target,
        "environment",
        Kind::Choice(&["production", "staging", "development"]),
        "Environment in the URL",
    )
    .default("production")
    .f5("F5XC_ENVIRONMENT"),
    Row::new(
        Key::Namespace,
        Group::Target,
        "namespace",
        Kind::Text("LABEL"),
        "Namespace in the URL",
    )
    .default("default")
    .f5("F5XC_DEFAULT_NAMESPACE"),
    Row::new(
        Key::Console,
        Group::Target,
        "console",
        Kind::Choice(&["console.ves.volterra.io", "staging.volterra.us"]),
        "Console that the tenant lives on",
    )
    .default("console.ves.volterra.io"),
    Row::new(
        Key::Prefix,
        Group::Target,
        "prefix",
        Kind::Text("LABEL"),
        "Prefix in the URL",
    )
    .default("api"),
    Row::new(
        Key::BaseUrl,
        Group::Target,
        "base-url",
        Kind::Text("URL"),
        "Everything before /no_auth/send_password_email, used as it stands",
    ),
    Row::new(
        Key::TokenFile,
        Group::Credential,
        "token-file",
        Kind::File,
        "File that holds the API token; `-` reads standard input",
    ),
    Row::new(
        Key::TokenCommand,
        Group::Credential,
        "token-command",
        Kind::List("WORD"),
        "Command that prints the API token, as an array of words; run without a shell",
    )
    .reach(Reach::FileOnly),
    Row::new(
        Key::TokenCommandTimeout,
        Group::Credential,
        "token-command-timeout",
        Kind::Duration,
        "Longest time for the token command",
    )
    .default("30s")
    .reach(Reach::FileOnly),
    Row::new(
        Key::NoAuth,
        Group::Credential,
        "no-auth",
        Kind::Switch,
        "Send no credential, even when one is configured",
    ),
    Row::new(
        Key::Cert,
        Group::Credential,
        "cert",
        Kind::File,
        "Client certificate and its chain (PEM)",
    )
    .f5("VOLT_API_CERT"),
    Row::new(
        Key::CertKey,
        Group::Credential,
        "key",
        Kind::File,
        "Private key of the client certificate (PEM)",
    )
    .f5("VOLT_API_KEY"),
    Row::new(
        Key::P12,
        Group::Credential,
        "p12",
        Kind::File,
        "Client certificate and key in one PKCS#12 file",
    )
    .alias("p12-bundle")
    .f5("VOLT_API_P12_FILE"),
    Row::new(
        Key::P12PasswordFile,
        Group::Credential,
        "p12-password-file",
        Kind::File,
        "File that holds the password of the PKCS#12 file",
    ),
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
    Row::new(
        Key::Jobs,
        Group::Bulk,
        "jobs",
        Kind::Count,
        "Requests under way at once, 1 to 256; fewer where the machine has too few files or threads",
    )
    .default("4"),
    Row::new(
        Key::MaxFailures,
        Group::Bulk,
        "max-failures",
        Kind::Count,
        "Stop after N consecutive rows that were not accepted; 0 never stops",
    )
    .default("10"),
    Row::new(
        Key::KeepAlive,
        Group::Bulk,
        "keep-alive",
        Kind::Switch,
        "Reuse a connection that was idle for less than a second: faster, with a small risk of unknown rows",
    ),
    Row::new(
        Key::Format,
        Group::Bulk,
        "format",
        Kind::Choice(&["auto", "csv", "ndjson", "lines"]),
        "Format of the list",
    )
    .default("auto"),
    Row::new(
        Key::SkipInvalid,
        Group::Bulk,
        "skip-invalid",
        Kind::Switch,
        "Leave out rows that cannot be used instead of refusing the list; they are always counted",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Journal,
        Group::Bulk,
        "journal",
        Kind::File,
        "Journal of the run [default: a file of its own for each URL, cname and list; `vescli journal list` shows them]",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Fresh,
        Group::Bulk,
        "fresh",
        Kind::Switch,
        "Start a new journal: people already mailed will be mailed again (people known from other lists: see --known)",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::RetryRejected,
        Group::Bulk,
        "retry-rejected",
        Kind::Switch,
        "Send again the rows that the service rejected earlier",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::ResendUnknown,
        Group::Bulk,
        "resend-unknown",
        Kind::Switch,
        "Send again the rows that are unknown: a person may be mailed twice",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Limit,
        Group::Bulk,
        "limit",
        Kind::Count,
        "Send at most N rows of the list and end with 0 if they are accepted; the next run continues after them",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Known,
        Group::Bulk,
        "known",
        Kind::Choice(&["skip", "send"]),
        "People known from the journals of other lists: skip leaves them out, send mails them again [default: ask, or refuse]",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Yes,
        Group::Bulk,
        "yes",
        Kind::Switch,
        "Do not ask for confirmation; needed where standard input is not a terminal",
    )
    .reach(Reach::RunOnly),
];

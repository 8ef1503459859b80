//! The table of everything that can be set, a row each. One row makes the flag, the `VESCLI_` variable, the key of the file,
//! the help and the completion of a setting.

use super::setting::{Group, Kind, Scope, Setting, SettingRow};

/// The settings, in the order of [`Setting`].
pub(super) static ROWS: &[SettingRow] = &[
    SettingRow::new(
        Setting::Email,
        Group::Request,
        "email",
        Kind::Text("ADDR"),
        "Address of the person who gets the link",
    )
    .short('e'),
    SettingRow::new(
        Setting::Cname,
        Group::Request,
        "cname",
        Kind::Text("NAME"),
        "Domain under which the tenant belongs [default: the tenant]",
    ),
    SettingRow::new(
        Setting::AllowAnyEmail,
        Group::Request,
        "allow-any-email",
        Kind::Switch,
        "Accept an address that the published pattern refuses",
    ),
    SettingRow::new(
        Setting::Profile,
        Group::Target,
        "profile",
        Kind::Text("NAME"),
        "Profile of the configuration file to use",
    )
    .short('p')
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Config,
        Group::Target,
        "config",
        Kind::File,
        "Configuration file to read; `none` reads no file",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Tenant,
        Group::Target,
        "tenant",
        Kind::Text("LABEL"),
        "Tenant: the first label of the console's host name",
    )
    .f5("F5XC_TENANT"),
    SettingRow::new(
        Setting::Region,
        Group::Target,
        "region",
        Kind::Text("LABEL"),
        "Region in the URL",
    )
    .default("us-east-1")
    .f5("F5XC_REGION"),
    SettingRow::new(
        Setting::Environment,
        Group::Target,
        "environment",
        Kind::Choice(&["production", "staging", "development"]),
        "Environment in the URL",
    )
    .default("production")
    .f5("F5XC_ENVIRONMENT"),
    SettingRow::new(
        Setting::Namespace,
        Group::Target,
        "namespace",
        Kind::Text("LABEL"),
        "Namespace in the URL",
    )
    .default("default")
    .f5("F5XC_DEFAULT_NAMESPACE"),
    SettingRow::new(
        Setting::Console,
        Group::Target,
        "console",
        Kind::Choice(&["console.ves.volterra.io", "staging.volterra.us"]),
        "Console that the tenant lives on",
    )
    .default("console.ves.volterra.io"),
    SettingRow::new(
        Setting::Prefix,
        Group::Target,
        "prefix",
        Kind::Text("LABEL"),
        "Prefix in the URL",
    )
    .default("api"),
    SettingRow::new(
        Setting::BaseUrl,
        Group::Target,
        "base-url",
        Kind::Text("URL"),
        "Everything before /no_auth/send_password_email, used as it stands",
    ),
    SettingRow::new(
        Setting::TokenFile,
        Group::Credential,
        "token-file",
        Kind::File,
        "File that holds the API token; `-` reads standard input",
    ),
    SettingRow::new(
        Setting::TokenCommand,
        Group::Credential,
        "token-command",
        Kind::List("WORD"),
        "Command that prints the API token, as an array of words; run without a shell",
    )
    .reach(Scope::FileOnly),
    SettingRow::new(
        Setting::TokenCommandTimeout,
        Group::Credential,
        "token-command-timeout",
        Kind::Duration,
        "Longest time for the token command",
    )
    .default("30s")
    .reach(Scope::FileOnly),
    SettingRow::new(
        Setting::NoAuth,
        Group::Credential,
        "no-auth",
        Kind::Switch,
        "Send no credential, even when one is configured",
    ),
    SettingRow::new(
        Setting::Cert,
        Group::Credential,
        "cert",
        Kind::File,
        "Client certificate and its chain (PEM)",
    )
    .f5("VOLT_API_CERT"),
    SettingRow::new(
        Setting::CertKey,
        Group::Credential,
        "key",
        Kind::File,
        "Private key of the client certificate (PEM)",
    )
    .f5("VOLT_API_KEY"),
    SettingRow::new(
        Setting::P12,
        Group::Credential,
        "p12",
        Kind::File,
        "Client certificate and key in one PKCS#12 file",
    )
    .alias("p12-bundle")
    .f5("VOLT_API_P12_FILE"),
    SettingRow::new(
        Setting::P12PasswordFile,
        Group::Credential,
        "p12-password-file",
        Kind::File,
        "File that holds the password of the PKCS#12 file",
    ),
    SettingRow::new(
        Setting::Timeout,
        Group::Network,
        "timeout",
        Kind::Duration,
        "Longest time for one attempt, all of it",
    )
    .default("30s"),
    SettingRow::new(
        Setting::ConnectTimeout,
        Group::Network,
        "connect-timeout",
        Kind::Duration,
        "Longest time until the connection is up, TLS included",
    )
    .default("10s"),
    SettingRow::new(
        Setting::Proxy,
        Group::Network,
        "proxy",
        Kind::Text("URL"),
        "Proxy to tunnel through (http, https or socks5h)",
    )
    .short('x'),
    SettingRow::new(
        Setting::Noproxy,
        Group::Network,
        "noproxy",
        Kind::Text("LIST"),
        "Hosts that are reached without the proxy, separated by commas",
    ),
    SettingRow::new(
        Setting::Cacert,
        Group::Network,
        "cacert",
        Kind::File,
        "Certificates (PEM) to trust besides the system's store",
    )
    .f5("VOLT_API_CA_CERT"),
    SettingRow::new(
        Setting::Resolve,
        Group::Network,
        "resolve",
        Kind::List("HOST:PORT:ADDR"),
        "Address to use for a host and port instead of asking DNS; may be given again",
    ),
    SettingRow::new(
        Setting::Retries,
        Group::Retry,
        "retries",
        Kind::Count,
        "Retries after failures that cannot have sent mail; 0 disables",
    )
    .default("2"),
    SettingRow::new(
        Setting::MaxRetryAfter,
        Group::Retry,
        "max-retry-after",
        Kind::Duration,
        "Longest wait that the server may ask for with Retry-After",
    )
    .default("5m"),
    SettingRow::new(
        Setting::RetryUnknown,
        Group::Retry,
        "retry-unknown",
        Kind::Switch,
        "Retry also what may have been sent: a person may be mailed twice",
    ),
    SettingRow::new(
        Setting::Output,
        Group::Output,
        "output",
        Kind::Choice(&["text", "json"]),
        "Form of the result on standard output",
    )
    .short('o')
    .default("text"),
    SettingRow::new(
        Setting::Json,
        Group::Output,
        "json",
        Kind::Switch,
        "Short for --output json",
    ),
    SettingRow::new(
        Setting::Quiet,
        Group::Output,
        "quiet",
        Kind::Switch,
        "Say nothing on success, and with --json nothing on standard error",
    )
    .short('q'),
    SettingRow::new(
        Setting::Verbose,
        Group::Output,
        "verbose",
        Kind::Level,
        "Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too",
    )
    .short('v'),
    SettingRow::new(
        Setting::Color,
        Group::Output,
        "color",
        Kind::Choice(&["auto", "always", "never"]),
        "When to colour",
    )
    .default("auto"),
    SettingRow::new(
        Setting::DryRun,
        Group::Safety,
        "dry-run",
        Kind::Switch,
        "Print the request and send nothing",
    )
    .short('n')
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::ShowCurl,
        Group::Safety,
        "show-curl",
        Kind::Switch,
        "Print the equivalent curl command (bash, zsh, fish, dash) without the secret, and send nothing",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::NoInput,
        Group::Safety,
        "no-input",
        Kind::Switch,
        "Never ask a question",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Rate,
        Group::Bulk,
        "rate",
        Kind::Text("N/UNIT"),
        "Most requests in a time, such as 30/m (s, m, h; `none` for no limit) [default: bulk 60/m, sandbox none; the variable is bulk's alone]",
    ),
    SettingRow::new(
        Setting::RequireAuth,
        Group::Sandbox,
        "require-auth",
        Kind::Switch,
        "Answer 401 to a request without the sandbox's own token",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Log,
        Group::Sandbox,
        "log",
        Kind::File,
        "Write one JSON line for each request received",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::As,
        Group::Journal,
        "as",
        Kind::Choice(&["accepted", "not-sent", "not_sent"]),
        "What became of the rows: accepted, the people were mailed; not-sent, nobody was",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::AllUnknown,
        Group::Journal,
        "all-unknown",
        Kind::Switch,
        "Every row that is unknown, in place of --email",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Undo,
        Group::Journal,
        "undo",
        Kind::Switch,
        "Take back an earlier `resolve`: the rows are unknown again",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::List,
        Group::Journal,
        "list",
        Kind::File,
        "The list that the journal belongs to: it names the people whose lines are damaged",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::OlderThan,
        Group::Journal,
        "older-than",
        Kind::Duration,
        "Only journals whose last run is at least this long ago, such as 90d",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Jobs,
        Group::Bulk,
        "jobs",
        Kind::Count,
        "Requests under way at once, 1 to 256; fewer where the machine has too few files or threads",
    )
    .default("4"),
    SettingRow::new(
        Setting::MaxFailures,
        Group::Bulk,
        "max-failures",
        Kind::Count,
        "Stop after N consecutive rows that were not accepted; 0 never stops",
    )
    .default("10"),
    SettingRow::new(
        Setting::KeepAlive,
        Group::Bulk,
        "keep-alive",
        Kind::Switch,
        "Reuse a connection that was idle for less than a second: faster, with a small risk of unknown rows",
    ),
    SettingRow::new(
        Setting::Format,
        Group::Bulk,
        "format",
        Kind::Choice(&["auto", "csv", "ndjson", "lines"]),
        "Format of the list",
    )
    .default("auto"),
    SettingRow::new(
        Setting::SkipInvalid,
        Group::Bulk,
        "skip-invalid",
        Kind::Switch,
        "Leave out rows that cannot be used instead of refusing the list; they are always counted",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Journal,
        Group::Bulk,
        "journal",
        Kind::File,
        "Journal of the run [default: a file of its own for each URL, cname and list; `vescli journal list` shows them]",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Fresh,
        Group::Bulk,
        "fresh",
        Kind::Switch,
        "Start a new journal: people already mailed will be mailed again (people known from other lists: see --known)",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::RetryRejected,
        Group::Bulk,
        "retry-rejected",
        Kind::Switch,
        "Send again the rows that the service rejected earlier",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::ResendUnknown,
        Group::Bulk,
        "resend-unknown",
        Kind::Switch,
        "Send again the rows that are unknown: a person may be mailed twice",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Limit,
        Group::Bulk,
        "limit",
        Kind::Count,
        "Send at most N rows of the list and end with 0 if they are accepted; the next run continues after them",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Known,
        Group::Bulk,
        "known",
        Kind::Choice(&["skip", "send"]),
        "People known from the journals of other lists: skip leaves them out, send mails them again [default: ask, or refuse]",
    )
    .reach(Scope::RunOnly),
    SettingRow::new(
        Setting::Yes,
        Group::Bulk,
        "yes",
        Kind::Switch,
        "Do not ask for confirmation; needed where standard input is not a terminal",
    )
    .reach(Scope::RunOnly),
];

//! The table of all settings. Each entry makes the flag, the `VESCLI_` variable, the key of the configuration file, the help,
//! the completion and the line of `config explain`, so that none of them can be forgotten or differ.

/// The consoles that exist, the usual one first. Help and completions offer them.
pub const CONSOLES: &[&str] = &["console.ves.volterra.io", "staging.volterra.us"];
/// A text; in the file a number is also accepted.
pub const RATE: Kind = Kind::Text("N/UNIT");
const ENVIRONMENTS: &[&str] = &["production", "staging", "development"];

/// Makes the enum [`Setting`], its headings [`Group`] and the entries from one table. A group is written as its name and the
/// heading in the help; an entry as `Name: flag, kind, scope[, short][, alias][, default][, f5_variable] => help;`
macro_rules! settings {
    ($($group:ident $heading:literal {
        $($setting:ident: $flag:literal, $kind:expr, $scope:ident $(, $field:ident: $value:expr)* => $help:literal;)*
    })*) => {
        /// The order is that of the table, of the help and of `config explain`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Setting {
            $($($setting,)*)*
        }

        /// The heading under which the help shows a flag; decides which commands have it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Group {
            $($group,)*
        }

        impl Group {
            pub const ALL: &[Self] = &[$(Self::$group),*];

            pub const fn heading(self) -> &'static str {
                match self {
                    $(Self::$group => $heading,)*
                }
            }
        }

        static SPECS: &[SettingSpec] = {
            use Kind::{Choice, Count, Duration, File, Level, List, Switch, Text};

            &[$($({
                let (setting, group, scope) = (Setting::$setting, Group::$group, Scope::$scope);
                let (flag, kind, help) = ($flag, $kind, $help);
                let (short, alias, default, f5_variable) = (None, None, None, None);
                let spec = SettingSpec { setting, group, flag, kind, scope, short, alias, default, f5_variable, help };
                SettingSpec { $($field: Some($value),)* ..spec }
            },)*)*]
        };
    };
}

settings! {
    Request "Request" {
        Email: "email", Text("ADDR"), Everywhere, short: 'e' => "Address of the person who gets the link";
        Cname: "cname", Text("NAME"), Everywhere => "Domain that the tenant belongs to [default: the tenant]";
        AllowAnyEmail: "allow-any-email", Switch, Everywhere => "Accept an address that the published pattern refuses";
    }
    Target "Target" {
        Profile: "profile", Text("NAME"), RunOnly, short: 'p' => "Profile of the configuration file to use";
        Config: "config", File, RunOnly => "Configuration file to read; `none` reads no file";
        Tenant: "tenant", Text("LABEL"), Everywhere, f5_variable: "F5XC_TENANT" =>
            "Tenant: the first label of the console's host name";
        Region: "region", Text("LABEL"), Everywhere, default: "us-east-1", f5_variable: "F5XC_REGION" =>
            "Region in the URL";
        Environment: "environment", Choice(ENVIRONMENTS), Everywhere, default: ENVIRONMENTS[0],
            f5_variable: "F5XC_ENVIRONMENT" =>
            "Environment in the URL";
        Namespace: "namespace", Text("LABEL"), Everywhere, default: "default", f5_variable: "F5XC_DEFAULT_NAMESPACE" =>
            "Namespace in the URL";
        Console: "console", Choice(CONSOLES), Everywhere, default: CONSOLES[0] => "Console of the tenant";
        Prefix: "prefix", Text("LABEL"), Everywhere, default: "api" => "Prefix in the URL";
        BaseUrl: "base-url", Text("URL"), Everywhere =>
            "Everything before /no_auth/send_password_email, used unchanged";
    }
    Credential "Credential" {
        TokenFile: "token-file", File, Everywhere => "File that contains the API token, if not in VESCLI_TOKEN; `-` reads standard input";
        TokenCommand: "token-command", List("WORD"), FileOnly =>
            "Command that prints the API token, as an array of words; run without a shell";
        TokenCommandTimeout: "token-command-timeout", Duration, FileOnly, default: "30s" =>
            "Time limit for the token command";
        NoAuth: "no-auth", Switch, Everywhere => "Send no credential, even when one is configured";
        Cert: "cert", File, Everywhere, f5_variable: "VOLT_API_CERT" => "Client certificate and its chain (PEM)";
        CertKey: "key", File, Everywhere, f5_variable: "VOLT_API_KEY" => "Private key of the client certificate (PEM)";
        P12: "p12", File, Everywhere, alias: "p12-bundle", f5_variable: "VOLT_API_P12_FILE" =>
            "Client certificate and key in one PKCS#12 file";
        P12PasswordFile: "p12-password-file", File, Everywhere => "File that contains the password of the PKCS#12 file";
    }
    Network "Network" {
        Timeout: "timeout", Duration, Everywhere, default: "30s" => "Time limit for one whole attempt";
        ConnectTimeout: "connect-timeout", Duration, Everywhere, default: "10s" =>
            "Time limit for connecting, TLS included";
        Proxy: "proxy", Text("URL"), Everywhere, short: 'x' => "Proxy to tunnel through (http, https or socks5h)";
        Noproxy: "noproxy", Text("LIST"), Everywhere => "Hosts that are reached without the proxy, separated by commas";
        Cacert: "cacert", File, Everywhere, f5_variable: "VOLT_API_CA_CERT" =>
            "Certificates (PEM) to trust besides the system's store";
        Resolve: "resolve", List("HOST:PORT:ADDR"), Everywhere =>
            "Address to use for a host and port instead of asking DNS; may be repeated";
    }
    Retry "Retry" {
        Retries: "retries", Count, Everywhere, default: "2" =>
            "Retries after failures that cannot have sent mail; 0 disables";
        MaxRetryAfter: "max-retry-after", Duration, Everywhere, default: "5m" =>
            "Longest wait that a Retry-After of the server may ask for";
        RetryUnknown: "retry-unknown", Switch, Everywhere =>
            "Also retry what may have been sent: a person may be mailed twice";
        WaitForUser: "wait-for-user", Duration, Everywhere, default: "0s" =>
            "Retry a 404 for this long, such as 2m, until a user who was just created exists; 0s disables";
    }
    Output "Output" {
        Output: "output", Choice(&["text", "json"]), Everywhere, short: 'o', default: "text" =>
            "Format of the result on standard output";
        Json: "json", Switch, Everywhere => "Short for --output json";
        Quiet: "quiet", Switch, Everywhere, short: 'q' =>
            "Print nothing on success, and with --json nothing on standard error";
        Verbose: "verbose", Level, Everywhere, short: 'v' =>
            "Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too";
        Color: "color", Choice(&["auto", "always", "never"]), Everywhere, default: "auto" => "When to use colours";
    }
    Safety "Safety" {
        DryRun: "dry-run", Switch, RunOnly, short: 'n' => "Print the request and send nothing";
        ShowCurl: "show-curl", Switch, RunOnly =>
            "Print the equivalent curl command (bash, zsh, fish, dash) without the secret, and send nothing";
        NoInput: "no-input", Switch, RunOnly => "Never ask a question";
        NoJournal: "no-journal", Switch, RunOnly => "Do not record the send: no list will know this person";
    }
    Bulk "List" {
        // The slower of the rates that F5's own tools use. The sandbox takes only the flag, and has no limit by default.
        Rate: "rate", RATE, Everywhere, default: "60/m" =>
            "Highest rate of requests: 30/m, 30 (a minute), 0.5/s; units s, m, h; `none` for no limit";
        Jobs: "jobs", Count, Everywhere, default: "4" =>
            "Concurrent requests, 1 to 256; fewer if the machine has too few file descriptors or threads";
        MaxFailures: "max-failures", Count, Everywhere, default: "10" =>
            "Stop after N consecutive rows that were not accepted; 0 never stops";
        KeepAlive: "keep-alive", Switch, Everywhere =>
            "Reuse connections that were idle for less than a second: faster, with a small risk of unknown rows";
        Format: "format", Choice(&["auto", "csv", "ndjson", "lines"]), Everywhere, default: "auto" =>
            "Format of the list";
        SkipInvalid: "skip-invalid", Switch, RunOnly =>
            "Leave out invalid rows instead of refusing the list; they are always counted";
        Journal: "journal", File, RunOnly =>
            "Journal of the run [default: one for each URL, cname and list; `vescli journal list` shows them]";
        Fresh: "fresh", Switch, RunOnly =>
            "Start a new journal: people already mailed will be mailed again (people known from other lists: see --known)";
        RetryRejected: "retry-rejected", Switch, RunOnly => "Send again the rows that the service rejected earlier";
        ResendUnknown: "resend-unknown", Switch, RunOnly =>
            "Send again the rows that are unknown: a person may be mailed twice";
        Limit: "limit", Count, RunOnly =>
            "Send at most N rows of the list and end with 0 if they are accepted; the next run continues after them";
        Shard: "shard", Text("K/N"), RunOnly =>
            "Send only shard K of N, a fixed part of the people; --rate is for all shards together, --jobs and --limit for each";
        Known: "known", Choice(&["skip", "send"]), RunOnly =>
            "People known from other lists: `skip` them, or `send` to them again [default: ask, or refuse]";
        Junit: "junit", File, RunOnly =>
            "Write a JUnit report with a case for each row to FILE when the run has ended, for a CI system";
        Metrics: "metrics", File, RunOnly =>
            "Write counts, times and exit code to FILE when the run has ended, for node_exporter's textfile collector";
        Yes: "yes", Switch, RunOnly => "Do not ask for confirmation; needed without a terminal";
    }
    Sandbox "Sandbox" {
        Port: "port", Text("PORT"), RunOnly => "Port of 127.0.0.1 [default: any free port]";
        Tls: "tls", Switch, RunOnly => "Serve https; VESCLI_CACERT names the authority";
        FailRate: "fail-rate", Text("SHARE"), RunOnly => "Answer 503 to this share of requests, such as 5%";
        RequireAuth: "require-auth", Switch, RunOnly => "Answer 401 to a request without the sandbox's own token";
        Log: "log", File, RunOnly => "Write one JSON line for each request received";
    }
    Journal "Journal" {
        As: "as", Choice(&["accepted", "not-sent"]), RunOnly =>
            "Outcome of the rows: accepted if the people were mailed, not-sent if no one was";
        AllUnknown: "all-unknown", Switch, RunOnly => "All rows that are unknown, instead of --email";
        Undo: "undo", Switch, RunOnly => "Take back an earlier `resolve`: the rows are unknown again";
        Into: "into", File, RunOnly => "File for the merged journal; one that exists is never overwritten";
        List: "list", File, RunOnly =>
            "The list that the journal belongs to: it names the people whose lines are damaged";
        OlderThan: "older-than", Duration, RunOnly =>
            "Only journals whose last run is at least this long ago, such as 90d";
    }
}

/// The kind of a value: decides the action of the flag, the type in the file, and the check of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text; the help shows this name for the value.
    Text(&'static str),
    File,
    /// One of these words. An underscore for a hyphen is accepted, because JSON has `not_sent`.
    Choice(&'static [&'static str]),
    Switch,
    /// A whole number, 0 included.
    Count,
    /// A switch that counts how often it is given.
    Level,
    /// A time with its unit, such as `30s`.
    Duration,
    /// Several texts: the flag may be repeated, the file has an array, a variable separates by commas.
    List(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// As a flag, a variable and a key of the file.
    Everywhere,
    /// As a flag and a variable: it is only for one run.
    RunOnly,
    /// Only in the file.
    FileOnly,
}

impl Group {
    /// Whether `config explain` shows it: settings for one run or one command only are not configuration.
    pub const fn is_explained(self) -> bool {
        !matches!(self, Self::Safety | Self::Sandbox | Self::Journal)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct SettingSpec {
    pub setting: Setting,
    pub group: Group,
    /// The long flag, without the hyphens in front.
    pub flag: &'static str,
    pub kind: Kind,
    pub scope: Scope,
    pub short: Option<char>,
    /// Another long flag that means the same.
    pub alias: Option<&'static str>,
    pub default: Option<&'static str>,
    /// The variable of F5's own tools for it.
    pub f5_variable: Option<&'static str>,
    /// One line, without a full stop.
    pub help: &'static str,
}

impl SettingSpec {
    /// The key in the file: the flag with underscores.
    pub fn name(&self) -> String {
        self.flag.replace('-', "_")
    }

    /// The environment variable: `VESCLI_` and the flag in upper case.
    pub fn variable(&self) -> String {
        // Without texts in between: each start of vescli makes all of these names.
        let upper = |byte| if byte == b'-' { '_' } else { char::from(byte).to_ascii_uppercase() };
        "VESCLI_".chars().chain(self.flag.bytes().map(upper)).collect()
    }

    /// Whether there is a flag and a variable for it.
    pub fn is_flag(&self) -> bool {
        self.scope != Scope::FileOnly
    }

    pub fn in_file(&self) -> bool {
        self.scope != Scope::RunOnly
    }
}

impl Setting {
    pub fn spec(self) -> &'static SettingSpec {
        // The macro makes the enum and the entries in the same order.
        &SPECS[self as usize]
    }
}

pub fn specs() -> impl Iterator<Item = &'static SettingSpec> {
    SPECS.iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_flag() {
        let spec = Setting::MaxRetryAfter.spec();
        assert_eq!((spec.name().as_str(), spec.variable().as_str()), ("max_retry_after", "VESCLI_MAX_RETRY_AFTER"));
    }
}

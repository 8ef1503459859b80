//! The table of everything that can be set. One row makes the flag, the `VESCLI_` variable, the key of the file, the
//! help and the completion of a setting, so that none of them can be forgotten or say something else.

use super::settings_table::ROWS;

/// Everything that can be set. The order is that of the table, of the help and of `config explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    Email,
    Cname,
    AllowAnyEmail,
    Profile,
    Config,
    Tenant,
    Region,
    Environment,
    Namespace,
    Console,
    Prefix,
    BaseUrl,
    TokenFile,
    TokenCommand,
    TokenCommandTimeout,
    NoAuth,
    Cert,
    CertKey,
    P12,
    P12PasswordFile,
    Timeout,
    ConnectTimeout,
    Proxy,
    Noproxy,
    Cacert,
    Resolve,
    Retries,
    MaxRetryAfter,
    RetryUnknown,
    Output,
    Json,
    Quiet,
    Verbose,
    Color,
    DryRun,
    ShowCurl,
    NoInput,
    Rate,
    RequireAuth,
    Log,
    As,
    AllUnknown,
    Undo,
    List,
    OlderThan,
    Jobs,
    MaxFailures,
    KeepAlive,
    Format,
    SkipInvalid,
    Journal,
    Fresh,
    RetryRejected,
    ResendUnknown,
    Limit,
    Known,
    Yes,
}

/// What a value looks like: decides the action of the flag, the type in the file, and the check of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text; the name stands for the value in the help.
    Text(&'static str),
    /// The path of a file.
    File,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// On or off.
    Switch,
    /// A whole number from 0 on.
    Count,
    /// A switch that counts how often it is given.
    Level,
    /// A time with its unit, such as `30s`.
    Duration,
    /// Several texts: the flag may be given again, the file holds an array, a variable separates by commas.
    List(&'static str),
}

/// The heading under which the help shows a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Request,
    Target,
    Credential,
    Network,
    Retry,
    Output,
    Safety,
    Bulk,
    Sandbox,
    Journal,
}

impl Group {
    /// The heading as the help prints it.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::Target => "Target",
            Self::Credential => "Credential",
            Self::Network => "Network",
            Self::Retry => "Retry",
            Self::Output => "Output",
            Self::Safety => "Safety",
            Self::Bulk => "List",
            Self::Sandbox => "Sandbox",
            Self::Journal => "Journal",
        }
    }

    /// Whether `config explain` tells of it: what belongs to one run or one command alone is no configuration.
    pub const fn is_explained(self) -> bool {
        !matches!(self, Self::Safety | Self::Sandbox | Self::Journal)
    }
}

/// Where a setting can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// As a flag, a variable and a key of the file.
    Everywhere,
    /// As a flag and a variable: it belongs to one run.
    RunOnly,
    /// In the file alone: it cannot be said in one word.
    FileOnly,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct SettingRow {
    /// What is set.
    pub key: Setting,
    /// Its heading.
    pub group: Group,
    /// The long flag, without its hyphens in front.
    pub flag: &'static str,
    /// The short flag.
    pub short: Option<char>,
    /// Another long flag that means the same.
    pub alias: Option<&'static str>,
    /// What a value looks like.
    pub kind: Kind,
    /// Where it can be given.
    pub reach: Scope,
    /// The built-in value, if there is one.
    pub default: Option<&'static str>,
    /// The name that F5's own tools use for it, if there is one.
    pub f5_variable: Option<&'static str>,
    /// One line for the help, without a full stop.
    pub help: &'static str,
}

impl SettingRow {
    pub(super) const fn new(key: Setting, group: Group, flag: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            key,
            group,
            flag,
            short: None,
            alias: None,
            kind,
            reach: Scope::Everywhere,
            default: None,
            f5_variable: None,
            help,
        }
    }

    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(super) const fn reach(mut self, reach: Scope) -> Self {
        self.reach = reach;
        self
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn f5(mut self, variable: &'static str) -> Self {
        self.f5_variable = Some(variable);
        self
    }

    /// The key in the file: the flag with underscores.
    pub fn name(&self) -> String {
        self.flag.replace('-', "_")
    }

    /// The environment variable: `VESCLI_` and the flag in upper case.
    pub fn variable(&self) -> String {
        format!("VESCLI_{}", self.name().to_ascii_uppercase())
    }

    /// Whether there is a flag for it.
    pub fn is_flag(&self) -> bool {
        self.reach != Scope::FileOnly
    }

    /// Whether the file may hold it.
    pub fn in_file(&self) -> bool {
        self.reach != Scope::RunOnly
    }
}

impl Setting {
    /// The row of this key.
    pub fn row(self) -> &'static SettingRow {
        // The order of rows is the order of the enum; a test holds it.
        &ROWS[self as usize]
    }
}

/// All rows, in order.
pub fn rows() -> impl Iterator<Item = &'static SettingRow> {
    ROWS.iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_own_row() {
        for (index, row) in rows().enumerate() {
            assert_eq!(row.key as usize, index, "{}", row.flag);
            assert_eq!(row.key.row().flag, row.flag);
        }
        assert_eq!(Setting::Yes as usize + 1, rows().count());
    }

    #[test]
    fn names_follow_from_the_flag() {
        let row = Setting::MaxRetryAfter.row();
        assert_eq!((row.name().as_str(), row.variable().as_str()), ("max_retry_after", "VESCLI_MAX_RETRY_AFTER"));
    }
}

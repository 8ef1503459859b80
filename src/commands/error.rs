//! Everything that keeps a command from doing its work, and the exit code of each: an exhaustive match, so that a new
//! error cannot forget its code.

use std::env::JoinPathsError;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::api::failure::without_number;
use crate::api::operation::RequestError;
use crate::api::transport::TransportError;
use crate::api::trust::TrustError;
use crate::args::layer::{Origin, ValueError};
use crate::args::settings_table::Setting;
use crate::bulk::journal::JournalError;
use crate::bulk::list::{BadRow, RowsError};
use crate::report::ErrorReport;
use crate::report::exit::{Ending, Exit};
use crate::settings::config_file::ConfigError;
use crate::settings::error::{CredentialError, SettingsError};
use crate::settings::file::{FileError, FileErrorKind};

#[derive(Debug, Error)]
pub enum CommandError {
    #[error(transparent)]
    Settings(SettingsError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Bulk(#[from] BulkError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A limit of this machine.
    #[error("{what}")]
    Os { what: &'static str, source: io::Error },
    /// Reading or writing something that was named.
    #[error("{0}")]
    Io(String),
    /// With its own exit and hint.
    #[error("{}", .0.message)]
    Report(ErrorReport),
}

/// What keeps a list from being sent.
#[derive(Debug, Error)]
pub enum BulkError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{name}: {error}")]
    Rows { name: String, error: RowsError },
    #[error("{name}: {count} of its rows cannot be used, nothing was sent{lines}", count = .bad.len(), lines = lines(.bad))]
    BadRows {
        name: String,
        bad: Vec<BadRow>,
        /// Whether other rows can be used.
        usable: bool,
    },
    #[error("both the token and the list would come from standard input")]
    TwoInputs,
    #[error("{0}; nothing was sent, because neither --known skip nor --known send says what to do with them")]
    Known(String),
    #[error("{0}; nothing was sent, because neither --known skip nor --known send says what to do with them")]
    Unread(String),
    #[error(
        "cannot ask for confirmation: standard input is not a terminal; {0} would be mailed: check the plan with --dry-run, then add --yes"
    )]
    NotAsked(String),
}

/// Most invalid rows that a message lists.
const LISTED: usize = 20;

fn lines(bad: &[BadRow]) -> String {
    let mut text = String::new();
    for row in bad.iter().take(LISTED) {
        text.push_str(&format!("\n  line {}: {}", row.line, row.reason));
    }
    if let Some(rest) = bad.len().checked_sub(LISTED + 1) {
        text.push_str(&format!("\n  and {} more", rest + 1));
    }
    text
}

impl<E: Into<SettingsError>> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self::Settings(error.into())
    }
}

impl From<ErrorReport> for CommandError {
    fn from(report: ErrorReport) -> Self {
        Self::Report(report)
    }
}

impl CommandError {
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Report(ErrorReport::new(Exit::Usage, message, hint))
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(error) => of_settings(error),
            Self::Request(RequestError::Field { .. }) => Exit::Usage,
            Self::Request(RequestError::Url(_)) => Exit::Internal,
            Self::Transport(error) => of_transport(error),
            Self::Sandbox(error) => of_sandbox(error),
            Self::Bulk(error) => of_bulk(error),
            Self::Journal(error) => of_journal(error),
            Self::Os { .. } => Exit::OsError,
            Self::Io(_) => Exit::Io,
            Self::Report(report) => report.exit,
        }
    }

    /// How the process ends because of it: a command that the sandbox cannot run has the shell's own codes.
    pub fn ending(&self) -> Ending {
        match self {
            Self::Sandbox(error) => error.command_code().map_or(self.exit().into(), Ending::Child),
            _ => self.exit().into(),
        }
    }

    /// The same for the reporter.
    pub fn report(&self) -> ErrorReport {
        let exit = self.exit();
        let hint = match self {
            Self::Sandbox(error) if error.hint().is_some() => error.hint().map(str::to_owned),
            Self::Journal(JournalError::Missing { .. }) => Some("`vescli journal list` shows the journals".to_owned()),
            _ if exit == Exit::OsError => Some(exit.row().advice.to_owned()),
            Self::Report(report) => report.hint.clone(),
            _ => None,
        };
        ErrorReport { exit, message: with_causes(self), hint }
    }
}

fn of_settings(error: &SettingsError) -> Exit {
    match error {
        SettingsError::Config(error) => of_config(error),
        SettingsError::Value(ValueError { origin, .. }) => match origin {
            Origin::Flag(_) => Exit::Usage,
            Origin::Variable(_) | Origin::ForeignVariable(_) | Origin::File { .. } | Origin::BuiltIn => Exit::Config,
        },
        // The address is the operand of the command; everything else that is missing belongs into a configuration.
        SettingsError::Missing { key: Setting::Email, .. } => Exit::Usage,
        SettingsError::Missing { .. } => Exit::Config,
        SettingsError::Credential(error) => of_credential(error),
    }
}

const fn of_config(error: &ConfigError) -> Exit {
    match error {
        ConfigError::File { error } => of_file(error, Exit::Config),
        ConfigError::NotUtf8 { .. }
        | ConfigError::Untrusted { .. }
        | ConfigError::Mistake { .. }
        | ConfigError::UnknownProfile { .. }
        | ConfigError::NoFile { .. } => Exit::Config,
    }
}

const fn of_credential(error: &CredentialError) -> Exit {
    match error {
        CredentialError::File { error, .. } => of_file(error, Exit::Config),
        CredentialError::Token { .. }
        | CredentialError::Command { .. }
        | CredentialError::Stdin(_)
        | CredentialError::Certificate { .. }
        | CredentialError::Bound { .. }
        | CredentialError::Unbound { .. } => Exit::Config,
    }
}

/// A file that is missing has the same exit everywhere; one that cannot be used has that of its place.
const fn of_file(error: &FileError, unusable: Exit) -> Exit {
    match error.kind {
        FileErrorKind::Missing => Exit::NoInput,
        _ => unusable,
    }
}

fn of_transport(error: &TransportError) -> Exit {
    match error {
        TransportError::Trust(error) => match error {
            TrustError::File { error, .. } => of_file(error, Exit::BadInput),
            TrustError::NoCertificate { .. } | TrustError::Damaged { .. } => Exit::BadInput,
            TrustError::NoStore | TrustError::Empty(_) => Exit::Config,
            TrustError::Tls(_) | TrustError::Verifier(_) => Exit::Internal,
        },
        // The client opens descriptors and starts a thread.
        TransportError::Client(error) if error.chain().any(is_of_the_system) => Exit::OsError,
        TransportError::Client(_) => Exit::Internal,
    }
}

/// Whether the operating system reported this, and not a library.
fn is_of_the_system(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.raw_os_error().is_some())
}

const fn of_sandbox(error: &SandboxError) -> Exit {
    match error {
        SandboxError::CommandNotFound { .. } | SandboxError::CommandNotExecutable { .. } => Exit::Usage,
        SandboxError::LogNotWritable { .. }
        | SandboxError::LogIncomplete { .. }
        | SandboxError::AuthorityNotWritable { .. }
        | SandboxError::Output(_) => Exit::Io,
        SandboxError::SearchPath { .. } | SandboxError::AuthorityName(_) => Exit::Config,
        SandboxError::Listen { .. }
        | SandboxError::Start(_)
        | SandboxError::Watch(_)
        | SandboxError::NoRoom { .. }
        | SandboxError::Clock => Exit::OsError,
        SandboxError::Certificate(_) | SandboxError::Stopped => Exit::Internal,
    }
}

const fn of_bulk(error: &BulkError) -> Exit {
    match error {
        BulkError::File(error) => of_file(error, Exit::BadInput),
        BulkError::Rows { .. } | BulkError::BadRows { .. } | BulkError::Known(_) | BulkError::Unread(_) => {
            Exit::BadInput
        }
        BulkError::TwoInputs | BulkError::NotAsked(_) => Exit::Usage,
    }
}

const fn of_journal(error: &JournalError) -> Exit {
    match error {
        JournalError::NoHome => Exit::Config,
        JournalError::Exists { .. } | JournalError::NameOfShard { .. } => Exit::Usage,
        JournalError::Missing { .. } => Exit::NoInput,
        JournalError::Locked { .. } | JournalError::Changed { .. } | JournalError::KnownSince => Exit::Locked,
        JournalError::Unfit(_)
        | JournalError::Damaged { .. }
        | JournalError::TheList { .. }
        | JournalError::OtherTarget { .. }
        | JournalError::NoRehearsal { .. }
        | JournalError::ShardsMissing { .. }
        | JournalError::FreshShard { .. }
        | JournalError::NothingToMerge => Exit::BadInput,
        JournalError::Read { .. } | JournalError::Write { .. } | JournalError::NoSpace { .. } => Exit::Io,
        JournalError::NoThread => Exit::OsError,
    }
}

/// An error and its causes on one line; a cause that its error repeats already is left out.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = without_number(&error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = without_number(&cause.to_string());
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

#[derive(Debug, Error)]
pub enum SandboxError {
    /// The file of `--log` cannot be opened; nothing was started.
    #[error("cannot open the log {path:?}; name a file that can be written with --log")]
    LogNotWritable { path: PathBuf, source: io::Error },
    /// A line of the log could not be written while requests came in, so the log lacks that line and all after it.
    #[error("the log {path:?} is incomplete{}", ended(*.end))]
    LogIncomplete { path: PathBuf, end: Option<Ending>, source: io::Error },
    /// Nothing was started.
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    /// The thread or its event loop could not be had; nothing was started.
    #[error("cannot start the sandbox's server on 127.0.0.1")]
    Start(#[source] io::Error),
    /// Only a system without random numbers can bring it about.
    #[error("cannot make the certificate of --tls")]
    Certificate(#[source] Option<rustls::Error>),
    /// The certificate for `--cacert` cannot be written; nothing was started.
    #[error("cannot write the certificate {path:?}; set TMPDIR to a folder that can be written")]
    AuthorityNotWritable { path: PathBuf, source: io::Error },
    /// A variable of vescli is UTF-8.
    #[error("the path {0:?} is not UTF-8; set TMPDIR to a folder with another name")]
    AuthorityName(PathBuf),
    /// The server's thread ended, which only a fault of vescli can bring about.
    #[error("the sandbox's server stopped by itself: this is a bug in vescli")]
    Stopped,
    #[error("cannot write the lines to export to standard output")]
    Output(#[source] io::Error),
    /// vescli's own folder cannot be put into `PATH`, so that the command might find another vescli.
    #[error("cannot put {folder:?} in front of PATH; run vescli from a folder with another name")]
    SearchPath { folder: PathBuf, source: JoinPathsError },
    #[error("command not found: {command:?}; check its name, or give its path")]
    CommandNotFound { command: OsString, source: io::Error },
    #[error("cannot run {command:?}; check that it is a program that you may execute")]
    CommandNotExecutable { command: OsString, source: io::Error },
    /// The system has no room for the command: no process, descriptor or memory is left for it.
    #[error("cannot start {command:?}, because a limit of this machine is reached")]
    NoRoom { command: OsString, source: io::Error },
    /// HTTP cannot write the date of this machine's clock.
    #[error("this machine's clock is before 1970, and the sandbox cannot write that date into its answers")]
    Clock,
    /// The command was or would be started, and its end cannot be observed.
    #[error("cannot wait for the command")]
    Watch(#[source] io::Error),
}

impl SandboxError {
    /// What to do, where the advice of the exit code is not enough.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Clock => Some("set the clock (NTP)"),
            Self::Listen { source, .. } => Some(match source.kind() {
                io::ErrorKind::AddrInUse => "choose another --port, or leave it out for any free port",
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 are for root on most systems: choose another --port, or leave it out"
                }
                _ => "choose another --port, or leave it out for any free port; `ulimit -n` may be reached",
            }),
            _ => None,
        }
    }

    /// The exit code that shells, `env` and `timeout` give to a command that cannot be run: 127 when it is not found, 126
    /// when it is not executable; `None` for failures that are not about the command.
    pub fn command_code(&self) -> Option<u8> {
        match self {
            Self::CommandNotFound { .. } => Some(127),
            Self::CommandNotExecutable { .. } => Some(126),
            _ => None,
        }
    }
}

fn ended(command: Option<Ending>) -> String {
    match command {
        None => String::new(),
        Some(Ending::Signal(signal)) => format!("; the command itself was ended by signal {signal}"),
        Some(ending) => format!("; the command itself ended with code {}", ending.code()),
    }
}

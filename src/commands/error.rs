//! All errors of commands and their exit codes. The match is exhaustive, so that no new error is without a code.

use std::io;

use thiserror::Error;

use crate::api::failure::without_number;
use crate::api::operation::RequestError;
use crate::api::transport::TransportError;
use crate::args::layer::{Origin, ValueError};
use crate::args::settings_table::Setting;
use crate::bulk::journal::JournalError;
use crate::bulk::list::{BadRow, RowsError};
use crate::report::ErrorReport;
use crate::report::exit::{Ending, Exit};
use crate::settings::error::SettingsError;
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
    Bulk(#[from] BulkError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Any other error, with its exit, and a hint if the advice of the exit is not enough.
    #[error("{}", .0.message)]
    Report(ErrorReport),
    /// The sandbox cannot run the command. The code is that of shells, `env` and `timeout`: 127 when it is not found, 126
    /// when it is not executable.
    #[error("{message}")]
    Command { code: u8, message: String },
}

/// Why a list is not sent.
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

/// How many invalid rows a message lists at most.
const LISTED: usize = 20;

fn lines(bad: &[BadRow]) -> String {
    let listed = bad.iter().take(LISTED).map(|row| format!("\n  line {}: {}", row.line, row.reason));
    let rest = bad.len().saturating_sub(LISTED);
    listed.chain((rest > 0).then(|| format!("\n  and {rest} more"))).collect()
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
    pub fn new(exit: Exit, message: String) -> Self {
        Self::Report(ErrorReport { exit, message, hint: None })
    }

    /// Reading or writing failed; the message names the file or stream.
    pub fn io(message: String) -> Self {
        Self::new(Exit::Io, message)
    }

    /// A limit of this machine.
    pub fn os(what: &str) -> impl Fn(io::Error) -> Self {
        move |cause| Self::new(Exit::OsError, format!("{what}: {cause}"))
    }

    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Report(ErrorReport::new(Exit::Usage, message, hint))
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(error) => of_settings(error),
            Self::Request(RequestError::Field { .. }) => Exit::Usage,
            Self::Request(RequestError::Url(_)) => Exit::Internal,
            Self::Transport(error) => of_transport(error),
            Self::Bulk(error) => of_bulk(error),
            Self::Journal(error) => of_journal(error),
            Self::Report(report) => report.exit,
            Self::Command { .. } => Exit::Usage,
        }
    }

    pub fn ending(&self) -> Ending {
        if let Self::Command { code, .. } = self { Ending::Child(*code) } else { self.exit().into() }
    }

    /// What is shown: the message with its causes, and what to do next.
    pub fn report(&self) -> ErrorReport {
        let exit = self.exit();
        let hint = match self {
            Self::Report(ErrorReport { hint: Some(hint), .. }) => Some(hint.clone()),
            Self::Journal(JournalError::Missing { .. }) => Some("`vescli journal list` shows the journals".to_owned()),
            _ if exit == Exit::OsError => Some(exit.entry().advice.to_owned()),
            _ => None,
        };
        ErrorReport { exit, message: with_causes(self), hint }
    }
}

fn of_settings(error: &SettingsError) -> Exit {
    match error {
        SettingsError::Value(ValueError { origin, .. }) => match origin {
            Origin::Flag(_) => Exit::Usage,
            Origin::Variable(_) | Origin::ForeignVariable(_) | Origin::File { .. } | Origin::BuiltIn => Exit::Config,
        },
        // A missing address is an error of the command line; everything else belongs in the configuration.
        SettingsError::Missing { key: Setting::Email, .. } => Exit::Usage,
        SettingsError::File { error, .. } => of_file(error, Exit::Config),
        SettingsError::Missing { .. }
        | SettingsError::Mistake { .. }
        | SettingsError::UnknownProfile(_)
        | SettingsError::Bound { .. }
        | SettingsError::Unusable(_) => Exit::Config,
    }
}

/// A missing file has the same exit everywhere. For a file that cannot be used, the exit depends on its purpose.
const fn of_file(error: &FileError, unusable: Exit) -> Exit {
    match error.kind {
        FileErrorKind::Missing => Exit::NoInput,
        _ => unusable,
    }
}

fn of_transport(error: &TransportError) -> Exit {
    match error {
        TransportError::File { error, .. } => of_file(error, Exit::BadInput),
        TransportError::Contents(_) => Exit::BadInput,
        TransportError::Empty(_) => Exit::Config,
        TransportError::Tls(_) => Exit::Internal,
        // The client opens descriptors and starts a thread, which the operating system may refuse.
        TransportError::Client(error) => {
            let refusal = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error());
            if refusal.is_some() { Exit::OsError } else { Exit::Internal }
        }
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

/// An error and its causes on one line. A cause that the text already contains is left out.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = without_number(&error.to_string());
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let cause = without_number(&cause.to_string());
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

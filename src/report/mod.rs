//! Reports what happened: as text for people, as one JSON document for scripts.

pub mod bulk_files;
pub mod bulk_text;
pub mod curl;
pub mod escape;
pub mod json;
mod reporter;
pub mod text;

use std::time::Duration;

pub use crate::api::exit;
use crate::api::operation::Operation;
use crate::api::outcome::{AttemptResult, Outcome};
use crate::args::settings_table::Setting;
use exit::Exit;
pub use reporter::{Reporter, Streams, Terminals};

/// What is known about a request when it is reported. After an early failure some values are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    pub operation: &'static Operation,
    /// Names and values as results show them: the subject first.
    values: Vec<(&'static str, Option<String>)>,
    pub tenant: Option<String>,
    pub url: Option<String>,
    pub with_credential: bool,
    /// The command to record whether the person was mailed, if the person is unknown in a journal.
    pub resolve_command: Option<String>,
}

impl RequestInfo {
    pub fn new(operation: &'static Operation) -> Self {
        let values = operation.shown_fields().map(|(_, field)| (field.name, None)).collect();
        Self { operation, values, tenant: None, url: None, with_credential: false, resolve_command: None }
    }

    /// Sets the value of the field that belongs to this setting.
    pub fn set(&mut self, setting: Setting, value: Option<String>) {
        let mut fields = self.operation.shown_fields().zip(&mut self.values);
        if let Some((_, (_, known))) = fields.find(|((_, field), _)| field.setting == setting) {
            *known = value;
        }
    }

    /// Adds to a hint the command that records what the person said.
    fn then_record(&self, hint: &str) -> String {
        let Some(command) = &self.resolve_command else {
            return hint.to_owned();
        };
        let then = if hint.ends_with('.') { " Then" } else { "; then" };
        format!("{hint}{then} record the answer for later lists: `{command}`, or with `--as not-sent`")
    }

    fn subject(&self) -> &str {
        self.values.first().and_then(|(_, value)| value.as_deref()).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendResult {
    pub result: AttemptResult,
    pub attempts: u64,
    /// The time of all attempts, waits included.
    pub elapsed: Duration,
}

impl SendResult {
    pub fn exit(&self) -> Exit {
        Exit::from(self.result.class)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    pub signal: i32,
    pub may_have_been_sent: bool,
    pub attempts: u64,
    pub elapsed: Duration,
}

impl Interruption {
    pub const fn outcome(&self) -> Outcome {
        if self.may_have_been_sent { Outcome::Unknown } else { Outcome::NotSent }
    }

    fn message(&self, operation: &Operation) -> String {
        // These numbers are the same on all systems (POSIX, `kill`).
        let signal = match self.signal {
            1 => "SIGHUP".to_owned(),
            2 => "SIGINT".to_owned(),
            15 => "SIGTERM".to_owned(),
            other => format!("signal {other}"),
        };
        let unknown = format!("the request may have been sent: {}", operation.unknown);
        let known = if self.may_have_been_sent { unknown.as_str() } else { "nothing was sent" };
        format!("ended by {signal}: {known}")
    }

    fn hint(&self, info: &RequestInfo) -> String {
        info.then_record(if self.may_have_been_sent { info.operation.check_first } else { "run it again" })
    }
}

/// An error because of which a command could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReport {
    pub exit: Exit,
    pub message: String,
    pub hint: Option<String>,
}

impl ErrorReport {
    pub fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: Some(hint.into()) }
    }
}

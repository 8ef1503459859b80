//! One check of the doctor: its name, how it went, and what to do next.

use crate::api::outcome::{AttemptResult, Failure};
use crate::commands::error::CommandError;
use crate::report::exit::Exit;

/// The names of all checks, in their order. Scripts read them: they are only ever added to.
pub(super) const NAMES: [&str; 10] =
    ["config", "url", "credential", "trust", "dns", "tcp", "proxy", "tls", "http", "clock"];

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As it should.
    Ok,
    /// It passed, but needs attention.
    Warning,
    /// It failed; a send would end with this exit.
    Failure(Exit),
    /// Not made, because there is nothing to check or a check before it failed.
    Skipped,
}

impl State {
    /// The word of text and JSON.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure(_) => "failure",
            Self::Skipped => "skipped",
        }
    }
}

/// One check and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// Its name, one of [`NAMES`].
    pub name: &'static str,
    /// How it went.
    pub state: State,
    /// What was found; may contain foreign text.
    pub message: String,
    /// The next thing to do, if there is any.
    pub hint: Option<String>,
}

impl Check {
    fn new(name: &'static str, state: State, message: impl Into<String>) -> Self {
        Self { name, state, message: message.into(), hint: None }
    }

    pub(super) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, State::Ok, message)
    }

    pub(super) fn warning(name: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(name, State::Warning, message).hint(hint)
    }

    pub(super) fn skipped(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, State::Skipped, message)
    }

    pub(super) fn failure(name: &'static str, exit: Exit, message: impl Into<String>) -> Self {
        Self::new(name, State::Failure(exit), message).hint(exit.row().advice)
    }

    /// A failure of the network, with the exit that a send would have. An empty subject is left out.
    pub(super) fn of_failure(name: &'static str, subject: &str, failure: Failure) -> Self {
        let colon = if subject.is_empty() { "" } else { ": " };
        let message = format!("{subject}{colon}{}", failure.cause);
        let class = AttemptResult::from(failure).class;
        Self::failure(name, Exit::from(class), message)
    }

    /// A fault in what was given, with the exit that a send would have.
    pub(super) fn of_fault(name: &'static str, fault: &CommandError) -> Self {
        let report = fault.report();
        let check = Self::failure(name, report.exit, report.message);
        match report.hint {
            Some(hint) => check.hint(hint),
            None => check,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) const fn has_failed(&self) -> bool {
        matches!(self.state, State::Failure(_))
    }
}

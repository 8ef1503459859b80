//! The results of the doctor's checks: each has a name, a state, a message and a hint. Each is reported at once as a line, or
//! all together at the end as one JSON document. They decide the exit.

use std::time::{Duration, SystemTime};

use crate::api::outcome::{AttemptResult, Failure};
use crate::commands::error::CommandError;
use crate::report::escape::json_line;
use crate::report::exit::Exit;
use crate::report::json::document;
use crate::report::text::Style;
use crate::report::{ErrorReport, Reporter};
use crate::settings::clock::to_text;
use crate::settings::credential::certificate::CertificateFacts;

/// The names of all checks, in their order. Scripts read them, so none is ever removed or renamed.
const NAMES: [&str; 10] = ["config", "url", "credential", "trust", "dns", "tcp", "proxy", "tls", "http", "clock"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// It passed, but needs attention.
    Warning,
    /// It failed; a send would end with this exit.
    Failure(Exit),
    /// Not made, because there is nothing to check or a check before it failed.
    Skipped,
}

impl State {
    /// The word of text and JSON, and its style.
    const fn shown(self) -> (&'static str, fn(Style, &str) -> String) {
        match self {
            Self::Ok => ("ok", Style::success),
            Self::Warning => ("warning", Style::warning),
            Self::Failure(_) => ("failure", Style::error),
            Self::Skipped => ("skipped", Style::dim),
        }
    }
}

pub(super) struct Check {
    /// One of [`NAMES`].
    name: &'static str,
    pub state: State,
    /// What was found; may contain foreign text.
    pub message: String,
    /// What to do next, if anything.
    pub hint: Option<String>,
}

impl Check {
    /// A check that passed; hints make it a warning.
    pub(super) fn passed(
        name: &'static str,
        message: impl Into<String>,
        hints: impl IntoIterator<Item = String>,
    ) -> Self {
        let hint = hints.into_iter().reduce(|hints, hint| format!("{hints}; {hint}"));
        let state = if hint.is_some() { State::Warning } else { State::Ok };
        Self { name, state, message: message.into(), hint }
    }

    pub(super) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::passed(name, message, None)
    }

    pub(super) fn skipped(name: &'static str, message: impl Into<String>) -> Self {
        Self { state: State::Skipped, ..Self::ok(name, message) }
    }

    /// A failure of the network, with the exit that a send would have. The subject comes before the message, unless it is
    /// empty.
    pub(super) fn of_failure(name: &'static str, subject: &str, failure: Failure) -> Self {
        let colon = if subject.is_empty() { "" } else { ": " };
        let message = format!("{subject}{colon}{}", failure.cause);
        let exit = Exit::from(AttemptResult::from(failure).class);
        Self { name, state: State::Failure(exit), message, hint: Some(exit.entry().advice.to_owned()) }
    }

    /// An error in the settings or the credential, with the exit that a send would have.
    pub(super) fn of_error(name: &'static str, fault: impl Into<CommandError>) -> Self {
        let ErrorReport { exit, message, hint } = fault.into().report();
        let hint = hint.unwrap_or_else(|| exit.entry().advice.to_owned());
        Self { name, state: State::Failure(exit), message, hint: Some(hint) }
    }
}

/// A certificate that ends sooner than this gets a warning.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A text that says how long a certificate is still valid, and the day of its end if that is soon. A certificate whose dates
/// are not valid was refused before.
pub(super) fn time_left(facts: &CertificateFacts, now: SystemTime) -> (String, Option<String>) {
    let left = facts.not_after.duration_since(now).unwrap_or_default();
    let days = match left.as_secs() / (24 * 60 * 60) {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let until = day(facts.not_after);
    if left < SOON { (format!("{days} left"), Some(until)) } else { (format!("{days} left (until {until})"), None) }
}

/// The day in UTC, such as `2027-01-31`.
pub(super) fn day(time: SystemTime) -> String {
    to_text(time).split(' ').take(1).collect()
}

pub(super) struct Checklist<'a, 'b> {
    pub(super) reporter: &'a mut Reporter<'b>,
    checks: Vec<Check>,
    output_error: Option<ErrorReport>,
}

impl<'a, 'b> Checklist<'a, 'b> {
    pub(super) const fn new(reporter: &'a mut Reporter<'b>) -> Self {
        Self { reporter, checks: Vec::new(), output_error: None }
    }

    /// Adds a check and reports it. With `-q` only failures are reported.
    pub(super) fn add(&mut self, check: Check) {
        let output = self.reporter.output();
        if output.json {
            let line = self.line(&check, self.reporter.err_style());
            self.reporter.info(&line);
        } else if !output.quiet || matches!(check.state, State::Failure(_)) {
            let line = self.line(&check, self.reporter.out_style());
            self.print(&line);
        }
        self.checks.push(check);
    }

    fn print(&mut self, text: &str) {
        if let Err(error) = self.reporter.print(text) {
            self.output_error.get_or_insert(error);
        }
    }

    fn line(&self, check: &Check, style: Style) -> String {
        let (word, styled) = check.state.shown();
        let word = styled(style, &format!("{word:<7}"));
        let name = style.heading(&format!("{:<10}", check.name));
        let message = self.reporter.escape(&check.message);
        let hint = check.hint.as_deref();
        let hint = hint.map(|hint| format!("  {} {}", style.dim("hint:"), self.reporter.escape(hint)));
        format!("{word}  {name}  {message}{}\n", hint.unwrap_or_default())
    }

    /// A line for `-v`.
    pub(super) fn trace(&mut self, line: &str) {
        if self.reporter.output().verbose > 0 {
            let line = self.reporter.escape(line);
            self.reporter.trace(&[line]);
        }
    }

    /// Adds the checks that were not reached, prints the document with --json, and returns the exit: that of the
    /// first failure.
    pub(super) fn close(mut self) -> Exit {
        let failed = self.checks.iter().find_map(|check| match check.state {
            State::Failure(exit) => Some((check.name, exit)),
            State::Ok | State::Warning | State::Skipped => None,
        });
        let (exit, reason) = match failed {
            None => (Exit::Accepted, "nothing to check".to_owned()),
            Some((name, exit)) => (exit, format!("not reached: {name} failed")),
        };
        for name in NAMES {
            if !self.checks.iter().any(|check| check.name == name) {
                self.add(Check::skipped(name, &*reason));
            }
        }
        if self.reporter.output().json {
            let redactor = self.reporter.redactor();
            let checks = self.checks.iter().map(|Check { name, state, message, hint }| {
                let (message, hint) = (redactor.redact(message), hint.as_ref().map(|hint| redactor.redact(hint)));
                document! { name: *name, state: state.shown().0, message: message, hint: hint }
            });
            let document = json_line(&document! {
                schema: "vescli.doctor/1",
                ok: exit == Exit::Accepted,
                exit_code: exit.code(),
                checks: checks.collect::<Vec<_>>(),
            });
            self.print(&document);
        }
        match self.output_error {
            Some(error) if exit == Exit::Accepted => self.reporter.error_beside(&error),
            // A failed check decides the exit code, even if its line could not be printed.
            _ => exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_in_whole_days() {
        let at = |hours: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(hours * 60 * 60);
        let facts = CertificateFacts {
            subject: "s".into(),
            issuer: "i".into(),
            not_before: at(0),
            not_after: at(20 * 24),
            is_authority: false,
        };
        let soon = Some("1970-01-21".to_owned());
        for (now, words, ends) in [
            (at(0), "20 days left (until 1970-01-21)", None),
            (at(6 * 24), "14 days left (until 1970-01-21)", None),
            (at(6 * 24 + 1), "13 days left", soon.clone()),
            (at(20 * 24 - 25), "1 day left", soon.clone()),
            (at(20 * 24), "0 days left", soon.clone()),
            (at(20 * 24 + 1), "0 days left", soon),
        ] {
            assert_eq!(time_left(&facts, now), (words.to_owned(), ends));
        }
    }
}

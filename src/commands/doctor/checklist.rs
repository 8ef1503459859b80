//! Reports the checks as they are made: a line each, or one JSON document at the end; and decides the exit.

use serde::Serialize;

use super::check::{Check, NAMES, State};
use crate::report::escape::json_line;
use crate::report::exit::Exit;
use crate::report::style::Style;
use crate::report::{ErrorReport, Reporter};

/// The name and the version of the shape.
const DOCTOR_SCHEMA: &str = "vescli.doctor/1";

#[derive(Debug, Serialize)]
struct DoctorDocument {
    schema: &'static str,
    ok: bool,
    exit_code: u8,
    checks: Vec<CheckDocument>,
}

#[derive(Debug, Serialize)]
struct CheckDocument {
    name: &'static str,
    state: &'static str,
    message: String,
    hint: Option<String>,
}

/// The checks that were made so far.
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
        } else if check.has_failed() || !output.quiet {
            let line = self.line(&check, self.reporter.out_style());
            if let Err(error) = self.reporter.print(&line) {
                self.output_error.get_or_insert(error);
            }
        }
        self.checks.push(check);
    }

    fn line(&self, check: &Check, style: Style) -> String {
        let word = format!("{:<7}", check.state.word());
        let word = match check.state {
            State::Ok => style.success(&word),
            State::Warning => style.warning(&word),
            State::Failure(_) => style.error(&word),
            State::Skipped => style.dim(&word),
        };
        let redactor = self.reporter.redactor();
        let hint = check
            .hint
            .as_deref()
            .map_or_else(String::new, |hint| format!("  {} {}", style.dim("hint:"), redactor.escape(hint)));
        let name = format!("{:<10}", check.name);
        let message = redactor.escape(&check.message);
        format!("{word}  {}  {message}{hint}\n", style.heading(&name))
    }

    /// A line for `-v`.
    pub(super) fn trace(&mut self, line: &str) {
        if self.reporter.output().verbose > 0 {
            let line = self.reporter.redactor().escape(line);
            self.reporter.trace(&[line]);
        }
    }

    /// Adds the checks that were not reached, prints the document with --json, and returns the exit: that of the
    /// first failure.
    pub(super) fn close(mut self) -> Exit {
        let failed = self.checks.iter().find(|check| check.has_failed());
        let reason =
            failed.map_or_else(|| "nothing to check".to_owned(), |check| format!("not reached: {} failed", check.name));
        for name in NAMES {
            if !self.checks.iter().any(|check| check.name == name) {
                self.add(Check::skipped(name, reason.clone()));
            }
        }
        let failure = self.checks.iter().find_map(|check| match check.state {
            State::Failure(exit) => Some(exit),
            State::Ok | State::Warning | State::Skipped => None,
        });
        let exit = failure.unwrap_or(Exit::Accepted);
        if self.reporter.output().json {
            let document = self.document(exit);
            if let Err(error) = self.reporter.print(&document) {
                self.output_error.get_or_insert(error);
            }
        }
        match (failure, self.output_error) {
            // A failed check decides the exit code, even if its line could not be printed.
            (Some(exit), _) => exit,
            (None, Some(error)) => self.reporter.error_beside(&error),
            (None, None) => Exit::Accepted,
        }
    }

    fn document(&self, exit: Exit) -> String {
        let redactor = self.reporter.redactor();
        let checks = self.checks.iter().map(|check| CheckDocument {
            name: check.name,
            state: check.state.word(),
            message: redactor.redact(&check.message),
            hint: check.hint.as_deref().map(|hint| redactor.redact(hint)),
        });
        json_line(&DoctorDocument {
            schema: DOCTOR_SCHEMA,
            ok: exit == Exit::Accepted,
            exit_code: exit.code(),
            checks: checks.collect(),
        })
    }
}

//! Tells what came of it: for people in words, for scripts as one JSON document.

pub mod curl;
pub mod document;
pub mod exchange;
pub mod exit;
pub mod interrupted;
pub mod list;
pub mod list_document;
pub mod list_plan;
pub mod plan;
pub mod safe_text;
pub mod shell_words;
pub mod streams;
pub mod words;

use std::time::Duration;

use crate::api::failure::without_number;
use crate::api::outcome::{AttemptResult, Outcome};
use crate::args::environment::Environment;
use crate::settings::Output;
use document::{ErrorDocument, ResultDocument};
use exit::Exit;
use safe_text::{SafeText, json_line};
use streams::{Paint, Streams, Terminals};

/// What is known of a request when it is told about; less, the earlier it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The address.
    pub email: Option<String>,
    /// The cname.
    pub cname: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The URL.
    pub url: Option<String>,
    /// Whether a credential was sent along.
    pub with_credential: bool,
}

/// A request that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendResult {
    /// What came of it.
    pub result: AttemptResult,
    /// How often it was sent or tried.
    pub attempts: u64,
    /// How long all of it took.
    pub elapsed: Duration,
}

impl SendResult {
    /// The exit that belongs to it.
    pub fn exit(&self) -> Exit {
        Exit::from(self.result.class)
    }
}

/// Something that kept a request from being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReport {
    /// The exit that belongs to it.
    pub exit: Exit,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Tells things on the streams it is given, in the form that was asked for.
pub struct Reporter<'a, 'b> {
    streams: &'a mut Streams<'b>,
    output: Output,
    out: Paint,
    err: Paint,
    safe: SafeText,
}

impl<'a, 'b> Reporter<'a, 'b> {
    /// A reporter for a form of output. Colours are decided for each stream by itself.
    pub fn new(streams: &'a mut Streams<'b>, output: Output, environment: &Environment) -> Self {
        let out = Paint::decide(output.color, environment, streams.terminals.stdout);
        let err = Paint::decide(output.color, environment, streams.terminals.stderr);
        Self { streams, output, out, err, safe: SafeText::default() }
    }

    /// Blots these secrets out of everything that is told from now on.
    pub fn hide(&mut self, safe: SafeText) {
        self.safe = safe;
    }

    /// The form of output.
    pub const fn output(&self) -> Output {
        self.output
    }

    /// Colours for standard error.
    pub const fn err_paint(&self) -> Paint {
        self.err
    }

    /// Talk that stands beside a document, unless nothing is to be said. The text is safe to show already.
    pub fn say(&mut self, text: &str) {
        if !self.output.quiet {
            self.streams.talk(text);
        }
    }

    /// Tells of something on standard error alone, when standard output has its own form.
    pub fn complain(&mut self, trouble: &ErrorReport) -> Exit {
        let label = self.err.bad("error:");
        let text = self.safe.shown_lines(&trouble.message);
        self.streams.talk(&format!("{label} {text}\n"));
        trouble.exit
    }

    /// Colours for standard output.
    pub const fn out_paint(&self) -> Paint {
        self.out
    }

    /// Which streams are terminals.
    pub const fn terminals(&self) -> Terminals {
        self.streams.terminals
    }

    /// Talk of several lines, made safe already.
    pub fn talk(&mut self, text: &str) {
        self.streams.talk(text);
    }

    /// A part of a result, made safe already.
    ///
    /// # Errors
    /// What standard output says; a reader that has gone away is none.
    pub fn result(&mut self, text: &str) -> std::io::Result<()> {
        self.streams.result(text)
    }

    /// A warning, unless nothing is to be said.
    pub fn warn(&mut self, warning: &str) {
        if !self.output.quiet {
            let label = self.err.warn("warning:");
            let text = self.safe.shown(warning);
            self.streams.talk(&format!("{label} {text}\n"));
        }
    }

    /// A remark on the way, unless nothing is to be said.
    pub fn note(&mut self, note: &str) {
        if !self.output.quiet {
            let text = self.err.faint(&self.safe.shown(note));
            self.streams.talk(&format!("{text}\n"));
        }
    }

    /// Lines of the exchange, for `-v`.
    pub fn trace(&mut self, lines: &[String]) {
        for line in lines {
            let line = self.err.faint(line);
            self.streams.talk(&format!("{line}\n"));
        }
    }

    /// What is used to make foreign text safe.
    pub const fn safe(&self) -> &SafeText {
        &self.safe
    }

    /// A result that is neither an outcome nor a failure: the text as it stands.
    ///
    /// # Errors
    /// A [`ErrorReport`] when it cannot be written.
    pub fn print(&mut self, text: &str) -> Result<(), ErrorReport> {
        self.streams.result(text).map_err(|error| ErrorReport {
            exit: Exit::Io,
            message: format!("standard output cannot be written: {}", without_number(&error.to_string())),
            hint: None,
        })
    }

    /// Tells what came of a request. The exit is that of the outcome, whatever becomes of the telling.
    pub fn sent(&mut self, subject: &Subject, sent: &SendResult, warnings: &[String]) -> Exit {
        let warnings = warnings.to_vec();
        let exit = sent.exit();
        if sent.result.outcome != Outcome::Accepted && !(self.output.json && self.output.quiet) {
            let text = words::failure(subject, sent, self.err, &self.safe);
            self.streams.talk(&text);
        }
        if sent.result.outcome == Outcome::Accepted && self.output.json && !self.output.quiet {
            let text = words::accepted(subject, sent, self.err, &self.safe);
            self.streams.talk(&text);
        }
        let result = if self.output.json {
            json_line(&ResultDocument::of_sent(subject, sent, &self.safe, warnings))
        } else if sent.result.outcome == Outcome::Accepted && !self.output.quiet {
            words::accepted(subject, sent, self.out, &self.safe)
        } else {
            return exit;
        };
        if let Err(error) = self.streams.result(&result) {
            let outcome = words::outcome(&sent.result);
            let label = self.err.warn("warning:");
            let error = without_number(&error.to_string());
            self.streams.talk(&format!(
                "{label} the result could not be written to standard output: {error}; the request: {outcome}\n"
            ));
        }
        exit
    }

    /// Tells of something that kept the request from being made.
    pub fn trouble(&mut self, subject: &Subject, trouble: &ErrorReport) -> Exit {
        if !(self.output.json && self.output.quiet) {
            let label = self.err.bad("error:");
            let mut text = format!("{label} {}\n", self.safe.shown_lines(&trouble.message));
            if let Some(hint) = &trouble.hint {
                let label = self.err.faint("  hint:");
                // It may hold a command, which does not work when it is cut.
                let hint = self.safe.shown_bytes(hint.as_bytes());
                text.push_str(&format!("{label} {hint}\n"));
            }
            self.streams.talk(&text);
        }
        if self.output.json {
            let error = ErrorDocument::of_trouble(trouble, &self.safe);
            let document = ResultDocument::of_trouble(subject, trouble.exit, error);
            // The code tells the trouble; a lost document must not tell another.
            let _ = self.streams.result(&json_line(&document));
        }
        trouble.exit
    }
}

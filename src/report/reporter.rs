//! The one place that writes to the streams: results, errors, warnings and progress.

use std::io::{self, Write};
use std::path::Path;

use super::escape::Redactor;
use super::exit::{Ending, Exit};
use super::text::Style;
use super::{ErrorReport, Interruption, RequestInfo, SendResult, json, text};
use crate::api::failure::without_number;
use crate::api::operation::SEND_PASSWORD_EMAIL;
use crate::api::outcome::Outcome;
use crate::args::environment::Environment;
use crate::settings::Output;
use crate::settings::credential::secret::Secret;

pub struct Streams<'a> {
    pub out: &'a mut (dyn Write + 'static),
    pub err: &'a mut (dyn Write + 'static),
    pub terminals: Terminals,
}

/// Which streams are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminals {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

/// Writes all output of a command, in the chosen format.
pub struct Reporter<'a> {
    streams: Streams<'a>,
    output: Output,
    out_style: Style,
    err_style: Style,
    redactor: Redactor,
    /// The request that results and errors are about.
    pub request: RequestInfo,
}

impl<'a> Reporter<'a> {
    pub fn new(streams: Streams<'a>, output: Output, environment: &Environment) -> Self {
        let mut reporter = Self {
            streams,
            output,
            out_style: Style::default(),
            err_style: Style::default(),
            redactor: Redactor::default(),
            request: RequestInfo::new(&SEND_PASSWORD_EMAIL),
        };
        reporter.set_output(output, environment);
        reporter
    }

    /// Changes the format, once all settings are known.
    pub fn set_output(&mut self, output: Output, environment: &Environment) {
        let Terminals { stdout, stderr, .. } = self.streams.terminals;
        self.out_style = Style::new(output.color, environment, stdout);
        self.err_style = Style::new(output.color, environment, stderr);
        self.output = output;
    }

    /// Redacts these secrets in everything from now on.
    pub fn redact(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        self.redactor = Redactor::new(secrets);
    }

    pub const fn output(&self) -> Output {
        self.output
    }

    pub const fn terminals(&self) -> Terminals {
        self.streams.terminals
    }

    pub const fn out_style(&self) -> Style {
        self.out_style
    }

    pub const fn err_style(&self) -> Style {
        self.err_style
    }

    pub const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Foreign text, safe to show.
    pub fn escape(&self, text: &str) -> String {
        self.redactor.escape(text)
    }

    pub fn path(&self, path: &Path) -> String {
        self.escape(&path.to_string_lossy())
    }

    /// Both streams, for a command that has no secrets and a format of its own.
    pub const fn streams(&mut self) -> &mut Streams<'a> {
        &mut self.streams
    }

    /// Writes a text that is safe to show to standard error. If this fails, it cannot be reported anywhere.
    pub fn write_err(&mut self, text: &str) {
        let err = &mut self.streams.err;
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// The same, unless `--quiet`.
    pub fn info(&mut self, text: &str) {
        if !self.output.quiet {
            self.write_err(text);
        }
    }

    /// Writes a part of a result, which must be safe to show. A closed reader is not an error.
    pub fn write_out(&mut self, text: &str) -> io::Result<()> {
        let out = &mut self.streams.out;
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Writes a whole result, which must be safe to show.
    pub fn print(&mut self, text: &str) -> Result<(), ErrorReport> {
        self.write_out(text).map_err(|error| ErrorReport {
            exit: Exit::Io,
            message: format!("standard output cannot be written: {}", without_number(&error.to_string())),
            hint: None,
        })
    }

    /// A warning, unless `--quiet`.
    pub fn warn(&mut self, warning: &str) {
        if !self.output.quiet {
            self.warn_always(warning);
        }
    }

    /// A warning about people who are not mailed or may be mailed again; `--quiet` does not hide it.
    pub fn warn_always(&mut self, warning: &str) {
        let label = self.err_style.warning("warning:");
        self.write_err(&format!("{label} {}\n", self.redactor.escape(warning)));
    }

    /// Progress of the work, unless `--quiet`.
    pub fn note(&mut self, note: &str) {
        self.info(&format!("{}\n", self.err_style.dim(&self.redactor.escape(note))));
    }

    /// Lines for `-v`, which must be safe to show.
    pub fn trace(&mut self, lines: &[String]) {
        for line in lines {
            self.write_err(&format!("{}\n", self.err_style.dim(line)));
        }
    }

    /// Reports the result of the request. The exit depends on the result only, even if the report cannot be written.
    pub fn result(&mut self, sent: &SendResult, warnings: &[String]) -> Exit {
        let Output { json, quiet, .. } = self.output;
        let accepted = sent.result.outcome == Outcome::Accepted;
        // Standard error is for people, with JSON on standard output too.
        if !(json && quiet) && (json || !accepted) {
            self.write_err(&text::result(&self.request, sent, self.err_style, &self.redactor));
        }
        let result = if json {
            json::result(&self.request, sent, &self.redactor, warnings)
        } else if accepted && !quiet {
            text::result(&self.request, sent, self.out_style, &self.redactor)
        } else {
            return sent.exit();
        };
        if let Err(error) = self.write_out(&result) {
            let error = without_number(&error.to_string());
            let outcome = text::outcome(self.request.operation, &sent.result);
            self.warn_always(&format!(
                "the result could not be written to standard output: {error}; the request: {outcome}"
            ));
        }
        sent.exit()
    }

    pub fn interrupted(&mut self, ended: &Interruption) -> Ending {
        let document = self.output.json.then(|| json::interruption(&self.request, ended, &self.redactor));
        let hint = ended.hint(&self.request);
        self.write_error(&ended.message(self.request.operation), Some(&hint), document);
        Ending::Signal(ended.signal)
    }

    pub fn error(&mut self, report: &ErrorReport, ending: Ending) {
        let document = self.output.json.then(|| json::error(&self.request, report, ending.code(), &self.redactor));
        self.write_error(&report.message, report.hint.as_deref(), document);
    }

    fn write_error(&mut self, message: &str, hint: Option<&str>, document: Option<String>) {
        if document.is_none() || !self.output.quiet {
            let mut text = format!("{} {}\n", self.err_style.error("error:"), self.redactor.escape_lines(message));
            if let Some(hint) = hint {
                // Not cut: a hint may contain a command.
                let hint = self.redactor.escape_uncut(hint.as_bytes());
                text.push_str(&format!("{} {hint}\n", self.err_style.dim("  hint:")));
            }
            self.write_err(&text);
        }
        if let Some(document) = document {
            // The exit code stays that of the error, even if its document cannot be written.
            let _ = self.write_out(&document);
        }
    }

    /// Writes the document of an error whose text is written already.
    pub fn write_error_document(&mut self, report: &ErrorReport) {
        let document = json::error(&self.request, report, report.exit.code(), &self.redactor);
        let _ = self.write_out(&document);
    }

    /// Reports an error on standard error only, if standard output has a format of its own.
    pub fn error_beside(&mut self, report: &ErrorReport) -> Exit {
        self.write_error(&report.message, None, None);
        report.exit
    }
}

//! The commands, one module each, and what each of them gets: arguments, flags, environment, and a reporter. Also questions to
//! the user before something is done.

pub mod bulk;
pub mod completion;
pub mod config;
pub mod doctor;
pub mod error;
pub mod explain;
pub mod help;
mod interrupt;
pub mod journal;
#[expect(clippy::unnecessary_debug_formatting, reason = "its messages quote paths, which may be any bytes")]
pub mod sandbox;
pub mod send;
mod send_journal;
pub mod usage;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, stdin};

use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::report::Reporter;
use crate::report::exit::{Ending, Exit};
use crate::settings::Output;
use crate::settings::error::SettingsError;
use error::CommandError;
use help::Layout;

pub struct Context<'a> {
    /// The arguments of the process, the program's name first.
    pub arguments: &'a [OsString],
    pub flags: &'a Layer,
    pub environment: &'a Environment,
    pub reporter: Reporter<'a>,
}

impl Context<'_> {
    pub fn output(&self) -> Output {
        self.reporter.output()
    }

    /// Width and style for text on standard output.
    pub fn layout(&self) -> Layout {
        Layout::new(self.reporter.out_style(), self.environment, self.reporter.terminals().stdout)
    }

    /// Sets the format once all settings are known.
    pub fn set_output(&mut self, output: Output) {
        self.reporter.set_output(output, self.environment);
    }

    /// Flags and variables, for commands that do not read the file. Flags win.
    pub fn flags_and_variables(&self) -> Result<Layer, SettingsError> {
        Ok(Layer::from_variables(self.environment)?.with(self.flags))
    }

    /// Prints a text that is safe to show, as the whole result of a command.
    pub fn print(&mut self, text: &str) -> Result<Ending, CommandError> {
        self.reporter.print(text)?;
        Ok(Exit::Accepted.into())
    }
}

/// Where answers to questions come from.
pub(super) struct Input(Box<dyn BufRead>);

impl Input {
    /// None without a terminal for the question or for the answer.
    pub(super) fn find(reporter: &Reporter, no_input: bool, stdin_is_the_list: bool) -> Option<Self> {
        let terminals = reporter.terminals();
        if no_input || !terminals.stderr {
            None
        } else if !stdin_is_the_list {
            terminals.stdin.then(|| Self(Box::new(stdin().lock())))
        } else if cfg!(unix) {
            // Only a process with a controlling terminal can open it (tty(4)).
            File::open("/dev/tty").ok().map(|terminal| Self(Box::new(BufReader::new(terminal))))
        } else {
            None
        }
    }

    /// Asks, and returns the line that was typed, in lower case; empty if there was no answer.
    pub(super) fn ask(mut self, question: &str, reporter: &mut Reporter) -> String {
        reporter.write_err(question);
        let mut answer = String::new();
        if self.0.read_line(&mut answer).unwrap_or(0) == 0 {
            reporter.write_err("\n");
        }
        answer.trim().to_ascii_lowercase()
    }
}

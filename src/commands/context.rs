//! What every command gets: the arguments, the flags in them, the environment, and a reporter on the streams.

use std::ffi::OsString;

use super::error::CommandError;
use super::help::Layout;
use crate::args::environment::Environment;
use crate::args::layer::{Entry, Layer};
use crate::args::settings_table::Setting;
use crate::report::Reporter;
use crate::report::exit::{Ending, Exit};
use crate::settings::Output;
use crate::settings::error::SettingsError;

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

    /// How a text is shown on standard output.
    pub fn layout(&self) -> Layout {
        Layout::new(self.reporter.out_style(), self.environment, self.reporter.terminals().stdout)
    }

    /// Takes the format that all settings together ask for, once they are known.
    pub fn set_output(&mut self, output: Output) {
        self.reporter.set_output(output, self.environment);
    }

    /// The settings of flags and variables, for commands that read no file.
    pub fn given(&self) -> Result<Given<'_>, SettingsError> {
        Ok(Given { flags: self.flags, variables: Layer::from_variables(self.environment)? })
    }

    /// Ends a command whose whole result is a text that is safe to show.
    pub fn print(&mut self, text: &str) -> Result<Ending, CommandError> {
        self.reporter.print(text)?;
        Ok(Exit::Accepted.into())
    }
}

/// The settings of flags and variables; flags win.
pub struct Given<'a> {
    pub flags: &'a Layer,
    pub variables: Layer,
}

impl Given<'_> {
    pub fn entry(&self, key: Setting) -> Option<&Entry> {
        self.flags.get(key).or_else(|| self.variables.get(key))
    }

    pub fn text(&self, key: Setting) -> Option<String> {
        self.entry(key).map(|given| given.value.to_string())
    }

    pub fn is_on(&self, key: Setting) -> bool {
        self.flags.is_on(key) || self.variables.is_on(key)
    }
}

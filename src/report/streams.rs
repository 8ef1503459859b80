//! The three streams of the process, handed on so that nothing further in reaches for them, and what is known of them.

use std::io::{self, Write};

use crate::args::environment::Environment;
use crate::settings::ColorChoice;
use colored::{ColoredString, Colorize};

/// Where output goes.
pub struct Streams<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Talk.
    pub err: &'a mut dyn Write,
    /// Which of the streams are terminals.
    pub terminals: Terminals,
}

/// Which streams are terminals, asked once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminals {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

/// Colours for one stream, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Streams<'_> {
    /// Writes a result and flushes it.
    ///
    /// # Errors
    /// What the stream says; a reader that has gone away is none.
    pub fn result(&mut self, text: &str) -> io::Result<()> {
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Writes talk. There is nobody left to tell when that fails.
    pub fn talk(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }
}

impl Paint {
    /// Decides for one stream: `--color`, then `NO_COLOR`, `FORCE_COLOR` or `CLICOLOR_FORCE`, `TERM=dumb`, then
    /// whether the stream is a terminal (<https://no-color.org>, <https://bixense.com/clicolors>).
    pub fn decide(choice: ColorChoice, environment: &Environment, is_terminal: bool) -> Self {
        let forced = |name| environment.get(name).is_some_and(|value| value != "0");
        Self(match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if environment.get("NO_COLOR").is_some() => false,
            ColorChoice::Auto if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") => true,
            ColorChoice::Auto if environment.get("TERM").is_some_and(|term| term == "dumb") => false,
            ColorChoice::Auto => is_terminal,
        })
    }

    /// Whether there are colours at all.
    pub const fn is_on(self) -> bool {
        self.0
    }

    /// Good news.
    pub fn good(self, text: &str) -> String {
        self.paint(text, |text| text.green().bold())
    }

    /// Bad news.
    pub fn bad(self, text: &str) -> String {
        self.paint(text, |text| text.red().bold())
    }

    /// News that need a look.
    pub fn warn(self, text: &str) -> String {
        self.paint(text, |text| text.yellow().bold())
    }

    /// A heading.
    pub fn strong(self, text: &str) -> String {
        self.paint(text, |text| text.bold())
    }

    /// Something beside the point.
    pub fn faint(self, text: &str) -> String {
        self.paint(text, |text| text.dimmed())
    }

    fn paint(self, text: &str, style: impl Fn(&str) -> ColoredString) -> String {
        if !self.0 {
            return text.to_owned();
        }
        // The decision has been made for this stream; colored's own, made for the process, must not stand in its way.
        colored::control::set_override(true);
        style(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_speaks_decides_about_colour() {
        let decide = |choice, pairs: &[(&str, &str)], terminal| {
            Paint::decide(choice, &pairs.iter().copied().collect(), terminal).is_on()
        };
        let auto = ColorChoice::Auto;
        assert!(decide(ColorChoice::Always, &[("NO_COLOR", "1")], false));
        assert!(!decide(ColorChoice::Never, &[("FORCE_COLOR", "1")], true));
        assert!(!decide(auto, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], true));
        assert!(decide(auto, &[("NO_COLOR", ""), ("FORCE_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(decide(auto, &[("CLICOLOR_FORCE", "1")], false));
        assert!(!decide(auto, &[("FORCE_COLOR", "0")], false));
        assert!(!decide(auto, &[("TERM", "dumb")], true));
        assert!(decide(auto, &[("TERM", "xterm")], true));
        assert!(!decide(auto, &[], false));
    }

    #[test]
    fn without_colour_a_text_stays_as_it_is() {
        assert_eq!(Paint(false).bad("x"), "x");
        assert_eq!(Paint(true).bad("x"), "\u{1b}[1;31mx\u{1b}[0m");
    }
}

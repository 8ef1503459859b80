//! Colours of text, decided for each stream by itself.

use colored::{ColoredString, Colorize};

use crate::args::environment::Environment;
use crate::settings::ColorChoice;

/// Colours for one stream, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style(bool);

impl Style {
    /// `--color`, then `NO_COLOR`, `FORCE_COLOR` or `CLICOLOR_FORCE`, `TERM=dumb`, then whether the stream is a terminal
    /// (<https://no-color.org>, <https://bixense.com/clicolors>).
    pub fn new(choice: ColorChoice, environment: &Environment, is_terminal: bool) -> Self {
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

    pub const fn has_colors(self) -> bool {
        self.0
    }

    pub fn success(self, text: &str) -> String {
        self.apply(text, |text| text.green().bold())
    }

    pub fn error(self, text: &str) -> String {
        self.apply(text, |text| text.red().bold())
    }

    pub fn warning(self, text: &str) -> String {
        self.apply(text, |text| text.yellow().bold())
    }

    pub fn heading(self, text: &str) -> String {
        self.apply(text, |text| text.bold())
    }

    /// A heading as clap shows one.
    pub fn section(self, text: &str) -> String {
        self.apply(text, |text| text.bold().underline())
    }

    pub fn dim(self, text: &str) -> String {
        self.apply(text, |text| text.dimmed())
    }

    fn apply(self, text: &str, style: impl Fn(&str) -> ColoredString) -> String {
        if !self.0 {
            return text.to_owned();
        }
        // The decision is made for this stream; colored's own, made for the whole process, must not override it.
        colored::control::set_override(true);
        style(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_source_decides_about_colour() {
        let decide = |choice, pairs: &[(&str, &str)], terminal| {
            Style::new(choice, &pairs.iter().copied().collect(), terminal).has_colors()
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
        assert_eq!(Style(false).error("x"), "x");
        assert_eq!(Style(true).error("x"), "\u{1b}[1;31mx\u{1b}[0m");
    }
}

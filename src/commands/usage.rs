//! Usage errors, help and version, which clap renders; the version also as a document. `--json`, `--quiet` and `--color`
//! apply even if the arguments as a whole were not understood.
//!
//! A rendered error mixes what a user typed with what clap writes around it, and clap drops some characters and passes
//! others on. So each invisible character of an argument is replaced by a placeholder before clap renders, and restored
//! afterwards: as an escape for people, as itself for JSON.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::help::{self, Layout};
use crate::api::operation::is_invisible;
use crate::args::commands::help_request;
use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::report::escape::escape_uncut;
use crate::report::exit::Exit;
use crate::report::json;
use crate::report::text::Style;
use crate::report::{ErrorReport, Reporter, Streams, Terminals};
use crate::settings::{ColorChoice, Output};

pub fn report(error: clap::Error, arguments: &[OsString], environment: &Environment, streams: Streams) -> Exit {
    let mut output = Output::early(&Layer::default(), environment);
    let typed = TypedOutput::of(arguments);
    output.json |= typed.json;
    output.quiet |= typed.quiet;
    output.color = typed.color.unwrap_or(output.color);
    let mut reporter = Reporter::new(streams, output, environment);
    let error = with_placeholders(error);
    let rendered = error.render();
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    let request = is_help.then(|| help_request(arguments));
    let text = |style: Style, is_terminal| {
        if let Some(request) = &request {
            return help::asked_for(request, Layout::new(style, environment, is_terminal));
        }
        let text = if style.has_colors() { rendered.ansi().to_string() } else { rendered.to_string() };
        escaped(&text)
    };
    let Terminals { stdout, stderr, .. } = reporter.terminals();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let is_document = output.json && error.kind() == ErrorKind::DisplayVersion;
        let text = if is_document { json::version() } else { text(reporter.out_style(), stdout) };
        let printed = match &request {
            Some(request) if request.is_long => help::show(&text, &mut reporter, environment),
            _ => reporter.print(&text),
        };
        return match printed {
            Ok(()) => Exit::Accepted,
            Err(report) => {
                reporter.error(&report, report.exit.into());
                report.exit
            }
        };
    }
    if !(output.json && output.quiet) {
        let text = text(reporter.err_style(), stderr);
        reporter.write_err(&text);
    }
    if output.json {
        let plain = rendered.to_string();
        let first = restored(plain.lines().next().unwrap_or_default());
        let tip = plain.lines().map(str::trim).find_map(|line| line.strip_prefix("tip: ")).map(restored);
        let message = match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
            // clap puts the names on lines of their own.
            ErrorKind::MissingRequiredArgument => match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(names)) => format!("{} is missing", names.join(", ")),
                _ => "an argument is missing".to_owned(),
            },
            _ => first.strip_prefix("error: ").unwrap_or(&first).to_owned(),
        };
        let hint = tip.unwrap_or_else(|| "see `vescli help`".to_owned());
        reporter.write_error_document(&ErrorReport::new(Exit::Usage, message, hint));
    }
    Exit::Usage
}

/// The output that the arguments before `--` ask for, as far as arguments that were not understood show it. A word that is
/// not UTF-8, or at which clap stopped, hides none of those after it.
#[derive(Debug, Default, PartialEq, Eq)]
struct TypedOutput {
    json: bool,
    quiet: bool,
    color: Option<ColorChoice>,
}

impl TypedOutput {
    fn of(arguments: &[OsString]) -> Self {
        let mut typed = Self::default();
        let mut is_format_next = false;
        let mut is_color_next = false;
        for word in arguments.iter().skip(1).map(|word| word.to_string_lossy()) {
            match word.as_ref() {
                "--" => break,
                "json" if is_format_next => typed.json = true,
                "--json" | "--output=json" => typed.json = true,
                "--quiet" => typed.quiet = true,
                _ => {}
            }
            let color = match word.strip_prefix("--color=") {
                Some(color) => Some(color),
                None => is_color_next.then_some(word.as_ref()),
            };
            typed.color = color.and_then(|word| word.parse().ok()).or(typed.color);
            is_color_next = word == "--color";
            is_format_next = word == "--output";
            if let Some(letters) = word.strip_prefix('-').filter(|word| !word.starts_with('-')) {
                is_format_next = typed.short(letters);
            }
        }
        typed
    }

    /// Reads short flags in one word, such as `qojson`. Returns whether the next word has to be the format.
    fn short(&mut self, letters: &str) -> bool {
        for (at, letter) in letters.char_indices() {
            match letter {
                'q' => self.quiet = true,
                'v' | 'n' => {}
                'o' => {
                    let form = &letters[at + 1..];
                    self.json |= form.strip_prefix('=').unwrap_or(form) == "json";
                    return form.is_empty();
                }
                // What follows may be the value of this one.
                _ => return false,
            }
        }
        false
    }
}

/// First of the private-use characters that stand for those up to U+FFFD.
const PLACEHOLDERS: u32 = 0xf_0000;
/// First of the invisible characters of plane 14, and of those that stand for them.
const TAGS: u32 = 0xe_0000;
const TAG_PLACEHOLDERS: u32 = 0x10_0000;

/// The error with placeholders in everything that may have been typed.
fn with_placeholders(mut error: clap::Error) -> clap::Error {
    let context: Vec<(ContextKind, ContextValue)> =
        error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(placeholders(&text)),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(|text| placeholders(text)).collect())
            }
            // Hints quote what was typed; they lose their colours and nothing else.
            ContextValue::StyledStrs(texts) => {
                let plain = texts.iter().map(|text| placeholders(&text.to_string()).into());
                ContextValue::StyledStrs(plain.collect())
            }
            other => other,
        };
        error.insert(kind, value);
    }
    error
}

fn placeholders(text: &str) -> String {
    text.chars().map(placeholder).collect()
}

fn placeholder(c: char) -> char {
    let placeholder = match u32::from(c) {
        code if !is_invisible(c) => code,
        code if code >= TAGS => TAG_PLACEHOLDERS + (code - TAGS),
        code => PLACEHOLDERS + code,
    };
    char::from_u32(placeholder).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// What a placeholder stands for.
fn original(c: char) -> Option<char> {
    let original = match u32::from(c) {
        code if code >= TAG_PLACEHOLDERS => TAGS + (code - TAG_PLACEHOLDERS),
        code if code >= PLACEHOLDERS => code - PLACEHOLDERS,
        _ => return None,
    };
    char::from_u32(original).filter(|c| is_invisible(*c))
}

/// A rendered text for people.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match original(c) {
            Some(original) => escaped.push_str(&escape_uncut(original.encode_utf8(&mut [0; 4]))),
            None => escaped.push(c),
        }
    }
    escaped
}

/// A rendered text for JSON.
fn restored(text: &str) -> String {
    text.chars().map(|c| original(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_quiet_are_noticed_in_each_of_their_spellings_and_not_behind_the_dashes() {
        let typed = |line: &str| {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            let TypedOutput { json, quiet, .. } = TypedOutput::of(&words);
            (json, quiet)
        };
        for (line, expected) in [
            ("v --json", (true, false)),
            ("v x -o json", (true, false)),
            ("v -ojson", (true, false)),
            ("v -o=json -q", (true, true)),
            ("v -qvo json", (true, true)),
            ("v -qojson --quiet", (true, true)),
            ("v --output=json --nonsense", (true, false)),
            ("v --output json", (true, false)),
            ("v -eq --quiet=1", (false, false)),
            ("v -pojson", (false, false)),
            ("v", (false, false)),
            ("v -o text", (false, false)),
            ("v -o -q json", (false, true)),
            ("v sandbox -- v --json -q", (false, false)),
            ("v json", (false, false)),
        ] {
            assert_eq!(typed(line), expected, "{line}");
        }
    }

    #[test]
    fn every_character_comes_back() {
        let all: String = (0..PLACEHOLDERS).filter_map(char::from_u32).collect();
        let replaced = placeholders(&all);
        assert!(!replaced.chars().any(is_invisible));
        assert_eq!(restored(&replaced), all);
        assert!(!escaped(&replaced).chars().any(is_invisible));
        assert_eq!(escaped(&placeholders("a\u{1b}\nb")), "a\\u{1b}\\nb");
    }
}

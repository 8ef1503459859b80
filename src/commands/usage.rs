//! Usage errors, help and version, which clap renders; the version also as a document. `--json`, `--quiet` and `--color`
//! apply even if the arguments as a whole are not valid.
//!
//! clap's text of an error contains what the user typed. clap drops some invisible characters and keeps others. So each
//! invisible character of an argument is replaced by a placeholder before clap renders, and restored afterwards: as an escape
//! for people, as itself for JSON.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction};

use super::help::{self, Layout};
use crate::api::operation::is_invisible;
use crate::args::commands::{command, help_request};
use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::report::escape::escape_uncut;
use crate::report::exit::Exit;
use crate::report::json;
use crate::report::text::Style;
use crate::report::{ErrorReport, Reporter, Streams, Terminals};
use crate::settings::Output;

pub fn report(error: clap::Error, arguments: &[OsString], environment: &Environment, streams: Streams) -> Exit {
    let output = typed_output(arguments, environment);
    let mut reporter = Reporter::new(streams, output, environment);
    let error = with_placeholders(error);
    let rendered = error.render();
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    let request = is_help.then(|| help_request(arguments));
    let text = |style: Style, is_terminal| match &request {
        Some(request) => help::asked_for(request, Layout::new(style, environment, is_terminal)),
        None if style.has_colors() => escaped(&rendered.ansi().to_string()),
        None => escaped(&rendered.to_string()),
    };
    let Terminals { stdout, stderr, .. } = reporter.terminals();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let is_document = output.json && error.kind() == ErrorKind::DisplayVersion;
        let text = if is_document { json::version() } else { text(reporter.out_style(), stdout) };
        let printed = match &request {
            Some(request) if request.is_long => help::show(&text, &mut reporter, environment),
            _ => reporter.print(&text),
        };
        let Err(report) = printed else {
            return Exit::Accepted;
        };
        reporter.error(&report, report.exit.into());
        return report.exit;
    }
    if !(output.json && output.quiet) {
        let text = text(reporter.err_style(), stderr);
        reporter.write_err(&text);
    }
    if output.json {
        let plain = rendered.to_string();
        let first = plain.lines().next().unwrap_or_default();
        let tip = plain.lines().find_map(|line| line.trim().strip_prefix("tip: "));
        let message = match (error.kind(), error.get(ContextKind::InvalidArg)) {
            (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => "a command is missing".to_owned(),
            // clap puts the names on lines of their own.
            (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(names))) => {
                format!("{} is missing", names.join(", "))
            }
            (ErrorKind::MissingRequiredArgument, _) => "an argument is missing".to_owned(),
            _ => restored(first.strip_prefix("error: ").unwrap_or(first)),
        };
        let hint = restored(tip.unwrap_or("see `vescli help`"));
        reporter.write_error_document(&ErrorReport::new(Exit::Usage, message, hint));
    }
    Exit::Usage
}

/// The output format that the variables and the arguments before `--` choose, even if the arguments are not valid. Each word is
/// parsed only with the word after it, so that one that is not UTF-8, or not valid, does not hide the later ones.
fn typed_output(arguments: &[OsString], environment: &Environment) -> Output {
    let flags = command().get_arguments().cloned().collect::<Vec<_>>();
    let dry_run = Arg::new("n").short('n').action(ArgAction::SetTrue);
    let reader = clap::Command::new("")
        .no_binary_name(true)
        .args(flags)
        .arg(dry_run)
        .disable_help_flag(true)
        .ignore_errors(true);
    let words = arguments.iter().skip(1).take_while(|word| *word != "--").collect::<Vec<_>>();
    let read = (0..words.len()).filter_map(|at| reader.clone().try_get_matches_from(words[at..].iter().take(2)).ok());
    let typed = read.fold(Layer::default(), |layer, matches| layer.with(&Layer::from_flags(&matches)));
    Output::early(&typed, environment)
}

/// The error with placeholders in all texts that the user may have typed.
fn with_placeholders(mut error: clap::Error) -> clap::Error {
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(placeholders(&text)),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(|text| placeholders(text)).collect())
            }
            // Hints quote what was typed. They only lose their colours.
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

/// Most invisible characters are in the first plane, and all others in plane 14. The private-use planes 15 and 16 stand for
/// these two.
const PLACEHOLDERS: u32 = 0xf_0000;
const TAG_PLACEHOLDERS: u32 = 0x10_0000 - 0xe_0000;

fn placeholder(c: char) -> char {
    let offset = if c < '\u{e0000}' { PLACEHOLDERS } else { TAG_PLACEHOLDERS };
    let placeholder = if is_invisible(c) { char::from_u32(u32::from(c) + offset) } else { Some(c) };
    placeholder.unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The character that a placeholder stands for.
fn original(c: char) -> Option<char> {
    let offset = if c < '\u{100000}' { PLACEHOLDERS } else { TAG_PLACEHOLDERS };
    char::from_u32(u32::from(c).checked_sub(offset)?).filter(|c| is_invisible(*c))
}

/// A rendered text for people.
fn escaped(text: &str) -> String {
    let escaped = |c| original(c).map_or_else(|| String::from(c), |c| escape_uncut(&String::from(c)));
    text.chars().map(escaped).collect()
}

/// A rendered text for JSON.
fn restored(text: &str) -> String {
    text.chars().map(|c| original(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_quiet_are_found_in_each_spelling_before_the_dashes() {
        let typed = |line: &str| {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            let Output { json, quiet, .. } = typed_output(&words, &Environment::default());
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

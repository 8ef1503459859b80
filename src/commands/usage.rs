//! What clap has to say: help and version on standard output, usage errors on standard error, and as a document for
//! those who asked for JSON, even though nothing else was understood.

use std::ffi::OsString;

use clap::error::ErrorKind;

use super::redact::{exact, shown, veiled};
use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::report::document::{ErrorDocument, ResultDocument};
use crate::report::exit::Exit;
use crate::report::safe_text::{SafeText, json_line};
use crate::report::streams::{Paint, Streams};
use crate::report::{ErrorReport, Reporter, Subject};
use crate::settings::{ColorChoice, Output};

/// Tells what clap says of the arguments.
pub fn tell(error: clap::Error, arguments: &[OsString], environment: &Environment, streams: &mut Streams) -> Exit {
    let mut output = Output::early(&Layer::default(), environment);
    let wishes = Wishes::of(arguments);
    output.json |= wishes.json;
    output.quiet |= wishes.quiet;
    output.color = wishes.color.unwrap_or(output.color);
    let error = veiled(error);
    let rendered = error.render();
    let text = |terminal| {
        if Paint::decide(output.color, environment, terminal).is_on() {
            shown(&rendered.ansi().to_string())
        } else {
            shown(&rendered.to_string())
        }
    };
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let text = text(streams.terminals.stdout);
        let mut reporter = Reporter::new(streams, output, environment);
        return match reporter.print(&text) {
            Ok(()) => Exit::Accepted,
            Err(trouble) => reporter.trouble(&Subject::default(), &trouble),
        };
    }
    if !(output.json && output.quiet) {
        streams.talk(&text(streams.terminals.stderr));
    }
    if output.json {
        let plain = rendered.to_string();
        let first = exact(plain.lines().next().unwrap_or_default());
        let tip = plain.lines().map(str::trim).find_map(|line| line.strip_prefix("tip: ")).map(exact);
        let trouble = ErrorReport {
            exit: Exit::Usage,
            message: match error.kind() {
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
                _ => first.strip_prefix("error: ").unwrap_or(&first).to_owned(),
            },
            hint: Some(tip.unwrap_or_else(|| "see `vescli help`".to_owned())),
        };
        let error = ErrorDocument::of_trouble(&trouble, &SafeText::default());
        let _ = streams.result(&json_line(&ResultDocument::of_trouble(&Subject::default(), Exit::Usage, error)));
    }
    Exit::Usage
}

/// What the arguments before `--` ask for, as far as that can be told of arguments that were not understood. A word that
/// is no text, or that clap stopped at, hides none of those behind it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wishes {
    json: bool,
    quiet: bool,
    color: Option<ColorChoice>,
}

impl Wishes {
    fn of(arguments: &[OsString]) -> Self {
        let mut wishes = Self::default();
        let mut names_a_form = false;
        let mut names_a_color = false;
        for word in arguments.iter().skip(1).map(|word| word.to_string_lossy()) {
            match word.as_ref() {
                "--" => break,
                "json" if names_a_form => wishes.json = true,
                "--json" | "--output=json" => wishes.json = true,
                "--quiet" => wishes.quiet = true,
                _ => {}
            }
            let color = match word.strip_prefix("--color=") {
                Some(color) => Some(color),
                None => names_a_color.then_some(word.as_ref()),
            };
            wishes.color = color.and_then(ColorChoice::named).or(wishes.color);
            names_a_color = word == "--color";
            names_a_form = word == "--output";
            if let Some(letters) = word.strip_prefix('-').filter(|word| !word.starts_with('-')) {
                names_a_form = wishes.short(letters);
            }
        }
        wishes
    }

    /// Reads short flags in one word, such as `qojson`. Says whether the form of output has to be the next word.
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

#[cfg(test)]
mod tests {
    use super::Wishes;

    #[test]
    fn json_and_quiet_are_noticed_in_each_of_their_spellings_and_not_behind_the_dashes() {
        let wishes = |line: &str| {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            let Wishes { json, quiet, .. } = Wishes::of(&words);
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
            assert_eq!(wishes(line), expected, "{line}");
        }
    }
}

//! What clap has to say: help and version on standard output, usage errors on standard error, and as a document for
//! those who asked for JSON, even though nothing else was understood.

use std::ffi::OsString;

use clap::error::ErrorKind;

use super::veil::{exact, shown, veiled};
use crate::cli::args::environment::Environment;
use crate::cli::args::layer::Layer;
use crate::cli::exit::Exit;
use crate::cli::report::document::{ErrorDocument, ResultDocument};
use crate::cli::report::{Reporter, Subject, Trouble};
use crate::cli::safe_text::{SafeText, json_line};
use crate::cli::streams::{Paint, Streams};
use crate::settings::resolve::Output;

/// Tells what clap says of the arguments.
pub fn tell(
    error: clap::Error,
    arguments: &[OsString],
    environment: &Environment,
    streams: &mut Streams,
) -> Exit {
    let mut output = Output::early(&Layer::default(), environment);
    output.json |= asks_for_json(arguments);
    let error = veiled(error);
    let rendered = error.render();
    let text = |terminal| {
        if Paint::decide(output.color, environment, terminal).is_on() {
            shown(&rendered.ansi().to_string())
        } else {
            shown(&rendered.to_string())
        }
    };
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let text = text(streams.terminals.stdout);
        let mut reporter = Reporter::new(streams, output, environment);
        return match reporter.print(&text) {
            Ok(()) => Exit::Accepted,
            Err(trouble) => reporter.trouble(&Subject::default(), &trouble),
        };
    }
    let quiet = arguments
        .iter()
        .any(|argument| argument == "-q" || argument == "--quiet")
        || output.quiet;
    if !(output.json && quiet) {
        streams.talk(&text(streams.terminals.stderr));
    }
    if output.json {
        let plain = rendered.to_string();
        let first = exact(plain.lines().next().unwrap_or_default());
        let tip = plain
            .lines()
            .map(str::trim)
            .find_map(|line| line.strip_prefix("tip: "))
            .map(exact);
        let trouble = Trouble {
            exit: Exit::Usage,
            message: match error.kind() {
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    "a command is missing".to_owned()
                }
                _ => first.strip_prefix("error: ").unwrap_or(&first).to_owned(),
            },
            hint: Some(tip.unwrap_or_else(|| "see `vescli help`".to_owned())),
        };
        let error = ErrorDocument::of_trouble(&trouble, &SafeText::default());
        let _ = streams.result(&json_line(&ResultDocument::of_trouble(
            &Subject::default(),
            Exit::Usage,
            error,
        )));
    }
    Exit::Usage
}

/// Whether `--json` or `--output json` stands somewhere before `--`.
fn asks_for_json(arguments: &[OsString]) -> bool {
    let words: Vec<&str> = arguments
        .iter()
        .map_while(|word| word.to_str())
        .take_while(|word| *word != "--")
        .collect();
    let flag = |word: &&str| matches!(*word, "--json" | "--output=json" | "-ojson" | "-o=json");
    words.iter().any(flag)
        || words
            .windows(2)
            .any(|pair| matches!(pair, ["-o" | "--output", "json"]))
}

#[cfg(test)]
mod tests {
    use super::asks_for_json;

    #[test]
    fn json_is_noticed_in_each_of_its_spellings_and_not_behind_the_dashes() {
        let asks = |line: &str| asks_for_json(&line.split(' ').map(Into::into).collect::<Vec<_>>());
        for line in [
            "v --json",
            "v x -o json",
            "v -ojson",
            "v --output=json --nonsense",
            "v --output json",
        ] {
            assert!(asks(line), "{line}");
        }
        for line in ["v", "v -o text", "v sandbox -- v --json", "v json"] {
            assert!(!asks(line), "{line}");
        }
    }
}

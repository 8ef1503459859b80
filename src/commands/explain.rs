//! `vescli explain`: what an exit code, status or class means. Needs neither configuration nor network.

use super::error::CommandError;
use crate::args::did_you_mean;
use crate::report::escape::success;
use crate::report::exit::{Exit, ExitEntry, entries};
use crate::report::json::document;
use crate::report::text::Style;

/// The explanation of a code, a status or a class, or the table of all codes.
pub fn explain(what: Option<&str>, json: bool, style: Style) -> Result<String, CommandError> {
    let (exit_codes, signal) = what.map_or_else(|| Ok((entries().collect(), None)), find)?;
    Ok(match (&exit_codes[..], signal) {
        _ if json => success("vescli.explain/1", document! { exit_codes: exit_codes, signal: signal }),
        ([entry], _) => text(entry, style),
        (_, Some(signal)) => {
            let name = match signal {
                2 => " (SIGINT, Ctrl-C)",
                9 => " (SIGKILL)",
                15 => " (SIGTERM)",
                _ => "",
            };
            format!(
                "{}: the program was ended by signal {signal}{name}.\n\
                 A request that was under way may have been sent; the last message of `send` says whether that is possible.\n",
                signal + SIGNALED
            )
        }
        _ => table(style),
    })
}

/// What a shell adds to the number of the signal that ended a program.
const SIGNALED: u16 = 128;

/// The entry of a code, a status or a class, or the number of a signal. Numbers below 100 are exit codes, from 200 on
/// statuses.
fn find(what: &str) -> Result<(Vec<&'static ExitEntry>, Option<u16>), CommandError> {
    let name = what.to_ascii_lowercase().replace('-', "_");
    let entry = match name.parse() {
        Ok(number @ 129..=192) => return Ok((Vec::new(), Some(number - SIGNALED))),
        Ok(number @ 0..=99) => entries().find(|entry| u16::from(entry.exit.code()) == number),
        Ok(number) => Exit::of_status(number).map(Exit::entry),
        Err(_) => entries().find(|entry| entry.name == name),
    };
    entry.map(|entry| (vec![entry], None)).ok_or_else(|| {
        let (shown, suggestion) = (what.escape_debug(), did_you_mean(what, entries().map(|entry| entry.name)));
        let message = format!("`{shown}` is not an exit code, HTTP status or class{suggestion}");
        CommandError::usage(message, "`vescli explain` lists them all")
    })
}

fn text(entry: &ExitEntry, style: Style) -> String {
    let status = if entry.statuses.is_empty() { String::new() } else { format!(", HTTP {}", entry.statuses) };
    let heading = style.heading(&format!("{} {}{status}", entry.exit.code(), entry.name));
    let mut text = format!("{heading}: {}\n", entry.meaning);
    for (label, content) in [("outcome", entry.outcome), ("run again", entry.again), ("what to do", entry.advice)] {
        text.push_str(&format!("  {:<11} {content}\n", format!("{label}:")));
    }
    text
}

pub fn table(style: Style) -> String {
    let widest = |width: fn(&ExitEntry) -> usize| entries().map(width).max().unwrap_or(0);
    let (name, outcome) = (widest(|entry| entry.name.len()), widest(|entry| entry.title.len()));
    let line = |[code, class, statuses, title, again]: [&str; 5]| {
        format!("{code:>4}  {class:<name$}  {statuses:<6}  {title:<outcome$}  {again}")
    };
    let heading = line(["code", "class", "HTTP", "meaning", "safe to run again"]);
    let mut text = format!("{}\n", style.heading(&heading));
    for ExitEntry { exit, name, statuses, title, again, .. } in entries() {
        text += &line([&exit.code().to_string(), name, statuses, title, again]);
        text.push('\n');
    }
    text.push_str("\nHTTP answers: the first and the last digit of the status, 429 is 42. Network: curl's numbers.\n");
    text.push_str("More about one: vescli explain CODE\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_statuses_classes_and_signals_are_explained() {
        let explained = |what| explain(Some(what), false, Style::default()).map_err(|error| error.to_string());
        for what in ["42", "429", "rate_limited", "Rate-Limited"] {
            assert!(explained(what).unwrap().starts_with("42 rate_limited, HTTP 429: "), "{what}");
        }
        assert!(explained("130").unwrap().contains("SIGINT"));
        assert!(explained("rate_limit").unwrap_err().contains("did you mean `rate_limited`?"));
        for what in ["3", "99", "100", "700", "-1", ""] {
            assert!(explained(what).is_err(), "{what}");
        }
    }
}

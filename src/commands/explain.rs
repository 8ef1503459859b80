//! `vescli explain`: what an exit code, status or class means. Needs neither configuration nor network.

use serde::Serialize;

use super::error::CommandError;
use crate::args::did_you_mean;
use crate::report::escape::success;
use crate::report::exit::{Exit, ExitRow, rows};
use crate::report::text::Style;

#[derive(Debug, Serialize)]
struct ExplainDocument {
    exit_codes: Vec<&'static ExitRow>,
    signal: Option<u16>,
}

/// The explanation of a code, a status or a class, or the table of all codes.
pub fn explain(what: Option<&str>, json: bool, style: Style) -> Result<String, CommandError> {
    let found = what.map(find).transpose()?;
    match found {
        _ if json => {
            let (exit_codes, signal) = match found {
                None => (rows().collect(), None),
                Some(Found::Row(row)) => (vec![row], None),
                Some(Found::Signal(code)) => (Vec::new(), Some(code - 128)),
            };
            Ok(success("vescli.explain/1", ExplainDocument { exit_codes, signal }))
        }
        Some(Found::Row(row)) => Ok(text(row, style)),
        Some(Found::Signal(code)) => {
            let (signal, name) = match code - 128 {
                2 => (2, " (SIGINT, Ctrl-C)"),
                9 => (9, " (SIGKILL)"),
                15 => (15, " (SIGTERM)"),
                signal => (signal, ""),
            };
            Ok(format!(
                "{code}: the program was ended by signal {signal}{name}.\n\
                 A request that was under way may have been sent; the last message of `send` says whether that is possible.\n"
            ))
        }
        None => Ok(table(style)),
    }
}

enum Found {
    Row(&'static ExitRow),
    Signal(u16),
}

/// Numbers below 100 are exit codes, from 200 on statuses; a shell adds 128 to a signal.
fn find(what: &str) -> Result<Found, CommandError> {
    let name = what.to_ascii_lowercase().replace('-', "_");
    let by_number = |number: u16| match number {
        0..=99 => rows().find(|row| u16::from(row.exit.code()) == number).map(Found::Row),
        129..=192 => Some(Found::Signal(number)),
        _ => Exit::of_status(number).map(|exit| Found::Row(exit.row())),
    };
    let found = match name.parse() {
        Ok(number) => by_number(number),
        Err(_) => rows().find(|row| row.name == name).map(Found::Row),
    };
    found.ok_or_else(|| {
        let (shown, suggestion) = (what.escape_debug(), did_you_mean(what, rows().map(|row| row.name)));
        let message = format!("`{shown}` is not an exit code, HTTP status or class{suggestion}");
        CommandError::usage(message, "`vescli explain` lists them all")
    })
}

fn text(row: &ExitRow, style: Style) -> String {
    let status = if row.statuses.is_empty() { String::new() } else { format!(", HTTP {}", row.statuses) };
    let heading = style.heading(&format!("{} {}{status}", row.exit.code(), row.name));
    let mut text = format!("{heading}: {}\n", row.meaning);
    for (label, content) in [("outcome", row.outcome), ("run again", row.again), ("what to do", row.advice)] {
        text.push_str(&format!("  {:<11} {content}\n", format!("{label}:")));
    }
    text
}

pub fn table(style: Style) -> String {
    let widest = |width: fn(&ExitRow) -> usize| rows().map(width).max().unwrap_or(0);
    let (name, outcome) = (widest(|row| row.name.len()), widest(|row| row.title.len()));
    let heading =
        format!("{:>4}  {:<name$}  {:<6}  {:<outcome$}  {}", "code", "class", "HTTP", "meaning", "safe to run again");
    let mut text = format!("{}\n", style.heading(&heading));
    for row in rows() {
        text.push_str(&format!(
            "{:>4}  {:<name$}  {:<6}  {:<outcome$}  {}\n",
            row.exit.code(),
            row.name,
            row.statuses,
            row.title,
            row.again
        ));
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

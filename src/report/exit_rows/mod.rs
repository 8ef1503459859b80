//! The rows of the table of exit codes, by code.

mod below_40;
mod from_40;

use super::exit::{Exit, ExitRow};

const fn row(
    exit: Exit,
    name: &'static str,
    title: &'static str,
    statuses: &'static str,
    texts: [&'static str; 4],
) -> ExitRow {
    let [meaning, outcome, again, advice] = texts;
    ExitRow {
        exit,
        name,
        title,
        statuses,
        meaning,
        outcome,
        again,
        advice,
    }
}

/// All rows, by code.
pub(super) fn rows() -> impl Iterator<Item = &'static ExitRow> {
    below_40::ROWS.iter().chain(from_40::ROWS)
}

//! Why a list, or a row of it, cannot be used.

use std::io;

use thiserror::Error;

/// A row that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its line in the list, from 1 on.
    pub line: u64,
    /// What is wrong with it. Holds text of the list, cut short, that has to be made safe before it is shown.
    pub reason: String,
}

/// Why a list cannot be used at all. Messages hold text of the list that has to be made safe before it is shown.
#[derive(Debug, Error)]
pub enum RowsError {
    /// It cannot be read.
    #[error("the list cannot be read: {0}")]
    Read(#[source] io::Error),
    /// There is nobody on it.
    #[error("the list holds no rows")]
    Empty,
    /// Another encoding.
    #[error(
        "line {line} is not UTF-8 text; most likely it is Latin-1: convert the list with `iconv -f latin1 -t utf-8`"
    )]
    NotUtf8 { line: u64 },
    /// Two bytes for each letter.
    #[error("the list is UTF-16 text, not UTF-8: convert it with `iconv -f utf-16 -t utf-8`")]
    Utf16,
    /// A spreadsheet's own format, or another one that is compressed.
    #[error("the list is a workbook or an archive, not text: export it as CSV (UTF-8) from the program that made it")]
    Workbook,
    /// One JSON value over several lines.
    #[error("the list is a JSON array; one object per line is needed: convert it with `jq -c '.[]'`")]
    JsonArray,
    /// A header without the column that is needed.
    #[error(
        "line {line}: no column is called `email`; the columns are {}: rename the one with the addresses", listed(.columns)
    )]
    NoEmailColumn { line: u64, columns: Vec<String> },
    /// Rows without a header.
    #[error(
        "line {line} holds an address where the names of the columns belong: put a line such as `email,cname` on top; for one address per line without a header, say --format lines"
    )]
    NoHeader { line: u64 },
    /// Twice the same column.
    #[error("line {line}: two columns are called `{name}`: rename the one that is not meant")]
    TwoColumns { line: u64, name: &'static str },
    /// A column that would have to choose the URL.
    #[error(
        "line {line}: a list cannot have a `{name}` for each row, because one run addresses one tenant: make one list per {name}, say it with --{name}, and take the column out"
    )]
    Addressing { line: u64, name: &'static str },
    /// A quote that is never closed swallows the rows behind it.
    #[error("line {line}: a quote is opened there and never closed, so that the rows behind it cannot be told apart")]
    OpenQuote { line: u64 },
    /// Text behind a closing quote: the quotes are not where they seem to be.
    #[error("line {line}: text stands behind a closing quote: a quote inside a quoted field has to be written twice")]
    StrayQuote { line: u64 },
    /// A line or row without an end.
    #[error("line {line} is longer than 1 MiB: this is no list of addresses")]
    TooLong { line: u64 },
}

/// Most columns that a message names.
const LISTED: usize = 12;

fn listed(columns: &[String]) -> String {
    let named: Vec<String> = columns.iter().take(LISTED).map(|name| format!("`{}`", short(name))).collect();
    let rest = columns.len().saturating_sub(LISTED);
    match rest {
        0 => named.join(", "),
        rest => format!("{} and {rest} more", named.join(", ")),
    }
}

/// Foreign text cut to what a message can bear.
pub(super) fn short(text: &str) -> String {
    const MAX: usize = 80;
    let cut = match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    // A line break inside a cell must not look like the end of what is told of it.
    cut.replace('\n', "\\n")
}

impl From<io::Error> for RowsError {
    /// An error of ours that travelled through a reader comes out again.
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Read)
    }
}

impl From<RowsError> for io::Error {
    fn from(error: RowsError) -> Self {
        Self::other(error)
    }
}

//! Reads a list of people: CSV, NDJSON or plain lines, as spreadsheets and directories export them. The whole list is
//! read and checked before anybody is mailed.

mod collect;
mod csv;
mod detect;
mod error;
mod lines;
mod ndjson;
mod quotes;
mod text;

#[cfg(test)]
mod tests;

use std::io::{BufRead, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

pub use error::{BadRow, RowsError};

use collect::Collector;
use text::Text;

/// How much of a list is looked at to find out what it is, in bytes.
const GLANCE: u64 = 64 * 1024;
/// Longest line, and longest row of a table, in bytes.
const ROW_MAX: usize = 1024 * 1024;

/// What a list looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// To be found out by its content.
    Auto,
    /// A table with a header: separated by commas, semicolons or tabs.
    Csv,
    /// A JSON object per line.
    Ndjson,
    /// An address per line.
    Lines,
}

impl Format {
    /// What the name of a file says of it; [`Format::Auto`] when that is nothing certain.
    pub fn of_name(path: &Path) -> Self {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("csv" | "tsv") => Self::Csv,
            Some("ndjson" | "jsonl") => Self::Ndjson,
            _ => Self::Auto,
        }
    }
}

/// One person to be mailed. Small: there may be a million of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the list on which the row begins, from 1 on.
    pub line: u64,
    /// The address, checked.
    pub email: Box<str>,
    /// The cname, checked, if the row has one of its own. Rows share equal ones.
    pub cname: Option<Arc<str>>,
}

/// A list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The rows that can be sent, in the order of the list, each address once with each cname.
    pub rows: Vec<Row>,
    /// How many rows were dropped because their address stands further up with the same cname, whatever the case of both.
    pub repeats: u64,
    /// How many rows have the address of a row further up and a cname that it had not there: a mail of their own.
    pub other_cname: u64,
    /// Columns or fields that mean nothing here, in the order of their appearance.
    pub ignored_columns: Vec<String>,
    /// The rows that cannot be sent, in the order of the list.
    pub bad: Vec<BadRow>,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// What it turned out to be; never [`Format::Auto`].
    pub format: Format,
}

/// Reads a list. `default_cname` is what rows without a cname are sent with; `allow_any_email` skips the published pattern.
///
/// # Errors
/// [`RowsError`] when the list as a whole cannot be used. Rows that cannot be sent are part of what is read.
pub fn read(input: impl Read, format: Format, default_cname: &str, allow_any_email: bool) -> Result<List, RowsError> {
    let mut text = Text::new(input);
    let mut glance = Vec::new();
    text.by_ref().take(GLANCE).read_to_end(&mut glance)?;
    let format = match format {
        Format::Auto => detect::format(&glance)?,
        format => format,
    };
    let mut collector = Collector::new(default_cname, allow_any_email);
    let plan = (format == Format::Csv).then(|| detect::table(&glance));
    let mut whole = Cursor::new(glance).chain(&mut text);
    match plan {
        Some(plan) => csv::read(whole, plan, &mut collector)?,
        None if format == Format::Ndjson => ndjson::read(&mut whole, &mut collector)?,
        None => lines::read(&mut whole, &mut collector)?,
    }
    collector.finish(format, text.sha256()?)
}

/// Calls `take` with the number and the text of each line that is not blank.
fn each_line(
    reader: &mut impl BufRead,
    mut take: impl FnMut(u64, &str) -> Result<(), RowsError>,
) -> Result<(), RowsError> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        reader.by_ref().take(ROW_MAX as u64 + 1).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        if bytes.len() > ROW_MAX {
            return Err(RowsError::TooLong { line });
        }
        let text = str::from_utf8(&bytes).map_err(|_| RowsError::NotUtf8 { line })?;
        if !text.trim().is_empty() {
            take(line, text.trim())?;
        }
    }
    Ok(())
}

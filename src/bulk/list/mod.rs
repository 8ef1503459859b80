//! Reads a list of people: CSV, NDJSON or plain lines, as spreadsheets and directories export them. The whole list is
//! read and checked before anyone is mailed.

mod csv;
mod lines;
mod rows;

#[cfg(test)]
mod tests;

use std::io::{Cursor, Read};

pub use rows::{BadRow, Format, List, Row, RowsError};

use lines::Text;
use rows::Collector;

/// How much of a list is inspected to detect its format, in bytes.
const GLANCE: u64 = 64 * 1024;

/// Reads a list. `default_cname` is what rows without a cname are sent with; `allow_any_email` skips the published pattern.
///
/// # Errors
/// [`RowsError`] when the list as a whole cannot be used. Rows that cannot be sent are part of what is read.
pub fn read(input: impl Read, format: Format, default_cname: &str, allow_any_email: bool) -> Result<List, RowsError> {
    let mut text = Text::new(input);
    let mut glance = Vec::new();
    text.by_ref().take(GLANCE).read_to_end(&mut glance)?;
    let format = match format {
        Format::Auto => detect(&glance)?,
        format => format,
    };
    let mut collector = Collector::new(default_cname, allow_any_email);
    let table = csv::table(&glance);
    let mut whole = Cursor::new(glance).chain(&mut text);
    match format {
        Format::Csv => csv::read(whole, table, &mut collector)?,
        Format::Ndjson => lines::read_ndjson(&mut whole, &mut collector)?,
        Format::Lines | Format::Auto => lines::read_plain(&mut whole, &mut collector)?,
    }
    collector.finish(format, text.sha256()?)
}

/// The format of a list that no one named.
fn detect(glance: &[u8]) -> Result<Format, RowsError> {
    let text = String::from_utf8_lossy(glance);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    match lines.peek() {
        Some(line) if line.starts_with('{') => return Ok(Format::Ndjson),
        Some(line) if line.starts_with('[') => return Err(RowsError::JsonArray),
        Some(line) if csv::preface(line.as_bytes()).is_some() => return Ok(Format::Csv),
        _ => {}
    }
    let first = lines.find(|line| !line.starts_with('#')).unwrap_or("");
    let table = csv::best(first.as_bytes());
    let is_table = table.names_email || table.columns > 1;
    Ok(if is_table { Format::Csv } else { Format::Lines })
}

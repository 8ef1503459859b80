//! Reads a list of people: CSV, NDJSON or plain lines, as spreadsheets and directories export them. The whole list is
//! read and checked before the first request.

mod csv;
mod lines;
mod rows;

#[cfg(test)]
mod tests;

use std::io::{BufReader, Cursor, Read};

use sha2::Digest;

pub use rows::{BadRow, Format, List, Row, RowsError};

use super::journal::hex;
use lines::Text;
use rows::Collector;

/// The bytes at the beginning of a list from which its format is detected. The rest is read in blocks of the same size.
const SAMPLE_BYTES: usize = 64 * 1024;

/// Reads a list. `default_cname` is the cname of rows without one. With `allow_any_email`, addresses need not match the
/// published pattern.
///
/// # Errors
/// [`RowsError`] when the list as a whole cannot be used. Rows that cannot be sent are part of the result.
pub fn read(input: impl Read, format: Format, default_cname: &str, allow_any_email: bool) -> Result<List, RowsError> {
    let mut text = Text::new(input);
    let mut start = Vec::new();
    text.by_ref().take(SAMPLE_BYTES as u64).read_to_end(&mut start)?;
    check_kind(&start)?;
    // Some programs write the byte order mark of UTF-8 twice.
    while start.starts_with(b"\xef\xbb\xbf") {
        start.drain(..3);
    }
    let sample = String::from_utf8_lossy(&start).into_owned();
    let format = match format {
        Format::Auto => detect(&sample)?,
        format => format,
    };
    let mut collector = Collector::new(default_cname, allow_any_email);
    let mut whole = Cursor::new(start).chain(BufReader::with_capacity(SAMPLE_BYTES, &mut text));
    match format {
        Format::Csv => csv::read(whole, &sample, &mut collector)?,
        Format::Ndjson => lines::read_ndjson(&mut whole, &mut collector)?,
        Format::Lines | Format::Auto => lines::read_plain(&mut whole, &mut collector)?,
    }
    collector.finish(format, hex(&text.hash.finalize()))
}

/// Refuses files whose first bytes show that they are not UTF-8 text.
fn check_kind(start: &[u8]) -> Result<(), RowsError> {
    match start {
        // With a byte order mark, or Latin letters without one, where every other byte is zero.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, 0, _, ..] | [_, 0, _, 0, ..] => Err(RowsError::Utf16),
        // A ZIP archive, such as .xlsx and .ods, or the older .xls.
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(RowsError::Workbook),
        _ => Ok(()),
    }
}

/// Detects the format of a list.
fn detect(sample: &str) -> Result<Format, RowsError> {
    let mut lines = sample.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    match lines.peek() {
        Some(line) if line.starts_with('{') => return Ok(Format::Ndjson),
        Some(line) if line.starts_with('[') => return Err(RowsError::JsonArray),
        Some(line) if csv::named_separator(line).is_some() => return Ok(Format::Csv),
        _ => {}
    }
    let first = lines.find(|line| !line.starts_with('#')).unwrap_or("");
    let is_table = csv::best_separator(first.as_bytes()).is_some_and(|table| table.names_email || table.columns > 1);
    Ok(if is_table { Format::Csv } else { Format::Lines })
}

//! Finds out what a list is from its first bytes: its format, and how the columns of a table are separated.

use super::rows::{Format, RowsError};

/// What may separate columns. The first one wins when nothing speaks for another.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a table is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) separator: u8,
    /// Bytes of a first line `sep=;`, which spreadsheets write for each other.
    pub(super) preface: usize,
}

/// The format of a list that no one named.
pub(super) fn format(glance: &[u8]) -> Result<Format, RowsError> {
    let text = String::from_utf8_lossy(glance);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    match lines.peek() {
        Some(line) if line.starts_with('{') => return Ok(Format::Ndjson),
        Some(line) if line.starts_with('[') => return Err(RowsError::JsonArray),
        Some(line) if preface(line.as_bytes()).is_some() => return Ok(Format::Csv),
        _ => {}
    }
    let first = lines.find(|line| !line.starts_with('#')).unwrap_or("");
    let table = best(first.as_bytes());
    let is_table = table.names_email || table.columns > 1;
    Ok(if is_table { Format::Csv } else { Format::Lines })
}

/// How a table is separated: as its first line says, else in the way that gives a column `email`, else in the way that
/// gives the most columns.
pub(super) fn table(glance: &[u8]) -> Table {
    let start = glance.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(glance.len());
    if let Some(separator) = preface(&glance[start..]) {
        let length = glance[start..].iter().position(|byte| *byte == b'\n');
        return Table { separator, preface: length.map_or(glance.len(), |length| start + length) };
    }
    Table { separator: best(glance).separator, preface: 0 }
}

/// What `sep=X` on a line of its own names.
fn preface(text: &[u8]) -> Option<u8> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    let line = line.trim_ascii_end();
    // A tab would have been trimmed.
    let named = match line.split_at_checked(4)? {
        (key, [separator]) if key.eq_ignore_ascii_case(b"sep=") => *separator,
        (key, []) if key.eq_ignore_ascii_case(b"sep=") => b'\t',
        _ => return None,
    };
    SEPARATORS.contains(&named).then_some(named)
}

struct Guess {
    separator: u8,
    columns: usize,
    names_email: bool,
}

fn best(glance: &[u8]) -> Guess {
    let guesses = SEPARATORS.map(|separator| guess(glance, separator));
    let [mut best, others @ ..] = guesses;
    for other in others {
        if (other.names_email, other.columns) > (best.names_email, best.columns) {
            best = other;
        }
    }
    best
}

fn guess(glance: &[u8], separator: u8) -> Guess {
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(glance);
    let mut header = csv::ByteRecord::new();
    // Reading from memory fails for no reason that would not be found again when the list itself is read.
    let _ = reader.read_byte_record(&mut header);
    Guess {
        separator,
        columns: header.len(),
        names_email: header.iter().any(|cell| cell.trim_ascii().eq_ignore_ascii_case(b"email")),
    }
}

//! Reads a table: detects the separator of its columns, finds the columns `email` and `cname`, and reads the rows.

use std::io::{BufRead, Read};

use csv::ByteRecord;
use memchr::memchr3;

use super::lines::{ROW_MAX, utf8};
use super::rows::{Collector, RowsError, refused_column};

/// The separators of columns. If all are equally likely, the first one is used.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The separator that a line such as `sep=;` names. Spreadsheets write and read such lines.
pub(super) fn named_separator(line: &str) -> Option<u8> {
    // Trimming the line has removed a tab at its end.
    let named = match line.trim().as_bytes().split_at_checked(4)? {
        (key, [separator]) if key.eq_ignore_ascii_case(b"sep=") => *separator,
        (key, []) if key.eq_ignore_ascii_case(b"sep=") => b'\t',
        _ => return None,
    };
    SEPARATORS.contains(&named).then_some(named)
}

/// How the first row looks with one separator. The best separator gives a column `email`; after that, more columns are
/// better.
pub(super) struct SeparatorGuess {
    pub(super) names_email: bool,
    pub(super) columns: usize,
    separator: u8,
}

pub(super) fn best_separator(text: &[u8]) -> Option<SeparatorGuess> {
    let guess = |separator| {
        let mut header = ByteRecord::new();
        // With a wrong separator, quotes may be anywhere. Errors are reported when the list itself is read.
        let _ = Rows { is_strict: false, ..Rows::new(text, separator) }.next(&mut header);
        let names_email = header.iter().any(|cell| cell.trim_ascii().eq_ignore_ascii_case(b"email"));
        SeparatorGuess { names_email, columns: header.len(), separator }
    };
    // In reverse, because the maximum is the last of equal ones.
    SEPARATORS.into_iter().rev().map(guess).max_by_key(|guess| (guess.names_email, guess.columns))
}

/// The indexes of the columns that are read, and the number of columns.
struct Columns {
    email: usize,
    cname: Option<usize>,
    count: usize,
}

/// Reads a table into the collector. `sample` is the beginning of the table.
pub(super) fn read(input: impl BufRead, sample: &str, collector: &mut Collector<'_>) -> Result<(), RowsError> {
    let named = sample.trim_start().lines().next().and_then(named_separator);
    let guessed = || best_separator(sample.as_bytes()).map(|guess| guess.separator);
    let mut rows = Rows::new(input, named.or_else(guessed).unwrap_or(b','));
    let mut skips_first = named.is_some();
    let mut record = ByteRecord::new();
    let mut columns: Option<Columns> = None;
    while let Some(line) = rows.next(&mut record)? {
        // A spreadsheet writes a row of separators alone for a row that was emptied.
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) || std::mem::take(&mut skips_first) {
            continue;
        }
        match &columns {
            None => columns = Some(header(&record, line, collector)?),
            Some(columns) => row(&record, line, columns, collector),
        }
    }
    Ok(())
}

fn header(record: &ByteRecord, line: u64, collector: &mut Collector<'_>) -> Result<Columns, RowsError> {
    let names: Vec<&str> = record.iter().map(trimmed).collect();
    let find = |wanted: &'static str| -> Result<Option<usize>, RowsError> {
        let mut found = (0..names.len()).filter(|index| names[*index].eq_ignore_ascii_case(wanted));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(RowsError::TwoColumns { line, name: wanted }),
            (first, _) => Ok(first),
        }
    };
    let Some(email) = find("email")? else {
        return Err(if names.iter().any(|name| name.contains('@')) {
            RowsError::NoHeader { line }
        } else {
            RowsError::NoEmailColumn { line, columns: names.into_iter().map(str::to_owned).collect() }
        });
    };
    if let Some(name) = refused_column(&names) {
        return Err(RowsError::RefusedColumn { line, name });
    }
    let cname = find("cname")?;
    for (index, name) in names.iter().enumerate() {
        if index != email && Some(index) != cname && !name.is_empty() {
            collector.ignore(name);
        }
    }
    Ok(Columns { email, cname, count: names.len() })
}

fn row(record: &ByteRecord, line: u64, columns: &Columns, collector: &mut Collector<'_>) {
    if record.iter().skip(columns.count).any(|cell| !cell.trim_ascii().is_empty()) {
        let reason = format!(
            "has {} fields, but the header has {}: a field that contains the separator belongs in quotes",
            record.len(),
            columns.count
        );
        return collector.bad(line, reason);
    }
    let cell = |index| record.get(index).map_or("", trimmed);
    collector.row(line, cell(columns.email), columns.cname.map(cell));
}

/// A cell without leading and trailing blanks. It is valid UTF-8, because each line was checked.
fn trimmed(cell: &[u8]) -> &str {
    str::from_utf8(cell).unwrap_or_default().trim()
}

/// Reads the rows of a table (RFC 4180). Unlike the reader of the crate `csv`, it knows the line of each row, and
/// refuses misplaced quotes, because of which one row would include the rows after it.
struct Rows<R> {
    input: R,
    separator: u8,
    /// The number of the next line.
    line: u64,
    /// Whether text after a closing quote is an error. Otherwise it is part of the cell.
    is_strict: bool,
    /// The line and the cell that are read. Buffers of their own for each row would scatter the rows in memory.
    text: Vec<u8>,
    cell: Vec<u8>,
}

/// The position of the last byte in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    CellStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: it ends the cell, or is the first of two that stand for one.
    QuoteInQuoted,
}

impl<R: BufRead> Rows<R> {
    const fn new(input: R, separator: u8) -> Self {
        Self { input, separator, line: 1, is_strict: true, text: Vec::new(), cell: Vec::new() }
    }

    /// Reads the next row, without empty lines before it. Returns the number of its first line. After an error, the
    /// record has the cells before it.
    fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, RowsError> {
        let Self { input, separator, line, is_strict, text, cell } = self;
        let (mut at, mut begin, mut opened, mut length) = (At::CellStart, *line, *line, 0);
        record.clear();
        cell.clear();
        loop {
            text.clear();
            input.by_ref().take((ROW_MAX + 1 - length) as u64).read_until(b'\n', text)?;
            length += text.len();
            if length > ROW_MAX {
                text.pop();
            } else {
                utf8(text, *line)?;
            }
            let mut rest = text.as_slice();
            while let Some((byte, after)) = rest.split_first() {
                at = match (at, *byte) {
                    (At::Quoted, b'"') => At::QuoteInQuoted,
                    (At::CellStart, b'"') => {
                        opened = *line;
                        At::Quoted
                    }
                    (At::CellStart | At::Plain | At::QuoteInQuoted, byte) if byte == *separator || byte == b'\n' => {
                        record.push_field(cell);
                        cell.clear();
                        At::CellStart
                    }
                    (At::QuoteInQuoted, byte) if byte != b'"' && *is_strict => {
                        return Err(RowsError::StrayQuote { line: *line });
                    }
                    (at, byte) => {
                        cell.push(byte);
                        if at == At::Quoted || byte == b'"' && at == At::QuoteInQuoted { At::Quoted } else { At::Plain }
                    }
                };
                // Most bytes neither begin nor end anything.
                let is_in_cell = matches!(at, At::Plain | At::Quoted);
                let plain = if is_in_cell { memchr3(*separator, b'\n', b'"', after).unwrap_or(after.len()) } else { 0 };
                cell.extend_from_slice(&after[..plain]);
                rest = &after[plain..];
            }
            if length > ROW_MAX || !text.ends_with(b"\n") {
                record.push_field(cell);
                return match at {
                    At::Quoted => Err(RowsError::OpenQuote { line: opened }),
                    _ if length > ROW_MAX => Err(RowsError::TooLong { line: *line }),
                    _ => Ok((length > 0).then_some(begin)),
                };
            }
            *line += 1;
            if at == At::CellStart && length > 1 {
                return Ok(Some(begin));
            }
            if at == At::CellStart {
                record.clear();
                (begin, length) = (*line, 0);
            }
        }
    }
}

//! A table: how its columns are separated, which of them matter, and its rows.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::lines::ROW_MAX;
use super::rows::{ADDRESSING, Collector, RowsError};

/// What may separate columns. The first one wins when nothing speaks for another.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a table is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) separator: u8,
    /// Bytes of a first line `sep=;`, which spreadsheets write for each other.
    pub(super) preface: usize,
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
pub(super) fn preface(text: &[u8]) -> Option<u8> {
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

/// What the first row shows if it is separated in one way.
pub(super) struct Guess {
    separator: u8,
    pub(super) columns: usize,
    pub(super) names_email: bool,
}

pub(super) fn best(glance: &[u8]) -> Guess {
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
    let mut reader = ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(glance);
    let mut header = ByteRecord::new();
    // Reading from memory fails for no reason that would not be found again when the list itself is read.
    let _ = reader.read_byte_record(&mut header);
    Guess {
        separator,
        columns: header.len(),
        names_email: header.iter().any(|cell| cell.trim_ascii().eq_ignore_ascii_case(b"email")),
    }
}

/// Where the columns are that matter.
struct Columns {
    email: usize,
    cname: Option<usize>,
    count: usize,
}

/// Reads a table into the collector.
pub(super) fn read(mut input: impl BufRead, table: Table, collector: &mut Collector<'_>) -> Result<(), RowsError> {
    let line = 1 + skip(&mut input, table.preface)?;
    let mut reader = ReaderBuilder::new()
        .delimiter(table.separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(Quotes::new(input, table.separator, line));
    let mut record = ByteRecord::new();
    let mut columns: Option<Columns> = None;
    while reader.read_byte_record(&mut record).map_err(unwrapped)? {
        let line = reader.get_mut().next_line();
        // A row of separators alone is what a spreadsheet makes of a row that was emptied.
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        match &columns {
            None => columns = Some(header(&record, line, collector)?),
            Some(columns) => row(&record, line, columns, collector),
        }
    }
    Ok(())
}

/// Leaves out the first bytes, and returns how many line breaks they held.
fn skip(input: &mut impl BufRead, length: usize) -> Result<u64, RowsError> {
    let mut skipped = vec![0; length];
    input.read_exact(&mut skipped)?;
    Ok(skipped.iter().map(|byte| u64::from(*byte == b'\n')).sum())
}

fn header(record: &ByteRecord, line: u64, collector: &mut Collector<'_>) -> Result<Columns, RowsError> {
    let names: Vec<String> = record.iter().map(|cell| trimmed(cell).to_owned()).collect();
    let find = |wanted: &'static str| -> Result<Option<usize>, RowsError> {
        let mut found = names.iter().enumerate().filter(|(_, name)| name.eq_ignore_ascii_case(wanted));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(RowsError::TwoColumns { line, name: wanted }),
            (first, _) => Ok(first.map(|(index, _)| index)),
        }
    };
    let Some(email) = find("email")? else {
        return Err(if names.iter().any(|name| name.contains('@')) {
            RowsError::NoHeader { line }
        } else {
            RowsError::NoEmailColumn { line, columns: names }
        });
    };
    for name in ADDRESSING {
        if names.iter().any(|given| given.eq_ignore_ascii_case(name)) {
            return Err(RowsError::Addressing { line, name });
        }
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
    let extra = record.iter().skip(columns.count);
    if extra.into_iter().any(|cell| !cell.trim_ascii().is_empty()) {
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

/// A cell without the blanks around it. The whole list was checked to be UTF-8.
fn trimmed(cell: &[u8]) -> &str {
    str::from_utf8(cell).unwrap_or_default().trim()
}

fn unwrapped(error: csv::Error) -> RowsError {
    match error.into_kind() {
        ErrorKind::Io(error) => error.into(),
        // Nothing else comes from reading bytes without a fixed length.
        kind => RowsError::Read(io::Error::other(format!("{kind:?}"))),
    }
}

/// A reader that passes on what it reads.
pub(super) struct Quotes<R> {
    inner: R,
    separator: u8,
    at: At,
    line: u64,
    /// Where the quote was opened that is open.
    opened: u64,
    /// Bytes of the row so far.
    row: usize,
    /// Lines on which rows begin that the parser has not asked for yet.
    begins: VecDeque<u64>,
}

/// Where in a row the last byte is. The same steps as in the parser, so that both see the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    RowStart,
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of the field, or the first of two that mean one.
    QuoteInQuoted,
}

impl<R: BufRead> Quotes<R> {
    /// The first byte is on `line`.
    pub(super) fn new(inner: R, separator: u8, line: u64) -> Self {
        Self { inner, separator, at: At::RowStart, line, opened: line, row: 0, begins: VecDeque::new() }
    }

    /// The line on which the next row begins; asked once for each row.
    pub(super) fn next_line(&mut self) -> u64 {
        self.begins.pop_front().unwrap_or(self.line)
    }

    fn step(&mut self, byte: u8) -> Result<(), RowsError> {
        if self.at == At::RowStart && byte != b'\n' {
            self.begins.push_back(self.line);
            self.row = 0;
        }
        self.row += 1;
        if self.row > ROW_MAX {
            return Err(match self.at {
                At::Quoted => RowsError::OpenQuote { line: self.opened },
                At::RowStart | At::FieldStart | At::Plain | At::QuoteInQuoted => RowsError::TooLong { line: self.line },
            });
        }
        self.at = match (self.at, byte) {
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::Quoted, _) => At::Quoted,
            (At::QuoteInQuoted, b'"') => At::Quoted,
            (_, b'\n') => At::RowStart,
            (_, byte) if byte == self.separator => At::FieldStart,
            (At::QuoteInQuoted, _) => return Err(RowsError::StrayQuote { line: self.line }),
            (At::RowStart | At::FieldStart, b'"') => {
                self.opened = self.line;
                At::Quoted
            }
            (At::RowStart | At::FieldStart | At::Plain, _) => At::Plain,
        };
        if byte == b'\n' {
            self.line += 1;
            if self.at == At::RowStart {
                self.row = 0;
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Quotes<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        for byte in &out[..read] {
            self.step(*byte)?;
        }
        if read == 0 && !out.is_empty() && self.at == At::Quoted {
            return Err(RowsError::OpenQuote { line: self.opened }.into());
        }
        Ok(read)
    }
}

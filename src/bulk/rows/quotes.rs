//! Watches the quotes of a table on its way to the parser, which forgives what would make rows vanish: a quote that is
//! never closed swallows everything behind it. Also notes on which line each row begins.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use super::ROW_MAX;
use super::error::RowsError;

/// A reader that hands on what it reads.
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

/// Where in a row the last byte stands. The same steps as in the parser, so that both see the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    RowStart,
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: the end of the field, or the first of two that stand for one.
    QuoteInQuoted,
}

impl<R: BufRead> Quotes<R> {
    /// The first byte stands on `line`.
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

//! The bytes of a list as text and lines: hashed as they come, checked to be UTF-8, without a byte order mark, and with one
//! kind of line break, so that no format has to know of the others. Also the formats with a person on each line: plain
//! addresses and NDJSON.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{self, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use sha2::{Digest, Sha256};

use super::rows::{ADDRESSING, Collector, RowsError};
use crate::bulk::journal::hex;

/// Longest line, and longest row of a table, in bytes.
pub(super) const ROW_MAX: usize = 1024 * 1024;

/// How much is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;
/// How many bytes tell what a file is.
const MARK: usize = 4;

/// A reader of text.
pub(super) struct Text<R> {
    inner: R,
    hash: Sha256,
    /// Bytes as they came that are not text yet: the beginning of a character whose end has not come.
    raw: Vec<u8>,
    /// Text that was not taken yet, from `taken` on.
    clean: Vec<u8>,
    taken: usize,
    lines: u64,
    begun: bool,
    ended: bool,
    after_return: bool,
}

impl<R: Read> Text<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            raw: Vec::new(),
            clean: Vec::new(),
            taken: 0,
            lines: 1,
            begun: false,
            ended: false,
            after_return: false,
        }
    }

    /// The SHA-256 of all bytes, those included that no one has read yet.
    pub(super) fn sha256(mut self) -> Result<String, RowsError> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(hex(&self.hash.finalize()))
    }

    /// Reads more bytes and makes text of them, perhaps of none.
    fn refill(&mut self) -> Result<(), RowsError> {
        self.clean.clear();
        self.taken = 0;
        let before = self.raw.len();
        let read = self.inner.by_ref().take(CHUNK as u64).read_to_end(&mut self.raw).map_err(RowsError::Read)?;
        self.hash.update(&self.raw[before..]);
        self.ended = read < CHUNK;
        if !self.begun {
            begin(&mut self.raw)?;
            self.begun = true;
        }
        let valid = match str::from_utf8(&self.raw) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() && !self.ended => error.valid_up_to(),
            Err(error) => {
                let valid = error.valid_up_to();
                self.take_in(valid);
                return Err(RowsError::NotUtf8 { line: self.lines });
            }
        };
        self.take_in(valid);
        self.raw.drain(..valid);
        Ok(())
    }

    /// Takes over bytes that are text; CR LF, and a CR alone as old Macs write it, become LF.
    fn take_in(&mut self, length: usize) {
        for byte in &self.raw[..length] {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            let byte = match byte {
                b'\n' if after_return => continue,
                b'\r' => b'\n',
                byte => *byte,
            };
            self.lines += u64::from(byte == b'\n');
            self.clean.push(byte);
        }
    }
}

/// Looks at the first bytes, and takes a UTF-8 byte order mark away.
fn begin(bytes: &mut Vec<u8>) -> Result<(), RowsError> {
    match bytes.get(..MARK.min(bytes.len())).unwrap_or_default() {
        [0xef, 0xbb, 0xbf, ..] => drop(bytes.drain(..3)),
        // With a mark, or Latin letters without one: every other byte is zero.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, 0, _] | [_, 0, _, 0] => {
            return Err(RowsError::Utf16);
        }
        // A ZIP archive, as .xlsx and .ods are, and the older .xls.
        b"PK\x03\x04" | [0xd0, 0xcf, 0x11, 0xe0] => return Err(RowsError::Workbook),
        _ => {}
    }
    Ok(())
}

impl<R: Read> BufRead for Text<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken == self.clean.len() && !self.ended {
            self.refill()?;
        }
        Ok(&self.clean[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.clean.len());
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

/// Reads plain lines into the collector.
pub(super) fn read_plain(input: &mut impl BufRead, collector: &mut Collector<'_>) -> Result<(), RowsError> {
    each_line(input, |line, text| {
        let address = uncommented(text);
        if !address.is_empty() {
            collector.row(line, address, None);
        }
        Ok(())
    })
}

/// Calls `take` with the number and the text of each line that is not blank.
pub(super) fn each_line(
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

/// A line without its comment. Within a word `#` does not begin one: some addresses contain it.
fn uncommented(line: &str) -> &str {
    let comment =
        line.char_indices().find(|(at, sign)| *sign == '#' && (*at == 0 || line[..*at].ends_with(char::is_whitespace)));
    comment.map_or(line, |(at, _)| line[..at].trim_end())
}

/// The fields of an object that matter, and the names of the others.
#[derive(Default)]
struct Object {
    email: Option<String>,
    cname: Option<String>,
    addressing: Option<&'static str>,
    ignored: Vec<String>,
}

/// Reads NDJSON into the collector.
pub(super) fn read_ndjson(input: &mut impl BufRead, collector: &mut Collector<'_>) -> Result<(), RowsError> {
    each_line(input, |line, text| {
        if line == 1 && text.starts_with('[') {
            return Err(RowsError::JsonArray);
        }
        match parse(text) {
            Ok(Object { addressing: Some(name), .. }) => return Err(RowsError::Addressing { line, name }),
            Ok(Object { email: Some(email), cname, ignored, .. }) => {
                for name in &ignored {
                    collector.ignore(name);
                }
                collector.row(line, email.trim(), cname.as_deref().map(str::trim));
            }
            Ok(_) => collector.bad(line, "has no field `email`".to_owned()),
            Err(error) => collector.bad(line, why(&error)),
        }
        Ok(())
    })
}

/// Why an object cannot be used. `serde_json` counts lines too, but knows of one only.
fn why(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let column = error.column();
    let why = text.strip_suffix(&format!(" at line {} column {column}", error.line())).unwrap_or(&text);
    match column {
        // It knows no place within the line.
        0 => format!("is not a usable JSON object: {why}"),
        _ => format!("is not a usable JSON object: {why} (column {column})"),
    }
}

fn parse(text: &str) -> serde_json::Result<Object> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let object = deserializer.deserialize_map(ObjectVisitor)?;
    deserializer.end().map(|()| object)
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"email\":\"hello@example.com\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.trim().to_ascii_lowercase().as_str() {
                "email" if object.email.is_some() => {
                    return Err(de::Error::custom("two fields are called `email`"));
                }
                "cname" if object.cname.is_some() => {
                    return Err(de::Error::custom("two fields are called `cname`"));
                }
                "email" => object.email = Some(map.next_value()?),
                // A directory writes null for what it does not know.
                "cname" => object.cname = map.next_value()?,
                other => {
                    match ADDRESSING.iter().find(|name| **name == other) {
                        Some(name) => object.addressing = Some(name),
                        None => object.ignored.push(name),
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(object)
    }
}

//! The bytes of a list: they are hashed, and line breaks are normalised, so that the readers need not handle the other
//! kinds. Also reads the formats with one person on each line: plain addresses and NDJSON.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{self, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use sha2::{Digest, Sha256};

use super::rows::{Collector, RowsError, refused_column};

/// The longest line, and the longest row of a table, in bytes.
pub(super) const ROW_MAX: usize = 1024 * 1024;

/// A reader that turns CR LF into LF, and also a single CR, which old Macs write.
pub(super) struct Text<R> {
    inner: R,
    /// The hash of the original bytes.
    pub(super) hash: Sha256,
    after_return: bool,
}

impl<R> Text<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), after_return: false }
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.inner.read(out)?;
            self.hash.update(&out[..read]);
            let mut kept = 0;
            for at in 0..read {
                let byte = out[at];
                let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
                if byte != b'\n' || !after_return {
                    out[kept] = if byte == b'\r' { b'\n' } else { byte };
                    kept += 1;
                }
            }
            // Returning zero bytes would mean the end.
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

pub(super) fn utf8(bytes: &[u8], line: u64) -> Result<&str, RowsError> {
    str::from_utf8(bytes).map_err(|_| RowsError::NotUtf8 { line })
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
        let text = utf8(&bytes, line)?.trim();
        if !text.is_empty() {
            take(line, text)?;
        }
    }
    Ok(())
}

/// A line without its comment. Inside a word, `#` does not begin a comment, because some addresses contain it.
fn uncommented(line: &str) -> &str {
    let comment =
        line.char_indices().find(|(at, sign)| *sign == '#' && (*at == 0 || line[..*at].ends_with(char::is_whitespace)));
    comment.map_or(line, |(at, _)| line[..at].trim_end())
}

/// The fields of an object that are read, and the names of its other fields.
#[derive(Default)]
struct Object {
    email: Option<String>,
    cname: Option<String>,
    others: Vec<String>,
}

/// Reads NDJSON into the collector.
pub(super) fn read_ndjson(input: &mut impl BufRead, collector: &mut Collector<'_>) -> Result<(), RowsError> {
    each_line(input, |line, text| {
        if line == 1 && text.starts_with('[') {
            return Err(RowsError::JsonArray);
        }
        match parse(text) {
            Err(error) => collector.bad(line, why(&error)),
            Ok(object) => match (refused_column(&object.others), object.email) {
                (Some(name), _) => return Err(RowsError::RefusedColumn { line, name }),
                (None, None) => collector.bad(line, "has no field `email`".to_owned()),
                (None, Some(email)) => {
                    object.others.iter().for_each(|name| collector.ignore(name));
                    collector.row(line, email.trim(), object.cname.as_deref().map(str::trim));
                }
            },
        }
        Ok(())
    })
}

/// Why an object cannot be used. The line number of `serde_json` is removed: it is always 1, because each line is
/// parsed alone.
fn why(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let column = error.column();
    let why = text.strip_suffix(&format!(" at line {} column {column}", error.line())).unwrap_or(&text);
    // Column 0 means that the place within the line is not known.
    let place = if column == 0 { String::new() } else { format!(" (column {column})") };
    format!("is not a usable JSON object: {why}{place}")
}

fn parse(text: &str) -> serde_json::Result<Object> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let object = deserializer.deserialize_map(Object::default())?;
    deserializer.end().map(|()| object)
}

impl<'de> Visitor<'de> for Object {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"email\":\"hello@example.com\"}")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        let twice = |name| Err(de::Error::custom(format!("two fields are called `{name}`")));
        while let Some(name) = map.next_key::<String>()? {
            match name.trim().to_ascii_lowercase().as_str() {
                "email" if self.email.is_some() => return twice("email"),
                "cname" if self.cname.is_some() => return twice("cname"),
                "email" => self.email = Some(map.next_value()?),
                // A directory writes null for a missing value.
                "cname" => self.cname = map.next_value()?,
                _ => {
                    self.others.push(name);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self)
    }
}

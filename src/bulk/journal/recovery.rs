//! Reads a journal back: which rows it knows, and where it is damaged. Pure but for the reader, so that tests can cut and
//! bend it at every byte.

use std::collections::HashMap;
use std::io::{self, BufRead};

use serde::Deserialize;

use super::error::{Damage, Flaw};
use super::key::RowKey;
use super::line::{self, Line};
use super::record::{self, LINE_MAX};
use super::state::Recovered;

/// What stands behind the last line break.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    #[default]
    None,
    /// The beginning of a record, or zeros: what was being written when the run was cut down. Nothing was sent on the
    /// strength of it, so it can be dropped.
    Torn,
    /// A whole record that lacks its line break only: it counts.
    Unbroken,
}

/// What a journal holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// What it says of its rows, as far as it is sound.
    pub recovered: Recovered,
    /// Every damaged line. With any, no run goes on from here.
    pub damage: Vec<Damage>,
    /// What stands behind the last line break.
    pub tail: Tail,
    /// How many bytes from the beginning count.
    pub sound: u64,
    /// How many bytes there are.
    pub length: u64,
    /// How many lines there are, the tail included.
    pub lines: u64,
}

/// Reads a whole journal.
///
/// # Errors
/// What the reader says. Damage is no error here: it is part of what is found.
pub fn scan(mut reader: impl BufRead) -> io::Result<Scan> {
    let mut scan = Scan::default();
    let mut kept = Vec::new();
    while let Some(line) = line::next(&mut reader, &mut kept, LINE_MAX)? {
        scan.lines += 1;
        if line.terminated {
            scan.terminated(&kept, &line);
        } else {
            scan.unterminated(&kept, &line);
        }
        scan.length += line.length;
    }
    Ok(scan)
}

impl Scan {
    /// A line that was finished has been synced, or may have been: it is sound, or the journal is damaged.
    fn terminated(&mut self, kept: &[u8], line: &Line) {
        let read = if line.length > LINE_MAX as u64 {
            Err(Flaw::TooLong)
        } else {
            record::read(kept)
        };
        match read.and_then(|record| self.recovered.apply(record)) {
            Ok(()) => self.sound = self.length + line.length,
            Err(flaw) => self.damaged(flaw),
        }
    }

    /// A line that was not finished let nothing go, unless it was finished once and its line break was lost.
    fn unterminated(&mut self, kept: &[u8], line: &Line) {
        let zeros = kept.iter().rev().take_while(|byte| **byte == 0).count();
        let text = &kept[..kept.len() - zeros];
        self.tail = Tail::Torn;
        if !line.rest_is_zero {
            return self.damaged(Flaw::TooLong);
        }
        match record::read(text) {
            Ok(record) => match self.recovered.apply(record) {
                Ok(()) => {
                    self.tail = Tail::Unbroken;
                    self.sound = self.length + text.len() as u64;
                }
                Err(flaw) => self.damaged(flaw),
            },
            // A record that was whole and synced, and whose line break became something else.
            Err(_) if record::whole_record_within(text).is_some() => self.damaged(Flaw::NoBreak),
            Err(_) => {}
        }
    }

    fn damaged(&mut self, flaw: Flaw) {
        self.damage.push(Damage {
            line: self.lines,
            offset: self.length,
            flaw,
        });
    }
}

/// What an intent says for people.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Told {
    /// The line of the list.
    pub row: u64,
    /// The address.
    pub email: String,
    /// The cname.
    pub cname: String,
    /// Which attempt.
    pub attempt: u64,
    /// When it was about to be sent, RFC 3339.
    pub at: String,
}

#[derive(Deserialize)]
struct KeyOnly<'a> {
    t: &'a str,
    #[serde(borrow)]
    key: Option<&'a str>,
}

/// The last intent of each row that `wanted` picks by its key and `fits` by what it says.
///
/// # Errors
/// What the reader says. Lines that are no sound intents are passed over.
pub fn intents_of(
    mut reader: impl BufRead,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&Told) -> bool,
) -> io::Result<HashMap<RowKey, Told>> {
    let mut found = HashMap::new();
    let mut kept = Vec::new();
    while line::next(&mut reader, &mut kept, LINE_MAX)?.is_some() {
        let Ok(KeyOnly {
            t: "intent",
            key: Some(key),
        }) = serde_json::from_slice(&kept)
        else {
            continue;
        };
        if let Ok(key) = key.parse()
            && wanted(key)
            && let Ok(told) = serde_json::from_slice::<Told>(&kept)
            && fits(&told)
        {
            found.insert(key, told);
        }
    }
    Ok(found)
}

//! The records of the journal and their bytes: one line of JSON each, whose last field is the CRC-32 of all that stands
//! before it.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::error::Flaw;
use super::key::RowKey;
use super::moment::{Moment, now};
use super::state::RunSeen;
use crate::api::outcome::Fate;

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;
/// What stands between the CRC and the bytes that it covers.
const CRC_FIELD: &[u8] = b",\"crc\":\"";
/// How long the CRC field is, the closing brace included and the line break not.
const CRC_LENGTH: usize = CRC_FIELD.len() + 8 + 2;
/// Longest line that is taken for a record, in bytes: an address and a cname of 1024 characters, escaped, fit well.
pub(super) const LINE_MAX: usize = 64 * 1024;

/// A row that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent<'a> {
    /// Its key.
    pub key: RowKey,
    /// Its line in the list, for people.
    pub row: u64,
    /// The address as it is sent.
    pub email: &'a str,
    /// The cname as it is sent.
    pub cname: &'a str,
    /// Which attempt this is, from 1 on.
    pub attempt: u64,
}

/// What an operator found out about a row that was unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    /// The person was mailed.
    Accepted,
    /// Nobody was mailed: the row may go out again.
    NotSent,
}

impl Settled {
    /// The word in the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotSent => "not_sent",
        }
    }
}

/// A record that was read, without the texts that the state of a row does not need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Run(RunSeen),
    Intent {
        key: RowKey,
        attempt: u64,
    },
    End {
        key: RowKey,
        fate: Fate,
        status: Option<u16>,
        at: Moment,
    },
    Resolved {
        key: RowKey,
        settled: Settled,
    },
}

/// A text as JSON has it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Value::from(self.0).fmt(f)
    }
}

/// A number or `null`.
fn number(status: Option<u16>) -> Value {
    status.map_or(Value::Null, Value::from)
}

/// The line of the beginning of a run.
pub(super) fn run(id: &str, header: &super::open::RunHeader) -> String {
    let tenant = header
        .tenant
        .as_deref()
        .map_or_else(|| "null".to_owned(), |tenant| Quoted(tenant).to_string());
    sealed(format!(
        r#"{{"v":{VERSION},"t":"run","id":{},"url":{},"tenant":{tenant},"input_sha256":{},"rows":{},"vescli":"{}","at":"{}""#,
        Quoted(id),
        Quoted(&header.url),
        Quoted(&header.input_sha256),
        header.rows,
        env!("CARGO_PKG_VERSION"),
        now(),
    ))
}

/// The line of an intent.
pub(super) fn intent(intent: &Intent<'_>) -> String {
    sealed(format!(
        r#"{{"t":"intent","key":"{}","row":{},"email":{},"cname":{},"attempt":{},"at":"{}""#,
        intent.key,
        intent.row,
        Quoted(intent.email),
        Quoted(intent.cname),
        intent.attempt,
        now(),
    ))
}

/// The line of what came of an attempt.
pub(super) fn end(key: RowKey, attempt: u64, fate: Fate, status: Option<u16>) -> String {
    sealed(format!(
        r#"{{"t":"{}","key":"{key}","attempt":{attempt},"status":{},"at":"{}""#,
        fate.word(),
        number(status),
        now(),
    ))
}

/// The line of what an operator found out.
pub(super) fn resolved(key: RowKey, settled: Settled) -> String {
    sealed(format!(
        r#"{{"t":"resolved","key":"{key}","as":"{}","at":"{}""#,
        settled.word(),
        now(),
    ))
}

/// Closes a record: its CRC, the brace, the line break.
pub(super) fn sealed(mut record: String) -> String {
    let crc = crc32fast::hash(record.as_bytes());
    record.push_str(&format!(",\"crc\":\"{crc:08x}\"}}\n"));
    record
}

/// Every field of every record. Fields that a later version adds are passed over.
#[derive(Deserialize)]
struct Fields<'a> {
    t: &'a str,
    at: &'a str,
    #[serde(borrow)]
    key: Option<&'a str>,
    attempt: Option<u64>,
    status: Option<u16>,
    #[serde(borrow, rename = "as")]
    settled: Option<&'a str>,
}

#[derive(Deserialize)]
struct RunFields {
    v: u32,
    id: String,
    url: String,
    tenant: Option<String>,
    input_sha256: String,
    rows: u64,
    vescli: String,
}

/// Reads a line without its line break.
pub(super) fn read(line: &[u8]) -> Result<Record, Flaw> {
    check(line)?;
    let fields: Fields = serde_json::from_slice(line).map_err(|_| Flaw::NoRecord)?;
    let at = Moment::parse(fields.at).ok_or(Flaw::NoRecord)?;
    if fields.t == "run" {
        return read_run(line, at);
    }
    let key: RowKey = fields
        .key
        .and_then(|key| key.parse().ok())
        .ok_or(Flaw::NoRecord)?;
    let end = |fate| Record::End {
        key,
        fate,
        status: fields.status,
        at,
    };
    Ok(match fields.t {
        "intent" => Record::Intent {
            key,
            attempt: fields.attempt.ok_or(Flaw::NoRecord)?,
        },
        "accepted" => end(Fate::Accepted),
        "rejected" => end(Fate::Rejected),
        "not_sent" => end(Fate::NotSent),
        "unknown" => end(Fate::Unknown),
        "resolved" => Record::Resolved {
            key,
            settled: match fields.settled {
                Some("accepted") => Settled::Accepted,
                Some("not_sent") => Settled::NotSent,
                _ => return Err(Flaw::NoRecord),
            },
        },
        _ => return Err(Flaw::Newer),
    })
}

fn read_run(line: &[u8], at: Moment) -> Result<Record, Flaw> {
    let run: RunFields = serde_json::from_slice(line).map_err(|_| Flaw::NoRecord)?;
    if run.v != VERSION {
        return Err(Flaw::Newer);
    }
    Ok(Record::Run(RunSeen {
        id: run.id,
        url: run.url,
        tenant: run.tenant,
        input_sha256: run.input_sha256,
        rows: run.rows,
        vescli: run.vescli,
        at,
    }))
}

/// Checks that a line ends in the CRC of what stands before it.
fn check(line: &[u8]) -> Result<(), Flaw> {
    if line.first() == Some(&0) {
        return Err(Flaw::Zeros);
    }
    let split = line.len().checked_sub(CRC_LENGTH).ok_or(Flaw::NoRecord)?;
    let (covered, field) = line.split_at(split);
    let digits = field
        .strip_prefix(CRC_FIELD)
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .ok_or(Flaw::NoRecord)?;
    let crc = crc32fast::hash(covered);
    let places = (0..8).rev().map(|place| crc >> (4 * place) & 0xf);
    let expected = places.map(|digit| b"0123456789abcdef"[digit as usize]);
    if expected.eq(digits.iter().copied()) {
        Ok(())
    } else {
        Err(Flaw::Crc)
    }
}

/// Where a whole record ends inside bytes that are no record themselves: behind it stands something else than a line
/// break.
pub(super) fn whole_record_within(bytes: &[u8]) -> Option<usize> {
    let starts = bytes
        .windows(CRC_FIELD.len())
        .enumerate()
        .filter(|(_, window)| *window == CRC_FIELD);
    starts.map(|(start, _)| start + CRC_LENGTH).find(|end| {
        bytes
            .get(..*end)
            .is_some_and(|record| check(record).is_ok())
    })
}

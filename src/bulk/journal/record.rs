//! The records of the journal and their bytes: one line of JSON each, whose last field is the CRC-32 of everything before
//! it.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use super::error::Flaw;
use super::key::{RowKey, service_of};
use super::run_record::{Author, Part, RunRecord};
use crate::api::outcome::Outcome;
use crate::settings::bulk::Shard;
use crate::settings::clock::{Timestamp, now, writable};

/// The version of the format that is written. Version 1 is read as well: its keys are made from the full URL, its ends name
/// no one, and it has no [`Record::Synced`].
const VERSION: u32 = 2;
/// The text between the CRC and the bytes that it covers.
const CRC_FIELD: &[u8] = b",\"crc\":\"";
/// How long the CRC field is, the closing brace included and the line break not.
const CRC_LENGTH: usize = CRC_FIELD.len() + 8 + 2;
/// Longest line that can be a record, in bytes: an address and a cname of 1024 characters, escaped, fit well.
pub(super) const LINE_MAX: usize = 64 * 1024;

/// Who a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    pub key: RowKey,
    pub email: &'a str,
    pub cname: &'a str,
}

/// A row that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent<'a> {
    pub person: Person<'a>,
    /// The line of the list, for people.
    pub row: u64,
    pub attempt: u64,
}

/// The outcome of a row, all attempts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub attempt: u64,
    pub outcome: Outcome,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Only of a rejected row: the row itself was not the reason, and the next run sends it without another flag.
    pub due: bool,
}

/// What an operator found out about a row that was unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The person was mailed.
    Accepted,
    /// No one was mailed: the row may be sent again.
    NotSent,
    /// The operator takes back the earlier decision.
    Unknown,
}

impl Resolution {
    /// What it means for the recipient.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Accepted => Outcome::Accepted,
            Self::NotSent => Outcome::NotSent,
            Self::Unknown => Outcome::Unknown,
        }
    }

    /// The word in the journal.
    pub const fn word(self) -> &'static str {
        self.outcome().word()
    }
}

/// Bytes reserved for each row: its intent and its end, with an address and a cname of usual length.
const BYTES_PER_ROW: u64 = 512;

/// The record of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunHeader {
    pub url: String,
    /// The service of that URL, as in [`service_of`].
    pub service: String,
    pub tenant: Option<String>,
    /// The cname of rows that bring none.
    pub cname: String,
    /// The list: its path, or `-`.
    pub list: String,
    pub input_sha256: String,
    pub rows: u64,
    /// The part of the list that it sends, if several runs share it.
    pub shard: Option<Shard>,
    pub author: Author,
}

impl RunHeader {
    /// The header of a run that stands for another one. What a journal of version 1 does not know is left empty.
    pub fn after(run: &RunRecord, author: Author) -> Self {
        Self {
            url: run.url.clone(),
            service: run.service.clone(),
            tenant: run.tenant.clone(),
            cname: run.cname.clone().unwrap_or_default(),
            list: run.list.clone().unwrap_or_else(|| "-".to_owned()),
            input_sha256: run.input_sha256.clone(),
            rows: run.rows,
            shard: run.own_shard(),
            author,
        }
    }

    /// The record of a run that begins now.
    pub(super) fn record(&self) -> String {
        run(&format!("{:016x}", fastrand::u64(..)), self)
    }

    /// The record of putting these journals together.
    pub(super) fn record_of_merge(&self, journals: &[PathBuf]) -> String {
        let names = journals.iter().map(|path| Value::from(path.to_string_lossy()));
        let merged: Value = names.collect();
        let record = self.record();
        let text = record.split_at(record.len() - CRC_LENGTH - 1).0;
        sealed(format!(r#"{text},"merged":{merged}"#))
    }

    /// The same in the form of version 1, in front of records whose keys are of that version.
    pub(super) fn record_of_version_1(&self) -> String {
        run_of_version_1(&format!("{:016x}", fastrand::u64(..)), self)
    }

    /// Whether an earlier run sent to the same place.
    pub(super) fn is_for(&self, run: &RunRecord) -> bool {
        run.is_to(&self.service, &self.url)
    }

    /// The bytes that its rows may need.
    pub(super) const fn room(&self) -> u64 {
        self.rows.saturating_mul(BYTES_PER_ROW)
    }
}

/// A record that was read, without the texts that the state of a person does not need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// Boxed, because there are few, and it is much larger than the others.
    Run(Box<RunRecord>),
    Intent {
        key: RowKey,
        attempt: u64,
    },
    End {
        key: RowKey,
        outcome: Outcome,
        status: Option<u16>,
        /// Of a rejected row: whether the next run sends it without another flag.
        due: bool,
        at: Timestamp,
    },
    Resolved {
        key: RowKey,
        resolution: Resolution,
    },
    /// Everything up to this offset was on the disk before this record was written.
    Synced {
        bytes: u64,
    },
}

impl Record {
    /// Who the record is about, and their state after it. An intent alone means unknown: its request may have been sent.
    pub(super) const fn about(&self) -> Option<(RowKey, Outcome)> {
        match self {
            Self::Intent { key, .. } => Some((*key, Outcome::Unknown)),
            Self::End { key, outcome, .. } => Some((*key, *outcome)),
            Self::Resolved { key, resolution } => Some((*key, resolution.outcome())),
            Self::Run(_) | Self::Synced { .. } => None,
        }
    }
}

/// The line of the beginning of a run.
pub(super) fn run(id: &str, header: &RunHeader) -> String {
    let tenant = Value::from(header.tenant.as_deref());
    let author = author(&header.author);
    let shard = header.shard.map_or_else(String::new, |shard| format!(r#","shard":"{shard}""#));
    sealed(format!(
        r#"{{"v":{VERSION},"t":"run","id":{},"url":{},"service":{},"tenant":{tenant},"cname":{},"list":{},"input_sha256":{},"rows":{}{shard},"vescli":"{}"{author},"at":"{}""#,
        Value::from(id),
        Value::from(header.url.as_str()),
        Value::from(header.service.as_str()),
        Value::from(header.cname.as_str()),
        Value::from(header.list.as_str()),
        Value::from(header.input_sha256.as_str()),
        header.rows,
        env!("CARGO_PKG_VERSION"),
        now(),
    ))
}

/// Each field has its comma in front; what is not known is left out, as in the journals before there was any of it.
fn author(author: &Author) -> String {
    let fields = [("user", &author.user), ("host", &author.host), ("job", &author.job)];
    let known = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    known.fold(String::new(), |text, (name, value)| text + &format!(r#","{name}":{}"#, Value::from(value)))
}

/// The text of a run's record without part and CRC.
pub(super) fn text_of_run(line: &str, part: Part) -> &str {
    let text = &line[..line.len() - CRC_LENGTH];
    text.strip_suffix(part.field()).unwrap_or(text)
}

/// The record of a run in a journal that was put together, by its text without part and CRC.
pub(super) fn part_of_run(text: &str, part: Part) -> String {
    sealed(format!("{text}{}", part.field()))
}

/// The same as version 1 has it, for a journal whose own one is damaged.
pub(super) fn run_of_version_1(id: &str, header: &RunHeader) -> String {
    sealed(format!(
        r#"{{"v":1,"t":"run","id":{},"url":{},"tenant":null,"input_sha256":{},"rows":{},"vescli":"{}","at":"{}""#,
        Value::from(id),
        Value::from(header.url.as_str()),
        Value::from(header.input_sha256.as_str()),
        header.rows,
        env!("CARGO_PKG_VERSION"),
        now(),
    ))
}

/// The line of an intent.
pub(super) fn intent(intent: &Intent<'_>) -> String {
    sealed(format!(
        r#"{{"t":"intent","key":"{}","row":{},"email":{},"cname":{},"attempt":{},"at":"{}""#,
        intent.person.key,
        intent.row,
        Value::from(intent.person.email),
        Value::from(intent.person.cname),
        intent.attempt,
        now(),
    ))
}

/// The line of an end. It names the person, so that it is complete even if its intent is damaged.
/// A version that does not know `due` leaves the row alone.
pub(super) fn end(person: &Person<'_>, end: &End) -> String {
    sealed(format!(
        r#"{{"t":"{}","key":"{}","attempt":{},"status":{}{},"at":"{}","email":{},"cname":{}"#,
        end.outcome.word(),
        person.key,
        end.attempt,
        Value::from(end.status),
        if end.due { ",\"due\":true" } else { "" },
        now(),
        Value::from(person.email),
        Value::from(person.cname),
    ))
}

/// The line of what an operator found out.
pub(super) fn resolved(key: RowKey, resolution: Resolution, at: SystemTime) -> String {
    let at = humantime::format_rfc3339_millis(writable(at));
    sealed(format!(r#"{{"t":"resolved","key":"{key}","as":"{}","at":"{at}""#, resolution.word()))
}

/// The line that says how far the journal is known to be on the disk, in bytes from its beginning.
pub(super) fn synced(bytes: u64) -> String {
    sealed(format!(r#"{{"t":"synced","bytes":{bytes}"#))
}

/// Closes a record: its CRC, the brace, the line break.
pub(super) fn sealed(mut record: String) -> String {
    let crc = crc32fast::hash(record.as_bytes());
    record.push_str(&format!(",\"crc\":\"{crc:08x}\"}}\n"));
    record
}

/// Every field of every record. Fields that a later version adds are ignored.
#[derive(Deserialize)]
struct Fields<'a> {
    t: &'a str,
    at: Option<&'a str>,
    bytes: Option<u64>,
    #[serde(borrow)]
    key: Option<&'a str>,
    attempt: Option<u64>,
    status: Option<u16>,
    #[serde(default)]
    due: bool,
    #[serde(borrow, rename = "as")]
    resolution: Option<&'a str>,
}

#[derive(Deserialize)]
struct RunFields {
    v: u32,
    id: String,
    url: String,
    service: Option<String>,
    tenant: Option<String>,
    cname: Option<String>,
    list: Option<String>,
    input_sha256: String,
    rows: u64,
    shard: Option<String>,
    part: Option<String>,
    vescli: String,
    user: Option<String>,
    host: Option<String>,
    job: Option<String>,
}

/// Reads a line without its line break.
pub(super) fn read(line: &[u8]) -> Result<Record, Flaw> {
    check(line)?;
    if let Some(record) = read_usual(line) {
        return Ok(record);
    }
    let fields: Fields = serde_json::from_slice(line).map_err(|_| Flaw::NoRecord)?;
    if fields.t == "synced" {
        let bytes = fields.bytes.ok_or(Flaw::NoRecord)?;
        return Ok(Record::Synced { bytes });
    }
    let at = fields.at.and_then(Timestamp::parse).ok_or(Flaw::NoRecord)?;
    if fields.t == "run" {
        return read_run(line, at);
    }
    let key: RowKey = fields.key.and_then(|key| key.parse().ok()).ok_or(Flaw::NoRecord)?;
    let end = |outcome| Record::End { key, outcome, status: fields.status, due: fields.due, at };
    Ok(match fields.t {
        "intent" => Record::Intent { key, attempt: fields.attempt.ok_or(Flaw::NoRecord)? },
        "accepted" => end(Outcome::Accepted),
        "rejected" => end(Outcome::Rejected),
        "not_sent" => end(Outcome::NotSent),
        "unknown" => end(Outcome::Unknown),
        "resolved" => Record::Resolved {
            key,
            resolution: match fields.resolution {
                Some("accepted") => Resolution::Accepted,
                Some("not_sent") => Resolution::NotSent,
                Some("unknown") => Resolution::Unknown,
                _ => return Err(Flaw::NoRecord),
            },
        },
        _ => return Err(Flaw::Newer),
    })
}

/// How long a time in a record is.
const TIME_LENGTH: usize = "2026-01-02T03:04:05.678Z".len();

/// Reads an intent or an acceptance as [`intent`] and [`end`] write them, of which a long journal consists: in a fourth of
/// the time that a parser of JSON takes. The CRC was checked, so the bytes are those that a vescli wrote; every line in another
/// form is left to the parser.
fn read_usual(line: &[u8]) -> Option<Record> {
    let rest = line.strip_prefix(b"{\"t\":\"")?;
    if let Some(rest) = rest.strip_prefix(b"intent\",\"key\":\"") {
        let key = RowKey::of_digits(rest.get(..32)?).ok()?;
        let tail = TIME_LENGTH + 1 + CRC_LENGTH;
        let (head, time) = rest.split_at_checked(rest.len().checked_sub(tail)?)?;
        let head = head.strip_suffix(b",\"at\":\"")?;
        (time.get(TIME_LENGTH) == Some(&b'"')).then_some(())?;
        let digits = head.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (head, digits) = head.split_at(head.len() - digits);
        head.strip_suffix(b"\",\"attempt\":")?;
        let attempt = str::from_utf8(digits).ok()?.parse().ok()?;
        return Some(Record::Intent { key, attempt });
    }
    let rest = rest.strip_prefix(b"accepted\",\"key\":\"")?;
    let (key, rest) = rest.split_at_checked(32)?;
    let key = RowKey::of_digits(key).ok()?;
    let rest = rest.strip_prefix(b"\",\"attempt\":")?;
    let (_, rest) = digits(rest);
    let rest = rest.strip_prefix(b",\"status\":")?;
    let (status, rest) = digits(rest);
    let status = str::from_utf8(status).ok()?.parse().ok()?;
    let rest = rest.strip_prefix(b",\"at\":\"")?;
    let (at, rest) = rest.split_at_checked(TIME_LENGTH)?;
    rest.strip_prefix(b"\",\"")?;
    Some(Record::End {
        key,
        outcome: Outcome::Accepted,
        status: Some(status),
        due: false,
        at: Timestamp::parse(str::from_utf8(at).ok()?)?,
    })
}

/// The digits at the beginning, and what comes after them.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    bytes.split_at(count)
}

fn read_run(line: &[u8], at: Timestamp) -> Result<Record, Flaw> {
    let run: RunFields = serde_json::from_slice(line).map_err(|_| Flaw::NoRecord)?;
    if run.v == 0 || run.v > VERSION {
        return Err(Flaw::Newer);
    }
    let shard = run.shard.map(|shard| shard.parse()).transpose().map_err(|_| Flaw::NoRecord)?;
    Ok(Record::Run(Box::new(RunRecord {
        version: run.v,
        id: run.id,
        service: run.service.unwrap_or_else(|| service_of(&run.url)),
        url: run.url,
        tenant: run.tenant,
        cname: run.cname,
        list: run.list,
        input_sha256: run.input_sha256,
        rows: run.rows,
        shard,
        part: match run.part.as_deref() {
            None => Part::Own,
            Some("joined") => Part::Joined,
            Some("superseded") => Part::Superseded,
            Some(_) => return Err(Flaw::Newer),
        },
        vescli: run.vescli,
        author: Author { user: run.user, host: run.host, job: run.job },
        at,
    })))
}

/// The person that a line names.
#[derive(Deserialize)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) email: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) cname: Cow<'a, str>,
}

/// Checks that a line ends in the CRC of what comes before it.
fn check(line: &[u8]) -> Result<(), Flaw> {
    if line.first() == Some(&0) {
        return Err(Flaw::Zeros);
    }
    let split = line.len().checked_sub(CRC_LENGTH).ok_or(Flaw::NoRecord)?;
    let (covered, field) = line.split_at(split);
    let digits = field.strip_prefix(CRC_FIELD).and_then(|rest| rest.strip_suffix(b"\"}")).ok_or(Flaw::NoRecord)?;
    let crc = crc32fast::hash(covered);
    let places = (0..8).rev().map(|place| crc >> (4 * place) & 0xf);
    let expected = places.map(|digit| b"0123456789abcdef"[digit as usize]);
    if expected.eq(digits.iter().copied()) { Ok(()) } else { Err(Flaw::Crc) }
}

/// Where a whole record ends inside bytes that are not a record: something else than a line break follows it.
pub(super) fn whole_record_within(bytes: &[u8]) -> Option<usize> {
    let starts = bytes.windows(CRC_FIELD.len()).enumerate().filter(|(_, window)| *window == CRC_FIELD);
    starts
        .map(|(start, _)| start + CRC_LENGTH)
        .find(|end| bytes.get(..*end).is_some_and(|record| check(record).is_ok()))
}

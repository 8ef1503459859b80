//! The records of the journal and their bytes. Each is one line of JSON, whose last field is the CRC-32 of everything
//! before it.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::LineFault;
use super::key::{RowKey, service_of};
use super::run_record::{Author, Part, RunRecord};
use crate::api::outcome::Outcome;
use crate::settings::bulk::Shard;
use crate::settings::clock::{Timestamp, now, writable};

/// The version of the format. Version 1 can still be read: its keys are made from the full URL, its ends have no
/// address, and it has no [`Record::Synced`].
const VERSION: u32 = 2;
/// The version of this program.
const VESCLI: &str = env!("CARGO_PKG_VERSION");
/// The text between the CRC and the bytes that it covers.
const CRC_FIELD: &[u8] = b",\"crc\":\"";
/// The length of the CRC field and the closing brace, without the line break.
const CRC_LENGTH: usize = CRC_FIELD.len() + 8 + 2;
/// The longest record in bytes: enough for an address and a cname of 1024 characters, all escaped.
pub(super) const LINE_MAX: usize = 64 * 1024;

/// The person that a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    pub key: RowKey,
    pub email: &'a str,
    pub cname: &'a str,
}

/// A person on the list or in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPerson {
    /// The line of the list; 0 if it comes from an end, which does not have it.
    #[serde(default)]
    pub row: u64,
    pub email: String,
    pub cname: String,
}

/// A row that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent<'a> {
    pub person: Person<'a>,
    /// The line of the list, for people.
    pub row: u64,
    pub attempt: u64,
}

/// The outcome of all attempts of a row so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub attempt: u64,
    pub outcome: Outcome,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Only for a rejected row: the reason is not in the row itself, and the next run sends it without another flag.
    pub due: bool,
}

/// How an operator resolved a row that was unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The person was mailed.
    Accepted,
    /// The person was not mailed, so the row may be sent again.
    NotSent,
    /// The operator takes back an earlier resolution.
    Unknown,
}

impl Resolution {
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

/// The bytes that are reserved for each row: an intent and an end with an address and a cname of usual length.
const BYTES_PER_ROW: u64 = 512;

/// The fields of the record of a run that begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunHeader {
    pub url: String,
    /// The service of that URL, as in [`service_of`].
    pub service: String,
    pub tenant: Option<String>,
    /// The cname of rows without one.
    pub cname: String,
    /// The list: its path, or `-`.
    pub list: String,
    pub input_sha256: String,
    pub rows: u64,
    /// The shard of the list that it sends.
    pub shard: Option<Shard>,
    pub author: Author,
}

impl RunHeader {
    /// A header with the fields of an existing run. Fields that version 1 does not have stay empty.
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

    /// The record, with a new id and the present time.
    pub(super) fn record(&self) -> String {
        run(&new_id(), self)
    }

    /// The record of a merge of these journals.
    pub(super) fn record_of_merge(&self, journals: &[PathBuf]) -> String {
        let merged: Value = journals.iter().map(|path| Value::from(path.to_string_lossy())).collect();
        let record = self.record();
        with_crc(format!(r#"{},"merged":{merged}"#, &record[..record.len() - CRC_LENGTH - 1]))
    }

    /// The bytes to reserve for all rows.
    pub(super) const fn bytes_to_reserve(&self) -> u64 {
        self.rows.saturating_mul(BYTES_PER_ROW)
    }
}

/// The state of a row after its last record. Small, because there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowState {
    /// An intent without an end.
    Intended {
        attempt: u32,
    },
    Accepted {
        at: Timestamp,
    },
    /// If it is due, the reason is not in the row itself, and the next run sends it without another flag.
    Rejected {
        status: Option<u16>,
        due: bool,
    },
    NotSent,
    /// It was sent, and the outcome is not known. `status` is that of the answer, if there was one.
    Unknown {
        status: Option<u16>,
    },
    /// It was unknown, and an operator resolved it.
    Resolved(Resolution),
}

impl RowState {
    /// The outcome for the person. An intent without an end is unknown, because its request may have been sent.
    pub const fn effective(self) -> Outcome {
        match self {
            Self::Accepted { .. } => Outcome::Accepted,
            Self::Rejected { .. } => Outcome::Rejected,
            Self::NotSent => Outcome::NotSent,
            Self::Intended { .. } | Self::Unknown { .. } => Outcome::Unknown,
            Self::Resolved(resolution) => resolution.outcome(),
        }
    }

    /// Whether an operator may record this resolution: the row is unknown, or they take back an earlier resolution.
    pub fn can_be_resolved(self, resolution: Resolution) -> bool {
        match resolution {
            Resolution::Unknown => matches!(self, Self::Resolved(before) if before != Resolution::Unknown),
            Resolution::Accepted | Resolution::NotSent => self.effective() == Outcome::Unknown,
        }
    }

    /// The larger weight counts if journals differ. A row that is due is almost the lightest, because it is sent
    /// without another flag, like a row that was not sent.
    pub(super) const fn weight(self) -> u8 {
        match self.effective() {
            Outcome::Accepted => 4,
            Outcome::Unknown => 3,
            Outcome::Rejected if matches!(self, Self::Rejected { due: true, .. }) => 1,
            Outcome::Rejected => 2,
            Outcome::NotSent => 0,
        }
    }
}

/// A record that was read, without the fields that the state of a person does not need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// Boxed, because it is much larger than the others, and rare.
    Run(Box<RunRecord>),
    /// An intent, an end or a resolution: the state of the person after it, and the HTTP status of an end, if there was
    /// an answer.
    Row { key: RowKey, state: RowState, status: Option<u16> },
    /// Everything before this offset was on the disk when the record was written.
    Synced { bytes: u64 },
}

impl Record {
    /// The person that the record is about, and their outcome after it.
    pub(super) const fn about(&self) -> Option<(RowKey, Outcome)> {
        match self {
            Self::Row { key, state, .. } => Some((*key, state.effective())),
            Self::Run(_) | Self::Synced { .. } => None,
        }
    }
}

/// The identifier of a new run.
pub(super) fn new_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// The line that begins a run.
pub(super) fn run(id: &str, header: &RunHeader) -> String {
    let RunHeader { url, service, cname, list, input_sha256, rows, .. } = header;
    let [id, url, service] = [id, url, service].map(Value::from);
    let [cname, list, sha256] = [cname, list, input_sha256].map(|text| Value::from(text.as_str()));
    let tenant = Value::from(header.tenant.as_deref());
    let shard = header.shard.map_or_else(String::new, |shard| format!(r#","shard":"{shard}""#));
    let (author, at) = (author(&header.author), now());
    with_crc(format!(
        r#"{{"v":{VERSION},"t":"run","id":{id},"url":{url},"service":{service},"tenant":{tenant},"cname":{cname},"list":{list},"input_sha256":{sha256},"rows":{rows}{shard},"vescli":"{VESCLI}"{author},"at":"{at}""#
    ))
}

/// The fields of the author, each with a comma before it. Unknown fields are left out, as in older journals.
fn author(author: &Author) -> String {
    let fields = [("user", &author.user), ("host", &author.host), ("job", &author.job)];
    let known = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    known.fold(String::new(), |text, (name, value)| text + &format!(r#","{name}":{}"#, Value::from(value)))
}

/// The record of a run with its field `part` changed from `before` to `part`.
pub(super) fn run_with_part(line: &str, before: Part, part: Part) -> String {
    let text = &line[..line.len() - CRC_LENGTH];
    with_crc(format!("{}{}", text.strip_suffix(before.field()).unwrap_or(text), part.field()))
}

/// The record of a run in version 1, for a journal of that version whose own record is damaged.
pub(super) fn run_of_version_1(id: &str, header: &RunHeader) -> String {
    let RunHeader { url, input_sha256, rows, .. } = header;
    let ([id, url, sha256], at) = ([id, url, input_sha256].map(Value::from), now());
    with_crc(format!(
        r#"{{"v":1,"t":"run","id":{id},"url":{url},"tenant":null,"input_sha256":{sha256},"rows":{rows},"vescli":"{VESCLI}","at":"{at}""#
    ))
}

/// The line of an intent.
pub(super) fn intent(intent: &Intent<'_>) -> String {
    let Intent { person: Person { key, email, cname }, row, attempt } = *intent;
    let ([email, cname], at) = ([email, cname].map(Value::from), now());
    with_crc(format!(
        r#"{{"t":"intent","key":"{key}","row":{row},"email":{email},"cname":{cname},"attempt":{attempt},"at":"{at}""#
    ))
}

/// The line of an end. It has the address and the cname, so that it is complete even if the intent is damaged. A vescli
/// that does not know `due` does not send the row.
pub(super) fn end(person: &Person<'_>, end: &End) -> String {
    let (Person { key, email, cname }, attempt, word) = (*person, end.attempt, end.outcome.word());
    let ([email, cname], status, at) = ([email, cname].map(Value::from), Value::from(end.status), now());
    let due = if end.due { r#","due":true"# } else { "" };
    with_crc(format!(
        r#"{{"t":"{word}","key":"{key}","attempt":{attempt},"status":{status}{due},"at":"{at}","email":{email},"cname":{cname}"#
    ))
}

/// The line of a resolution.
pub(super) fn resolved(key: RowKey, resolution: Resolution, at: SystemTime) -> String {
    let at = humantime::format_rfc3339_millis(writable(at));
    with_crc(format!(r#"{{"t":"resolved","key":"{key}","as":"{}","at":"{at}""#, resolution.word()))
}

/// The line that says that this many bytes of the journal are on the disk.
pub(super) fn synced(bytes: u64) -> String {
    with_crc(format!(r#"{{"t":"synced","bytes":{bytes}"#))
}

/// Adds the CRC, the closing brace and the line break to a record.
pub(super) fn with_crc(mut record: String) -> String {
    let crc = crc32fast::hash(record.as_bytes());
    record.push_str(&format!(",\"crc\":\"{crc:08x}\"}}\n"));
    record
}

/// The fields of all records except those of a run. Other fields are ignored.
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

fn json<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, LineFault> {
    serde_json::from_slice(line).map_err(|_| LineFault::NoRecord)
}

/// Reads a line, which is given without its line break.
pub(super) fn read(line: &[u8]) -> Result<Record, LineFault> {
    check(line)?;
    if let Some(record) = read_usual(line) {
        return Ok(record);
    }
    let Fields { t: word, at, bytes, key, attempt, status, due, resolution } = json(line)?;
    if word == "synced" {
        return Ok(Record::Synced { bytes: bytes.ok_or(LineFault::NoRecord)? });
    }
    let at = at.and_then(Timestamp::parse).ok_or(LineFault::NoRecord)?;
    if word == "run" {
        return read_run(line, at);
    }
    let key: RowKey = key.and_then(|key| key.parse().ok()).ok_or(LineFault::NoRecord)?;
    let state = match word {
        "intent" => intended(attempt.ok_or(LineFault::NoRecord)?),
        "accepted" => RowState::Accepted { at },
        "rejected" => RowState::Rejected { status, due },
        "not_sent" => RowState::NotSent,
        "unknown" => RowState::Unknown { status },
        "resolved" => {
            let known = [Resolution::Accepted, Resolution::NotSent, Resolution::Unknown];
            let found = known.into_iter().find(|known| Some(known.word()) == resolution);
            RowState::Resolved(found.ok_or(LineFault::NoRecord)?)
        }
        _ => return Err(LineFault::Newer),
    };
    Ok(Record::Row { key, state, status })
}

fn intended(attempt: u64) -> RowState {
    RowState::Intended { attempt: u32::try_from(attempt).unwrap_or(u32::MAX) }
}

/// The length of a time in a record.
const TIME_LENGTH: usize = "2026-01-02T03:04:05.678Z".len();

/// Reads intents and accepted ends as [`intent`] and [`end`] write them, in a quarter of the time of a JSON parser: a
/// long journal consists mainly of these. The CRC was checked, so vescli wrote these bytes. The parser reads all other
/// lines.
fn read_usual(line: &[u8]) -> Option<Record> {
    let rest = str::from_utf8(line).ok()?.strip_prefix(r#"{"t":""#)?;
    if let Some(rest) = rest.strip_prefix(r#"intent","key":""#) {
        let (key, rest) = rest.split_at_checked(32)?;
        let (head, time) = rest.split_at_checked(rest.len().checked_sub(TIME_LENGTH + 1 + CRC_LENGTH)?)?;
        let (head, attempt) = head.strip_suffix(r#","at":""#)?.rsplit_once(':')?;
        let is_usual = head.ends_with(r#"","attempt""#) && time.as_bytes()[TIME_LENGTH] == b'"';
        let state = is_usual.then_some(intended(attempt.parse().ok()?))?;
        return Some(Record::Row { key: key.parse().ok()?, state, status: None });
    }
    let (key, rest) = rest.strip_prefix(r#"accepted","key":""#)?.split_at_checked(32)?;
    // After the attempt.
    let mut fields = rest.strip_prefix(r#"","attempt":"#)?.split(',').skip(1);
    let status = fields.next()?.strip_prefix(r#""status":"#)?.parse().ok()?;
    let at = fields.next()?.strip_prefix(r#""at":""#)?.strip_suffix('"')?;
    let state = RowState::Accepted { at: Timestamp::parse(at)? };
    Some(Record::Row { key: key.parse().ok()?, state, status: Some(status) })
}

fn read_run(line: &[u8], at: Timestamp) -> Result<Record, LineFault> {
    let mut run: RunRecord = json(line)?;
    if run.version == 0 || run.version > VERSION || run.part == Part::Newer {
        return Err(LineFault::Newer);
    }
    if run.service.is_empty() {
        run.service = service_of(&run.url);
    }
    (run.author, run.at) = (json(line)?, at);
    Ok(Record::Run(Box::new(run)))
}

/// The time of a record, which [`Record`] does not have for all records.
#[derive(Deserialize)]
struct Dated<'a> {
    at: &'a str,
}

/// The time of a record as text, RFC 3339.
pub(super) fn at_of(line: &[u8]) -> io::Result<&str> {
    let dated: Dated = serde_json::from_slice(line)?;
    Ok(dated.at)
}

/// The time of a record, with milliseconds.
pub(super) fn time_of(line: &[u8]) -> io::Result<SystemTime> {
    humantime::parse_rfc3339(at_of(line)?).map_err(io::Error::other)
}

/// Bytes without the zeros at their end. A power failure may leave zeros after a record that lost its line break.
pub(super) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    &bytes[..bytes.len() - zeros]
}

/// Checks the CRC of a line.
fn check(line: &[u8]) -> Result<(), LineFault> {
    if line.first() == Some(&0) {
        return Err(LineFault::Zeros);
    }
    let split = line.len().checked_sub(CRC_LENGTH).ok_or(LineFault::NoRecord)?;
    let (covered, field) = line.split_at(split);
    let digits = field.strip_prefix(CRC_FIELD).and_then(|rest| rest.strip_suffix(b"\"}")).ok_or(LineFault::NoRecord)?;
    let crc = crc32fast::hash(covered);
    let places = (0..8).rev().map(|place| crc >> (4 * place) & 0xf);
    let expected = places.map(|digit| b"0123456789abcdef"[digit as usize]);
    if expected.eq(digits.iter().copied()) { Ok(()) } else { Err(LineFault::Crc) }
}

/// The end of a whole record inside bytes that are not a record, because something other than a line break follows.
pub(super) fn whole_record_within(bytes: &[u8]) -> Option<usize> {
    let starts = bytes.windows(CRC_FIELD.len()).enumerate().filter(|(_, window)| *window == CRC_FIELD);
    starts
        .map(|(start, _)| start + CRC_LENGTH)
        .find(|end| bytes.get(..*end).is_some_and(|record| check(record).is_ok()))
}

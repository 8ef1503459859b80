//! Reads a journal back without locking or changing it: which rows it knows, and where it is damaged.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use super::error::{Damage, Flaw, JournalError};
use super::file;
use super::key::{self, RowKey};
use super::record::{self, LINE_MAX, Named, Record};
use super::run_record::RunRecord;
use super::state::Recovered;
use crate::api::outcome::Outcome;

/// What follows the last line break.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tail {
    #[default]
    None,
    /// The beginning of a record, or zeros: what was being written when the run was killed. Nothing was sent because
    /// of it, so it can be dropped.
    Torn,
    /// A whole record that lacks its line break only: it counts.
    Unbroken,
}

/// What a journal contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The states of its rows, as far as it is valid.
    pub recovered: Recovered,
    /// Every damaged line. With any, no run continues this journal.
    pub damage: Vec<Damage>,
    /// What follows the last line break.
    pub tail: Tail,
    /// How many bytes from the beginning count.
    pub valid: u64,
    pub length: u64,
    /// How many lines there are, the tail included.
    pub lines: u64,
    /// Whether it contains no record at all and does not begin like a journal: it is something else.
    pub is_foreign: bool,
}

/// Reads a whole journal.
///
/// Damage is removed like an unfinished end if it is after the last place that a record says is on the disk: a power
/// failure leaves any part of what was written after that, and nothing was sent because of it. Rows whose ends are
/// removed with it become unknown, which mails no one.
///
/// # Errors
/// Those of the reader. Damage is not an error here: it is part of what is found.
pub fn scan(mut reader: impl BufRead) -> io::Result<Scan> {
    let mut scanner = Scanner::default();
    let mut kept = Vec::new();
    while let Some(line) = next_line(&mut reader, &mut kept, LINE_MAX)? {
        scanner.scan.lines += 1;
        if scanner.scan.lines == 1 {
            scanner.begins_well = begins_like_a_journal(&kept);
        }
        if line.terminated {
            scanner.terminated(&kept, &line);
        } else {
            scanner.unterminated(&kept, &line);
        }
        scanner.scan.length += line.length;
    }
    Ok(scanner.finish())
}

/// What is known while a journal is read.
#[derive(Default)]
struct Scanner {
    scan: Scan,
    keys: Keys,
    /// How far the journal is known to be on the disk, by its last `synced`.
    synced: Option<u64>,
    /// What was known before the first damage.
    before_damage: Option<Recovered>,
    /// Whether the first line could be the beginning of a journal that a power failure has left half written.
    begins_torn: bool,
    /// Whether the first bytes are those of a journal.
    begins_well: bool,
    has_records: bool,
    /// Whether it contains an end of any person, also after damage.
    has_ends: bool,
}

impl Scanner {
    /// A line that was finished has been synced, or may have been: it is valid, or the journal is damaged.
    fn terminated(&mut self, kept: &[u8], line: &Line) {
        let read = if line.length > LINE_MAX as u64 { Err(Flaw::TooLong) } else { record::read(kept) };
        match read.and_then(|record| self.apply(record, kept)) {
            Ok(()) => self.scan.valid = self.scan.length + line.length,
            Err(flaw) => self.damaged(flaw, kept),
        }
    }

    /// No request was sent because of an unfinished line, unless it was finished once and its line break was lost.
    fn unterminated(&mut self, kept: &[u8], line: &Line) {
        let zeros = kept.iter().rev().take_while(|byte| **byte == 0).count();
        let text = &kept[..kept.len() - zeros];
        self.scan.tail = Tail::Torn;
        if !line.rest_is_zero {
            return self.damaged(Flaw::TooLong, kept);
        }
        match record::read(text) {
            Ok(record) => match self.apply(record, text) {
                Ok(()) => {
                    self.scan.tail = Tail::Unbroken;
                    self.scan.valid = self.scan.length + text.len() as u64;
                }
                Err(flaw) => self.damaged(flaw, kept),
            },
            // A record that was whole and synced, and whose line break became something else.
            Err(_) if record::whole_record_within(text).is_some() => {
                self.damaged(Flaw::NoBreak, kept);
            }
            Err(_) => {}
        }
    }

    fn apply(&mut self, record: Record, line: &[u8]) -> Result<(), Flaw> {
        self.has_records = true;
        if let Record::Synced { bytes } = record {
            // It is at the offset that it names, unless journals were joined or lines removed by hand.
            self.synced = self.synced.max(Some(bytes.max(self.scan.length)));
        }
        self.has_ends |= matches!(record, Record::End { .. } | Record::Resolved { .. });
        let record = self.keys.translate(record, line)?;
        self.scan.recovered.apply(record)
    }

    fn damaged(&mut self, flaw: Flaw, line: &[u8]) {
        if self.scan.damage.is_empty() {
            self.before_damage = Some(self.scan.recovered.clone());
            self.begins_torn = is_torn_beginning(line);
        }
        self.scan.damage.push(Damage { line: self.scan.lines, offset: self.scan.length, flaw });
    }

    fn finish(mut self) -> Scan {
        self.scan.is_foreign = self.scan.length > 0 && !self.has_records && !self.begins_well;
        let Some(first) = self.scan.damage.first() else {
            return self.scan;
        };
        let unsynced = self.synced.is_some_and(|synced| synced <= first.offset);
        let is_all = self.scan.lines == 1 && self.begins_torn;
        // The first mark of a new journal is written when its first run is on the disk, or a later one, if those before it
        // were killed without writing theirs. An end follows a request, and a request behind a sync that covers that mark.
        let follows_runs = |before: &Recovered| {
            before.runs.len() as u64 + 1 == first.line && before.runs.iter().all(|run| run.version > 1)
        };
        let is_first_mark = self.synced.is_none() && !self.has_ends;
        let is_first_mark = is_first_mark && first.line > 1 && self.before_damage.as_ref().is_some_and(follows_runs);
        if unsynced || is_all || is_first_mark {
            self.scan.tail = Tail::Torn;
            self.scan.valid = first.offset;
            self.scan.recovered = self.before_damage.unwrap_or_default();
            self.scan.damage.clear();
        }
        self.scan
    }
}

/// Whether bytes are those with which a journal begins: its first record or a damaged one, or zeros. An empty file can
/// become one, and so can one that a power failure has filled up with zeros from any byte on.
pub fn begins_like_a_journal(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 2] = [b"{\"v\":", b"{\"t\":\""];
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let written = &bytes[..bytes.len() - zeros];
    let agrees = |start: &[u8]| written.iter().zip(start).all(|(byte, other)| byte == other);
    written.first().is_none_or(|first| *first == 0) || starts.into_iter().any(agrees)
}

/// Whether a line is the first one of a journal, whose missing parts are zeros: then the journal contains nothing yet. What
/// someone else has written there has no zeros in it, and is left alone.
fn is_torn_beginning(line: &[u8]) -> bool {
    let begins = line.starts_with(b"{\"v\":") || line.first() == Some(&0);
    begins && line.contains(&0)
}

/// Brings the keys of a journal of version 1 to what they are now.
#[derive(Default)]
pub(super) struct Keys {
    /// The service of the run that is read, if its keys are those of version 1.
    old: Option<String>,
    /// Old keys of people whose next record may be an end.
    alias: HashMap<RowKey, RowKey>,
}

impl Keys {
    pub(super) fn translate(&mut self, record: Record, line: &[u8]) -> Result<Record, Flaw> {
        if let Record::Run(run) = &record {
            self.old = (run.version == 1).then(|| run.service.clone());
        }
        Ok(match (record, &self.old) {
            (Record::Intent { key, attempt }, Some(service)) => {
                let named: Named = serde_json::from_slice(line).map_err(|_| Flaw::NoRecord)?;
                let new = key::key(service, &named.cname, &named.email);
                self.alias.insert(key, new);
                Record::Intent { key: new, attempt }
            }
            (Record::End { key, outcome, status, due, at }, _) if !self.alias.is_empty() => {
                let new = self.alias.get(&key).copied().unwrap_or(key);
                if outcome != Outcome::Unknown {
                    self.alias.remove(&key);
                }
                Record::End { key: new, outcome, status, due, at }
            }
            (Record::Resolved { key, resolution }, _) => {
                Record::Resolved { key: self.alias.get(&key).copied().unwrap_or(key), resolution }
            }
            (record, _) => record,
        })
    }
}

/// The fields of an intent that people read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IntentDetails {
    pub row: u64,
    pub email: String,
    pub cname: String,
    pub attempt: u64,
    /// When it was about to be sent, RFC 3339.
    pub at: String,
}

/// The last intent of each row that `wanted` picks by its key and `fits` by its content.
///
/// # Errors
/// Those of the reader. Lines that are not valid intents are skipped.
pub fn intents_of(
    mut reader: impl BufRead,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&IntentDetails) -> bool,
) -> io::Result<HashMap<RowKey, IntentDetails>> {
    let mut found = HashMap::new();
    let mut keys = Keys::default();
    let mut kept = Vec::new();
    while next_line(&mut reader, &mut kept, LINE_MAX)?.is_some() {
        if !kept.starts_with(b"{\"t\":\"intent\"") && !kept.starts_with(b"{\"v\":") {
            continue;
        }
        let record = record::read(&kept).and_then(|record| keys.translate(record, &kept));
        if let Ok(Record::Intent { key, .. }) = record
            && wanted(key)
            && let Ok(details) = serde_json::from_slice::<IntentDetails>(&kept)
            && fits(&details)
        {
            found.insert(key, details);
        }
    }
    Ok(found)
}

/// Everyone in a journal who was accepted at any time, whatever a later record says of them.
pub fn ever_accepted(path: &Path) -> Result<HashSet<RowKey>, JournalError> {
    let failed = JournalError::reading(path);
    let mut reader = BufReader::new(file::open_to_read(path)?);
    let (mut found, mut keys, mut kept) = (HashSet::new(), Keys::default(), Vec::new());
    while next_line(&mut reader, &mut kept, LINE_MAX).map_err(failed)?.is_some() {
        let record = record::read(&kept).and_then(|record| keys.translate(record, &kept));
        if let Ok(Record::End { key, outcome: Outcome::Accepted, .. }) = record {
            found.insert(key);
        }
    }
    Ok(found)
}

/// A line as far as it was kept.
pub(super) struct Line {
    /// How long it is in the file, its line break included.
    pub(super) length: u64,
    /// Whether a line break ends it.
    pub(super) terminated: bool,
    /// Whether everything that was not kept is zeros.
    pub(super) rest_is_zero: bool,
}

/// Reads the next line into `kept`, without its line break and at most `max` bytes of it. Nothing at the end.
pub(super) fn next_line(reader: &mut impl BufRead, kept: &mut Vec<u8>, max: usize) -> io::Result<Option<Line>> {
    kept.clear();
    let mut line = Line { length: 0, terminated: false, rest_is_zero: true };
    loop {
        let chunk = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return Ok((line.length > 0).then_some(line));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let text = &chunk[..end.unwrap_or(chunk.len())];
        let (keep, rest) = text.split_at(text.len().min(max - kept.len()));
        kept.extend_from_slice(keep);
        line.rest_is_zero &= rest.iter().all(|byte| *byte == 0);
        let used = text.len() + usize::from(end.is_some());
        line.length += used as u64;
        reader.consume(used);
        if end.is_some() {
            line.terminated = true;
            return Ok(Some(line));
        }
    }
}

/// What a journal held when it was read, and how to see that it has not changed since.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The states of its rows.
    pub recovered: Recovered,
    /// None if there was no journal, or one with an unfinished end.
    mark: Option<Mark>,
}

/// How a file is recognised. The content of a journal never changes: runs only add to it, and only an unfinished end is
/// ever removed. So as long as only vescli has written it, the length alone shows whether it has new records; the other
/// fields are for changes by an editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    length: u64,
    modified: SystemTime,
    identity: Option<file::Identity>,
}

impl Mark {
    fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { length: metadata.len(), modified: metadata.modified().ok()?, identity: file::identity(file) })
    }
}

impl Snapshot {
    /// What the file contains, if it is unchanged since the snapshot.
    pub(super) fn if_unchanged(self, file: &File) -> Option<Scan> {
        let mark = self.mark.filter(|mark| Mark::of(file) == Some(*mark))?;
        Some(Scan { recovered: self.recovered, valid: mark.length, length: mark.length, ..Scan::default() })
    }
}

/// Reads a journal that a run is going to continue.
///
/// # Errors
/// As [`inspect`], and [`JournalError::Damaged`].
pub fn take_snapshot(path: &Path) -> Result<Snapshot, JournalError> {
    let file = file::open_to_read(path)?;
    // Taken before it is read: what comes in between makes it another one.
    let mark = Mark::of(&file);
    let scan = read_valid(&file, path)?;
    let is_whole = |mark: &Mark| scan.tail == Tail::None && scan.valid == mark.length;
    Ok(Snapshot { mark: mark.filter(is_whole), recovered: scan.recovered })
}

/// Reads a journal and refuses damage.
pub(super) fn read_valid(file: &File, path: &Path) -> Result<Scan, JournalError> {
    let found = scan_file(file, path)?;
    match found.damage.first() {
        Some(damage) => Err(JournalError::Damaged { path: path.to_owned(), damage: *damage }),
        None => Ok(found),
    }
}

fn scan_file(file: &File, path: &Path) -> Result<Scan, JournalError> {
    let scan = scan(BufReader::new(file)).map_err(JournalError::reading(path))?;
    if scan.is_foreign {
        return Err(JournalError::NotAJournal { path: path.to_owned() });
    }
    Ok(scan)
}

/// Reads a journal, for `vescli journal`.
///
/// # Errors
/// [`JournalError`] when it is missing, not a journal, or cannot be read. Damage is part of what is found.
pub fn inspect(path: &Path) -> Result<Scan, JournalError> {
    scan_file(&file::open_to_read(path)?, path)
}

/// The first run of a journal: what list it is of, without reading all of it. Nothing if that cannot be read.
pub fn first_run(path: &Path) -> Option<RunRecord> {
    let file = file::open_to_read(path).ok()?;
    let mut kept = Vec::new();
    next_line(&mut BufReader::new(file), &mut kept, LINE_MAX).ok()?;
    match record::read(&kept) {
        Ok(Record::Run(run)) => Some(*run),
        _ => None,
    }
}

/// The last intent of each row of a journal that `wanted` picks by its key and `fits` by its content.
pub fn find_intents(
    path: &Path,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&IntentDetails) -> bool,
) -> Result<HashMap<RowKey, IntentDetails>, JournalError> {
    let file = file::open_to_read(path)?;
    intents_of(BufReader::new(file), wanted, fits).map_err(JournalError::reading(path))
}

/// The first bytes from `offset` on, at most `length`: what a damaged line still contains.
pub fn excerpt(path: &Path, offset: u64, length: u64) -> Result<Vec<u8>, JournalError> {
    let mut file = file::open_to_read(path)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.take(length).read_to_end(&mut bytes))
        .map_err(JournalError::reading(path))?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    bytes.truncate(end.unwrap_or(bytes.len()));
    Ok(bytes)
}

//! Reads a journal back without locking or changing it: the state of each row that it knows, and where it is damaged.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::{Damage, Flaw, JournalError};
use super::file;
use super::key::{self, KeyMap, RowKey};
use super::record::{self, LINE_MAX, Named, Record, Resolution};
use super::run_record::RunRecord;
use crate::api::outcome::Outcome;
use crate::settings::clock::Timestamp;

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

/// A row after its last record. Small: there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowState {
    /// It was about to be sent, and no record shows how it ended.
    Intended {
        attempt: u32,
    },
    Accepted {
        at: Timestamp,
    },
    Rejected {
        status: Option<u16>,
        /// Whether the next run sends it without another flag: the reason was not its own.
        due: bool,
    },
    NotSent,
    /// It was sent, and no answer shows its outcome.
    Unknown {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
    },
    /// It was unknown, and an operator resolved it.
    Resolved(Resolution),
}

impl RowState {
    /// What it means for the recipient. An intent without an end is unknown.
    pub const fn effective(self) -> Outcome {
        match self {
            Self::Accepted { .. } => Outcome::Accepted,
            Self::Rejected { .. } => Outcome::Rejected,
            Self::NotSent => Outcome::NotSent,
            Self::Intended { .. } | Self::Unknown { .. } => Outcome::Unknown,
            Self::Resolved(resolution) => resolution.outcome(),
        }
    }

    /// Whether an operator may record this: what they found out about an unknown row, or that they take it back.
    pub fn can_be_resolved(self, resolution: Resolution) -> bool {
        match resolution {
            Resolution::Unknown => matches!(self, Self::Resolved(before) if before != Resolution::Unknown),
            Resolution::Accepted | Resolution::NotSent => self.effective() == Outcome::Unknown,
        }
    }
}

impl RowState {
    pub(super) const fn ended(outcome: Outcome, status: Option<u16>, due: bool, at: Timestamp) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted { at },
            Outcome::Rejected => Self::Rejected { status, due },
            Outcome::NotSent => Self::NotSent,
            Outcome::Unknown => Self::Unknown { status },
        }
    }

    /// What counts where journals differ. A row that is due goes out unasked, like one that was not sent.
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

/// How many rows there are of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub accepted: u64,
    pub rejected: u64,
    pub not_sent: u64,
    pub unknown: u64,
    /// How many of these the next run sends without another flag.
    pub due: u64,
}

impl Counts {
    pub const fn total(&self) -> u64 {
        self.accepted + self.rejected + self.not_sent + self.unknown
    }
}

/// What a journal knew when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Every row that was ever about to be sent.
    pub states: KeyMap<RowState>,
    /// The runs before this one, the first one first.
    pub runs: Vec<RunRecord>,
    /// When the first and the last row were accepted.
    pub accepted: Option<(Timestamp, Timestamp)>,
    /// How many bytes of an unfinished record were cut off the end.
    pub cut: u64,
    /// Where the old journal is now, after `--fresh`.
    pub set_aside: Option<PathBuf>,
}

impl Recovered {
    /// The state of a row; nothing if the row was never about to be sent.
    pub fn state(&self, key: RowKey) -> Option<RowState> {
        self.states.get(&key).copied()
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for state in self.states.values() {
            let is_due = matches!(state, RowState::Rejected { due: true, .. });
            counts.due += u64::from(is_due || state.effective() == Outcome::NotSent);
            match state.effective() {
                Outcome::Accepted => counts.accepted += 1,
                Outcome::Rejected => counts.rejected += 1,
                Outcome::NotSent => counts.not_sent += 1,
                Outcome::Unknown => counts.unknown += 1,
            }
        }
        counts
    }

    pub(super) fn apply(&mut self, record: Record) -> Result<(), Flaw> {
        if self.runs.is_empty() && !matches!(record, Record::Run(_)) {
            return Err(Flaw::NoRun);
        }
        match record {
            // A journal that was put together has a run's record wherever requests of that run begin.
            Record::Run(run) if self.runs.iter().any(|known| known.id == run.id) => {}
            Record::Run(run) => self.runs.push(*run),
            Record::Intent { key, attempt } => {
                let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
                self.states.insert(key, RowState::Intended { attempt });
            }
            Record::End { key, outcome, status, due, at } => {
                if outcome == Outcome::Accepted {
                    let (first, last) = self.accepted.unwrap_or((at, at));
                    self.accepted = Some((first.min(at), last.max(at)));
                }
                self.end(key, RowState::ended(outcome, status, due, at))?;
            }
            Record::Resolved { key, resolution } => self.end(key, RowState::Resolved(resolution))?,
            Record::Synced { .. } => {}
        }
        Ok(())
    }

    /// An end without its intent means that a line is lost, and others may be lost too.
    fn end(&mut self, key: RowKey, state: RowState) -> Result<(), Flaw> {
        let before = self.states.get_mut(&key).ok_or(Flaw::NoIntent)?;
        *before = state;
        Ok(())
    }
}

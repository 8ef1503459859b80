//! Reads a journal back without locking or changing it: the state of each row that it knows, and where it is damaged.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::mem;
use std::path::{Path, PathBuf};

use super::error::{DamagedLine, JournalError, LineFault};
use super::file;
use super::key::{self, KeyMap, RowKey};
use super::record::{self, LINE_MAX, ListedPerson, Record, RowState, without_zeros};
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
    pub damage: Vec<DamagedLine>,
    pub tail: Tail,
    /// How many bytes from the beginning count.
    pub valid: u64,
    pub length: u64,
    /// How many lines there are, the tail included.
    pub lines: u64,
    /// Whether it contains no record at all and does not begin like a journal: it is something else.
    pub is_foreign: bool,
}

impl Scan {
    /// What has to come before the next record.
    pub(super) fn line_break(&self) -> &'static str {
        if self.tail == Tail::Unbroken { "\n" } else { "" }
    }
}

/// Reads a whole journal.
///
/// Damage is removed like an unfinished end if it is after the last place that a record says is on the disk: a power
/// failure leaves any part of what was written after that, and nothing was sent because of it. Rows whose ends are
/// removed with it become unknown, which mails no one.
///
/// # Errors
/// Those of the reader. Damage is not an error here: it is part of what is found.
pub fn scan(reader: impl BufRead) -> io::Result<Scan> {
    let mut scanner = Scanner::default();
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.advance()? {
        scanner.scan.lines += 1;
        if scanner.scan.lines == 1 {
            scanner.begins_well = begins_like_a_journal(&lines.text);
        }
        if let Err(fault) = scanner.take(&mut lines, line) {
            scanner.damaged(fault, &lines.text);
        }
        scanner.scan.length += line.length;
    }
    Ok(scanner.finish())
}

/// What is known while a journal is read.
#[derive(Default)]
struct Scanner {
    scan: Scan,
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
    fn take(&mut self, lines: &mut Lines<impl BufRead>, line: Line) -> Result<(), LineFault> {
        if !line.terminated {
            return self.unterminated(lines, line);
        }
        // It has been synced, or may have been: it is valid, or the journal is damaged.
        if line.length > LINE_MAX as u64 {
            return Err(LineFault::TooLong);
        }
        self.apply(lines.record()?)?;
        self.scan.valid = self.scan.length + line.length;
        Ok(())
    }

    /// No request was sent because of an unfinished line, unless it was finished once and its line break was lost.
    fn unterminated(&mut self, lines: &mut Lines<impl BufRead>, line: Line) -> Result<(), LineFault> {
        self.scan.tail = Tail::Torn;
        if !line.rest_is_zero {
            return Err(LineFault::TooLong);
        }
        let text = without_zeros(&lines.text);
        if record::read(text).is_err() {
            // A record that was whole and synced, and whose line break became something else.
            return if record::whole_record_within(text).is_some() { Err(LineFault::NoLineBreak) } else { Ok(()) };
        }
        lines.text.truncate(text.len());
        self.apply(lines.record()?)?;
        self.scan.tail = Tail::Unbroken;
        self.scan.valid = self.scan.length + lines.text.len() as u64;
        Ok(())
    }

    fn apply(&mut self, record: Record) -> Result<(), LineFault> {
        self.has_records = true;
        match record {
            // It is at the offset that it names, unless journals were joined or lines removed by hand.
            Record::Synced { bytes } => self.synced = self.synced.max(Some(bytes.max(self.scan.length))),
            Record::Row { state, .. } => self.has_ends |= !matches!(state, RowState::Intended { .. }),
            Record::Run(_) => {}
        }
        self.scan.recovered.apply(record)
    }

    fn damaged(&mut self, fault: LineFault, line: &[u8]) {
        if self.scan.damage.is_empty() {
            self.before_damage = Some(self.scan.recovered.clone());
            self.begins_torn = is_torn_beginning(line);
        }
        self.scan.damage.push(DamagedLine { line: self.scan.lines, offset: self.scan.length, fault });
    }

    fn finish(mut self) -> Scan {
        self.scan.is_foreign = self.scan.length > 0 && !self.has_records && !self.begins_well;
        let (Some(first), Some(before)) = (self.scan.damage.first(), self.before_damage) else {
            return self.scan;
        };
        let is_unsynced = self.synced.is_some_and(|synced| synced <= first.offset);
        let is_all = self.scan.lines == 1 && self.begins_torn;
        // The first mark of a new journal is written when its first run is on the disk, or a later one, if those before it
        // were killed without writing theirs. An end follows a request, and a request behind a sync that covers that mark.
        let follows_runs = before.runs.len() as u64 + 1 == first.line && before.runs.iter().all(|run| run.version > 1);
        let is_first_mark = self.synced.is_none() && !self.has_ends && first.line > 1 && follows_runs;
        if is_unsynced || is_all || is_first_mark {
            self.scan.tail = Tail::Torn;
            self.scan.valid = first.offset;
            self.scan.recovered = before;
            self.scan.damage.clear();
        }
        self.scan
    }
}

/// Whether bytes are those with which a journal begins: its first record or a damaged one, or zeros. An empty file can
/// become one, and so can one that a power failure has filled up with zeros from any byte on.
pub fn begins_like_a_journal(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 2] = [b"{\"v\":", b"{\"t\":\""];
    let written = without_zeros(bytes);
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
    pub(super) fn translate(&mut self, record: &mut Record, line: &[u8]) -> Result<(), LineFault> {
        match record {
            Record::Run(run) => self.old = (run.version == 1).then(|| run.service.clone()),
            Record::Row { key, state: RowState::Intended { .. }, .. } => {
                if let Some(service) = &self.old {
                    let named: ListedPerson = serde_json::from_slice(line).map_err(|_| LineFault::NoRecord)?;
                    let old = mem::replace(key, key::key(service, &named.cname, &named.email));
                    self.alias.insert(old, *key);
                }
            }
            Record::Row { key, state, .. } => {
                if let Some(new) = self.alias.get(key).copied() {
                    let old = mem::replace(key, new);
                    if !matches!(state, RowState::Unknown { .. } | RowState::Resolved(_)) {
                        self.alias.remove(&old);
                    }
                }
            }
            Record::Synced { .. } => {}
        }
        Ok(())
    }
}

/// A line of which as much is kept as a record may be long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Where it begins.
    pub(super) offset: u64,
    /// How long it is in the file, its line break included.
    pub(super) length: u64,
    /// Whether a line break ends it.
    pub(super) terminated: bool,
    /// Whether everything that was not kept is zeros.
    pub(super) rest_is_zero: bool,
}

/// The lines of a journal, one after another, with the keys of today.
pub(super) struct Lines<R> {
    reader: R,
    offset: u64,
    keys: Keys,
    /// The line that was read last, without its line break and at most [`LINE_MAX`] bytes of it.
    pub(super) text: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, offset: 0, keys: Keys::default(), text: Vec::new() }
    }

    /// Reads the next line. Nothing at the end.
    pub(super) fn advance(&mut self) -> io::Result<Option<Line>> {
        let Self { reader, text: kept, .. } = self;
        kept.clear();
        let mut line = Line { offset: self.offset, length: 0, terminated: false, rest_is_zero: true };
        while !line.terminated {
            let chunk = match reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                break;
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let text = &chunk[..end.unwrap_or(chunk.len())];
            let (keep, rest) = text.split_at(text.len().min(LINE_MAX - kept.len()));
            kept.extend_from_slice(keep);
            line.rest_is_zero &= rest.iter().all(|byte| *byte == 0);
            line.terminated = end.is_some();
            let used = text.len() + usize::from(line.terminated);
            line.length += used as u64;
            reader.consume(used);
        }
        self.offset += line.length;
        Ok((line.length > 0).then_some(line))
    }

    /// The record of the line that was read last.
    pub(super) fn record(&mut self) -> Result<Record, LineFault> {
        let mut record = record::read(&self.text)?;
        self.keys.translate(&mut record, &self.text)?;
        Ok(record)
    }
}

impl<R: Read + Seek> Lines<BufReader<R>> {
    /// The lines of a file from an offset on.
    pub(super) fn of_file(mut file: R, offset: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { offset, ..Self::new(BufReader::with_capacity(LINE_MAX, file)) })
    }

    /// The text at a place of the file.
    pub(super) fn at(&mut self, place: u64) -> io::Result<&[u8]> {
        // Keeps what was read already: a person's lines are often close to those of the one before.
        self.reader.seek_relative(place.cast_signed() - self.offset.cast_signed())?;
        self.offset = place;
        self.advance()?;
        Ok(without_zeros(&self.text))
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
    let scan = file::rewound(file).and_then(|file| scan(BufReader::new(file))).map_err(JournalError::reading(path))?;
    if scan.is_foreign {
        return Err(JournalError::unfit(path, "is not a journal"));
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
    let mut lines = Lines::new(BufReader::new(file::open_to_read(path).ok()?));
    lines.advance().ok()?;
    match lines.record() {
        Ok(Record::Run(run)) => Some(*run),
        _ => None,
    }
}

/// The first bytes of the line at `offset`, at most `length`: what a damaged line still contains.
pub fn excerpt(path: &Path, offset: u64, length: usize) -> Result<Vec<u8>, JournalError> {
    let failed = JournalError::reading(path);
    let mut lines = Lines::of_file(file::open_to_read(path)?, offset).map_err(failed)?;
    lines.advance().map_err(failed)?;
    lines.text.truncate(length);
    Ok(lines.text)
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

    pub(super) fn apply(&mut self, record: Record) -> Result<(), LineFault> {
        match record {
            // A journal that was put together has a run's record wherever requests of that run begin.
            Record::Run(run) if self.runs.iter().any(|known| known.id == run.id) => {}
            Record::Run(run) => self.runs.push(*run),
            _ if self.runs.is_empty() => return Err(LineFault::NoRun),
            Record::Row { key, state: state @ RowState::Intended { .. }, .. } => {
                self.states.insert(key, state);
            }
            Record::Row { key, state, .. } => {
                self.note_time(state);
                // An end without its intent means that a line is lost, and others may be lost too.
                *self.states.get_mut(&key).ok_or(LineFault::NoIntent)? = state;
            }
            Record::Synced { .. } => {}
        }
        Ok(())
    }

    /// Notes when a row was accepted.
    pub(super) fn note_time(&mut self, state: RowState) {
        if let RowState::Accepted { at } = state {
            let (first, last) = self.accepted.unwrap_or((at, at));
            self.accepted = Some((first.min(at), last.max(at)));
        }
    }
}

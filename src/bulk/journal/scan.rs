//! Reads a journal without locking or changing it: the state of each row, and damaged lines.

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
    /// The beginning of a record, or zeros: the run was killed while it wrote. Nothing was sent because of it, so it
    /// can be removed.
    Torn,
    /// A whole record without its line break. It counts.
    NoLineBreak,
}

/// What a journal contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The states of its rows, from the valid part.
    pub recovered: Recovered,
    /// The damaged lines. If there are any, no run continues this journal.
    pub damage: Vec<DamagedLine>,
    pub tail: Tail,
    /// The length of the valid part, from the beginning.
    pub valid: u64,
    pub length: u64,
    /// The number of lines, the tail included.
    pub lines: u64,
    /// Whether it is not a journal: it contains no record and does not begin like one.
    pub is_foreign: bool,
}

impl Scan {
    /// The text that must come before the next record.
    pub(super) fn line_break(&self) -> &'static str {
        if self.tail == Tail::NoLineBreak { "\n" } else { "" }
    }
}

/// Reads a whole journal.
///
/// Damage after the last offset that a `synced` covers is removed like an unfinished end: a power failure may leave any
/// part of what was written after that, and nothing was sent because of it. Rows whose ends are removed as well become
/// unknown, and are not sent.
///
/// # Errors
/// Those of the reader. Damage is not an error here: it is part of the result.
pub fn scan(reader: impl BufRead) -> io::Result<Scan> {
    let mut scanner = Scanner::default();
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.advance()? {
        scanner.scan.lines += 1;
        if scanner.scan.lines == 1 {
            scanner.begins_well = begins_like_a_journal(&lines.text);
        }
        if let Err(fault) = scanner.take(&mut lines, line) {
            scanner.add_damage(fault, &lines.text);
        }
        scanner.scan.length += line.length;
    }
    Ok(scanner.finish())
}

/// The state of a scan.
#[derive(Default)]
struct Scanner {
    scan: Scan,
    /// The offset up to which the journal is on the disk, according to its `synced` records.
    synced: Option<u64>,
    /// The content before the first damage.
    before_damage: Option<Recovered>,
    /// Whether the first damaged line can be the first line of a new journal, which a power failure left half written.
    begins_torn: bool,
    /// Whether the first bytes are those of a journal.
    begins_well: bool,
    has_records: bool,
    /// Whether it contains an end or a resolution, also after damage.
    has_ends: bool,
}

impl Scanner {
    fn take(&mut self, lines: &mut Lines<impl BufRead>, line: Line) -> Result<(), LineFault> {
        if !line.terminated {
            return self.unterminated(lines, line);
        }
        // A finished line may have been synced, so the journal is damaged if it is not valid.
        if line.length > LINE_MAX as u64 {
            return Err(LineFault::TooLong);
        }
        self.apply(lines.record()?)?;
        self.scan.valid = self.scan.length + line.length;
        Ok(())
    }

    /// No request was sent because of an unfinished line, unless it was finished and lost its line break later.
    fn unterminated(&mut self, lines: &mut Lines<impl BufRead>, line: Line) -> Result<(), LineFault> {
        self.scan.tail = Tail::Torn;
        if !line.rest_is_zero {
            return Err(LineFault::TooLong);
        }
        let text = without_zeros(&lines.text);
        if record::read(text).is_err() {
            // A whole record with other bytes in place of its line break may have been synced.
            return if record::whole_record_within(text).is_some() { Err(LineFault::NoLineBreak) } else { Ok(()) };
        }
        lines.text.truncate(text.len());
        self.apply(lines.record()?)?;
        self.scan.tail = Tail::NoLineBreak;
        self.scan.valid = self.scan.length + lines.text.len() as u64;
        Ok(())
    }

    fn apply(&mut self, record: Record) -> Result<(), LineFault> {
        self.has_records = true;
        match record {
            // It names its own offset, except after a merge, or if lines were removed by hand.
            Record::Synced { bytes } => self.synced = self.synced.max(Some(bytes.max(self.scan.length))),
            Record::Row { state, .. } => self.has_ends |= !matches!(state, RowState::Intended { .. }),
            Record::Run(_) => {}
        }
        self.scan.recovered.apply(record)
    }

    fn add_damage(&mut self, fault: LineFault, line: &[u8]) {
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
        // In a new journal, the first `synced` follows the first run, or a later one if earlier runs were killed before
        // they wrote theirs. An end shows that it was on the disk: a request is sent only after a sync that covers it.
        let follows_runs = before.runs.len() as u64 + 1 == first.line && before.runs.iter().all(|run| run.version > 1);
        let is_first_synced = self.synced.is_none() && !self.has_ends && first.line > 1 && follows_runs;
        if is_unsynced || is_all || is_first_synced {
            self.scan.tail = Tail::Torn;
            self.scan.valid = first.offset;
            self.scan.recovered = before;
            self.scan.damage.clear();
        }
        self.scan
    }
}

/// Whether a journal may begin with these bytes: with a record, which may be damaged, or with zeros. An empty file
/// counts, too, and so does a record that a power failure has replaced by zeros from any byte on.
pub fn begins_like_a_journal(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 2] = [b"{\"v\":", b"{\"t\":\""];
    let written = without_zeros(bytes);
    let agrees = |start: &[u8]| written.iter().zip(start).all(|(byte, other)| byte == other);
    written.first().is_none_or(|first| *first == 0) || starts.into_iter().any(agrees)
}

/// Whether a line is the first one of a journal and has zeros for its missing parts: then the journal is still empty.
/// Other files have no zeros there, and are not changed.
fn is_torn_beginning(line: &[u8]) -> bool {
    let begins = line.starts_with(b"{\"v\":") || line.first() == Some(&0);
    begins && line.contains(&0)
}

/// Translates the keys of a journal of version 1 into present keys.
#[derive(Default)]
pub(super) struct KeyTranslation {
    /// The service of the present run, if its keys are of version 1.
    old: Option<String>,
    /// The old and the new key of each person whose next record may be an end.
    alias: HashMap<RowKey, RowKey>,
}

impl KeyTranslation {
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

/// A line of a journal. [`Lines::text`] has at most [`LINE_MAX`] bytes of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// The offset of its first byte.
    pub(super) offset: u64,
    /// The length in the file, its line break included.
    pub(super) length: u64,
    /// Whether a line break ends it.
    pub(super) terminated: bool,
    /// Whether the rest of the line, which is not kept, consists of zeros.
    pub(super) rest_is_zero: bool,
}

/// Reads the lines of a journal, one after another, and translates old keys.
pub(super) struct Lines<R> {
    reader: R,
    offset: u64,
    keys: KeyTranslation,
    /// The line that was read last, without its line break, and at most [`LINE_MAX`] bytes of it.
    pub(super) text: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, offset: 0, keys: KeyTranslation::default(), text: Vec::new() }
    }

    /// Reads the next line. Returns nothing at the end.
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

    /// The line at an offset of the file.
    pub(super) fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        // Keeps the buffer, because the lines of two people in a row are often close together.
        self.reader.seek_relative(offset.cast_signed() - self.offset.cast_signed())?;
        self.offset = offset;
        self.advance()?;
        Ok(without_zeros(&self.text))
    }
}

/// Reads a journal, and returns an error if it is damaged.
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
/// [`JournalError`] when it is missing, not a journal, or cannot be read. Damage is part of the result.
pub fn inspect(path: &Path) -> Result<Scan, JournalError> {
    scan_file(&file::open_to_read(path)?, path)
}

/// The first run of a journal; nothing if it cannot be read. The rest of the journal is not read.
pub fn first_run(path: &Path) -> Option<RunRecord> {
    let mut lines = Lines::new(BufReader::new(file::open_to_read(path).ok()?));
    lines.advance().ok()?;
    match lines.record() {
        Ok(Record::Run(run)) => Some(*run),
        _ => None,
    }
}

/// The first bytes of the line at `offset`, at most `length`, to show a damaged line.
pub fn excerpt(path: &Path, offset: u64, length: usize) -> Result<Vec<u8>, JournalError> {
    let failed = JournalError::reading(path);
    let mut lines = Lines::of_file(file::open_to_read(path)?, offset).map_err(failed)?;
    lines.advance().map_err(failed)?;
    lines.text.truncate(length);
    Ok(lines.text)
}

/// How many rows of a journal have each outcome.
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

/// The content of a journal when it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The state of each row that has an intent.
    pub states: KeyMap<RowState>,
    /// The runs, the oldest first.
    pub runs: Vec<RunRecord>,
    /// When the first and the last row were accepted.
    pub accepted: Option<(Timestamp, Timestamp)>,
    /// How many bytes of an unfinished record were removed from the end.
    pub cut: u64,
    /// The new path of the old journal, after `--fresh`.
    pub set_aside: Option<PathBuf>,
}

impl Recovered {
    /// The state of a row; nothing if it has no intent.
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
            // A merged journal repeats the record of a run before each group of its requests.
            Record::Run(run) if self.runs.iter().any(|known| known.id == run.id) => {}
            Record::Run(run) => self.runs.push(*run),
            _ if self.runs.is_empty() => return Err(LineFault::NoRun),
            Record::Row { key, state: state @ RowState::Intended { .. }, .. } => {
                self.states.insert(key, state);
            }
            Record::Row { key, state, .. } => {
                self.note_time(state);
                // If an end has no intent, a line is lost, and others may be lost, too.
                *self.states.get_mut(&key).ok_or(LineFault::NoIntent)? = state;
            }
            Record::Synced { .. } => {}
        }
        Ok(())
    }

    /// Notes the time of an accepted row.
    pub(super) fn note_time(&mut self, state: RowState) {
        if let RowState::Accepted { at } = state {
            let (first, last) = self.accepted.unwrap_or((at, at));
            self.accepted = Some((first.min(at), last.max(at)));
        }
    }
}

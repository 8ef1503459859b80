//! The people of a journal: all of them with their outcome, one at a time, so that only the places of their lines are kept
//! in memory; their last attempts; and some of them by their intents.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::vec;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::JournalError;
use super::file::open_to_read;
use super::key::{KeyMap, RowKey};
use super::record::{self, LINE_MAX, Record};
use super::run_record::RunRecord;
use super::scan::{Keys, next_line, read_valid};
use crate::api::outcome::Outcome;

/// What is known of a person at the end of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWord {
    pub email: String,
    pub cname: String,
    pub outcome: Outcome,
    /// Of the record that decides, RFC 3339: the end, what an operator found out, or an intent without an end.
    pub at: String,
    pub status: Option<u16>,
    pub attempts: u64,
    /// Whether an operator found it out.
    pub is_resolved: bool,
    /// The line of the list.
    pub row: u64,
    /// The run of the last attempt: its place in [`People::runs`].
    pub run: usize,
}

/// Offsets of a person's lines, and what they say.
struct Lines {
    intent: u64,
    last: u64,
    run: usize,
    outcome: Outcome,
    status: Option<u16>,
    is_resolved: bool,
}

/// The people of a journal, in the order of their last attempts.
pub struct People {
    pub runs: Vec<RunRecord>,
    path: PathBuf,
    reader: BufReader<File>,
    offset: u64,
    lines: vec::IntoIter<Lines>,
}

#[derive(Deserialize)]
struct Dated {
    at: String,
}

impl People {
    /// Reads a journal that a run may be writing: people who are added from now on are not in it. Its lines stay where they
    /// are, because a run only adds lines and removes an unfinished end.
    ///
    /// # Errors
    /// [`JournalError`] when it is missing, not a journal, damaged or cannot be read.
    pub fn of(path: &Path) -> Result<Self, JournalError> {
        let failed = JournalError::reading(path);
        let mut file = open_to_read(path)?;
        let scan = read_valid(&file, path)?;
        let (runs, end) = (scan.recovered.runs, scan.valid);
        // Dropped here: it is large, and so is what follows.
        drop(scan.recovered.states);
        file.rewind().map_err(failed)?;
        let lines = lines_of(&file, end, &runs).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let reader = BufReader::with_capacity(LINE_MAX, file);
        Ok(Self { runs, path: path.to_owned(), reader, offset: 0, lines: lines.into_iter() })
    }

    /// The line at a place.
    fn line_at<T: DeserializeOwned>(&mut self, offset: u64) -> io::Result<T> {
        // Keeps what was read already: a person's lines are often close to those of the one before.
        self.reader.seek_relative(offset.cast_signed() - self.offset.cast_signed())?;
        self.offset = offset;
        let mut kept = Vec::new();
        if let Some(line) = next_line(&mut self.reader, &mut kept, LINE_MAX)? {
            self.offset += line.length;
        }
        // A line that lost its line break may have zeros after it.
        let text = kept.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(serde_json::from_slice(text)?)
    }

    fn read(&mut self, lines: &Lines) -> io::Result<LastWord> {
        let intent: IntentDetails = self.line_at(lines.intent)?;
        let at = if lines.last == lines.intent { intent.at } else { self.line_at::<Dated>(lines.last)?.at };
        Ok(LastWord {
            email: intent.email,
            cname: intent.cname,
            outcome: lines.outcome,
            at,
            status: lines.status,
            attempts: intent.attempt,
            is_resolved: lines.is_resolved,
            row: intent.row,
            run: lines.run,
        })
    }
}

/// Bytes of the journal that an attempt takes, by far.
const ATTEMPT: u64 = 4096;

/// When the last `most` attempts of a journal ended, the oldest first; one whose end is missing ends now. A request that was
/// cut off may still be on its way, and the next run of a shard counts it against the rate.
pub fn recent_attempts(path: &Path, most: u64, now: SystemTime) -> Result<Vec<SystemTime>, JournalError> {
    let failed = JournalError::reading(path);
    let mut file = open_to_read(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let start = length.saturating_sub(most.saturating_mul(ATTEMPT));
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let (mut ends, mut begun) = (Vec::new(), HashSet::new());
    let mut reader = BufReader::new(file);
    let mut kept = Vec::new();
    while next_line(&mut reader, &mut kept, LINE_MAX).map_err(failed)?.is_some() {
        // The first line may be the end of one.
        match record::read(&kept) {
            Ok(Record::Intent { key, .. }) => {
                begun.insert(key);
            }
            Ok(Record::End { key, .. }) => {
                begun.remove(&key);
                let dated = serde_json::from_slice::<Dated>(&kept).ok();
                ends.extend(dated.and_then(|dated| humantime::parse_rfc3339(&dated.at).ok()));
            }
            _ => {}
        }
    }
    ends.extend(begun.iter().map(|_| now));
    ends.sort();
    Ok(ends.split_off(ends.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX))))
}

impl Iterator for People {
    type Item = Result<LastWord, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let lines = self.lines.next()?;
        let read = self.read(&lines);
        Some(read.map_err(JournalError::reading(&self.path)))
    }
}

/// Where the lines of each person are, in the order of their intents. They are valid up to `end`.
fn lines_of(file: &File, end: u64, runs: &[RunRecord]) -> io::Result<Vec<Lines>> {
    let mut reader = BufReader::new(file.take(end));
    let mut found = KeyMap::<Lines>::default();
    let mut keys = Keys::default();
    let mut kept = Vec::new();
    let (mut offset, mut run) = (0, 0);
    while let Some(line) = next_line(&mut reader, &mut kept, LINE_MAX)? {
        let at = offset;
        offset += line.length;
        let record = record::read(&kept).and_then(|record| keys.translate(record, &kept));
        match record.map_err(io::Error::other)? {
            Record::Run(begun) => run = runs.iter().position(|known| known.id == begun.id).unwrap_or_default(),
            Record::Intent { key, .. } => {
                let outcome = Outcome::Unknown;
                found.insert(key, Lines { intent: at, last: at, run, outcome, status: None, is_resolved: false });
            }
            Record::End { key, outcome, status, .. } => {
                if let Some(lines) = found.get_mut(&key) {
                    (lines.last, lines.outcome, lines.status, lines.is_resolved) = (at, outcome, status, false);
                }
            }
            Record::Resolved { key, resolution } => {
                if let Some(lines) = found.get_mut(&key) {
                    (lines.last, lines.outcome, lines.is_resolved) = (at, resolution.outcome(), true);
                }
            }
            Record::Synced { .. } => {}
        }
    }
    let mut lines: Vec<Lines> = found.into_values().collect();
    lines.sort_unstable_by_key(|lines| lines.intent);
    Ok(lines)
}

/// The last intent of each row of a journal that `wanted` picks by its key and `fits` by its content.
pub fn find_intents(
    path: &Path,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&IntentDetails) -> bool,
) -> Result<HashMap<RowKey, IntentDetails>, JournalError> {
    let file = open_to_read(path)?;
    intents_of(BufReader::new(file), wanted, fits).map_err(JournalError::reading(path))
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
    let mut reader = BufReader::new(open_to_read(path)?);
    let (mut found, mut keys, mut kept) = (HashSet::new(), Keys::default(), Vec::new());
    while next_line(&mut reader, &mut kept, LINE_MAX).map_err(failed)?.is_some() {
        let record = record::read(&kept).and_then(|record| keys.translate(record, &kept));
        if let Ok(Record::End { key, outcome: Outcome::Accepted, .. }) = record {
            found.insert(key);
        }
    }
    Ok(found)
}

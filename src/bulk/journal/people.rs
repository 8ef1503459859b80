//! Reads the people of a journal: all of them with their states, only the last attempts, or some of them by their
//! intents. People are read one at a time, so that the memory has only the offsets of their lines.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::vec;

use serde::Deserialize;

use super::error::JournalError;
use super::file::{open_to_read, rewound};
use super::key::{KeyMap, RowKey};
use super::record::{self, Record, RowState, at_of, time_of};
use super::run_record::RunRecord;
use super::scan::{Line, Lines, Scan, read_valid};
use crate::api::outcome::Outcome;

/// The state of a person at the end of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonState {
    pub email: String,
    pub cname: String,
    pub outcome: Outcome,
    /// The time of the record that decides, RFC 3339. It is an end, a resolution, or an intent without an end.
    pub at: String,
    pub status: Option<u16>,
    pub attempts: u64,
    /// Whether an operator resolved it.
    pub is_resolved: bool,
    /// The line of the list.
    pub row: u64,
    /// The index of the last attempt's run in [`People::runs`].
    pub run: usize,
}

/// The offsets of a person's lines, and the state that follows from them.
struct PersonLines {
    intent: u64,
    last: u64,
    run: usize,
    state: RowState,
    status: Option<u16>,
}

/// The people of a journal, in the order of their last attempts.
pub struct People {
    pub runs: Vec<RunRecord>,
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    found: vec::IntoIter<PersonLines>,
}

impl People {
    /// Reads a journal to which a run may write at the same time; people whom the run adds later are left out. The
    /// offsets stay valid, because a run only adds lines and removes an unfinished last line.
    ///
    /// # Errors
    /// [`JournalError`] when it is missing, not a journal, damaged, or cannot be read.
    pub fn of(path: &Path) -> Result<Self, JournalError> {
        let failed = JournalError::reading(path);
        let file = open_to_read(path)?;
        let Scan { recovered, valid, .. } = read_valid(&file, path)?;
        // The states are dropped here, because they and the offsets are both large.
        let runs = recovered.runs;
        let found = find_lines(&file, valid, &runs).map_err(failed)?.into_iter();
        let lines = Lines::of_file(file, 0).map_err(failed)?;
        Ok(Self { runs, path: path.to_owned(), lines, found })
    }

    fn read(&mut self, found: &PersonLines) -> io::Result<PersonState> {
        let intent: IntentDetails = serde_json::from_slice(self.lines.at(found.intent)?)?;
        let at = if found.last == found.intent { intent.at } else { at_of(self.lines.at(found.last)?)?.to_owned() };
        Ok(PersonState {
            email: intent.email,
            cname: intent.cname,
            outcome: found.state.effective(),
            at,
            status: found.status,
            attempts: intent.attempt,
            is_resolved: matches!(found.state, RowState::Resolved(_)),
            row: intent.row,
            run: found.run,
        })
    }
}

impl Iterator for People {
    type Item = Result<PersonState, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.found.next()?;
        Some(self.read(&found).map_err(JournalError::reading(&self.path)))
    }
}

/// Finds the lines of each person, in the order of their intents. The journal is valid up to `end`.
fn find_lines(file: &File, end: u64, runs: &[RunRecord]) -> io::Result<Vec<PersonLines>> {
    let mut lines = Lines::new(BufReader::new(rewound(file)?.take(end)));
    let mut found = KeyMap::<PersonLines>::default();
    let mut run = 0;
    while let Some(Line { offset, .. }) = lines.advance()? {
        match lines.record().map_err(io::Error::other)? {
            Record::Run(begun) => run = runs.iter().position(|known| known.id == begun.id).unwrap_or_default(),
            Record::Row { key, state: state @ RowState::Intended { .. }, .. } => {
                found.insert(key, PersonLines { intent: offset, last: offset, run, state, status: None });
            }
            Record::Row { key, state, status } => {
                if let Some(found) = found.get_mut(&key) {
                    (found.last, found.state) = (offset, state);
                    if !matches!(state, RowState::Resolved(_)) {
                        found.status = status;
                    }
                }
            }
            Record::Synced { .. } => {}
        }
    }
    let mut found: Vec<PersonLines> = found.into_values().collect();
    found.sort_unstable_by_key(|found| found.intent);
    Ok(found)
}

/// More bytes than one attempt ever takes in the journal.
const BYTES_PER_ATTEMPT: u64 = 4096;

/// The ends of the last `most` attempts of a journal, the oldest first. An attempt without an end counts as ending
/// `now`: its request may still be on its way to the server, so the next run of a shard counts it against the rate.
pub fn recent_attempts(path: &Path, most: u64, now: SystemTime) -> Result<Vec<SystemTime>, JournalError> {
    let failed = JournalError::reading(path);
    let file = open_to_read(path)?;
    let start = file.metadata().map_err(failed)?.len().saturating_sub(most.saturating_mul(BYTES_PER_ATTEMPT));
    let mut lines = Lines::of_file(file, start).map_err(failed)?;
    let (mut ends, mut begun) = (Vec::new(), HashSet::new());
    while lines.advance().map_err(failed)?.is_some() {
        // The first line may be incomplete, and is skipped then.
        match record::read(&lines.text) {
            Ok(Record::Row { key, state: RowState::Intended { .. }, .. }) => {
                begun.insert(key);
            }
            Ok(Record::Row { key, state, .. }) if !matches!(state, RowState::Resolved(_)) => {
                begun.remove(&key);
                ends.extend(time_of(&lines.text).ok());
            }
            _ => {}
        }
    }
    ends.extend(begun.iter().map(|_| now));
    ends.sort();
    Ok(ends.split_off(ends.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX))))
}

/// The fields of an intent that are shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IntentDetails {
    pub row: u64,
    pub email: String,
    pub cname: String,
    pub attempt: u64,
    /// When the intent was recorded, RFC 3339.
    pub at: String,
}

/// The last intent of each row of a journal, of the intents whose key `wanted` accepts and whose fields `fits` accepts.
pub fn find_intents(
    path: &Path,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&IntentDetails) -> bool,
) -> Result<HashMap<RowKey, IntentDetails>, JournalError> {
    let file = open_to_read(path)?;
    intents_of(BufReader::new(file), wanted, fits).map_err(JournalError::reading(path))
}

/// The same for a journal that is open. Lines that are not valid intents are skipped.
pub fn intents_of(
    reader: impl BufRead,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&IntentDetails) -> bool,
) -> io::Result<HashMap<RowKey, IntentDetails>> {
    let mut found = HashMap::new();
    let mut lines = Lines::new(reader);
    while lines.advance()?.is_some() {
        if let Ok(Record::Row { key, state: RowState::Intended { .. }, .. }) = lines.record()
            && wanted(key)
            && let Ok(details) = serde_json::from_slice::<IntentDetails>(&lines.text)
            && fits(&details)
        {
            found.insert(key, details);
        }
    }
    Ok(found)
}

/// Everyone in a journal who was accepted at any time, whatever their later records are.
pub fn ever_accepted(path: &Path) -> Result<HashSet<RowKey>, JournalError> {
    let failed = JournalError::reading(path);
    let mut lines = Lines::new(BufReader::new(open_to_read(path)?));
    let mut found = HashSet::new();
    while lines.advance().map_err(failed)?.is_some() {
        if let Ok(Record::Row { key, state: RowState::Accepted { .. }, .. }) = lines.record() {
            found.insert(key);
        }
    }
    Ok(found)
}

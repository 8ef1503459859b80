//! Looks into a journal without locking or changing it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use super::RowKey;
use super::error::JournalError;
use super::line;
use super::place;
use super::record::{self, LINE_MAX, Record};
use super::recovery::{Event, Scan, Tail, intents_of, scan};
use super::state::{Recovered, RunSeen};

/// What a journal held when it was looked at, and by what it is known again.
#[derive(Debug, Default)]
pub struct Seen {
    /// What it said of its rows.
    pub recovered: Recovered,
    /// None if there was no journal, or one with an unfinished end.
    mark: Option<Mark>,
}

/// By what a file is known again. Nothing that a journal holds is ever changed: runs only add to it, and the one thing
/// that is ever cut is an unfinished end. So as long as it was written by nobody but vescli, the length alone tells
/// whether anything has come to it; the rest is for somebody with an editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    length: u64,
    modified: SystemTime,
    identity: Option<place::Identity>,
}

impl Mark {
    fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { length: metadata.len(), modified: metadata.modified().ok()?, identity: place::identity(file) })
    }
}

impl Seen {
    /// What the file holds, if it is the one that was seen and nothing has come to it.
    pub(super) fn still_holds(self, file: &File) -> Option<Scan> {
        let mark = self.mark.filter(|mark| Mark::of(file) == Some(*mark))?;
        Some(Scan { recovered: self.recovered, sound: mark.length, length: mark.length, ..Scan::default() })
    }
}

/// Reads a journal that a run is going to go on with.
///
/// # Errors
/// As [`look`], and [`JournalError::Damaged`].
pub fn see(path: &Path) -> Result<Seen, JournalError> {
    let file = place::open_to_read(path)?;
    // Taken before it is read: what comes in between makes it another one.
    let mark = Mark::of(&file);
    let scan = sound(&file, path)?;
    let is_whole = |mark: &Mark| scan.tail == Tail::None && scan.sound == mark.length;
    Ok(Seen { mark: mark.filter(is_whole), recovered: scan.recovered })
}

/// Reads a journal of which all has to be sound.
pub(super) fn sound(file: &File, path: &Path) -> Result<Scan, JournalError> {
    let found = scan_file(file, path)?;
    match found.damage.first() {
        Some(damage) => Err(JournalError::Damaged { path: path.to_owned(), damage: *damage }),
        None => Ok(found),
    }
}

fn scan_file(file: &File, path: &Path) -> Result<Scan, JournalError> {
    let scan = scan(BufReader::new(file)).map_err(|source| JournalError::Read { path: path.to_owned(), source })?;
    if scan.is_foreign {
        return Err(JournalError::NotAJournal { path: path.to_owned() });
    }
    Ok(scan)
}

/// Reads a journal, for `vescli journal`.
///
/// # Errors
/// [`JournalError`] when it is missing, no file of ours, or cannot be read. Damage is part of what is found.
pub fn look(path: &Path) -> Result<Scan, JournalError> {
    scan_file(&place::open_to_read(path)?, path)
}

/// The first run of a journal: what list it is of, without reading all of it. Nothing if that cannot be read.
pub fn first_run(path: &Path) -> Option<RunSeen> {
    let file = place::open_to_read(path).ok()?;
    let mut kept = Vec::new();
    line::next(&mut BufReader::new(file), &mut kept, LINE_MAX).ok()?;
    match record::read(&kept) {
        Ok(Record::Run(run)) => Some(run),
        _ => None,
    }
}

/// The last intent of each row of a journal that `wanted` picks by its key and `fits` by what it says.
///
/// # Errors
/// As [`look`].
pub fn look_for(
    path: &Path,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&Event) -> bool,
) -> Result<HashMap<RowKey, Event>, JournalError> {
    let file = place::open_to_read(path)?;
    intents_of(BufReader::new(file), wanted, fits)
        .map_err(|source| JournalError::Read { path: path.to_owned(), source })
}

/// The first bytes from `offset` on, at most `length`: what a damaged line still holds.
///
/// # Errors
/// As [`look`].
pub fn excerpt(path: &Path, offset: u64, length: u64) -> Result<Vec<u8>, JournalError> {
    let mut file = place::open_to_read(path)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.take(length).read_to_end(&mut bytes))
        .map_err(|source| JournalError::Read { path: path.to_owned(), source })?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    bytes.truncate(end.unwrap_or(bytes.len()));
    Ok(bytes)
}

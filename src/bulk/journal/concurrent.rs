//! Finds people whom other runs mail at the same time. Each run writes its intents into its own journal. So this run
//! reads the new lines of all journals in the folder, and does not mail a person who appears there after the plan was
//! made. A run first syncs its own intent, and reads the other journals after that. So of two runs that are about to
//! mail the same person at the same time, at least one sees the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::file::{self, FileId};
use super::key::{KeySet, RowKey};
use super::known::{OwnJournal, is_left_out};
use super::path::journals_in;
use super::record::{self, LINE_MAX};
use super::scan::{Line, Lines};
use crate::api::outcome::Outcome;

/// The resolution of times in a file system. A folder that changed less than this before it was listed may change again
/// and keep its time. Linux takes the time of its last tick, which is at most 10 ms old; the rest is for other systems.
const TIME_RESOLUTION: Duration = Duration::from_millis(100);
/// The same for file systems with whole seconds (FAT: two seconds).
const COARSE_TIME_RESOLUTION: Duration = Duration::from_secs(2);

/// The journals of other lists.
#[derive(Debug)]
pub struct ConcurrentRuns {
    folder: PathBuf,
    own: PathBuf,
    watched: Mutex<WatchedFolder>,
}

#[derive(Debug)]
struct WatchedFolder {
    /// The time of the folder when it was listed; none if the folder may change again and keep this time.
    listed: Option<SystemTime>,
    journals: Vec<WatchedJournal>,
}

/// A journal, and the offset up to which it was read.
#[derive(Debug)]
struct WatchedJournal {
    path: PathBuf,
    file_id: Option<FileId>,
    offset: u64,
    /// The people whom its run may have mailed since the plan was made. Separate for each journal: a person who is
    /// rejected in one may have been accepted in another.
    mailed: KeySet,
}

impl ConcurrentRuns {
    /// Watches the journals of a folder, except the run's own. `lengths` are their lengths when the plan was made.
    pub fn new(folder: &Path, own: &Path, lengths: impl Iterator<Item = (PathBuf, u64)>) -> Self {
        let journals = lengths.map(|(path, length)| WatchedJournal::after(path, length)).collect();
        let watched = Mutex::new(WatchedFolder { listed: None, journals });
        Self { folder: folder.to_owned(), own: own.to_owned(), watched }
    }

    /// Whether another run has recorded an intent for this person since the plan was made. Call it when the own intent
    /// is on the disk.
    pub fn have_claimed(&self, key: RowKey) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        self.add_new_journals(&mut watched);
        let mut is_claimed = false;
        for journal in &mut watched.journals {
            journal.read_new_lines();
            is_claimed |= journal.mailed.contains(&key);
        }
        is_claimed
    }

    /// Adds journals that are new in the folder. Does nothing if the folder cannot be read: the plan has warned about
    /// that.
    fn add_new_journals(&self, watched: &mut WatchedFolder) {
        let changed = fs::metadata(&self.folder).and_then(|folder| folder.modified()).ok();
        if changed.is_some() && changed == watched.listed {
            return;
        }
        let is_stable = |changed: &SystemTime| {
            let is_coarse = changed.duration_since(UNIX_EPOCH).is_ok_and(|time| time.subsec_nanos() == 0);
            let age = SystemTime::now().duration_since(*changed);
            age.is_ok_and(|age| age > if is_coarse { COARSE_TIME_RESOLUTION } else { TIME_RESOLUTION })
        };
        watched.listed = changed.filter(is_stable);
        let file_id = file_id_at(&self.own);
        let own = OwnJournal { journal: &self.own, replaces_set_aside: true };
        for path in journals_in(&self.folder).unwrap_or_default() {
            let is_new = !watched.journals.iter().any(|journal| journal.path == path);
            let is_same = || file_id.is_some() && file_id_at(&path) == file_id;
            if is_new && !is_left_out(&path, own) && !is_same() {
                watched.journals.push(WatchedJournal::after(path, 0));
            }
        }
    }
}

fn file_id_at(path: &Path) -> Option<FileId> {
    file::file_id_of(&fs::symlink_metadata(path).ok()?)
}

impl WatchedJournal {
    /// Watches a journal from this offset on, which may be in the middle of a line.
    fn after(path: PathBuf, length: u64) -> Self {
        // Starts earlier by the longest line: the last line may have been incomplete.
        let offset = length.saturating_sub(LINE_MAX as u64);
        Self { file_id: file_id_at(&path), path, offset, mailed: KeySet::default() }
    }

    /// Reads the lines that were added. A journal that cannot be read is ignored, as it was for the plan.
    fn read_new_lines(&mut self) {
        let Ok(metadata) = fs::symlink_metadata(&self.path) else {
            return;
        };
        let file_id = file::file_id_of(&metadata);
        if file_id != self.file_id || metadata.len() < self.offset {
            (self.file_id, self.offset) = (file_id, 0);
        }
        if metadata.len() == self.offset {
            return;
        }
        let opened = file::open_to_read(&self.path).ok();
        let Some(mut lines) = opened.and_then(|file| Lines::of_file(file, self.offset).ok()) else {
            return;
        };
        while let Ok(Some(line @ Line { terminated: true, .. })) = lines.advance() {
            self.offset += line.length;
            if let Some((key, outcome)) = record::read(&lines.text).ok().and_then(|record| record.about()) {
                if matches!(outcome, Outcome::Accepted | Outcome::Unknown) {
                    self.mailed.insert(key);
                } else {
                    self.mailed.remove(&key);
                }
            }
        }
    }
}

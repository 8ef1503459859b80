//! Other runs that mail people at the same time. Each writes its intents into its own journal, so the journals of the folder
//! are followed while they grow: a person who appears there was not known when this run was planned, and this run does not
//! mail them. A run first syncs its own intent and reads the other journals afterwards. So of two runs that are about to
//! mail the same person at the same time, at least one sees the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::file::{self, FileId};
use super::key::{KeySet, RowKey};
use super::known::{OwnJournal, is_own};
use super::path::journals_in;
use super::record::{self, LINE_MAX};
use super::scan::{Line, Lines};
use crate::api::outcome::Outcome;

/// How coarse the times of a file system may be: a folder that has changed so shortly before it was listed may change
/// again without another time. Linux takes the time of its last tick, 10 ms ago at most; the rest is for other clocks.
const TIME_RESOLUTION: Duration = Duration::from_millis(100);
/// The same for file systems that know whole seconds only (FAT: two of them).
const COARSE_TIME_RESOLUTION: Duration = Duration::from_secs(2);

/// The journals of other lists.
#[derive(Debug)]
pub struct ConcurrentRuns {
    folder: PathBuf,
    own: PathBuf,
    watch: Mutex<WatchedFolder>,
}

#[derive(Debug)]
struct WatchedFolder {
    /// The time of the folder when it was listed, unless it may still change without another one.
    listed: Option<SystemTime>,
    journals: Vec<WatchedJournal>,
}

/// A journal, and how far it was followed.
#[derive(Debug)]
struct WatchedJournal {
    path: PathBuf,
    file_id: Option<FileId>,
    offset: u64,
    /// Who may have been mailed by it since the plan was made. Kept for each journal: a person who is rejected on one list
    /// may have been accepted on another.
    mailed: KeySet,
}

impl ConcurrentRuns {
    /// The journals of a folder but one. What they held when the plan was made is known: their lengths were these.
    pub fn new(folder: &Path, own: &Path, lengths: impl Iterator<Item = (PathBuf, u64)>) -> Self {
        let journals = lengths.map(|(path, length)| WatchedJournal::after(path, length)).collect();
        let watch = Mutex::new(WatchedFolder { listed: None, journals });
        Self { folder: folder.to_owned(), own: own.to_owned(), watch }
    }

    /// Whether another run has an intent for this person since the plan was made. Called after the own intent is on the disk.
    pub fn have_claimed(&self, key: RowKey) -> bool {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.list(&mut watch);
        let mut is_claimed = false;
        for journal in &mut watch.journals {
            journal.follow();
            is_claimed |= journal.mailed.contains(&key);
        }
        is_claimed
    }

    /// Adds journals that were begun since. A folder that cannot be read has none: the plan has warned of that.
    fn list(&self, watch: &mut WatchedFolder) {
        let changed = fs::metadata(&self.folder).and_then(|folder| folder.modified()).ok();
        if changed.is_some() && changed == watch.listed {
            return;
        }
        let is_stable = |changed: &SystemTime| {
            let is_coarse = changed.duration_since(UNIX_EPOCH).is_ok_and(|time| time.subsec_nanos() == 0);
            let age = SystemTime::now().duration_since(*changed);
            age.is_ok_and(|age| age > if is_coarse { COARSE_TIME_RESOLUTION } else { TIME_RESOLUTION })
        };
        watch.listed = changed.filter(is_stable);
        let file_id = file_id_at(&self.own);
        let own = OwnJournal { journal: &self.own, replaces_set_aside: true };
        for path in journals_in(&self.folder).unwrap_or_default() {
            let is_new = !watch.journals.iter().any(|journal| journal.path == path);
            let is_same = || file_id.is_some() && file_id_at(&path) == file_id;
            if is_new && !is_own(&path, own) && !is_same() {
                watch.journals.push(WatchedJournal::after(path, 0));
            }
        }
    }
}

/// Device and number of the file that a path leads to.
fn file_id_at(path: &Path) -> Option<FileId> {
    file::file_id_of(&fs::symlink_metadata(path).ok()?)
}

impl WatchedJournal {
    /// Follows a journal from this many bytes on. That may be in the middle of a line.
    fn after(path: PathBuf, length: u64) -> Self {
        // A record that was being written is read again from its beginning.
        let offset = length.saturating_sub(LINE_MAX as u64);
        Self { file_id: file_id_at(&path), path, offset, mailed: KeySet::default() }
    }

    /// Notes what was added. What cannot be read is ignored: it could not be read for the plan either.
    fn follow(&mut self) {
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

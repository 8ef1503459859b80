//! Runs that are at work at the same time with other lists. Each writes its intents into its own journal, so the journals of
//! the folder are followed while they grow: whoever turns up there was not known when this run was planned, and is not
//! mailed by it as well.
//!
//! A run first brings its own intent to the disk and looks here afterwards. Of two runs that mean the same person at the same
//! moment, at least one sees the other.

use std::collections::HashSet;
use std::fs;
use std::hash::BuildHasherDefault;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::journal::{Growth, KeyHasher, RowKey, identity_at, kept_in};
use super::known::{Own, is_own};

/// How coarse the times of a file system may be: a folder that has changed so shortly before it was listed may change
/// again without another time. Linux takes the time of its last tick, 10 ms ago at most; the rest is for clocks of others.
const GRAIN: Duration = Duration::from_millis(100);
/// The same for file systems that know whole seconds only (FAT: two of them).
const COARSE_GRAIN: Duration = Duration::from_secs(2);

/// The journals of other lists.
#[derive(Debug)]
pub struct Rivals {
    folder: PathBuf,
    own: PathBuf,
    watch: Mutex<Watch>,
}

#[derive(Debug, Default)]
struct Watch {
    /// The time of the folder when it was listed, unless it may still change without another one.
    listed: Option<SystemTime>,
    journals: Vec<Growth>,
    people: HashSet<RowKey, BuildHasherDefault<KeyHasher>>,
}

impl Rivals {
    /// The journals of a folder but one. What they held when the plan was made is known: their lengths were these.
    pub fn new(folder: &Path, own: &Path, lengths: impl Iterator<Item = (PathBuf, u64)>) -> Self {
        Self {
            folder: folder.to_owned(),
            own: own.to_owned(),
            watch: Mutex::new(Watch {
                journals: lengths.map(|(path, length)| Growth::after(&path, length)).collect(),
                ..Watch::default()
            }),
        }
    }

    /// Whether another run has meant this person since the plan was made. Only after the own intent is on the disk.
    pub fn have(&self, key: RowKey) -> bool {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.list(&mut watch);
        let Watch { journals, people, .. } = &mut *watch;
        for journal in journals {
            journal.follow(|key, is_mailed| {
                if is_mailed {
                    people.insert(key);
                } else {
                    people.remove(&key);
                }
            });
        }
        watch.people.contains(&key)
    }

    /// Takes in journals that were begun since. A folder that cannot be read has none: the plan was told of that.
    fn list(&self, watch: &mut Watch) {
        let changed = fs::metadata(&self.folder).and_then(|folder| folder.modified());
        let changed = changed.ok();
        if changed.is_some() && changed == watch.listed {
            return;
        }
        let is_settled = |changed: &SystemTime| {
            let age = SystemTime::now().duration_since(*changed);
            let since_1970 = changed.duration_since(SystemTime::UNIX_EPOCH);
            let is_coarse = since_1970.is_ok_and(|time| time.subsec_nanos() == 0);
            age.is_ok_and(|age| age > if is_coarse { COARSE_GRAIN } else { GRAIN })
        };
        watch.listed = changed.filter(is_settled);
        let identity = identity_at(&self.own);
        let own = Own { journal: &self.own, succeeds: true };
        for path in kept_in(&self.folder).unwrap_or_default() {
            let is_new = !watch.journals.iter().any(|journal| journal.is_at(&path));
            let is_same = || identity.is_some() && identity_at(&path) == identity;
            if is_new && !is_own(&path, own) && !is_same() {
                watch.journals.push(Growth::after(&path, 0));
            }
        }
    }
}

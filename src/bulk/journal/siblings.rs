//! The journals of one list that is sent in shards. Each shard writes a journal of its own; what those of another division
//! of the list know is read before a run sends, so that no one is planned again when the number of shards changes.

use std::collections::BTreeSet;
use std::fs::{Metadata, TryLockError};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JournalError;
use super::file::{folder_of, open_to_read};
use super::key::RowKey;
use super::path::{files_in, split_name};
use super::record::RunRecord;
use super::scan::take_snapshot;
use super::state::{Recovered, RowState};
use super::timestamp::Timestamp;
use crate::api::outcome::Outcome;
use crate::settings::shard::Shard;

/// A journal with its length and the time of its last change.
type Stamp = (PathBuf, u64, Option<SystemTime>);

/// What the journals of the same list know that belong to another division of it: to another number of shards, or to the
/// whole list. Those of the same division know no one of this run, and may be on other machines.
#[derive(Debug, Default)]
pub struct Siblings {
    stamps: Vec<Stamp>,
    known: Recovered,
    /// The first of them that has someone of this run whose outcome is unknown.
    pub unknown: Option<PathBuf>,
}

/// The run that reads its siblings.
#[derive(Debug, Clone, Copy)]
pub struct OwnRun<'a> {
    pub journal: &'a Path,
    pub shard: Option<Shard>,
    pub service: &'a str,
    pub url: &'a str,
}

impl Siblings {
    /// Reads them. `runs` are those of the run's own journal.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when one is being written, [`JournalError::ShardsMissing`] when there are journals of a
    /// division without the rest of it, and what keeps one from being read.
    pub fn read(own: OwnRun<'_>, runs: &[RunRecord]) -> Result<Self, JournalError> {
        let mut found = Self { stamps: stamps(own)?, ..Self::default() };
        let mut present: BTreeSet<Shard> = runs.iter().filter_map(|run| run.shard).collect();
        for (path, ..) in &found.stamps {
            let recovered = take_snapshot(path)?.recovered;
            if let Some(run) = recovered.runs.iter().find(|run| !run.is_to(own.service, own.url)) {
                return Err(JournalError::OtherTarget { path: path.clone(), url: run.url.clone() });
            }
            present.extend(split_name(path).1);
            present.extend(recovered.runs.iter().filter_map(|run| run.shard));
            let is_own = |key: RowKey| own.shard.is_none_or(|shard| shard.contains(key.shard_bits()));
            let mut people = recovered.states.into_iter().filter(|(key, _)| is_own(*key)).peekable();
            if people.peek().is_some() {
                found.known.include_accepted(recovered.accepted);
            }
            for (key, state) in people {
                if state.effective() == Outcome::Unknown && found.unknown.is_none() {
                    found.unknown = Some(path.clone());
                }
                found.known.join(key, state);
            }
        }
        let divisions: BTreeSet<Shard> = found.stamps.iter().filter_map(|(path, ..)| split_name(path).1).collect();
        let missing = missing(&divisions, &present);
        if missing.is_empty() {
            return Ok(found);
        }
        Err(JournalError::ShardsMissing { folder: folder_of(own.journal).to_owned(), missing })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.stamps.is_empty()
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.stamps.iter().map(|(path, ..)| path.as_path())
    }

    /// Adds what they know to what the run's own journal does.
    pub fn add_to(&self, known: &mut Recovered) {
        known.include_accepted(self.known.accepted);
        for (key, state) in &self.known.states {
            known.join(*key, *state);
        }
    }

    /// Whether they are still what they were when they were read, and none is being written. Asked when the run's own
    /// journal is locked: of two runs with different divisions that begin at the same time, each then sees the other.
    pub fn check_unchanged(&self, own: OwnRun<'_>) -> Result<(), JournalError> {
        let now = stamps(own)?;
        match now.iter().find(|stamp| !self.stamps.contains(stamp)) {
            Some((path, ..)) => Err(JournalError::Changed { path: path.clone() }),
            None if now.len() != self.stamps.len() => Err(JournalError::Changed { path: own.journal.to_owned() }),
            None => Ok(()),
        }
    }
}

/// The siblings of another division.
fn stamps(own: OwnRun<'_>) -> Result<Vec<Stamp>, JournalError> {
    let (whole, _) = split_name(own.journal);
    let own_name = own.journal.file_name();
    let division = own.shard.map(Shard::count);
    let is_other = |path: &Path| {
        let (name, shard) = split_name(path);
        name == whole && path.file_name() != own_name && (shard.is_none() || shard.map(Shard::count) != division)
    };
    let stamp = |path: PathBuf| {
        let file = open_to_read(&path)?;
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Err(JournalError::Locked { path });
        }
        let metadata = file.metadata().ok();
        let length = metadata.as_ref().map_or(0, Metadata::len);
        Ok((path, length, metadata.and_then(|metadata| metadata.modified().ok())))
    };
    files_in(folder_of(own.journal), is_other)?.into_iter().map(stamp).collect()
}

/// The shards of each division that are not present.
fn missing(divisions: &BTreeSet<Shard>, present: &BTreeSet<Shard>) -> Vec<Shard> {
    let counts: BTreeSet<NonZeroU16> = divisions.iter().map(|shard| shard.count()).collect();
    let all = |count: NonZeroU16| (1..=count.get()).filter_map(move |number| Shard::new(number, count));
    counts.into_iter().flat_map(all).filter(|shard| !present.contains(shard)).collect()
}

impl Recovered {
    /// Adds what another journal knows of someone: accepted wins over unknown, that over rejected, that over not sent.
    fn join(&mut self, key: RowKey, state: RowState) {
        let joined = self.states.entry(key).or_insert(state);
        if state.weight() > joined.weight() {
            *joined = state;
        }
    }

    fn include_accepted(&mut self, other: Option<(Timestamp, Timestamp)>) {
        self.accepted = match (self.accepted, other) {
            (Some((first, last)), Some((other_first, other_last))) => {
                Some((first.min(other_first), last.max(other_last)))
            }
            (one, other) => one.or(other),
        };
    }
}

impl RowState {
    /// What counts where journals differ. A row that is due counts like one that was not sent.
    const fn weight(self) -> u8 {
        match self.effective() {
            Outcome::Accepted => 4,
            Outcome::Unknown => 3,
            Outcome::Rejected if matches!(self, Self::Rejected { due: true, .. }) => 1,
            Outcome::Rejected => 2,
            Outcome::NotSent => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(text: &str) -> Shard {
        text.parse().unwrap()
    }

    #[test]
    fn a_division_is_whole_or_its_missing_shards_are_named() {
        let set = |texts: &[&str]| texts.iter().map(|text| shard(text)).collect::<BTreeSet<Shard>>();
        let missing = |named: &[&str], present: &[&str]| {
            let all = missing(&set(named), &set(present));
            all.iter().map(Shard::to_string).collect::<Vec<_>>()
        };
        assert_eq!(missing(&[], &["1/4"]), Vec::<String>::new());
        assert_eq!(missing(&["1/2"], &["1/2", "2/2"]), Vec::<String>::new());
        assert_eq!(missing(&["1/2", "3/4"], &["1/2", "3/4", "1/4"]), ["2/2", "2/4", "4/4"]);
    }
}

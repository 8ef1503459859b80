//! The journals of one list that is sent in shards. Each shard writes a journal of its own; what those of another division
//! of the list know is read before a run sends, so that no one is planned again when the number of shards changes.

use std::collections::BTreeSet;
use std::fs::{Metadata, TryLockError};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JournalError;
use super::file::{folder_of, open_to_read};
use super::join::Joined;
use super::key::RowKey;
use super::path::{files_in, split_name};
use super::run_record::Part;
use super::scan::first_run;
use super::state::{Recovered, RowState};
use crate::api::outcome::Outcome;
use crate::settings::bulk::Shard;

/// A journal with its length and the time of its last change.
type Stamp = (PathBuf, u64, Option<SystemTime>);

/// What the journals of the same list know that belong to another division of it: to another number of shards, or to the
/// whole list. Those of the same division know no one of this run, and may be on other machines. What has the name of such
/// a one, and is of the whole list, may know someone.
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
    /// Reads them together with the run's own journal: a decision of an operator counts wherever it was written down.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when one is being written, [`JournalError::ShardsMissing`] when there are journals of a
    /// division without the rest of it, and what keeps one from being read.
    pub fn read(own: OwnRun<'_>) -> Result<Self, JournalError> {
        let stamps = stamps(own)?;
        if stamps.is_empty() {
            return Ok(Self::default());
        }
        let joined = join(own, &stamps)?;
        let own_count = own.shard.map(Shard::count);
        let named = stamps.iter().filter_map(|(path, ..)| split_name(path).1);
        let divisions: BTreeSet<Shard> = named.filter(|shard| Some(shard.count()) != own_count).collect();
        let recorded = joined.runs.iter().filter_map(|run| run.record.shard);
        let present = divisions.iter().copied().chain(recorded).collect();
        let missing = missing(&divisions, &present);
        if !missing.is_empty() {
            return Err(JournalError::ShardsMissing { folder: folder_of(own.journal).to_owned(), missing });
        }
        let is_own = |key: RowKey| own.shard.is_none_or(|shard| shard.contains(key.shard_bits()));
        let mut found = Self { stamps, ..Self::default() };
        for (key, state, path) in joined.states().filter(|(key, ..)| is_own(*key)) {
            if state.effective() == Outcome::Unknown && found.unknown.is_none() {
                found.unknown = Some(path.to_owned());
            }
            if let RowState::Accepted { at } = state {
                let (first, last) = found.known.accepted.unwrap_or((at, at));
                found.known.accepted = Some((first.min(at), last.max(at)));
            }
            found.known.states.insert(key, state);
        }
        Ok(found)
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.stamps.iter().map(|(path, ..)| path.as_path())
    }

    /// Adds what they know to what the run's own journal does by itself.
    pub fn add_to(&self, known: &mut Recovered) {
        known.accepted = self.known.accepted.or(known.accepted);
        known.states.extend(self.known.states.iter().map(|(key, state)| (*key, *state)));
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

/// What the siblings and the run's own journal know.
fn join(own: OwnRun<'_>, siblings: &[Stamp]) -> Result<Joined, JournalError> {
    let mut joined = Joined::default();
    for path in siblings.iter().map(|(path, ..)| path.as_path()).chain([own.journal]) {
        let file = match open_to_read(path) {
            Err(JournalError::Missing { .. }) if path == own.journal => continue,
            opened => opened?,
        };
        joined.add(path, file)?;
        if let Some(other) = joined.runs.iter().find(|run| !run.record.is_to(own.service, own.url)) {
            return Err(JournalError::OtherTarget { path: path.to_owned(), url: other.record.url.clone() });
        }
    }
    Ok(joined)
}

/// The siblings of another division.
fn stamps(own: OwnRun<'_>) -> Result<Vec<Stamp>, JournalError> {
    let (whole, _) = split_name(own.journal);
    let own_name = own.journal.file_name();
    let division = own.shard.map(Shard::count);
    let is_other = |path: &Path| {
        let (name, shard) = split_name(path);
        let is_of_division = || shard.is_some() && shard.map(Shard::count) == division && begins_as(path, shard);
        name == whole && path.file_name() != own_name && !is_of_division()
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

/// Whether a journal was begun by a run of the shard that its name says: `--journal` may name any file for a whole list,
/// and a journal may be renamed. One that no run has begun yet knows no one.
fn begins_as(path: &Path, shard: Option<Shard>) -> bool {
    first_run(path).is_none_or(|run| run.part == Part::Own && run.shard == shard)
}

/// The shards of each division that are not present.
pub(super) fn missing(divisions: &BTreeSet<Shard>, present: &BTreeSet<Shard>) -> Vec<Shard> {
    let counts: BTreeSet<NonZeroU16> = divisions.iter().map(|shard| shard.count()).collect();
    let all = |count: NonZeroU16| (1..=count.get()).filter_map(move |number| Shard::new(number, count));
    counts.into_iter().flat_map(all).filter(|shard| !present.contains(shard)).collect()
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

//! Reads other journals before a run sends, to find people on its list who are already known.
//!
//! The same list: each shard has its own journal. If the list was divided into another number of shards before, those
//! journals are read, so changing the number of shards mails no one again.
//!
//! Other lists: all journals of the same service in a folder are read, so copying or renaming a list, or reading it
//! from standard input, mails no one again.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JournalError;
use super::file::{folder_of, open_locked_shared, open_to_read};
use super::index::people_in;
use super::key::{KeyMap, RowKey};
use super::merged::MergedJournals;
use super::path::{are_siblings, files_in, journals_in, split_name};
use super::run_record::Part;
use super::scan::{Recovered, first_run};
use crate::api::outcome::Outcome;
use crate::settings::bulk::Shard;

/// A journal, with its length and the time of its last change.
type JournalStamp = (PathBuf, u64, Option<SystemTime>);

fn stamp(path: PathBuf, metadata: Option<Metadata>) -> JournalStamp {
    let length = metadata.as_ref().map_or(0, Metadata::len);
    (path, length, metadata.and_then(|metadata| metadata.modified().ok()))
}

/// What other journals of this list contain, if the list was divided into another number of shards or not at all.
///
/// Shards of the same division are not read: they contain no person of this run, and may be on other machines. A file
/// that is named like one but was not begun by that shard is read.
#[derive(Debug, Default)]
pub struct Siblings {
    stamps: Vec<JournalStamp>,
    known: Recovered,
    /// The first journal with a person of this run whose outcome is unknown.
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
    /// Merges them with the run's own journal, so that a resolution counts whichever of them contains it.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when a run writes to one of them, [`JournalError::ShardsMissing`] when a division is
    /// incomplete, and the errors of reading them.
    pub fn read(own: OwnRun<'_>) -> Result<Self, JournalError> {
        let stamps = stamps_of_siblings(own)?;
        if stamps.is_empty() {
            return Ok(Self::default());
        }
        let merged = merge(own, &stamps)?;
        let own_count = own.shard.map(Shard::count);
        let named = stamps.iter().filter_map(|(path, ..)| split_name(path).1);
        let divisions: BTreeSet<Shard> = named.filter(|shard| Some(shard.count()) != own_count).collect();
        let recorded = merged.runs.iter().filter_map(|run| run.record.shard);
        let present = divisions.iter().copied().chain(recorded).collect();
        let missing = missing_shards(&divisions, &present);
        if !missing.is_empty() {
            return Err(JournalError::ShardsMissing { folder: folder_of(own.journal).to_owned(), missing });
        }
        let is_in_shard = |key: RowKey| own.shard.is_none_or(|shard| shard.contains(key.shard_bits()));
        let mut found = Self { stamps, ..Self::default() };
        for (key, state, path) in merged.states().filter(|(key, ..)| is_in_shard(*key)) {
            if state.effective() == Outcome::Unknown && found.unknown.is_none() {
                found.unknown = Some(path.to_owned());
            }
            found.known.note_time(state);
            found.known.states.insert(key, state);
        }
        Ok(found)
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.stamps.iter().map(|(path, ..)| path.as_path())
    }

    /// Adds their states to those of the run's own journal.
    pub fn add_to(&self, known: &mut Recovered) {
        known.accepted = self.known.accepted.or(known.accepted);
        known.states.extend(self.known.states.iter().map(|(key, state)| (*key, *state)));
    }

    /// Checks that they have not changed since they were read, and that no run writes to them. Call it when the run's
    /// own journal is locked: then, of two runs with different divisions that begin at the same time, each sees the
    /// other.
    pub fn check_unchanged(&self, own: OwnRun<'_>) -> Result<(), JournalError> {
        let now = stamps_of_siblings(own)?;
        match now.iter().find(|stamp| !self.stamps.contains(stamp)) {
            Some((path, ..)) => Err(JournalError::Changed { path: path.clone() }),
            None if now.len() != self.stamps.len() => Err(JournalError::Changed { path: own.journal.to_owned() }),
            None => Ok(()),
        }
    }
}

/// Merges the siblings and the run's own journal.
fn merge(own: OwnRun<'_>, siblings: &[JournalStamp]) -> Result<MergedJournals, JournalError> {
    let mut merged = MergedJournals::default();
    for path in siblings.iter().map(|(path, ..)| path.as_path()).chain([own.journal]) {
        let file = match open_to_read(path) {
            Err(JournalError::Missing { .. }) if path == own.journal => continue,
            opened => opened?,
        };
        merged.add(path, file)?;
        if let Some(other) = merged.runs.iter().find(|run| !run.record.is_to(own.service, own.url)) {
            return Err(JournalError::OtherTarget { path: path.to_owned(), url: other.record.url.clone() });
        }
    }
    Ok(merged)
}

/// The journals of this list that are of another division.
fn stamps_of_siblings(own: OwnRun<'_>) -> Result<Vec<JournalStamp>, JournalError> {
    let (whole, _) = split_name(own.journal);
    let own_name = own.journal.file_name();
    let division = own.shard.map(Shard::count);
    let is_other = |path: &Path| {
        let (name, shard) = split_name(path);
        // With `--journal`, the journal of a whole list may have any name, and a journal may be renamed. So its first
        // run decides. A journal without a run contains no one.
        let begins_as_named = || first_run(path).is_none_or(|run| run.part == Part::Own && run.shard == shard);
        let is_of_division = || shard.is_some() && shard.map(Shard::count) == division && begins_as_named();
        name == whole && path.file_name() != own_name && !is_of_division()
    };
    let stamp_of = |path: PathBuf| {
        let metadata = open_locked_shared(&path)?.metadata().ok();
        Ok(stamp(path, metadata))
    };
    files_in(folder_of(own.journal), is_other)?.into_iter().map(stamp_of).collect()
}

/// The shards of these divisions that are not present.
pub(super) fn missing_shards(divisions: &BTreeSet<Shard>, present: &BTreeSet<Shard>) -> Vec<Shard> {
    let counts: BTreeSet<NonZeroU16> = divisions.iter().map(|shard| shard.count()).collect();
    let all = |count: NonZeroU16| (1..=count.get()).filter_map(move |number| Shard::new(number, count));
    counts.into_iter().flat_map(all).filter(|shard| !present.contains(shard)).collect()
}

/// Another list that knows people of this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownList {
    pub journal: PathBuf,
    /// The list as its journal names it: a path or `-`.
    pub list: Option<String>,
    /// When the last person on it was accepted, or its last run began: RFC 3339.
    pub at: Option<String>,
    /// How many people of this run are accepted by it, and not counted for another list.
    pub accepted: u64,
    /// The same for people who are unknown there.
    pub unknown: u64,
}

/// The people of this run who are known from other lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownElsewhere {
    /// Their indexes in the list, in its order, and their outcomes.
    pub rows: Vec<(u32, Outcome)>,
    /// The lists that know them.
    pub lists: Vec<KnownList>,
    /// Journals that could not be read completely, and why: they may contain more people of this run.
    pub unread: Vec<(PathBuf, String)>,
    /// The journals of the folder, at the time when they were read.
    stamps: Vec<JournalStamp>,
}

/// The run's own journal, which a search for known people leaves out.
#[derive(Debug, Clone, Copy)]
pub struct OwnJournal<'a> {
    pub journal: &'a Path,
    /// Whether the journals that `--fresh` has set aside for it are left out as well. If it is empty, they are not:
    /// perhaps nothing was sent after the last one was set aside.
    pub replaces_set_aside: bool,
}

impl KnownElsewhere {
    /// How many people are accepted, and how many are unknown.
    pub fn counts(&self) -> (u64, u64) {
        let sum = |of: fn(&KnownList) -> u64| self.lists.iter().map(of).sum();
        (sum(|list| list.accepted), sum(|list| list.unknown))
    }

    /// The outcome of the row with this index, if it is known.
    pub fn of(&self, index: u32) -> Option<Outcome> {
        let found = self.rows.binary_search_by_key(&index, |(index, _)| *index);
        found.ok().map(|at| self.rows[at].1)
    }

    /// Searches all journals of a folder except the run's own.
    ///
    /// `people` returns the indexes and keys of everyone who would be mailed; there are at least `count`. It is called
    /// only if there is a journal to search, because hashing a million people takes time.
    pub fn search<P: Iterator<Item = (u32, RowKey)>>(
        folder: &Path,
        own: OwnJournal<'_>,
        service: &str,
        count: usize,
        people: impl FnOnce() -> P,
    ) -> Result<Self, JournalError> {
        let mut known = Self { stamps: stamps_of_others(folder, own)?, ..Self::default() };
        if known.stamps.is_empty() {
            return Ok(known);
        }
        // The final size at once: a table that grows needs memory for its old and its new copy.
        let mut wanted = KeyMap::default();
        wanted.reserve(count);
        wanted.extend(people().map(|(index, key)| (key, SearchedPerson { index, last_list: None, best: None })));
        for (path, ..) in known.stamps.clone() {
            known.read_journal(path, service, &mut wanted);
        }
        for SearchedPerson { index, best, .. } in wanted.into_values() {
            if let Some((list, outcome)) = best {
                let list = &mut known.lists[usize::from(list)];
                *if outcome == Outcome::Accepted { &mut list.accepted } else { &mut list.unknown } += 1;
                known.rows.push((index, outcome));
            }
        }
        known.rows.sort_unstable_by_key(|(index, _)| *index);
        known.lists.retain(|list| list.accepted + list.unknown > 0);
        Ok(known)
    }

    /// Whether the journals of the folder have not changed since they were read.
    pub fn is_current(&self, folder: &Path, own: OwnJournal<'_>) -> Result<bool, JournalError> {
        Ok(stamps_of_others(folder, own)? == self.stamps)
    }

    /// The journals of the folder, and their lengths when they were read.
    pub fn lengths(&self) -> impl Iterator<Item = (PathBuf, u64)> + '_ {
        self.stamps.iter().map(|(path, length, _)| (path.clone(), *length))
    }

    fn read_journal(&mut self, path: PathBuf, service: &str, wanted: &mut KeyMap<SearchedPerson>) {
        let contents = match people_in(&path) {
            Ok(contents) => contents,
            Err(error) => return self.unread.push((path, error.to_string())),
        };
        let is_nameless = contents.is_damaged && contents.service.is_empty();
        if contents.service != service && !is_nameless {
            return;
        }
        if contents.is_damaged {
            self.unread.push((path.clone(), "some of its lines are damaged".to_owned()));
        }
        let Ok(list) = u16::try_from(self.lists.len()) else {
            return self.unread.push((path, "there are too many journals".to_owned()));
        };
        // The last record in a journal decides. Of several journals, accepted counts over any other outcome.
        for (key, outcome) in contents.people().rev() {
            if let Some(found) = wanted.get_mut(&key)
                && found.last_list.replace(list) != Some(list)
                && found.best.is_none_or(|(_, best)| best != Outcome::Accepted && outcome == Some(Outcome::Accepted))
            {
                found.best = outcome.map(|outcome| (list, outcome));
            }
        }
        let at = contents.at().map(|at| at.to_string());
        self.lists.push(KnownList { journal: path, list: contents.list, at, accepted: 0, unknown: 0 });
    }
}

/// The journals of a folder, without the run's own.
fn stamps_of_others(folder: &Path, own: OwnJournal<'_>) -> Result<Vec<JournalStamp>, JournalError> {
    let others = journals_in(folder)?.into_iter().filter(|path| !is_left_out(path, own));
    let stamped = others.map(|path| {
        let metadata = path.symlink_metadata().ok();
        stamp(path, metadata)
    });
    Ok(stamped.collect())
}

/// Whether a journal is left out of the search: it is the run's own, of another shard of its list, or was set aside by
/// `--fresh`. [`Siblings`] reads the other shards, and a user who asks for a new journal knows the old one.
pub(super) fn is_left_out(path: &Path, own: OwnJournal<'_>) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (Some(name), Some(stem)) = (name(path), own.journal.file_stem()) else {
        return false;
    };
    path == own.journal
        || are_siblings(path, own.journal)
        || own.replaces_set_aside
            && path.parent() == own.journal.parent()
            && name.starts_with(&format!("{}.until-", stem.to_string_lossy()))
}

/// A person of this run, and what other lists know about them.
#[derive(Debug, Clone, Copy)]
struct SearchedPerson {
    /// The index of the row.
    index: u32,
    /// The last list that contained the person.
    last_list: Option<u16>,
    /// The list that counts, and the outcome there.
    best: Option<(u16, Outcome)>,
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
            let all = missing_shards(&set(named), &set(present));
            all.iter().map(Shard::to_string).collect::<Vec<_>>()
        };
        assert_eq!(missing(&[], &["1/4"]), Vec::<String>::new());
        assert_eq!(missing(&["1/2"], &["1/2", "2/2"]), Vec::<String>::new());
        assert_eq!(missing(&["1/2", "3/4"], &["1/2", "3/4", "1/4"]), ["2/2", "2/4", "4/4"]);
    }

    use crate::bulk::journal::{Author, ConcurrentRuns, End, Intent, Person, RunHeader, SingleSend, key};

    /// A send to one person, recorded in a journal.
    fn send(journal: &Path, outcome: Outcome) {
        let header = RunHeader {
            url: "https://x.example/".to_owned(),
            service: "x.example:443".to_owned(),
            tenant: None,
            cname: "c".to_owned(),
            list: "/list".to_owned(),
            input_sha256: String::new(),
            rows: 1,
            shard: None,
            author: Author::default(),
        };
        let person = Person { key: ada(), email: "ada@x.de", cname: "c" };
        let intent = Intent { person, row: 1, attempt: 1 };
        let mut send = SingleSend::begin(journal, &header, &intent, |_| true).unwrap();
        send.conclude(&person, &End { attempt: 1, outcome, status: None, due: false }).unwrap();
    }

    fn ada() -> RowKey {
        key("x.example:443", "c", "ada@x.de")
    }

    #[test]
    fn a_person_who_was_accepted_on_one_list_and_rejected_on_another_is_claimed() {
        for (first, second, claimed) in [
            (Outcome::Accepted, Outcome::Rejected, true),
            (Outcome::Rejected, Outcome::Unknown, true),
            (Outcome::Rejected, Outcome::NotSent, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let runs = ConcurrentRuns::new(folder.path(), &at("own.ndjson"), std::iter::empty());
            send(&at("a.ndjson"), first);
            send(&at("b.ndjson"), second);
            assert_eq!(runs.have_claimed(ada()), claimed, "{first:?}, then {second:?}");
        }
    }
}

//! What other journals know of the people on a list; they are read before a run sends.
//!
//! Of the same list: each shard writes a journal of its own. What those of another division of the list know is read, so
//! that no one is planned again when the number of shards changes.
//!
//! Of other lists: every journal of the same service in a folder is read, so that a list that was copied, renamed or read
//! in another way does not mail anyone again.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JournalError;
use super::file::{folder_of, open_to_read, open_unwritten};
use super::index::people_in;
use super::key::{KeyMap, RowKey};
use super::merged::MergedJournals;
use super::path::{are_siblings, files_in, journals_in, split_name};
use super::run_record::Part;
use super::scan::{Recovered, first_run};
use crate::api::outcome::Outcome;
use crate::settings::bulk::Shard;

/// A journal with its length and the time of its last change.
type Stamp = (PathBuf, u64, Option<SystemTime>);

fn stamp(path: PathBuf, metadata: Option<Metadata>) -> Stamp {
    let length = metadata.as_ref().map_or(0, Metadata::len);
    (path, length, metadata.and_then(|metadata| metadata.modified().ok()))
}

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
        let missing = missing(&divisions, &present);
        if !missing.is_empty() {
            return Err(JournalError::ShardsMissing { folder: folder_of(own.journal).to_owned(), missing });
        }
        let is_own = |key: RowKey| own.shard.is_none_or(|shard| shard.contains(key.shard_bits()));
        let mut found = Self { stamps, ..Self::default() };
        for (key, state, path) in merged.states().filter(|(key, ..)| is_own(*key)) {
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

    /// Adds what they know to what the run's own journal does by itself.
    pub fn add_to(&self, known: &mut Recovered) {
        known.accepted = self.known.accepted.or(known.accepted);
        known.states.extend(self.known.states.iter().map(|(key, state)| (*key, *state)));
    }

    /// Whether they are still what they were when they were read, and none is being written. Asked when the run's own
    /// journal is locked: of two runs with different divisions that begin at the same time, each then sees the other.
    pub fn check_unchanged(&self, own: OwnRun<'_>) -> Result<(), JournalError> {
        let now = stamps_of_siblings(own)?;
        match now.iter().find(|stamp| !self.stamps.contains(stamp)) {
            Some((path, ..)) => Err(JournalError::Changed { path: path.clone() }),
            None if now.len() != self.stamps.len() => Err(JournalError::Changed { path: own.journal.to_owned() }),
            None => Ok(()),
        }
    }
}

/// What the siblings and the run's own journal know.
fn merge(own: OwnRun<'_>, siblings: &[Stamp]) -> Result<MergedJournals, JournalError> {
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

/// The siblings of another division.
fn stamps_of_siblings(own: OwnRun<'_>) -> Result<Vec<Stamp>, JournalError> {
    let (whole, _) = split_name(own.journal);
    let own_name = own.journal.file_name();
    let division = own.shard.map(Shard::count);
    let is_other = |path: &Path| {
        let (name, shard) = split_name(path);
        // `--journal` may name any file for a whole list, and a journal may be renamed: its first run says what it is of. One
        // that no run has begun yet knows no one.
        let begins_as_named = || first_run(path).is_none_or(|run| run.part == Part::Own && run.shard == shard);
        let is_of_division = || shard.is_some() && shard.map(Shard::count) == division && begins_as_named();
        name == whole && path.file_name() != own_name && !is_of_division()
    };
    let stamp_of = |path: PathBuf| {
        let metadata = open_unwritten(&path)?.metadata().ok();
        Ok(stamp(path, metadata))
    };
    files_in(folder_of(own.journal), is_other)?.into_iter().map(stamp_of).collect()
}

/// The shards of each division that are not present.
pub(super) fn missing(divisions: &BTreeSet<Shard>, present: &BTreeSet<Shard>) -> Vec<Shard> {
    let counts: BTreeSet<NonZeroU16> = divisions.iter().map(|shard| shard.count()).collect();
    let all = |count: NonZeroU16| (1..=count.get()).filter_map(move |number| Shard::new(number, count));
    counts.into_iter().flat_map(all).filter(|shard| !present.contains(shard)).collect()
}

/// A list on which people are known, with how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownList {
    pub journal: PathBuf,
    /// The list as its journal names it: a path or `-`.
    pub list: Option<String>,
    /// When the last person on it was accepted, or its last run began: RFC 3339.
    pub at: Option<String>,
    /// How many people of this run have their final state from it.
    pub accepted: u64,
    /// The same for those that are unknown there.
    pub unknown: u64,
}

/// Who is known from other lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownElsewhere {
    /// Their places in the list, in its order, and as what they are known.
    pub rows: Vec<(u32, Outcome)>,
    /// The lists that know someone.
    pub lists: Vec<KnownList>,
    /// Journals that could not be read completely; someone in them may be missed.
    pub unread: Vec<(PathBuf, String)>,
    /// The journals of the folder as they were when they were read.
    stamps: Vec<Stamp>,
}

/// The journal of a run.
#[derive(Debug, Clone, Copy)]
pub struct OwnJournal<'a> {
    pub journal: &'a Path,
    /// Whether it replaces those that `--fresh` has set aside for it. One that is empty does not: perhaps nothing was sent
    /// after the old one was set aside.
    pub replaces_set_aside: bool,
}

impl KnownElsewhere {
    /// How many are accepted, and how many unknown.
    pub fn counts(&self) -> (u64, u64) {
        let sum = |of: fn(&KnownList) -> u64| self.lists.iter().map(of).sum();
        (sum(|list| list.accepted), sum(|list| list.unknown))
    }

    /// What is known of the row at a place.
    pub fn of(&self, index: u32) -> Option<Outcome> {
        let found = self.rows.binary_search_by_key(&index, |(index, _)| *index);
        found.ok().map(|at| self.rows[at].1)
    }

    /// Searches all journals of a folder except that of this run.
    ///
    /// `people` are the places and keys of those who would be mailed, `count` how many at least. They are computed only
    /// when there is a journal to search: hashing a million people takes time.
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
        // With its final size, if that is known: a table that grows exists twice while it is copied.
        let mut wanted = KeyMap::default();
        wanted.reserve(count);
        wanted.extend(people().map(|(index, key)| (key, SearchedPerson { index, seen: None, best: None })));
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

    /// Whether the journals of the folder are still what they were when they were read.
    pub fn is_current(&self, folder: &Path, own: OwnJournal<'_>) -> Result<bool, JournalError> {
        Ok(stamps_of_others(folder, own)? == self.stamps)
    }

    /// The journals of the folder, and how long they were when they were read.
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
        // The last record of a list decides, and accepted on one list is accepted, whatever another list has.
        for (key, outcome) in contents.people().rev() {
            if let Some(found) = wanted.get_mut(&key)
                && found.seen.replace(list) != Some(list)
                && found.best.is_none_or(|(_, best)| best != Outcome::Accepted && outcome == Some(Outcome::Accepted))
            {
                found.best = outcome.map(|outcome| (list, outcome));
            }
        }
        let at = contents.at().map(|at| at.to_string());
        self.lists.push(KnownList { journal: path, list: contents.list, at, accepted: 0, unknown: 0 });
    }
}

/// The journals of a folder but the one of this run.
fn stamps_of_others(folder: &Path, own: OwnJournal<'_>) -> Result<Vec<Stamp>, JournalError> {
    let others = journals_in(folder)?.into_iter().filter(|path| !is_own(path, own));
    let stamped = others.map(|path| {
        let metadata = path.symlink_metadata().ok();
        stamp(path, metadata)
    });
    Ok(stamped.collect())
}

/// Whether a journal is that of this run, one of another shard of its list, or one that this list's `--fresh` has set aside: a
/// user who asks for a new journal knows of the old one. Those of other shards were read with the run's own.
pub(super) fn is_own(path: &Path, own: OwnJournal<'_>) -> bool {
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

/// What the lists know of a person of this run.
#[derive(Debug, Clone, Copy)]
struct SearchedPerson {
    /// The place of the row.
    index: u32,
    /// The last list that has the person.
    seen: Option<u16>,
    /// The list that counts, and as what the person is known there.
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
            let all = missing(&set(named), &set(present));
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

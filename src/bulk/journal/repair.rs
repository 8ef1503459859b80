//! Makes a damaged journal usable again. Valid lines stay as they are. Each person who may be on a damaged line becomes
//! unknown, because that line may have been the intent of a request that was sent.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::file::LockedJournal;
use super::key::{RowKey, key, key_of_version_1};
use super::open::{DAMAGED, replace};
use super::record::{self, End, Intent, LINE_MAX, ListedPerson, Person, Record, RowState, RunHeader, without_zeros};
use super::run_record::{Part, RunRecord};
use super::scan::{KeyTranslation, Line, Lines, read_valid};
use crate::api::outcome::Outcome;

/// What a repair changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    pub kept: u64,
    /// The numbers of the damaged lines, which were removed.
    pub damaged: Vec<u64>,
    /// The damaged lines that do not show which person they are about.
    pub unreadable: Vec<u64>,
    /// The numbers of valid lines about people who are neither on the list nor named in the journal. They were removed,
    /// too.
    pub nameless: Vec<u64>,
    /// The people who became unknown, in the order of the list.
    pub unknown: Vec<ListedPerson>,
    pub old: PathBuf,
}

/// A damaged journal, locked.
pub struct DamagedJournal {
    journal: LockedJournal,
    valid: Vec<ValidLine>,
    damaged: Vec<DamagedText>,
}

struct ValidLine {
    number: u64,
    text: String,
    record: Record,
}

impl ValidLine {
    /// The person with address and cname, if the line has them.
    fn named(&self) -> Option<ListedPerson> {
        serde_json::from_str(&self.text).ok()
    }

    fn run(&self) -> Option<&RunRecord> {
        if let Record::Run(run) = &self.record { Some(run) } else { None }
    }

    fn is_intent(&self) -> bool {
        matches!(self.record, Record::Row { state: RowState::Intended { .. }, .. })
    }
}

struct DamagedText {
    number: u64,
    /// At most [`LINE_MAX`] bytes of it.
    text: Vec<u8>,
    /// Whether that is the whole line.
    is_whole: bool,
}

impl DamagedJournal {
    /// Locks and reads a journal. Returns `None` if it is not damaged.
    ///
    /// # Errors
    /// [`JournalError`] when it is missing, not a journal, used by a run, or cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, JournalError> {
        let locked = LockedJournal::open(path, false)?;
        match read_valid(&locked.file, path) {
            Err(JournalError::Damaged { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(None),
        }
        let mut journal = Self { journal: locked, valid: Vec::new(), damaged: Vec::new() };
        journal.read().map_err(JournalError::reading(path))?;
        Ok(Some(journal))
    }

    fn read(&mut self) -> io::Result<()> {
        let mut lines = Lines::of_file(&self.journal.file, 0)?;
        let mut number = 0;
        while let Some(line) = lines.advance()? {
            number += 1;
            let is_whole = line.length <= LINE_MAX as u64;
            match (record::read(&lines.text), str::from_utf8(&lines.text)) {
                (Ok(record), Ok(text)) if is_whole => {
                    self.valid.push(ValidLine { number, text: text.to_owned(), record });
                }
                _ if is_unfinished_tail(&line, &lines.text) => {}
                _ => self.damaged.push(DamagedText { number, text: lines.text.clone(), is_whole }),
            }
        }
        Ok(())
    }

    /// The last run that can be read.
    pub fn last_run(&self) -> Option<&RunRecord> {
        self.valid.iter().rev().find_map(ValidLine::run)
    }

    /// Removes the people of other shards, who cannot be on a line of this journal.
    pub fn retain_own(&self, people: &mut Vec<ListedPerson>) {
        if let Some((shard, service)) = self.last_run().and_then(|run| Some((run.own_shard()?, &run.service))) {
            people.retain(|person| shard.contains(key(service, &person.cname, &person.email).shard_bits()));
        }
    }

    /// The cname of any intent. For a journal of version 1, whose runs do not have the cname of rows without one.
    pub fn some_cname(&self) -> Option<String> {
        self.valid.iter().filter(|line| line.is_intent()).find_map(|line| Some(line.named()?.cname))
    }

    /// Replaces the damaged journal by a repaired one, and keeps it under another name. `people` is everyone on the
    /// list; `header` makes the record of a run if no such record is left.
    ///
    /// # Errors
    /// [`JournalError`] when the new journal cannot be written. The damaged one is unchanged then.
    pub fn repair(self, header: &RunHeader, people: &[ListedPerson]) -> Result<Repaired, JournalError> {
        let mut rebuilt = Rebuilt::new(header, people);
        rebuilt.begin(&self.head(header));
        let mut above = 0;
        for line in &self.valid {
            // Numbers that are missing between valid lines are those of damaged lines.
            rebuilt.take(line, line.number > above + 1);
            above = line.number;
        }
        rebuilt.make_unknown(&self.damaged);
        let (new, _, old) = replace(&self.journal.path, 0, &rebuilt.text, DAMAGED)?;
        new.unlock();
        self.journal.unlock();
        let damaged = self.damaged.iter().map(|line| line.number).collect();
        Ok(Repaired { damaged, old, ..rebuilt.repaired })
    }

    /// The text before the valid lines, because every journal begins with the record of a run.
    fn head(&self, header: &RunHeader) -> String {
        let first = self.valid.iter().find(|line| line.run().is_some());
        match first {
            Some(line) if Some(line.number) == self.valid.first().map(|line| line.number) => String::new(),
            _ if self.has_old_keys(&header.service) => record::run_of_version_1(&record::new_id(), header),
            Some(line) => format!("{}\n", line.text),
            None => header.record(),
        }
    }

    /// Whether the keys before the first valid run are of version 1. Below a run of version 1, keys of both versions
    /// can be read; below a newer run, only newer keys can.
    fn has_old_keys(&self, service: &str) -> bool {
        let mut headless = self.valid.iter().take_while(|line| line.run().is_none());
        headless.any(|line| match line.record {
            Record::Row { key: own, state: RowState::Intended { .. }, .. } => {
                line.named().is_some_and(|named| own != key(service, &named.cname, &named.email))
            }
            Record::Row { state: RowState::Resolved(_), .. } | Record::Synced { .. } | Record::Run(_) => false,
            Record::Row { .. } => line.named().is_none(),
        })
    }
}

/// Whether a line is the unfinished last line. Nothing was sent because of it.
fn is_unfinished_tail(line: &Line, kept: &[u8]) -> bool {
    let text = without_zeros(kept.trim_ascii_end());
    !line.terminated && line.rest_is_zero && record::whole_record_within(text).is_none()
}

fn person_of(person: &ListedPerson, key: RowKey) -> Person<'_> {
    Person { key, email: &person.email, cname: &person.cname }
}

fn intent_of(person: &ListedPerson, key: RowKey) -> String {
    record::intent(&Intent { person: person_of(person, key), row: person.row, attempt: 1 })
}

/// The text of the repaired journal.
#[derive(Default)]
struct Rebuilt {
    text: String,
    keys: KeyTranslation,
    /// Everyone whose name is known, from the list or from the journal.
    people: HashMap<RowKey, ListedPerson>,
    /// Keys of version 1, with the present keys of the same people.
    old_keys: HashMap<RowKey, RowKey>,
    /// If the requests below the last run are superseded: the record of that run for requests that are not.
    superseded: Option<String>,
    /// Whether the last run is from a merged journal, in which the lines about one request follow each other.
    is_merged: bool,
    /// The person of the last valid line, if that line is an intent.
    intended: Option<RowKey>,
    /// The people with a request without an end in the last run, and without damage after it.
    open: HashSet<RowKey>,
    /// The last valid line about each person: its number and the outcome.
    last: HashMap<RowKey, (u64, Outcome)>,
    repaired: Repaired,
}

impl Rebuilt {
    fn new(RunHeader { url, service, .. }: &RunHeader, people: &[ListedPerson]) -> Self {
        let key_of = |person: &ListedPerson| key(service, &person.cname, &person.email);
        let old_key_of = |person: &ListedPerson| key_of_version_1(url, &person.cname, &person.email);
        Self {
            people: people.iter().map(|person| (key_of(person), person.clone())).collect(),
            old_keys: people.iter().map(|person| (old_key_of(person), key_of(person))).collect(),
            ..Self::default()
        }
    }

    /// Begins with the record of a run, if one is missing there. It decides how the lines below are read.
    fn begin(&mut self, head: &str) {
        self.text.push_str(head);
        let line = head.trim_end().as_bytes();
        if let Ok(mut run) = record::read(line) {
            // This cannot fail for the record of a run.
            let _ = self.keys.translate(&mut run, line);
        }
    }

    /// Whether the journal still has the request that a line is about. An end belongs to a request of its own run. A
    /// resolution is about all requests of the person, but in a merged journal about the request above it.
    fn has_intent(&mut self, state: RowState, key: RowKey, below_damage: bool) -> bool {
        match state {
            RowState::Intended { .. } => true,
            RowState::Resolved(_) => {
                let is_lost = below_damage && self.is_merged && self.intended != Some(key);
                self.last.contains_key(&key) && !is_lost
            }
            _ => self.open.remove(&key),
        }
    }

    /// Adds a valid line. `below_damage` says that the line above it is damaged.
    fn take(&mut self, line: &ValidLine, below_damage: bool) {
        if below_damage {
            // The damaged line may have been the record of another run, whose requests are not superseded, so the
            // requests below count. It may also have been the intent of any end below.
            self.text.extend(self.superseded.take());
            self.open.clear();
        }
        let mut record = line.record.clone();
        if self.keys.translate(&mut record, line.text.as_bytes()).is_err() {
            return;
        }
        let (mut key, state) = match record {
            Record::Row { key, state, .. } => (key, state),
            Record::Run(run) => {
                let text = || record::run_with_part(&line.text, run.part, Part::Merged);
                self.superseded = (run.part == Part::Superseded).then(text);
                (self.is_merged, self.intended) = (run.part != Part::Own, None);
                self.open.clear();
                return self.keep(line);
            }
            // It has an offset of the old file.
            Record::Synced { .. } => return,
        };
        let named = line.named();
        if !self.has_intent(state, key, below_damage) {
            // Its intent is damaged. A new intent is written before it, with the key that the line has.
            let known = self.old_keys.get(&key).copied().unwrap_or(key);
            self.add_person(known, named);
            let Some(person) = self.people.get(&known) else {
                self.repaired.nameless.push(line.number);
                return;
            };
            self.text.push_str(&intent_of(person, key));
            key = known;
        } else if line.is_intent() {
            self.add_person(key, named);
        }
        self.intended = line.is_intent().then_some(key);
        self.open.extend(self.intended);
        self.last.insert(key, (line.number, state.effective()));
        self.keep(line);
    }

    fn add_person(&mut self, key: RowKey, named: Option<ListedPerson>) {
        if let Some(named) = named {
            self.people.entry(key).or_insert(named);
        }
    }

    fn keep(&mut self, line: &ValidLine) {
        self.repaired.kept += 1;
        self.text.push_str(&line.text);
        self.text.push('\n');
    }

    /// Makes each person unknown who may be on a damaged line.
    fn make_unknown(&mut self, damaged: &[DamagedText]) {
        let mut unknown = BTreeSet::new();
        for line in damaged {
            let keys = self.people_on(line).unwrap_or_else(|| {
                self.repaired.unreadable.push(line.number);
                self.people.keys().copied().collect()
            });
            // Not if a later line about the person decides, and not if the person is accepted. A person who is unknown
            // already gets another request, because the earlier one may have been resolved in another journal.
            let may_be_sent = |key: &RowKey| match self.last.get(key) {
                None => true,
                Some((_, Outcome::Accepted)) => false,
                Some((number, _)) => *number < line.number,
            };
            unknown.extend(keys.into_iter().filter(may_be_sent));
        }
        let mut unknown: Vec<(RowKey, ListedPerson)> =
            unknown.into_iter().filter_map(|key| Some((key, self.people.get(&key)?.clone()))).collect();
        unknown.sort_by(|(_, a), (_, b)| (a.row, &a.email).cmp(&(b.row, &b.email)));
        for (key, person) in unknown {
            let end = End { attempt: 1, outcome: Outcome::Unknown, status: None, due: false };
            self.text.push_str(&intent_of(&person, key));
            self.text.push_str(&record::end(&person_of(&person, key), &end));
            if self.last.get(&key).is_none_or(|(_, outcome)| *outcome != Outcome::Unknown) {
                self.repaired.unknown.push(person);
            }
        }
    }

    /// The people on a damaged line, by the keys and addresses that it still shows. Returns nothing if there may be
    /// others.
    fn people_on(&self, line: &DamagedText) -> Option<Vec<RowKey>> {
        let text = str::from_utf8(&line.text).ok()?;
        if !line.is_whole || text.contains('\0') {
            return None;
        }
        if is_about_no_one(text) {
            return Some(Vec::new());
        }
        let (mut found, mut shown) = (Vec::new(), 0);
        // Without its line break, one line has several records.
        for record in text.split("{\"t\":\"").filter(|part| !part.is_empty()) {
            let by_key = field(record, "key").and_then(|digits| digits.parse().ok());
            let by_key: Option<RowKey> = by_key.map(|key| *self.old_keys.get(&key).unwrap_or(&key));
            let by_key = by_key.filter(|key| self.people.contains_key(key));
            let email = field(record, "email").map(str::to_lowercase);
            let by_email = self.people.iter().filter(|(_, person)| Some(person.email.to_lowercase()) == email);
            let before = found.len();
            found.extend(by_key);
            found.extend(by_email.map(|(key, _)| *key));
            shown += usize::from(found.len() > before);
        }
        let records = text.matches("\"crc\":\"").count().max(1);
        (shown >= records).then_some(found)
    }
}

/// Whether a damaged line still shows that it was the record of a run or a `synced`. A few damaged bytes cannot make
/// another record look like one of these.
fn is_about_no_one(text: &str) -> bool {
    let begins = |start: &str| text.starts_with(start) && text.matches("\"crc\":\"").count() <= 1;
    let names_someone = text.contains("\"key\":") || text.contains("\"email\":");
    !names_someone && (begins("{\"t\":\"synced\",\"bytes\":") || begins("{\"v\":"))
}

/// The text of a field, up to the next quote. Escapes are not resolved.
fn field<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = record.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split_once('"')?.0)
}

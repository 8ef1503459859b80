//! Makes a damaged journal usable again. Valid lines are kept as they are. Everyone who may be on a damaged line
//! becomes unknown, because that line may have been the intent of a request that was sent.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::file::{JournalFile, Place};
use super::key::{RowKey, key, key_of_version_1};
use super::open::{DAMAGED, begin, set_aside};
use super::record::{self, End, Intent, LINE_MAX, Named, Person, Record, RunHeader};
use super::run_record::{Part, RunRecord};
use super::scan::{Keys, Line, next_line, read_valid};
use crate::api::outcome::Outcome;

/// Someone on the list, or in the journal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ListedPerson {
    pub row: u64,
    pub email: String,
    pub cname: String,
}

/// What was done to a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    pub kept: u64,
    /// The numbers of the damaged lines, which were taken out.
    pub damaged: Vec<u64>,
    /// Those of them that do not show whom they are about: it may be anyone.
    pub unreadable: Vec<u64>,
    /// The numbers of valid lines about people who are neither on the list nor named in the journal; taken out as well.
    pub nameless: Vec<u64>,
    /// Who is unknown now and was not before, in the order of the list.
    pub unknown: Vec<ListedPerson>,
    pub old: PathBuf,
}

/// A journal that is locked and was found damaged.
pub struct DamagedJournal {
    path: PathBuf,
    place: Place,
    valid: Vec<ValidLine>,
    damaged: Vec<DamagedLine>,
}

struct ValidLine {
    number: u64,
    text: String,
    record: Record,
}

struct DamagedLine {
    number: u64,
    /// As much as a record may be long.
    text: Vec<u8>,
    /// Whether that is all of it.
    is_whole: bool,
}

impl DamagedJournal {
    /// Locks a journal and reads it; `None` if it is intact.
    ///
    /// # Errors
    /// [`JournalError`] when it is missing, not a journal, used by a run, or cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, JournalError> {
        let place = Place::open(path, false)?;
        match read_valid(&place.file, path) {
            Err(JournalError::Damaged { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(None),
        }
        let mut journal = Self { path: path.to_owned(), place, valid: Vec::new(), damaged: Vec::new() };
        journal.read().map_err(JournalError::reading(path))?;
        Ok(Some(journal))
    }

    fn read(&mut self) -> io::Result<()> {
        let mut file = &self.place.file;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(file);
        let mut kept = Vec::new();
        for number in 1.. {
            let Some(line) = next_line(&mut reader, &mut kept, LINE_MAX)? else {
                break;
            };
            let is_whole = line.length <= LINE_MAX as u64;
            match (record::read(&kept), str::from_utf8(&kept)) {
                (Ok(record), Ok(text)) if is_whole => {
                    self.valid.push(ValidLine { number, text: text.to_owned(), record });
                }
                _ if is_unfinished_tail(&line, &kept) => {}
                _ => self.damaged.push(DamagedLine { number, text: kept.clone(), is_whole }),
            }
        }
        Ok(())
    }

    /// The last run that can be read; none if all of them are damaged.
    pub fn last_run(&self) -> Option<&RunRecord> {
        self.runs().last().map(|(_, run)| run)
    }

    fn runs(&self) -> impl Iterator<Item = (&ValidLine, &RunRecord)> {
        self.valid.iter().filter_map(|line| match &line.record {
            Record::Run(run) => Some((line, &**run)),
            _ => None,
        })
    }

    /// Removes those of other shards, who cannot be on a line of this journal.
    pub fn retain_own(&self, people: &mut Vec<ListedPerson>) {
        if let Some((shard, service)) = self.last_run().and_then(|run| Some((run.own_shard()?, &run.service))) {
            people.retain(|person| shard.contains(key(service, &person.cname, &person.email).shard_bits()));
        }
    }

    /// The cname of some row, for a journal whose runs do not tell the cname of rows that bring none.
    pub fn some_cname(&self) -> Option<String> {
        let intents = |line: &&ValidLine| matches!(line.record, Record::Intent { .. });
        self.valid.iter().filter(intents).find_map(|line| {
            let named: Named = serde_json::from_str(&line.text).ok()?;
            Some(named.cname.into_owned())
        })
    }

    /// Writes a new journal in the place of the damaged one, which is kept under another name. `people` are those of the
    /// list; `header` replaces the record of a run if none is left.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be written; the damaged one is unchanged then.
    pub fn repair(self, header: &RunHeader, people: &[ListedPerson]) -> Result<Repaired, JournalError> {
        let head = self.head(header);
        let mut rebuilt = Rebuilt::new(&header.url, &header.service, people);
        rebuilt.begin(&head);
        let mut damaged = self.damaged.iter().map(|line| line.number).peekable();
        for line in &self.valid {
            let mut is_below_damage = false;
            while damaged.next_if(|number| *number < line.number).is_some() {
                is_below_damage = true;
            }
            if is_below_damage {
                rebuilt.pass_damage();
            }
            rebuilt.take(line, is_below_damage);
        }
        rebuilt.doubt(&self.damaged);
        let (mut new, beside) = Place::beside(&self.path)?;
        let made = begin(&mut new, &self.path, 0, 0, &rebuilt.text).and_then(|_| {
            // The mark as well: it is the only one, and were it lost in a power failure, the rest of what is lost then
            // would look like damage.
            new.file.sync_data().map_err(JournalError::writing(&self.path))?;
            set_aside(&self.path, &beside, DAMAGED)
        });
        drop(JournalFile::new(&self.path, new.file, 0));
        let _ = self.place.file.unlock();
        match made {
            Ok(old) => {
                Ok(Repaired { old, damaged: self.damaged.iter().map(|line| line.number).collect(), ..rebuilt.repaired })
            }
            Err(error) => {
                let _ = fs::remove_file(&beside);
                Err(error)
            }
        }
    }

    /// What has to come before the valid lines, because every journal begins with a run.
    fn head(&self, header: &RunHeader) -> String {
        let first = self.runs().next();
        let begins = self.valid.first().map(|line| line.number);
        match first {
            Some((line, _)) if Some(line.number) == begins => String::new(),
            _ if self.has_old_keys(&header.service) => header.record_of_version_1(),
            Some((line, _)) => format!("{}\n", line.text),
            None => header.record(),
        }
    }

    /// Whether keys before the first run that is left are those of version 1. Under a run of that version those of today
    /// mean the same, but not the other way round.
    fn has_old_keys(&self, service: &str) -> bool {
        let is_run = |line: &&ValidLine| matches!(line.record, Record::Run(_));
        let mut headless = self.valid.iter().take_while(|line| !is_run(line));
        headless.any(|line| {
            let named = || serde_json::from_str::<Named>(&line.text).ok();
            match line.record {
                Record::Intent { key: own, .. } => {
                    named().is_some_and(|named| own != key(service, &named.cname, &named.email))
                }
                Record::End { .. } => named().is_none(),
                _ => false,
            }
        })
    }
}

/// Whether a line is an unfinished last one, because of which nothing was sent.
fn is_unfinished_tail(line: &Line, kept: &[u8]) -> bool {
    let text = kept.trim_ascii_end();
    let text = &text[..text.len() - text.iter().rev().take_while(|byte| **byte == 0).count()];
    !line.terminated && line.rest_is_zero && record::whole_record_within(text).is_none()
}

/// The text of the repaired journal.
struct Rebuilt {
    text: String,
    keys: Keys,
    /// Everyone who is named anywhere.
    people: HashMap<RowKey, ListedPerson>,
    /// The same by the keys of version 1.
    old_keys: HashMap<RowKey, RowKey>,
    /// The record of the run above, if the requests below it are superseded, as it would be if they were not.
    superseded: Option<String>,
    /// Whether the run above is in a journal that was put together, where the lines about a request follow each other.
    is_joined: bool,
    /// The person of the last valid line, if that is an intent.
    intended: Option<RowKey>,
    /// Who has a request without an end in the run above, with no damage since.
    open: HashSet<RowKey>,
    /// The number of the last valid line about a person, and what it says.
    last: HashMap<RowKey, (u64, Outcome)>,
    repaired: Repaired,
}

impl Rebuilt {
    fn new(url: &str, service: &str, people: &[ListedPerson]) -> Self {
        let key_of = |person: &ListedPerson| key(service, &person.cname, &person.email);
        let old_key_of = |person: &ListedPerson| key_of_version_1(url, &person.cname, &person.email);
        Self {
            text: String::new(),
            keys: Keys::default(),
            people: people.iter().map(|person| (key_of(person), person.clone())).collect(),
            old_keys: people.iter().map(|person| (old_key_of(person), key_of(person))).collect(),
            superseded: None,
            is_joined: false,
            intended: None,
            open: HashSet::new(),
            last: HashMap::new(),
            repaired: Repaired::default(),
        }
    }

    /// Puts a run in front, if there is one to be put there: what follows is read as it says.
    fn begin(&mut self, head: &str) {
        self.text.push_str(head);
        let line = head.trim_end().as_bytes();
        if let Ok(run) = record::read(line) {
            // The record of a run is about no person.
            let _ = self.keys.translate(run, line);
        }
    }

    /// Below a damaged line, requests of a journal that was put together count: it may have been the record of their run,
    /// and they need not be superseded like those above it. And it may have been the intent of any end below it.
    fn pass_damage(&mut self) {
        if let Some(run) = self.superseded.take() {
            self.text.push_str(&run);
        }
        self.open.clear();
    }

    /// Whether the request is there that a line is about. An end is of a request in its own run; a decision is about the
    /// person, but in a journal that was put together about the request above it.
    fn has_intent(&mut self, record: &Record, key: RowKey, below_damage: bool) -> bool {
        match record {
            Record::Resolved { .. } => {
                let is_lost = below_damage && self.is_joined && self.intended != Some(key);
                self.last.contains_key(&key) && !is_lost
            }
            _ => self.open.remove(&key),
        }
    }

    /// Adds a valid line. `below_damage`: the line above it is damaged.
    fn take(&mut self, line: &ValidLine, below_damage: bool) {
        let record = self.keys.translate(line.record.clone(), line.text.as_bytes());
        let named: Option<Named> = serde_json::from_str(&line.text).ok();
        let (key, outcome) = match record {
            Ok(Record::Run(run)) => {
                let text = || record::part_of_run(record::text_of_run(&line.text, run.part), Part::Joined);
                self.superseded = (run.part == Part::Superseded).then(text);
                (self.is_joined, self.intended) = (run.part != Part::Own, None);
                self.open.clear();
                return self.keep(line);
            }
            Ok(record) => match record.about() {
                Some(about) => about,
                // The offset of a `synced` is that of the old file.
                None => return,
            },
            Err(_) => return,
        };
        let is_intent = matches!(line.record, Record::Intent { .. });
        let key = if is_intent || self.has_intent(&line.record, key, below_damage) {
            key
        } else {
            // Its intent is damaged: a new one is written for it, under the key that the line itself has.
            let known = self.old_keys.get(&key).copied().unwrap_or(key);
            if let Some(named) = &named {
                let person = || listed(named);
                self.people.entry(known).or_insert_with(person);
            }
            let Some(person) = self.people.get(&known).cloned() else {
                self.repaired.nameless.push(line.number);
                return;
            };
            let intent = intent_of(&person, key);
            self.text.push_str(&intent);
            known
        };
        if let (true, Some(named)) = (is_intent, &named) {
            let row = serde_json::from_str::<Row>(&line.text).map_or(0, |row| row.row);
            let person = || ListedPerson { row, ..listed(named) };
            self.people.entry(key).or_insert_with(person);
        }
        self.intended = is_intent.then_some(key);
        self.open.extend(self.intended);
        self.last.insert(key, (line.number, outcome));
        self.keep(line);
    }

    fn keep(&mut self, line: &ValidLine) {
        self.repaired.kept += 1;
        self.text.push_str(&line.text);
        self.text.push('\n');
    }

    /// Makes everyone unknown who may be on a damaged line.
    fn doubt(&mut self, damaged: &[DamagedLine]) {
        let mut doubtful = BTreeSet::new();
        for line in damaged {
            let on_it = self.on(line);
            if on_it.is_none() {
                self.repaired.unreadable.push(line.number);
            }
            let keys: Vec<RowKey> = match on_it {
                Some(keys) => keys,
                None => self.people.keys().copied().collect(),
            };
            // A later line about the person decides, whatever this one was; and nothing changes accepted. Who is unknown
            // already gets a request more: an operator may have decided about the earlier one in another journal.
            let is_open = |key: &RowKey| match self.last.get(key) {
                None => true,
                Some((_, Outcome::Accepted)) => false,
                Some((number, _)) => *number < line.number,
            };
            doubtful.extend(keys.into_iter().filter(is_open));
        }
        let mut unknown: Vec<(RowKey, ListedPerson)> =
            doubtful.into_iter().filter_map(|key| Some((key, self.people.get(&key)?.clone()))).collect();
        unknown.sort_by(|(_, a), (_, b)| (a.row, &a.email).cmp(&(b.row, &b.email)));
        for (key, person) in unknown {
            self.text.push_str(&intent_of(&person, key));
            let end = End { attempt: 1, outcome: Outcome::Unknown, status: None, due: false };
            let end = record::end(&person_of(&person, key), &end);
            self.text.push_str(&end);
            if self.last.get(&key).is_none_or(|(_, outcome)| *outcome != Outcome::Unknown) {
                self.repaired.unknown.push(person);
            }
        }
    }

    /// Who is on a damaged line, by the keys and addresses that it still shows; nothing if that is not certain.
    fn on(&self, line: &DamagedLine) -> Option<Vec<RowKey>> {
        let text = str::from_utf8(&line.text).ok()?;
        if !line.is_whole || text.contains('\0') {
            return None;
        }
        if is_about_nobody(text) {
            return Some(Vec::new());
        }
        let (mut found, mut shown) = (Vec::new(), 0);
        // A line break that was lost leaves several records on one line.
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

/// The line of the list that an intent names.
#[derive(serde::Deserialize)]
struct Row {
    row: u64,
}

fn listed(named: &Named) -> ListedPerson {
    ListedPerson { row: 0, email: named.email.clone().into_owned(), cname: named.cname.clone().into_owned() }
}

fn person_of(person: &ListedPerson, key: RowKey) -> Person<'_> {
    Person { key, email: &person.email, cname: &person.cname }
}

fn intent_of(person: &ListedPerson, key: RowKey) -> String {
    record::intent(&Intent { person: person_of(person, key), row: person.row, attempt: 1 })
}

/// Whether a damaged line still shows that it was the beginning of a run or a `synced`. These two differ from all others
/// by more than a few damaged bytes.
fn is_about_nobody(text: &str) -> bool {
    let begins = |start: &str| text.starts_with(start) && text.matches("\"crc\":\"").count() <= 1;
    let names_somebody = text.contains("\"key\":") || text.contains("\"email\":");
    !names_somebody && (begins("{\"t\":\"synced\",\"bytes\":") || begins("{\"v\":"))
}

/// The text of a field, as far as it needs no unescaping.
fn field<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = record.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split_once('"')?.0)
}

//! What several journals know together. Copies of one journal, journals of shards, and ones that were put together before:
//! in whatever order they are joined, and however often, the outcome of each person is the same.
//!
//! A request is identified by its run, its attempt and its time. Of one request, an end tells more than an intent,
//! and what an operator found out more than an end that is no acceptance. A request that a later one in the same
//! journal followed is superseded: the later one was made, and its end was recorded, with knowledge of it. Only
//! requests that are accepted or not superseded count, and of these the heaviest: accepted over unknown over rejected
//! over not sent. All of it are unions and maxima, which is why no order matters. So a resolution counts only over the
//! requests that stood before it in its journal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::JournalError;
use super::file;
use super::key::{KeyMap, RowKey};
use super::record::{self, Record, Resolution, RowState, time_of, without_zeros};
use super::run_record::{Part, RunRecord};
use super::scan::{Line, Lines, read_valid};
use crate::api::outcome::Outcome;
use crate::settings::clock::since_epoch;

/// Where a line is: the journal, and the bytes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: u16,
    pub(super) offset: u64,
}

/// A request, by which it is the same one in every copy of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    at: u64,
    attempt: u32,
    run: u32,
    /// How many before it in its journal have the same time, attempt and run: where the record of a run is lost, requests of
    /// two runs may look the same.
    nth: u32,
}

/// A request about someone, with all that is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    identity: Identity,
    pub(super) intent: Place,
    pub(super) end: Option<(RowState, Place)>,
    /// When, what, and where it is written.
    resolution: Option<(u64, Resolution, Place)>,
    pub(super) superseded: bool,
}

impl Attempt {
    /// Of which run, by its place in [`Joined::runs`].
    pub(super) const fn run(&self) -> u32 {
        self.identity.run
    }

    /// What an operator found out. Not where the service has accepted the request, as another copy of its journal may show
    /// that the operator did not have: no one takes an acceptance back.
    pub(super) fn decision(&self) -> Option<(u64, Resolution, Place)> {
        let is_accepted = matches!(self.end, Some((RowState::Accepted { .. }, _)));
        self.resolution.filter(|_| !is_accepted)
    }

    pub(super) fn state(&self) -> RowState {
        match (self.decision(), self.end) {
            (Some((_, resolution, _)), _) => RowState::Resolved(resolution),
            (None, Some((state, _))) => state,
            (None, None) => RowState::Intended { attempt: self.identity.attempt },
        }
    }

    fn counts(&self) -> bool {
        !self.superseded || self.state().effective() == Outcome::Accepted
    }

    /// Adds what another journal knows of the same request.
    fn add(&mut self, other: &Self) {
        self.superseded |= other.superseded;
        if let Some((state, place)) = other.end {
            self.take_end(state, place);
        }
        if let Some((at, resolution, place)) = other.resolution {
            self.take_resolution(at, resolution, place);
        }
    }

    fn take_end(&mut self, state: RowState, place: Place) {
        if self.end.is_none_or(|(before, _)| before.weight() < state.weight()) {
            self.end = Some((state, place));
        }
    }

    /// The last word of an operator counts.
    fn take_resolution(&mut self, at: u64, resolution: Resolution, place: Place) {
        let rank = |at: u64, resolution| (at, RowState::Resolved(resolution).weight());
        if self.resolution.is_none_or(|(before, word, _)| rank(before, word) < rank(at, resolution)) {
            self.resolution = Some((at, resolution, place));
        }
    }
}

/// Everything that is known of one person.
#[derive(Debug, Clone, Default)]
pub(super) struct Person(pub(super) Vec<Attempt>);

impl Person {
    /// The attempt that decides, by its place.
    pub(super) fn deciding(&self) -> Option<usize> {
        let none_counts = !self.0.iter().any(Attempt::counts);
        let counting = self.0.iter().enumerate().filter(|(_, attempt)| none_counts || attempt.counts());
        counting.max_by_key(|(_, attempt)| (attempt.state().weight(), attempt.identity)).map(|(index, _)| index)
    }

    /// The identity of the next request in a journal.
    fn next_identity(&self, at: u64, attempt: u32, run: u32) -> Identity {
        let is_same = |one: &&Attempt| (one.identity.at, one.identity.attempt, one.identity.run) == (at, attempt, run);
        let nth = u32::try_from(self.0.iter().filter(is_same).count()).unwrap_or(u32::MAX);
        Identity { at, attempt, run, nth }
    }

    /// Adds what another journal knows.
    fn add(&mut self, other: Self) {
        for attempt in other.0 {
            match self.0.iter_mut().find(|own| own.identity == attempt.identity) {
                Some(own) => own.add(&attempt),
                None => self.0.push(attempt),
            }
        }
    }
}

/// A run with the line of its record.
#[derive(Debug)]
pub(super) struct JoinedRun {
    pub(super) record: RunRecord,
    line: String,
}

impl JoinedRun {
    pub(super) fn with_part(&self, part: Part) -> String {
        record::run_with_part(&self.line, self.record.part, part)
    }
}

/// What several journals know.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) runs: Vec<JoinedRun>,
    pub(super) people: KeyMap<Person>,
    pub(super) files: Vec<(PathBuf, File)>,
}

/// In milliseconds.
fn millis_of(line: &[u8]) -> io::Result<u64> {
    Ok(u64::try_from(since_epoch(time_of(line)?).as_millis()).unwrap_or(u64::MAX))
}

/// When an operator decides now about some people of a journal: after all that was decided about them there before, also
/// if the clock was set back meanwhile. Journals are joined by these times.
pub(super) fn time_of_decision(file: &File, is_meant: impl Fn(RowKey) -> bool) -> io::Result<SystemTime> {
    let mut lines = Lines::of_file(file, 0)?;
    let mut latest = SystemTime::now();
    while lines.advance()?.is_some() {
        let text = without_zeros(&lines.text);
        if let Ok(Record::Row { key, state: RowState::Resolved(_), .. }) = record::read(text)
            && is_meant(key)
        {
            let earlier = UNIX_EPOCH + Duration::from_millis(millis_of(text)?);
            latest = latest.max(earlier + Duration::from_millis(1));
        }
    }
    Ok(latest)
}

impl Joined {
    /// Adds a journal. Its unfinished end is passed over, as a run would cut it.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read, is damaged, or an older vescli wrote it, whose keys are others.
    pub(super) fn add(&mut self, path: &Path, file: File) -> Result<(), JournalError> {
        let failed = JournalError::reading(path);
        // With everything before it checked, no record is out of its place.
        let scan = read_valid(&file, path)?;
        if scan.recovered.runs.iter().any(|run| run.version == 1) {
            let why = "in a format that cannot be joined with others";
            return Err(JournalError::Unfit(format!("an older vescli wrote the journal {}, {why}", path.display())));
        }
        let end = scan.valid;
        drop(scan);
        let index = u16::try_from(self.files.len()).map_err(|_| failed(io::ErrorKind::QuotaExceeded.into()))?;
        let reader = BufReader::new(file::rewound(&file).map_err(failed)?.take(end));
        let people = self.read(index, reader).map_err(failed)?;
        self.files.push((path.to_owned(), file));
        if self.people.is_empty() {
            self.people = people;
        } else {
            for (key, person) in people {
                self.people.entry(key).or_default().add(person);
            }
        }
        Ok(())
    }

    /// What one journal says of each person.
    fn read(&mut self, file: u16, reader: impl BufRead) -> io::Result<KeyMap<Person>> {
        let mut people = KeyMap::<Person>::default();
        let (mut part, mut run) = (Part::Own, 0);
        let mut lines = Lines::new(reader);
        while let Some(Line { offset, .. }) = lines.advance()? {
            let place = Place { file, offset };
            let text = &lines.text;
            match record::read(text).map_err(io::Error::other)? {
                Record::Run(record) => {
                    part = record.part;
                    run = self.add_run(*record, text);
                }
                Record::Row { key, state: RowState::Intended { attempt }, .. } => {
                    let person = people.entry(key).or_default();
                    let identity = person.next_identity(millis_of(text)?, attempt, run);
                    if part == Part::Own {
                        person.0.iter_mut().for_each(|earlier| earlier.superseded = true);
                    }
                    let superseded = part == Part::Superseded;
                    person.0.push(Attempt { identity, intent: place, end: None, resolution: None, superseded });
                }
                Record::Row { key, state: RowState::Resolved(resolution), .. } => {
                    let at = millis_of(text)?;
                    let attempts = people.get_mut(&key).map_or(&mut [][..], |person| &mut person.0[..]);
                    // An operator decides about the person as the journal has them. Where journals were put together,
                    // each resolution stands behind the request that it is about. So it does where a repair took away the
                    // line of the only request that was not superseded.
                    let is_about_all = part == Part::Own && attempts.iter().any(|one| !one.superseded);
                    let named = if is_about_all { 0 } else { attempts.len().saturating_sub(1) };
                    for attempt in attempts[named..].iter_mut().filter(|one| !is_about_all || !one.superseded) {
                        attempt.take_resolution(at, resolution, place);
                    }
                }
                Record::Row { key, state, .. } => {
                    if let Some(attempt) = people.get_mut(&key).and_then(|person| person.0.last_mut()) {
                        attempt.take_end(state, place);
                    }
                }
                Record::Synced { .. } => {}
            }
        }
        Ok(people)
    }

    /// The place of a run, which is new or was met in another journal.
    fn add_run(&mut self, record: RunRecord, line: &[u8]) -> u32 {
        let known = self.runs.iter().position(|run| run.record.id == record.id);
        let place = known.unwrap_or_else(|| {
            self.runs.push(JoinedRun { record, line: String::from_utf8_lossy(line).into_owned() });
            self.runs.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// What all of them say of each person, and which journal has the last word.
    pub(super) fn states(&self) -> impl Iterator<Item = (RowKey, RowState, &Path)> {
        self.people.iter().filter_map(|(key, person)| {
            let attempt = person.0.get(person.deciding()?)?;
            Some((*key, attempt.state(), self.files[usize::from(attempt.intent.file)].0.as_path()))
        })
    }
}

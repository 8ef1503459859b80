//! The merged content of several journals: copies of one journal, journals of shards, and journals that were merged
//! before. The outcome of each person does not depend on the order in which they are merged, or on how often one is
//! merged.
//!
//! 1. A request is identified by its run, attempt and time.
//! 2. Of its records the strongest counts: accepted > resolved > another end > intent.
//! 3. A request is superseded if its journal has a later one for the same person, whose run knew it.
//! 4. Only requests that are accepted or not superseded count; if there are none, all requests count.
//! 5. Of these, the strongest outcome decides: accepted > unknown > rejected > rejected but due > not sent.
//!
//! Each rule is a union or a maximum, so the order of the journals does not matter. A resolution is about the requests
//! that are above it in its journal, and about no others.

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

/// The journal that contains a line, by its index in [`MergedJournals::files`], and the offset of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinePlace {
    pub(super) file: u16,
    pub(super) offset: u64,
}

/// Identifies a request in every copy of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RequestId {
    at: u64,
    attempt: u32,
    run: u32,
    /// How many earlier requests in its journal have the same time, attempt and run: if the record of a run is lost,
    /// requests of two runs may look the same.
    nth: u32,
}

/// One request, with everything that the journals contain about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    id: RequestId,
    pub(super) intent: LinePlace,
    pub(super) end: Option<(RowState, LinePlace)>,
    /// Its time in milliseconds, the resolution, and the line of its record.
    resolution: Option<(u64, Resolution, LinePlace)>,
    pub(super) superseded: bool,
}

impl Request {
    /// The index of its run in [`MergedJournals::runs`].
    pub(super) const fn run(&self) -> u32 {
        self.id.run
    }

    /// The resolution, if it counts. It does not count if the service accepted the request, which another copy of the
    /// journal may show and the operator may not have known: an operator cannot cancel an acceptance.
    pub(super) fn resolution(&self) -> Option<(u64, Resolution, LinePlace)> {
        let is_accepted = matches!(self.end, Some((RowState::Accepted { .. }, _)));
        self.resolution.filter(|_| !is_accepted)
    }

    pub(super) fn state(&self) -> RowState {
        match (self.resolution(), self.end) {
            (Some((_, resolution, _)), _) => RowState::Resolved(resolution),
            (None, Some((state, _))) => state,
            (None, None) => RowState::Intended { attempt: self.id.attempt },
        }
    }

    fn counts(&self) -> bool {
        !self.superseded || self.state().effective() == Outcome::Accepted
    }

    /// Adds the records of the same request from another journal.
    fn add(&mut self, other: &Self) {
        self.superseded |= other.superseded;
        if let Some((state, place)) = other.end {
            self.take_end(state, place);
        }
        if let Some((at, resolution, place)) = other.resolution {
            self.take_resolution(at, resolution, place);
        }
    }

    fn take_end(&mut self, state: RowState, place: LinePlace) {
        if self.end.is_none_or(|(before, _)| before.weight() < state.weight()) {
            self.end = Some((state, place));
        }
    }

    /// The latest resolution counts.
    fn take_resolution(&mut self, at: u64, resolution: Resolution, place: LinePlace) {
        let rank = |at: u64, resolution| (at, RowState::Resolved(resolution).weight());
        if self.resolution.is_none_or(|(before, last, _)| rank(before, last) < rank(at, resolution)) {
            self.resolution = Some((at, resolution, place));
        }
    }
}

/// All requests for one person.
#[derive(Debug, Clone, Default)]
pub(super) struct PersonRequests(pub(super) Vec<Request>);

impl PersonRequests {
    /// The index of the request that decides.
    pub(super) fn deciding(&self) -> Option<usize> {
        let none_counts = !self.0.iter().any(Request::counts);
        let counting = self.0.iter().enumerate().filter(|(_, request)| none_counts || request.counts());
        counting.max_by_key(|(_, request)| (request.state().weight(), request.id)).map(|(index, _)| index)
    }

    /// The id of the next request in a journal.
    fn next_id(&self, at: u64, attempt: u32, run: u32) -> RequestId {
        let is_same = |one: &&Request| (one.id.at, one.id.attempt, one.id.run) == (at, attempt, run);
        let nth = u32::try_from(self.0.iter().filter(is_same).count()).unwrap_or(u32::MAX);
        RequestId { at, attempt, run, nth }
    }

    /// Adds the person's requests from another journal.
    fn add(&mut self, other: Self) {
        for request in other.0 {
            match self.0.iter_mut().find(|own| own.id == request.id) {
                Some(own) => own.add(&request),
                None => self.0.push(request),
            }
        }
    }
}

/// A run, with the line of its record.
#[derive(Debug)]
pub(super) struct MergedRun {
    pub(super) record: RunRecord,
    line: String,
}

impl MergedRun {
    pub(super) fn with_part(&self, part: Part) -> String {
        record::run_with_part(&self.line, self.record.part, part)
    }
}

/// The merged content of several journals.
#[derive(Debug, Default)]
pub(super) struct MergedJournals {
    pub(super) runs: Vec<MergedRun>,
    pub(super) people: KeyMap<PersonRequests>,
    pub(super) files: Vec<(PathBuf, File)>,
}

/// The time of a record, in milliseconds since the epoch.
fn millis_of(line: &[u8]) -> io::Result<u64> {
    Ok(u64::try_from(since_epoch(time_of(line)?).as_millis()).unwrap_or(u64::MAX))
}

/// The time for a new resolution of these people: now, but later than all their resolutions in the journal, even if the
/// clock was set back. A merge takes the latest resolution.
pub(super) fn time_of_resolution(file: &File, is_meant: impl Fn(RowKey) -> bool) -> io::Result<SystemTime> {
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

impl MergedJournals {
    /// Adds a journal. An unfinished line at its end is skipped, because a run would remove it.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read, is damaged, or was written by an older vescli, which used other keys.
    pub(super) fn add(&mut self, path: &Path, file: File) -> Result<(), JournalError> {
        let failed = JournalError::reading(path);
        // It checks the whole journal, so each end below follows its intent.
        let scan = read_valid(&file, path)?;
        if scan.recovered.runs.iter().any(|run| run.version == 1) {
            let why = "in a format that cannot be merged with others";
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

    /// The requests of one journal.
    fn read(&mut self, file: u16, reader: impl BufRead) -> io::Result<KeyMap<PersonRequests>> {
        let mut people = KeyMap::<PersonRequests>::default();
        let (mut part, mut run) = (Part::Own, 0);
        let mut lines = Lines::new(reader);
        while let Some(Line { offset, .. }) = lines.advance()? {
            let place = LinePlace { file, offset };
            let text = &lines.text;
            match record::read(text).map_err(io::Error::other)? {
                Record::Run(record) => {
                    part = record.part;
                    run = self.add_run(*record, text);
                }
                Record::Row { key, state: RowState::Intended { attempt }, .. } => {
                    let person = people.entry(key).or_default();
                    let id = person.next_id(millis_of(text)?, attempt, run);
                    if part == Part::Own {
                        person.0.iter_mut().for_each(|earlier| earlier.superseded = true);
                    }
                    let superseded = part == Part::Superseded;
                    person.0.push(Request { id, intent: place, end: None, resolution: None, superseded });
                }
                Record::Row { key, state: RowState::Resolved(resolution), .. } => {
                    let at = millis_of(text)?;
                    let requests = people.get_mut(&key).map_or(&mut [][..], |person| &mut person.0[..]);
                    // In a run's own journal, an operator resolves all requests of the person that are not superseded.
                    // In a merged journal, a resolution is about the request above it. The same is true if a repair
                    // removed the line of the only request that was not superseded.
                    let is_about_all = part == Part::Own && requests.iter().any(|one| !one.superseded);
                    let first = if is_about_all { 0 } else { requests.len().saturating_sub(1) };
                    for request in requests[first..].iter_mut().filter(|one| !is_about_all || !one.superseded) {
                        request.take_resolution(at, resolution, place);
                    }
                }
                Record::Row { key, state, .. } => {
                    if let Some(request) = people.get_mut(&key).and_then(|person| person.0.last_mut()) {
                        request.take_end(state, place);
                    }
                }
                Record::Synced { .. } => {}
            }
        }
        Ok(people)
    }

    /// The index of a run in [`MergedJournals::runs`], to which it is added if it is new.
    fn add_run(&mut self, record: RunRecord, line: &[u8]) -> u32 {
        let known = self.runs.iter().position(|run| run.record.id == record.id);
        let place = known.unwrap_or_else(|| {
            self.runs.push(MergedRun { record, line: String::from_utf8_lossy(line).into_owned() });
            self.runs.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// The state of each person, and the journal with the request that decides.
    pub(super) fn states(&self) -> impl Iterator<Item = (RowKey, RowState, &Path)> {
        self.people.iter().filter_map(|(key, person)| {
            let request = person.0.get(person.deciding()?)?;
            Some((*key, request.state(), self.files[usize::from(request.intent.file)].0.as_path()))
        })
    }
}

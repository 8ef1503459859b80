//! Journals that are merged into a new one, with which the next runs continue.

use std::fs;
use std::path::PathBuf;

use super::disk::{Disk, Files, Line, Refusal, remember, run_id};
use super::steps::is_true;
use super::world::{Broken, Place, World};
use super::{Fault, Life, Outcome, RowState, RunHeader, Tail, record};
use crate::bulk::journal::record::Record;
use crate::bulk::journal::{JournalError, merge};

/// The lines of a journal, and whether it is locked.
type Journal = (Vec<Line>, bool);

/// The number of the run that a merge records.
const MERGE: u8 = 0xff;

impl Files {
    /// Merges as `vescli journal merge` does; nothing if no run has written any of the journals.
    fn merge(&self, journals: &[Journal], header: &RunHeader) -> Result<Option<Vec<Line>>, Refusal> {
        let key = journals.iter().flat_map(|(lines, _)| lines.iter().copied().chain([Line::MAX])).collect();
        let locked = journals.iter().fold(0, |bits, (_, is_locked)| bits << 1 | u64::from(*is_locked));
        remember(&self.merged, (key, locked), || {
            let journals: Vec<_> = journals
                .iter()
                .enumerate()
                .map(|(number, (lines, is_locked))| (format!("{number}.ndjson").into(), lines.as_slice(), *is_locked))
                .collect();
            let (merged, bytes) = self.reading(&self.desks_of_merges, &journals, |root| {
                let paths: Vec<PathBuf> = journals.iter().map(|(name, ..)| root.join(name)).collect();
                let into = root.join("into.ndjson");
                let merged = merge(&into, &paths, |_, _| header.clone());
                let bytes = fs::read(&into).unwrap_or_default();
                let _ = fs::remove_file(&into);
                (merged, bytes)
            });
            let lines = self.lines.numbers(&bytes, MERGE);
            match merged {
                Ok(_) => Ok(Some(self.marked_again(lines))),
                Err(JournalError::NothingToMerge) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Its last record has the length without the names of files.
    fn marked_again(&self, mut lines: Vec<Line>) -> Vec<Line> {
        lines.pop();
        let mark = self.lines.number(record::synced(self.lines.length(&lines)).as_bytes());
        lines.push(mark);
        lines
    }

    fn read(&self, line: Line) -> Option<Record> {
        record::read(self.lines.bytes(&[line]).trim_ascii_end()).ok()
    }

    /// All lines in the order of their runs, so that the newest record counts.
    fn by_run(&self, journals: &[Journal]) -> Vec<Line> {
        let mut all = Vec::new();
        for (lines, _) in journals {
            let mut run = String::new();
            for line in lines {
                match self.read(*line) {
                    None | Some(Record::Synced { .. }) => continue,
                    Some(Record::Run(record)) => run = record.id,
                    Some(_) => {}
                }
                all.push((run.clone(), *line));
            }
        }
        all.sort_by(|(run, _), (other, _)| run.cmp(other));
        all.into_iter().map(|(_, line)| line).chain([0]).collect()
    }
}

impl Life {
    /// The number of the next run at a place. Runs distinguish the requests of journals that are read together. The
    /// number follows from the journals alone, so that equal states stay equal.
    pub(super) fn run(&self, world: &World, at: usize) -> u8 {
        let of_place = u8::try_from(at << 4).unwrap();
        let scans: Vec<_> = world.places.iter().map(|place| self.files.scan(&place.disk.lines)).collect();
        let is_free = |run: &u8| {
            let id = run_id(*run);
            scans.iter().flat_map(|scan| &scan.recovered.runs).all(|known| known.id != id)
        };
        (of_place..=of_place + 15).find(is_free).unwrap()
    }

    /// The lines of the merged journal, with the planted fault.
    fn lines_merged(&self, mut journals: Vec<Journal>) -> Result<Option<Vec<Line>>, Refusal> {
        let header = self.header(0);
        match self.fault {
            Some(Fault::NewestRecordCounts) => Ok(Some(self.files.marked_again(self.files.by_run(&journals)))),
            Some(Fault::TornJournalLeftOut) => {
                journals.retain(|(lines, _)| self.files.scan(lines).tail != Tail::Torn);
                self.files.merge(&journals, &header)
            }
            Some(Fault::ResolutionOfEveryRequest) => {
                let Some(mut merged) = self.files.merge(&journals, &header)? else {
                    return Ok(None);
                };
                let is_resolution = |line: &Line| {
                    matches!(self.files.read(*line), Some(Record::Row { state: RowState::Resolved(_), .. }))
                };
                let mark = merged.pop();
                merged.extend(journals.into_iter().flat_map(|(lines, _)| lines).filter(is_resolution));
                Ok(Some(self.files.marked_again(merged.into_iter().chain(mark).collect())))
            }
            _ => self.files.merge(&journals, &header),
        }
    }

    pub(super) fn merge(&self, world: &mut World, others_stay: bool) -> Option<()> {
        let ignored = self.fault == Some(Fault::LocksIgnored);
        let journals = world.places.iter().map(|place| (place.disk.lines.clone(), place.run.is_some() && !ignored));
        let journals: Vec<Journal> = journals.filter(|(lines, _)| !lines.is_empty()).collect();
        let lines = match self.lines_merged(journals) {
            Ok(lines) => lines?,
            Err(refusal) if is_true(refusal, world) => return None,
            Err(_) => {
                world.broken = Some(Broken::RefusedWithoutReason);
                return Some(());
            }
        };
        if world.places.iter().any(Place::is_busy) {
            // It misses what is written from now on, or was on a damaged line.
            world.broken = Some(Broken::WrongOutcome);
            return Some(());
        }
        world.left.merges -= 1;
        (0..world.places.len()).for_each(|at| self.show(world, at));
        for (at, place) in world.places.iter_mut().enumerate() {
            if at == 0 {
                place.disk = Disk { durable: lines.len(), lines: lines.clone(), is_damaged: false };
            } else if !others_stay || self.apart == Some(at) {
                *place = Place::default();
            }
        }
        // Another journal may have known more than the one that was shown, unless the person was accepted.
        let known = &self.files.scan(&lines).recovered;
        for (person, row) in self.everybody(world.list) {
            let truth = &mut world.people[person];
            let outcome = known.state(self.key(&row)).map(RowState::effective);
            let is_lost = truth.shown == Some(Outcome::Accepted) && outcome != truth.shown;
            (truth.shown, truth.shown_at) = (None, 0);
            if is_lost {
                world.broken = Some(Broken::ShownAndLost);
            }
        }
        Some(())
    }
}

//! Journals that are put together in a new one, with which the next runs continue.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::super::super::file;
use super::disk::{Disk, Files, Line, RUN, Refusal, remember};
use super::world::{Broken, Place, World};
use super::{Fault, Life, Outcome, RowState, RunHeader, Tail, record};
use crate::bulk::journal::record::Record;
use crate::bulk::journal::{JournalError, merge};

/// The run that a merge is written down as.
const MERGE: u8 = 0xff;

impl Files {
    /// As `vescli journal merge` does; nothing if no run has written any of them.
    fn merge(&self, journals: &[Vec<Line>], header: &RunHeader) -> Result<Option<Vec<Line>>, Refusal> {
        let key = journals.iter().flat_map(|lines| lines.iter().copied().chain([Line::MAX])).collect();
        remember(&self.merged, (key, 0), || {
            let root = self.new_folder();
            let put = |(number, lines): (usize, &Vec<Line>)| {
                let path = root.join(format!("{number}.ndjson"));
                file::make_file(&path).unwrap().write_all(&self.lines.bytes(lines)).unwrap();
                path
            };
            let paths: Vec<PathBuf> = journals.iter().enumerate().map(put).collect();
            let into = root.join("into.ndjson");
            let merged = merge(&into, &paths, |_, _| header.clone());
            let lines = self.lines.numbers(&fs::read(&into).unwrap_or_default(), MERGE);
            fs::remove_dir_all(&root).unwrap();
            match merged {
                Ok(_) => Ok(Some(self.marked_again(lines))),
                Err(JournalError::NothingToMerge) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Its mark says how long it is without the names of the files.
    fn marked_again(&self, mut lines: Vec<Line>) -> Vec<Line> {
        lines.pop();
        let mark = self.lines.number(record::synced(self.lines.length(&lines)).as_bytes());
        lines.push(mark);
        lines
    }

    fn read(&self, line: Line) -> Option<Record> {
        record::read(self.lines.bytes(&[line]).trim_ascii_end()).ok()
    }

    /// All lines in the order of their runs, so that what was written last counts.
    fn by_run(&self, journals: &[Vec<Line>]) -> Vec<Line> {
        let mut all = Vec::new();
        for lines in journals {
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
    /// The run that begins next at a place. Journals that are read together tell requests apart by their runs. Where no
    /// journals are merged, it follows from the journal alone, so that states that are read alike stay one.
    pub(super) fn run(&self, world: &World, at: usize, disk: &Disk) -> u8 {
        if self.left.merges > 0 {
            return RUN + self.left.runs - world.left.runs;
        }
        if self.files.count() == 1 {
            return RUN;
        }
        let of_place = u8::try_from(at << 4).unwrap();
        of_place + u8::try_from(self.files.scan(&disk.lines).recovered.runs.len()).unwrap()
    }

    /// The lines of the new journal, with what is planted.
    fn lines_merged(&self, mut journals: Vec<Vec<Line>>) -> Result<Option<Vec<Line>>, Refusal> {
        let header = self.header(0);
        match self.fault {
            Some(Fault::NewestRecordCounts) => Ok(Some(self.files.marked_again(self.files.by_run(&journals)))),
            Some(Fault::TornJournalLeftOut) => {
                journals.retain(|lines| self.files.scan(lines).tail != Tail::Torn);
                self.files.merge(&journals, &header)
            }
            Some(Fault::ResolutionOfEveryRequest) => {
                let Some(mut merged) = self.files.merge(&journals, &header)? else {
                    return Ok(None);
                };
                let is_resolution = |line: &Line| matches!(self.files.read(*line), Some(Record::Resolved { .. }));
                let mark = merged.pop();
                merged.extend(journals.concat().into_iter().filter(is_resolution));
                Ok(Some(self.files.marked_again(merged.into_iter().chain(mark).collect())))
            }
            _ => self.files.merge(&journals, &header),
        }
    }

    pub(super) fn merge(&self, world: &mut World, others_stay: bool) -> Option<()> {
        let journals = world.places.iter().map(|place| place.disk.lines.clone());
        let journals: Vec<Vec<Line>> = journals.filter(|lines| !lines.is_empty()).collect();
        let Ok(lines) = self.lines_merged(journals) else {
            world.broken = Some(Broken::RefusedWithoutReason);
            return Some(());
        };
        let lines = lines?;
        world.left.merges -= 1;
        for (at, place) in world.places.iter_mut().enumerate() {
            if at == 0 {
                place.disk = Disk { durable: lines.len(), lines: lines.clone(), is_damaged: false };
                place.is_complete = false;
            } else if !others_stay || self.apart == Some(at) {
                *place = Place::default();
            }
        }
        // Another journal may have known more than the one that was shown, unless that was the most there is.
        let known = &self.files.scan(&lines).recovered;
        for (person, row) in self.everybody(world.list) {
            let truth = &mut world.people[person];
            truth.shown = truth.shown.filter(|shown| *shown == Outcome::Accepted);
            truth.shown_at = 0;
            let outcome = known.state(self.key(&row)).map(RowState::effective);
            if truth.shown.is_some() && outcome != truth.shown {
                world.broken = Some(Broken::ShownAndLost);
            }
        }
        Some(())
    }
}

//! What happens to a journal while no run writes it: what a crash leaves, what an operator records, damage and repair. And
//! which journals are the same one, and which questions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::disk::{Disk, Line, remember};
use super::world::{Broken, Crash, Place, Step, World};
use super::{Fault, Life, Outcome, Resolution, RowKey, RowState, Tail, header, record};
use crate::bulk::journal::{ListedPerson, Recovered};
use crate::settings::bulk::Shard;

/// Who asks what of which damaged journal: the step, its place, that of the damage, the two journals, and which ones there
/// are.
pub(super) type Question = (Step, usize, usize, Vec<Line>, Vec<Line>, Vec<bool>);

/// By what a journal is known, beside what it says of each person.
#[derive(Clone, Copy)]
struct FoldedBy {
    /// Whether their outcomes are enough.
    outcomes: bool,
    /// Whether every line about them counts, for a merge tells requests apart.
    lines: bool,
    /// How many of the last runs.
    runs: usize,
    /// Whether it is also folded with an unfinished end.
    unfinished: bool,
}

impl Life {
    /// What a step asks that has to be refused because another journal is damaged, where that is asked once only. What else
    /// there is does not matter: a run reads each journal for itself, and so does a merge.
    pub(super) fn question(&self, world: &World, at: usize, step: Step) -> Option<Question> {
        let is_damaged = |place: &Place| place.disk.is_damaged;
        let damaged = world.places.iter().position(is_damaged).filter(|_| self.asks_once)?;
        let asks = match step {
            Step::Begin(_) if at != damaged => world.places[at].disk.lines.clone(),
            Step::Merge(_) => Vec::new(),
            _ => return None,
        };
        let are_there = world.places.iter().map(|place| !place.disk.lines.is_empty()).collect();
        Some((step, at, damaged, asks, world.places[damaged].disk.lines.clone(), are_there))
    }

    /// Puts the lines that were found first in the place of durable ones of which the crate reads the same. It takes one
    /// record after the other, so what comes behind them means the same.
    pub(super) fn fold(&self, world: &mut World, at: usize) {
        let is_merged = self.left.merges > world.left.merges;
        // Where no line can be damaged any more, and no request stands in two journals, only outcomes are asked: of an
        // intent without an end as of an unknown end, and of a resolution as of an end.
        let is_simple = self.at_once && world.left.damages == 0 && !self.has_copies(world);
        let place = &mut world.places[at];
        let is_written = place.run.is_some();
        let by = FoldedBy {
            // An end is still to come in a run, and an end is not put over a heavier one of the same request.
            outcomes: is_simple && !is_written,
            lines: is_merged && !is_simple,
            // The next requests are told apart from all others by the last one. Below a run whose record is damaged,
            // requests are taken for those of the run before it.
            runs: if is_merged { usize::MAX } else { usize::from(is_written && self.files.count() > 1) },
            unfinished: self.at_once,
        };
        let disk = &mut place.disk;
        let (lines, unsynced) = disk.lines.split_at(disk.durable.min(disk.lines.len()));
        let first = if disk.is_damaged { lines.to_vec() } else { self.folded(lines, at, by) };
        let mut unsynced = unsynced.to_vec();
        if let Some(mark) = unsynced.first_mut().filter(|line| self.is_mark(**line)) {
            *mark = self.files.lines.number(record::synced(self.files.lines.length(&first)).as_bytes());
        }
        disk.durable = first.len();
        disk.lines = [first, unsynced].concat();
    }

    fn folded(&self, lines: &[Line], at: usize, by: FoldedBy) -> Vec<Line> {
        let FoldedBy { outcomes, lines: by_lines, runs: kept, unfinished } = by;
        let flags = [outcomes, by_lines, unfinished].iter().fold(at as u64, |bits, flag| bits << 1 | u64::from(*flag));
        remember(&self.folded, (lines.to_vec(), flags << 2 | kept.min(2) as u64), || {
            let scan = self.files.scan(lines);
            let length = |count: usize| self.files.lines.length(&lines[..count]);
            let Some(valid) = (0..=lines.len()).find(|count| length(*count) == scan.valid) else {
                return lines.to_vec();
            };
            let is_whole = scan.tail == Tail::None || unfinished && scan.tail == Tail::Torn;
            // Where no line says how far it was synced, every line counts.
            let is_marked = lines[..valid].iter().any(|line| self.is_mark(*line));
            if !is_whole || !scan.damage.is_empty() || !is_marked {
                return lines.to_vec();
            }
            let Recovered { states, runs, .. } = &scan.recovered;
            let said = |state: &RowState| match state {
                RowState::Rejected { .. } => format!("{state:?}"),
                state if outcomes => format!("{:?}", state.effective()),
                state => format!("{state:?}"),
            };
            let mut people: Vec<String> = states.iter().map(|(key, state)| format!("{key} {}", said(state))).collect();
            if by_lines {
                people = self.by_person(&lines[..valid]);
            }
            people.sort();
            people.push(format!("{outcomes} {by_lines} {kept}"));
            people.extend(runs.iter().rev().take(kept).map(|run| run.id.clone()));
            // What kind of unfinished end it is; the next one who writes cuts it off.
            people.extend(lines[valid..].iter().map(|line| {
                let bytes = self.files.lines.bytes(&[*line]);
                let is_record = record::read(bytes.trim_ascii_end()).is_ok();
                format!("tail {is_record} {} {}", bytes.ends_with(b"\n"), bytes.contains(&0))
            }));
            let shards: BTreeSet<Option<Shard>> = runs.iter().map(|run| run.shard).collect();
            let known = (at, people, shards);
            self.first.lock().unwrap().entry(known).or_insert_with(|| lines.to_vec()).clone()
        })
    }

    /// Whether a request may stand in two journals, as it does behind a merge that leaves the others where they are.
    fn has_copies(&self, world: &World) -> bool {
        if self.left.merges == world.left.merges {
            return false;
        }
        let scans: Vec<_> = world.places.iter().map(|place| self.files.scan(&place.disk.lines)).collect();
        let (whole, others) = scans.split_first().unwrap();
        let is_there = |id: &str| whole.recovered.runs.iter().any(|run| run.id == id);
        others.iter().flat_map(|scan| &scan.recovered.runs).any(|run| is_there(&run.id))
    }

    /// The lines about each person, in their order and with the runs that they belong to.
    fn by_person(&self, lines: &[Line]) -> Vec<String> {
        let mut people: HashMap<RowKey, String> = HashMap::new();
        let mut run = 0;
        for line in lines {
            let record = record::read(self.files.lines.bytes(&[*line]).trim_ascii_end()).unwrap();
            match record.about() {
                Some((key, _)) => {
                    people.entry(key).or_insert_with(|| key.to_string()).push_str(&format!(" {run}:{line}"));
                }
                None if matches!(record, record::Record::Run(_)) => run = *line,
                None => {}
            }
        }
        people.into_values().collect()
    }

    /// Whether a line says how far the journal was synced.
    fn is_mark(&self, line: Line) -> bool {
        let read = record::read(self.files.lines.bytes(&[line]).trim_ascii_end());
        matches!(read, Ok(record::Record::Synced { .. }))
    }

    /// The lines that a later one says to be on the disk. Damage behind these cannot be told from what a power failure
    /// leaves, so a journal promises nothing of it.
    pub(super) fn marked(&self, disk: &Disk) -> usize {
        let durable = &disk.lines[..disk.durable.min(disk.lines.len())];
        durable.iter().rposition(|line| self.is_mark(*line)).unwrap_or(0)
    }

    /// What a power failure may leave of a journal. Two that are read alike are one.
    pub(super) fn images(&self, disk: &Disk) -> Arc<Vec<Disk>> {
        let call = (disk.durable as u64) << 1 | u64::from(disk.is_damaged);
        remember(&self.images, (disk.lines.clone(), call), || {
            let mut seen = Vec::new();
            let mut images = disk.after_power_failure(&self.files.lines);
            images.retain(|image| {
                let scan = self.files.scan(&image.lines);
                let valid = self.files.lines.bytes(&image.lines)[..usize::try_from(scan.valid).unwrap()].to_vec();
                let read = (valid, scan.tail, scan.damage.clone());
                let is_new = !seen.contains(&read);
                seen.push(read);
                is_new
            });
            Arc::new(images)
        })
    }

    pub(super) fn crash(&self, world: &mut World, at: usize, crash: Crash) -> Option<()> {
        world.left.crashes -= 1;
        let place = &mut world.places[at];
        place.run = None;
        if let Crash::PowerFailure(image) = crash {
            place.disk = self.images(&place.disk).get(image)?.clone();
        }
        if self.at_once {
            // What the next run syncs before anything else might as well have been synced now.
            place.disk.durable = place.disk.lines.len();
        }
        self.check_shown(world, at, crash != Crash::Kill);
        Some(())
    }

    /// What a journal says was shown, or may have been.
    pub(super) fn show(&self, world: &mut World, at: usize) {
        let known = &self.files.scan(&world.places[at].disk.lines).recovered;
        for (person, row) in self.everybody(world.list) {
            if let Some(state) = known.state(self.key(&row)) {
                (world.people[person].shown, world.people[person].shown_at) = (Some(state.effective()), at);
            }
        }
    }

    /// What was shown is still so; behind a power failure or a repair it may have become unknown.
    pub(super) fn check_shown(&self, world: &mut World, at: usize, may_be_unknown: bool) {
        let known = &self.files.scan(&world.places[at].disk.lines).recovered;
        for (person, row) in self.everybody(world.list) {
            let truth = world.people[person];
            let Some(shown) = truth.shown.filter(|_| truth.shown_at == at) else {
                continue;
            };
            (world.people[person].shown, world.people[person].shown_at) = (None, 0);
            match known.state(self.key(&row)).map(RowState::effective) {
                Some(outcome) if outcome == shown => {}
                Some(Outcome::Unknown) if may_be_unknown => {}
                _ => world.broken = Some(Broken::ShownAndLost),
            }
        }
    }

    /// The operator looks into the mailbox, and records what is true.
    pub(super) fn resolve(&self, world: &mut World, at: usize, person: usize) -> Option<()> {
        let row = self.row_of(world.list, person);
        let truth = &mut world.people[person];
        let resolution = if truth.mails > 0 { Resolution::Accepted } else { Resolution::NotSent };
        let disk = &mut world.places[at].disk;
        let lines = self.files.resolve(&disk.lines, self.key(&row), resolution)?;
        (disk.durable, disk.lines) = (lines.len() - 1, lines);
        truth.may_be_mailed &= resolution == Resolution::Accepted;
        world.left.resolutions -= 1;
        Some(())
    }

    pub(super) fn damage(&self, world: &mut World, at: usize, line: usize, is_all: bool) -> Option<()> {
        world.left.damages -= 1;
        self.show(world, at);
        let disk = &mut world.places[at].disk;
        let mut bytes = self.files.lines.bytes(&disk.lines[line..=line]);
        let end = bytes.len() - 1;
        if is_all {
            bytes[..end].fill(b'#');
        } else {
            bytes[end - 3] ^= 1;
        }
        disk.lines[line] = self.files.lines.number(&bytes);
        disk.is_damaged = true;
        // Where no record is left, it is not a journal any more, and no one can repair it.
        (!self.files.scan(&disk.lines).is_foreign).then_some(())
    }

    pub(super) fn repair(&self, world: &mut World, at: usize) -> Option<()> {
        let people: Vec<ListedPerson> = self
            .everybody(world.list)
            .map(|(_, row)| ListedPerson { row: row.line, email: row.email.into(), cname: "acme".to_owned() })
            .collect();
        let disk = &mut world.places[at].disk;
        let mut lines = self.files.repair(at, &disk.lines, &header(), &people)?;
        if self.fault == Some(Fault::RepairDropsDamage) {
            let valid = |line: &Line| record::read(self.files.lines.bytes(&[*line]).trim_ascii_end()).is_ok();
            lines = disk.lines.iter().copied().filter(valid).collect();
        }
        // A repair syncs once more behind the mark.
        *disk = Disk { durable: lines.len(), lines, is_damaged: false };
        self.check_shown(world, at, true);
        Some(())
    }
}

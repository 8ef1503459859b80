//! What happens to a journal while no run writes it: what a crash leaves, what an operator records, damage and repair.
//! Also which journals, and which refusals, count as the same.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::disk::{Disk, Line, remember};
use super::world::{Broken, Crash, Place, Step, World};
use super::{Fault, Life, Outcome, Resolution, RowKey, RowState, Tail, header, record};
use crate::bulk::journal::{ListedPerson, Recovered};
use crate::settings::bulk::Shard;

/// A step that damage prevents: the step, its place, the place of the damage, the two journals, and which journals
/// exist.
pub(super) type Question = (Step, usize, usize, Vec<Line>, Vec<Line>, Vec<bool>);

/// What distinguishes a journal, besides what it says of each person.
#[derive(Clone, Copy)]
struct FoldedBy {
    /// Whether outcomes are enough.
    outcomes: bool,
    /// Whether every line about a person counts, because a merge distinguishes requests.
    lines: bool,
    /// How many of the last runs count.
    runs: usize,
    /// Whether journals with an unfinished end are folded, too.
    unfinished: bool,
}

impl Life {
    /// The refusal that a step meets because another journal is damaged, if each is tried only once. The rest of the
    /// state does not matter: a run reads each journal by itself, and so does a merge.
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

    /// Replaces durable lines by the first lines that were found in which the crate reads the same. The crate reads one
    /// record after the other, so the lines after them keep their meaning.
    pub(super) fn fold(&self, world: &mut World, at: usize) {
        let is_merged = self.left.merges > world.left.merges;
        // If no line can be damaged any more, and no request is in two journals, only outcomes matter: an intent
        // without an end means the same as an unknown end, and a resolution the same as an end.
        let is_simple = self.at_once && world.left.damages == 0 && !self.has_copies(world);
        let place = &mut world.places[at];
        let is_written = place.run.is_some();
        let by = FoldedBy {
            // During a run an end is still to come, and an end does not replace a stronger one of the same request.
            outcomes: is_simple && !is_written,
            lines: is_merged && !is_simple,
            // The last run distinguishes the next requests from all others. Below a run whose record is damaged,
            // requests count as those of the run before it.
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
            // If no record says how far the journal was synced, every line counts.
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
            // The kind of the unfinished end. The next writer cuts it off.
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

    /// Whether a request may be in two journals, as after a merge that leaves the others in place.
    fn has_copies(&self, world: &World) -> bool {
        if self.left.merges == world.left.merges {
            return false;
        }
        let scans: Vec<_> = world.places.iter().map(|place| self.files.scan(&place.disk.lines)).collect();
        let (whole, others) = scans.split_first().unwrap();
        let is_there = |id: &str| whole.recovered.runs.iter().any(|run| run.id == id);
        others.iter().flat_map(|scan| &scan.recovered.runs).any(|run| is_there(&run.id))
    }

    /// The lines about each person, in order, with the runs that they belong to.
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

    /// Whether a line records how far the journal was synced.
    fn is_mark(&self, line: Line) -> bool {
        let read = record::read(self.files.lines.bytes(&[line]).trim_ascii_end());
        matches!(read, Ok(record::Record::Synced { .. }))
    }

    /// The lines that a later record proves to be on the disk. Damage after them looks like the result of a power
    /// failure, so a journal promises nothing about it.
    pub(super) fn marked(&self, disk: &Disk) -> usize {
        let durable = &disk.lines[..disk.durable.min(disk.lines.len())];
        durable.iter().rposition(|line| self.is_mark(*line)).unwrap_or(0)
    }

    /// What a power failure may leave of a journal. Results in which the crate reads the same count once.
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
            // The next run syncs this first, so it may count as synced now.
            place.disk.durable = place.disk.lines.len();
        }
        self.check_shown(world, at, crash != Crash::Kill);
        Some(())
    }

    /// Notes what a journal says as shown.
    pub(super) fn show(&self, world: &mut World, at: usize) {
        let known = &self.files.scan(&world.places[at].disk.lines).recovered;
        for (person, row) in self.everybody(world.list) {
            if let Some(state) = known.state(self.key(&row)) {
                (world.people[person].shown, world.people[person].shown_at) = (Some(state.effective()), at);
            }
        }
    }

    /// Checks that what was shown is still true. After a power failure or a repair it may have become unknown.
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

    /// The operator looks into the person's mailbox and records the truth.
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
        // Without any record it is not a journal any more, and no one can repair it.
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
        // A repair syncs once more, after the record of the sync.
        *disk = Disk { durable: lines.len(), lines, is_damaged: false };
        self.check_shown(world, at, true);
        Some(())
    }
}

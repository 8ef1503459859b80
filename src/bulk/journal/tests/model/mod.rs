//! The whole life of a list as one state machine, of which every state is visited: runs that begin, are cut down by a kill
//! or a power failure and begin again, workers and what the service does with their requests, the list edited in between,
//! an operator who resolves what is unknown, damage and its repair, journals that are merged.
//!
//! A state holds the real lines of the journal. They are written by the crate's own records, and all that is decided is
//! decided by the crate's own functions; the model only keeps count of what is true. Each fault in [`FAULTS`] is planted
//! and has to be found.

mod between;
mod disk;
mod merging;
mod sizes;
mod steps;
mod walk;
mod world;
mod writing;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::*;
use crate::bulk::list::Row;
use crate::settings::bulk::Shard;
use between::Question;
use disk::{Disk, Files, Line, Memory};
use sizes::{
    Size, crashes_of_shards, damaged_journal, everything, everything_and_two_crashes, is_full, merged, one_journal,
    shards, size,
};
use walk::{Found, Walk};
use world::Broken::{Forgotten, MailedAgain, RefusedWithoutReason, ShownAndLost, WrongOutcome};
use world::Service::{IsBusy, IsDown, Mails, Refuses};
use world::{Action, Answer, Crash, Left, PEOPLE, Phase, Place, Service, Step, Truth, World};
use writing::Op;

/// The first two are in the first half of the list, the third is in the second.
const EMAILS: [&str; PEOPLE] = ["ada@x.de", "bob@x.de", "fay@x.de"];

/// The one promise that no single state breaks.
const ENDS: &str = "every run comes to its end";

/// What is planted to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    RequestBeforeSync,
    ShownBeforeWritten,
    KeyedByLine,
    UnknownRetried,
    IntentWithoutEndForgotten,
    TornTailRefused,
    DamageCutOff,
    JournalOfEachVersion,
    RepairDropsDamage,
    OtherDivisionsIgnored,
    SplitByLine,
    JournalsPutTogether,
    LocksIgnored,
    NewestRecordCounts,
    TornJournalLeftOut,
    ResolutionOfEveryRequest,
}

/// What a journal says: of its people, and whose runs wrote it. Lines that have to be the same are among it by their numbers.
type Read = (usize, Vec<String>, BTreeSet<Option<Shard>>);

/// Which journals are the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folds {
    /// Those with the same lines.
    Lines,
    /// Those in which the same is read of everybody; after a merge, which tells requests apart, those with the same lines
    /// about everybody.
    People,
}

/// What can happen, and what is planted.
struct Life {
    files: Files,
    service: String,
    /// The lines by which journals of which the same is read are known.
    first: Mutex<HashMap<Read, Vec<Line>>>,
    folded: Memory<Vec<Line>>,
    folds: Folds,
    records: Memory<Line>,
    ops: Memory<Vec<Op>>,
    images: Memory<Arc<Vec<Disk>>>,
    /// The versions of the list: who stands in it, in its order.
    lists: &'static [&'static [usize]],
    /// What the service may do with each person's requests.
    services: [&'static [Service]; PEOPLE],
    workers: usize,
    /// The place on another machine: its journal and the others do not know each other before they are merged. No connection
    /// comes up from there, because else people would be mailed twice without any fault of a merge.
    apart: Option<usize>,
    crashes_everywhere: bool,
    /// Whether what no one else can see happens at once: see [`everything`].
    at_once: bool,
    /// Whether a run or a merge that damage keeps away asks only once for each two journals: see [`everything_and_two_crashes`].
    asks_once: bool,
    refused: Mutex<HashSet<Question>>,
    left: Left,
    fault: Option<Fault>,
}

impl Life {
    /// The rows that a run at a place is about.
    fn rows_of(&self, at: usize, list: usize) -> Vec<Row> {
        let rows = (1..).zip(self.lists[list]);
        let mut rows: Vec<Row> =
            rows.map(|(line, person)| Row { line, email: EMAILS[*person].into(), cname: None }).collect();
        if let Some(shard) = self.files.shard(at) {
            rows.retain(|row| match self.fault {
                Some(Fault::SplitByLine) => row.line % 2 == u64::from(shard.number() % 2),
                _ => shard.contains(self.key(row).shard_bits()),
            });
        }
        rows
    }

    /// Whether a run may be cut down there now. The smaller model does it only to what is merged later, and not apart.
    fn may_crash(&self, world: &World, at: usize) -> bool {
        let is_after_merge = self.left.merges > world.left.merges;
        world.left.crashes > 0 && (self.crashes_everywhere || self.apart != Some(at) && !is_after_merge)
    }

    fn header(&self, at: usize) -> RunHeader {
        RunHeader { shard: self.files.shard(at), ..header() }
    }

    /// What may happen at a place where no run is.
    fn between_runs(&self, world: &World, at: usize, steps: &mut Vec<Step>) {
        let Left { runs, edits, resolutions, damages, merges, .. } = world.left;
        let disk = &world.places[at].disk;
        if self.at_once {
            let is_busy = |other: &usize| *other != at && world.places[*other].is_busy();
            let busy = (0..world.places.len()).find(is_busy);
            if (busy.is_some() || disk.is_damaged) && merges > 0 && at == 0 {
                steps.push(Step::Merge(true));
            }
            if let Some(busy) = busy {
                if runs > 0 && self.sees(at, busy) {
                    steps.push(Step::Begin(world.list));
                }
                return;
            }
            if disk.is_damaged {
                steps.extend([Step::Begin(world.list), Step::Repair]);
                return;
            }
        }
        if self.left.merges > 0 {
            // A run elsewhere changes nothing here, or has a lock. After a merge, all continue with what it made.
            if world.places.iter().any(|place| place.run.is_some()) || merges == 0 && self.apart == Some(at) {
                return;
            }
            if merges > 0 && runs > 0 && at == 0 {
                steps.extend([Step::Merge(false), Step::Merge(true)]);
            }
        }
        for list in 0..self.lists.len() {
            if runs > 0 && (list == world.list || edits > 0) {
                steps.push(Step::Begin(list));
                if runs > 1 && list == world.list && self.may_crash(world, at) {
                    steps.push(Step::CrashInBegin(list, Crash::Kill));
                    (0..8).for_each(|image| steps.push(Step::CrashInBegin(list, Crash::PowerFailure(image))));
                }
            }
        }
        if resolutions > 0 && (runs > 0 || !self.at_once) {
            steps.extend((0..PEOPLE).map(Step::Resolve));
        }
        if damages > 0 && runs > 0 && !disk.is_damaged {
            for line in 0..self.marked(disk) {
                steps.extend([Step::Damage(line, false), Step::Damage(line, true)]);
            }
        }
        if disk.is_damaged {
            steps.push(Step::Repair);
        }
    }

    /// Whether a run at a place reads the journal of another.
    fn sees(&self, at: usize, other: usize) -> bool {
        let division = |at: usize| self.files.shard(at).map(Shard::count);
        ![Some(at), Some(other)].contains(&self.apart) && division(at) != division(other)
    }

    fn in_run(&self, world: &World, at: usize, steps: &mut Vec<Step>) {
        let Some(run) = &world.places[at].run else {
            return;
        };
        if self.at_once && !run.queued.is_empty() {
            return self.in_commit(world, at, steps);
        }
        let may_crash = world.left.runs > 0 && self.may_crash(world, at);
        // Where no crash comes, it does not matter which of two requests was first.
        let workers = if self.at_once && !may_crash { 1 } else { self.workers };
        if run.taken < run.tasks.len() && run.workers.len() < workers {
            steps.push(Step::Take);
        }
        for work in &run.workers {
            let person = run.tasks[work.task].0;
            match work.phase {
                Phase::Waits => {}
                Phase::Cleared => {
                    let services = if self.apart == Some(at) { &[IsDown] } else { self.services[person] };
                    for service in services {
                        let mut send = |answer| steps.push(Step::Send(work.task, *service, answer));
                        send(Answer::Last);
                        match service {
                            IsDown => send(Answer::TriesAgain),
                            IsBusy => [Answer::TriesAgain, Answer::Lost].into_iter().for_each(send),
                            Mails | Refuses => send(Answer::Lost),
                        }
                    }
                    if self.at_once && world.left.runs == 0 {
                        // No one's outcome depends on the others' any more: the first one's will do for all who may have it.
                        let first = run.ended.first().map(|ended| ended.outcome);
                        let is_same = |step: &Step| first.is_none_or(|first| steps::outcome_of(*step) == Some(first));
                        if steps.iter().any(is_same) {
                            steps.retain(is_same);
                        }
                    }
                }
                Phase::Rests => steps.push(Step::TryAgain(work.task)),
            }
        }
        let mut crashes = vec![];
        if may_crash {
            crashes.push(Crash::Kill);
            crashes.extend((0..self.images(&world.places[at].disk).len()).map(Crash::PowerFailure));
        }
        if !run.ops.is_empty() {
            steps.push(Step::FinishBatch);
        } else if !run.queued.is_empty() {
            self.in_commit(world, at, steps);
        } else if run.workers.is_empty() && run.taken == run.tasks.len() {
            steps.push(Step::End);
        }
        steps.extend(crashes.into_iter().map(Step::Crash));
    }

    fn in_commit(&self, world: &World, at: usize, steps: &mut Vec<Step>) {
        steps.push(Step::Commit);
        let Place { disk, run: Some(run) } = &world.places[at] else {
            return;
        };
        if world.left.runs == 0 || !self.may_crash(world, at) {
            return;
        }
        let ops = self.ops(world, at).unwrap_or_default();
        for count in 1..steps::unseen(&ops) {
            steps.push(Step::CrashInCommit(count, Crash::Kill));
            let is_synced = ops[..count].contains(&Op::Sync);
            // For each line at most a whole and a torn end, and two with zeros.
            let unsynced = disk.lines.len() - disk.durable + run.queued.len();
            let images = if is_synced { 0 } else { 2 * unsynced + 3 };
            steps.extend((0..images).map(|image| Step::CrashInCommit(count, Crash::PowerFailure(image))));
        }
    }
}

impl Model for Life {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            list: 0,
            places: vec![Place::default(); self.files.count()],
            people: [Truth::default(); PEOPLE],
            left: self.left,
            broken: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        for at in 0..world.places.len() {
            let mut steps = Vec::new();
            match world.places[at].run {
                None => self.between_runs(world, at, &mut steps),
                Some(_) => self.in_run(world, at, &mut steps),
            }
            actions.extend(steps.into_iter().map(|step| Action { at, step }));
        }
    }

    fn next_state(&self, world: &World, Action { at, step }: Action) -> Option<World> {
        let mut world = world.clone();
        self.step(&mut world, at, step)?;
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(MailedAgain.promise(), |_, world: &World| world.broken != Some(MailedAgain)),
            Property::always(Forgotten.promise(), |_, world: &World| world.broken != Some(Forgotten)),
            Property::always(ShownAndLost.promise(), |_, world: &World| world.broken != Some(ShownAndLost)),
            Property::always(RefusedWithoutReason.promise(), |_, world: &World| {
                world.broken != Some(RefusedWithoutReason)
            }),
            Property::always(WrongOutcome.promise(), |_, world: &World| world.broken != Some(WrongOutcome)),
            Property::eventually(ENDS, |_, world: &World| {
                let is_over = |place: &Place| place.run.is_none();
                world.broken.is_some() || world.left.runs == 0 && world.places.iter().all(is_over)
            }),
        ]
    }
}

#[test]
fn everything_keeps_its_promises() {
    assert_eq!(check("everything", everything(None), None), None);
    assert_eq!(walk("everything, from rest to rest", &everything(None), None), None);
    if is_full() {
        assert_eq!(walk("crashes of shards", &crashes_of_shards(None), None), None);
    }
    if size() == Size::All {
        assert_eq!(walk("everything and two crashes", &everything_and_two_crashes(None), None), None);
    }
}

/// Walks through a machine that is too large for [`check`].
fn walk(name: &str, life: &Life, expected: Option<&'static str>) -> Option<&'static str> {
    let walk = Walk::new(life, expected);
    let found = walk.walk(2);
    println!("{name}: {}", walk.summary());
    let Found { promise, way } = found?;
    println!("  {promise}, but: {way:?}");
    Some(promise)
}

/// Each planted fault is found among this many: the larger model takes about a second for every ten thousand.
const TRANSITIONS_MAX: usize = 300_000;

/// Walks through all states, or until one breaks a promise: the one that is `expected`, or any.
fn check(name: &str, life: Life, expected: Option<&'static str>) -> Option<&'static str> {
    let begun = Instant::now();
    let checker = life.checker().threads(2);
    match expected {
        // In depth, with few states at hand at a time: all of them in breadth do not fit into memory.
        None => found(name, begun, &checker.finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join(), None),
        Some(promise) => {
            let checker = checker.finish_when(HasDiscoveries::AnyOf([promise].into()));
            found(name, begun, &checker.target_state_count(TRANSITIONS_MAX).spawn_bfs().join(), expected)
        }
    }
}

fn found(
    name: &str,
    begun: Instant,
    checker: &impl Checker<Life>,
    expected: Option<&'static str>,
) -> Option<&'static str> {
    let (transitions, states) = (checker.state_count(), checker.unique_state_count());
    let elapsed = begun.elapsed().as_secs_f64();
    println!("{name}: {transitions} transitions, {states} states, depth {}, {elapsed:.1} s", checker.max_depth());
    let mut found = checker.discoveries().into_iter();
    let (promise, path) = found.find(|(promise, _)| expected.is_none_or(|expected| *promise == expected))?;
    println!("  {promise}, but: {:?}", path.into_actions());
    Some(promise)
}

#[test]
fn one_journal_keeps_its_promises() {
    assert_eq!(check("one journal", one_journal(None), None), None);
}

#[test]
fn a_damaged_journal_keeps_its_promises() {
    assert_eq!(check("a damaged journal", damaged_journal(None), None), None);
}

#[test]
fn shards_keep_their_promises() {
    assert_eq!(check("shards", shards(None), None), None);
}

#[test]
fn merged_journals_keep_their_promises() {
    assert_eq!(check("merged journals", merged(None), None), None);
}

type Kind = fn(Option<Fault>) -> Life;

/// Each with the promise that it breaks, somewhere in the shortest ways.
const FAULTS: [(Fault, Kind, &str); 16] = [
    (Fault::RequestBeforeSync, one_journal, "no one is mailed again"),
    (Fault::ShownBeforeWritten, one_journal, "what was shown stays"),
    (Fault::KeyedByLine, one_journal, "no one is mailed again"),
    (Fault::UnknownRetried, one_journal, "no one is mailed again"),
    (Fault::IntentWithoutEndForgotten, one_journal, "no one is mailed again"),
    (Fault::TornTailRefused, one_journal, "no journal is refused without a reason"),
    (Fault::JournalOfEachVersion, one_journal, "no one is mailed again"),
    (Fault::DamageCutOff, damaged_journal, "no one is mailed again"),
    (Fault::RepairDropsDamage, damaged_journal, "what was shown stays"),
    (Fault::OtherDivisionsIgnored, shards, "no one is mailed again"),
    (Fault::SplitByLine, shards, "no one is mailed again"),
    (Fault::JournalsPutTogether, shards, "no one is mailed again"),
    (Fault::LocksIgnored, shards, "no one is mailed again"),
    (Fault::NewestRecordCounts, merged, "no one is mailed again"),
    (Fault::TornJournalLeftOut, merged, "no one is mailed again"),
    (Fault::ResolutionOfEveryRequest, merged, "no one is mailed again"),
];

#[test]
fn each_planted_fault_is_found() {
    for (fault, life, promise) in FAULTS {
        let found = check(&format!("{fault:?}"), life(Some(fault)), Some(promise));
        assert_eq!(found, Some(promise), "{fault:?}");
    }
}

/// A run of the largest machine finds them as well, each by the promise that it breaks first.
#[test]
fn each_planted_fault_is_found_in_everything() {
    let faults = FAULTS.iter().filter(|_| size() == Size::All);
    for (fault, ..) in faults {
        let found = walk(&format!("{fault:?} in everything"), &everything_and_two_crashes(Some(*fault)), None);
        assert!(found.is_some(), "{fault:?}");
    }
}

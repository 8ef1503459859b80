//! The whole life of a list as one state machine, every state of which is visited: runs that begin, are ended by a kill
//! or a power failure and begin again; workers, and what the service does with their requests; an edit of the list; an
//! operator who resolves unknown people; damage and its repair; journals that are merged.
//!
//! A state has the real lines of the journals. The crate's own records write them, and the crate's own functions decide
//! everything. The model only tracks what is true. Each fault in [`FAULTS`] is planted and has to be found.

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

/// The first two people are in the first half of the list, the third is in the second half.
const EMAILS: [&str; PEOPLE] = ["ada@x.de", "bob@x.de", "fay@x.de"];

/// The only promise that no single state can break.
const ENDS: &str = "every run comes to its end";

/// A fault that is planted and has to be found.
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

/// What a journal says about its people, and which runs wrote it. Lines that must be equal are included by their
/// numbers.
type Read = (usize, Vec<String>, BTreeSet<Option<Shard>>);

/// Which journals count as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folds {
    /// Journals with the same lines.
    Lines,
    /// Journals that say the same about everyone. After a merge, which distinguishes requests, journals with the same
    /// lines about everyone.
    People,
}

/// What can happen, and which fault is planted.
struct Life {
    files: Files,
    service: String,
    /// For everything that a journal can say, the lines with which it was said first.
    first: Mutex<HashMap<Read, Vec<Line>>>,
    folded: Memory<Vec<Line>>,
    folds: Folds,
    records: Memory<Line>,
    ops: Memory<Vec<Op>>,
    images: Memory<Arc<Vec<Disk>>>,
    /// The versions of the list: the people on it, in order.
    lists: &'static [&'static [usize]],
    /// What the service may do with each person's requests.
    services: [&'static [Service]; PEOPLE],
    workers: usize,
    /// The place on another machine. Its journal and the others do not see each other before they are merged. No
    /// connection is established from there: otherwise people would be mailed twice without any fault of a merge.
    apart: Option<usize>,
    crashes_everywhere: bool,
    /// Whether steps that nothing else can see happen at once: see [`everything`].
    at_once: bool,
    /// Whether a refusal because of damage is tried only once for each pair of journals: see
    /// [`everything_and_two_crashes`].
    asks_once: bool,
    refused: Mutex<HashSet<Question>>,
    left: Left,
    fault: Option<Fault>,
}

impl Life {
    /// The rows that a run at a place sends.
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

    /// Whether a run may crash there now. In the smaller machine, only runs crash whose journals are merged later.
    fn may_crash(&self, world: &World, at: usize) -> bool {
        let is_after_merge = self.left.merges > world.left.merges;
        world.left.crashes > 0 && (self.crashes_everywhere || self.apart != Some(at) && !is_after_merge)
    }

    fn header(&self, at: usize) -> RunHeader {
        RunHeader { shard: self.files.shard(at), ..header() }
    }

    /// The steps at a place without a run.
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
            // A run elsewhere changes nothing here, or holds a lock. After a merge, all places continue with the merged
            // journal.
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
        // Without a crash, the order of two requests does not matter.
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
                        // The outcome of one person no longer affects the others, so the first person's outcome is
                        // tried for everyone who can have it.
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
            // For each line at most one whole and one torn end, and two ends with zeros.
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

/// Each planted fault is found within this many transitions: the larger machine makes about ten thousand in a second.
const TRANSITIONS_MAX: usize = 300_000;

/// Walks through all states, or until a promise is broken: the `expected` one, or any.
fn check(name: &str, life: Life, expected: Option<&'static str>) -> Option<&'static str> {
    let begun = Instant::now();
    let checker = life.checker().threads(2);
    match expected {
        // Depth first, which keeps few states in memory at a time. Breadth first does not fit.
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

/// Each fault with the promise that it breaks on one of the shortest ways.
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

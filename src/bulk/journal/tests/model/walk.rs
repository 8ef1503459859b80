//! Walks through the largest machine, which has too many states to keep.
//!
//! A state is at rest if no run is under way and no damage waits for its repair. Only states at rest are kept. The
//! states between two of them are visited one by one as well, but only the states at rest in which they end are
//! remembered.
//!
//! Two rules save most of the work. Nothing is missed because of them:
//!
//! - A run does not depend on how many edits and resolutions are left, and neither does damage until its repair. If the
//!   rest of the state is the same, it ends in the same states, and is not walked through again.
//! - A state with more left can do everything that the same state with less left can do. So a state at rest is not
//!   visited if the same state was already met with at least as much of everything left.
//!
//! Both rely on one property of the machine: while a run or damage is at one place, no step at the other places uses
//! anything up.
//!
//! The promise that every run comes to its end is about the end of each way, and the second rule leaves ways out. So
//! each state is checked instead: it must have a step that is not a crash, an edit, or the work of an operator. A run
//! has to continue by itself, and a state at rest has to allow a run. Each such step uses something up, so a way that
//! has only such steps comes to its end.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use stateright::Model;

use super::world::{Action, Left, Place, Step, World};
use super::{ENDS, Life};

/// Identifies a state. The chance that two of ten million states have the same one is about one in a hundred thousand.
type Print = u64;

fn print_of(world: &World) -> Print {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

/// The number of a state at rest, without what is left beside merges.
type Core = u32;

/// The end of a way from one state at rest to the next.
#[derive(Clone, Copy)]
struct Exit {
    core: Core,
    runs: u8,
    crashes: u8,
}

/// A state at rest, and how it was reached.
#[derive(Clone, Copy)]
struct Rest {
    core: Core,
    left: Left,
    /// The state at rest before it, and the first action after that.
    before: usize,
    by: Action,
}

/// What was met so far.
#[derive(Default)]
struct Met {
    numbers: HashMap<Print, Core>,
    cores: Vec<World>,
    /// What was left whenever each core was met, without those that another one covers.
    left: Vec<Vec<Left>>,
    rests: Vec<Rest>,
    /// The states that were not visited yet, by how much is left.
    waiting: Vec<Vec<usize>>,
    /// How many threads visit a state now.
    at_work: usize,
    broken: Option<Found>,
    is_given_up: bool,
}

/// A promise that is broken, and the way to it.
pub(super) struct Found {
    pub(super) promise: &'static str,
    pub(super) way: Vec<Action>,
}

/// All states from one that is not at rest up to those that are.
struct Ways {
    /// Each with the number of its last step.
    ends: Vec<(World, usize)>,
    /// Each action with the number of the step before it.
    steps: Vec<(usize, Action)>,
    broken: Option<(&'static str, usize)>,
}

impl Ways {
    fn to(&self, mut step: usize) -> Vec<Action> {
        let mut way = Vec::new();
        while let Some((before, action)) = step.checked_sub(1).map(|place| self.steps[place]) {
            way.push(action);
            step = before;
        }
        way.reverse();
        way
    }
}

pub(super) struct Walk<'a> {
    life: &'a Life,
    /// The promise that is looked for; any if there is none.
    expected: Option<&'static str>,
    met: Mutex<Met>,
    has_more: Condvar,
    /// The ends of the runs that were walked through, by the state in which each began.
    ends: Mutex<HashMap<Print, Arc<[Exit]>>>,
    begun: Instant,
    states: AtomicUsize,
    transitions: AtomicUsize,
    /// How often a state at rest was met again with less left.
    covered: AtomicUsize,
}

fn total(left: Left) -> usize {
    let Left { runs, crashes, edits, resolutions, damages, merges } = left;
    [runs, crashes, edits, resolutions, damages, merges].into_iter().map(usize::from).sum()
}

fn covers(one: Left, other: Left) -> bool {
    one.runs >= other.runs
        && one.crashes >= other.crashes
        && one.edits >= other.edits
        && one.resolutions >= other.resolutions
        && one.damages >= other.damages
        && one.merges >= other.merges
}

impl<'a> Walk<'a> {
    pub(super) fn new(life: &'a Life, expected: Option<&'static str>) -> Self {
        assert!(life.at_once, "this walk is for a machine in which the other places wait");
        let waiting = vec![Vec::new(); total(life.left) + 1];
        Self {
            life,
            expected,
            met: Mutex::new(Met { waiting, ..Met::default() }),
            has_more: Condvar::new(),
            ends: Mutex::default(),
            begun: Instant::now(),
            states: AtomicUsize::new(0),
            transitions: AtomicUsize::new(0),
            covered: AtomicUsize::new(0),
        }
    }

    /// Walks to the end, or until a promise is broken.
    pub(super) fn walk(&self, threads: usize) -> Option<Found> {
        let nothing = Action { at: 0, step: Step::End };
        let first = self.life.init_states().remove(0);
        self.meet(&mut self.met.lock().unwrap(), &first, 0, nothing);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.visit_all());
            }
        });
        self.met.lock().unwrap().broken.take()
    }

    fn visit_all(&self) {
        let mut met = self.met.lock().unwrap();
        let mut reported = Instant::now();
        while met.broken.is_none() && !met.is_given_up {
            // States with the most left come first, because they cover others.
            let Some(rest) = met.waiting.iter_mut().rev().find_map(Vec::pop) else {
                if met.at_work == 0 {
                    break;
                }
                met = self.has_more.wait(met).unwrap();
                continue;
            };
            if reported.elapsed() >= Duration::from_secs(60) {
                reported = Instant::now();
                let waiting: Vec<usize> = met.waiting.iter().map(Vec::len).collect();
                println!("  so far {}; those that wait, by what is left: {waiting:?}", self.summary_of(&met));
            }
            let Rest { core, left, .. } = met.rests[rest];
            if met.left[core as usize].contains(&left) {
                let world = World { left, ..met.cores[core as usize].clone() };
                met.at_work += 1;
                drop(met);
                let visited = catch_unwind(AssertUnwindSafe(|| self.visit(&world, rest)));
                met = self.met.lock().unwrap();
                met.at_work -= 1;
                if let Err(panic) = visited {
                    // The other threads would wait for the states that this one was going to find.
                    met.is_given_up = true;
                    drop(met);
                    self.has_more.notify_all();
                    resume_unwind(panic);
                }
            }
            self.has_more.notify_all();
        }
        self.has_more.notify_all();
    }

    pub(super) fn summary(&self) -> String {
        self.summary_of(&self.met.lock().unwrap())
    }

    fn summary_of(&self, met: &Met) -> String {
        let [transitions, states, covered] =
            [&self.transitions, &self.states, &self.covered].map(|count| count.load(Ordering::Relaxed));
        let (rests, seconds) = (met.rests.len(), self.begun.elapsed().as_secs_f64());
        format!("{transitions} transitions, {states} states, {rests} at rest, {covered} covered, {seconds:.1} s")
    }

    /// Takes every step from a state at rest.
    fn visit(&self, world: &World, rest: usize) {
        self.states.fetch_add(1, Ordering::Relaxed);
        let mut actions = Vec::new();
        self.life.actions(world, &mut actions);
        let mut continues = false;
        for action in actions {
            let Some(next) = self.life.next_state(world, action) else {
                continue;
            };
            self.transitions.fetch_add(1, Ordering::Relaxed);
            continues |= matches!(action.step, Step::Begin(list) if list == world.list);
            if let Some(broken) = next.broken {
                self.found(broken.promise(), rest, vec![action]);
            } else if is_at_rest(&next) {
                self.meet(&mut self.met.lock().unwrap(), &next, rest, action);
            } else {
                self.meet_ends(&next, rest, action);
            }
        }
        if !continues {
            self.found(ENDS, rest, Vec::new());
        }
    }

    /// Notes a state at rest.
    fn meet(&self, met: &mut Met, world: &World, before: usize, by: Action) {
        // After the last run, every promise was checked.
        if world.left.runs > 0 {
            let core = number(met, world);
            self.meet_core(met, Rest { core, left: world.left, before, by });
        }
    }

    fn meet_core(&self, met: &mut Met, rest: Rest) {
        let before = &mut met.left[rest.core as usize];
        if before.iter().any(|before| covers(*before, rest.left)) {
            if !before.contains(&rest.left) {
                self.covered.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        before.retain(|before| !covers(rest.left, *before));
        before.push(rest.left);
        met.waiting[total(rest.left)].push(met.rests.len());
        met.rests.push(rest);
    }

    /// Continues from a state in which a run begins or a line is damaged, up to the next states at rest.
    fn meet_ends(&self, begun: &World, rest: usize, by: Action) {
        let left = Left { edits: 0, resolutions: 0, ..begun.left };
        let known = World { left, ..begun.clone() };
        let print = print_of(&known);
        let ends = self.ends.lock().unwrap().get(&print).cloned();
        let ends = ends.unwrap_or_else(|| {
            let ways = self.walk_to_rest(known);
            if let Some((promise, step)) = ways.broken {
                self.found(promise, rest, [vec![by], ways.to(step)].concat());
            }
            let mut met = self.met.lock().unwrap();
            let exit = |(world, _): &(World, usize)| {
                let Left { runs, crashes, .. } = world.left;
                Exit { core: number(&mut met, world), runs, crashes }
            };
            let ends: Arc<[Exit]> = ways.ends.iter().map(exit).collect();
            drop(met);
            // The same damage is rarely met twice, so remembering it would only take memory.
            if !begun.places.iter().any(|place| place.disk.is_damaged) {
                self.ends.lock().unwrap().insert(print, Arc::clone(&ends));
            }
            ends
        });
        let mut met = self.met.lock().unwrap();
        for Exit { core, runs, crashes } in ends.iter().copied() {
            let merges = met.cores[core as usize].left.merges;
            let left = Left { runs, crashes, merges, ..begun.left };
            self.meet_core(&mut met, Rest { core, left, before: rest, by });
        }
    }

    /// Visits every state up to the next states at rest. States after the last run are left out: no promise is checked
    /// there.
    fn walk_to_rest(&self, begun: World) -> Ways {
        let mut ways = Ways { ends: Vec::new(), steps: Vec::new(), broken: None };
        let mut seen = HashSet::from([print_of(&begun)]);
        let mut pending = vec![(begun, 0)];
        let mut actions = Vec::new();
        let is_looked_for = |promise| self.expected.is_none_or(|expected| expected == promise);
        while let Some((world, before)) = pending.pop() {
            self.states.fetch_add(1, Ordering::Relaxed);
            self.life.actions(&world, &mut actions);
            let mut continues = false;
            for action in actions.drain(..) {
                let Some(next) = self.life.next_state(&world, action) else {
                    continue;
                };
                self.transitions.fetch_add(1, Ordering::Relaxed);
                continues |= !matches!(action.step, Step::Crash(_) | Step::CrashInCommit(..) | Step::Merge(_));
                if !seen.insert(print_of(&next)) {
                    continue;
                }
                ways.steps.push((before, action));
                let step = ways.steps.len();
                if let Some(broken) = next.broken {
                    ways.broken =
                        ways.broken.or(Some((broken.promise(), step)).filter(|_| is_looked_for(broken.promise())));
                } else if !is_at_rest(&next) {
                    pending.push((next, step));
                } else if next.left.runs > 0 {
                    ways.ends.push((next, step));
                }
            }
            if !continues && is_looked_for(ENDS) {
                ways.broken = ways.broken.or(Some((ENDS, before)));
            }
        }
        ways
    }

    /// Notes that a promise is broken at the end of these actions.
    fn found(&self, promise: &'static str, rest: usize, last: Vec<Action>) {
        if self.expected.is_some_and(|expected| expected != promise) {
            return;
        }
        let mut chain = vec![(rest, last)];
        let mut met = self.met.lock().unwrap();
        while let Some((rest, _)) = chain.last().filter(|(rest, _)| *rest > 0) {
            let Rest { core, left, before, by } = met.rests[*rest];
            let from = met.rests[before];
            let world = World { left: from.left, ..met.cores[from.core as usize].clone() };
            let begun = self.life.next_state(&world, by).unwrap();
            let mut way = vec![by];
            if !is_at_rest(&begun) {
                let ways = self.walk_to_rest(begun);
                let is_meant = |(world, _): &&(World, usize)| {
                    (world.left.runs, world.left.crashes) == (left.runs, left.crashes)
                        && number(&mut met, world) == core
                };
                way.extend(ways.ends.iter().find(is_meant).map_or(Vec::new(), |(_, step)| ways.to(*step)));
            }
            chain.push((before, way));
        }
        let way = chain.into_iter().rev().flat_map(|(_, way)| way).collect();
        met.broken.get_or_insert(Found { promise, way });
    }
}

fn is_at_rest(world: &World) -> bool {
    !world.places.iter().any(Place::is_busy)
}

fn number(met: &mut Met, world: &World) -> Core {
    let left = Left { runs: 0, crashes: 0, edits: 0, resolutions: 0, damages: 0, merges: world.left.merges };
    let core = World { left, ..world.clone() };
    match met.numbers.entry(print_of(&core)) {
        Entry::Occupied(known) => *known.get(),
        Entry::Vacant(new) => {
            let number = u32::try_from(met.cores.len()).unwrap();
            new.insert(number);
            met.cores.push(core);
            met.left.push(Vec::new());
            number
        }
    }
}

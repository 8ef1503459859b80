//! What each step does to a state. The crate makes every decision: which rows are sent, what a journal says, what may
//! be resolved, what a repair leaves, in which order the writer works, and how a run ends. Here is only what the world
//! does.

use std::sync::Arc;
use std::time::Duration;

use super::disk::{Disk, Folder, Line, RUN, Refusal, remember};
use super::world::{
    Answer, Broken, Crash, Ended, Left, PEOPLE, Phase, Place, Planned, Queued, Run, Service, Step, Truth, Work, World,
};
use super::writing::{self, Op};
use super::{End, Fault, Folds, Intent, Life, Outcome, Person, RowKey, RowState, Tail, record};
use crate::api::outcome::AttemptResult;
use crate::api::retry::combine;
use crate::bulk::gate::unknown_from_earlier_run;
use crate::bulk::journal::{KnownElsewhere, Recovered};
use crate::bulk::list::Row;
use crate::bulk::plan::{Plan, Prior, Selection, Task};
use crate::bulk::results::{RowEnd, Tally, Verdict};

/// The maximum of attempts of a row in one run.
const ATTEMPTS_MAX: u64 = 2;

fn result(outcome: Outcome) -> AttemptResult {
    AttemptResult { outcome, cause: None, ..unknown_from_earlier_run() }
}

impl Life {
    pub(super) fn step(&self, world: &mut World, at: usize, step: Step) -> Option<()> {
        let question = self.question(world, at, step);
        if question.as_ref().is_some_and(|question| self.refused.lock().unwrap().contains(question)) {
            return None;
        }
        let stepped = self.step_of(world, at, step);
        if let (None, Some(question)) = (stepped, question) {
            self.refused.lock().unwrap().insert(question);
        }
        stepped
    }

    fn step_of(&self, world: &mut World, at: usize, step: Step) -> Option<()> {
        match step {
            Step::Begin(list) => self.begin(world, at, list)?,
            Step::CrashInBegin(list, crash) => self.crash_in_begin(world, at, list, crash)?,
            Step::Take => self.take(world, at)?,
            Step::Send(task, service, answer) => {
                send(world, at, task, service)?;
                self.answer(world, at, task, service, answer)?;
            }
            Step::TryAgain(task) => self.intend(world, at, task)?,
            Step::Commit => self.commit(world, at)?,
            Step::FinishBatch => {
                let op = world.places[at].run.as_mut()?.ops.remove(0);
                op_at(world, at, &op);
            }
            Step::CrashInCommit(count, crash) => {
                let ops = self.ops(world, at)?;
                let run = world.places[at].run.as_mut()?;
                run.batch = std::mem::take(&mut run.queued);
                ops[..count].iter().for_each(|op| op_at(world, at, op));
                self.crash(world, at, crash)?;
            }
            Step::End => self.end(world, at)?,
            Step::Crash(crash) => self.crash(world, at, crash)?,
            Step::Resolve(person) => self.resolve(world, at, person)?,
            Step::Damage(line, is_all) => self.damage(world, at, line, is_all)?,
            Step::Repair => self.repair(world, at)?,
            Step::Merge(others_stay) => self.merge(world, others_stay)?,
        }
        if self.at_once {
            self.finish_step(world, at);
        }
        if self.folds == Folds::People {
            self.fold(world, at);
            // What is repaired is not damaged again, so the lines of the other journals need not be distinguished any
            // more.
            if self.at_once && step == Step::Repair {
                (0..world.places.len()).for_each(|at| self.fold(world, at));
            }
        }
        if let Some(run) = &mut world.places[at].run {
            run.workers.sort_unstable();
            if run.ops.is_empty() {
                run.batch.clear();
            }
        }
        Some(())
    }

    /// Writes what a worker has passed at once, if no crash can come in between.
    fn finish_step(&self, world: &mut World, at: usize) {
        let may_crash = world.left.runs > 0 && self.may_crash(world, at);
        let Some(run) = &world.places[at].run else {
            return;
        };
        let is_watched = may_crash && run.queued.iter().any(|queued| queued.waits.is_some());
        if !run.queued.is_empty() && !is_watched {
            self.commit(world, at);
        }
    }

    fn commit(&self, world: &mut World, at: usize) -> Option<()> {
        let ops = self.ops(world, at)?;
        let run = world.places[at].run.as_mut()?;
        run.batch = std::mem::take(&mut run.queued);
        let now = atomic(&ops);
        run.ops = ops[now..].to_vec();
        ops[..now].iter().for_each(|op| op_at(world, at, op));
        Some(())
    }

    fn plan(&self, known: &Recovered, rows: &[Row]) -> Plan {
        let choice = Selection { resend_unknown: self.fault == Some(Fault::UnknownRetried), ..Selection::default() };
        let mut known = known.clone();
        if self.fault == Some(Fault::IntentWithoutEndForgotten) {
            known.states.retain(|_, state| !matches!(state, RowState::Intended { .. }));
        }
        Plan::new(rows, &known, &KnownElsewhere::default(), |row| self.key(row), choice)
    }

    /// The journal that a run finds at its place, changed by the planted fault.
    fn found(&self, world: &World, at: usize, list: usize) -> Result<Disk, Refusal> {
        let disk = &world.places[at].disk;
        let scan = || self.files.scan(&disk.lines);
        match self.fault {
            Some(Fault::JournalOfEachVersion) if list != world.list => Ok(Disk::default()),
            Some(Fault::TornTailRefused) if scan().tail == Tail::Torn => Err(Refusal::Damaged),
            Some(Fault::DamageCutOff) if !scan().damage.is_empty() => {
                let kept = usize::try_from(scan().damage[0].line).unwrap() - 1;
                Ok(Disk { lines: disk.lines[..kept].to_vec(), ..disk.clone() })
            }
            _ => Ok(disk.clone()),
        }
    }

    fn folder<'a>(&self, world: &'a World, at: usize, own: &'a Disk) -> Folder<'a> {
        let mut journals: Vec<&[Line]> = world.places.iter().map(|place| place.disk.lines.as_slice()).collect();
        journals[at] = &own.lines;
        for (other, lines) in journals.iter_mut().enumerate().filter(|(other, _)| *other != at) {
            if [Some(at), Some(other)].contains(&self.apart) {
                *lines = &[];
            }
        }
        let ignored = self.fault == Some(Fault::LocksIgnored);
        let is_locked = world.places.iter().map(|place| place.run.is_some() && !ignored).collect();
        Folder { journals, is_locked, at, run: RUN }
    }

    fn begin(&self, world: &mut World, at: usize, list: usize) -> Option<()> {
        let rows = self.rows_of(at, list);
        let alone = self.fault == Some(Fault::OtherDivisionsIgnored);
        let header = &self.header(at);
        let found = self.found(world, at, list).and_then(|disk| {
            let mut known = self.files.known(&self.folder(world, at, &disk), header, alone)?;
            if self.fault == Some(Fault::JournalsPutTogether) {
                let lines: Vec<Line> = world.places.iter().flat_map(|place| place.disk.lines.clone()).collect();
                known = Arc::new(self.files.scan(&lines).recovered.clone());
            }
            let is_first = disk.lines.is_empty() && self.files.shard(at).is_some();
            if self.plan(&known, &rows).tasks.is_empty() && !is_first {
                // The journal is only read.
                return Ok((disk, None, known));
            }
            let folder = Folder { run: self.run(world, at), ..self.folder(world, at, &disk) };
            let (lines, now_known) = self.files.open(&folder, header, alone)?;
            let is_planted = self.fault == Some(Fault::JournalsPutTogether);
            Ok((disk, Some(lines), if is_planted { known } else { now_known }))
        });
        let (mut disk, opened, known) = match found {
            Ok(found) => found,
            // Nothing has happened, and the operator knows what to do.
            Err(refusal) if is_true(refusal, world) => return None,
            Err(_) => {
                world.broken = Some(Broken::RefusedWithoutReason);
                return Some(());
            }
        };
        world.left.edits -= u8::from(list != world.list);
        world.left.runs -= 1;
        world.list = list;
        self.show(world, at);
        let is_read_only = opened.is_none();
        if let Some(lines) = opened {
            (disk.durable, disk.lines) = (lines.len() - 1, lines);
        }
        let plan = Arc::new(self.plan(&known, &rows));
        let place = &mut world.places[at];
        place.disk = disk;
        if plan.tasks.is_empty() {
            self.check_complete(world, at, &plan, &Tally::default());
            self.check_shown(world, at, false);
            if is_read_only && world.broken.is_none() {
                *world = self.rest();
            }
            return Some(());
        }
        let of_task = |task: &Task| &rows[task.index as usize];
        place.run = Some(Run {
            tasks: plan.tasks.iter().map(|task| (person_of(of_task(task)), of_task(task).line)).collect(),
            plan: Planned(plan),
            taken: 0,
            workers: Vec::new(),
            queued: Vec::new(),
            batch: Vec::new(),
            ops: Vec::new(),
            ended: Vec::new(),
            is_synced: true,
        });
        Some(())
    }

    /// What a journal may be like if the machine goes down while it is opened: the unfinished end was cut, and the
    /// record of the run is missing, or only the record of the sync is.
    fn crash_in_begin(&self, world: &mut World, at: usize, list: usize, crash: Crash) -> Option<()> {
        let durable = world.places[at].disk.durable;
        let shown = world.people.map(|truth| (truth.shown, truth.shown_at));
        self.begin(world, at, list)?;
        world.places[at].run.as_ref()?;
        if crash != Crash::Kill {
            // What this run has shown was not on the disk yet if only a run that was killed had written it.
            for (truth, shown) in world.people.iter_mut().zip(shown) {
                (truth.shown, truth.shown_at) = shown;
            }
        }
        let disk = &mut world.places[at].disk;
        disk.lines.pop();
        disk.durable = match crash {
            Crash::Kill => disk.lines.len(),
            Crash::PowerFailure(_) => durable.min(disk.lines.len() - 1),
        };
        self.crash(world, at, crash)
    }

    fn take(&self, world: &mut World, at: usize) -> Option<()> {
        let run = world.places[at].run.as_mut()?;
        let task = run.taken;
        run.taken += 1;
        run.workers.push(Work { task, attempt: 0, phase: Phase::Rests });
        let person = run.tasks[task].0;
        world.people[person].shown = None;
        self.intend(world, at, task)
    }

    fn intend(&self, world: &mut World, at: usize, task: usize) -> Option<()> {
        let run = world.places[at].run.as_mut()?;
        let (person, row) = run.tasks[task];
        let work = run.workers.iter_mut().find(|work| work.task == task)?;
        work.attempt += 1;
        work.phase = Phase::Waits;
        let attempt = work.attempt;
        let line = self.record([person as u64, row, attempt, 0, 0], || {
            record::intent(&Intent { person: self.person(person, row), row, attempt })
        });
        run.queued.push(Queued { line, waits: Some(task), event: None });
        Some(())
    }

    /// What the client concludes from an answer.
    fn answer(&self, world: &mut World, at: usize, task: usize, service: Service, answer: Answer) -> Option<()> {
        let run = world.places[at].run.as_mut()?;
        let place = run.workers.iter().position(|work| work.task == task)?;
        let work = run.workers[place];
        let latest = latest(service, answer);
        let (index, row) = run.tasks[task];
        let truth = &mut world.people[index];
        truth.may_be_mailed &= !matches!(latest, Outcome::Rejected);
        let before = run.plan.0.tasks[task].prior;
        let outcome = combine((before == Prior::Unknown).then(unknown_from_earlier_run), result(latest)).outcome;
        let is_due = outcome == Outcome::Rejected && service == Service::IsBusy;
        let again = answer == Answer::TriesAgain;
        if again && work.attempt >= ATTEMPTS_MAX {
            return None;
        }
        let end = End { attempt: work.attempt, outcome, status: None, due: is_due };
        let what = [index as u64, row, work.attempt, 1 + outcome as u64, u64::from(is_due)];
        let line = self.record(what, || record::end(&self.person(index, row), &end));
        let event = Ended { task, outcome, is_due: is_due || outcome == Outcome::NotSent, attempts: work.attempt };
        run.queued.push(Queued { line, waits: None, event: (!again).then_some(event) });
        if again {
            run.workers[place].phase = Phase::Rests;
        } else {
            run.workers.remove(place);
        }
        Some(())
    }

    /// A record. It is written once and shared by all states.
    fn record(&self, what: [u64; 5], write: impl FnOnce() -> String) -> Line {
        let what = what.iter().fold(0, |call, part| call << 8 | part);
        remember(&self.records, (Vec::new(), what), || self.files.lines.number(write().as_bytes()))
    }

    /// What the writer does with everything that is queued.
    pub(super) fn ops(&self, world: &World, at: usize) -> Option<Vec<Op>> {
        let place = &world.places[at];
        let queued = &place.run.as_ref()?.queued;
        let records: Vec<Line> = queued.iter().map(|queued| queued.line).collect();
        let waiting = queued.iter().filter(|queued| queued.waits.is_some()).count();
        let events = queued.iter().filter(|queued| queued.event.is_some()).count();
        let length = self.files.lines.length(&place.disk.lines);
        let steps = match self.fault {
            Some(Fault::RequestBeforeSync) => writing::woken_before_the_sync,
            Some(Fault::ShownBeforeWritten) => writing::shown_before_the_write,
            _ => writing::commit,
        };
        let call = length << 8 | (waiting as u64) << 4 | events as u64;
        Some(remember(&self.ops, (records.clone(), call), || {
            writing::ops(&self.files.lines, &records, (waiting, events), length, steps)
        }))
    }

    fn end(&self, world: &mut World, at: usize) -> Option<()> {
        let place = &mut world.places[at];
        let run = place.run.take()?;
        if !run.is_synced {
            place.disk.durable = place.disk.lines.len();
            let length = self.files.lines.length(&place.disk.lines);
            place.disk.lines.push(self.files.lines.number(record::synced(length).as_bytes()));
        }
        let mut tally = Tally::default();
        for ended in &run.ended {
            let task = run.plan.0.tasks[ended.task];
            tally.add(&RowEnd {
                index: task.index,
                prior: task.prior,
                result: result(ended.outcome),
                attempts: ended.attempts,
                elapsed: Duration::ZERO,
                due: ended.is_due,
                unrecorded: false,
            });
        }
        self.check_complete(world, at, &run.plan.0, &tally);
        self.check_shown(world, at, false);
        if self.at_once && world.left.runs == 0 && world.broken.is_none() {
            // All promises about the present state were checked.
            *world = self.rest();
        }
        Some(())
    }

    /// The common end of all ways on which a run finds nothing to do: whatever could follow it can also happen without
    /// it.
    fn rest(&self) -> World {
        let left = Left { runs: 0, crashes: 0, edits: 0, resolutions: 0, damages: 0, merges: 0 };
        let places = vec![Place::default(); self.files.count()];
        World { list: 0, places, people: [Truth::default(); PEOPLE], left, broken: None }
    }

    /// Checks a run that has ended: no one on its list is forgotten, and the result that it reports is true.
    fn check_complete(&self, world: &mut World, at: usize, plan: &Plan, tally: &Tally) {
        // It cannot know what the other machine has sent.
        if self.apart == Some(at) {
            return;
        }
        let verdict = tally.verdict(plan, None);
        let disk = &world.places[at].disk;
        let alone = self.fault == Some(Fault::OtherDivisionsIgnored);
        let Ok(known) = self.files.known(&self.folder(world, at, disk), &self.header(at), alone) else {
            // It began with the same journals.
            world.broken = world.broken.or(Some(Broken::RefusedWithoutReason));
            return;
        };
        for row in self.rows_of(at, world.list) {
            let truth = world.people[person_of(&row)];
            let outcome = known.state(self.key(&row)).map(RowState::effective);
            let broken = match outcome {
                None => Some(Broken::Forgotten),
                Some(Outcome::Accepted) => (truth.mails == 0).then_some(Broken::WrongOutcome),
                Some(Outcome::Unknown) => (verdict != Verdict::Unknown).then_some(Broken::Forgotten),
                Some(Outcome::Rejected | Outcome::NotSent) if truth.mails > 0 => Some(Broken::WrongOutcome),
                Some(Outcome::Rejected | Outcome::NotSent) => {
                    (verdict == Verdict::Accepted).then_some(Broken::Forgotten)
                }
            };
            world.broken = world.broken.or(broken);
        }
    }

    fn person(&self, person: usize, line: u64) -> Person<'static> {
        let email = super::EMAILS[person];
        Person { key: self.key(&Row { line, email: email.into(), cname: None }), email, cname: "acme" }
    }

    /// Everyone: each person as the present list has them, or as another version had them.
    pub(super) fn everybody(&self, list: usize) -> impl Iterator<Item = (usize, Row)> {
        (0..PEOPLE).map(move |person| (person, self.row_of(list, person)))
    }

    pub(super) fn row_of(&self, list: usize, person: usize) -> Row {
        let place = self.lists[list].iter().position(|listed| *listed == person);
        Row { line: place.map_or(9, |place| place as u64 + 1), email: super::EMAILS[person].into(), cname: None }
    }

    pub(super) fn key(&self, row: &Row) -> RowKey {
        match self.fault {
            Some(Fault::KeyedByLine) => crate::bulk::journal::key(&self.service, "acme", &row.line.to_string()),
            _ => crate::bulk::plan::key_of(&self.service, "acme", row),
        }
    }
}

/// Applies one of the writer's calls to the world.
fn op_at(world: &mut World, at: usize, op: &Op) {
    let World { places, people, .. } = world;
    let Place { disk, run, .. } = &mut places[at];
    let Some(run) = run else {
        return;
    };
    match op {
        Op::Write => {
            disk.lines.extend(run.batch.iter().map(|queued| queued.line));
            run.is_synced = false;
        }
        Op::Sync => {
            disk.durable = disk.lines.len();
            run.is_synced = true;
        }
        Op::Mark(line) => disk.lines.push(*line),
        Op::Wake => {
            for work in &mut run.workers {
                if run.batch.iter().any(|queued| queued.waits == Some(work.task)) {
                    work.phase = Phase::Cleared;
                }
            }
        }
        Op::Show => {
            for ended in run.batch.iter().filter_map(|queued| queued.event) {
                run.ended.push(ended);
                let truth = &mut people[run.tasks[ended.task].0];
                (truth.shown, truth.shown_at) = (Some(ended.outcome), at);
            }
            run.ended.sort_unstable_by_key(|ended| ended.task);
        }
    }
}

/// Whether the reason of a refusal is true.
pub(super) fn is_true(refusal: Refusal, world: &World) -> bool {
    match refusal {
        Refusal::Damaged => world.places.iter().any(|place| place.disk.is_damaged),
        Refusal::Locked => world.places.iter().any(|place| place.run.is_some()),
        Refusal::ShardsMissing => world.places[1..].iter().any(|place| place.disk.lines.is_empty()),
        Refusal::Other => false,
    }
}

fn person_of(row: &Row) -> usize {
    super::EMAILS.iter().position(|email| **email == *row.email).unwrap()
}

fn send(world: &mut World, at: usize, task: usize, service: Service) -> Option<()> {
    let run = world.places[at].run.as_mut()?;
    if service == Service::IsDown {
        return Some(());
    }
    let truth = &mut world.people[run.tasks[task].0];
    if truth.may_be_mailed || truth.mails > 0 {
        world.broken = Some(Broken::MailedAgain);
    }
    truth.may_be_mailed = true;
    truth.mails += u8::from(service == Service::Mails);
    Some(())
}

/// What the client concludes from one answer.
fn latest(service: Service, answer: Answer) -> Outcome {
    match (answer, service) {
        (Answer::Lost, _) => Outcome::Unknown,
        (_, Service::Mails) => Outcome::Accepted,
        (_, Service::Refuses | Service::IsBusy) => Outcome::Rejected,
        (_, Service::IsDown) => Outcome::NotSent,
    }
}

/// How a row ends with this step, if it does.
pub(super) fn outcome_of(step: Step) -> Option<Outcome> {
    match step {
        Step::Send(_, service, answer @ (Answer::Lost | Answer::Last)) => Some(latest(service, answer)),
        _ => None,
    }
}

/// How many of these calls are one step: up to the first that another place can see. Steps of others in between could
/// as well happen before all of them.
fn atomic(ops: &[Op]) -> usize {
    let first = unseen(ops);
    first + ops[first..].iter().take_while(|op| is_seen(op)).count()
}

/// How many of these calls nothing else can see.
pub(super) fn unseen(ops: &[Op]) -> usize {
    ops.iter().position(is_seen).unwrap_or(ops.len())
}

const fn is_seen(op: &Op) -> bool {
    matches!(op, Op::Wake | Op::Show)
}

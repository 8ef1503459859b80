//! The gate before every request: workers wait here for their permit, for the end of a pause, and stop when the run stops. A
//! thin blocking shell around [`Pace`], [`Throttle`], [`RetryBudget`] and the [`Backlog`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::journal::RowKey;
use super::pace::{Pace, Permit, RetryBudget, Start, Throttle};
use super::plan::Prior;
use super::results::{RowEnd, Stop};
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::api::retry::UserWait;

/// The gate of one run, shared by its workers.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    rated: bool,
    max_failures: u64,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    throttle: Throttle,
    budget: RetryBudget,
    backlog: Backlog,
    failures: u64,
    stop: Option<Stop>,
}

impl State {
    /// A permit, or how long to wait before asking again; without a time, until a request has ended.
    fn permit(&mut self) -> Result<Permit, Option<Duration>> {
        if !self.throttle.has_room() {
            return Err(None);
        }
        match self.pace.acquire(Instant::now()) {
            Start::Now => Ok(self.throttle.acquire()),
            Start::After(wait) => Err(Some(wait)),
            Start::AfterAnEnd => Err(None),
        }
    }
}

impl Gate {
    /// A gate to this many tasks, none of which has begun. `max_failures` of 0 lets any number of rows fail in a row.
    pub fn new(pace: Pace, rated: bool, max_failures: u64, tasks: usize) -> Self {
        Self {
            state: Mutex::new(State {
                pace,
                throttle: Throttle::default(),
                budget: RetryBudget::default(),
                backlog: Backlog::new(tasks),
                failures: 0,
                stop: None,
            }),
            changed: Condvar::new(),
            rated,
            max_failures,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked left only numbers, and numbers are always complete.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit and returns it with the row to send; nothing when no row is left, or the run has stopped.
    pub fn acquire_next(&self) -> Option<(Permit, Work)> {
        let mut state = self.lock();
        loop {
            if state.stop.is_some() || state.backlog.is_empty() {
                return None;
            }
            if let Some(wait) = state.backlog.wait(Instant::now()) {
                state = self.wait_for_change(state, Some(wait));
                continue;
            }
            match state.permit() {
                Ok(permit) => {
                    let work = state.backlog.take(Instant::now())?;
                    if matches!(work, Work::Fresh(_)) {
                        state.budget.begin();
                    }
                    return Some((permit, work));
                }
                Err(wait) => state = self.wait_for_change(state, wait),
            }
        }
    }

    /// Waits for the permit of a retry; nothing when the run has stopped.
    pub fn acquire(&self) -> Option<Permit> {
        let mut state = self.lock();
        loop {
            if state.stop.is_some() {
                return None;
            }
            match state.permit() {
                Ok(permit) => return Some(permit),
                Err(wait) => state = self.wait_for_change(state, wait),
            }
        }
    }

    /// Whether a permit is still valid: the run has not stopped, and no pause has begun since it was acquired.
    pub fn is_valid(&self, permit: Permit) -> bool {
        let state = self.lock();
        state.stop.is_none() && state.throttle.is_current(permit) && state.pace.pause_left(Instant::now()).is_none()
    }

    /// Takes back a permit that was not used, and the row with it: it is sent with the next ones.
    pub fn put_back(&self, permit: Permit, row: Box<RowInProgress>) {
        self.lock().backlog.held(row);
        self.release_unused(permit);
    }

    /// Takes back a permit that was not used.
    pub fn release_unused(&self, permit: Permit) {
        let mut state = self.lock();
        state.throttle.release_unused(permit);
        self.over(state);
    }

    /// Waits for a time; false when the run has stopped meanwhile.
    pub fn wait(&self, length: Duration) -> bool {
        let until = Instant::now() + length;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.stop.is_some() || left.is_zero() {
                return state.stop.is_none();
            }
            state = self.wait_for_change(state, Some(left));
        }
    }

    fn wait_for_change<'a>(&'a self, state: MutexGuard<'a, State>, longest: Option<Duration>) -> MutexGuard<'a, State> {
        match longest {
            Some(longest) => {
                let waited = self.changed.wait_timeout(state, longest);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Notes that a request has ended, and was not throttled.
    pub fn release(&self, permit: Permit) {
        let mut state = self.lock();
        let was_bound = state.throttle.is_limited();
        state.throttle.release_accepted(permit);
        if was_bound {
            self.changed.notify_all();
        }
        self.over(state);
    }

    /// Notes that a request was throttled: no permit is given for the time that the service asked for, or for one that grows
    /// if it named none. Returns that time; nothing after too many waits without an accepted row, which stops the run.
    pub fn release_throttled(&self, permit: Permit, asked: Option<Duration>) -> Option<Duration> {
        let mut state = self.lock();
        let wait = state.throttle.release_refused(permit, asked, fastrand::f64());
        state.pace.pause(Instant::now(), wait);
        let is_exhausted = state.throttle.is_exhausted();
        if is_exhausted {
            state.stop.get_or_insert(Stop::ThrottledTooOften);
        }
        self.over(state);
        (!is_exhausted).then_some(wait)
    }

    /// A request is not under way any more.
    fn over(&self, mut state: MutexGuard<'_, State>) {
        state.pace.release(Instant::now());
        let someone_may_wait = self.rated || state.throttle.is_limited() || state.stop.is_some();
        drop(state);
        if someone_may_wait {
            self.changed.notify_all();
        }
    }

    pub fn put_back_throttled(&self, row: Box<RowInProgress>) {
        self.lock().backlog.refused(row);
    }

    /// Takes back a row that waits for its user: no worker has it meanwhile.
    pub fn await_user(&self, row: Box<RowInProgress>, wait: Duration) {
        let is_first = self.lock().backlog.await_user(row, Instant::now() + wait);
        // The other workers sleep until the row that was first before.
        if is_first {
            self.changed.notify_all();
        }
    }

    pub fn awaited(&self) -> u64 {
        self.lock().backlog.awaited()
    }

    /// A row that was begun and is not sent any more, because the run has stopped. As long as it has not, such a row is
    /// that of the worker which gave it back.
    pub fn take_unfinished(&self) -> Option<Box<RowInProgress>> {
        let mut state = self.lock();
        state.stop.as_ref()?;
        state.backlog.take_begun()
    }

    /// How long the pause that is under way still lasts.
    pub fn pause_left(&self) -> Option<Duration> {
        self.lock().pace.pause_left(Instant::now())
    }

    pub fn take_retry(&self) -> bool {
        self.lock().budget.take()
    }

    /// Notes how a row ended, and stops the run when too many in a row were not accepted.
    pub fn row_ended(&self, outcome: Outcome) {
        let mut state = self.lock();
        state.failures = match outcome {
            Outcome::Accepted => 0,
            Outcome::Rejected | Outcome::NotSent | Outcome::Unknown => state.failures + 1,
        };
        if self.max_failures > 0 && state.failures >= self.max_failures {
            let failures = state.failures;
            state.stop.get_or_insert(Stop::Failures(failures));
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Stops the run. The first reason stays, except that a journal that fails outranks the others: it must be
    /// reported.
    pub fn stop(&self, reason: Stop) {
        let mut state = self.lock();
        if matches!(reason, Stop::Journal(_)) && !matches!(state.stop, Some(Stop::Journal(_))) {
            state.stop = Some(reason);
        } else {
            state.stop.get_or_insert(reason);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Why the run has stopped, if it has.
    pub fn stopped(&self) -> Option<Stop> {
        self.lock().stop.clone()
    }
}

/// The state of a row while it is sent.
#[derive(Debug)]
pub struct RowInProgress {
    pub index: u32,
    pub prior: Prior,
    /// Its name in the journal.
    pub key: RowKey,
    pub attempts: u64,
    /// How many of these were throttled: these do not count against the row.
    pub waits: u64,
    /// How many of these were sent alone, right after a wait.
    pub alone: u64,
    /// The wait for a user who does not exist yet.
    pub user: UserWait,
    pub start: Instant,
    pub result: Option<AttemptResult>,
}

impl RowInProgress {
    /// The end of a row. With `due`, a refusal leaves it to be sent by the next run.
    pub fn end(self, due: bool) -> Option<RowEnd> {
        let result = self.result.filter(|_| self.attempts > 0)?;
        Some(RowEnd {
            index: self.index,
            prior: self.prior,
            due: match result.outcome {
                Outcome::NotSent => true,
                Outcome::Rejected => due,
                Outcome::Accepted | Outcome::Unknown => false,
            },
            result,
            attempts: self.attempts,
            elapsed: self.start.elapsed(),
            unrecorded: false,
        })
    }
}

/// Represents an earlier run that left a row unknown.
pub fn earlier() -> AttemptResult {
    let cause = "an earlier run may have mailed this person already";
    AttemptResult::without_answer(Outcome::Unknown, Class::BrokenReply, cause)
}

/// What a worker is to send next.
#[derive(Debug)]
pub enum Work {
    /// The task at this place of the plan.
    Fresh(usize),
    Begun(Box<RowInProgress>),
}

/// What is left. Rows that were throttled are sent first, then those that a pause delayed, then by turns those that waited
/// for their user and the rest of the list.
#[derive(Debug, Default)]
pub struct Backlog {
    refused: VecDeque<Box<RowInProgress>>,
    held: VecDeque<Box<RowInProgress>>,
    /// By the time from which each may be sent again; the place in the list keeps the keys unique.
    awaited: BTreeMap<(Instant, u32), Box<RowInProgress>>,
    /// Whether the last row that was taken had waited for its user.
    was_awaited: bool,
    next: usize,
    tasks: usize,
}

impl Backlog {
    pub fn new(tasks: usize) -> Self {
        Self { tasks, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.held.is_empty() && self.awaited.is_empty() && self.next >= self.tasks
    }

    /// How long nothing can be sent, because every row that is left waits for its user.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        if !self.refused.is_empty() || !self.held.is_empty() || self.next < self.tasks {
            return None;
        }
        let ((due, _), _) = self.awaited.first_key_value()?;
        Some(due.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    pub fn take(&mut self, now: Instant) -> Option<Work> {
        if let Some(begun) = self.refused.pop_front().or_else(|| self.held.pop_front()) {
            return Some(Work::Begun(begun));
        }
        // By turns: at a low rate, either kind would keep the other from being sent at all.
        let is_their_turn = !self.was_awaited || self.next >= self.tasks;
        let is_due = self.awaited.first_key_value().is_some_and(|((due, _), _)| *due <= now);
        self.was_awaited = is_their_turn && is_due;
        if self.was_awaited {
            return self.awaited.pop_first().map(|(_, row)| Work::Begun(row));
        }
        let task = self.next;
        (task < self.tasks).then(|| {
            self.next += 1;
            Work::Fresh(task)
        })
    }

    /// A row that was begun and is not under way.
    pub fn take_begun(&mut self) -> Option<Box<RowInProgress>> {
        let awaited = || self.awaited.pop_first().map(|(_, row)| row);
        self.refused.pop_front().or_else(|| self.held.pop_front()).or_else(awaited)
    }

    /// Takes back a row that waits for its user. True when it is due before all others.
    pub fn await_user(&mut self, row: Box<RowInProgress>, due: Instant) -> bool {
        let key = (due, row.index);
        self.awaited.insert(key, row);
        self.awaited.first_key_value().is_some_and(|(first, _)| *first == key)
    }

    pub fn awaited(&self) -> u64 {
        self.awaited.len() as u64
    }

    /// Takes back a row that was throttled.
    pub fn refused(&mut self, row: Box<RowInProgress>) {
        self.refused.push_back(row);
    }

    /// Takes back a row that was not sent because a wait came in between. One that was refused before is refused still.
    pub fn held(&mut self, row: Box<RowInProgress>) {
        if row.waits > 0 {
            self.refused.push_front(row);
        } else {
            self.held.push_back(row);
        }
    }
}

/// A row that was throttled `waits` times.
#[cfg(test)]
pub(super) fn begun(waits: u64) -> Box<RowInProgress> {
    Box::new(RowInProgress {
        index: 0,
        prior: Prior::NotSent,
        key: super::journal::key("", "", ""),
        attempts: waits,
        waits,
        alone: 0,
        user: UserWait::default(),
        start: Instant::now(),
        result: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::outcome::Class;

    fn gate(max_failures: u64) -> Gate {
        Gate::new(Pace::new(None), false, max_failures, 5)
    }

    #[test]
    fn failures_in_a_row_stop_the_run_and_an_acceptance_starts_the_count_anew() {
        let gate = gate(3);
        for outcome in [Outcome::Rejected, Outcome::Unknown, Outcome::Accepted, Outcome::NotSent, Outcome::Rejected] {
            gate.row_ended(outcome);
            assert!(gate.acquire().is_some());
        }
        gate.row_ended(Outcome::Unknown);
        assert_eq!(gate.stopped(), Some(Stop::Failures(3)));
        assert!(gate.acquire().is_none() && !gate.wait(Duration::ZERO));
        let endless = Gate::new(Pace::new(None), false, 0, 5);
        (0..1000).for_each(|_| endless.row_ended(Outcome::Rejected));
        assert_eq!(endless.stopped(), None);
    }

    #[test]
    fn the_first_reason_stays_unless_the_journal_fails() {
        let gate = gate(10);
        gate.stop(Stop::Signal(2));
        gate.stop(Stop::EveryRowFails(Class::Unauthorized));
        assert_eq!(gate.stopped(), Some(Stop::Signal(2)));
        gate.stop(Stop::Journal("no space".to_owned()));
        gate.stop(Stop::Signal(15));
        assert_eq!(gate.stopped(), Some(Stop::Journal("no space".to_owned())));
    }

    #[test]
    fn a_row_that_was_throttled_stays_with_its_worker_until_the_run_stops() {
        let gate = Gate::new(Pace::new(None), false, 0, 0);
        gate.put_back_throttled(begun(1));
        // Another worker found nothing left just before, and goes home.
        assert!(gate.take_unfinished().is_none());
        assert!(matches!(gate.acquire_next(), Some((_, Work::Begun(_)))));
        gate.put_back_throttled(begun(1));
        gate.stop(Stop::Signal(15));
        assert!(gate.acquire_next().is_none() && gate.take_unfinished().is_some());
    }

    #[test]
    fn whoever_waits_is_sent_home_when_the_run_stops() {
        let gate = gate(0);
        let permit = gate.acquire().unwrap();
        assert!(gate.is_valid(permit));
        let hour = Some(Duration::from_secs(60 * 60));
        assert_eq!(gate.release_throttled(permit, hour), hour);
        assert!(!gate.is_valid(permit));
        std::thread::scope(|scope| {
            let passing = scope.spawn(|| gate.acquire().is_some());
            let next = scope.spawn(|| gate.acquire_next().is_some());
            let resting = scope.spawn(|| gate.wait(Duration::from_secs(60 * 60)));
            gate.stop(Stop::Signal(2));
            assert!(!passing.join().unwrap() && !next.join().unwrap());
            assert!(!resting.join().unwrap());
        });
    }

    #[test]
    fn a_worker_that_waits_for_a_later_user_wakes_for_an_earlier_one() {
        let gate = Gate::new(Pace::new(None), false, 0, 0);
        gate.await_user(row(1, 0), Duration::from_secs(60 * 60));
        std::thread::scope(|scope| {
            let next = scope.spawn(|| gate.acquire_next());
            // It should sleep by then. One that does not yet is not seen to sleep on, but fails nothing either.
            std::thread::sleep(Duration::from_millis(50));
            gate.await_user(row(2, 0), Duration::ZERO);
            let end = Instant::now() + Duration::from_secs(20);
            while !next.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(1));
            }
            gate.stop(Stop::Signal(2));
            let taken = next.join().unwrap();
            assert!(matches!(taken, Some((_, Work::Begun(row))) if row.index == 2), "it slept on");
        });
    }

    fn row(index: u32, waits: u64) -> Box<RowInProgress> {
        let mut row = begun(waits);
        row.index = index;
        row
    }

    #[test]
    fn the_refused_go_first_and_fresh_ones_last() {
        let mut backlog = Backlog::new(2);
        backlog.held(row(10, 0));
        backlog.refused(row(20, 1));
        backlog.refused(row(21, 3));
        backlog.held(row(22, 2));
        let mut order = Vec::new();
        while let Some(work) = backlog.take(Instant::now()) {
            order.push(match work {
                Work::Fresh(task) => u32::try_from(task).unwrap(),
                Work::Begun(row) => row.index,
            });
        }
        assert_eq!(order, [22, 20, 21, 10, 0, 1]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn rows_that_wait_for_their_user_and_fresh_ones_go_by_turns_and_none_before_its_time() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut backlog = Backlog::new(3);
        assert!(backlog.await_user(row(11, 0), after(2)));
        assert!(backlog.await_user(row(10, 0), after(1)));
        assert!(!backlog.await_user(row(12, 0), after(3)));
        assert!(!backlog.await_user(row(13, 0), after(9)));
        let mut take = |seconds| match backlog.take(after(seconds)) {
            Some(Work::Fresh(task)) => u32::try_from(task).ok(),
            Some(Work::Begun(row)) => Some(row.index),
            None => None,
        };
        assert_eq!(take(0), Some(0));
        let order: Vec<_> = (0..6).map(|_| take(5)).collect();
        assert_eq!(order, [Some(10), Some(1), Some(11), Some(2), Some(12), None]);
        assert_eq!((backlog.wait(after(5)), backlog.wait(after(9))), (Some(Duration::from_secs(4)), None));
        assert!(!backlog.is_empty() && backlog.awaited() == 1);
        assert!(backlog.take_begun().is_some() && backlog.is_empty());
    }
}

//! The gate before every request. Workers wait here for a permit and for the end of a pause, and stop here when the run
//! stops. The gate only blocks; `Pace`, `Throttle` and `Backlog` decide.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::journal::RowKey;
use super::pace::{OrWait, Pace, Permit, Throttle, retries_for};
use super::plan::{Prior, Task};
use super::results::{Event, RowEnd, Stop};
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::api::retry::UserWait;

/// The gate of one run, shared by its workers.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    max_failures: u64,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    throttle: Throttle,
    backlog: Backlog,
    retries: u64,
    failures: u64,
    stop: Option<Stop>,
}

impl State {
    fn permit(&mut self) -> OrWait<Permit> {
        if !self.throttle.has_room() {
            return Err(None);
        }
        self.pace.acquire(Instant::now())?;
        Ok(self.throttle.acquire())
    }
}

impl Gate {
    /// `tasks` is the number of tasks of the run. A `max_failures` of 0 sets no limit.
    pub fn new(pace: Pace, max_failures: u64, tasks: usize) -> Self {
        let (throttle, backlog) = (Throttle::default(), Backlog::new(tasks));
        let state = State { pace, throttle, backlog, retries: 0, failures: 0, stop: None };
        Self { state: Mutex::new(state), changed: Condvar::new(), max_failures }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // If a worker panicked while it had the lock, the state is still usable: it consists of numbers and whole rows.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `take` returns a result. Returns nothing when the run has stopped.
    fn wait_until<T>(&self, mut take: impl FnMut(&mut State) -> OrWait<T>) -> Option<T> {
        let mut state = self.lock();
        while state.stop.is_none() {
            state = match take(&mut state) {
                Ok(taken) => return Some(taken),
                Err(None) => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Err(Some(wait)) => self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        None
    }

    /// Waits for a permit and returns it with the next row. Returns nothing when no row is left, or the run has
    /// stopped.
    pub fn acquire_next(&self) -> Option<(Permit, Work)> {
        let next = self.wait_until(|state| {
            if state.backlog.is_empty() {
                return Ok(None);
            }
            if let Some(wait) = state.backlog.wait(Instant::now()) {
                return Err(Some(wait));
            }
            let permit = state.permit()?;
            Ok(state.backlog.take(Instant::now()).map(|work| (permit, work)))
        });
        next.flatten()
    }

    /// Waits for the permit of a retry. Returns nothing when the run has stopped.
    pub fn acquire(&self) -> Option<Permit> {
        self.wait_until(State::permit)
    }

    /// Waits for this time. Returns false when the run has stopped meanwhile.
    pub fn wait(&self, length: Duration) -> bool {
        let until = Instant::now() + length;
        let waited = self.wait_until(|_| {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() { Ok(()) } else { Err(Some(left)) }
        });
        waited.is_some()
    }

    /// Whether a permit is still valid: the run has not stopped, and no pause has begun since it was acquired.
    pub fn is_valid(&self, permit: Permit) -> bool {
        let state = self.lock();
        state.stop.is_none() && state.throttle.is_current(permit) && state.pace.pause_left(Instant::now()).is_none()
    }

    /// Takes back a row that was not sent, with its unused permit.
    pub fn put_back(&self, permit: Permit, row: Box<RowInProgress>) {
        self.lock().backlog.put_back_unsent(row);
        self.release_unused(permit);
    }

    pub fn put_back_throttled(&self, row: Box<RowInProgress>) {
        self.lock().backlog.put_back_throttled(row);
    }

    /// Takes back a row whose user may not exist yet. It is sent again after `wait`.
    pub fn await_user(&self, row: Box<RowInProgress>, wait: Duration) {
        let is_first = self.lock().backlog.await_user(row, Instant::now() + wait);
        // The other workers sleep until the time of the row that was first so far.
        if is_first {
            self.changed.notify_all();
        }
    }

    /// Takes back a permit that was not used.
    pub fn release_unused(&self, permit: Permit) {
        let mut state = self.lock();
        state.throttle.release_unused(permit);
        self.release_request(state);
    }

    /// Notes that a request has ended without being throttled.
    pub fn release(&self, permit: Permit) {
        let mut state = self.lock();
        if state.throttle.is_limited() {
            self.changed.notify_all();
        }
        state.throttle.release_not_throttled(permit);
        self.release_request(state);
    }

    /// Notes that a request was throttled. No worker gets a permit for the time that the service asked for; if it named
    /// none, for a time that grows. Returns this time, or nothing after too many waits in a row: then the run has
    /// stopped.
    pub fn release_throttled(&self, permit: Permit, asked: Option<Duration>) -> Option<Duration> {
        let mut state = self.lock();
        let wait = state.throttle.release_throttled(permit, asked, fastrand::f64());
        state.pace.pause(Instant::now(), wait);
        let is_exhausted = state.throttle.is_exhausted();
        if is_exhausted {
            state.stop.get_or_insert(Stop::ThrottledTooOften);
        }
        self.release_request(state);
        (!is_exhausted).then_some(wait)
    }

    fn release_request(&self, mut state: MutexGuard<'_, State>) {
        state.pace.release(Instant::now());
        let someone_may_wait = state.pace.is_limited() || state.throttle.is_limited() || state.stop.is_some();
        drop(state);
        if someone_may_wait {
            self.changed.notify_all();
        }
    }

    /// How many rows wait for their user.
    pub fn awaiting_user(&self) -> u64 {
        self.lock().backlog.awaited.len() as u64
    }

    /// After a stop, a row that was put back and will not be sent again. Returns nothing before that: the worker that
    /// put a row back also takes it again.
    pub fn take_unfinished(&self) -> Option<Box<RowInProgress>> {
        let mut state = self.lock();
        state.stop.as_ref()?;
        state.backlog.take_put_back()
    }

    /// The rest of the pause, if there is one.
    pub fn pause_left(&self) -> Option<Duration> {
        self.lock().pace.pause_left(Instant::now())
    }

    /// Takes one retry from the budget of the run. Returns false if none is left.
    pub fn take_retry(&self) -> bool {
        let mut state = self.lock();
        let is_left = state.retries < retries_for(state.backlog.next as u64);
        state.retries += u64::from(is_left);
        is_left
    }

    /// Notes how a row ended, and stops the run after too many consecutive rows that were not accepted.
    pub fn row_ended(&self, outcome: Outcome) {
        let mut state = self.lock();
        state.failures = if outcome == Outcome::Accepted { 0 } else { state.failures + 1 };
        if self.max_failures > 0 && state.failures >= self.max_failures {
            let failures = Stop::Failures(state.failures);
            state.stop.get_or_insert(failures);
            self.changed.notify_all();
        }
    }

    /// Stops the run. The first reason stays, except that the failure of a journal replaces any other reason: it must
    /// be reported.
    pub fn stop(&self, reason: Stop) {
        let mut state = self.lock();
        if matches!(reason, Stop::Journal(_)) && !matches!(state.stop, Some(Stop::Journal(_))) {
            state.stop = None;
        }
        state.stop.get_or_insert(reason);
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
    pub task: Task,
    /// Its key in the journal.
    pub key: RowKey,
    pub attempts: u64,
    /// How many of these were throttled. They do not count as attempts of the row.
    pub throttles: u64,
    /// How many of these were throttled although they were sent alone after a wait.
    pub alone_throttles: u64,
    /// The wait for a user who may not exist yet.
    pub user: UserWait,
    pub start: Instant,
    pub result: Option<AttemptResult>,
}

impl RowInProgress {
    pub fn new(task: Task, key: RowKey) -> Self {
        let result = (task.prior == Prior::Unknown).then(unknown_from_earlier_run);
        let (user, start) = (UserWait::default(), Instant::now());
        Self { task, key, attempts: 0, throttles: 0, alone_throttles: 0, user, start, result }
    }

    /// The event of a row's end; nothing if the row was not sent. With `due`, the next run sends the row again if it
    /// was rejected.
    pub fn end(&mut self, due: bool) -> Option<Event> {
        let result = self.result.take().filter(|_| self.attempts > 0)?;
        Some(Event::Finished(Box::new(RowEnd {
            index: self.task.index,
            prior: self.task.prior,
            due: result.outcome == Outcome::NotSent || due && result.outcome == Outcome::Rejected,
            result,
            attempts: self.attempts,
            elapsed: self.start.elapsed(),
            unrecorded: false,
        })))
    }
}

/// The result with which a row starts that an earlier run left unknown.
pub fn unknown_from_earlier_run() -> AttemptResult {
    let cause = "an earlier run may have mailed this person already";
    AttemptResult::without_answer(Outcome::Unknown, Class::BrokenReply, cause)
}

/// What a worker sends next.
#[derive(Debug)]
pub enum Work {
    /// The task at this index of the plan.
    Fresh(usize),
    /// A row that was put back.
    Begun(Box<RowInProgress>),
}

/// The rows that are left. Throttled rows are sent first, then rows that were put back unsent, then alternately rows
/// that waited for their user and the rest of the list.
#[derive(Debug, Default)]
struct Backlog {
    /// Throttled rows, then rows that were put back unsent: no more than there are workers.
    begun: VecDeque<Box<RowInProgress>>,
    /// Rows that wait for their user, by the time from which each may be sent again. The index in the list keeps the
    /// keys unique.
    awaited: BTreeMap<(Instant, u32), Box<RowInProgress>>,
    /// Whether the row that was taken last had waited for its user.
    was_awaited: bool,
    next: usize,
    tasks: usize,
}

impl Backlog {
    fn new(tasks: usize) -> Self {
        Self { tasks, ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.awaited.is_empty() && self.next >= self.tasks
    }

    /// How long no row can be sent, because all that are left wait for their users.
    fn wait(&self, now: Instant) -> Option<Duration> {
        if !self.begun.is_empty() || self.next < self.tasks {
            return None;
        }
        let ((ready_at, _), _) = self.awaited.first_key_value()?;
        Some(ready_at.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    fn take(&mut self, now: Instant) -> Option<Work> {
        if let Some(begun) = self.begun.pop_front() {
            return Some(Work::Begun(begun));
        }
        let is_left = self.next < self.tasks;
        let is_ready = self.awaited.first_key_value().is_some_and(|((ready_at, _), _)| *ready_at <= now);
        // Alternately: at a low rate, rows of one kind alone could use up all permits.
        self.was_awaited = is_ready && !(self.was_awaited && is_left);
        if self.was_awaited {
            return self.take_put_back().map(Work::Begun);
        }
        self.next += usize::from(is_left);
        is_left.then(|| Work::Fresh(self.next - 1))
    }

    /// A row that was put back.
    fn take_put_back(&mut self) -> Option<Box<RowInProgress>> {
        self.begun.pop_front().or_else(|| self.awaited.pop_first().map(|(_, row)| row))
    }

    /// Takes back a row that waits for its user. Returns whether it is now the first of these.
    fn await_user(&mut self, row: Box<RowInProgress>, ready_at: Instant) -> bool {
        let key = (ready_at, row.task.index);
        self.awaited.insert(key, row);
        self.awaited.first_key_value().is_some_and(|(first, _)| *first == key)
    }

    fn put_back_throttled(&mut self, row: Box<RowInProgress>) {
        let behind = self.begun.partition_point(|row| row.throttles > 0);
        self.begun.insert(behind, row);
    }

    /// Takes back a row that was not sent because a pause began first. A row that was throttled before stays first.
    fn put_back_unsent(&mut self, row: Box<RowInProgress>) {
        if row.throttles > 0 {
            self.begun.push_front(row);
        } else {
            self.begun.push_back(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::outcome::Class;

    fn gate(max_failures: u64) -> Gate {
        Gate::new(Pace::new(None), max_failures, 5)
    }

    #[test]
    fn consecutive_failures_stop_the_run_and_an_accepted_row_resets_the_count() {
        let gate = gate(3);
        for outcome in [Outcome::Rejected, Outcome::Unknown, Outcome::Accepted, Outcome::NotSent, Outcome::Rejected] {
            gate.row_ended(outcome);
            assert!(gate.acquire().is_some());
        }
        gate.row_ended(Outcome::Unknown);
        assert_eq!(gate.stopped(), Some(Stop::Failures(3)));
        assert!(gate.acquire().is_none() && !gate.wait(Duration::ZERO));
        let endless = Gate::new(Pace::new(None), 0, 5);
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
        let gate = Gate::new(Pace::new(None), 0, 0);
        gate.put_back_throttled(row(0, 1));
        // Another worker found no row just before, and ends.
        assert!(gate.take_unfinished().is_none());
        assert!(matches!(gate.acquire_next(), Some((_, Work::Begun(_)))));
        gate.put_back_throttled(row(0, 1));
        gate.stop(Stop::Signal(15));
        assert!(gate.acquire_next().is_none() && gate.take_unfinished().is_some());
    }

    #[test]
    fn waiting_workers_end_when_the_run_stops() {
        let gate = gate(0);
        let permit = gate.acquire().unwrap();
        assert!(gate.is_valid(permit));
        let hour = Some(Duration::from_secs(60 * 60));
        assert_eq!(gate.release_throttled(permit, hour), hour);
        assert!(!gate.is_valid(permit));
        std::thread::scope(|scope| {
            let acquires = scope.spawn(|| gate.acquire().is_some());
            let next = scope.spawn(|| gate.acquire_next().is_some());
            let waits = scope.spawn(|| gate.wait(Duration::from_secs(60 * 60)));
            gate.stop(Stop::Signal(2));
            assert!(!acquires.join().unwrap() && !next.join().unwrap());
            assert!(!waits.join().unwrap());
        });
    }

    #[test]
    fn a_worker_that_waits_for_a_later_user_wakes_for_an_earlier_one() {
        let gate = Gate::new(Pace::new(None), 0, 0);
        gate.await_user(row(1, 0), Duration::from_secs(60 * 60));
        std::thread::scope(|scope| {
            let next = scope.spawn(|| gate.acquire_next());
            // The worker should sleep by now. If it does not, the test proves less, but does not fail.
            std::thread::sleep(Duration::from_millis(50));
            gate.await_user(row(2, 0), Duration::ZERO);
            let end = Instant::now() + Duration::from_secs(20);
            while !next.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(1));
            }
            gate.stop(Stop::Signal(2));
            let taken = next.join().unwrap();
            assert!(matches!(taken, Some((_, Work::Begun(row))) if row.task.index == 2), "it slept on");
        });
    }

    fn row(index: u32, throttles: u64) -> Box<RowInProgress> {
        let task = Task { index, prior: Prior::NotSent };
        let row = RowInProgress::new(task, crate::bulk::journal::key("", "", ""));
        Box::new(RowInProgress { attempts: throttles, throttles, ..row })
    }

    #[test]
    fn retries_add_at_most_a_tenth_and_twenty_requests() {
        for rows in [0, 1, 9, 10, 100, 5000] {
            let gate = Gate::new(Pace::new(None), 0, rows);
            let mut retries = 0;
            for _ in 0..rows {
                assert!(gate.acquire_next().is_some());
                retries += usize::from(gate.take_retry()) + usize::from(gate.take_retry());
            }
            let most = if rows == 0 { 0 } else { 20 + rows / 10 };
            assert_eq!(retries, most.min(2 * rows), "{rows}");
            assert_eq!(gate.take_retry(), retries < 20 + rows / 10);
        }
    }

    #[test]
    fn throttled_rows_are_sent_first_and_fresh_rows_last() {
        let mut backlog = Backlog::new(2);
        backlog.put_back_unsent(row(10, 0));
        backlog.put_back_throttled(row(20, 1));
        backlog.put_back_throttled(row(21, 3));
        backlog.put_back_unsent(row(22, 2));
        let mut order = Vec::new();
        while let Some(work) = backlog.take(Instant::now()) {
            order.push(match work {
                Work::Fresh(task) => u32::try_from(task).unwrap(),
                Work::Begun(row) => row.task.index,
            });
        }
        assert_eq!(order, [22, 20, 21, 10, 0, 1]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn rows_that_waited_for_their_user_alternate_with_fresh_rows_and_none_is_sent_early() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut backlog = Backlog::new(3);
        assert!(backlog.await_user(row(11, 0), after(2)));
        assert!(backlog.await_user(row(10, 0), after(1)));
        assert!(!backlog.await_user(row(12, 0), after(3)));
        assert!(!backlog.await_user(row(13, 0), after(9)));
        let mut take = |seconds| match backlog.take(after(seconds)) {
            Some(Work::Fresh(task)) => u32::try_from(task).ok(),
            Some(Work::Begun(row)) => Some(row.task.index),
            None => None,
        };
        assert_eq!(take(0), Some(0));
        let order: Vec<_> = (0..6).map(|_| take(5)).collect();
        assert_eq!(order, [Some(10), Some(1), Some(11), Some(2), Some(12), None]);
        assert_eq!((backlog.wait(after(5)), backlog.wait(after(9))), (Some(Duration::from_secs(4)), None));
        assert!(!backlog.is_empty() && backlog.awaited.len() == 1);
        assert!(backlog.take_put_back().is_some() && backlog.is_empty());
    }
}

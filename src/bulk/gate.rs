//! The gate before every request: workers wait here for their turn, for the end of a pause, and are sent home when the
//! run stops. A thin blocking shell around [`Pace`] and [`RetryBudget`].

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::budget::RetryBudget;
use super::pace::{Pace, Turn};
use super::stop::Stop;
use crate::api::outcome::Fate;

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
    budget: RetryBudget,
    failures: u64,
    stop: Option<Stop>,
}

impl Gate {
    /// A gate that nobody has passed. `max_failures` of 0 lets any number of rows fail in a row.
    #[must_use]
    pub fn new(pace: Pace, rated: bool, max_failures: u64) -> Self {
        Self {
            state: Mutex::new(State {
                pace,
                budget: RetryBudget::default(),
                failures: 0,
                stop: None,
            }),
            changed: Condvar::new(),
            rated,
            max_failures,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked left numbers behind, and numbers are always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of a request; false when the run has stopped.
    #[must_use]
    pub fn pass(&self) -> bool {
        let mut state = self.lock();
        loop {
            if state.stop.is_some() {
                return false;
            }
            match state.pace.ask(Instant::now()) {
                Turn::Go => return true,
                Turn::After(wait) => state = self.wait(state, Some(wait)),
                Turn::AfterAnEnd => state = self.wait(state, None),
            }
        }
    }

    /// Waits, with a turn in hand, for the end of a pause that began meanwhile; false when the run has stopped.
    #[must_use]
    pub fn still_open(&self) -> bool {
        let mut state = self.lock();
        loop {
            if state.stop.is_some() {
                return false;
            }
            match state.pace.pause_left(Instant::now()) {
                None => return true,
                Some(wait) => state = self.wait(state, Some(wait)),
            }
        }
    }

    /// Waits for a time; false when the run has stopped meanwhile.
    #[must_use]
    pub fn rest(&self, length: Duration) -> bool {
        let until = Instant::now() + length;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.stop.is_some() || left.is_zero() {
                return state.stop.is_none();
            }
            state = self.wait(state, Some(left));
        }
    }

    fn wait<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        longest: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        match longest {
            Some(longest) => {
                let waited = self.changed.wait_timeout(state, longest);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Notes that a request has ended.
    pub fn ended(&self) {
        self.lock().pace.ended(Instant::now());
        if self.rated {
            self.changed.notify_all();
        }
    }

    /// Lets nobody pass for a time.
    pub fn pause(&self, length: Duration) {
        self.lock().pace.pause(Instant::now(), length);
        // Those who wait for a turn have to learn that it comes later: they ask again by themselves.
    }

    /// How long the pause that is under way still lasts.
    #[must_use]
    pub fn pause_left(&self) -> Option<Duration> {
        self.lock().pace.pause_left(Instant::now())
    }

    /// Notes that a row was begun.
    pub fn begin_row(&self) {
        self.lock().budget.begin();
    }

    /// Asks for one repeat out of the run's budget.
    #[must_use]
    pub fn take_repeat(&self) -> bool {
        self.lock().budget.take()
    }

    /// Notes how a row ended, and stops the run when too many in a row were not accepted.
    pub fn row_ended(&self, fate: Fate) {
        let mut state = self.lock();
        state.failures = match fate {
            Fate::Accepted => 0,
            Fate::Rejected | Fate::NotSent | Fate::Unknown => state.failures + 1,
        };
        if self.max_failures > 0 && state.failures >= self.max_failures {
            let failures = state.failures;
            state.stop.get_or_insert(Stop::Failures(failures));
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Stops the run. The first reason stays, except that a journal that fails outranks the others: it is what must
    /// be told.
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
    #[must_use]
    pub fn stopped(&self) -> Option<Stop> {
        self.lock().stop.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::outcome::Class;

    fn gate(max_failures: u64) -> Gate {
        Gate::new(Pace::new(None), false, max_failures)
    }

    #[test]
    fn failures_in_a_row_stop_the_run_and_an_acceptance_starts_the_count_anew() {
        let gate = gate(3);
        for fate in [
            Fate::Rejected,
            Fate::Unknown,
            Fate::Accepted,
            Fate::NotSent,
            Fate::Rejected,
        ] {
            gate.row_ended(fate);
            assert!(gate.pass());
        }
        gate.row_ended(Fate::Unknown);
        assert_eq!(gate.stopped(), Some(Stop::Failures(3)));
        assert!(!gate.pass() && !gate.still_open() && !gate.rest(Duration::ZERO));
        let endless = Gate::new(Pace::new(None), false, 0);
        (0..1000).for_each(|_| endless.row_ended(Fate::Rejected));
        assert_eq!(endless.stopped(), None);
    }

    #[test]
    fn the_first_reason_stays_unless_the_journal_fails() {
        let gate = gate(10);
        gate.stop(Stop::Signal(2));
        gate.stop(Stop::Hopeless(Class::Unauthorized));
        assert_eq!(gate.stopped(), Some(Stop::Signal(2)));
        gate.stop(Stop::Journal("no space".to_owned()));
        gate.stop(Stop::Signal(15));
        assert_eq!(gate.stopped(), Some(Stop::Journal("no space".to_owned())));
    }

    #[test]
    fn whoever_waits_is_sent_home_when_the_run_stops() {
        let gate = gate(0);
        gate.pause(Duration::from_hours(1));
        std::thread::scope(|scope| {
            let passing = scope.spawn(|| gate.pass());
            let resting = scope.spawn(|| gate.rest(Duration::from_hours(1)));
            gate.stop(Stop::Signal(2));
            assert!(!passing.join().unwrap() && !resting.join().unwrap());
        });
    }
}

//! What a run does when the service asks it to slow down. Pure: [`super::gate`] does the waiting.
//!
//! After a refusal nobody is sent for the time that the service asked for; then one request goes alone, and with each that
//! the service takes one more may be under way. So a limit costs one refusal or two per wait, and not one per worker.

use std::time::Duration;

use crate::api::retry::backoff;

/// Waits in a row, without a request taken in between, after which the run stops: a service that refuses for ever must
/// not be asked for ever.
pub const WAITS_MAX: u64 = 20;
/// Refusals of one row that went alone, right after the wait, after which it is left to the next run: then it is the row
/// that the service refuses.
pub const ALONE_MAX: u64 = 10;
/// From this number of requests under way on there is no bound any more: no run has as many workers.
const WINDOW_MAX: u64 = 256;

/// Leave for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a turn that is not given back counts as under way for ever"]
pub struct Turn {
    /// How many waits there had been.
    era: u64,
    /// Whether nobody else is sent at the same time, because the service has just asked to slow down.
    pub alone: bool,
}

/// How many requests may be under way, by what the service said of those before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttle {
    /// How many waits there were. Requests that were sent before the last of them say nothing new of it.
    era: u64,
    /// How many requests may be under way; no bound before the first refusal.
    window: Option<u64>,
    /// How many of this era are.
    under_way: u64,
    /// Waits since the service took a request.
    waits: u64,
}

impl Throttle {
    /// Whether one more may be sent.
    pub fn has_room(&self) -> bool {
        self.window.is_none_or(|window| self.under_way < window)
    }

    /// Whether there is a bound on what is under way.
    pub const fn is_bound(&self) -> bool {
        self.window.is_some()
    }

    /// Begins a request.
    pub const fn begin(&mut self) -> Turn {
        self.under_way += 1;
        Turn { era: self.era, alone: matches!(self.window, Some(1)) }
    }

    /// Whether no wait was asked for since a turn began.
    pub const fn is_current(&self, turn: Turn) -> bool {
        self.era == turn.era
    }

    /// A turn was not used.
    pub const fn unused(&mut self, turn: Turn) {
        if self.is_current(turn) {
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    /// A request ended and was not throttled.
    pub fn passed(&mut self, turn: Turn) {
        self.unused(turn);
        self.waits = 0;
        if self.is_current(turn) {
            let wider = self.window.map(|window| window + 1);
            self.window = wider.filter(|window| *window < WINDOW_MAX);
        }
    }

    /// A request was throttled, with the wait that the service asked for if it named one. Gives how long
    /// nobody may be sent. `jitter` is a random number from 0 to 1.
    pub fn refused(&mut self, turn: Turn, asked: Option<Duration>, jitter: f64) -> Duration {
        if self.is_current(turn) {
            *self = Self { era: self.era + 1, window: Some(1), under_way: 0, waits: self.waits + 1 };
        }
        asked.unwrap_or_else(|| backoff(self.waits, jitter))
    }

    /// Whether the service was asked too often in vain.
    pub const fn is_hopeless(&self) -> bool {
        self.waits >= WAITS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));

    #[test]
    fn after_a_refusal_one_goes_alone_and_each_that_is_taken_makes_room_for_one_more() {
        let mut throttle = Throttle::default();
        let mut turns: Vec<Turn> = (0..300).map(|_| throttle.begin()).collect();
        assert!(throttle.has_room() && turns.iter().all(|turn| !turn.alone));
        // Those that were under way together are one refusal, however many of them are refused.
        for turn in turns.drain(..) {
            assert_eq!(throttle.refused(turn, SECOND, 0.0), Duration::from_secs(1));
        }
        assert_eq!(throttle.waits, 1);
        let first = throttle.begin();
        assert!(first.alone && !throttle.has_room());
        throttle.passed(first);
        let (second, third) = (throttle.begin(), throttle.begin());
        assert!(!second.alone && !throttle.has_room());
        throttle.unused(third);
        assert!(throttle.has_room());
        throttle.passed(second);
        for _ in 0..WINDOW_MAX {
            let turn = throttle.begin();
            throttle.passed(turn);
        }
        assert!(!throttle.is_bound());
    }

    #[test]
    fn what_was_under_way_before_a_wait_says_nothing_of_it() {
        let mut throttle = Throttle::default();
        let (old, refused) = (throttle.begin(), throttle.begin());
        let _ = throttle.refused(refused, SECOND, 0.0);
        assert!(!throttle.is_current(old));
        throttle.passed(old);
        assert!(throttle.begin().alone && !throttle.has_room());
    }

    #[test]
    fn waits_in_vain_are_counted_and_grow_where_none_was_named() {
        let mut throttle = Throttle::default();
        let mut waits = Vec::new();
        for _ in 0..WAITS_MAX {
            assert!(!throttle.is_hopeless());
            let turn = throttle.begin();
            waits.push(throttle.refused(turn, None, 1.0).as_millis());
        }
        assert_eq!(waits[..5], [500, 1000, 2000, 4000, 8000]);
        assert!(throttle.is_hopeless());
        let turn = throttle.begin();
        throttle.passed(turn);
        assert!(!throttle.is_hopeless());
    }
}

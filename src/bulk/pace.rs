//! When the next request may go: evenly paced, never more than the rate allows at the server, and not at all while the
//! server has asked everybody to wait. Pure: moments go in, waits come out; [`super::gate`] does the waiting.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::settings::rate::Rate;

/// Whether a request may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Yes, and it counts from now on, until [`Pace::ended`] and for the length of the rate after that.
    Go,
    /// Ask again after this time, which is longer than zero.
    After(Duration),
    /// Ask again when a request has ended.
    AfterAnEnd,
}

/// The pace of a run. The moments that it is given must not run backwards.
///
/// A request reaches the server at some moment between its start and its end, so it counts from its start until the
/// length of the rate after its end. At most `count` such requests may be there when another one starts: then no
/// stretch of that length, wherever it lies, holds more than `count + 1` at the server, however late some arrive.
#[derive(Debug, Clone)]
pub struct Pace {
    rate: Option<Rate>,
    /// The earliest moment of the next start, for even spacing.
    next: Option<Instant>,
    /// Until when nobody may start.
    paused: Option<Instant>,
    under_way: u64,
    /// The ends that still count, the oldest first.
    ended: VecDeque<Instant>,
}

impl Pace {
    /// A pace at which nothing has been sent yet; `None` is as fast as can be.
    pub const fn new(rate: Option<Rate>) -> Self {
        Self { rate, next: None, paused: None, under_way: 0, ended: VecDeque::new() }
    }

    /// Asks for a request to be started at `now`.
    pub fn ask(&mut self, now: Instant) -> Turn {
        if let Some(wait) = self.pause_left(now) {
            return Turn::After(wait);
        }
        let Some(rate) = self.rate else {
            self.under_way += 1;
            return Turn::Go;
        };
        if let Some(wait) = left(self.next, now) {
            return Turn::After(wait);
        }
        while self.ended.front().is_some_and(|end| now.saturating_duration_since(*end) > rate.per) {
            self.ended.pop_front();
        }
        let counted = self.under_way + self.ended.len() as u64;
        if counted > u64::from(rate.count.get()) {
            return match self.ended.front() {
                // A nanosecond more: an end exactly that old still counts.
                Some(oldest) => Turn::After(
                    (rate.per + Duration::from_nanos(1)).saturating_sub(now.saturating_duration_since(*oldest)),
                ),
                None => Turn::AfterAnEnd,
            };
        }
        // One that was woken late may catch up, but by one step at most: no bursts.
        let step = rate.per / rate.count.get();
        let due = self.next.unwrap_or(now);
        self.next = Some(due.max(now.checked_sub(step).unwrap_or(now)) + step);
        self.under_way += 1;
        Turn::Go
    }

    /// Notes that a request has ended, answered or not.
    pub fn ended(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.rate.is_some() {
            self.ended.push_back(now);
        }
    }

    /// Lets nobody start for a time. A longer pause that is under way stays.
    pub fn pause(&mut self, now: Instant, length: Duration) {
        let until = now.checked_add(length);
        self.paused = self.paused.max(until);
    }

    /// How long the pause that is under way still lasts.
    pub fn pause_left(&self, now: Instant) -> Option<Duration> {
        left(self.paused, now)
    }
}

fn left(until: Option<Instant>, now: Instant) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn rate(text: &str) -> Option<Rate> {
        text.parse().ok()
    }

    /// Runs so many requests through a pace with so many workers; `lasts` says how long each takes, `arrives` how long
    /// after its start it reaches the server. Gives the moments of arrival, sorted.
    fn arrivals(
        rate: Option<Rate>,
        workers: usize,
        requests: usize,
        lasts: impl Fn(usize) -> u32,
        arrives: impl Fn(usize) -> u32,
    ) -> Vec<Duration> {
        let start = Instant::now();
        let (mut pace, mut now) = (Pace::new(rate), start);
        let (mut busy, mut came): (Vec<Instant>, Vec<Duration>) = (Vec::new(), Vec::new());
        while came.len() < requests {
            busy.sort();
            while busy.first().is_some_and(|end| *end <= now) {
                pace.ended(busy.remove(0));
            }
            let turn = if busy.len() < workers { pace.ask(now) } else { Turn::AfterAnEnd };
            match turn {
                Turn::Go => {
                    let index = came.len();
                    let length = lasts(index).max(1);
                    busy.push(now + MS * length);
                    came.push(now + MS * arrives(index).min(length) - start);
                }
                Turn::After(wait) => {
                    assert!(!wait.is_zero());
                    let end = busy.first().copied();
                    now = end.map_or(now + wait, |end| end.min(now + wait)).max(now);
                }
                Turn::AfterAnEnd => now = *busy.first().expect("something is under way"),
            }
        }
        came.sort();
        came
    }

    #[test]
    fn no_stretch_at_the_server_holds_more_than_one_over_the_rate_however_late_requests_arrive() {
        for text in ["1/s", "2/s", "3/s", "10/s", "100/s", "1000/s"] {
            let rate = rate(text);
            let count = rate.map_or(0, |rate| rate.count.get() as usize);
            for workers in [1, 2, 4, 16] {
                for seed in 0..20_u64 {
                    let mut random = fastrand::Rng::with_seed(seed);
                    let delays: Vec<u32> = (0..400).map(|_| random.u32(0..700)).collect();
                    let lasts = |index: usize| delays[index % 400];
                    for late in [true, false] {
                        // The worst that can happen: some arrive with their start, others with their end.
                        let arrives = |index: usize| {
                            if late == index.is_multiple_of(2) { 0 } else { u32::MAX }
                        };
                        let came = arrivals(rate, workers, 4 * count.min(100) + 50, lasts, arrives);
                        for stretch in came.windows(count + 2) {
                            assert!(
                                stretch[count + 1].checked_sub(stretch[0]).unwrap() > Duration::from_secs(1),
                                "{text}, {workers} workers, seed {seed}: {stretch:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn requests_are_spaced_evenly_and_the_rate_is_reached() {
        let came = arrivals(rate("20/s"), 4, 200, |_| 10, |_| 1);
        for pair in came.windows(2) {
            assert!(pair[1].checked_sub(pair[0]).unwrap() >= 49 * MS, "{pair:?}");
        }
        // What the guard costs is the length of one request in each second.
        assert!(*came.last().unwrap() < Duration::from_millis(10_500), "{came:?}");
        assert_eq!(arrivals(None, 4, 8, |_| 100, |_| 0)[3], Duration::ZERO);
    }

    #[test]
    fn a_worker_that_was_woken_late_catches_up_by_one_step_only() {
        let start = Instant::now();
        let mut pace = Pace::new(rate("10/s"));
        assert_eq!(pace.ask(start), Turn::Go);
        pace.ended(start);
        let late = start + 1000 * MS;
        assert_eq!(pace.ask(late), Turn::Go);
        assert_eq!(pace.ask(late), Turn::Go);
        assert_eq!(pace.ask(late), Turn::After(100 * MS));
    }

    #[test]
    fn a_pause_holds_everybody_and_the_longest_counts() {
        let start = Instant::now();
        for given in [None, rate("1000/s")] {
            let mut pace = Pace::new(given);
            assert_eq!(pace.ask(start), Turn::Go);
            pace.pause(start, 2000 * MS);
            pace.pause(start + MS, 500 * MS);
            for at in [0, 1, 500, 1999] {
                let left = 2000 - at;
                assert_eq!(pace.ask(start + at * MS), Turn::After(left * MS), "{at}");
            }
            assert_eq!(pace.ask(start + 2000 * MS), Turn::Go);
        }
    }

    #[test]
    fn with_everything_under_way_the_next_one_waits_for_an_end() {
        let start = Instant::now();
        let mut pace = Pace::new(rate("1/s"));
        assert_eq!(pace.ask(start), Turn::Go);
        assert_eq!(pace.ask(start + 1000 * MS), Turn::Go);
        assert_eq!(pace.ask(start + 5000 * MS), Turn::AfterAnEnd);
        pace.ended(start + 5000 * MS);
        pace.ended(start + 5000 * MS);
        assert_eq!(pace.ask(start + 5000 * MS), Turn::After(1000 * MS + Duration::from_nanos(1)));
        assert_eq!(pace.ask(start + 6001 * MS), Turn::Go);
    }
}

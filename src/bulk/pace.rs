//! When the next request may be sent: evenly paced, never more than the rate allows at the server, fewer at a time after the
//! service asked to slow down, and retries within one budget for the run. Pure: times go in, waits come out;
//! [`super::gate`] does the waiting.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use crate::api::retry::backoff;
use crate::settings::bulk::{Rate, Shard};
use crate::settings::clock::since_epoch;

/// What may begin now, or how long to wait before asking again, always longer than zero; without a time, until a request has
/// ended.
pub type Start<T> = Result<T, Option<Duration>>;

/// What a rate means for one run.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// How long a request counts after its end.
    per: Duration,
    /// How many may count at once.
    most: u64,
    /// Between two starts.
    step: Duration,
    /// How long a turn lasts; none if a late request may still be sent.
    slot: Option<Duration>,
}

/// The pace of a run. The moments that it is given must not run backwards.
///
/// A request reaches the server at some time between its start and its end, so it counts from its start until the
/// length of the rate after its end. At most `count` such requests may be there when another one starts: then no
/// stretch of that length, wherever it begins, has more than `count + 1` at the server, however late some arrive.
///
/// Shards share these `count + 1`, so that together they stay within them without a word between their machines. Where
/// there are more shards than that, each has turns by the clock, of which any stretch meets `count + 1` at most: then the
/// machines' clocks have to agree.
#[derive(Debug, Clone)]
pub struct Pace {
    limit: Option<Limit>,
    /// The earliest time of the next start, for even spacing.
    next: Option<Instant>,
    /// No request may start before this time.
    paused: Option<Instant>,
    under_way: u64,
    /// The ends that still count, the oldest first.
    ended: VecDeque<Instant>,
}

impl Pace {
    /// A pace at which nothing has been sent yet; `None` sets no limit.
    pub fn new(rate: Option<Rate>) -> Self {
        let limit = rate.map(|rate| Limit {
            per: rate.per,
            most: u64::from(rate.count.get()) + 1,
            step: rate.per / rate.count.get(),
            slot: None,
        });
        Self { limit, next: None, paused: None, under_way: 0, ended: VecDeque::new() }
    }

    /// The pace of a shard, whose last requests ended at these times, the oldest first. Its first turn comes by the clock,
    /// so that shards that start together do not send together: `now` is that moment by the clock of this process, which never
    /// runs backwards, and by the one that machines have in common.
    pub fn of_shard(rate: Option<Rate>, shard: Shard, now: (Instant, SystemTime), ended: &[SystemTime]) -> Self {
        let (now, time) = now;
        let Some(rate) = rate else {
            return Self::new(None);
        };
        let (count, shards) = (rate.count.get(), shard.count().get());
        let slot = nanoseconds(rate.per.as_nanos().div_ceil(u128::from(count)));
        let step = slot * u32::from(shards);
        let own = slot * u32::from(shard.number() - 1);
        let since = since_epoch(time).as_nanos() % step.as_nanos();
        let wait = nanoseconds((step.as_nanos() + own.as_nanos() - since) % step.as_nanos());
        let age = |end: &SystemTime| time.duration_since(*end).unwrap_or_default();
        let limit = Limit {
            per: rate.per,
            most: shard.part_of(u64::from(count) + 1).max(1),
            step,
            slot: (u32::from(shards) > count.saturating_add(1)).then_some(slot),
        };
        Self {
            limit: Some(limit),
            next: Some(now + wait),
            ended: ended.iter().filter_map(|end| now.checked_sub(age(end))).collect(),
            ..Self::new(None)
        }
    }

    pub const fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Starts a request at `now`, if one may start: it counts from then on, until [`Pace::release`] and for the length of
    /// the rate after that.
    pub fn acquire(&mut self, now: Instant) -> Start<()> {
        if let Some(wait) = self.pause_left(now) {
            return Err(Some(wait));
        }
        let Some(limit) = self.limit else {
            self.under_way += 1;
            return Ok(());
        };
        self.skip_missed_turns(limit, now);
        if let Some(wait) = left(self.next, now) {
            return Err(Some(wait));
        }
        while self.ended.front().is_some_and(|end| now.saturating_duration_since(*end) > limit.per) {
            self.ended.pop_front();
        }
        if self.under_way + self.ended.len() as u64 >= limit.most {
            // A nanosecond more: an end exactly that old still counts.
            let counts = limit.per + Duration::from_nanos(1);
            return Err(self.ended.front().map(|end| counts.saturating_sub(now.saturating_duration_since(*end))));
        }
        // One that was woken late may catch up, but by one step at most: no bursts.
        let due = self.next.unwrap_or(now);
        self.next = Some(due.max(now.checked_sub(limit.step).unwrap_or(now)) + limit.step);
        self.under_way += 1;
        Ok(())
    }

    /// A turn that has passed belongs to the next shard.
    fn skip_missed_turns(&mut self, limit: Limit, now: Instant) {
        if let (Some(slot), Some(next)) = (limit.slot, self.next) {
            let (late, step) = (now.saturating_duration_since(next).as_nanos(), limit.step.as_nanos());
            let turns = late / step + u128::from(late % step >= slot.as_nanos());
            self.next = Some(next + nanoseconds(turns * step));
        }
    }

    /// Notes that a request has ended, answered or not.
    pub fn release(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.limit.is_some() {
            self.ended.push_back(now);
        }
    }

    /// Pauses: no request starts for a time. A longer pause that is under way stays.
    pub fn pause(&mut self, now: Instant, length: Duration) {
        let until = now.checked_add(length);
        self.paused = self.paused.max(until);
    }

    /// How long the pause that is under way still lasts.
    pub fn pause_left(&self, now: Instant) -> Option<Duration> {
        left(self.paused, now)
    }
}

/// Nanoseconds that fit: no time here is longer than a few days.
fn nanoseconds(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

fn left(until: Option<Instant>, now: Instant) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
}

/// Waits in a row, without a request taken in between, after which the run stops: a service that always refuses must
/// not be asked without end.
pub const WAITS_MAX: u64 = 20;
/// Refusals of one row that went alone, right after the wait, after which it is left to the next run: then it is the row
/// that the service refuses.
pub const ALONE_MAX: u64 = 10;
/// From this number of requests under way on there is no limit any more: no run has as many workers.
const WINDOW_MAX: u64 = 256;

/// The permit for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a permit that is not given back counts as under way for ever"]
pub struct Permit {
    /// How many waits there were when it was given.
    era: u64,
    /// Whether no one else is sent at the same time, because the service has just asked to slow down.
    pub alone: bool,
}

/// How many requests may be under way, by how the service answered earlier ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttle {
    /// How many waits there were. Answers to requests from before the last of them are ignored.
    era: u64,
    /// How many requests may be under way; no bound before the first refusal.
    window: Option<u64>,
    /// How many of this era are.
    under_way: u64,
    /// Waits since the service accepted a request.
    waits: u64,
}

impl Throttle {
    pub fn has_room(&self) -> bool {
        self.window.is_none_or(|window| self.under_way < window)
    }

    /// Whether there is a bound on what is under way.
    pub const fn is_limited(&self) -> bool {
        self.window.is_some()
    }

    pub const fn acquire(&mut self) -> Permit {
        self.under_way += 1;
        Permit { era: self.era, alone: matches!(self.window, Some(1)) }
    }

    /// Whether no wait was asked for since a permit began.
    pub const fn is_current(&self, permit: Permit) -> bool {
        self.era == permit.era
    }

    pub const fn release_unused(&mut self, permit: Permit) {
        if self.is_current(permit) {
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    /// A request ended and was not throttled.
    pub fn release_accepted(&mut self, permit: Permit) {
        self.release_unused(permit);
        self.waits = 0;
        if self.is_current(permit) {
            let wider = self.window.map(|window| window + 1);
            self.window = wider.filter(|window| *window < WINDOW_MAX);
        }
    }

    /// A request was throttled, with the wait that the service asked for if it named one. Returns how long
    /// no one may be sent. `jitter` is a random number from 0 to 1.
    pub fn release_refused(&mut self, permit: Permit, asked: Option<Duration>, jitter: f64) -> Duration {
        if self.is_current(permit) {
            *self = Self { era: self.era + 1, window: Some(1), under_way: 0, waits: self.waits + 1 };
        }
        asked.unwrap_or_else(|| backoff(self.waits, jitter))
    }

    /// Whether there were too many waits without an accepted request.
    pub const fn is_exhausted(&self) -> bool {
        self.waits >= WAITS_MAX
    }
}

/// The budget of a run that has begun this many rows: 20 retries, however short its list, and one more for every ten rows.
///
/// A retry that the server itself asked for with `Retry-After` is free: all workers wait before it, so that it does not
/// make an outage worse, and the retries of one row limit it.
pub const fn retries_for(rows: u64) -> u64 {
    20 + rows / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn rate(text: &str) -> Option<Rate> {
        text.parse().ok()
    }

    /// Runs N requests through a pace with N workers; `lasts` says how long each takes, `arrives` how long
    /// after its start it reaches the server. Returns the moments of arrival, sorted.
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
                pace.release(busy.remove(0));
            }
            let permit = if busy.len() < workers { pace.acquire(now) } else { Err(None) };
            match permit {
                Ok(()) => {
                    let index = came.len();
                    let length = lasts(index).max(1);
                    busy.push(now + MS * length);
                    came.push(now + MS * arrives(index).min(length) - start);
                }
                Err(Some(wait)) => {
                    assert!(!wait.is_zero());
                    let end = busy.first().copied();
                    now = end.map_or(now + wait, |end| end.min(now + wait)).max(now);
                }
                Err(None) => now = *busy.first().expect("something is under way"),
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

    /// Lets all shards run at once, each of them killed after some requests and started again a moment later. Returns the
    /// arrivals, sorted.
    fn arrivals_of_shards(rate: Option<Rate>, shards: u16, requests: usize, longest: u32, seed: u64) -> Vec<Duration> {
        let mut random = fastrand::Rng::with_seed(seed);
        let (start, time) = (Instant::now(), SystemTime::now());
        let mut came = Vec::new();
        for number in 1..=shards {
            let shard = format!("{number}/{shards}").parse().unwrap();
            let (mut now, mut ended): (Instant, Vec<SystemTime>) = (start + MS * random.u32(0..300), Vec::new());
            let mut sent = 0;
            while sent < requests {
                let mut pace = Pace::of_shard(rate, shard, (now, time + (now - start)), &ended);
                for _ in 0..random.usize(1..20) {
                    loop {
                        match pace.acquire(now) {
                            Ok(()) => break,
                            Err(Some(wait)) => now += wait,
                            Err(None) => panic!("one worker has nothing under way here"),
                        }
                    }
                    let length = MS * random.u32(1..longest);
                    came.push(now + if random.bool() { length } else { Duration::ZERO } - start);
                    now += length;
                    pace.release(now);
                    ended.push(time + (now - start));
                    sent += 1;
                }
            }
        }
        came.sort();
        came
    }

    #[test]
    fn all_shards_together_keep_to_the_rate_also_when_they_are_killed_and_started_again() {
        for (text, shards) in [("20/s", 4), ("3/s", 4), ("50/s", 7), ("5/s", 5), ("100/s", 1), ("11/s", 3)] {
            let rate = rate(text);
            let count = rate.map_or(0, |rate| rate.count.get() as usize);
            for seed in 0..20 {
                let came = arrivals_of_shards(rate, shards, 60, 700, seed);
                for stretch in came.windows(count + 2) {
                    let length = stretch[count + 1].checked_sub(stretch[0]).unwrap();
                    assert!(length > Duration::from_secs(1), "{text}, {shards} shards, seed {seed}: {stretch:?}");
                }
            }
        }
    }

    #[test]
    fn more_shards_than_the_rate_has_requests_take_turns_by_the_clock() {
        for (text, shards) in [("2/s", 4), ("1/s", 8), ("5/s", 30)] {
            let rate = rate(text);
            let count = rate.map_or(0, |rate| rate.count.get() as usize);
            for seed in 0..20 {
                // As far as requests arrive when they start.
                let came = arrivals_of_shards(rate, shards, 20, 2, seed);
                for stretch in came.windows(count + 2) {
                    let length = stretch[count + 1].checked_sub(stretch[0]).unwrap() + 2 * MS;
                    assert!(length > Duration::from_secs(1), "{text}, {shards} shards, seed {seed}: {stretch:?}");
                }
            }
        }
    }

    #[test]
    fn a_turn_that_was_missed_belongs_to_the_next_shard() {
        // Of four shards at 2/s, each has half a second of every two.
        let clock = (Instant::now(), SystemTime::UNIX_EPOCH);
        for (late, start) in [
            (0, Ok(())),
            (499, Ok(())),
            (500, Err(Some(1500 * MS))),
            (2000, Ok(())),
            (2499, Ok(())),
            (2600, Err(Some(1400 * MS))),
        ] {
            let mut pace = Pace::of_shard(rate("2/s"), "1/4".parse().unwrap(), clock, &[]);
            assert_eq!(pace.acquire(clock.0 + late * MS), start, "{late}");
        }
    }

    #[test]
    fn shards_that_start_together_do_not_send_together_and_reach_the_rate() {
        let clock = (Instant::now(), SystemTime::now());
        let mut starts: Vec<Duration> = Vec::new();
        for number in 1..=4 {
            let mut pace = Pace::of_shard(rate("60/m"), format!("{number}/4").parse().unwrap(), clock, &[]);
            let mut now = clock.0;
            while now < clock.0 + Duration::from_secs(600) {
                match pace.acquire(now) {
                    Ok(()) => {
                        starts.push(now - clock.0);
                        pace.release(now);
                    }
                    Err(Some(wait)) => now += wait,
                    Err(None) => panic!("nothing is under way"),
                }
            }
        }
        starts.sort();
        assert!(starts.windows(2).all(|pair| pair[1].checked_sub(pair[0]).unwrap() > 999 * MS), "{starts:?}");
        assert!(starts.len() >= 595, "{}", starts.len());
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
        assert_eq!(pace.acquire(start), Ok(()));
        pace.release(start);
        let late = start + 1000 * MS;
        assert_eq!(pace.acquire(late), Ok(()));
        assert_eq!(pace.acquire(late), Ok(()));
        assert_eq!(pace.acquire(late), Err(Some(100 * MS)));
    }

    #[test]
    fn a_pause_stops_all_workers_and_the_longest_counts() {
        let start = Instant::now();
        for given in [None, rate("1000/s")] {
            let mut pace = Pace::new(given);
            assert_eq!(pace.acquire(start), Ok(()));
            pace.pause(start, 2000 * MS);
            pace.pause(start + MS, 500 * MS);
            for at in [0, 1, 500, 1999] {
                let left = 2000 - at;
                assert_eq!(pace.acquire(start + at * MS), Err(Some(left * MS)), "{at}");
            }
            assert_eq!(pace.acquire(start + 2000 * MS), Ok(()));
        }
    }

    #[test]
    fn with_everything_under_way_the_next_one_waits_for_an_end() {
        let start = Instant::now();
        let mut pace = Pace::new(rate("1/s"));
        assert_eq!(pace.acquire(start), Ok(()));
        assert_eq!(pace.acquire(start + 1000 * MS), Ok(()));
        assert_eq!(pace.acquire(start + 5000 * MS), Err(None));
        pace.release(start + 5000 * MS);
        pace.release(start + 5000 * MS);
        assert_eq!(pace.acquire(start + 5000 * MS), Err(Some(1000 * MS + Duration::from_nanos(1))));
        assert_eq!(pace.acquire(start + 6001 * MS), Ok(()));
    }

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));

    #[test]
    fn after_a_refusal_one_goes_alone_and_each_that_is_taken_makes_room_for_one_more() {
        let mut throttle = Throttle::default();
        let mut turns: Vec<Permit> = (0..300).map(|_| throttle.acquire()).collect();
        assert!(throttle.has_room() && turns.iter().all(|permit| !permit.alone));
        // Those that were under way together are one refusal, however many of them are refused.
        for permit in turns.drain(..) {
            assert_eq!(throttle.release_refused(permit, SECOND, 0.0), Duration::from_secs(1));
        }
        assert_eq!(throttle.waits, 1);
        let first = throttle.acquire();
        assert!(first.alone && !throttle.has_room());
        throttle.release_accepted(first);
        let (second, third) = (throttle.acquire(), throttle.acquire());
        assert!(!second.alone && !throttle.has_room());
        throttle.release_unused(third);
        assert!(throttle.has_room());
        throttle.release_accepted(second);
        for _ in 0..WINDOW_MAX {
            let permit = throttle.acquire();
            throttle.release_accepted(permit);
        }
        assert!(!throttle.is_limited());
    }

    #[test]
    fn what_was_under_way_before_a_wait_says_nothing_of_it() {
        let mut throttle = Throttle::default();
        let (old, refused) = (throttle.acquire(), throttle.acquire());
        let _ = throttle.release_refused(refused, SECOND, 0.0);
        assert!(!throttle.is_current(old));
        throttle.release_accepted(old);
        assert!(throttle.acquire().alone && !throttle.has_room());
    }

    #[test]
    fn waits_in_vain_are_counted_and_grow_where_none_was_named() {
        let mut throttle = Throttle::default();
        let mut waits = Vec::new();
        for _ in 0..WAITS_MAX {
            assert!(!throttle.is_exhausted());
            let permit = throttle.acquire();
            waits.push(throttle.release_refused(permit, None, 1.0).as_millis());
        }
        assert_eq!(waits[..5], [500, 1000, 2000, 4000, 8000]);
        assert!(throttle.is_exhausted());
        let permit = throttle.acquire();
        throttle.release_accepted(permit);
        assert!(!throttle.is_exhausted());
    }
}

//! Decides when the next request may be sent. Requests are evenly spaced and stay within the rate at the server. After
//! the service has asked to slow down, fewer of them are under way at once. One budget limits the retries of the whole
//! run. The code is pure: times go in, waits come out; [`super::gate`] does the waiting.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use crate::api::retry::backoff;
use crate::settings::bulk::{Rate, Shard};
use crate::settings::clock::since_epoch;

/// The result, or how long to wait before the next try. The time is never zero. Without a time, wait until a request
/// has ended.
pub type OrWait<T> = Result<T, Option<Duration>>;

/// A rate as it applies to one run.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// How long a request counts after its end.
    per: Duration,
    /// How many requests may count at once.
    most: u64,
    /// The time between two starts.
    step: Duration,
    /// How long the time slot of a shard lasts; none if there are no time slots.
    slot: Option<Duration>,
}

/// The pace of a run. The times that are passed to it must not run backwards.
///
/// In every interval of length `per`, at most `count + 1` requests reach the server. A request reaches it at some time
/// between its start and its end. So a request counts from its start until `per` after its end, and another one starts
/// only while at most `count` requests count.
///
/// Shards divide these `count + 1` requests among themselves, so their machines need not communicate. With more shards
/// than that, each shard has its own time slot; the machines' clocks must agree.
#[derive(Debug, Clone)]
pub struct Pace {
    limit: Option<Limit>,
    /// The earliest time of the next start, for even spacing.
    next: Option<Instant>,
    /// The end of the pause: no request may start before it.
    paused: Option<Instant>,
    under_way: u64,
    /// The ends of requests that still count, the oldest first.
    ended: VecDeque<Instant>,
}

impl Pace {
    /// The pace of a run that has sent nothing yet. `None` sets no limit.
    pub fn new(rate: Option<Rate>) -> Self {
        let limit = rate.map(|rate| Limit {
            per: rate.per,
            most: u64::from(rate.count.get()) + 1,
            step: rate.per / rate.count.get(),
            slot: None,
        });
        Self { limit, next: None, paused: None, under_way: 0, ended: VecDeque::new() }
    }

    /// The pace of a shard. `ended` has the ends of its last requests, the oldest first. The wall clock decides when
    /// its first request starts, so that shards that start at the same time do not send at the same time. `now` is the
    /// current time on two clocks: the monotonic one of this process, and the wall clock.
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

    /// Starts a request at `now`, if one may start. It counts until [`Pace::release`], and for the length of the rate
    /// after that.
    pub fn acquire(&mut self, now: Instant) -> OrWait<()> {
        if let Some(wait) = self.pause_left(now) {
            return Err(Some(wait));
        }
        let Some(limit) = self.limit else {
            self.under_way += 1;
            return Ok(());
        };
        self.skip_missed_slots(limit, now);
        if let Some(wait) = left(self.next, now) {
            return Err(Some(wait));
        }
        while self.ended.front().is_some_and(|end| now.saturating_duration_since(*end) > limit.per) {
            self.ended.pop_front();
        }
        if self.under_way + self.ended.len() as u64 >= limit.most {
            // One nanosecond longer, because an end that is exactly that old still counts.
            let counts = limit.per + Duration::from_nanos(1);
            return Err(self.ended.front().map(|end| counts.saturating_sub(now.saturating_duration_since(*end))));
        }
        // A worker that was woken late may catch up by one step only. More would be a burst.
        let due = self.next.unwrap_or(now);
        self.next = Some(due.max(now.checked_sub(limit.step).unwrap_or(now)) + limit.step);
        self.under_way += 1;
        Ok(())
    }

    /// Moves the next start to the shard's next time slot, if the present one has passed: the next slot is another
    /// shard's.
    fn skip_missed_slots(&mut self, limit: Limit, now: Instant) {
        if let (Some(slot), Some(next)) = (limit.slot, self.next) {
            let (late, step) = (now.saturating_duration_since(next).as_nanos(), limit.step.as_nanos());
            let missed = late / step + u128::from(late % step >= slot.as_nanos());
            self.next = Some(next + nanoseconds(missed * step));
        }
    }

    /// Notes that a request has ended, with or without an answer.
    pub fn release(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.limit.is_some() {
            self.ended.push_back(now);
        }
    }

    /// Starts a pause, in which no request starts. It does not shorten a pause that lasts longer.
    pub fn pause(&mut self, now: Instant, length: Duration) {
        let until = now.checked_add(length);
        self.paused = self.paused.max(until);
    }

    /// The rest of the pause, if there is one.
    pub fn pause_left(&self, now: Instant) -> Option<Duration> {
        left(self.paused, now)
    }
}

/// No time here is longer than a few days, so 64 bits are enough.
fn nanoseconds(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

fn left(until: Option<Instant>, now: Instant) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
}

/// The run stops after this many waits in a row, if all requests in between were throttled: otherwise a service that
/// throttles every request would be asked for ever.
pub const WAITS_MAX: u64 = 20;
/// A row that is sent alone after a wait and throttled this often is left to the next run: the service refuses this
/// row.
pub const ALONE_THROTTLES_MAX: u64 = 10;
/// A limit that has grown to this number of requests is removed: no run has more workers.
const WINDOW_MAX: u64 = 256;

/// The permit for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a permit that is not released counts as under way for ever"]
pub struct Permit {
    /// The era of the throttle when the permit was acquired.
    era: u64,
    /// Whether this is the only request under way, because the service has just asked to slow down.
    pub alone: bool,
}

/// Limits how many requests may be under way, depending on the answers to earlier ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttle {
    /// How many waits have begun. Answers to requests from before the last one are ignored.
    era: u64,
    /// How many requests may be under way; no limit before the first request is throttled.
    window: Option<u64>,
    /// How many requests of this era are under way.
    under_way: u64,
    /// Waits since the last request that was not throttled.
    waits: u64,
}

impl Throttle {
    pub fn has_room(&self) -> bool {
        self.window.is_none_or(|window| self.under_way < window)
    }

    pub const fn is_limited(&self) -> bool {
        self.window.is_some()
    }

    pub const fn acquire(&mut self) -> Permit {
        self.under_way += 1;
        Permit { era: self.era, alone: matches!(self.window, Some(1)) }
    }

    /// Whether no wait has begun since the permit was acquired.
    pub const fn is_current(&self, permit: Permit) -> bool {
        self.era == permit.era
    }

    pub const fn release_unused(&mut self, permit: Permit) {
        if self.is_current(permit) {
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    /// A request ended and was not throttled.
    pub fn release_not_throttled(&mut self, permit: Permit) {
        self.release_unused(permit);
        self.waits = 0;
        if self.is_current(permit) {
            let wider = self.window.map(|window| window + 1);
            self.window = wider.filter(|window| *window < WINDOW_MAX);
        }
    }

    /// A request was throttled. `asked` is the wait that the service asked for, if it named one; `jitter` is a random
    /// number from 0 to 1. Returns how long no request may start.
    pub fn release_throttled(&mut self, permit: Permit, asked: Option<Duration>, jitter: f64) -> Duration {
        if self.is_current(permit) {
            *self = Self { era: self.era + 1, window: Some(1), under_way: 0, waits: self.waits + 1 };
        }
        asked.unwrap_or_else(|| backoff(self.waits, jitter))
    }

    /// Whether the run has to stop: there were [`WAITS_MAX`] waits in a row.
    pub const fn is_exhausted(&self) -> bool {
        self.waits >= WAITS_MAX
    }
}

/// The retries that a run may make after it has begun this many rows: 20, and one more for every ten rows.
///
/// The retry of a throttled request is not counted: all workers wait before it, so it does not make an outage worse,
/// and [`WAITS_MAX`] and [`ALONE_THROTTLES_MAX`] limit it.
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

    /// Runs requests through a pace. `lasts` says how long each takes, `arrives` how long after its start it reaches
    /// the server. Returns the times of arrival, sorted.
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
    fn in_every_interval_at_most_one_request_more_than_the_rate_reaches_the_server() {
        for text in ["1/s", "2/s", "3/s", "10/s", "100/s", "1000/s"] {
            let rate = rate(text);
            let count = rate.map_or(0, |rate| rate.count.get() as usize);
            for workers in [1, 2, 4, 16] {
                for seed in 0..20_u64 {
                    let mut random = fastrand::Rng::with_seed(seed);
                    let delays: Vec<u32> = (0..400).map(|_| random.u32(0..700)).collect();
                    let lasts = |index: usize| delays[index % 400];
                    for late in [true, false] {
                        // The worst case: some arrive at their start, others at their end.
                        let arrives = |index: usize| {
                            if late == index.is_multiple_of(2) { 0 } else { u32::MAX }
                        };
                        let came = arrivals(rate, workers, 4 * count.min(100) + 50, lasts, arrives);
                        for interval in came.windows(count + 2) {
                            assert!(
                                interval[count + 1].checked_sub(interval[0]).unwrap() > Duration::from_secs(1),
                                "{text}, {workers} workers, seed {seed}: {interval:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    /// Runs all shards at the same time. Each is killed after some requests, and started again a moment later. Returns
    /// the times of arrival, sorted.
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
    fn all_shards_together_stay_within_the_rate_also_after_they_were_killed_and_restarted() {
        for (text, shards) in [("20/s", 4), ("3/s", 4), ("50/s", 7), ("5/s", 5), ("100/s", 1), ("11/s", 3)] {
            let rate = rate(text);
            let count = rate.map_or(0, |rate| rate.count.get() as usize);
            for seed in 0..20 {
                let came = arrivals_of_shards(rate, shards, 60, 700, seed);
                for interval in came.windows(count + 2) {
                    let length = interval[count + 1].checked_sub(interval[0]).unwrap();
                    assert!(length > Duration::from_secs(1), "{text}, {shards} shards, seed {seed}: {interval:?}");
                }
            }
        }
    }

    #[test]
    fn with_more_shards_than_requests_in_the_rate_each_shard_has_its_time_slot() {
        for (text, shards) in [("2/s", 4), ("1/s", 8), ("5/s", 30)] {
            let rate = rate(text);
            let count = rate.map_or(0, |rate| rate.count.get() as usize);
            for seed in 0..20 {
                // This is true only of requests that arrive when they start.
                let came = arrivals_of_shards(rate, shards, 20, 2, seed);
                for interval in came.windows(count + 2) {
                    let length = interval[count + 1].checked_sub(interval[0]).unwrap() + 2 * MS;
                    assert!(length > Duration::from_secs(1), "{text}, {shards} shards, seed {seed}: {interval:?}");
                }
            }
        }
    }

    #[test]
    fn a_shard_that_missed_its_time_slot_waits_for_its_next_one() {
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
        // The limit costs the length of one request in each second.
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
    fn no_request_starts_in_a_pause_and_the_longest_pause_counts() {
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
    fn with_all_requests_under_way_the_next_one_waits_until_one_has_ended() {
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
    fn after_a_throttled_request_one_is_sent_alone_and_each_answer_allows_one_more() {
        let mut throttle = Throttle::default();
        let mut permits: Vec<Permit> = (0..300).map(|_| throttle.acquire()).collect();
        assert!(throttle.has_room() && permits.iter().all(|permit| !permit.alone));
        // Requests that were under way at the same time count as one wait, however many of them are throttled.
        for permit in permits.drain(..) {
            assert_eq!(throttle.release_throttled(permit, SECOND, 0.0), Duration::from_secs(1));
        }
        assert_eq!(throttle.waits, 1);
        let first = throttle.acquire();
        assert!(first.alone && !throttle.has_room());
        throttle.release_not_throttled(first);
        let (second, third) = (throttle.acquire(), throttle.acquire());
        assert!(!second.alone && !throttle.has_room());
        throttle.release_unused(third);
        assert!(throttle.has_room());
        throttle.release_not_throttled(second);
        for _ in 0..WINDOW_MAX {
            let permit = throttle.acquire();
            throttle.release_not_throttled(permit);
        }
        assert!(!throttle.is_limited());
    }

    #[test]
    fn answers_to_requests_from_before_a_wait_are_ignored() {
        let mut throttle = Throttle::default();
        let (old, refused) = (throttle.acquire(), throttle.acquire());
        let _ = throttle.release_throttled(refused, SECOND, 0.0);
        assert!(!throttle.is_current(old));
        throttle.release_not_throttled(old);
        assert!(throttle.acquire().alone && !throttle.has_room());
    }

    #[test]
    fn consecutive_waits_are_counted_and_grow_if_the_service_names_no_time() {
        let mut throttle = Throttle::default();
        let mut waits = Vec::new();
        for _ in 0..WAITS_MAX {
            assert!(!throttle.is_exhausted());
            let permit = throttle.acquire();
            waits.push(throttle.release_throttled(permit, None, 1.0).as_millis());
        }
        assert_eq!(waits[..5], [500, 1000, 2000, 4000, 8000]);
        assert!(throttle.is_exhausted());
        let permit = throttle.acquire();
        throttle.release_not_throttled(permit);
        assert!(!throttle.is_exhausted());
    }
}

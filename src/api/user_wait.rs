//! How long to wait for a user who does not exist yet. After a user was created, the service answers 404 for a while; a
//! 404 mails no one, so it may be retried. Pure: times go in, waits come out.

use std::time::{Duration, Instant};

use super::outcome::{AttemptResult, Class};
use crate::settings::USER_GAP;

/// Longest random wait: a user who appears is mailed at most this much later.
const USER_CAP: Duration = Duration::from_secs(30);

/// How long to wait before the next request for a person, after this number of 404s (from 1 on) and the time that has
/// passed since the first of them. None when the limit is over. `jitter` is a random number from 0 to 1.
///
/// The last request comes at the limit itself, not at a random moment before it: so a user who appears within the limit
/// is always mailed.
pub fn wait_for_user(limit: Duration, waited: Duration, refusals: u64, jitter: f64) -> Option<Duration> {
    let left = limit.checked_sub(waited).filter(|left| !left.is_zero())?;
    let doublings = u32::try_from(refusals).unwrap_or(u32::MAX).min(16);
    let bound = USER_GAP.saturating_mul(1 << doublings).min(USER_CAP);
    let wait = USER_GAP + bound.saturating_sub(USER_GAP).mul_f64(jitter.clamp(0.0, 1.0));
    // After this wait there has to be time for another one.
    Some(if wait + USER_GAP > left { left.max(USER_GAP) } else { wait })
}

/// The wait for one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserWait {
    /// When the first 404 came.
    since: Option<Instant>,
    /// How many 404s were followed by a wait: these do not count as attempts of `--retries`.
    pub refusals: u64,
}

impl UserWait {
    /// Decides after an answer that came at `now`: how long to wait for the user, if that is what comes next. An answer
    /// that ends the wait gets the time that was waited.
    pub fn after(
        &mut self,
        limit: Option<Duration>,
        result: &mut AttemptResult,
        now: Instant,
        jitter: f64,
    ) -> Option<Duration> {
        let limit = limit.filter(|_| result.class == Class::NotFound)?;
        let waited = now.saturating_duration_since(*self.since.get_or_insert(now));
        let wait = wait_for_user(limit, waited, self.refusals + 1, jitter);
        match wait {
            Some(_) => self.refusals += 1,
            None => result.waited = Some(waited),
        }
        wait
    }

    /// Whether a 404 came and was waited for: then every further request for this person keeps to the gap, whatever it
    /// follows.
    pub fn is_begun(&self) -> bool {
        self.since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::answer::{Body, Reply};
    use crate::api::outcome::{Failure, FailureKind};

    const SECOND: Duration = Duration::from_secs(1);
    const LIMIT: Option<Duration> = Some(Duration::from_secs(120));

    fn status(status: u16) -> AttemptResult {
        let body = Body::Complete(b"{}".to_vec());
        AttemptResult::from(Reply { status, retry_after: None, location: None, body })
    }

    #[test]
    fn of_all_answers_and_failures_only_a_404_is_waited_for_and_only_when_asked_for() {
        use FailureKind::{Broken, Certificate, ClientCertificate, Connect, Dns, Proxy, Timeout, Tls};
        let now = Instant::now();
        for code in 100..=999 {
            let waits = |limit| UserWait::default().after(limit, &mut status(code), now, 0.5).is_some();
            assert_eq!(waits(LIMIT), code == 404, "{code}");
            assert!(!waits(None), "{code}");
        }
        for kind in [Dns, Connect, Timeout, Tls, ClientCertificate, Certificate, Proxy, Broken] {
            for connected in [false, true] {
                let failure = Failure { kind, connected, cause: String::new() };
                let mut result = AttemptResult::from(failure);
                assert_eq!(UserWait::default().after(LIMIT, &mut result, now, 0.5), None);
            }
        }
    }

    /// Every wait of a person whose user never appears, with the requests taking no time.
    fn waits(limit: Duration, jitter: impl Fn(usize) -> f64) -> Vec<Duration> {
        let (mut waited, mut waits) = (Duration::ZERO, Vec::new());
        while let Some(wait) = wait_for_user(limit, waited, waits.len() as u64 + 1, jitter(waits.len())) {
            waits.push(wait);
            waited += wait;
        }
        waits
    }

    #[test]
    fn no_wait_is_shorter_than_the_gap_and_the_last_request_comes_at_the_limit() {
        for limit in 5..=300 {
            let limit = SECOND * limit;
            for seed in 0..20 {
                let mut random = fastrand::Rng::with_seed(seed);
                let jitters: Vec<f64> = (0..100).map(|_| random.f64()).collect();
                let waits = waits(limit, |index| jitters[index]);
                assert!(
                    waits.iter().all(|wait| (USER_GAP..=USER_CAP + USER_GAP).contains(wait)),
                    "{limit:?} {waits:?}"
                );
                assert_eq!(waits.iter().sum::<Duration>(), limit, "{waits:?}");
            }
        }
        let seconds = |jitter: f64| waits(SECOND * 120, |_| jitter).iter().map(Duration::as_secs).collect::<Vec<_>>();
        assert_eq!(seconds(1.0), [10, 20, 30, 30, 30]);
        assert_eq!(seconds(0.0), [5; 24]);
    }

    #[test]
    fn whatever_comes_in_a_wait_lies_between_the_gap_and_the_cap() {
        for jitter in [-1.0, 0.0, 0.3, 1.0, 7.0] {
            for refusals in [0, 1, 2, 70, u64::MAX] {
                for waited in [0, 1, 100, 119] {
                    let wait = wait_for_user(SECOND * 120, SECOND * waited, refusals, jitter).unwrap();
                    assert!((USER_GAP..=USER_CAP + USER_GAP).contains(&wait), "{wait:?}");
                }
                assert_eq!(wait_for_user(SECOND * 120, SECOND * 120, refusals, jitter), None);
                assert_eq!(wait_for_user(SECOND * 120, SECOND * 999, refusals, jitter), None);
            }
        }
    }

    #[test]
    fn the_limit_counts_from_the_first_404_and_the_end_says_how_long_was_waited() {
        let (start, mut wait) = (Instant::now(), UserWait::default());
        assert_eq!(wait.after(LIMIT, &mut status(429), start, 0.0), None);
        assert!(!wait.is_begun());
        let mut result = status(404);
        assert_eq!(wait.after(LIMIT, &mut result, start + SECOND, 0.0), Some(USER_GAP));
        assert_eq!((result.waited, wait.refusals), (None, 1));
        assert!(wait.is_begun());
        assert!(wait.after(LIMIT, &mut result, start + SECOND * 120, 0.0).is_some());
        assert_eq!(wait.after(LIMIT, &mut result, start + SECOND * 122, 0.0), None);
        assert_eq!((result.waited, wait.refusals), (Some(SECOND * 121), 2));
    }
}

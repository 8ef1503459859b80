//! Whether a request may be sent again, and after what wait. Pure functions. A POST without an idempotency key must not be
//! retried automatically (RFC 9110, section 9.2.2), so only requests that cannot have sent mail are retried. With
//! `--wait-for-user` these include a 404: for a while after a user was created, the service answers 404.

use std::time::{Duration, Instant};

use super::outcome::{AttemptResult, Class, Outcome};
use crate::settings::{RetryPolicy, USER_GAP};

/// The longest first wait; doubles with each attempt.
const FIRST_WAIT_MAX: Duration = Duration::from_millis(500);
/// The longest wait: the doubling stops here.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// How long to wait after attempt number `attempt` (from 1) before the next one; `None` when there must not be another.
/// `jitter` is a random number from 0 to 1.
pub fn wait_before_retry(policy: &RetryPolicy, result: &AttemptResult, attempt: u64, jitter: f64) -> Option<Duration> {
    let allowed = is_safe_to_retry(result) || (policy.retry_unknown && result.outcome == Outcome::Unknown);
    if !allowed || attempt > policy.retries {
        return None;
    }
    match result.retry_after {
        Some(wait) => (wait <= policy.max_retry_after).then_some(wait),
        None => Some(backoff(attempt, jitter)),
    }
}

/// Whether the same request may be sent again without mailing anyone twice, and has a chance to succeed.
pub fn is_safe_to_retry(result: &AttemptResult) -> bool {
    match result.outcome {
        Outcome::Rejected => {
            matches!(result.class, Class::RateLimited | Class::Unavailable) || matches!(result.status, Some(408 | 425))
        }
        Outcome::NotSent => matches!(result.class, Class::Dns | Class::Connect | Class::Timeout),
        Outcome::Accepted | Outcome::Unknown => false,
    }
}

/// "Full jitter": a random part of a bound that doubles
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
pub fn backoff(attempt: u64, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    FIRST_WAIT_MAX.saturating_mul(1 << doublings).min(WAIT_MAX).mul_f64(jitter.clamp(0.0, 1.0))
}

/// The result of several attempts together: that of the earlier ones combined with the latest.
///
/// Once an attempt may have mailed someone, a later refusal does not change that: the request stays unknown. Only a later
/// accepted attempt changes it.
pub fn combine(before: Option<AttemptResult>, latest: AttemptResult) -> AttemptResult {
    match before {
        Some(before)
            if before.outcome == Outcome::Unknown && matches!(latest.outcome, Outcome::Rejected | Outcome::NotSent) =>
        {
            before
        }
        _ => latest,
    }
}

/// The longest random wait: a user who appears is mailed at most this much later.
const USER_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long to wait before the next request for a person who got `refusals` 404s (from 1), the first of them `waited` ago.
/// None when the limit is over. `jitter` is a random number from 0 to 1.
///
/// The last request comes exactly at the limit, not at a random moment before it. So a user who appears within the limit
/// is always mailed.
pub fn wait_for_user(limit: Duration, waited: Duration, refusals: u64, jitter: f64) -> Option<Duration> {
    let left = limit.checked_sub(waited).filter(|left| !left.is_zero())?;
    let doublings = u32::try_from(refusals).unwrap_or(u32::MAX).min(16);
    let bound = USER_GAP.saturating_mul(1 << doublings).min(USER_WAIT_MAX);
    let wait = USER_GAP + bound.saturating_sub(USER_GAP).mul_f64(jitter.clamp(0.0, 1.0));
    // If no other wait fits after this one, this one is the last and ends at the limit.
    Some(if wait + USER_GAP > left { left.max(USER_GAP) } else { wait })
}

/// The wait for one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserWait {
    /// When the first 404 came.
    since: Option<Instant>,
    /// The number of 404s that were followed by a wait. They do not count as `--retries`.
    pub refusals: u64,
}

impl UserWait {
    /// How long to wait for the user after an answer that came at `now`; None if the next step is another one. If the time is
    /// over, it notes in the result how long vescli waited.
    pub fn wait_after(
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

    /// Whether there was a 404. From then on, every request for this person keeps a distance of [`USER_GAP`] from the
    /// last one.
    pub fn has_started(&self) -> bool {
        self.since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::answer::{Body, Reply};
    use crate::api::outcome::Failure;

    const POLICY: RetryPolicy = RetryPolicy {
        retries: 2,
        max_retry_after: Duration::from_secs(5 * 60),
        retry_unknown: false,
        wait_for_user: None,
    };

    fn status(status: u16, retry_after: Option<u64>) -> AttemptResult {
        AttemptResult::from(Reply {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            location: None,
            body: Body { bytes: b"{}".to_vec(), cut: None, is_encoded: false },
        })
    }

    fn failure(class: Class, connected: bool) -> AttemptResult {
        AttemptResult::from(Failure { class, connected, cause: String::new() })
    }

    #[test]
    fn only_statuses_that_are_temporary_and_mailed_no_one_are_retried() {
        for code in 100..=999 {
            for retry_after in [None, Some(1)] {
                let expected = matches!(code, 408 | 425 | 429) || (code == 503 && retry_after.is_some());
                let wait = wait_before_retry(&POLICY, &status(code, retry_after), 1, 0.5);
                assert_eq!(wait.is_some(), expected, "{code} {retry_after:?}");
            }
        }
    }

    #[test]
    fn only_temporary_failures_before_a_connection_are_retried() {
        use Class::{BrokenReply, Certificate, ClientCertificate, Connect, Dns, Proxy, Timeout, Tls};
        for class in [Dns, Connect, Timeout, Tls, ClientCertificate, Certificate, Proxy, BrokenReply] {
            let expected = matches!(class, Dns | Connect | Timeout | BrokenReply);
            assert_eq!(is_safe_to_retry(&failure(class, false)), expected, "{class:?}");
            assert!(!is_safe_to_retry(&failure(class, true)), "{class:?}");
        }
    }

    #[test]
    fn what_may_have_been_sent_is_retried_only_when_asked_for() {
        let asked = RetryPolicy { retry_unknown: true, ..POLICY };
        for result in [status(500, None), status(503, None), status(504, None), failure(Class::Timeout, true)] {
            assert_eq!(wait_before_retry(&POLICY, &result, 1, 0.0), None);
            assert_eq!(wait_before_retry(&asked, &result, 1, 0.0), Some(Duration::ZERO));
        }
        for result in [status(401, None), status(302, None), status(200, None), failure(Class::Certificate, false)] {
            assert_eq!(wait_before_retry(&asked, &result, 1, 0.0), None);
        }
    }

    #[test]
    fn the_number_of_retries_and_the_wait_of_the_server_are_limited() {
        let limited = |seconds| status(429, Some(seconds));
        assert_eq!(wait_before_retry(&POLICY, &limited(300), 2, 0.9), Some(Duration::from_secs(5 * 60)));
        assert_eq!(wait_before_retry(&POLICY, &limited(301), 1, 0.9), None);
        assert_eq!(wait_before_retry(&POLICY, &limited(1), 3, 0.9), None);
        let none = RetryPolicy { retries: 0, ..POLICY };
        assert_eq!(wait_before_retry(&none, &limited(1), 1, 0.9), None);
    }

    #[test]
    fn the_random_wait_doubles_up_to_the_longest_wait() {
        let bounds: Vec<u128> = (1..=9).map(|attempt| backoff(attempt, 1.0).as_millis()).collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        for attempt in [1, 5, 70, u64::MAX] {
            for jitter in [-1.0, 0.0, 0.3, 1.0, 7.0] {
                assert!(backoff(attempt, jitter) <= WAIT_MAX);
            }
        }
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_refusal_does_not_take_back_what_may_have_been_sent() {
        let unknown = status(500, None);
        assert_eq!(combine(None, status(429, None)), status(429, None));
        assert_eq!(combine(Some(unknown.clone()), status(429, None)), unknown);
        assert_eq!(combine(Some(unknown.clone()), failure(Class::Connect, false)), unknown);
        assert_eq!(combine(Some(unknown.clone()), status(200, None)), status(200, None));
        assert_eq!(combine(Some(unknown), status(504, None)), status(504, None));
        assert_eq!(combine(Some(status(429, None)), status(401, None)), status(401, None));
    }

    const SECOND: Duration = Duration::from_secs(1);
    const LIMIT: Option<Duration> = Some(Duration::from_secs(120));

    #[test]
    fn only_a_404_is_waited_for_and_only_when_asked_for() {
        use Class::{BrokenReply, Certificate, ClientCertificate, Connect, Dns, Proxy, Timeout, Tls};
        let now = Instant::now();
        for code in 100..=999 {
            let waits = |limit| UserWait::default().wait_after(limit, &mut status(code, None), now, 0.5).is_some();
            assert_eq!(waits(LIMIT), code == 404, "{code}");
            assert!(!waits(None), "{code}");
        }
        for class in [Dns, Connect, Timeout, Tls, ClientCertificate, Certificate, Proxy, BrokenReply] {
            for connected in [false, true] {
                let failure = Failure { class, connected, cause: String::new() };
                let mut result = AttemptResult::from(failure);
                assert_eq!(UserWait::default().wait_after(LIMIT, &mut result, now, 0.5), None);
            }
        }
    }

    /// All waits for a user who never appears, if requests took no time.
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
                    waits.iter().all(|wait| (USER_GAP..=USER_WAIT_MAX + USER_GAP).contains(wait)),
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
    fn every_wait_is_between_the_gap_and_the_longest_wait() {
        for jitter in [-1.0, 0.0, 0.3, 1.0, 7.0] {
            for refusals in [0, 1, 2, 70, u64::MAX] {
                for waited in [0, 1, 100, 119] {
                    let wait = wait_for_user(SECOND * 120, SECOND * waited, refusals, jitter).unwrap();
                    assert!((USER_GAP..=USER_WAIT_MAX + USER_GAP).contains(&wait), "{wait:?}");
                }
                assert_eq!(wait_for_user(SECOND * 120, SECOND * 120, refusals, jitter), None);
                assert_eq!(wait_for_user(SECOND * 120, SECOND * 999, refusals, jitter), None);
            }
        }
    }

    #[test]
    fn the_limit_counts_from_the_first_404_and_the_result_says_how_long_vescli_waited() {
        let (start, mut wait) = (Instant::now(), UserWait::default());
        assert_eq!(wait.wait_after(LIMIT, &mut status(429, None), start, 0.0), None);
        assert!(!wait.has_started());
        let mut result = status(404, None);
        assert_eq!(wait.wait_after(LIMIT, &mut result, start + SECOND, 0.0), Some(USER_GAP));
        assert_eq!((result.waited, wait.refusals), (None, 1));
        assert!(wait.has_started());
        assert!(wait.wait_after(LIMIT, &mut result, start + SECOND * 120, 0.0).is_some());
        assert_eq!(wait.wait_after(LIMIT, &mut result, start + SECOND * 122, 0.0), None);
        assert_eq!((result.waited, wait.refusals), (Some(SECOND * 121), 2));
    }
}

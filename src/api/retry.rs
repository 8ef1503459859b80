//! Whether a request may be sent again, and after how long. Pure functions over values. A POST without an idempotency key
//! must not be retried automatically (RFC 9110, section 9.2.2), so only requests that cannot have sent mail are retried.

use std::time::Duration;

use super::outcome::{AttemptResult, Class, Outcome};
use crate::settings::RetryPolicy;

/// First upper bound of a random wait; doubles with each attempt.
const BASE: Duration = Duration::from_millis(500);
/// Upper bound that the doubling stops at.
const CAP: Duration = Duration::from_secs(30);

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Stop,
    /// Send again after this time.
    After(Duration),
}

/// Decides after attempt number `attempt` (from 1 on). `jitter` is a random number from 0 to 1.
pub fn decide(policy: &RetryPolicy, result: &AttemptResult, attempt: u64, jitter: f64) -> Decision {
    let allowed = is_repeatable(result) || (policy.retry_unknown && result.outcome == Outcome::Unknown);
    if !allowed || attempt > policy.retries {
        return Decision::Stop;
    }
    match result.retry_after {
        Some(wait) if wait > policy.max_retry_after => Decision::Stop,
        Some(wait) => Decision::After(wait),
        None => Decision::After(backoff(attempt, jitter)),
    }
}

/// Whether the same request may be sent again without mailing anyone twice, and has a chance to succeed.
pub fn is_repeatable(result: &AttemptResult) -> bool {
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
    BASE.saturating_mul(1 << doublings).min(CAP).mul_f64(jitter.clamp(0.0, 1.0))
}

/// The outcome of a request after one more attempt.
///
/// Once an attempt may have mailed someone, a later refusal does not change that: the request stays unknown. Only a later
/// accepted attempt changes it.
pub fn after_another(before: Option<AttemptResult>, latest: AttemptResult) -> AttemptResult {
    match before {
        Some(before)
            if before.outcome == Outcome::Unknown && matches!(latest.outcome, Outcome::Rejected | Outcome::NotSent) =>
        {
            before
        }
        _ => latest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::answer::{Body, Reply};
    use crate::api::outcome::{Failure, FailureKind};

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
            body: Body::Complete(b"{}".to_vec()),
        })
    }

    fn failure(kind: FailureKind, connected: bool) -> AttemptResult {
        AttemptResult::from(Failure { kind, connected, cause: String::new() })
    }

    #[test]
    fn of_all_statuses_only_the_sure_refusals_that_may_pass_are_repeated() {
        for code in 100..=999 {
            for retry_after in [None, Some(1)] {
                let expected = matches!(code, 408 | 425 | 429) || (code == 503 && retry_after.is_some());
                let decision = decide(&POLICY, &status(code, retry_after), 1, 0.5);
                assert_eq!(decision != Decision::Stop, expected, "{code} {retry_after:?}");
            }
        }
    }

    #[test]
    fn of_all_failures_only_those_before_a_connection_that_may_pass_are_repeated() {
        use FailureKind::{Broken, Certificate, ClientCertificate, Connect, Dns, Proxy, Timeout, Tls};
        for kind in [Dns, Connect, Timeout, Tls, ClientCertificate, Certificate, Proxy, Broken] {
            let expected = matches!(kind, Dns | Connect | Timeout | Broken);
            assert_eq!(is_repeatable(&failure(kind, false)), expected, "{kind:?}");
            assert!(!is_repeatable(&failure(kind, true)), "{kind:?}");
        }
    }

    #[test]
    fn what_may_have_been_sent_is_repeated_only_when_asked_for() {
        let asked = RetryPolicy { retry_unknown: true, ..POLICY };
        for result in [status(500, None), status(503, None), status(504, None), failure(FailureKind::Timeout, true)] {
            assert_eq!(decide(&POLICY, &result, 1, 0.0), Decision::Stop);
            assert_eq!(decide(&asked, &result, 1, 0.0), Decision::After(Duration::ZERO));
        }
        for result in
            [status(401, None), status(302, None), status(200, None), failure(FailureKind::Certificate, false)]
        {
            assert_eq!(decide(&asked, &result, 1, 0.0), Decision::Stop);
        }
    }

    #[test]
    fn the_number_of_repeats_and_the_wait_asked_for_are_bounds() {
        let limited = |seconds| status(429, Some(seconds));
        assert_eq!(decide(&POLICY, &limited(300), 2, 0.9), Decision::After(Duration::from_secs(5 * 60)));
        assert_eq!(decide(&POLICY, &limited(301), 1, 0.9), Decision::Stop);
        assert_eq!(decide(&POLICY, &limited(1), 3, 0.9), Decision::Stop);
        let none = RetryPolicy { retries: 0, ..POLICY };
        assert_eq!(decide(&none, &limited(1), 1, 0.9), Decision::Stop);
    }

    #[test]
    fn the_random_wait_doubles_up_to_its_cap_and_never_leaves_its_bounds() {
        let bounds: Vec<u128> = (1..=9).map(|attempt| backoff(attempt, 1.0).as_millis()).collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        for attempt in [1, 5, 70, u64::MAX] {
            for jitter in [-1.0, 0.0, 0.3, 1.0, 7.0] {
                assert!(backoff(attempt, jitter) <= CAP);
            }
        }
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_refusal_does_not_take_back_what_may_have_been_sent() {
        let unknown = status(500, None);
        assert_eq!(after_another(None, status(429, None)), status(429, None));
        assert_eq!(after_another(Some(unknown.clone()), status(429, None)), unknown);
        assert_eq!(after_another(Some(unknown.clone()), failure(FailureKind::Connect, false)), unknown);
        assert_eq!(after_another(Some(unknown.clone()), status(200, None)), status(200, None));
        assert_eq!(after_another(Some(unknown), status(504, None)), status(504, None));
        assert_eq!(after_another(Some(status(429, None)), status(401, None)), status(401, None));
    }
}

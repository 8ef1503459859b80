//! The sandbox's answers: which one the recipient's name chooses, which share of requests fails, and the status, headers and
//! body of an answer, as on the published page or as the live service sends them.

use std::str::FromStr;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::settings::bulk::decimal;

/// The target of the sandbox's redirects. Only a client that follows redirects asks for it.
pub(super) const LOGIN_PATH: &str = "/login";

/// A page for a browser. A client must not take it for an acceptance.
const LOGIN_PAGE: &str = include_str!("login.html");

pub(super) type Answer = Response<String>;

/// The HTML of a login page.
pub(super) fn login_page(status: StatusCode) -> Answer {
    answer(status, "text/html; charset=utf-8", LOGIN_PAGE)
}

/// An error in the live service's form.
pub(super) fn refused(status: StatusCode, message: &str) -> Answer {
    json(status, json!({"code": grpc_code(status), "details": [], "message": message}).to_string())
}

/// A 429 with the wait in `Retry-After`, rounded up to whole seconds.
pub(super) fn rate_limited(wait: Duration) -> Answer {
    let mut answer = of_status(StatusCode::TOO_MANY_REQUESTS);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// An answer with `status`. A 4xx has the JSON object of the live service, a 5xx the JSON string of the published page: a
/// client has to read both.
pub(super) fn of_status(status: StatusCode) -> Answer {
    let reason = status.canonical_reason().map_or_else(|| format!("status {}", status.as_u16()), str::to_lowercase);
    let mut answer = match status.as_u16() {
        204 | 304 => json(status, ""),
        200..=299 => json(status, "{}"),
        300..=399 => login_page(status),
        400..=499 => refused(status, &reason),
        _ => json(status, json!(reason).to_string()),
    };
    if matches!(status.as_u16(), 429 | 503) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(1));
    }
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        answer.headers_mut().insert(LOCATION, HeaderValue::from_static(LOGIN_PATH));
    }
    answer
}

fn json(status: StatusCode, body: impl Into<String>) -> Answer {
    answer(status, "application/json", body)
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<String>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// The gRPC number for a status, as in grpc-gateway; 2 means unknown.
fn grpc_code(status: StatusCode) -> u8 {
    match status.as_u16() {
        400 | 413 | 422 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        408 => 4,
        409 => 6,
        429 => 8,
        _ => 2,
    }
}

/// How the sandbox answers a request that keeps the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Any other name: `200 {}`.
    Accept,
    /// `status-NNN`: that status, each time; `redirect` is `status-302`.
    Status(StatusCode),
    /// `flaky-NNN`: that status for the first request to the address, then accepted.
    Flaky(StatusCode),
    /// `late-TIME`: 404 for that long from the first request to the address on, then accepted.
    Late(Duration),
    /// `drop`: read the request, then hang up.
    Drop,
    /// `slow`: accepted, after a while.
    Slow,
    /// `html`: a 200 that carries a login page.
    Html,
}

impl Scenario {
    /// Reads the part of `email` before its last `@`, in any case. `status-` and `flaky-` are special only if exactly three
    /// digits follow, and `late-` only if a time follows, so that `status-report@…` is a person.
    ///
    /// # Errors
    /// A sentence, if the three digits are not from 200 to 599: to answer 200 instead would hide a typing error.
    pub(super) fn of(email: &str) -> Result<Self, String> {
        let local = email.rsplit_once('@').map_or(email, |(local, _)| local).to_ascii_lowercase();
        for (prefix, scenario) in [("status-", Self::Status as fn(StatusCode) -> Self), ("flaky-", Self::Flaky)] {
            if let Some(status) = local.strip_prefix(prefix).and_then(three_digits) {
                let possible = StatusCode::from_u16(status).ok().filter(|_| (200..600).contains(&status));
                return possible.map(scenario).ok_or_else(|| {
                    format!("the recipient asks for status {status}; an answer has a status from 200 to 599")
                });
            }
        }
        Ok(match local.as_str() {
            "drop" => Self::Drop,
            "slow" => Self::Slow,
            "html" => Self::Html,
            "redirect" => Self::Status(StatusCode::FOUND),
            _ => local.strip_prefix("late-").and_then(time).map_or(Self::Accept, Self::Late),
        })
    }
}

/// A number of seconds or minutes with its unit.
fn time(text: &str) -> Option<Duration> {
    text.ends_with(['s', 'm']).then(|| humantime::parse_duration(text).ok()).flatten()
}

fn three_digits(text: &str) -> Option<u16> {
    (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A share of all requests, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share(u32);

const ALL: u32 = 1_000_000;

impl FromStr for Share {
    type Err = String;

    /// `5%` or `0.05`. A plain 1 is refused: it could mean one per cent or all.
    fn from_str(text: &str) -> Result<Self, String> {
        let (parts, most) = match text.strip_suffix('%') {
            Some(number) => (decimal(number, 4), ALL),
            None => (decimal(text, 6), ALL - 1),
        };
        let parts = parts.and_then(|parts| u32::try_from(parts).ok()).filter(|parts| *parts <= most);
        parts.map(Self).ok_or_else(|| {
            let shown = text.escape_debug();
            format!("`{shown}` is not a share: write a percentage from 0% to 100%, such as 5%, or a fraction below 1, such as 0.05")
        })
    }
}

impl Share {
    /// Whether a request belongs to the share. Only the address and the number of earlier requests to it decide, so that
    /// each rehearsal has the same result.
    pub(super) fn contains(self, address: &str, before: u64) -> bool {
        let digest = Sha256::new().chain_update(before.to_le_bytes()).chain_update(address).finalize();
        let chosen = digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        chosen % u64::from(ALL) < u64::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_shape_of_its_class() {
        for code in 200..600 {
            let status = StatusCode::from_u16(code).unwrap();
            let answer = of_status(status);
            assert_eq!(answer.status(), status);
            let body: Option<serde_json::Value> = serde_json::from_str(answer.body()).ok();
            match code {
                204 | 304 => assert_eq!(answer.body(), ""),
                200..=299 => assert_eq!(body, Some(json!({}))),
                300..=399 => assert!(answer.body().starts_with("<!DOCTYPE html>")),
                400..=499 => {
                    assert_eq!(body.unwrap()["code"], json!(grpc_code(status)));
                }
                _ => assert!(body.unwrap().is_string()),
            }
            let has = |name: &str| answer.headers().contains_key(name);
            assert_eq!(has("retry-after"), [429, 503].contains(&code), "{code}");
            assert_eq!(has("location"), (300..400).contains(&code) && code != 304, "{code}");
        }
    }

    #[test]
    fn a_wait_is_rounded_up() {
        for (milliseconds, seconds) in [(1, 1), (999, 1), (1000, 1), (1001, 2), (59_001, 60)] {
            let answer = rate_limited(Duration::from_millis(milliseconds));
            assert_eq!(answer.headers()["retry-after"], seconds.to_string());
            assert_eq!(answer.status(), 429);
        }
    }

    #[test]
    fn every_number_of_three_digits_is_a_status_or_refused() {
        for status in 0..1000_u16 {
            let expect = |scenario: fn(StatusCode) -> Scenario| {
                let message = format!("the recipient asks for status {status}; an answer has a status from 200 to 599");
                if (200..=599).contains(&status) {
                    Ok(scenario(StatusCode::from_u16(status).unwrap()))
                } else {
                    Err(message)
                }
            };
            assert_eq!(Scenario::of(&format!("status-{status:03}@example.com")), expect(Scenario::Status));
            assert_eq!(Scenario::of(&format!("FLAKY-{status:03}@example.com")), expect(Scenario::Flaky));
        }
    }

    #[test]
    fn names_count_as_a_whole_and_in_any_case() {
        for (email, expected) in [
            ("drop@example.com", Scenario::Drop),
            ("Slow@example.com", Scenario::Slow),
            ("HTML@example.com", Scenario::Html),
            ("redirect@example.com", Scenario::Status(StatusCode::FOUND)),
            ("redirect", Scenario::Status(StatusCode::FOUND)),
            ("ada@example.com", Scenario::Accept),
            ("dropped@example.com", Scenario::Accept),
            ("drop@home@example.com", Scenario::Accept),
            ("ada@drop", Scenario::Accept),
            ("status@example.com", Scenario::Accept),
            ("status-report@example.com", Scenario::Accept),
            ("status-42@example.com", Scenario::Accept),
            ("status-4290@example.com", Scenario::Accept),
            ("status-+42@example.com", Scenario::Accept),
            ("my-status-429@example.com", Scenario::Accept),
            ("flaky-@example.com", Scenario::Accept),
            ("late-3s@example.com", Scenario::Late(Duration::from_secs(3))),
            ("LATE-2M@example.com", Scenario::Late(Duration::from_secs(120))),
            ("late-500ms@example.com", Scenario::Late(Duration::from_millis(500))),
            ("late-3@example.com", Scenario::Accept),
            ("late-shifts@example.com", Scenario::Accept),
            ("late-s@example.com", Scenario::Accept),
            ("late-@example.com", Scenario::Accept),
        ] {
            assert_eq!(Scenario::of(email), Ok(expected), "{email}");
        }
    }

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        for (text, parts) in [
            ("5%", 50_000),
            ("0.05", 50_000),
            ("0.5%", 5_000),
            ("0%", 0),
            ("0", 0),
            ("100%", ALL),
            ("100.0%", ALL),
            ("0.999999", ALL - 1),
            ("0.0001%", 1),
        ] {
            assert_eq!(text.parse(), Ok(Share(parts)), "{text}");
        }
        for text in
            ["", "%", "5", "1", "1.0", "101%", "100.0001%", "-5%", "5 %", "5%%", "1e-2", "nan", ".5", "5.%", "0,05"]
        {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn about_the_share_is_chosen_and_always_the_same() {
        let chosen = |share: &str, before| -> Vec<u32> {
            let share: Share = share.parse().unwrap();
            (0..10_000).filter(|index| share.contains(&format!("user{index}@example.com"), before)).collect()
        };
        let first = chosen("5%", 0);
        assert!((400..600).contains(&first.len()), "{}", first.len());
        assert_eq!(first, chosen("0.05", 0));
        // A request that failed is not more likely to fail again than any other.
        let again = chosen("5%", 1).into_iter().filter(|index| first.contains(index)).count();
        assert!(again < 60, "{again}");
        assert_eq!((chosen("0%", 0).len(), chosen("100%", 7).len()), (0, 10_000));
    }
}

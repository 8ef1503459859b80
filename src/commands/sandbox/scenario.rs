//! Which answer a recipient's name asks for. Pure: an address goes in, a [`Scenario`] comes out.

use thiserror::Error;

/// How the sandbox is to behave towards one request that keeps the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// `200 {}`: any name without a meaning of its own.
    Accept,
    /// `status-NNN`: that status, each time.
    Status(u16),
    /// `flaky-NNN`: that status for the first request to the address, then accepted.
    Flaky(u16),
    /// `drop`: read the request, then hang up.
    Drop,
    /// `slow`: accepted, after a while.
    Slow,
    /// `html`: a 200 that carries a login page.
    Html,
    /// `redirect`: a 302 to a login page.
    Redirect,
}

/// A recipient asks for a status that is no final answer of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the recipient asks for status {0}; an answer has a status from 200 to 599")]
pub(super) struct ImpossibleStatus(u16);

impl Scenario {
    /// Reads the part of `email` before its last `@`, in any case; `status-` and `flaky-` mean something only when exactly
    /// three digits follow, so that `status-report@…` is a person.
    ///
    /// # Errors
    /// [`ImpossibleStatus`] for three digits outside of 200 to 599, because answering 200 instead would hide a slip.
    pub(super) fn of(email: &str) -> Result<Self, ImpossibleStatus> {
        let local = email.rsplit_once('@').map_or(email, |(local, _)| local).to_ascii_lowercase();
        let named = match local.as_str() {
            "drop" => Self::Drop,
            "slow" => Self::Slow,
            "html" => Self::Html,
            "redirect" => Self::Redirect,
            _ => Self::Accept,
        };
        for (prefix, scenario) in [("status-", Self::Status as fn(u16) -> Self), ("flaky-", Self::Flaky)] {
            if let Some(status) = local.strip_prefix(prefix).and_then(three_digits) {
                return if (200..600).contains(&status) { Ok(scenario(status)) } else { Err(ImpossibleStatus(status)) };
            }
        }
        Ok(named)
    }
}

fn three_digits(text: &str) -> Option<u16> {
    (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_three_digits_is_a_status_or_refused() {
        for status in 0..1000_u16 {
            let expect = |scenario: Scenario| {
                if (200..=599).contains(&status) { Ok(scenario) } else { Err(ImpossibleStatus(status)) }
            };
            assert_eq!(Scenario::of(&format!("status-{status:03}@example.com")), expect(Scenario::Status(status)));
            assert_eq!(Scenario::of(&format!("FLAKY-{status:03}@example.com")), expect(Scenario::Flaky(status)));
        }
    }

    #[test]
    fn names_count_as_a_whole_and_in_any_case() {
        for (email, expected) in [
            ("drop@example.com", Scenario::Drop),
            ("Slow@example.com", Scenario::Slow),
            ("HTML@example.com", Scenario::Html),
            ("redirect@example.com", Scenario::Redirect),
            ("redirect", Scenario::Redirect),
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
        ] {
            assert_eq!(Scenario::of(email), Ok(expected), "{email}");
        }
    }
}

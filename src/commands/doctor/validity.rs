//! How much time a certificate has left, and in words.

use std::time::{Duration, SystemTime};

use crate::settings::clock::to_text;
use crate::settings::credential::certificate::CertificateFacts;

/// A certificate that ends sooner than this is worth a warning.
pub(super) const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Where a moment lies within the dates of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    /// Before its first moment.
    NotYet,
    /// Within, with this much time left.
    Left(Duration),
    /// After its last moment.
    Over,
}

impl Validity {
    pub(super) fn of(facts: &CertificateFacts, now: SystemTime) -> Self {
        if now < facts.not_before {
            return Self::NotYet;
        }
        let left = facts.not_after.duration_since(now);
        left.map_or(Self::Over, Self::Left)
    }
}

/// The day of a moment in UTC, such as `2027-01-31`.
pub(super) fn day(time: SystemTime) -> String {
    let text = to_text(time);
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Whole days, in words.
pub(super) fn days(time: Duration) -> String {
    match time.as_secs() / (24 * 60 * 60) {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_against_a_moment() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let facts = CertificateFacts {
            subject: "s".into(),
            issuer: "i".into(),
            not_before: at(100),
            not_after: at(200),
            is_authority: false,
        };
        for (now, expected) in [
            (99, Validity::NotYet),
            (100, Validity::Left(Duration::from_secs(100))),
            (200, Validity::Left(Duration::ZERO)),
            (201, Validity::Over),
        ] {
            assert_eq!(Validity::of(&facts, at(now)), expected);
        }
        assert_eq!(day(at(86_400)), "1970-01-02");
        assert_eq!(days(Duration::from_secs(25 * 60 * 60)), "1 day");
        assert_eq!(days(Duration::from_secs(49 * 60 * 60)), "2 days");
    }
}

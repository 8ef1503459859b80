//! The machine's clock, which may be set to anything: times that are written or compared are between 1970 and 9999.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that RFC 3339 and HTTP can write: the end of the year 9999.
const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// A time that can be written down: one outside 1970 to 9999 comes from a clock that is wrong anyway, and becomes the
/// nearest one inside. The libraries below panic at the others.
pub fn writable(time: SystemTime) -> SystemTime {
    time.clamp(UNIX_EPOCH, UNIX_EPOCH + LATEST)
}

/// Time since 1970; zero for a clock that is set before.
pub fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Such as `2020-01-01 00:00:00 UTC`.
pub fn to_text(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(writable(time)).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_gives_a_time_that_can_be_written() {
        let day = Duration::from_secs(24 * 60 * 60);
        let before = UNIX_EPOCH - 365 * day;
        let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
        for (time, written) in [
            (before, "1970-01-01T00:00:00Z"),
            (UNIX_EPOCH + day, "1970-01-02T00:00:00Z"),
            (far, "9999-12-31T23:59:59Z"),
        ] {
            let text = humantime::format_rfc3339_seconds(writable(time));
            assert_eq!(text.to_string(), written);
            // HTTP's dates end at the same year.
            assert!(!httpdate::fmt_http_date(writable(time)).is_empty());
        }
        assert_eq!(to_text(far), "9999-12-31 23:59:59 UTC");
        assert_eq!(since_epoch(before), Duration::ZERO);
        assert_eq!(since_epoch(UNIX_EPOCH + day), day);
    }
}

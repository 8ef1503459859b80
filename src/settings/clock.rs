//! How times are written and compared: always between 1970 and 9999, because the machine's clock may have any value.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

/// The last second that RFC 3339 and HTTP can write: the end of the year 9999.
const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// The nearest time between 1970 and 9999: the libraries panic at other times, which only come from a wrong clock.
pub fn writable(time: SystemTime) -> SystemTime {
    time.clamp(UNIX_EPOCH, UNIX_EPOCH + LATEST)
}

/// The time since 1970; zero if the clock is set to an earlier time.
pub fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Such as `2020-01-01 00:00:00 UTC`.
pub fn to_text(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(writable(time)).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

/// Whole seconds since 1970. The lines of a journal have milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u32);

impl Timestamp {
    /// Reads an RFC 3339 time in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        humantime::parse_rfc3339(text).ok().map(Self::from)
    }

    pub const fn seconds(self) -> u32 {
        self.0
    }

    pub const fn of_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::from(self.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// A time before 1970 or after 2106, which only comes from a wrong clock, becomes the nearest one that fits.
    fn from(time: SystemTime) -> Self {
        Self(u32::try_from(since_epoch(time).as_secs()).unwrap_or(u32::MAX))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(self.time()).fmt(f)
    }
}

/// The present time as in a journal record: RFC 3339 in UTC with milliseconds.
pub fn now() -> humantime::Rfc3339Timestamp {
    humantime::format_rfc3339_millis(writable(SystemTime::now()))
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

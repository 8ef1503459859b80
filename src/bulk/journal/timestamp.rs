//! The times of records.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::settings::clock::{since_epoch, writable};

/// Whole seconds since 1970. The records themselves hold milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u32);

impl Timestamp {
    /// Reads a time of RFC 3339, in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        humantime::parse_rfc3339(text).ok().map(Self::from)
    }

    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// The time this many seconds after 1970.
    pub const fn of_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The same as the standard library has it.
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::from(self.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// A time before 1970 or after 2106 becomes the nearest one that fits: it comes from a clock that is wrong anyway.
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

/// Now, as a record has it: RFC 3339 in UTC with milliseconds.
pub(super) fn now() -> humantime::Rfc3339Timestamp {
    humantime::format_rfc3339_millis(writable(SystemTime::now()))
}

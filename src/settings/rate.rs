//! How often something may happen: the grammar of `--rate`, such as `30/m`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::args::layer::{Entry, ValueError};
use crate::args::settings_table::Setting;

/// The letters that a rate may end in, and their meaning.
const UNITS: [(&str, Duration); 3] =
    [("s", Duration::from_secs(1)), ("m", Duration::from_secs(60)), ("h", Duration::from_secs(60 * 60))];

/// At most `count` events in any period as long as `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Never zero, because a run that may send nothing cannot end.
    pub count: NonZeroU32,
    /// A second, a minute or an hour when parsed.
    pub per: Duration,
}

/// Why a text is not a rate. Each has the part that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RateError {
    #[error("{0:?} is not a rate: write a number, a slash and a unit, such as 30/m")]
    NoUnit(String),
    #[error("{0:?} is not a number from 1 to 4294967295: a rate looks like 30/m")]
    Count(String),
    #[error("{0:?} is not a unit of a rate: use s, m or h, such as 30/m")]
    Unit(String),
}

impl Rate {
    /// The rate of a setting; `None` for the word `none`.
    ///
    /// # Errors
    /// [`ValueError`] when it is neither.
    pub fn of_setting(entry: &Entry) -> Result<Option<Self>, ValueError> {
        let text = entry.value.to_string();
        if text == "none" {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|error: RateError| entry.invalid(Setting::Rate, error.to_string()))
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Reads `COUNT/UNIT`: a decimal number from 1, and `s`, `m` or `h`, with nothing around them.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, unit) = text.split_once('/').ok_or_else(|| RateError::NoUnit(text.to_owned()))?;
        let number = Some(count)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| RateError::Count(count.to_owned()))?;
        let (_, per) =
            UNITS.into_iter().find(|(letter, _)| *letter == unit).ok_or_else(|| RateError::Unit(unit.to_owned()))?;
        Ok(Self { count: number, per })
    }
}

impl fmt::Display for Rate {
    /// Writes what [`Rate::from_str`] reads; a period that has no letter is written out, such as `5/1m 30s`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.into_iter().find(|(_, per)| *per == self.per) {
            Some((letter, _)) => write!(formatter, "{}/{letter}", self.count),
            None => write!(formatter, "{}/{}", self.count, humantime::format_duration(self.per)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(count: u32, seconds: u64) -> Rate {
        Rate { count: NonZeroU32::new(count).unwrap(), per: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_rate_is_read_and_given_back() {
        for (text, expected) in [
            ("30/m", rate(30, 60)),
            ("5/s", rate(5, 1)),
            ("100/h", rate(100, 3600)),
            ("1/s", rate(1, 1)),
            ("4294967295/h", rate(u32::MAX, 3600)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        assert_eq!("007/m".parse(), Ok(rate(7, 60)));
        assert_eq!(rate(5, 90).to_string(), "5/1m 30s");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for text in ["", "30", "none", "30m"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError::NoUnit(text.to_owned())));
        }
        for count in ["", "0", "-1", "+1", "1.5", " 1", "4294967296", "x", "１"] {
            assert_eq!(format!("{count}/m").parse::<Rate>(), Err(RateError::Count(count.to_owned())));
        }
        for unit in ["", "d", "M", "min", "m ", "m/s", "60s"] {
            assert_eq!(format!("1/{unit}").parse::<Rate>(), Err(RateError::Unit(unit.to_owned())));
        }
    }
}

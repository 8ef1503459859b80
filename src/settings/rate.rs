//! How often something may happen: the grammar of `--rate`, such as `30/m`.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::args::layer::{Entry, ValueError};

/// The units of a rate: the letter in which it is shown, the longer names that are read too, and the time.
const UNITS: [(&str, [&str; 2], Duration); 3] = [
    ("s", ["sec", "second"], Duration::from_secs(1)),
    ("m", ["min", "minute"], MINUTE),
    ("h", ["hr", "hour"], Duration::from_secs(60 * 60)),
];

/// The period of a number without a unit: published limits of this API count requests in a minute.
const MINUTE: Duration = Duration::from_secs(60);

/// The decimal places that a rate may have, such as 0.125/s, and how many parts they make of one.
const PLACES: usize = 3;
const PARTS: u64 = 1000;

/// At most `count` events in any period as long as `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Never zero, because a run that may send nothing cannot end.
    pub count: NonZeroU32,
    /// A second, a minute or an hour when parsed; a multiple of it for a rate with decimal places.
    pub per: Duration,
}

/// A text that is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is not a rate: write 30/m, 30/min, 30 (a minute) or 0.5/s; the units are s, m and h, and `none` sets no limit", .0.escape_debug())]
pub struct RateError(String);

impl Rate {
    /// What each of N takes that share it.
    pub fn shared_by(self, count: NonZeroU16) -> Self {
        Self { per: self.per * u32::from(count.get()), ..self }
    }

    /// The rate of a setting; `None` for the word `none`.
    pub fn of_setting(entry: &Entry) -> Result<Option<Self>, ValueError> {
        if entry.value.to_string() == "none" { Ok(None) } else { entry.parsed().map(Some) }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Reads `COUNT[/UNIT]`, with nothing around it. The count has up to three decimal places: 0.5/s is one request in
    /// any two seconds, and not half of one.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, unit) = text.split_once('/').map_or((text, None), |(count, unit)| (count, Some(unit)));
        let of_unit = |unit| UNITS.into_iter().find(|(letter, names, _)| *letter == unit || names.contains(&unit));
        let per = unit.map_or(Some(MINUTE), |unit| of_unit(unit).map(|(.., per)| per));
        let read = per.zip(decimal(count, PLACES)).and_then(|(per, parts)| {
            let shared = greatest_common_divisor(parts, PARTS);
            let count = NonZeroU32::new(u32::try_from(parts / shared).ok()?)?;
            Some(Self { count, per: per * u32::try_from(PARTS / shared).ok()? })
        });
        read.ok_or_else(|| RateError(text.to_owned()))
    }
}

/// A plain decimal number with up to `places` decimal places, in units of the last one: `0.5` with three places is 500.
pub fn decimal(number: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = is_digits(whole) && is_digits(fraction) && fraction.len() <= places;
    is_number.then(|| format!("{whole}{fraction:0<places$}").parse().ok())?
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Display for Rate {
    /// Writes what [`Rate::from_str`] reads; a period that is no multiple of a unit is written out, such as `5/1m 30s`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = u64::from(self.count.get());
        // Only one unit fits: the others differ by a factor of three, which no decimal number ends with.
        let shown = UNITS.into_iter().find_map(|(letter, _, unit)| {
            let units = self.per.as_secs() / unit.as_secs();
            let is_exact = unit.checked_mul(u32::try_from(units).ok()?) == Some(self.per)
                && PARTS.checked_rem(units) == Some(0)
                && greatest_common_divisor(count, units) == 1;
            is_exact.then(|| (count * (PARTS / units), letter))
        });
        let Some((parts, letter)) = shown else {
            return write!(formatter, "{count}/{}", humantime::format_duration(self.per));
        };
        match parts % PARTS {
            0 => write!(formatter, "{}/{letter}", parts / PARTS),
            places => {
                let places = format!("{places:03}");
                write!(formatter, "{}.{}/{letter}", parts / PARTS, places.trim_end_matches('0'))
            }
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
            ("0.5/s", rate(1, 2)),
            ("2.5/m", rate(5, 120)),
            ("0.1/m", rate(1, 600)),
            ("0.6/m", rate(3, 300)),
            ("0.01/s", rate(1, 100)),
            ("0.125/h", rate(1, 8 * 3600)),
            ("4294967295/h", rate(u32::MAX, 3600)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for (text, expected) in [
            ("30", rate(30, 60)),
            ("30/min", rate(30, 60)),
            ("30/minute", rate(30, 60)),
            ("5/sec", rate(5, 1)),
            ("5/second", rate(5, 1)),
            ("100/hr", rate(100, 3600)),
            ("100/hour", rate(100, 3600)),
            ("007/m", rate(7, 60)),
            ("1.50", rate(3, 120)),
            ("2.000/s", rate(2, 1)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(rate(5, 90).to_string(), "5/1m 30s");
    }

    #[test]
    fn every_rate_with_decimal_places_is_given_back() {
        for unit in ["s", "m", "h"] {
            for parts in 1..=2000_u64 {
                let text = format!("{}.{:03}/{unit}", parts / 1000, parts % 1000);
                let read: Rate = text.parse().unwrap();
                assert_eq!(read.to_string().parse(), Ok(read), "{text}");
                let (whole, places) = (parts / 1000, format!("{:03}", parts % 1000));
                let shortest = format!("{whole}.{places}").trim_end_matches('0').trim_end_matches('.').to_owned();
                assert_eq!(read.to_string(), format!("{shortest}/{unit}"));
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_the_good_forms() {
        for text in ["", "none", "30m", "30 m", "often", "30/", "/m"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError(text.to_owned())));
        }
        for count in ["", "0", "0.0", "-1", "+1", "1,5", "1.", ".5", "0.0001", " 1", "4294967296", "x", "１"] {
            assert!(format!("{count}/m").parse::<Rate>().is_err(), "{count}");
        }
        for unit in ["", "d", "M", "mins", "m ", "m/s", "60s"] {
            assert!(format!("1/{unit}").parse::<Rate>().is_err(), "{unit}");
        }
        let message = "30m".parse::<Rate>().unwrap_err().to_string();
        for form in ["`30m`", "30/m", "30/min", "30 (a minute)", "0.5/s", "`none`"] {
            assert!(message.contains(form), "{message}");
        }
    }
}

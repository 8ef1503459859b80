//! The settings of `bulk` only, with the grammars of `--shard` and `--rate`.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::error::SettingsError;
use super::sources::Sources;
use crate::args::layer::{Entry, Value, ValueError};
use crate::args::settings_table::Setting;

const JOBS_MAX: usize = 256;

/// What to do with people who are known from the journals of other lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnKnown {
    /// Leave them out.
    Skip,
    /// Mail them again.
    Send,
}

impl OnKnown {
    /// The word of `--known`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Send => "send",
        }
    }
}

/// The settings for sending a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct BulkSettings {
    /// The part of the list that this run sends, if several share it.
    pub shard: Option<Shard>,
    /// The rate of all shards together; `None` for no limit.
    pub rate: Option<Rate>,
    /// How many requests run at the same time.
    pub jobs: usize,
    /// The run stops after this many consecutive rows that were not accepted; 0 never stops it.
    pub max_failures: u64,
    pub keep_alive: bool,
    /// A word of `--format`.
    pub format: String,
    pub skip_invalid: bool,
    pub journal: Option<PathBuf>,
    pub fresh: bool,
    pub retry_rejected: bool,
    pub resend_unknown: bool,
    pub limit: Option<u64>,
    pub known: Option<OnKnown>,
    pub junit: Option<PathBuf>,
    pub metrics: Option<PathBuf>,
    pub yes: bool,
}

impl BulkSettings {
    /// # Errors
    /// [`SettingsError::Value`] for a rate or a shard that cannot be read, and for jobs or a limit out of range.
    pub fn resolve(sources: &Sources) -> Result<Self, SettingsError> {
        Ok(Self {
            shard: sources.pick(Setting::Shard).map(Entry::parsed).transpose()?,
            rate: sources.pick(Setting::Rate).map(Rate::of_setting).transpose()?.flatten(),
            jobs: jobs(sources)?,
            max_failures: sources.count(Setting::MaxFailures),
            keep_alive: sources.is_on(Setting::KeepAlive),
            format: sources.text(Setting::Format).map_or_else(String::new, |(word, _)| word.to_owned()),
            skip_invalid: sources.is_on(Setting::SkipInvalid),
            journal: sources.path(Setting::Journal),
            fresh: sources.is_on(Setting::Fresh),
            retry_rejected: sources.is_on(Setting::RetryRejected),
            resend_unknown: sources.is_on(Setting::ResendUnknown),
            limit: limit(sources)?,
            known: sources.text(Setting::Known).map(|(word, _)| match word {
                "send" => OnKnown::Send,
                _ => OnKnown::Skip,
            }),
            junit: sources.path(Setting::Junit),
            metrics: sources.path(Setting::Metrics),
            yes: sources.is_on(Setting::Yes),
        })
    }
}

fn jobs(sources: &Sources) -> Result<usize, SettingsError> {
    let (entry, count) = (sources.needed(Setting::Jobs)?, sources.count(Setting::Jobs));
    let jobs = usize::try_from(count).ok().filter(|jobs| (1..=JOBS_MAX).contains(jobs));
    jobs.ok_or_else(|| entry.invalid(format!("`{count}` is out of range: use 1 to {JOBS_MAX}")).into())
}

/// 0 is refused: it would send nothing, and there is `--dry-run` for that.
fn limit(sources: &Sources) -> Result<Option<u64>, ValueError> {
    match sources.pick(Setting::Limit) {
        Some(entry) if entry.value == Value::Count(0) => {
            Err(entry.invalid("`0` would send to no one: to see only the plan use --dry-run"))
        }
        limit => Ok(limit.map(|_| sources.count(Setting::Limit))),
    }
}

/// No list needs more shards. A higher number is a mistake, such as a job's number instead of its index.
const SHARDS_MAX: u16 = 1000;

/// The part of a list that one of several machines sends: shard `number` (from 1) of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    number: NonZeroU16,
    count: NonZeroU16,
}

impl Shard {
    /// From 1 on.
    pub const fn number(self) -> u16 {
        self.number.get()
    }

    pub const fn count(self) -> NonZeroU16 {
        self.count
    }

    /// None if `number` is not from 1 to `count`.
    pub fn new(number: u16, count: NonZeroU16) -> Option<Self> {
        let number = NonZeroU16::new(number).filter(|number| *number <= count)?;
        Some(Self { number, count })
    }

    /// Whether a person belongs to this shard. `bits` must be evenly spread, and must not depend on the rest of the list.
    pub fn contains(self, bits: u64) -> bool {
        bits % u64::from(self.count.get()) == u64::from(self.number.get() - 1)
    }

    /// This shard's part of a total; the parts of all shards add up to the total.
    pub fn part_of(self, total: u64) -> u64 {
        let count = u64::from(self.count.get());
        total / count + u64::from(u64::from(self.number.get()) <= total % count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            let is_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_digits.then(|| digits.parse::<u64>().ok())?
        };
        let parts = text.split_once('/').and_then(|(one, all)| Some((number(one)?, number(all)?)));
        let (one, all) = parts.ok_or_else(|| {
            format!("`{text}` is not a shard: write its number, a slash and how many shards there are, such as 2/4")
        })?;
        let count = u16::try_from(all).ok().filter(|count| *count <= SHARDS_MAX).and_then(NonZeroU16::new);
        let count = count.ok_or_else(|| format!("`{text}`: use 1 to {SHARDS_MAX} shards"))?;
        let shard = u16::try_from(one).ok().and_then(|number| Self::new(number, count));
        shard.ok_or_else(|| match one {
            0 => format!(
                "`0/{all}`: shards are counted from 1: use 1/{all} to {all}/{all}; with an index from 0, such as \
                 $SLURM_ARRAY_TASK_ID or $JOB_COMPLETION_INDEX, add 1"
            ),
            _ => format!("`{one}/{all}`: there is no shard {one} of {all}: use 1/{all} to {all}/{all}"),
        })
    }
}

impl fmt::Display for Shard {
    /// Writes what [`Shard::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

/// The units of a rate: the letter that is shown, the longer names that are also accepted, and the time.
const UNITS: [(&str, [&str; 2], Duration); 3] = [
    ("s", ["sec", "second"], Duration::from_secs(1)),
    ("m", ["min", "minute"], MINUTE),
    ("h", ["hr", "hour"], Duration::from_secs(60 * 60)),
];

/// The unit of a number without one: the published limits of this API are per minute.
const MINUTE: Duration = Duration::from_secs(60);

/// How many decimal places a rate may have, such as 0.125/s, and into how many parts they divide 1.
const PLACES: usize = 3;
const PARTS: u64 = 1000;

/// At most `count` events in any period as long as `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Never zero: such a run would not end.
    pub count: NonZeroU32,
    /// A second, a minute or an hour when parsed; a multiple of it for a rate with decimal places.
    pub per: Duration,
}

impl Rate {
    /// The rate of each of `count` shards that share this one.
    pub fn shared_by(self, count: NonZeroU16) -> Self {
        Self { per: self.per * u32::from(count.get()), ..self }
    }

    /// The rate of a setting; `None` for the word `none`.
    pub fn of_setting(entry: &Entry) -> Result<Option<Self>, ValueError> {
        if entry.value.to_string() == "none" { Ok(None) } else { entry.parsed().map(Some) }
    }
}

impl FromStr for Rate {
    type Err = String;

    /// Reads `COUNT[/UNIT]`, without white space. The count has up to three decimal places: 0.5/s is one request in any two
    /// seconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let (count, unit) = text.split_once('/').map_or((text, None), |(count, unit)| (count, Some(unit)));
        let of_unit = |unit| UNITS.into_iter().find(|(letter, names, _)| *letter == unit || names.contains(&unit));
        let per = unit.map_or(Some(MINUTE), |unit| of_unit(unit).map(|(.., per)| per));
        let read = per.zip(decimal(count, PLACES)).and_then(|(per, parts)| {
            let shared = greatest_common_divisor(parts, PARTS);
            let count = NonZeroU32::new(u32::try_from(parts / shared).ok()?)?;
            Some(Self { count, per: per * u32::try_from(PARTS / shared).ok()? })
        });
        read.ok_or_else(|| {
            let text = text.escape_debug();
            format!("`{text}` is not a rate: write 30/m, 30/min, 30 (a minute) or 0.5/s; the units are s, m and h, and `none` sets no limit")
        })
    }
}

/// A plain decimal number with up to `places` decimal places, in units of the last place: `0.5` with three places is 500.
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
    /// Writes what [`Rate::from_str`] reads; except for a period that fits no unit, such as `5/1m 30s`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = u64::from(self.count.get());
        // Only one unit fits: the others differ by a factor that contains 3, and then the decimal number would not end.
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
        let number = format!("{}.{:03}", parts / PARTS, parts % PARTS);
        write!(formatter, "{}/{letter}", number.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_written_as_it_is_read() {
        for text in ["1/1", "1/4", "4/4", "1000/1000"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        assert_eq!("02/4".parse::<Shard>().unwrap().to_string(), "2/4");
    }

    #[test]
    fn an_invalid_shard_is_refused_with_the_valid_form() {
        let error = |text: &str| text.parse::<Shard>().unwrap_err();
        for text in ["", "1", "/", "1/", "/4", "-1/4", "1/4/4", "a/b", " 1/4", "1 / 4", "１/4"] {
            assert!(error(text).starts_with(&format!("`{text}` is not a shard: ")));
        }
        assert!(error("0/4").starts_with("`0/4`: shards are counted from 1: use 1/4 to 4/4; "));
        assert_eq!(error("5/4"), "`5/4`: there is no shard 5 of 4: use 1/4 to 4/4");
        assert_eq!(error("70000/4"), "`70000/4`: there is no shard 70000 of 4: use 1/4 to 4/4");
        for text in ["1/0", "0/0", "1/1001", "1/70000"] {
            assert_eq!(error(text), format!("`{text}`: use 1 to 1000 shards"));
        }
    }

    #[test]
    fn everyone_is_in_one_shard_and_the_parts_add_up() {
        for count in [1_u16, 2, 3, 7, 1000] {
            let shards: Vec<Shard> = (1..=count).map(|number| format!("{number}/{count}").parse().unwrap()).collect();
            for bits in [0, 1, 6, 999, u64::MAX] {
                assert_eq!(shards.iter().filter(|shard| shard.contains(bits)).count(), 1);
            }
            for total in [0, 1, 5, 61, 12_345] {
                assert_eq!(shards.iter().map(|shard| shard.part_of(total)).sum::<u64>(), total);
            }
        }
    }

    fn rate(count: u32, seconds: u64) -> Rate {
        Rate { count: NonZeroU32::new(count).unwrap(), per: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_rate_is_written_as_it_is_read() {
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
    fn every_rate_with_decimal_places_is_written_as_it_is_read() {
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
    fn an_invalid_rate_is_refused_with_the_valid_forms() {
        for text in ["", "none", "30m", "30 m", "often", "30/", "/m"] {
            assert!(text.parse::<Rate>().unwrap_err().starts_with(&format!("`{text}` is not a rate: ")));
        }
        for count in ["", "0", "0.0", "-1", "+1", "1,5", "1.", ".5", "0.0001", " 1", "4294967296", "x", "１"] {
            assert!(format!("{count}/m").parse::<Rate>().is_err(), "{count}");
        }
        for unit in ["", "d", "M", "mins", "m ", "m/s", "60s"] {
            assert!(format!("1/{unit}").parse::<Rate>().is_err(), "{unit}");
        }
        let message = "30m".parse::<Rate>().unwrap_err();
        for form in ["`30m`", "30/m", "30/min", "30 (a minute)", "0.5/s", "`none`"] {
            assert!(message.contains(form), "{message}");
        }
    }
}

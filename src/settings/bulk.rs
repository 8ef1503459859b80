//! How a list is sent: the settings of `bulk` alone, with the grammar of `--shard`.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use super::error::SettingsError;
use super::rate::Rate;
use super::sources::Sources;
use crate::args::layer::{Entry, ValueError};
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

/// How a list is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct BulkSettings {
    /// The part of the list that this run sends, if several share it.
    pub shard: Option<Shard>,
    /// That of all shards together; `None` is no limit.
    pub rate: Option<Rate>,
    /// Requests under way at once.
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
    let entry = sources.pick(Setting::Jobs).ok_or_else(|| sources.missing(Setting::Jobs))?;
    let count = sources.count(Setting::Jobs);
    let jobs = usize::try_from(count).ok().filter(|jobs| (1..=JOBS_MAX).contains(jobs));
    jobs.ok_or_else(|| entry.invalid(format!("`{count}` is out of range: use 1 to {JOBS_MAX}")).into())
}

/// Zero would mean a run that sends nothing: that is what a dry run is for.
fn limit(sources: &Sources) -> Result<Option<u64>, ValueError> {
    match (sources.count(Setting::Limit), sources.pick(Setting::Limit)) {
        (_, None) => Ok(None),
        (0, Some(entry)) => Err(entry.invalid("`0` would send to no one: to see only the plan use --dry-run")),
        (count, Some(_)) => Ok(Some(count)),
    }
}

/// No list needs more, and a longer number is a mistake, such as a job's number in place of its index.
const SHARDS_MAX: u16 = 1000;

/// A part of a list that one machine of several sends: shard `number` of `count`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    number: NonZeroU16,
    count: NonZeroU16,
}

/// Why a text is not a shard. Each has the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardError {
    #[error("`{0}` is not a shard: write its number, a slash and how many shards there are, such as 2/4")]
    Grammar(String),
    #[error(
        "`0/{0}`: shards are counted from 1: use 1/{0} to {0}/{0}; with an index from 0, such as \
         $SLURM_ARRAY_TASK_ID or $JOB_COMPLETION_INDEX, add 1"
    )]
    FromZero(u64),
    #[error("`{0}/{1}`: there is no shard {0} of {1}: use 1/{1} to {1}/{1}")]
    Beyond(u64, u64),
    #[error("`{0}`: use 1 to {SHARDS_MAX} shards")]
    Count(String),
}

impl Shard {
    /// From 1 on.
    pub const fn number(self) -> u16 {
        self.number.get()
    }

    /// How many shards there are.
    pub const fn count(self) -> NonZeroU16 {
        self.count
    }

    /// One of the shards of a division; none if it has no such number.
    pub fn new(number: u16, count: NonZeroU16) -> Option<Self> {
        let number = NonZeroU16::new(number).filter(|number| *number <= count)?;
        Some(Self { number, count })
    }

    /// Whether someone belongs to this shard, by evenly spread bits that stay the same whatever else is on the list.
    pub fn contains(self, bits: u64) -> bool {
        bits % u64::from(self.count.get()) == u64::from(self.number.get() - 1)
    }

    /// The part of a total that this shard may have; the parts of all shards add up to the total.
    pub fn part_of(self, total: u64) -> u64 {
        let count = u64::from(self.count.get());
        total / count + u64::from(u64::from(self.number.get()) <= total % count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |digits: &str| {
            let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
            digits.and_then(|digits| digits.parse::<u64>().ok())
        };
        let parts = text.split_once('/').and_then(|(one, all)| Some((number(one)?, number(all)?)));
        let (one, all) = parts.ok_or_else(|| ShardError::Grammar(text.to_owned()))?;
        let count = u16::try_from(all).ok().filter(|count| *count <= SHARDS_MAX).and_then(NonZeroU16::new);
        let count = count.ok_or_else(|| ShardError::Count(text.to_owned()))?;
        if one == 0 {
            return Err(ShardError::FromZero(all));
        }
        let number = u16::try_from(one).ok();
        number.and_then(|number| Self::new(number, count)).ok_or(ShardError::Beyond(one, all))
    }
}

impl fmt::Display for Shard {
    /// Writes what [`Shard::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_and_given_back() {
        for text in ["1/1", "1/4", "4/4", "1000/1000"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        assert_eq!("02/4".parse::<Shard>().unwrap().to_string(), "2/4");
    }

    #[test]
    fn what_is_not_a_shard_is_named_with_what_would_be_right() {
        for text in ["", "1", "/", "1/", "/4", "-1/4", "1/4/4", "a/b", " 1/4", "1 / 4", "１/4"] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError::Grammar(text.to_owned())));
        }
        assert_eq!("0/4".parse::<Shard>(), Err(ShardError::FromZero(4)));
        assert_eq!("5/4".parse::<Shard>(), Err(ShardError::Beyond(5, 4)));
        assert_eq!("70000/4".parse::<Shard>(), Err(ShardError::Beyond(70000, 4)));
        for text in ["1/0", "0/0", "1/1001", "1/70000"] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError::Count(text.to_owned())));
        }
    }

    #[test]
    fn everybody_is_in_one_shard_and_the_parts_add_up() {
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
}

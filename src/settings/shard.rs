//! A part of a list that one machine of several sends: the grammar of `--shard`, such as `2/4`.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use thiserror::Error;

use crate::args::layer::{Entry, ValueError};
use crate::args::settings_table::Setting;

/// No list needs more, and a longer number is a mistake, such as a job's number in place of its index.
const SHARDS_MAX: u16 = 1000;

/// Shard `number` of `count`, counted from 1.
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
    /// # Errors
    /// [`ValueError`] when the value is not a shard.
    pub fn of_setting(entry: &Entry) -> Result<Self, ValueError> {
        let text = entry.value.to_string();
        text.parse().map_err(|error: ShardError| entry.invalid(Setting::Shard, error.to_string()))
    }

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

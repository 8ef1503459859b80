//! How a list is sent: the settings of `bulk` alone.

use std::path::PathBuf;

use super::error::SettingsError;
use super::rate::Rate;
use super::shard::Shard;
use super::sources::Sources;
use crate::args::layer::ValueError;
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
            shard: sources.pick(Setting::Shard).map(Shard::of_setting).transpose()?,
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
    jobs.ok_or_else(|| entry.invalid(Setting::Jobs, format!("`{count}` is out of range: use 1 to {JOBS_MAX}")).into())
}

/// Zero would mean a run that sends nothing: that is what a dry run is for.
fn limit(sources: &Sources) -> Result<Option<u64>, ValueError> {
    match (sources.count(Setting::Limit), sources.pick(Setting::Limit)) {
        (_, None) => Ok(None),
        (0, Some(entry)) => {
            Err(entry.invalid(Setting::Limit, "`0` would send to no one: to see only the plan use --dry-run"))
        }
        (count, Some(_)) => Ok(Some(count)),
    }
}

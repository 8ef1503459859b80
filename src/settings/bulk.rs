//! How a list is sent: the settings of `bulk` alone.

use std::path::PathBuf;

use super::error::SettingsError;
use super::rate::Rate;
use super::sources::Sources;
use crate::args::layer::{Given, ValueError};
use crate::args::settings_table::Setting;

/// The rate of a list when nothing says otherwise: the slower of what F5's own tools keep to.
pub const DEFAULT_RATE: &str = "60/m";
/// Most requests that may be under way at once.
const JOBS_MAX: u64 = 256;

/// What is done with people who are known from other lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnKnown {
    /// They are left out.
    Skip,
    /// They are mailed again.
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
    /// Most requests in a time; `None` is as fast as can be.
    pub rate: Option<Rate>,
    /// Requests under way at once.
    pub jobs: usize,
    /// How many rows in a row may fail before the run stops; 0 for any number.
    pub max_failures: u64,
    /// Whether connections are used again.
    pub keep_alive: bool,
    /// The word of `--format`.
    pub format: String,
    /// Whether rows that cannot be used are left out.
    pub skip_invalid: bool,
    /// The journal, if it is named.
    pub journal: Option<PathBuf>,
    /// Whether a new journal is begun.
    pub fresh: bool,
    /// Whether rejected rows go out again.
    pub retry_rejected: bool,
    /// Whether unknown rows go out again.
    pub resend_unknown: bool,
    /// Most rows that are sent to.
    pub limit: Option<u64>,
    /// What is done with people who are known from other lists, if that is decided.
    pub known: Option<OnKnown>,
    /// Whether nobody is asked.
    pub yes: bool,
}

impl BulkSettings {
    /// Resolves them.
    ///
    /// # Errors
    /// [`SettingsError::Value`] for a rate that is none, and for jobs out of bounds.
    pub fn resolve(sources: &Sources) -> Result<Self, SettingsError> {
        let rate = match sources.pick(Setting::Rate) {
            Some(given) => rate(given)?,
            None => DEFAULT_RATE.parse().ok(),
        };
        let path = |key| sources.text(key).map(|(path, _)| PathBuf::from(path));
        Ok(Self {
            rate,
            jobs: jobs(sources)?,
            max_failures: sources.count(Setting::MaxFailures),
            keep_alive: sources.is_on(Setting::KeepAlive),
            format: sources.text(Setting::Format).map_or_else(String::new, |(word, _)| word.to_owned()),
            skip_invalid: sources.is_on(Setting::SkipInvalid),
            journal: path(Setting::Journal),
            fresh: sources.is_on(Setting::Fresh),
            retry_rejected: sources.is_on(Setting::RetryRejected),
            resend_unknown: sources.is_on(Setting::ResendUnknown),
            limit: limit(sources)?,
            known: sources.text(Setting::Known).map(|(word, _)| match word {
                "send" => OnKnown::Send,
                _ => OnKnown::Skip,
            }),
            yes: sources.is_on(Setting::Yes),
        })
    }
}

fn jobs(sources: &Sources) -> Result<usize, SettingsError> {
    let count = sources.count(Setting::Jobs);
    let fits = (1..=JOBS_MAX).contains(&count);
    match (usize::try_from(count), sources.pick(Setting::Jobs)) {
        (Ok(jobs), _) if fits => Ok(jobs),
        (_, Some(given)) => Err(ValueError {
            key: Setting::Jobs,
            origin: given.origin.clone(),
            reason: format!("`{count}` is out of bounds: it takes 1 to {JOBS_MAX}"),
        }
        .into()),
        (_, None) => Err(super::target::missing(sources, Setting::Jobs)),
    }
}

/// Nobody means a run that sends nothing: that is what a dry run is for.
fn limit(sources: &Sources) -> Result<Option<u64>, ValueError> {
    match (sources.count(Setting::Limit), sources.pick(Setting::Limit)) {
        (_, None) => Ok(None),
        (0, Some(given)) => Err(ValueError {
            key: Setting::Limit,
            origin: given.origin.clone(),
            reason: "`0` would send to nobody: to see the plan alone use --dry-run".to_owned(),
        }),
        (count, Some(_)) => Ok(Some(count)),
    }
}

/// A rate, or none at all for `none`.
///
/// # Errors
/// [`ValueError`] when it is neither.
pub fn rate(given: &Given) -> Result<Option<Rate>, ValueError> {
    let text = given.value.to_string();
    if text == "none" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| ValueError {
        key: Setting::Rate,
        origin: given.origin.clone(),
        reason: format!("{error}"),
    })
}

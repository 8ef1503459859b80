//! What applies: flags, variables and file combined and checked. For each setting, the first source that has it wins:
//!
//! 1. a flag
//! 2. a `VESCLI_` variable
//! 3. the chosen profile, then the profiles that it extends
//! 4. the table `[defaults]`
//! 5. the names that F5's own tools use, and the usual proxy variables
//! 6. the built-in value
//!
//! A credential is taken whole from the first of these that names one, see [`credential`].

pub mod bulk;
pub mod clock;
pub mod config_file;
pub mod credential;
pub mod error;
pub mod file;
pub mod network;
pub mod sources;
pub mod target;

use std::time::Duration;

pub use clap::ColorChoice;
use credential::CredentialPlan;
use error::{ConfigState, SettingsError};
use network::Network;
use sources::Sources;
use target::Target;

use crate::args::environment::{Environment, unknown_variables};
use crate::args::layer::{Entry, Layer};
use crate::args::settings_table::Setting;

/// Everything that applies to one run, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Default: the tenant.
    pub cname: Option<String>,
    /// Whether to accept an address that the published pattern refuses.
    pub allow_any_email: bool,
    pub tenant: Option<String>,
    pub target: Target,
    pub credential: CredentialPlan,
    pub network: Network,
    pub retry: RetryPolicy,
    pub output: Output,
    pub config: ConfigState,
    /// Likely mistakes that are not errors.
    pub warnings: Vec<String>,
}

/// While the service answers 404, each person gets at most one request in this time. A new user appears within minutes, and
/// more requests do not make that faster.
pub const USER_GAP: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many attempts there may be after the first.
    pub retries: u64,
    /// The longest wait that the server may ask for.
    pub max_retry_after: Duration,
    /// Whether to retry what may have been sent.
    pub retry_unknown: bool,
    /// How long to retry a 404, for a user who was just created.
    pub wait_for_user: Option<Duration>,
}

/// What vescli prints, and in which format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Output {
    /// JSON on standard output instead of text.
    pub json: bool,
    /// Prints nothing on success, and with JSON nothing on standard error.
    pub quiet: bool,
    /// 0: nothing, 1: headers, 2: bodies too.
    pub verbose: u64,
    pub color: ColorChoice,
}

impl Output {
    /// From flags and variables only, for errors before the file is read.
    pub fn early(flags: &Layer, environment: &Environment) -> Self {
        Self::resolve(&Sources::without_file(flags, environment))
    }

    pub fn resolve(sources: &Sources) -> Self {
        // `--json` is short for `--output json`. If both are set, the one from the stronger level wins.
        let json = [Setting::Json, Setting::Output].map(|key| sources.pick_with_level(key));
        let strongest = json.iter().flatten().map(|(level, _)| *level).min();
        let asks = |entry: &Entry| matches!(entry.value.to_string().as_str(), "true" | "json");
        let color = sources.text(Setting::Color).and_then(|(word, _)| word.parse().ok());
        Self {
            json: json.into_iter().flatten().any(|(level, entry)| Some(level) == strongest && asks(entry)),
            quiet: sources.is_on(Setting::Quiet),
            verbose: sources.count(Setting::Verbose),
            color: color.unwrap_or_default(),
        }
    }
}

impl Settings {
    pub fn resolve(sources: &Sources, environment: &Environment) -> Result<Self, SettingsError> {
        let target = Target::resolve(sources)?;
        let tenant = target::tenant(sources)?;
        let text = |key| sources.text(key).map(|(text, _)| text.to_owned());
        let mut warnings = unknown_variables(environment);
        warnings.extend(target.warnings(sources));
        let network = Network::resolve(sources, environment)?;
        network.check(&target, sources)?;
        warnings.extend(network.proxy.as_ref().and_then(|proxy| proxy.warning.clone()));
        warnings.extend(network.unused_overrides(&target, sources));
        let is_off_or_long = |time: Duration| time.is_zero() || time >= USER_GAP;
        Ok(Self {
            cname: text(Setting::Cname).or_else(|| tenant.clone()),
            allow_any_email: sources.is_on(Setting::AllowAnyEmail),
            credential: CredentialPlan::resolve(sources, environment, &target)?,
            tenant,
            target,
            network,
            retry: RetryPolicy {
                retries: sources.count(Setting::Retries),
                max_retry_after: sources.duration(Setting::MaxRetryAfter)?,
                retry_unknown: sources.is_on(Setting::RetryUnknown),
                wait_for_user: Some(sources.duration_if(Setting::WaitForUser, is_off_or_long, "0s, or at least 5s")?)
                    .filter(|time| !time.is_zero()),
            },
            output: Output::resolve(sources),
            config: sources.config.clone(),
            warnings,
        })
    }
}

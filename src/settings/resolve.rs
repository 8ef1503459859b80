//! Lays the sources over each other and checks what comes out: [`Settings`].

use super::credential::CredentialPlan;
use super::error::{ConfigState, SettingsError};
use super::network::{self, Network};
use super::proxy::ProxySetting;
use super::sources::{Level, Sources};
use super::target::{self, Target};
use crate::args::environment::Environment;
use crate::args::layer::{Layer, unknown_variables};
use crate::args::settings_table::Setting;

use std::cmp::Ordering;
use std::time::Duration;

/// Everything that holds for one run, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The address as given; a list brings its own.
    pub email: Option<String>,
    /// The cname, the tenant if none is given.
    pub cname: Option<String>,
    /// Whether an address past the published pattern is taken.
    pub allow_any_email: bool,
    /// The tenant, if it is given.
    pub tenant: Option<String>,
    /// Where the request goes.
    pub target: Target,
    /// Which credential is used.
    pub credential: CredentialPlan,
    /// How the service is reached.
    pub network: Network,
    /// When to repeat.
    pub retry: RetryPolicy,
    /// What is told, and how.
    pub output: Output,
    /// What the configuration file is.
    pub config: ConfigState,
    /// What is odd, but no error.
    pub warnings: Vec<String>,
}

/// When a request may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Repeats after the first attempt.
    pub retries: u64,
    /// Longest wait that the server may ask for.
    pub max_retry_after: Duration,
    /// Whether to repeat what may have been sent.
    pub retry_unknown: bool,
}

/// What is told, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Output {
    /// One JSON document on standard output instead of text.
    pub json: bool,
    /// Nothing on success, and with JSON nothing on standard error.
    pub quiet: bool,
    /// 0: nothing, 1: headers, 2: bodies too.
    pub verbose: u64,
    /// When to colour.
    pub color: ColorChoice,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// The choice of a word, if it is one.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

impl Output {
    /// What the sources say of the output.
    pub fn resolve(sources: &Sources) -> Self {
        Self::pick(|key| sources.pick_with_level(key).map(|(level, given)| (level, given.value.to_string())))
    }

    /// What flags and variables say, for errors that come before the file is understood.
    pub fn early(flags: &Layer, environment: &Environment) -> Self {
        let variables = Layer::of_sound_variables(environment);
        Self::pick(|key| {
            let flag = flags.get(key).map(|given| (Level::Flag, given.value.to_string()));
            flag.or_else(|| variables.get(key).map(|given| (Level::Variable, given.value.to_string())))
        })
    }

    fn pick(value: impl Fn(Setting) -> Option<(Level, String)>) -> Self {
        let is = |key, text: &str| value(key).is_some_and(|(_, given)| given == text);
        // `--json` is short for `--output json` where it is given: the stronger level of the two decides.
        let json = match (value(Setting::Json), value(Setting::Output)) {
            (Some((short, on)), Some((long, word))) => match short.cmp(&long) {
                Ordering::Less => on == "true",
                Ordering::Equal => on == "true" || word == "json",
                Ordering::Greater => word == "json",
            },
            (Some((_, on)), None) => on == "true",
            (None, Some((_, word))) => word == "json",
            (None, None) => false,
        };
        Self {
            json,
            quiet: is(Setting::Quiet, "true"),
            verbose: value(Setting::Verbose).and_then(|(_, level)| level.parse().ok()).unwrap_or(0),
            color: value(Setting::Color).and_then(|(_, word)| ColorChoice::named(&word)).unwrap_or_default(),
        }
    }
}

impl Settings {
    /// Checks what the sources say.
    ///
    /// # Errors
    /// [`SettingsError`] with the first thing that does not hold.
    pub fn resolve(sources: &Sources, environment: &Environment) -> Result<Self, SettingsError> {
        let target = Target::resolve(sources)?;
        let tenant = target::tenant(sources)?;
        let text = |key| sources.text(key).map(|(text, _)| text.to_owned());
        let mut warnings = unknown_variables(environment);
        warnings.extend(target.warnings(sources));
        let network = Network::resolve(sources, environment)?;
        network.check(&target, sources)?;
        warnings.extend(network.proxy.as_ref().and_then(ProxySetting::warning));
        warnings.extend(network.unused_overrides(&target, sources));
        Ok(Self {
            email: text(Setting::Email),
            cname: text(Setting::Cname).or_else(|| tenant.clone()),
            allow_any_email: sources.is_on(Setting::AllowAnyEmail),
            credential: CredentialPlan::resolve(sources, environment, &target)?,
            tenant,
            target,
            network,
            retry: RetryPolicy {
                retries: sources.count(Setting::Retries),
                max_retry_after: network::duration(sources, Setting::MaxRetryAfter)?,
                retry_unknown: sources.is_on(Setting::RetryUnknown),
            },
            output: Output::resolve(sources),
            config: sources.config.clone(),
            warnings,
        })
    }
}

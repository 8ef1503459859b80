//! The checks of what was given: the configuration file, the values of the settings, and the URL made of them.

use super::check::Check;
use crate::api::request;
use crate::api::send_password_email::SEND_PASSWORD_EMAIL;
use crate::args::environment::{Environment, unknown_variables};
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::commands::error::CommandError;
use crate::settings::error::{ConfigState, SettingsError};
use crate::settings::network::Network;
use crate::settings::proxy::ProxySetting;
use crate::settings::sources::Sources;
use crate::settings::target::{self, Target};

/// What the later checks need.
pub(super) struct Setup {
    pub(super) sources: Sources,
    pub(super) network: Network,
}

/// Checks that the file is found and valid, which profile is used, and that the values fit.
pub(super) fn config(flags: &Layer, environment: &Environment) -> (Check, Option<Setup>) {
    match gather(flags, environment) {
        Ok(setup) => (found(&setup.sources, environment), Some(setup)),
        Err(error) => (Check::of_fault("config", &CommandError::from(error)), None),
    }
}

fn gather(flags: &Layer, environment: &Environment) -> Result<Setup, SettingsError> {
    let sources = Sources::gather(flags, environment)?;
    let network = Network::resolve(&sources, environment)?;
    sources.duration(Setting::MaxRetryAfter)?;
    Ok(Setup { sources, network })
}

fn found(sources: &Sources, environment: &Environment) -> Check {
    let check = match &sources.config {
        ConfigState::None => Check::ok("config", "no file is read: flags and variables alone"),
        ConfigState::Absent(path) => Check::ok(
            "config",
            format!("no file at {}: flags and variables alone; `vescli config init` writes one", path.display()),
        ),
        ConfigState::Profile(path, profile) => Check::ok("config", format!("{}, profile {profile}", path.display())),
        ConfigState::Unchosen(path, profiles) if profiles.is_empty() => {
            Check::ok("config", format!("{}, without any profile", path.display()))
        }
        ConfigState::Unchosen(path, profiles) => Check::warning(
            "config",
            format!("{}, and no profile is chosen", path.display()),
            format!("choose one with --profile: {}", profiles.join(", ")),
        ),
    };
    let unknown = unknown_variables(environment);
    if unknown.is_empty() {
        return check;
    }
    let hint = match &check.hint {
        Some(hint) => format!("{}; {hint}", unknown.join("; ")),
        None => unknown.join("; "),
    };
    Check::warning("config", check.message, hint)
}

/// Checks the URL as it will be used.
pub(super) fn url(sources: &Sources, network: &Network) -> (Check, Option<Target>) {
    let resolved = Target::resolve(sources)
        .and_then(|target| target::tenant(sources).map(|_| target))
        .and_then(|target| network.check(&target, sources).map(|()| target))
        .map_err(CommandError::from)
        .and_then(|target| Ok((request::url(&SEND_PASSWORD_EMAIL, &target)?, target)));
    match resolved {
        Ok((url, target)) => {
            let mut warnings = target.warnings(sources);
            warnings.extend(network.proxy.as_ref().and_then(ProxySetting::warning));
            let check = if warnings.is_empty() {
                Check::ok("url", url.as_str())
            } else {
                Check::warning("url", url.as_str(), warnings.join("; "))
            };
            (check, Some(target))
        }
        Err(fault) => (Check::of_fault("url", &fault), None),
    }
}

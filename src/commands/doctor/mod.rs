//! `vescli doctor`: checks everything that a send needs, from the configuration to the server's clock, and mails
//! no one. Its only request is a `HEAD` for `/` of the host, without any credential: no operation of the API is a `HEAD`,
//! and every HTTP server answers one with its `Date`.

mod check;
mod credential;
mod network;

use url::Url;

use crate::api::request;
use crate::api::send_password_email::SEND_PASSWORD_EMAIL;
use crate::args::environment::{Environment, unknown_variables};
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::report::exit::Exit;
use crate::settings::Output;
use crate::settings::error::{ConfigState, SettingsError};
use crate::settings::network::Network;
use crate::settings::proxy::ProxySetting;
use crate::settings::sources::Sources;
use crate::settings::target::{self, Target};
use check::{Check, Checklist};

/// Makes all checks that make sense and reports them; the exit is that of the first one that failed.
pub fn run(context: &mut Context) -> Exit {
    let (check, setup) = check_config(context.flags, context.environment);
    if let Some(setup) = &setup {
        context.set_output(Output::resolve(&setup.sources));
    }
    let mut checklist = Checklist::new(&mut context.reporter);
    checklist.add(check);
    if let Some(Setup { sources, network }) = setup {
        match check_url(&sources, &network) {
            Ok((check, target, url)) => {
                checklist.add(check);
                // A wrong credential does not keep the network from being checked; every other check needs the one before.
                let (check, credential) = credential::check(&sources, context.environment, &target);
                let of_proxy = network.proxy.as_ref().map_or_else(Vec::new, ProxySetting::secrets);
                checklist.reporter.redact(credential.token.into_iter().chain(of_proxy));
                checklist.add(check);
                network::check(&network, credential.certificate.as_ref(), &url, &mut checklist);
            }
            Err(fault) => checklist.add(Check::of_fault("url", fault)),
        }
    }
    checklist.close()
}

/// What the later checks need.
struct Setup {
    sources: Sources,
    network: Network,
}

/// Checks that the file is found and valid, which profile is used, and that the values fit.
fn check_config(flags: &Layer, environment: &Environment) -> (Check, Option<Setup>) {
    match gather(flags, environment) {
        Ok(setup) => (found(&setup.sources, environment), Some(setup)),
        Err(error) => (Check::of_fault("config", error), None),
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
fn check_url(sources: &Sources, network: &Network) -> Result<(Check, Target, Url), CommandError> {
    let target = Target::resolve(sources)?;
    target::tenant(sources)?;
    network.check(&target, sources)?;
    let url = request::url(&SEND_PASSWORD_EMAIL, &target)?;
    let mut warnings = target.warnings(sources);
    warnings.extend(network.proxy.as_ref().and_then(ProxySetting::warning));
    let check = if warnings.is_empty() {
        Check::ok("url", url.as_str())
    } else {
        Check::warning("url", url.as_str(), warnings.join("; "))
    };
    Ok((check, target, url))
}

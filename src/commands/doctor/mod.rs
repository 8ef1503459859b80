//! `vescli doctor`: checks everything that a send needs, from the configuration to the server's clock, and mails
//! no one. Its only request is a `HEAD` for `/` of the host, without any credential: no operation of the API is a `HEAD`,
//! and every HTTP server answers one with its `Date`.

mod checklist;
mod local;
mod network;

use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::commands::Context;
use crate::report::exit::Exit;
use crate::settings::Output;
use crate::settings::error::SettingsError;
use crate::settings::network::{Network, ProxySetting};
use crate::settings::sources::Sources;
use checklist::{Check, Checklist};

/// Runs the checks and reports each. The exit is that of the first check that failed.
pub fn run(context: &mut Context) -> Exit {
    let gathered = gather(context.flags, context.environment);
    if let Ok((sources, _)) = &gathered {
        context.set_output(Output::resolve(sources));
    }
    let mut checklist = Checklist::new(&mut context.reporter);
    match gathered {
        Ok((sources, network)) => {
            checklist.add(local::check_config(&sources, context.environment));
            check_request(&sources, &network, context.environment, &mut checklist);
        }
        Err(error) => checklist.add(Check::of_error("config", error)),
    }
    checklist.close()
}

/// The sources and the network settings, which the later checks need.
fn gather(flags: &Layer, environment: &Environment) -> Result<(Sources, Network), SettingsError> {
    let sources = Sources::gather(flags, environment)?;
    let network = Network::resolve(&sources, environment)?;
    sources.duration(Setting::MaxRetryAfter)?;
    Ok((sources, network))
}

/// Checks URL, credential and network. Without a valid URL nothing else can be checked; without a valid credential the
/// network can.
fn check_request(sources: &Sources, network: &Network, environment: &Environment, checklist: &mut Checklist) {
    let (target, url) = match local::target_and_url(sources, network) {
        Ok(checked) => checked,
        Err(fault) => return checklist.add(Check::of_error("url", fault)),
    };
    let of_proxy = network.proxy.as_ref().and_then(|proxy| proxy.warning.clone());
    checklist.add(Check::passed("url", url.as_str(), target.warnings(sources).into_iter().chain(of_proxy)));
    let (check, credential) = local::check_credential(sources, environment, &target);
    let of_proxy = network.proxy.as_ref().map_or_else(Vec::new, ProxySetting::secrets);
    checklist.reporter.redact(credential.token.into_iter().chain(of_proxy));
    checklist.add(check);
    network::check(network, credential.certificate.as_ref(), &url, checklist);
}

//! `vescli doctor`: checks everything that a send needs, from the configuration to the server's clock, and mails
//! no one. Its only request is a `HEAD` for `/` of the host, without any credential: no operation of the API is a `HEAD`,
//! and every HTTP server answers one with its `Date`.

mod chart;
mod check;
mod credential;
mod network;
mod setup;
mod validity;

use crate::api::request;
use crate::api::send_password_email::SEND_PASSWORD_EMAIL;
use crate::args::environment::Environment;
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::report::exit::Exit;
use crate::settings::Output;
use crate::settings::proxy::ProxySetting;
use chart::Chart;
use check::Check;

/// Makes all checks that make sense and reports them; the exit is that of the first one that failed.
pub fn run(context: &mut Context) -> Exit {
    let (check, setup) = setup::config(context.flags, context.environment);
    if let Some(setup) = &setup {
        context.set_output(Output::resolve(&setup.sources));
    }
    let mut chart = Chart::new(&mut context.reporter);
    chart.add(check);
    if let Some(setup) = setup {
        examine(&setup, context.environment, &mut chart);
    }
    chart.close()
}

/// A wrong credential does not keep the network from being checked; every other check needs the one before.
fn examine(setup: &setup::Setup, environment: &Environment, chart: &mut Chart) -> Option<()> {
    let (check, target) = setup::url(&setup.sources, &setup.network);
    chart.add(check);
    let target = target?;
    let (check, credential) = credential::check(&setup.sources, environment, &target);
    let proxy = setup.network.proxy.as_ref();
    let of_proxy = proxy.map_or_else(Vec::new, ProxySetting::secrets);
    let secrets = credential.token.clone().into_iter().chain(of_proxy);
    chart.reporter.redact(secrets);
    chart.add(check);
    let url = match request::url(&SEND_PASSWORD_EMAIL, &target) {
        Ok(url) => url,
        Err(error) => {
            chart.add(Check::of_fault("url", &CommandError::from(error)));
            return None;
        }
    };
    let identity = credential.certificate.as_ref();
    network::check(&setup.network, identity, &url, chart);
    Some(())
}

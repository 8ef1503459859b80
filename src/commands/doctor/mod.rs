//! `vescli doctor`: checks everything that a send needs, from the configuration to the server's clock, and mails
//! no one. Its only request is a `HEAD` for `/` of the host, without any credential: no operation of the API is a `HEAD`,
//! and every HTTP server answers one with its `Date`.

mod check;
mod checklist;
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
use check::Check;
use checklist::Checklist;

/// Makes all checks that make sense and reports them; the exit is that of the first one that failed.
pub fn run(context: &mut Context) -> Exit {
    let (check, setup) = setup::config(context.flags, context.environment);
    if let Some(setup) = &setup {
        context.set_output(Output::resolve(&setup.sources));
    }
    let mut checklist = Checklist::new(&mut context.reporter);
    checklist.add(check);
    if let Some(setup) = setup {
        examine(&setup, context.environment, &mut checklist);
    }
    checklist.close()
}

/// A wrong credential does not keep the network from being checked; every other check needs the one before.
fn examine(setup: &setup::Setup, environment: &Environment, checklist: &mut Checklist) -> Option<()> {
    let (check, target) = setup::url(&setup.sources, &setup.network);
    checklist.add(check);
    let target = target?;
    let (check, credential) = credential::check(&setup.sources, environment, &target);
    let proxy = setup.network.proxy.as_ref();
    let of_proxy = proxy.map_or_else(Vec::new, ProxySetting::secrets);
    let secrets = credential.token.clone().into_iter().chain(of_proxy);
    checklist.reporter.redact(secrets);
    checklist.add(check);
    let url = match request::url(&SEND_PASSWORD_EMAIL, &target) {
        Ok(url) => url,
        Err(error) => {
            checklist.add(Check::of_fault("url", &CommandError::from(error)));
            return None;
        }
    };
    let identity = credential.certificate.as_ref();
    network::check(&setup.network, identity, &url, checklist);
    Some(())
}

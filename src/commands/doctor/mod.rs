//! `vescli doctor`: checks everything that a send needs, from the configuration to the server's clock, and mails
//! no one. Its only request is a `HEAD` for `/` of the host, without any credential: no operation of the API is a `HEAD`,
//! and every HTTP server answers one with its `Date`.

mod check;
mod network;

use std::path::Path;
use std::time::SystemTime;

use url::Url;

use crate::api::operation::{self, SEND_PASSWORD_EMAIL};
use crate::args::environment::{Environment, unknown_variables};
use crate::args::layer::{Entry, Layer, Origin, Value};
use crate::args::settings_table::Setting;
use crate::commands::Context;
use crate::commands::error::CommandError;
use crate::report::exit::Exit;
use crate::settings::Output;
use crate::settings::credential::certificate::{CertificateFacts, ClientCertificate, ClientCertificateSource};
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::credential::{Credential, CredentialPlan};
use crate::settings::error::{ConfigState, SettingsError};
use crate::settings::network::{Network, ProxySetting};
use crate::settings::sources::Sources;
use crate::settings::target::{self, Target};
use check::{Check, Checklist, time_left};

/// Makes all checks that make sense and reports them; the exit is that of the first one that failed.
pub fn run(context: &mut Context) -> Exit {
    let gathered = gather(context.flags, context.environment);
    if let Ok((sources, _)) = &gathered {
        context.set_output(Output::resolve(sources));
    }
    let mut checklist = Checklist::new(&mut context.reporter);
    match gathered {
        Ok((sources, network)) => {
            checklist.add(check_config(&sources, context.environment));
            check_request(&sources, &network, context.environment, &mut checklist);
        }
        Err(error) => checklist.add(Check::of_fault("config", error)),
    }
    checklist.close()
}

/// What the later checks need: the file is found and valid, and the values fit.
fn gather(flags: &Layer, environment: &Environment) -> Result<(Sources, Network), SettingsError> {
    let sources = Sources::gather(flags, environment)?;
    let network = Network::resolve(&sources, environment)?;
    sources.duration(Setting::MaxRetryAfter)?;
    Ok((sources, network))
}

/// A wrong credential does not keep the network from being checked; every other check needs the one before.
fn check_request(sources: &Sources, network: &Network, environment: &Environment, checklist: &mut Checklist) {
    let (target, url) = match target_and_url(sources, network) {
        Ok(checked) => checked,
        Err(fault) => return checklist.add(Check::of_fault("url", fault)),
    };
    let of_proxy = network.proxy.as_ref().and_then(|proxy| proxy.warning.clone());
    checklist.add(Check::passed("url", url.as_str(), target.warnings(sources).into_iter().chain(of_proxy)));
    let (check, credential) = check_credential(sources, environment, &target);
    let of_proxy = network.proxy.as_ref().map_or_else(Vec::new, ProxySetting::secrets);
    checklist.reporter.redact(credential.token.into_iter().chain(of_proxy));
    checklist.add(check);
    network::check(network, credential.certificate.as_ref(), &url, checklist);
}

/// Which file and profile are used.
fn check_config(sources: &Sources, environment: &Environment) -> Check {
    let mut hints = unknown_variables(environment);
    let message = match &sources.config {
        ConfigState::None => "no file is read: flags and variables alone".to_owned(),
        ConfigState::Absent(path) => {
            format!("no file at {}: flags and variables alone; `vescli config init` writes one", path.display())
        }
        ConfigState::Profile(path, profile) => format!("{}, profile {profile}", path.display()),
        ConfigState::Unchosen(path, profiles) if profiles.is_empty() => {
            format!("{}, without any profile", path.display())
        }
        ConfigState::Unchosen(path, profiles) => {
            hints.push(format!("choose one with --profile: {}", profiles.join(", ")));
            format!("{}, and no profile is chosen", path.display())
        }
    };
    Check::passed("config", message, hints)
}

/// Where a send would go, checked as there.
fn target_and_url(sources: &Sources, network: &Network) -> Result<(Target, Url), CommandError> {
    let target = Target::resolve(sources)?;
    target::tenant(sources)?;
    network.check(&target, sources)?;
    let url = operation::url(&SEND_PASSWORD_EMAIL, &target)?;
    Ok((target, url))
}

/// Checks the credential as a send would read it, and returns it.
fn check_credential(sources: &Sources, environment: &Environment, target: &Target) -> (Check, Credential) {
    let plan = CredentialPlan::resolve(sources, environment, target);
    let (credential, plan) = match plan.and_then(|plan| Ok((plan.load(environment)?, plan))) {
        Ok(read) => read,
        Err(error) => return (Check::of_fault("credential", error), Credential::default()),
    };
    let mut found = Vec::new();
    if let (Some(secret), Some((source, origin))) = (&credential.token, &plan.token) {
        found.push(format!("token from {}", token(source, origin, secret)));
    }
    let mut hint = None;
    if let (Some(shown), Some((source, _))) = (&credential.certificate, &plan.certificate) {
        let (words, ends) = identity(source, shown);
        found.push(words);
        hint = ends;
    }
    let check = match sources.pick(Setting::NoAuth) {
        _ if !found.is_empty() => Check::passed("credential", found.join("; "), hint),
        Some(Entry { value: Value::Switch(true), origin }) => {
            Check::ok("credential", format!("none is sent ({origin})"))
        }
        _ => {
            let hint = "set VESCLI_TOKEN, or name a file with --token-file; --no-auth sends none on purpose";
            let message = "none: the request is sent without one; a service that needs one answers 401";
            Check::passed("credential", message, [hint.to_owned()])
        }
    };
    (check, credential)
}

fn token(source: &TokenSource, origin: &Origin, secret: &Secret) -> String {
    let count = format!("{} characters", secret.length());
    match source {
        TokenSource::Variable(name, _) => format!("{name}, {count}"),
        TokenSource::Stdin => format!("standard input, {count}"),
        TokenSource::Command { words, .. } => {
            let program = words.first().map_or("", String::as_str);
            format!("the command `{program}` ({origin}), {count}")
        }
        TokenSource::File(path) => format!("{} ({origin}), {count}, {}", path.display(), readers(path)),
    }
}

/// Who can read a file. One that others can read was refused before.
#[cfg(unix)]
fn readers(path: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(path).map(|file| file.permissions().mode() & 0o7777);
    mode.map_or_else(
        |error| format!("who can read it is not known: {error}"),
        |mode| format!("readable by its owner alone (mode {mode:04o})"),
    )
}

#[cfg(not(unix))]
fn readers(_: &Path) -> String {
    "who can read it is not checked on this system".to_owned()
}

/// The certificate in words, and what to do if it ends soon. One whose dates are not valid was refused before.
fn identity(source: &ClientCertificateSource, identity: &ClientCertificate) -> (String, Option<String>) {
    let (ClientCertificateSource::Pem { cert: file, .. } | ClientCertificateSource::P12 { file, .. }) = source;
    let file = file.display();
    let Some(facts) = identity.certified().cert.first().and_then(|certificate| CertificateFacts::read(certificate))
    else {
        let hint = "inspect it with `openssl x509 -text`".to_owned();
        return (format!("client certificate {file}, whose dates cannot be read"), Some(hint));
    };
    let (left, ends) = time_left(&facts, SystemTime::now());
    let words = format!("client certificate {file} of {}, {left}", facts.subject);
    (words, ends.map(|day| format!("it ends on {day}: ask for a new one")))
}

//! The checks that need no network: configuration, URL and credential.

use std::path::Path;
use std::time::SystemTime;

use url::Url;

use super::checklist::{Check, time_left};
use crate::api::operation::{self, SEND_PASSWORD_EMAIL};
use crate::args::environment::{Environment, unknown_variables};
use crate::args::layer::{Entry, Origin, Value};
use crate::args::settings_table::Setting;
use crate::commands::error::CommandError;
use crate::settings::credential::certificate::{CertificateFacts, ClientCertificate, ClientCertificateSource};
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::credential::{Credential, CredentialPlan};
use crate::settings::error::ConfigState;
use crate::settings::network::Network;
use crate::settings::sources::Sources;
use crate::settings::target::{self, Target};

/// Which configuration file and profile are used.
pub(super) fn check_config(sources: &Sources, environment: &Environment) -> Check {
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

/// The target and URL of a send, with the same checks.
pub(super) fn target_and_url(sources: &Sources, network: &Network) -> Result<(Target, Url), CommandError> {
    let target = Target::resolve(sources)?;
    target::tenant(sources)?;
    network.check(&target, sources)?;
    let url = operation::url(&SEND_PASSWORD_EMAIL, &target)?;
    Ok((target, url))
}

/// Checks the credential as a send would read it, and returns it.
pub(super) fn check_credential(sources: &Sources, environment: &Environment, target: &Target) -> (Check, Credential) {
    let plan = CredentialPlan::resolve(sources, environment, target);
    let (credential, plan) = match plan.and_then(|plan| Ok((plan.load(environment)?, plan))) {
        Ok(read) => read,
        Err(error) => return (Check::of_error("credential", error), Credential::default()),
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

/// Who can read a file. A file that others can read was refused before.
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

/// A text about the certificate, and a hint if it ends soon. A certificate whose dates are not valid was refused before.
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

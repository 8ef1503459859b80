//! The check of the credential: whether there is one, who can read it, and whether a certificate's dates are valid.

use std::path::Path;
use std::time::SystemTime;

use super::check::{Check, time_left};
use crate::args::environment::Environment;
use crate::args::layer::Origin;
use crate::args::settings_table::Setting;
use crate::settings::credential::certificate::CertificateFacts;
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::credential::certificate::ClientCertificateSource;
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::credential::{Credential, CredentialPlan};
use crate::settings::sources::Sources;
use crate::settings::target::Target;

const NAME: &str = "credential";

/// Checks the credential as a send would read it, and returns it.
pub(super) fn check(sources: &Sources, environment: &Environment, target: &Target) -> (Check, Credential) {
    let plan = CredentialPlan::resolve(sources, environment, target);
    let (credential, plan) = match plan.and_then(|plan| Ok((plan.load(environment)?, plan))) {
        Ok(read) => read,
        Err(error) => return (Check::of_fault(NAME, error), Credential::default()),
    };
    let mut found = Vec::new();
    if let (Some(secret), Some((source, origin))) = (&credential.token, &plan.token) {
        found.push(token(source, origin, secret));
    }
    let mut hint = None;
    if let (Some(shown), Some((source, _))) = (&credential.certificate, &plan.certificate) {
        let (words, ends) = identity(source, shown);
        found.push(words);
        hint = ends;
    }
    let check = match hint {
        None if found.is_empty() && sources.is_on(Setting::NoAuth) => {
            let origin = sources.pick(Setting::NoAuth).map(|given| &given.origin);
            let origin = origin.map_or_else(String::new, ToString::to_string);
            Check::ok(NAME, format!("none is sent ({origin})"))
        }
        None if found.is_empty() => Check::warning(
            NAME,
            "none: the request is sent without one; a service that needs one answers 401",
            "set VESCLI_TOKEN, or name a file with --token-file; --no-auth sends none on purpose",
        ),
        None => Check::ok(NAME, found.join("; ")),
        Some(hint) => Check::warning(NAME, found.join("; "), hint),
    };
    (check, credential)
}

fn token(source: &TokenSource, origin: &Origin, secret: &Secret) -> String {
    let (from, more) = match source {
        TokenSource::Variable(name, _) => (name.clone(), String::new()),
        TokenSource::Stdin => ("standard input".to_owned(), String::new()),
        TokenSource::Command { words, .. } => {
            let program = words.first().map_or("", String::as_str);
            (format!("the command `{program}` ({origin})"), String::new())
        }
        TokenSource::File(path) => (format!("{} ({origin})", path.display()), format!(", {}", readers(path))),
    };
    format!("token from {from}, {} characters{more}", secret.length())
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
    let file = match source {
        ClientCertificateSource::Pem { cert, .. } => cert,
        ClientCertificateSource::P12 { file, .. } => file,
    };
    let certified = identity.certified();
    let Some(facts) = certified.cert.first().and_then(|certificate| CertificateFacts::read(certificate)) else {
        let words = format!("client certificate {}, whose dates cannot be read", file.display());
        return (words, Some("inspect it with `openssl x509 -text`".to_owned()));
    };
    let (left, ends) = time_left(&facts, SystemTime::now());
    let words = format!("client certificate {} of {}, {left}", file.display(), facts.subject);
    (words, ends.map(|day| format!("it ends on {day}: ask for a new one")))
}

//! The check of the credential: whether there is one, who can read it, and whether a certificate's dates hold.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::check::Check;
use crate::api::certificate::{Inscription, Validity, day};
use crate::cli::args::environment::Environment;
use crate::cli::args::layer::Origin;
use crate::cli::exit::Exit;
use crate::commands::fault::Fault;
use crate::settings::credential::{CredentialPlan, IdentitySource, TokenSource};
use crate::settings::secret::Secret;
use crate::settings::sources::Sources;
use crate::settings::target::Target;

/// A certificate that ends sooner than this is worth a warning.
pub(super) const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

const NAME: &str = "credential";

/// Checks the credential as a send would read it. The token comes out as well, so that it can be hidden.
pub(super) fn check(
    sources: &Sources,
    environment: &Environment,
    target: &Target,
) -> (Check, Option<Secret>) {
    let read = CredentialPlan::resolve(sources, environment, target)
        .and_then(|plan| Ok((plan.load(environment)?, plan)));
    let (credential, plan) = match read {
        Ok(read) => read,
        Err(error) => return (Check::of_fault(NAME, &Fault::from(error)), None),
    };
    let mut found = Vec::new();
    if let (Some(secret), Some((source, origin))) = (&credential.token, &plan.token) {
        found.push(token(source, origin, secret));
    }
    let identity = plan.identity.as_ref().map(|(source, _)| identity(source));
    let check = match identity {
        None if found.is_empty() => Check::warning(
            NAME,
            "none: the request goes without, and a 401 will say so if one is needed",
            "set VESCLI_TOKEN, or name a file with --token-file; --no-auth sends none on purpose",
        ),
        None => Check::ok(NAME, found.join("; ")),
        Some(identity) => {
            found.push(identity.message);
            Check {
                message: found.join("; "),
                ..identity
            }
        }
    };
    (check, credential.token)
}

fn token(source: &TokenSource, origin: &Origin, secret: &Secret) -> String {
    let length = secret.length();
    match source {
        TokenSource::Variable(name, _) => format!("token from {name}, {length} characters"),
        TokenSource::Stdin => format!("token from standard input, {length} characters"),
        TokenSource::Command(words) => format!(
            "token from the command `{}` ({origin}), {length} characters",
            words.first().map_or("", String::as_str)
        ),
        TokenSource::File(path) => format!(
            "token from {} ({origin}), {length} characters, {}",
            path.display(),
            readers(path)
        ),
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

fn identity(source: &IdentitySource) -> Check {
    match source {
        IdentitySource::Pem { cert, .. } => pem(cert),
    }
}

fn pem(path: &Path) -> Check {
    let shown = path.display();
    let certificate = match CertificateDer::from_pem_file(path) {
        Ok(certificate) => certificate,
        Err(error) => {
            let message = format!("{shown} holds no certificate that can be read: {error}");
            return Check::failure(NAME, Exit::ClientCertificate, message);
        }
    };
    match Inscription::read(&certificate) {
        Some(inscription) => dates(&format!("client certificate {shown}"), &inscription),
        None => Check::warning(
            NAME,
            format!("client certificate {shown}, whose dates cannot be read"),
            "look at it with `openssl x509 -text`",
        ),
    }
}

fn dates(what: &str, inscription: &Inscription) -> Check {
    let (from, until) = (day(inscription.not_before), day(inscription.not_after));
    let who = format!("{what} of {}", inscription.subject);
    match inscription.validity(SystemTime::now()) {
        Validity::NotYet => Check::failure(
            NAME,
            Exit::ClientCertificate,
            format!("{who} is not valid before {from}"),
        ),
        Validity::Over => Check::failure(
            NAME,
            Exit::ClientCertificate,
            format!("{who} has expired on {until}"),
        )
        .hint("ask for a new one in the console, under API credentials"),
        Validity::Left(left) if left < SOON => Check::warning(
            NAME,
            format!("{who}, {} left", days(left)),
            format!("it ends on {until}: ask for a new one"),
        ),
        Validity::Left(left) => {
            Check::ok(NAME, format!("{who}, {} left (until {until})", days(left)))
        }
    }
}

/// Whole days, in words.
pub(super) fn days(time: Duration) -> String {
    match time.as_secs() / (24 * 60 * 60) {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

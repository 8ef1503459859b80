//! `vescli config explain`: every setting with its value and where it comes from; of a secret, its length.

use serde::Serialize;

use super::config_in_force::{Choices, InForce};
use super::error::CommandError;
use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::args::settings_table::{Group, Setting, SettingSpec, specs};
use crate::report::safe_text::{self, json_line};
use crate::report::streams::Paint;
use crate::settings::credential::CredentialPlan;
use crate::settings::credential::certificate::{ClientCertificateSource, PasswordSource};
use crate::settings::credential::token::TokenSource;
use crate::settings::sources::Sources;
use crate::settings::target::Target;

/// One setting as JSON.
#[derive(Debug, Serialize)]
struct Explained {
    key: String,
    value: Option<String>,
    origin: Option<String>,
}

/// All of them as one document.
#[derive(Serialize)]
struct ConfigDocument<'a> {
    schema: &'static str,
    ok: bool,
    profile: Option<&'a str>,
    settings: &'a [Explained],
}

/// Every setting with its value and its origin, secrets by their length alone.
///
/// # Errors
/// [`CommandError`] when the sources cannot be gathered.
pub(super) fn explain(
    flags: &Layer,
    environment: &Environment,
    json: bool,
    paint: Paint,
) -> Result<String, CommandError> {
    let sources = Sources::gather(flags, environment)?;
    let mut settings = Vec::new();
    let holds = |spec: &&SettingSpec| spec.group.is_explained() && (spec.group != Group::Bulk || spec.in_file());
    let variables = Layer::from_valid_variables(environment);
    let choices = Choices { flags, variables: &variables, environment, sources: &sources };
    let mut add = |key: &str, (value, origin): InForce| {
        let key = key.to_owned();
        settings.push(Explained { key, value, origin });
    };
    for spec in specs().filter(holds) {
        let given = || match sources.pick(spec.setting) {
            Some(given) => (Some(given.value.to_string()), Some(given.origin.to_string())),
            None => (None, None),
        };
        add(&spec.name(), choices.of(spec.setting)?.unwrap_or_else(given));
        if spec.setting == Setting::Cacert {
            add("trust", choices.trust());
        }
    }
    add("url", choices.url());
    let (credential, origin) = match Target::resolve(&sources) {
        Ok(target) => match CredentialPlan::resolve(&sources, environment, &target) {
            Ok(plan) => credential(&plan, environment),
            // Event and not thrown: this command is where people look for the reason.
            Err(error) => (Some(format!("not usable: {error}")), None),
        },
        Err(_) => (Some("not looked for: there is no target yet".to_owned()), None),
    };
    add("credential", (credential, origin));
    if json {
        return Ok(json_line(&ConfigDocument {
            schema: "vescli.config/1",
            ok: true,
            profile: sources.profile.as_deref(),
            settings: &settings,
        }));
    }
    let profile = safe_text::whole(sources.profile.as_deref().unwrap_or("none"));
    let mut text = format!("{}\n", paint.strong(&format!("profile: {profile}")));
    for setting in settings {
        let value = safe_text::whole(setting.value.as_deref().unwrap_or("-"));
        let origin =
            setting.origin.map_or_else(String::new, |origin| format!("  {}", paint.faint(&safe_text::whole(&origin))));
        text.push_str(&format!("{:<18} {value}{origin}\n", setting.key));
    }
    Ok(text)
}

/// What can be said of a credential without showing it. A command is not run only to count its letters.
fn credential(plan: &CredentialPlan, environment: &Environment) -> (Option<String>, Option<String>) {
    let token = plan.token.as_ref().map(|(source, origin)| {
        let text = match source {
            TokenSource::Command { words, .. } => format!("from the command {}", words.join(" ")),
            TokenSource::Stdin => "from standard input".to_owned(),
            TokenSource::Variable(..) | TokenSource::File(_) => match source.read(origin, environment) {
                Ok(secret) => secret.to_string(),
                Err(error) => format!("not usable: {error}"),
            },
        };
        (text, origin)
    });
    let identity = plan.certificate.as_ref().map(|(source, origin)| (identity_words(source), origin));
    let both: Vec<(String, _)> = token.into_iter().chain(identity).collect();
    let origin = both.first().map(|(_, origin)| origin.to_string());
    let texts: Vec<String> = both.into_iter().map(|(text, _)| text).collect();
    ((!texts.is_empty()).then(|| texts.join("; ")), origin)
}

/// A client certificate by its file, and where its password comes from.
fn identity_words(source: &ClientCertificateSource) -> String {
    match source {
        ClientCertificateSource::Pem { cert, key, .. } if cert == key => {
            format!("client certificate {}", cert.display())
        }
        ClientCertificateSource::Pem { cert, key, .. } => {
            format!("client certificate {} with the key {}", cert.display(), key.display())
        }
        ClientCertificateSource::P12 { file, password } => match password {
            Some((PasswordSource::Variable(_, secret), origin)) => {
                format!("client certificate {} with the password of {origin} ({secret})", file.display())
            }
            Some((PasswordSource::File(path), origin)) => {
                format!("client certificate {} with the password in {} ({origin})", file.display(), path.display())
            }
            None => format!("client certificate {} without a password", file.display()),
        },
    }
}

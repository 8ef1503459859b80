//! `vescli config`: where the file is, what it says, and where each value comes from.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::config_show;
use super::fault::Fault;
use crate::cli::args::config_command::ConfigAction;
use crate::cli::args::environment::Environment;
use crate::cli::args::keys::{Group, Key, Row, rows};
use crate::cli::args::layer::Layer;
use crate::cli::safe_text::{self, json_line};
use crate::cli::streams::Paint;
use crate::settings::base_url::without_userinfo;
use crate::settings::config_file::ConfigFile;
use crate::settings::credential::{CredentialPlan, TokenSource};
use crate::settings::identity_source::{IdentitySource, PasswordSource};
use crate::settings::resolve::Settings;
use crate::settings::sources::{ConfigPath, Sources};
use crate::settings::target::Target;
use crate::settings::token;

/// Does what was asked for and gives back what to print on standard output.
///
/// # Errors
/// [`Fault`] when the file is missing or faulty, or cannot be written.
pub fn run(
    action: ConfigAction,
    flags: &Layer,
    environment: &Environment,
    json: bool,
    paint: Paint,
) -> Result<String, Fault> {
    // `path` has to work whatever else is broken.
    let variables = Layer::of_sound_variables(environment);
    let path = ConfigPath::find(flags, &variables, environment);
    match action {
        ConfigAction::Path => match path.path() {
            Some(path) if json => Ok(json_line(&serde_json::json!({
                "schema": "vescli.config-path/1", "ok": true, "path": path.to_string_lossy(), "exists": path.exists(),
            }))),
            Some(path) => Ok(format!("{}\n", shown(path))),
            None => Err(nowhere()),
        },
        ConfigAction::Init => init(path.path().ok_or_else(nowhere)?, flags),
        ConfigAction::Show => config_show::text(required(&path)?),
        ConfigAction::Check => {
            let file = required(&path)?;
            let names: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
            for name in &names {
                check_profile(&path, name, environment)?;
            }
            Ok(format!(
                "{}: sound, {} profiles ({})\n",
                shown(&file.path),
                names.len(),
                safe_text::whole(&names.join(", "))
            ))
        }
        ConfigAction::Profiles => profiles(&required(&path)?, flags, &variables, json),
        ConfigAction::Explain => explain(flags, environment, json, paint),
    }
}

fn shown(path: &Path) -> String {
    safe_text::whole(&path.to_string_lossy())
}

fn nowhere() -> Fault {
    Fault::Usage {
        message: "no configuration file is looked for: `--config none` is in force, or there is no home folder".to_owned(),
        hint: "name a file with --config FILE".to_owned(),
    }
}

fn required(path: &ConfigPath) -> Result<ConfigFile, Fault> {
    let named = path.path().ok_or_else(nowhere)?;
    Ok(ConfigFile::read(named)?)
}

/// Checks the values of one profile, as a run with it would, as far as they are there.
fn check_profile(path: &ConfigPath, name: &str, environment: &Environment) -> Result<(), Fault> {
    use crate::cli::args::layer::{Origin, Value};
    use crate::settings::error::SettingsError;

    let mut flags = Layer::default();
    if let Some(path) = path.path() {
        flags.set(
            Key::Config,
            Value::Text(path.to_string_lossy().into_owned()),
            Origin::Flag("config"),
        );
    }
    flags.set(
        Key::Profile,
        Value::Text(name.to_owned()),
        Origin::Flag("profile"),
    );
    let sources = Sources::gather(&flags, environment)?.file_alone();
    match Settings::resolve(&sources, environment) {
        // A tenant may well come from a flag.
        Ok(_) | Err(SettingsError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn profiles(
    file: &ConfigFile,
    flags: &Layer,
    variables: &Layer,
    json: bool,
) -> Result<String, Fault> {
    let asked = flags
        .get(Key::Profile)
        .or_else(|| variables.get(Key::Profile))
        .map(|given| given.value.to_string());
    if let Some(name) = &asked {
        file.layers_of(Some(name))?;
    }
    let chosen = asked.as_deref().or_else(|| file.implied_profile());
    if json {
        let names: Vec<&String> = file.profiles.keys().collect();
        return Ok(json_line(&serde_json::json!({
            "schema": "vescli.profiles/1", "ok": true, "path": file.path.to_string_lossy(), "profiles": names, "chosen": chosen,
        })));
    }
    let line = |name: &String| {
        let mark = if Some(name.as_str()) == chosen {
            "*"
        } else {
            " "
        };
        format!("{mark} {}\n", safe_text::whole(name))
    };
    Ok(file.profiles.keys().map(line).collect())
}

fn init(path: &Path, flags: &Layer) -> Result<String, Fault> {
    let given = |key| flags.get(key).map(|given| given.value.to_string());
    let tenant = given(Key::Tenant).unwrap_or_else(|| "example-corp".to_owned());
    if !crate::settings::label::is_label(&tenant) {
        return Err(Fault::Usage {
            message: format!("--tenant: `{}` is not one DNS label", tenant.escape_debug()),
            hint: "give the first part of the console's host name alone".to_owned(),
        });
    }
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let optional = |key: &str, value: Option<String>, example: &str| match value {
        Some(value) => format!("{key} = {}\n", quoted(&value)),
        None => format!("# {key} = {example}\n"),
    };
    let text = format!(
        "# vescli: `vescli help config` tells of every key. No secret belongs in here.\ndefault_profile = \"prod\"\n\n\
         [defaults]\n# timeout = \"30s\"\n\n[profiles.prod]\ntenant = {}\n{}{}",
        quoted(&tenant),
        optional("cname", given(Key::Cname), "\"example\""),
        optional(
            "token_file",
            given(Key::TokenFile),
            "\"~/.config/vescli/prod.token\"   # chmod 600"
        ),
    );
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Fault::Usage {
            message: format!("{} exists already and was left alone", path.display()),
            hint: "edit it, or name another file with --config".to_owned(),
        },
        _ => Fault::Io(format!("{} cannot be written: {error}", path.display())),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(format!(
        "{}: written; put your tenant there, then `vescli config check`\n",
        shown(path)
    ))
}

/// One setting as JSON.
#[derive(Debug, Serialize)]
struct Explained {
    key: String,
    value: Option<String>,
    origin: Option<String>,
}

fn explain(
    flags: &Layer,
    environment: &Environment,
    json: bool,
    paint: Paint,
) -> Result<String, Fault> {
    let sources = Sources::gather(flags, environment)?;
    let mut settings = Vec::new();
    let holds =
        |row: &&Row| row.group.is_explained() && (row.group != Group::Bulk || row.in_file());
    for row in rows().filter(holds) {
        let given = sources.pick(row.key);
        settings.push(Explained {
            key: row.name(),
            value: given.map(|given| match row.key {
                Key::Proxy => without_userinfo(&given.value.to_string()),
                _ => given.value.to_string(),
            }),
            origin: given.map(|given| given.origin.to_string()),
        });
    }
    let (credential, origin) = match Target::resolve(&sources) {
        Ok(target) => match CredentialPlan::resolve(&sources, environment, &target) {
            Ok(plan) => credential(&plan, environment),
            // Told and not thrown: this command is where people look for the reason.
            Err(error) => (Some(format!("not usable: {error}")), None),
        },
        Err(_) => (
            Some("not looked for: there is no target yet".to_owned()),
            None,
        ),
    };
    settings.push(Explained {
        key: "credential".to_owned(),
        value: credential,
        origin,
    });
    if json {
        return Ok(json_line(&serde_json::json!({
            "schema": "vescli.config/1", "ok": true, "profile": sources.profile, "settings": settings,
        })));
    }
    let profile = safe_text::whole(sources.profile.as_deref().unwrap_or("none"));
    let mut text = format!("{}\n", paint.strong(&format!("profile: {profile}")));
    for setting in settings {
        let value = safe_text::whole(setting.value.as_deref().unwrap_or("-"));
        let origin = setting.origin.map_or_else(String::new, |origin| {
            format!("  {}", paint.faint(&safe_text::whole(&origin)))
        });
        text.push_str(&format!("{:<18} {value}{origin}\n", setting.key));
    }
    Ok(text)
}

/// What can be said of a credential without showing it. A command is not run only to count its letters.
fn credential(
    plan: &CredentialPlan,
    environment: &Environment,
) -> (Option<String>, Option<String>) {
    let token = plan.token.as_ref().map(|(source, origin)| {
        let text = match source {
            TokenSource::Command(words) => format!("from the command {}", words.join(" ")),
            TokenSource::Stdin => "from standard input".to_owned(),
            TokenSource::Variable(..) | TokenSource::File(_) => {
                match token::read(source, origin, environment) {
                    Ok(secret) => secret.to_string(),
                    Err(error) => format!("not usable: {error}"),
                }
            }
        };
        (text, origin)
    });
    let identity = plan
        .identity
        .as_ref()
        .map(|(source, origin)| (identity_words(source), origin));
    let both: Vec<(String, _)> = token.into_iter().chain(identity).collect();
    let origin = both.first().map(|(_, origin)| origin.to_string());
    let texts: Vec<String> = both.into_iter().map(|(text, _)| text).collect();
    ((!texts.is_empty()).then(|| texts.join("; ")), origin)
}

/// A client certificate by its file, and where its password comes from.
fn identity_words(source: &IdentitySource) -> String {
    match source {
        IdentitySource::Pem { cert, key, .. } if cert == key => {
            format!("client certificate {}", cert.display())
        }
        IdentitySource::Pem { cert, key, .. } => format!(
            "client certificate {} with the key {}",
            cert.display(),
            key.display()
        ),
        IdentitySource::P12 { file, password } => match password {
            Some((PasswordSource::Variable(_, secret), origin)) => format!(
                "client certificate {} with the password of {origin} ({secret})",
                file.display()
            ),
            Some((PasswordSource::File(path), origin)) => format!(
                "client certificate {} with the password in {} ({origin})",
                file.display(),
                path.display()
            ),
            None => format!("client certificate {} without a password", file.display()),
        },
    }
}

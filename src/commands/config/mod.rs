//! `vescli config`: where the file is, what it contains, and where each value comes from.

mod explain;

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::context::Context;
use super::error::CommandError;
use crate::args::commands::ConfigAction;
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin, Value};
use crate::args::settings_table::Setting;
use crate::report::escape::{Redactor, escape_document, escape_uncut, success};
use crate::report::exit::Ending;
use crate::report::text::counted;
use crate::settings::Settings;
use crate::settings::config_file::{ConfigFile, ConfigPath, read_text};
use crate::settings::credential::secret::Secret;
use crate::settings::error::SettingsError;
use crate::settings::sources::Sources;
use crate::settings::target::is_label;

pub fn run(action: ConfigAction, context: &mut Context) -> Result<Ending, CommandError> {
    let (flags, environment, json) = (context.flags, context.environment, context.output().json);
    // `path` has to work whatever else is broken.
    let variables = Layer::from_valid_variables(environment);
    let path = ConfigPath::find(flags, &variables, environment);
    let text = match action {
        ConfigAction::Path => {
            let path = path.path().ok_or_else(no_path)?;
            let found = Details::Path { exists: path.exists() };
            if json { document("vescli.config-path/1", path, found) } else { format!("{}\n", shown(path)) }
        }
        ConfigAction::Init => init(path.path().ok_or_else(no_path)?, flags, json)?,
        ConfigAction::Show => {
            let file = required(&path)?;
            let text = without_passwords(read_text(&file.path)?, &file);
            if json {
                document("vescli.config-show/1", &file.path, Details::Text { text: &text })
            } else {
                escape_document(&text)
            }
        }
        ConfigAction::Check => check(&path, environment, json)?,
        ConfigAction::Profiles => profiles(&required(&path)?, flags, &variables, json)?,
        ConfigAction::Explain => explain::explain(context, &path)?,
    };
    context.print(&text)
}

/// What an action found or did.
#[derive(Serialize)]
#[serde(untagged)]
enum Details<'a> {
    Path { exists: bool },
    Written { written: bool },
    Text { text: &'a str },
    Checked { profiles: Vec<&'a str> },
    Profiles { profiles: Vec<&'a str>, chosen: Option<&'a str> },
}

/// The JSON document of an action.
fn document(schema: &'static str, path: &Path, details: Details) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        path: String,
        #[serde(flatten)]
        details: Details<'a>,
    }
    success(schema, Document { path: path.display().to_string(), details })
}

fn names(file: &ConfigFile) -> Vec<&str> {
    file.profiles.keys().map(String::as_str).collect()
}

fn shown(path: &Path) -> String {
    escape_uncut(&path.to_string_lossy())
}

fn no_path() -> CommandError {
    let message = "no configuration file is used: `--config none` was given, or there is no home folder";
    CommandError::usage(message, "name a file with --config FILE")
}

fn required(path: &ConfigPath) -> Result<ConfigFile, CommandError> {
    Ok(ConfigFile::read(path.path().ok_or_else(no_path)?)?)
}

/// Writes a first file.
fn init(path: &Path, flags: &Layer, json: bool) -> Result<String, CommandError> {
    let text = first_text(flags)?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::usage(
            format!("{} exists already and was not changed", path.display()),
            "edit it, or name another file with --config",
        ),
        _ => CommandError::Io(format!("{} cannot be written: {error}", path.display())),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if json {
        return Ok(document("vescli.config-init/1", path, Details::Written { written: true }));
    }
    let next = match flags.get(Setting::Tenant) {
        Some(_) => "try it with `vescli doctor`",
        None => "put your tenant there, then run `vescli config check`",
    };
    Ok(format!("{}: written; {next}\n", shown(path)))
}

/// The text of a first file, with the values of the flags.
fn first_text(flags: &Layer) -> Result<String, CommandError> {
    let tenant = flags.text(Setting::Tenant).unwrap_or_else(|| "example-corp".to_owned());
    if !is_label(&tenant) {
        let message = format!("--tenant: `{}` is not one DNS label", tenant.escape_debug());
        return Err(CommandError::usage(message, "give only the first part of the console's host name"));
    }
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let optional = |key: &str, value: Option<String>, example: &str| match value {
        Some(value) => format!("{key} = {}\n", quoted(&value)),
        None => format!("# {key} = {example}\n"),
    };
    Ok(format!(
        "# vescli: `vescli help config` explains every key. Do not put a secret in here.\ndefault_profile = \"prod\"\n\n\
         [defaults]\n# timeout = \"30s\"\n\n[profiles.prod]\ntenant = {}\n{}{}",
        quoted(&tenant),
        optional("cname", flags.text(Setting::Cname), "\"example\""),
        optional("token_file", flags.text(Setting::TokenFile), "\"~/.config/vescli/prod.token\"   # chmod 600"),
    ))
}

/// The text of a file without the users and passwords of its proxies, wherever they are.
fn without_passwords(mut text: String, file: &ConfigFile) -> String {
    let layers = file.profiles.values().map(|profile| &profile.layer);
    for layer in layers.chain([&file.defaults]) {
        let Some(given) = layer.get(Setting::Proxy) else {
            continue;
        };
        let url = given.value.to_string();
        let Some((before, _)) = url.rsplit_once('@') else {
            continue;
        };
        let user = before.split_once("://").map_or(before, |(_, user)| user);
        let password = user.split_once(':').map(|(_, password)| password);
        let redactor = Redactor::new(password.map(|text| Secret::new(text.to_owned())));
        text = redactor.redact(&text.replace(&format!("{user}@"), "***@"));
    }
    text
}

fn check(path: &ConfigPath, environment: &Environment, json: bool) -> Result<String, CommandError> {
    let file = required(path)?;
    let profiles = names(&file);
    for name in &profiles {
        check_profile(&file.path, name, environment)?;
    }
    if json {
        return Ok(document("vescli.config-check/1", &file.path, Details::Checked { profiles }));
    }
    let count = counted(profiles.len() as u64, "profile");
    Ok(format!("{}: valid, {count} ({})\n", shown(&file.path), escape_uncut(&profiles.join(", "))))
}

/// Checks the values of one profile as a run with it would; missing ones may come from a flag.
fn check_profile(path: &Path, name: &str, environment: &Environment) -> Result<(), CommandError> {
    let mut flags = Layer::default();
    flags.set(Setting::Config, Value::Text(path.to_string_lossy().into_owned()), Origin::Flag("config"));
    flags.set(Setting::Profile, Value::Text(name.to_owned()), Origin::Flag("profile"));
    let sources = Sources::gather(&flags, environment)?.file_alone();
    match Settings::resolve(&sources, environment) {
        Ok(_) | Err(SettingsError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn profiles(file: &ConfigFile, flags: &Layer, variables: &Layer, json: bool) -> Result<String, CommandError> {
    let named = flags.text(Setting::Profile).or_else(|| variables.text(Setting::Profile));
    if let Some(name) = &named {
        file.layers_of(Some(name))?;
    }
    let chosen = named.as_deref().or_else(|| file.implied_profile());
    if json {
        let details = Details::Profiles { profiles: names(file), chosen };
        return Ok(document("vescli.profiles/1", &file.path, details));
    }
    let line = |name: &String| {
        let mark = if Some(name.as_str()) == chosen { "*" } else { " " };
        format!("{mark} {}\n", escape_uncut(name))
    };
    Ok(file.profiles.keys().map(line).collect())
}

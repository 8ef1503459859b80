//! `vescli config`: where the file is, what it says, and where each value comes from.

use std::path::Path;

use super::config_document::About;
use super::config_explain::explain;
use super::config_init::init;
use super::config_show;
use super::error::CommandError;
use crate::args::config_command::ConfigAction;
use crate::args::environment::Environment;
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::report::list::counted;
use crate::report::safe_text;
use crate::report::streams::Paint;
use crate::settings::Settings;
use crate::settings::config_file::ConfigFile;
use crate::settings::config_file::ConfigPath;
use crate::settings::sources::Sources;

/// Does what was asked for and gives back what to print on standard output.
///
/// # Errors
/// [`CommandError`] when the file is missing or faulty, or cannot be written.
pub fn run(
    action: ConfigAction,
    flags: &Layer,
    environment: &Environment,
    json: bool,
    paint: Paint,
) -> Result<String, CommandError> {
    // `path` has to work whatever else is broken.
    let variables = Layer::from_valid_variables(environment);
    let path = ConfigPath::find(flags, &variables, environment);
    match action {
        ConfigAction::Path => match path.path() {
            Some(path) if json => Ok(About::Path { exists: path.exists() }.document("vescli.config-path/1", path)),
            Some(path) => Ok(format!("{}\n", shown(path))),
            None => Err(nowhere()),
        },
        ConfigAction::Init => init(path.path().ok_or_else(nowhere)?, flags, json),
        ConfigAction::Show => {
            let file = required(&path)?;
            let text = config_show::text(&file)?;
            Ok(if json {
                About::Text { text: &text }.document("vescli.config-show/1", &file.path)
            } else {
                safe_text::document(&text)
            })
        }
        ConfigAction::Check => check(&path, environment, json),
        ConfigAction::Profiles => profiles(&required(&path)?, flags, &variables, json),
        ConfigAction::Explain => explain(flags, environment, json, paint),
    }
}

fn names(file: &ConfigFile) -> Vec<&str> {
    file.profiles.keys().map(String::as_str).collect()
}

pub(super) fn shown(path: &Path) -> String {
    safe_text::whole(&path.to_string_lossy())
}

fn nowhere() -> CommandError {
    CommandError::Usage {
        message: "no configuration file is looked for: `--config none` is in force, or there is no home folder"
            .to_owned(),
        hint: "name a file with --config FILE".to_owned(),
    }
}

fn required(path: &ConfigPath) -> Result<ConfigFile, CommandError> {
    let named = path.path().ok_or_else(nowhere)?;
    Ok(ConfigFile::read(named)?)
}

fn check(path: &ConfigPath, environment: &Environment, json: bool) -> Result<String, CommandError> {
    let file = required(path)?;
    let profiles = names(&file);
    for name in &profiles {
        check_profile(path, name, environment)?;
    }
    if json {
        return Ok(About::Checked { profiles }.document("vescli.config-check/1", &file.path));
    }
    Ok(format!(
        "{}: sound, {} ({})\n",
        shown(&file.path),
        counted(profiles.len() as u64, "profile"),
        safe_text::whole(&profiles.join(", "))
    ))
}

/// Checks the values of one profile, as a run with it would, as far as they are there.
fn check_profile(path: &ConfigPath, name: &str, environment: &Environment) -> Result<(), CommandError> {
    use crate::args::layer::Origin;
    use crate::args::layer::Value;
    use crate::settings::error::SettingsError;

    let mut flags = Layer::default();
    if let Some(path) = path.path() {
        flags.set(Setting::Config, Value::Text(path.to_string_lossy().into_owned()), Origin::Flag("config"));
    }
    flags.set(Setting::Profile, Value::Text(name.to_owned()), Origin::Flag("profile"));
    let sources = Sources::gather(&flags, environment)?.file_alone();
    match Settings::resolve(&sources, environment) {
        // A tenant may well come from a flag.
        Ok(_) | Err(SettingsError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn profiles(file: &ConfigFile, flags: &Layer, variables: &Layer, json: bool) -> Result<String, CommandError> {
    let asked =
        flags.get(Setting::Profile).or_else(|| variables.get(Setting::Profile)).map(|given| given.value.to_string());
    if let Some(name) = &asked {
        file.layers_of(Some(name))?;
    }
    let chosen = asked.as_deref().or_else(|| file.implied_profile());
    if json {
        let about = About::Profiles { profiles: names(file), chosen };
        return Ok(about.document("vescli.profiles/1", &file.path));
    }
    let line = |name: &String| {
        let mark = if Some(name.as_str()) == chosen { "*" } else { " " };
        format!("{mark} {}\n", safe_text::whole(name))
    };
    Ok(file.profiles.keys().map(line).collect())
}

//! Gathers the layers: flags, variables, the file with its chosen profile, and what is built in.

use std::path::PathBuf;

use super::config_error::ConfigError;
use super::config_file::ConfigFile;
use super::error::{ConfigState, SettingsError};
use crate::args::environment::Environment;
use crate::args::layer::{Given, Layer, Origin};
use crate::args::settings_table::Setting;
use crate::args::value::Value;

/// How far up a layer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Flags.
    Flag,
    /// `VESCLI_` variables.
    Variable,
    /// The profile, those that it extends, and `[defaults]`.
    File,
    /// F5's own names.
    Foreign,
    /// Built-in values.
    BuiltIn,
}

/// All layers, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    layers: Vec<(Level, Layer)>,
    /// The profile that is used.
    pub profile: Option<String>,
    /// What is to be told of the file.
    pub config: ConfigState,
}

/// Where the configuration file is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigPath {
    /// Nowhere: `--config none`, or there is no home folder.
    Nowhere,
    /// Here, because the user says so: it has to exist.
    Given(PathBuf),
    /// Here, because it is the usual place: it may be missing.
    Usual(PathBuf),
}

impl ConfigPath {
    /// Finds out where the file is looked for, without looking.
    pub fn find(flags: &Layer, variables: &Layer, environment: &Environment) -> Self {
        let given = flags.get(Setting::Config).or_else(|| variables.get(Setting::Config));
        match given.map(|given| given.value.to_string()) {
            Some(path) if path == "none" => Self::Nowhere,
            Some(path) => Self::Given(PathBuf::from(path)),
            None => config_folder(environment)
                .map_or(Self::Nowhere, |folder| Self::Usual(folder.join("vescli").join("config.toml"))),
        }
    }

    /// The path itself, if there is one.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Nowhere => None,
            Self::Given(path) | Self::Usual(path) => Some(path),
        }
    }

    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// [`ConfigError`] when a file that the user named is missing, or any file is faulty.
    pub fn read(&self) -> Result<Option<ConfigFile>, ConfigError> {
        match self {
            Self::Nowhere => Ok(None),
            Self::Given(path) => ConfigFile::read(path).map(Some),
            Self::Usual(path) => match ConfigFile::read(path) {
                Err(ConfigError::Missing(_)) => Ok(None),
                read => read.map(Some),
            },
        }
    }
}

/// `$XDG_CONFIG_HOME` if it is absolute, else `~/.config`, on macOS too; the platform's own folder on Windows.
fn config_folder(environment: &Environment) -> Option<PathBuf> {
    if cfg!(windows) {
        return dirs::config_dir();
    }
    let xdg = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    // A relative one would be a folder below the current one, and no configuration is read from there.
    let home = || dirs::home_dir().filter(|home| home.is_absolute());
    xdg.or_else(|| home().map(|home| home.join(".config")))
}

impl Sources {
    /// Gathers the layers.
    ///
    /// # Errors
    /// [`SettingsError`] when a variable does not fit, the file is faulty, or the profile is not there.
    pub fn gather(flags: &Layer, environment: &Environment) -> Result<Self, SettingsError> {
        let variables = Layer::of_variables(environment)?;
        let foreign = Layer::of_f5_variables(environment)?;
        let config_path = ConfigPath::find(flags, &variables, environment);
        let file = config_path.read()?;
        let asked = flags
            .get(Setting::Profile)
            .or_else(|| variables.get(Setting::Profile))
            .map(|given| given.value.to_string());
        if let (Some(name), None) = (&asked, &file) {
            return Err(no_file(name, &config_path).into());
        }
        let profile = asked.or_else(|| file.as_ref().and_then(ConfigFile::implied_profile).map(str::to_owned));
        let mut layers = vec![(Level::Flag, flags.clone()), (Level::Variable, variables)];
        if let Some(file) = &file {
            let own = file.layers_of(profile.as_deref())?;
            layers.extend(own.into_iter().map(|layer| (Level::File, layer.clone())));
        }
        layers.push((Level::Foreign, foreign));
        layers.push((Level::BuiltIn, Layer::of_defaults()));
        let config = config_state(&config_path, file.as_ref(), profile.as_deref());
        Ok(Self { layers, profile, config })
    }

    /// What the strongest layer says of a key.
    pub fn pick(&self, key: Setting) -> Option<&Given> {
        self.pick_with_level(key).map(|(_, given)| given)
    }

    /// The same, with the level that said it.
    pub fn pick_with_level(&self, key: Setting) -> Option<(Level, &Given)> {
        self.layers.iter().find_map(|(level, layer)| layer.get(key).map(|given| (*level, given)))
    }

    /// The text that the strongest layer gives for a key, with its origin.
    pub fn text(&self, key: Setting) -> Option<(&str, &Origin)> {
        match self.pick(key) {
            Some(Given { value: Value::Text(text), origin }) => Some((text, origin)),
            _ => None,
        }
    }

    /// Whether a switch is on.
    pub fn is_on(&self, key: Setting) -> bool {
        self.pick(key).is_some_and(|given| given.value == Value::Switch(true))
    }

    /// A count, 0 if nothing says otherwise.
    pub fn count(&self, key: Setting) -> u64 {
        match self.pick(key) {
            Some(Given { value: Value::Count(count), .. }) => *count,
            _ => 0,
        }
    }

    /// The layers, the strongest first.
    pub fn layers(&self) -> impl Iterator<Item = (Level, &Layer)> {
        self.layers.iter().map(|(level, layer)| (*level, layer))
    }

    /// The same sources without flags and variables: what the file alone asks for.
    pub fn file_alone(&self) -> Self {
        let layers = self.layers.iter().filter(|(level, _)| *level >= Level::File).cloned().collect();
        self.with_layers(layers)
    }

    /// The same file and profile with other layers.
    pub(super) fn with_layers(&self, layers: Vec<(Level, Layer)>) -> Self {
        Self { layers, profile: self.profile.clone(), config: self.config.clone() }
    }
}

fn no_file(profile: &str, looked_for: &ConfigPath) -> ConfigError {
    let looked_at = match looked_for.path() {
        Some(path) => format!("looked for {}", path.display()),
        None => "`--config none` is in force, or there is no home folder".to_owned(),
    };
    ConfigError::NoFile { name: profile.to_owned(), looked_at }
}

fn config_state(path: &ConfigPath, file: Option<&ConfigFile>, profile: Option<&str>) -> ConfigState {
    match (path.path(), file, profile) {
        (None, _, _) => ConfigState::None,
        (Some(path), None, _) => ConfigState::Absent(path.clone()),
        (Some(path), Some(_), Some(profile)) => ConfigState::Profile(path.clone(), profile.to_owned()),
        (Some(path), Some(file), None) => ConfigState::Unchosen(path.clone(), file.profiles.keys().cloned().collect()),
    }
}

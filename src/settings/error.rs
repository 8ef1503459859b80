//! Why settings cannot be used, and how to give one that is missing.

use std::path::PathBuf;

use thiserror::Error;

use super::config_file::ConfigError;
use super::credential::error::CredentialError;
use crate::args::layer::ValueError;
use crate::args::settings_table::{Scope, Setting};

#[derive(Debug, Error)]
pub enum SettingsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Value(#[from] ValueError),
    /// No source gives a value that is needed.
    #[error("no {name} is given: {ways}", name = .key.spec().name(), ways = ways_to_give(*.key, .config))]
    Missing { key: Setting, config: ConfigState },
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

/// The state of the configuration file: it decides what is suggested when something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigState {
    /// None was read on purpose, or there is no home folder to look in.
    None,
    /// There is none at this path.
    Absent(PathBuf),
    /// It was read, and this profile was used.
    Profile(PathBuf, String),
    /// It was read, and none of these profiles is chosen.
    Unchosen(PathBuf, Vec<String>),
}

fn ways_to_give(key: Setting, config: &ConfigState) -> String {
    let spec = key.spec();
    let (flag, variable, name) = (spec.flag, spec.variable(), spec.name());
    let foreign = spec.f5_variable.map_or_else(String::new, |name| format!(" or {name}"));
    let ways = format!("use --{flag}, set {variable}{foreign}");
    if spec.scope == Scope::RunOnly {
        return ways;
    }
    match config {
        ConfigState::None => {
            format!("{ways}, or put `{name}` into a profile of a configuration file")
        }
        ConfigState::Absent(path) => {
            format!("{ways}, or put `{name}` into a profile in {} (`vescli config init` writes one)", path.display())
        }
        ConfigState::Profile(path, profile) => {
            format!("{ways}, or put `{name}` into [profiles.{profile}] in {}", path.display())
        }
        ConfigState::Unchosen(path, profiles) if profiles.is_empty() => {
            format!("{ways}, or put `{name}` into [defaults] in {}", path.display())
        }
        ConfigState::Unchosen(path, profiles) => {
            format!("{ways}, or choose a profile of {} with --profile ({})", path.display(), profiles.join(", "))
        }
    }
}

//! Why settings and credentials cannot be used, and how to give a setting that is missing. No message contains a byte of a
//! credential.

use std::fmt::Display;
use std::path::PathBuf;

use thiserror::Error;

use super::file::FileError;
use crate::args::layer::{Origin, Place, ValueError};
use crate::args::settings_table::{Scope, Setting};

#[derive(Debug, Error)]
pub enum SettingsError {
    /// A file of settings or of a credential. `origin`: where it is named, with a colon, or empty.
    #[error("{origin}{error}{hint}")]
    File { origin: String, error: FileError, hint: &'static str },
    #[error(transparent)]
    Value(#[from] ValueError),
    /// No source has the value of a required setting.
    #[error("no {name} is given: {ways}", name = .key.spec().name(), ways = ways_to_give(*.key, .config))]
    Missing { key: Setting, config: ConfigState },
    #[error("{place}: {mistake}")]
    Mistake { place: Place, mistake: String },
    #[error("{0}")]
    UnknownProfile(String),
    /// The credential belongs to a host that is not that of the request, or that cannot be computed.
    #[error("the credential of {origin} {reason}")]
    Bound { origin: Origin, reason: String },
    /// The configuration file or a credential cannot be used for another reason.
    #[error("{0}")]
    Unusable(String),
}

impl SettingsError {
    /// `origin` is the flag, variable, line or file that it is about.
    pub fn unusable(origin: impl Display, reason: impl Display) -> Self {
        Self::Unusable(format!("{origin}: {reason}"))
    }
}

/// The state of the configuration file: decides what a message suggests if something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigState {
    /// None is read: the user chose that, or there is no home folder.
    None,
    /// There is no file at this path.
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
    let table = match config {
        ConfigState::None => "a profile of a configuration file".to_owned(),
        ConfigState::Absent(path) => format!("a profile in {} (`vescli config init` writes one)", path.display()),
        ConfigState::Profile(path, profile) => format!("[profiles.{profile}] in {}", path.display()),
        ConfigState::Unchosen(path, profiles) if profiles.is_empty() => format!("[defaults] in {}", path.display()),
        ConfigState::Unchosen(path, profiles) => {
            let (path, profiles) = (path.display(), profiles.join(", "));
            return format!("{ways}, or choose a profile of {path} with --profile ({profiles})");
        }
    };
    format!("{ways}, or put `{name}` into {table}")
}

//! The configuration file: found, read, and turned into layers, with the place of each value. What it does not
//! understand it refuses: a mistyped key that is ignored would send mail through the wrong tenant.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::config_error::{ConfigError, Mistake};
use super::config_source::{Reference, Source, refuse_secret, table_of, text_of, unknown_table};
use super::config_table::read_table;
use super::config_trust;
use super::limited_file::{self, FileError, Takes};
use crate::args::layer::Layer;
use crate::args::nearest::did_you_mean;
use crate::args::settings_table::Setting;

/// A configuration file that was read and understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The profile to use when none is chosen.
    pub default_profile: Option<String>,
    /// The table `[defaults]`.
    pub defaults: Layer,
    /// The tables `[profiles.NAME]`.
    pub profiles: BTreeMap<String, Profile>,
}

/// One profile as it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The profile that it builds on.
    pub extends: Option<String>,
    /// Its own values.
    pub layer: Layer,
}

/// Most bytes of a configuration file.
const CONFIG_MAX: u64 = 1024 * 1024;

/// The text of a configuration file.
///
/// # Errors
/// [`ConfigError`] when it is missing, cannot be read, or is not a file of that kind.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    read(path).map(|(text, _)| text)
}

fn read(path: &Path) -> Result<(String, Metadata), ConfigError> {
    let failed = |error| match error {
        FileError::Io(error) if error.kind() == io::ErrorKind::NotFound => ConfigError::Missing(path.to_owned()),
        FileError::Io(error) => ConfigError::Unreadable(path.to_owned(), error),
        FileError::NotRegular => ConfigError::NotRegular(path.to_owned()),
        FileError::TooLarge => ConfigError::TooLarge { path: path.to_owned(), limit: limited_file::size(CONFIG_MAX) },
    };
    let (file, metadata) = limited_file::open(path, Takes::File).map_err(failed)?;
    let bytes = limited_file::read(file, metadata.len(), CONFIG_MAX).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let error = io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
        ConfigError::Unreadable(path.to_owned(), error)
    })?;
    Ok((text, metadata))
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] when it is missing, cannot be read, or holds a mistake.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let (text, metadata) = read(path)?;
        let file = Self::parse(path, &text)?;
        if file.names_command() {
            config_trust::check(path, &metadata)?;
        }
        Ok(file)
    }

    fn names_command(&self) -> bool {
        let profiles = self.profiles.values().map(|profile| &profile.layer);
        profiles.chain([&self.defaults]).any(|layer| layer.get(Setting::TokenCommand).is_some())
    }

    /// Understands the text of a file; `path` names it in messages.
    ///
    /// # Errors
    /// [`ConfigError`] with the first mistake.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        // A byte order mark is no part of the document, but editors leave one.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = Source { path, text };
        let document = DeTable::parse(text).map_err(|error| {
            // `message` alone: the full text quotes the line, which may hold a secret.
            source.mistake(error.span().map_or(0, |span| span.start), Mistake::Syntax(error.message().to_owned()))
        })?;
        let mut file = Self {
            path: path.to_owned(),
            default_profile: None,
            defaults: Layer::default(),
            profiles: BTreeMap::new(),
        };
        let mut names = Vec::new();
        for (key, value) in document.get_ref() {
            match key.get_ref().as_ref() {
                "default_profile" => {
                    let name = text_of(&source, "default_profile", value)?;
                    names.push(Reference::default_profile(&name, value.span().start));
                    file.default_profile = Some(name);
                }
                "defaults" => {
                    let table = table_of(&source, "defaults", value)?;
                    file.defaults = read_table(&source, "defaults", table)?.layer;
                }
                "profiles" => {
                    for (name, value) in table_of(&source, "profiles", value)? {
                        let title = format!("profiles.{}", name.get_ref());
                        let table = table_of(&source, &title, value)?;
                        let profile = read_table(&source, &title, table)?;
                        names.extend(Reference::extends(name.get_ref(), table));
                        file.profiles.insert(name.get_ref().to_string(), profile);
                    }
                }
                other => {
                    refuse_secret(&source, key.span().start, other)?;
                    return Err(unknown_table(&source, key.span().start, other));
                }
            }
        }
        file.check_names(&source, names)?;
        Ok(file)
    }

    fn check_names(&self, source: &Source, names: Vec<Reference>) -> Result<(), ConfigError> {
        for Reference { key, by, name, offset } in names {
            if !self.profiles.contains_key(&name) {
                let near = did_you_mean(&name, self.profiles.keys().map(String::as_str));
                return Err(source.mistake(offset, Mistake::NoSuchProfile { key, name, near }));
            }
            if let Some(by) = by {
                let mut chain = vec![by.as_str()];
                while let Some(parent) =
                    chain.last().and_then(|last| self.profiles.get(*last)).and_then(|p| p.extends.as_deref())
                {
                    if chain.contains(&parent) {
                        chain.push(parent);
                        return Err(source.mistake(offset, Mistake::Circle(chain.join(" → "))));
                    }
                    chain.push(parent);
                }
            }
        }
        Ok(())
    }

    /// The layers of a profile, its own first, then those that it builds on, then `[defaults]`.
    ///
    /// # Errors
    /// [`ConfigError::UnknownProfile`] when there is no such profile.
    pub fn layers_of(&self, profile: Option<&str>) -> Result<Vec<&Layer>, ConfigError> {
        let mut layers = Vec::new();
        let mut next = profile;
        while let Some(name) = next {
            let profile = self.profiles.get(name).ok_or_else(|| self.unknown_profile(name))?;
            layers.push(&profile.layer);
            // `parse` has made sure that this ends.
            next = profile.extends.as_deref();
        }
        layers.push(&self.defaults);
        Ok(layers)
    }

    /// The profile that is used when none is asked for: the default one, or the only one.
    pub fn implied_profile(&self) -> Option<&str> {
        let only = || (self.profiles.len() == 1).then(|| self.profiles.keys().next().map(String::as_str)).flatten();
        self.default_profile.as_deref().or_else(only)
    }

    fn unknown_profile(&self, name: &str) -> ConfigError {
        let known: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        let near = did_you_mean(name, known.iter().copied());
        ConfigError::UnknownProfile {
            name: name.to_owned(),
            path: self.path.clone(),
            known: match known.as_slice() {
                [] => ", which holds no profiles".to_owned(),
                known => format!(" (there: {})", known.join(", ")),
            },
            near,
        }
    }
}

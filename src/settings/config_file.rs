//! The configuration file: found, read, and turned into layers, with the place of each value. What it does not
//! understand it refuses: a mistyped key that is ignored would send mail through the wrong tenant.

use std::collections::BTreeMap;
use std::fs::Metadata;
#[cfg(unix)]
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::file::{self, Accept, FileError, FileErrorKind};
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin, Value, check_choice};
use crate::args::settings_table::{Kind, Setting, SettingSpec, specs};
use crate::args::{did_you_mean, suggest};

const CONFIG_MAX: u64 = 1024 * 1024;

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("{error}{}", hint(.error))]
    File { error: FileError },
    #[error("{}: it is not UTF-8 text", .path.display())]
    NotUtf8 { path: PathBuf },
    /// It names a command to run, and others could have written it.
    #[error("{}: it names a command to run (`token_command`), and {error}", .config.display())]
    Untrusted { config: PathBuf, error: FileError },
    #[error("{place}: {mistake}")]
    Mistake { place: Place, mistake: String },
    #[error("there is no profile `{name}` in {}{known}{suggestion}", .path.display())]
    UnknownProfile { name: String, path: PathBuf, known: String, suggestion: String },
    /// A profile is asked for, and there is no file at all.
    #[error("there is no profile `{name}`, because there is no configuration file ({looked_at})")]
    NoFile { name: String, looked_at: String },
}

fn hint(error: &FileError) -> &'static str {
    match error.kind {
        FileErrorKind::Missing => "; `vescli config init` writes a first one",
        FileErrorKind::NotRegular | FileErrorKind::TooLarge { .. } => {
            ": name another with --config, or `--config none`"
        }
        _ => "",
    }
}

/// A place in a file. Lines and columns begin at 1; columns are characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}:{line}:{column}", .path.display())]
pub struct Place {
    pub path: PathBuf,
    pub line: usize,
    pub column: usize,
}

/// Where the configuration file is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigPath {
    /// `--config none`, or there is no home folder.
    Nowhere,
    /// The user names it: it has to exist.
    Given(PathBuf),
    /// The usual place: it may be missing.
    Usual(PathBuf),
}

impl ConfigPath {
    /// Finds out where the file is looked for, without looking.
    pub fn find(flags: &Layer, variables: &Layer, environment: &Environment) -> Self {
        let given = flags.get(Setting::Config).or_else(|| variables.get(Setting::Config));
        match given.map(|entry| entry.value.to_string()) {
            Some(path) if path == "none" => Self::Nowhere,
            Some(path) => Self::Given(PathBuf::from(path)),
            None => config_folder(environment)
                .map_or(Self::Nowhere, |folder| Self::Usual(folder.join("vescli").join("config.toml"))),
        }
    }

    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Nowhere => None,
            Self::Given(path) | Self::Usual(path) => Some(path),
        }
    }

    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// [`ConfigError`] when a file that the user names is missing, or any file cannot be used.
    pub fn read(&self) -> Result<Option<ConfigFile>, ConfigError> {
        match self {
            Self::Nowhere => Ok(None),
            Self::Given(path) => ConfigFile::read(path).map(Some),
            Self::Usual(path) => match ConfigFile::read(path) {
                Err(ConfigError::File { error: FileError { kind: FileErrorKind::Missing, .. } }) => Ok(None),
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

/// A configuration file that was read and understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    pub path: PathBuf,
    /// The profile to use when none is chosen.
    pub default_profile: Option<String>,
    pub defaults: Layer,
    pub profiles: BTreeMap<String, Profile>,
}

/// One profile as it is written in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The profile that it extends, and the place of that name in the text.
    extends: Option<(String, usize)>,
    pub layer: Layer,
}

pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    read_text_and_metadata(path).map(|(text, _)| text)
}

fn read_text_and_metadata(path: &Path) -> Result<(String, Option<Metadata>), ConfigError> {
    let mut metadata = None;
    let keep = |of_file: &Metadata| {
        metadata = Some(of_file.clone());
        Ok(())
    };
    let bytes = file::read(path, Accept::File, CONFIG_MAX, keep).map_err(|error| ConfigError::File { error })?;
    let text = String::from_utf8(bytes).map_err(|_| ConfigError::NotUtf8 { path: path.to_owned() })?;
    Ok((text, metadata))
}

impl ConfigFile {
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let (text, metadata) = read_text_and_metadata(path)?;
        let file = Self::parse(path, &text)?;
        // A file without a command is only data, and is not checked.
        if let Some(metadata) = metadata.filter(|_| file.names_command()) {
            check_trust(path, &metadata).map_err(|error| ConfigError::Untrusted { config: path.to_owned(), error })?;
        }
        Ok(file)
    }

    fn names_command(&self) -> bool {
        let profiles = self.profiles.values().map(|profile| &profile.layer);
        profiles.chain([&self.defaults]).any(|layer| layer.get(Setting::TokenCommand).is_some())
    }

    /// Understands the text of a file; `path` names it in messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        // A byte order mark is not part of the document, but editors leave one.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = Source { path, text };
        let document = DeTable::parse(text).map_err(|error| {
            // `message` alone: the full text quotes the line, which may contain a secret.
            let start = error.span().map_or(0, |span| span.start);
            source.mistake(start, format!("not valid TOML: {}", error.message()))
        })?;
        let mut file = Self {
            path: path.to_owned(),
            default_profile: None,
            defaults: Layer::default(),
            profiles: BTreeMap::new(),
        };
        let mut default_profile_at = 0;
        for (key, value) in document.get_ref() {
            match key.get_ref().as_ref() {
                "default_profile" => {
                    file.default_profile = Some(source.text_of("default_profile", value)?);
                    default_profile_at = value.span().start;
                }
                "defaults" => file.defaults = source.settings("defaults", value)?.layer,
                "profiles" => {
                    for (name, value) in source.table_of("profiles", value)? {
                        let profile = source.settings(&format!("profiles.{}", name.get_ref()), value)?;
                        file.profiles.insert(name.get_ref().to_string(), profile);
                    }
                }
                other => return Err(source.unknown_table(key.span().start, other)),
            }
        }
        if let Some(name) = &file.default_profile {
            file.check_profile(&source, "default_profile", name, default_profile_at)?;
        }
        for (name, profile) in &file.profiles {
            if let Some((parent, at)) = &profile.extends {
                file.check_profile(&source, "extends", parent, *at)?;
                file.check_circle(&source, name, *at)?;
            }
        }
        Ok(file)
    }

    fn check_profile(&self, source: &Source, key: &str, name: &str, at: usize) -> Result<(), ConfigError> {
        if self.profiles.contains_key(name) {
            return Ok(());
        }
        let suggestion = did_you_mean(name, self.profiles.keys().map(String::as_str));
        let mistake = format!("`{key}` names the profile `{name}`, which is not in this file{suggestion}");
        Err(source.mistake(at, mistake))
    }

    fn check_circle(&self, source: &Source, name: &str, at: usize) -> Result<(), ConfigError> {
        let mut chain = vec![name];
        while let Some(parent) = chain.last().and_then(|last| self.parent_of(last)) {
            let is_circle = chain.contains(&parent);
            chain.push(parent);
            if is_circle {
                return Err(source.mistake(at, format!("`extends` forms a cycle: {}", chain.join(" → "))));
            }
        }
        Ok(())
    }

    fn parent_of(&self, profile: &str) -> Option<&str> {
        self.profiles.get(profile)?.extends.as_ref().map(|(parent, _)| parent.as_str())
    }

    /// The layers of a profile, its own first, then those that it extends, then `[defaults]`.
    pub fn layers_of(&self, profile: Option<&str>) -> Result<Vec<&Layer>, ConfigError> {
        let mut layers = Vec::new();
        let mut next = profile;
        while let Some(name) = next {
            let profile = self.profiles.get(name).ok_or_else(|| self.unknown_profile(name))?;
            layers.push(&profile.layer);
            // `parse` has made sure that this ends.
            next = self.parent_of(name);
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
        ConfigError::UnknownProfile {
            name: name.to_owned(),
            path: self.path.clone(),
            known: match known.as_slice() {
                [] => ", which contains no profiles".to_owned(),
                known => format!(" (it has: {})", known.join(", ")),
            },
            suggestion: did_you_mean(name, known.iter().copied()),
        }
    }
}

/// Anyone who can write the file can have its command run as the user who starts vescli: checks the file that was read, the
/// folder that it is in, and both once more where the path is a link.
#[cfg(unix)]
fn check_trust(path: &Path, opened: &Metadata) -> Result<(), FileError> {
    let at = |path: &Path, checked: Result<(), FileErrorKind>| checked.map_err(|kind| kind.at(path));
    let unreadable = |error: io::Error| FileErrorKind::from(error).at(path);
    at(path, file::check_not_writable_by_others(opened))?;
    let link = path.symlink_metadata().map_err(unreadable)?;
    if link.is_symlink() {
        at(path, file::check_owner(&link))?;
    }
    let real = path.canonicalize().map_err(unreadable)?;
    for file in [path, &real] {
        let folder = match file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => continue,
        };
        at(folder, file::check_not_writable_by_others(&folder.metadata().map_err(unreadable)?))?;
    }
    Ok(())
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix, where there is something to check")]
fn check_trust(_: &Path, _: &Metadata) -> Result<(), FileError> {
    Ok(())
}

/// The text of a file, to be taken apart.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn mistake(&self, offset: usize, mistake: String) -> ConfigError {
        ConfigError::Mistake { place: self.place(offset), mistake }
    }

    fn wrong_value(&self, key: &str, value: &Spanned<DeValue<'_>>, reason: &str) -> ConfigError {
        self.mistake(value.span().start, format!("`{key}`: {reason}"))
    }

    fn table_of<'a, 'i>(&self, key: &str, value: &'a Spanned<DeValue<'i>>) -> Result<&'a DeTable<'i>, ConfigError> {
        value.get_ref().as_table().ok_or_else(|| {
            let reason = format!("is a table, written [{key}], not {}", type_of(value.get_ref()));
            self.wrong_value(key, value, &reason)
        })
    }

    fn text_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
        value.get_ref().as_str().map(str::to_owned).ok_or_else(|| {
            let reason = format!("takes a text in quotes, not {}", type_of(value.get_ref()));
            self.wrong_value(key, value, &reason)
        })
    }

    /// Reads a table of settings; `title` names it in messages.
    fn settings(&self, title: &str, value: &Spanned<DeValue<'_>>) -> Result<Profile, ConfigError> {
        let mut profile = Profile::default();
        let mut token_at = None;
        // In the order of the file, so that the first mistake reported is the first that is there.
        let mut entries: Vec<_> = self.table_of(title, value)?.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let (name, offset) = (key.get_ref().as_ref(), key.span().start);
            if name == "extends" && title != "defaults" {
                profile.extends = Some((self.text_of("extends", value)?, value.span().start));
                continue;
            }
            self.refuse_secret(offset, name)?;
            let Some(spec) = specs().find(|spec| spec.in_file() && spec.name() == name) else {
                let mut known = names_in_file();
                known.push("extends".to_owned());
                let suggestion = did_you_mean(name, known.iter().map(String::as_str));
                return Err(self.mistake(offset, format!("unknown key `{name}` in [{title}]{suggestion}")));
            };
            if matches!(spec.setting, Setting::TokenFile | Setting::TokenCommand) && token_at.replace(offset).is_some()
            {
                let mistake = "`token_file` and `token_command` both name the token: keep one of them";
                return Err(self.mistake(offset, mistake.to_owned()));
            }
            let read = read_value(spec, value.get_ref(), self.path)
                .map_err(|reason| self.wrong_value(name, value, &reason))?;
            let Place { path, line, column } = self.place(offset);
            profile.layer.set(spec.setting, read, Origin::File { path, line, column, table: title.to_owned() });
        }
        Ok(profile)
    }

    fn refuse_secret(&self, offset: usize, name: &str) -> Result<(), ConfigError> {
        let instead = match name {
            "token" | "api_token" => {
                "name a file with `token_file` or a command with `token_command`, or set VESCLI_TOKEN in the environment"
            }
            "p12_password" => "name a file with `p12_password_file`, or set VESCLI_P12_PASSWORD in the environment",
            _ => return Ok(()),
        };
        Err(self.mistake(offset, format!("`{name}` does not belong in this file: {instead}")))
    }

    /// A key at the top of the file that is none of the three that may be there. Most often it is a setting without its
    /// table, so that is said.
    fn unknown_table(&self, offset: usize, key: &str) -> ConfigError {
        if let Err(secret) = self.refuse_secret(offset, key) {
            return secret;
        }
        let settings = names_in_file();
        let place = "belongs under [defaults] or [profiles.NAME]";
        let table = did_you_mean(key, ["default_profile", "defaults", "profiles"]);
        let hint = match suggest(key, settings.iter().map(String::as_str)) {
            Some(setting) if setting == key => format!(": it {place}"),
            Some(setting) if table.is_empty() => format!("; did you mean `{setting}`? It {place}"),
            _ => table,
        };
        self.mistake(offset, format!("unknown key `{key}` in the file{hint}"))
    }
}

fn names_in_file() -> Vec<String> {
    specs().filter(|spec| spec.in_file()).map(SettingSpec::name).collect()
}

/// Reads a value as its setting needs it. A relative path is taken from the folder of the file, `~/` from the home folder.
///
/// # Errors
/// A phrase that says what the setting takes.
fn read_value(spec: &SettingSpec, value: &DeValue<'_>, file: &Path) -> Result<Value, String> {
    let text = || value.as_str().map(|text| Value::Text(text.to_owned()));
    let (read, takes) = match spec.kind {
        Kind::Text(_) if spec.setting == Setting::Rate => {
            // A rate without a unit is a number to TOML too.
            let number = value.as_integer().map(DeInteger::as_str);
            let number = number.or_else(|| value.as_float().map(DeFloat::as_str));
            (text().or_else(|| number.map(|number| Value::Text(number.to_owned()))), "a rate, such as \"30/m\" or 30")
        }
        Kind::Text(_) => (text(), "a text in quotes"),
        Kind::Duration => (text(), "a time with its unit in quotes, such as \"30s\""),
        Kind::File => (value.as_str().map(|text| Value::Text(absolute(text, file))), "a path in quotes"),
        Kind::Choice(words) => {
            if let Some(word) = value.as_str() {
                check_choice(words, word)?;
            }
            (text(), "a word in quotes")
        }
        Kind::Switch => (value.as_bool().map(Value::Switch), "true or false"),
        Kind::Count | Kind::Level => {
            let number = value.as_integer();
            let number = number.and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok());
            (number.map(Value::Count), "a whole number from 0 on, without quotes")
        }
        Kind::List(_) => {
            let items =
                value.as_array().map(|items| items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)));
            let items = items.and_then(Iterator::collect::<Option<Vec<_>>>).filter(|items| !items.is_empty());
            (items.map(Value::List), "an array of texts, such as [\"a\", \"b\"]")
        }
    };
    read.ok_or_else(|| format!("takes {takes}, not {}", type_of(value)))
}

fn type_of(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

fn absolute(text: &str, file: &Path) -> String {
    let joined = match text.strip_prefix("~/").zip(dirs::home_dir()) {
        Some((rest, home)) => home.join(rest),
        None if text == "-" => return text.to_owned(),
        None => file.parent().unwrap_or(Path::new("")).join(text),
    };
    joined.to_string_lossy().into_owned()
}

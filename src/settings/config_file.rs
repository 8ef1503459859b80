//! The configuration file: finds it, reads it, and turns it into layers with the place of each value. It refuses everything
//! that it does not know: if it ignored a mistyped key, vescli could mail people of the wrong tenant.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::{iter, mem};

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::error::SettingsError;
use super::file::{self, Accept, FileError, FileErrorKind};
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin, Place, Value, check_choice};
use crate::args::settings_table::{Kind, RATE, Setting, SettingSpec, specs};
use crate::args::{did_you_mean, suggest};

const CONFIG_MAX: u64 = 1024 * 1024;

fn hint(error: &FileError) -> &'static str {
    match error.kind {
        FileErrorKind::Missing => "; `vescli config init` writes a first one",
        FileErrorKind::NotRegular | FileErrorKind::TooLarge { .. } => {
            ": name another with --config, or `--config none`"
        }
        _ => "",
    }
}

/// Where the configuration file is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPath {
    /// None after `--config none`, and without a home folder.
    path: Option<PathBuf>,
    /// Whether the user named it: then it must exist.
    is_given: bool,
}

impl ConfigPath {
    /// Determines the path of the file without accessing it.
    pub fn find(flags: &Layer, variables: &Layer, environment: &Environment) -> Self {
        if let Some(path) = flags.text(Setting::Config).or_else(|| variables.text(Setting::Config)) {
            return Self { path: (path != "none").then(|| PathBuf::from(path)), is_given: true };
        }
        let path = config_folder(environment).map(|folder| folder.join("vescli").join("config.toml"));
        Self { path, is_given: false }
    }

    pub fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// [`SettingsError`] when a file that the user names is missing, or any file cannot be used.
    pub fn read(&self) -> Result<Option<ConfigFile>, SettingsError> {
        match self.path().map(|path| ConfigFile::read(path)).transpose() {
            Err(SettingsError::File { error: FileError { kind: FileErrorKind::Missing, .. }, .. })
                if !self.is_given =>
            {
                Ok(None)
            }
            read => read,
        }
    }
}

/// `$XDG_CONFIG_HOME` if it is absolute, else `~/.config`, on macOS too; the platform's own folder on Windows.
fn config_folder(environment: &Environment) -> Option<PathBuf> {
    if cfg!(windows) {
        return dirs::config_dir();
    }
    let xdg = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    // Not a relative one: a configuration is never read from the current folder.
    xdg.or_else(|| dirs::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".config")))
}

/// A valid configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    pub path: PathBuf,
    pub text: String,
    /// The profile to use if none is chosen.
    pub default_profile: Option<String>,
    pub defaults: Layer,
    pub profiles: BTreeMap<String, Profile>,
}

/// One profile, without those that it extends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The profile that it extends, and the place of that name in the text.
    extends: Option<(String, usize)>,
    pub layer: Layer,
}

impl ConfigFile {
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let mut opened = None;
        let keep = |metadata: &Metadata| {
            opened = Some(metadata.clone());
            Ok(())
        };
        let bytes = file::read(path, Accept::File, CONFIG_MAX, keep).map_err(|error| SettingsError::File {
            origin: String::new(),
            hint: hint(&error),
            error,
        })?;
        let unusable = |reason| SettingsError::unusable(path.display(), reason);
        let text = String::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8 text".to_owned()))?;
        let file = Self::parse(path, &text)?;
        // Without a token command the file is only data, and anyone may write it.
        if let Some(metadata) = opened
            && file.layers().any(|layer| layer.get(Setting::TokenCommand).is_some())
        {
            check_trust(path, &metadata)
                .map_err(|error| unusable(format!("it names a command to run (`token_command`), and {error}")))?;
        }
        Ok(file)
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.profiles.values().map(|profile| &profile.layer).chain([&self.defaults])
    }

    /// Parses the text of a file; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        let mut file = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            default_profile: None,
            defaults: Layer::default(),
            profiles: BTreeMap::new(),
        };
        // A byte order mark is not part of the document, but editors leave one.
        let source = Source { path, text: text.strip_prefix('\u{feff}').unwrap_or(text) };
        let document = DeTable::parse(source.text).map_err(|error| {
            // Only `message`: the full text quotes the line, which may contain a secret.
            let start = error.span().map_or(0, |span| span.start);
            source.mistake(start, format!("not valid TOML: {}", error.message()))
        })?;
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
                file.check_cycle(&source, name, *at)?;
            }
        }
        Ok(file)
    }

    fn check_profile(&self, source: &Source, key: &str, name: &str, at: usize) -> Result<(), SettingsError> {
        if self.profiles.contains_key(name) {
            return Ok(());
        }
        let suggestion = did_you_mean(name, self.profiles.keys().map(String::as_str));
        let mistake = format!("`{key}` names the profile `{name}`, which is not in this file{suggestion}");
        Err(source.mistake(at, mistake))
    }

    fn check_cycle(&self, source: &Source, name: &str, at: usize) -> Result<(), SettingsError> {
        let mut chain = Vec::new();
        for name in self.chain(name) {
            let is_cycle = chain.contains(&name);
            chain.push(name);
            if is_cycle {
                return Err(source.mistake(at, format!("`extends` forms a cycle: {}", chain.join(" → "))));
            }
        }
        Ok(())
    }

    /// A profile and those that it extends. `parse` refuses a file in which this would not end.
    fn chain<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a str> {
        iter::successors(Some(profile), |name| Some(self.profiles.get(*name)?.extends.as_ref()?.0.as_str()))
    }

    /// The layers of a profile: its own, then those that it extends, then `[defaults]`.
    pub fn layers_of(&self, profile: Option<&str>) -> Result<Vec<&Layer>, SettingsError> {
        if let Some(name) = profile.filter(|name| !self.profiles.contains_key(*name)) {
            let known: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
            let listed = match known.as_slice() {
                [] => ", which contains no profiles".to_owned(),
                known => format!(" (it has: {})", known.join(", ")),
            };
            let (path, suggestion) = (self.path.display(), did_you_mean(name, known.iter().copied()));
            let reason = format!("there is no profile `{name}` in {path}{listed}{suggestion}");
            return Err(SettingsError::UnknownProfile(reason));
        }
        let names = profile.into_iter().flat_map(|name| self.chain(name));
        let layers = names.filter_map(|name| self.profiles.get(name)).map(|profile| &profile.layer);
        Ok(layers.chain([&self.defaults]).collect())
    }

    /// The profile to use if none is chosen: the default one, or the only one.
    pub fn implied_profile(&self) -> Option<&str> {
        let only = self.profiles.keys().next().filter(|_| self.profiles.len() == 1);
        self.default_profile.as_ref().or(only).map(String::as_str)
    }
}

/// Anyone who can write the file can make vescli run a command. So this checks the file and its folder; if the path is a link,
/// both of the link and of its target.
#[cfg(unix)]
fn check_trust(path: &Path, opened: &Metadata) -> Result<(), FileError> {
    let check = |path: &Path, check: &dyn Fn() -> Result<(), FileErrorKind>| check().map_err(|kind| kind.at(path));
    check(path, &|| file::check_not_writable_by_others(opened))?;
    check(path, &|| match path.symlink_metadata()? {
        link if link.is_symlink() => file::check_owner(&link),
        _ => Ok(()),
    })?;
    let real = path.canonicalize().map_err(|error| FileErrorKind::from(error).at(path))?;
    for folder in [path, &real].into_iter().filter_map(Path::parent) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        check(folder, &|| file::check_not_writable_by_others(&folder.metadata()?))?;
    }
    Ok(())
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix, where there is something to check")]
fn check_trust(_: &Path, _: &Metadata) -> Result<(), FileError> {
    Ok(())
}

/// The text of a file that is being parsed.
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

    fn mistake(&self, offset: usize, mistake: String) -> SettingsError {
        SettingsError::Mistake { place: self.place(offset), mistake }
    }

    fn wrong_value(&self, key: &str, value: &Spanned<DeValue<'_>>, reason: &str) -> SettingsError {
        self.mistake(value.span().start, format!("`{key}`: {reason}"))
    }

    fn table_of<'a, 'i>(&self, key: &str, value: &'a Spanned<DeValue<'i>>) -> Result<&'a DeTable<'i>, SettingsError> {
        value.get_ref().as_table().ok_or_else(|| {
            let reason = format!("is a table, written [{key}], not {}", type_of(value.get_ref()));
            self.wrong_value(key, value, &reason)
        })
    }

    fn text_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, SettingsError> {
        let read = read_value(Kind::Text(""), value.get_ref(), self.path);
        read.map(|text| text.to_string()).map_err(|reason| self.wrong_value(key, value, &reason))
    }

    /// Reads a table of settings; `title` names it in messages.
    fn settings(&self, title: &str, value: &Spanned<DeValue<'_>>) -> Result<Profile, SettingsError> {
        let mut profile = Profile::default();
        let mut has_token = false;
        // In the order of the file, so that its first mistake is the one that is reported.
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
            let names_token = |setting| matches!(setting, Setting::TokenFile | Setting::TokenCommand);
            if names_token(spec.setting) && mem::replace(&mut has_token, true) {
                let mistake = "`token_file` and `token_command` both name the token: keep one of them";
                return Err(self.mistake(offset, mistake.to_owned()));
            }
            let read = read_value(spec.kind, value.get_ref(), self.path)
                .map_err(|reason| self.wrong_value(name, value, &reason))?;
            profile.layer.set(spec.setting, read, Origin::File { place: self.place(offset), table: title.to_owned() });
        }
        Ok(profile)
    }

    fn refuse_secret(&self, offset: usize, name: &str) -> Result<(), SettingsError> {
        let instead = match name {
            "token" | "api_token" => {
                "name a file with `token_file` or a command with `token_command`, or set VESCLI_TOKEN in the environment"
            }
            "p12_password" => "name a file with `p12_password_file`, or set VESCLI_P12_PASSWORD in the environment",
            _ => return Ok(()),
        };
        Err(self.mistake(offset, format!("`{name}` does not belong in this file: {instead}")))
    }

    /// An unknown key at the top of the file. Most often it is a setting without its table, so the message says that.
    fn unknown_table(&self, offset: usize, key: &str) -> SettingsError {
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

/// Reads a value of this kind. A relative path starts at the folder of the file, `~/` at the home folder.
///
/// # Errors
/// A phrase that says what the setting takes.
fn read_value(kind: Kind, value: &DeValue<'_>, file: &Path) -> Result<Value, String> {
    let text = value.as_str().map(|text| Value::Text(text.to_owned()));
    let (read, takes) = match kind {
        RATE => {
            // In TOML, a rate without a unit may also be a number.
            let number = value.as_integer().map(DeInteger::as_str);
            let number = number.or_else(|| value.as_float().map(DeFloat::as_str));
            (text.or_else(|| number.map(|number| Value::Text(number.to_owned()))), "a rate, such as \"30/m\" or 30")
        }
        Kind::Text(_) => (text, "a text in quotes"),
        Kind::Duration => (text, "a time with its unit in quotes, such as \"30s\""),
        Kind::File => (value.as_str().map(|text| Value::Text(absolute(text, file))), "a path in quotes"),
        Kind::Choice(words) => {
            value.as_str().map_or(Ok(()), |word| check_choice(words, word))?;
            (text, "a word in quotes")
        }
        Kind::Switch => (value.as_bool().map(Value::Switch), "true or false"),
        Kind::Count | Kind::Level => {
            let parse = |number: &DeInteger| u64::from_str_radix(number.as_str(), number.radix()).ok();
            (value.as_integer().and_then(parse).map(Value::Count), "a whole number from 0 on, without quotes")
        }
        Kind::List(_) => {
            let text = |item: &Spanned<DeValue>| item.get_ref().as_str().map(str::to_owned);
            let items = value.as_array().and_then(|items| items.iter().map(text).collect::<Option<Vec<_>>>());
            let items = items.filter(|items| !items.is_empty());
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

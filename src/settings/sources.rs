//! Gathers the layers: flags, variables, the file with the chosen profile, and the built-in values. For each setting, the first
//! layer that has it wins.

use std::path::PathBuf;
use std::time::Duration;

use super::config_file::{ConfigFile, ConfigPath};
use super::error::{ConfigState, SettingsError};
use crate::args::environment::Environment;
use crate::args::layer::{Entry, Layer, Origin, Value};
use crate::args::settings_table::Setting;

/// The longest time that is accepted.
const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How strong a layer is; the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Flag,
    /// `VESCLI_` variables.
    Variable,
    /// The profile, those that it extends, and `[defaults]`.
    File,
    /// The variables of F5's own tools.
    Foreign,
    BuiltIn,
}

/// All layers, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    layers: Vec<(Level, Layer)>,
    /// The profile that is used.
    pub profile: Option<String>,
    pub config: ConfigState,
}

impl Sources {
    /// # Errors
    /// [`SettingsError`] when a variable does not fit, the file has a mistake, or the profile does not exist.
    pub fn gather(flags: &Layer, environment: &Environment) -> Result<Self, SettingsError> {
        let variables = Layer::from_variables(environment)?;
        let foreign = Layer::from_f5_variables(environment)?;
        let config_path = ConfigPath::find(flags, &variables, environment);
        let file = config_path.read()?;
        let named = flags.text(Setting::Profile).or_else(|| variables.text(Setting::Profile));
        if let (Some(name), None) = (&named, &file) {
            let looked_at = match config_path.path() {
                Some(path) => format!("looked for {}", path.display()),
                None => "`--config none` is set, or there is no home folder".to_owned(),
            };
            let reason = format!("there is no profile `{name}`, because there is no configuration file ({looked_at})");
            return Err(SettingsError::Unusable(reason));
        }
        let profile = named.or_else(|| file.as_ref().and_then(ConfigFile::implied_profile).map(str::to_owned));
        let mut layers = vec![(Level::Flag, flags.clone()), (Level::Variable, variables)];
        if let Some(file) = &file {
            let own = file.layers_of(profile.as_deref())?;
            layers.extend(own.into_iter().map(|layer| (Level::File, layer.clone())));
        }
        layers.push((Level::Foreign, foreign));
        layers.push((Level::BuiltIn, Layer::defaults()));
        let config = match (config_path.path().cloned(), file, &profile) {
            (None, ..) => ConfigState::None,
            (Some(path), None, _) => ConfigState::Absent(path),
            (Some(path), Some(_), Some(profile)) => ConfigState::Profile(path, profile.clone()),
            (Some(path), Some(file), None) => ConfigState::Unchosen(path, file.profiles.into_keys().collect()),
        };
        Ok(Self { layers, profile, config })
    }

    /// Only flags and variables, without the variables that do not fit their settings.
    pub fn without_file(flags: &Layer, environment: &Environment) -> Self {
        let variables = Layer::from_valid_variables(environment);
        let layers = vec![(Level::Flag, flags.clone()), (Level::Variable, variables)];
        Self { layers, profile: None, config: ConfigState::None }
    }

    /// The value of the strongest layer that has the setting.
    pub fn pick(&self, key: Setting) -> Option<&Entry> {
        self.pick_with_level(key).map(|(_, entry)| entry)
    }

    /// # Errors
    /// [`SettingsError::Missing`] when no layer has it.
    pub fn needed(&self, key: Setting) -> Result<&Entry, SettingsError> {
        self.pick(key).ok_or_else(|| self.missing(key))
    }

    /// The error if no source has the setting.
    pub fn missing(&self, key: Setting) -> SettingsError {
        SettingsError::Missing { key, config: self.config.clone() }
    }

    pub fn pick_with_level(&self, key: Setting) -> Option<(Level, &Entry)> {
        self.layers.iter().find_map(|(level, layer)| layer.get(key).map(|entry| (*level, entry)))
    }

    pub fn text(&self, key: Setting) -> Option<(&str, &Origin)> {
        match self.pick(key) {
            Some(Entry { value: Value::Text(text), origin }) => Some((text, origin)),
            _ => None,
        }
    }

    pub fn path(&self, key: Setting) -> Option<PathBuf> {
        self.text(key).map(|(path, _)| PathBuf::from(path))
    }

    pub fn is_on(&self, key: Setting) -> bool {
        self.pick(key).is_some_and(|entry| entry.value == Value::Switch(true))
    }

    /// 0 if no layer has it.
    pub fn count(&self, key: Setting) -> u64 {
        match self.pick(key) {
            Some(Entry { value: Value::Count(count), .. }) => *count,
            _ => 0,
        }
    }

    /// # Errors
    /// [`SettingsError::Value`] when it is not a time, zero, or longer than a day.
    pub fn duration(&self, key: Setting) -> Result<Duration, SettingsError> {
        self.duration_if(key, |time| !time.is_zero(), "more than zero")
    }

    /// A time that `is_allowed` accepts; `allowed` describes that in the message.
    ///
    /// # Errors
    /// [`SettingsError::Value`] when it is not a time, not allowed, or longer than a day.
    pub fn duration_if(
        &self,
        key: Setting,
        is_allowed: fn(Duration) -> bool,
        allowed: &str,
    ) -> Result<Duration, SettingsError> {
        let entry = self.needed(key)?;
        let text = entry.value.to_string();
        let time = humantime::parse_duration(&text).map_err(|_| {
            entry.invalid(format!("`{text}` is not a time: write a number and its unit, such as 500ms, 30s or 5m"))
        })?;
        if !is_allowed(time) || time > DURATION_MAX {
            return Err(entry.invalid(format!("`{text}` is out of range: use {allowed} and at most 24h")).into());
        }
        Ok(time)
    }

    /// The strongest first.
    pub fn layers(&self) -> impl Iterator<Item = (Level, &Layer)> {
        self.layers.iter().map(|(level, layer)| (*level, layer))
    }

    /// The same sources without flags and variables.
    pub fn file_alone(&self) -> Self {
        let layers = self.layers.iter().filter(|(level, _)| *level >= Level::File).cloned().collect();
        Self { layers, profile: self.profile.clone(), config: self.config.clone() }
    }

    /// The same sources with only these settings of each layer, by its index and level.
    pub(super) fn only(&self, settings: impl Fn(usize, Level) -> &'static [Setting]) -> Self {
        let keep = |(index, (level, layer)): (_, &(Level, Layer))| (*level, layer.only(settings(index, *level)));
        let layers = self.layers.iter().enumerate().map(keep).collect();
        Self { layers, profile: self.profile.clone(), config: self.config.clone() }
    }
}

#[cfg(test)]
mod tests {
    //! Every setting at every combination of the levels that may have it: the strongest always wins.

    use std::path::Path;

    use super::*;
    use crate::args::layer::parse_value;
    use crate::args::settings_table::{Kind, Scope, SettingSpec, specs};

    /// The levels, the strongest first.
    const LEVELS: [&str; 7] = ["flag", "variable", "profile", "parent", "defaults", "foreign", "built in"];

    /// A valid value of the setting, as a variable or flag has it.
    fn text(spec: &SettingSpec) -> &'static str {
        match spec.kind {
            Kind::Text(_) | Kind::File | Kind::List(_) => "x",
            Kind::Choice(words) => words[0],
            Kind::Switch => "true",
            Kind::Count | Kind::Level => "1",
            Kind::Duration => "1s",
        }
    }

    fn toml(spec: &SettingSpec) -> String {
        let (name, text) = (spec.name(), text(spec));
        match spec.kind {
            Kind::Text(_) | Kind::File | Kind::Choice(_) | Kind::Duration => format!("{name} = {text:?}\n"),
            Kind::Switch | Kind::Count | Kind::Level => format!("{name} = {text}\n"),
            Kind::List(_) => format!("{name} = [{text:?}]\n"),
        }
    }

    /// Which levels can have a setting.
    fn can_have(spec: &SettingSpec, level: &str) -> bool {
        match level {
            "flag" | "variable" => spec.is_flag(),
            "profile" | "parent" | "defaults" => spec.in_file(),
            "foreign" => spec.f5_variable.is_some(),
            _ => spec.default.is_some(),
        }
    }

    fn origin_name(origin: &Origin) -> &'static str {
        match origin {
            Origin::Flag(_) => "flag",
            Origin::Variable(_) => "variable",
            Origin::File { table, .. } => match table.as_str() {
                "profiles.child" => "profile",
                "profiles.parent" => "parent",
                "defaults" => "defaults",
                other => panic!("the table {other}"),
            },
            Origin::ForeignVariable(_) => "foreign",
            Origin::BuiltIn => "built in",
        }
    }

    /// The sources with the setting at these levels. The built-in level always has it.
    fn sources(spec: &SettingSpec, levels: &[&str], file: &Path) -> Sources {
        let at = |level| levels.contains(&level);
        let line = |level| if at(level) { toml(spec) } else { String::new() };
        let document = format!(
            "[defaults]\n{}[profiles.child]\nextends = \"parent\"\n{}[profiles.parent]\n{}",
            line("defaults"),
            line("profile"),
            line("parent")
        );
        std::fs::write(file, document).unwrap();
        let mut flags = Layer::default();
        if at("flag") {
            let value = parse_value(spec.kind, text(spec)).unwrap();
            flags.set(spec.setting, value, Origin::Flag(spec.flag));
        }
        let path = file.to_str().unwrap().to_owned();
        flags.set(Setting::Config, Value::Text(path), Origin::Flag("config"));
        let child = Value::Text("child".to_owned());
        flags.set(Setting::Profile, child, Origin::Flag("profile"));
        let mut variables = Vec::new();
        if at("variable") {
            variables.push((spec.variable(), text(spec)));
        }
        if let (true, Some(name)) = (at("foreign"), spec.f5_variable) {
            variables.push((name.to_owned(), text(spec)));
        }
        let environment: Environment = variables.into_iter().collect();
        Sources::gather(&flags, &environment).unwrap()
    }

    #[test]
    fn the_strongest_level_wins_for_every_setting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let mut checked = 0;
        for spec in specs().filter(|spec| !matches!(spec.setting, Setting::Profile | Setting::Config)) {
            for set in 0..1_u32 << LEVELS.len() {
                let levels: Vec<&str> = LEVELS
                    .into_iter()
                    .enumerate()
                    .filter(|(bit, _)| set & 1 << bit != 0)
                    .map(|(_, level)| level)
                    .collect();
                // The built-in level has it exactly if there is a default.
                let built_in = levels.contains(&"built in") == spec.default.is_some();
                if !built_in || levels.iter().any(|level| !can_have(spec, level)) {
                    continue;
                }
                let sources = sources(spec, &levels, &file);
                let winner = sources.pick(spec.setting).map(|entry| origin_name(&entry.origin));
                assert_eq!(winner, levels.first().copied(), "{} at {levels:?}", spec.flag);
                checked += 1;
            }
        }
        assert!(checked > 700, "{checked} combinations were checked");
    }

    #[test]
    fn the_scope_decides_between_flag_and_file() {
        for spec in specs() {
            assert_eq!(spec.in_file(), spec.scope != Scope::RunOnly);
            assert_eq!(spec.is_flag(), spec.scope != Scope::FileOnly);
        }
    }
}

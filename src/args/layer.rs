//! Values of settings with their origins, before they are combined and checked. Flags, variables and the tables of the file are
//! all layers of one type.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ArgMatches;
use clap::parser::ValueSource;
use thiserror::Error;

use super::did_you_mean;
use super::environment::Environment;
use super::settings_table::{Kind, Setting, SettingSpec, specs};

/// A value in the form of its [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Also a file, a choice or a duration.
    Text(String),
    Switch(bool),
    /// Also a level.
    Count(u64),
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Switch(on) => write!(f, "{on}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::List(items) => f.write_str(&items.join(" ")),
        }
    }
}

pub(super) fn parse_count(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "not a whole number from 0 on")
}

/// # Errors
/// A sentence that says what is wrong and what would be right.
pub fn parse_value(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Text(_) | Kind::File | Kind::Duration => Ok(Value::Text(text.to_owned())),
        Kind::Choice(words) => check_choice(words, text).map(|()| Value::Text(text.to_owned())),
        Kind::Switch => {
            parse_switch(text).map(Value::Switch).ok_or_else(|| format!("`{text}` is neither on nor off: use 1 or 0"))
        }
        Kind::Count => parse_count(text).map(Value::Count).map_err(|error| format!("`{text}` is {error}")),
        Kind::Level => {
            let level = text.parse().ok().or_else(|| parse_switch(text).map(u64::from));
            level.map(Value::Count).ok_or_else(|| format!("`{text}` is not a level: use 0, 1 or 2"))
        }
        Kind::List(_) => Ok(Value::List(text.split(',').map(|item| item.trim().to_owned()).collect())),
    }
}

/// # Errors
/// A sentence that lists the words and suggests the most similar one.
pub fn check_choice(words: &[&'static str], text: &str) -> Result<(), String> {
    let with_hyphens = text.replace('_', "-");
    if words.contains(&text) || words.contains(&with_hyphens.as_str()) {
        return Ok(());
    }
    Err(format!("`{text}` is not one of {}{}", words.join(", "), did_you_mean(text, words.iter().copied())))
}

fn parse_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
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

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Origin {
    /// The flag without its hyphens.
    #[error("--{0}")]
    Flag(&'static str),
    /// A `VESCLI_` variable.
    #[error("{0}")]
    Variable(String),
    /// With the table: `defaults` or `profiles.NAME`.
    #[error("{place} [{table}]")]
    File { place: Place, table: String },
    /// A variable that other tools read too: those of F5's own tools, and the usual ones for proxies.
    #[error("{0}")]
    ForeignVariable(String),
    #[error("built in")]
    BuiltIn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Value,
    pub origin: Origin,
}

/// The values of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer(BTreeMap<Setting, Entry>);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{origin}: {reason}")]
pub struct ValueError {
    pub origin: Origin,
    /// What is wrong with it and what to do.
    pub reason: String,
}

impl Environment {
    /// # Errors
    /// If the value is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ValueError> {
        let reason = "its value is not UTF-8 text";
        let invalid = || ValueError { origin: Origin::Variable(name.to_owned()), reason: reason.to_owned() };
        self.get(name).map(|value| value.to_str().ok_or_else(invalid)).transpose()
    }
}

impl Entry {
    pub fn invalid(&self, reason: impl Into<String>) -> ValueError {
        ValueError { origin: self.origin.clone(), reason: reason.into() }
    }

    /// The value as another type.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, ValueError> {
        self.value.to_string().parse().map_err(|error: T::Err| self.invalid(error.to_string()))
    }
}

impl Layer {
    pub fn get(&self, key: Setting) -> Option<&Entry> {
        self.0.get(&key)
    }

    pub fn text(&self, key: Setting) -> Option<String> {
        self.get(key).map(|entry| entry.value.to_string())
    }

    /// The values of both; those of `stronger` win.
    pub fn with(mut self, stronger: &Self) -> Self {
        self.0.extend(stronger.0.clone());
        self
    }

    /// The values of these settings only.
    pub fn only(&self, keys: &[Setting]) -> Self {
        let kept = keys.iter().filter_map(|key| self.0.get_key_value(key));
        kept.map(|(key, entry)| (*key, entry.clone())).collect()
    }

    pub fn set(&mut self, key: Setting, value: Value, origin: Origin) {
        self.0.insert(key, Entry { value, origin });
    }

    pub fn is_on(&self, key: Setting) -> bool {
        self.get(key).is_some_and(|entry| entry.value == Value::Switch(true))
    }

    pub fn from_flags(matches: &ArgMatches) -> Self {
        let typed = |spec: &'static SettingSpec| {
            let raw = matches.try_get_raw(spec.flag).ok()??;
            if matches.value_source(spec.flag) != Some(ValueSource::CommandLine) {
                return None;
            }
            let mut texts = raw.filter_map(OsStr::to_str);
            let value = match spec.kind {
                // The flag is repeated for each value; only a variable separates them by commas.
                Kind::List(_) => Value::List(texts.map(str::to_owned).collect()),
                kind => parse_value(kind, texts.next_back()?).ok()?,
            };
            Some((spec.setting, Entry { value, origin: Origin::Flag(spec.flag) }))
        };
        specs().filter(|spec| spec.is_flag()).filter_map(typed).collect()
    }

    /// The `VESCLI_` variables that are set.
    pub fn from_variables(environment: &Environment) -> Result<Self, ValueError> {
        variables(environment, own_variable, Origin::Variable).collect()
    }

    /// The valid `VESCLI_` variables: for what must also work when other variables are not valid.
    pub fn from_valid_variables(environment: &Environment) -> Self {
        variables(environment, own_variable, Origin::Variable).flatten().collect()
    }

    /// The variables of F5's own tools that are set.
    pub fn from_f5_variables(environment: &Environment) -> Result<Self, ValueError> {
        let name = |spec: &SettingSpec| spec.f5_variable.map(str::to_owned);
        variables(environment, name, Origin::ForeignVariable).collect()
    }

    pub fn defaults() -> Self {
        let default = |spec: &SettingSpec| {
            let value = parse_value(spec.kind, spec.default?).ok()?;
            Some((spec.setting, Entry { value, origin: Origin::BuiltIn }))
        };
        specs().filter_map(default).collect()
    }
}

impl FromIterator<(Setting, Entry)> for Layer {
    fn from_iter<I: IntoIterator<Item = (Setting, Entry)>>(entries: I) -> Self {
        let mut layer = Self::default();
        // One by one: `collect` sorts them first, and its code is large.
        for (key, entry) in entries {
            layer.0.insert(key, entry);
        }
        layer
    }
}

fn own_variable(spec: &SettingSpec) -> Option<String> {
    spec.is_flag().then(|| spec.variable())
}

/// The values of the variables that are set; `name_of` names the variable of a setting.
fn variables(
    environment: &Environment,
    name_of: fn(&SettingSpec) -> Option<String>,
    origin: fn(String) -> Origin,
) -> impl Iterator<Item = Result<(Setting, Entry), ValueError>> {
    specs().filter_map(move |spec| {
        let name = name_of(spec)?;
        let text = environment.text(&name).transpose()?;
        Some(text.and_then(|text| match parse_value(spec.kind, text) {
            Ok(value) => Ok((spec.setting, Entry { value, origin: origin(name) })),
            Err(reason) => Err(ValueError { origin: origin(name), reason }),
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().copied().collect()
    }

    #[test]
    fn every_default_of_the_table_parses() {
        for spec in specs().filter(|spec| spec.default.is_some()) {
            assert!(Layer::defaults().get(spec.setting).is_some(), "{}", spec.flag);
        }
    }

    #[test]
    fn variables_take_the_form_of_their_setting() {
        let given = environment(&[
            ("VESCLI_TENANT", "acme"),
            ("VESCLI_DRY_RUN", "yes"),
            ("VESCLI_RETRIES", "0"),
            ("VESCLI_VERBOSE", "true"),
            ("VESCLI_RESOLVE", "a:1:::1, b:2:127.0.0.1"),
            ("VESCLI_REGION", ""),
        ]);
        let layer = Layer::from_variables(&given).unwrap();
        let value = |key| layer.get(key).map(|entry| entry.value.clone());
        assert_eq!(value(Setting::Tenant), Some(Value::Text("acme".into())));
        assert_eq!(value(Setting::DryRun), Some(Value::Switch(true)));
        assert_eq!(value(Setting::Retries), Some(Value::Count(0)));
        assert_eq!(value(Setting::Verbose), Some(Value::Count(1)));
        assert_eq!(value(Setting::Resolve), Some(Value::List(vec!["a:1:::1".into(), "b:2:127.0.0.1".into()])));
        assert_eq!(value(Setting::Region), None);
    }

    #[test]
    fn a_variable_that_does_not_fit_is_named() {
        for word in ["not-sent", "not_sent"] {
            let layer = Layer::from_variables(&environment(&[("VESCLI_AS", word)])).unwrap();
            assert_eq!(layer.get(Setting::As).map(|entry| entry.value.clone()), Some(Value::Text(word.into())));
        }
        for (name, text, message) in [
            ("VESCLI_RETRIES", "two", "VESCLI_RETRIES: `two` is not a whole number from 0 on"),
            ("VESCLI_DRY_RUN", "maybe", "VESCLI_DRY_RUN: `maybe` is neither on nor off: use 1 or 0"),
            (
                "VESCLI_ENVIRONMENT",
                "prodution",
                "VESCLI_ENVIRONMENT: `prodution` is not one of production, staging, development; did you mean `production`?",
            ),
        ] {
            let error = Layer::from_variables(&environment(&[(name, text)])).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}

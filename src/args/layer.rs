//! Values of settings as they were given, each with its origin, before they are laid over each other and checked.
//! Flags, variables, and the tables of the file are all layers of this one type.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;
use thiserror::Error;

use super::environment::{Environment, NotUtf8};
use super::nearest::did_you_mean;
use super::secret_variables::{P12_PASSWORD_VARIABLE, TOKEN_VARIABLE};
use super::settings_table::{Kind, Setting, SettingSpec, specs};
use super::value::{Value, parse_value};

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag, named without its hyphens.
    Flag(&'static str),
    /// A `VESCLI_` variable.
    Variable(String),
    /// The configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
        /// The column in characters, from 1 on.
        column: usize,
        /// The table: `defaults` or `profiles.NAME`.
        table: String,
    },
    /// A variable that other tools read as well: F5's own names, and the usual ones for proxies.
    ForeignVariable(String),
    /// Built in.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) | Self::ForeignVariable(name) => f.write_str(name),
            Self::File { path, line, column, table } => write!(f, "{}:{line}:{column} [{table}]", path.display()),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// A value and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub value: Value,
    /// Where it was given.
    pub origin: Origin,
}

/// What one source gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer(BTreeMap<Setting, Given>);

/// A value that does not fit its setting.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{origin}: {reason}")]
pub struct ValueError {
    /// Which setting.
    pub key: Setting,
    /// Where the value was given.
    pub origin: Origin,
    /// What is wrong with it and what to do.
    pub reason: String,
}

/// A variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VariableError {
    /// It is no text.
    #[error(transparent)]
    NotUtf8(#[from] NotUtf8),
    /// It does not fit its setting.
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl Layer {
    /// What was given for a key.
    pub fn get(&self, key: Setting) -> Option<&Given> {
        self.0.get(&key)
    }

    /// What was given for some keys.
    pub fn only(&self, keys: &[Setting]) -> Self {
        let kept = keys.iter().filter_map(|key| self.0.get_key_value(key));
        Self(kept.map(|(key, given)| (*key, given.clone())).collect())
    }

    /// Adds or replaces a value.
    pub fn set(&mut self, key: Setting, value: Value, origin: Origin) {
        self.0.insert(key, Given { value, origin });
    }

    /// Whether a switch is given and on.
    pub fn is_on(&self, key: Setting) -> bool {
        self.get(key).is_some_and(|given| given.value == Value::Switch(true))
    }

    /// The flags that were typed.
    pub fn of_flags(matches: &ArgMatches) -> Self {
        let mut layer = Self::default();
        for spec in specs().filter(|spec| spec.is_flag()) {
            let typed = matches.try_contains_id(spec.flag).is_ok_and(|contained| contained)
                && matches.value_source(spec.flag) == Some(ValueSource::CommandLine);
            if typed && let Some(value) = typed_value(matches, spec) {
                layer.set(spec.setting, value, Origin::Flag(spec.flag));
            }
        }
        layer
    }

    /// The `VESCLI_` variables that are set.
    ///
    /// # Errors
    /// [`VariableError`] for the first one that does not fit its setting.
    pub fn of_variables(environment: &Environment) -> Result<Self, VariableError> {
        Self::of_named(environment, |spec| {
            spec.is_flag().then(|| spec.variable()).map(|name| (Origin::Variable(name.clone()), name))
        })
    }

    /// The variables of F5's own tools that are set.
    ///
    /// # Errors
    /// [`VariableError`] for the first one that does not fit its setting.
    pub fn of_f5_variables(environment: &Environment) -> Result<Self, VariableError> {
        Self::of_named(environment, |spec| {
            spec.f5_variable.map(|name| (Origin::ForeignVariable(name.to_owned()), name.to_owned()))
        })
    }

    /// The built-in values.
    pub fn of_defaults() -> Self {
        let mut layer = Self::default();
        for spec in specs() {
            if let Some(value) = spec.default.and_then(|text| parse_value(spec.kind, text).ok()) {
                layer.set(spec.setting, value, Origin::BuiltIn);
            }
        }
        layer
    }

    fn of_named(
        environment: &Environment,
        name_of: impl Fn(&SettingSpec) -> Option<(Origin, String)>,
    ) -> Result<Self, VariableError> {
        let mut layer = Self::default();
        for spec in specs() {
            let Some((origin, name)) = name_of(spec) else {
                continue;
            };
            if let Some(text) = environment.text(&name)? {
                let value = parse_value(spec.kind, text).map_err(|reason| ValueError {
                    key: spec.setting,
                    origin: origin.clone(),
                    reason,
                })?;
                layer.set(spec.setting, value, origin);
            }
        }
        Ok(layer)
    }
}

fn typed_value(matches: &ArgMatches, spec: &SettingSpec) -> Option<Value> {
    let id = spec.flag;
    match spec.kind {
        Kind::Text(_) | Kind::File | Kind::Choice(_) | Kind::Duration => {
            matches.get_one::<String>(id).map(|text| Value::Text(text.clone()))
        }
        Kind::Switch => Some(Value::Switch(matches.get_flag(id))),
        Kind::Level => Some(Value::Count(u64::from(matches.get_count(id)))),
        Kind::Count => matches.get_one::<u64>(id).copied().map(Value::Count),
        Kind::List(_) => matches.get_many::<String>(id).map(|items| Value::List(items.cloned().collect())),
    }
}

/// A warning for each variable that begins with `VESCLI_` and is none of ours: most likely a slip.
pub fn unknown_variables(environment: &Environment) -> Vec<String> {
    let mut known: Vec<String> = specs().filter(|spec| spec.is_flag()).map(SettingSpec::variable).collect();
    known.extend([TOKEN_VARIABLE, P12_PASSWORD_VARIABLE, SANDBOX_VARIABLE].map(str::to_owned));
    environment
        .names()
        .filter(|name| name.starts_with("VESCLI_") && !known.iter().any(|known| known == name))
        .map(|name| {
            let near = did_you_mean(name, known.iter().map(String::as_str));
            format!("the variable {name} is not known and was not used{near}")
        })
        .collect()
}

/// The variable that holds the sandbox's origin. A request to that origin is a rehearsal: its journals lie apart.
pub const SANDBOX_VARIABLE: &str = "VESCLI_SANDBOX";

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().copied().collect()
    }

    #[test]
    fn every_row_with_a_default_has_one_that_parses() {
        for spec in specs().filter(|spec| spec.default.is_some()) {
            assert!(Layer::of_defaults().get(spec.setting).is_some(), "{}", spec.flag);
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
        let layer = Layer::of_variables(&given).unwrap();
        let value = |key| layer.get(key).map(|given| given.value.clone());
        assert_eq!(value(Setting::Tenant), Some(Value::Text("acme".into())));
        assert_eq!(value(Setting::DryRun), Some(Value::Switch(true)));
        assert_eq!(value(Setting::Retries), Some(Value::Count(0)));
        assert_eq!(value(Setting::Verbose), Some(Value::Count(1)));
        assert_eq!(value(Setting::Resolve), Some(Value::List(vec!["a:1:::1".into(), "b:2:127.0.0.1".into()])));
        assert_eq!(value(Setting::Region), None);
    }

    #[test]
    fn a_variable_that_does_not_fit_is_named() {
        for (name, text, message) in [
            ("VESCLI_RETRIES", "two", "VESCLI_RETRIES: `two` is not a whole number from 0 on"),
            ("VESCLI_DRY_RUN", "maybe", "VESCLI_DRY_RUN: `maybe` is neither on nor off: use 1 or 0"),
            (
                "VESCLI_ENVIRONMENT",
                "prodution",
                "VESCLI_ENVIRONMENT: `prodution` is not one of production, staging, development; did you mean `production`?",
            ),
        ] {
            let error = Layer::of_variables(&environment(&[(name, text)])).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_mistyped_variable_is_told() {
        assert_eq!(
            unknown_variables(&environment(&[("VESCLI_REGOIN", "x"), ("VESCLI_TOKEN", "t"), ("OTHER", "")])),
            ["the variable VESCLI_REGOIN is not known and was not used; did you mean `VESCLI_REGION`?"]
        );
    }
}

//! The environment of the process, taken once at the start and handed on, so that nothing further in reads it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// A snapshot of the environment variables.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one door to the environment")]
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable. An empty one counts as not set: CI systems pass a missing secret as an empty text.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The same as text.
    ///
    /// # Errors
    /// The variable's name when its value is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>, NotUtf8> {
        self.get(name).map(|value| value.to_str().ok_or_else(|| NotUtf8(name.to_owned()))).transpose()
    }

    /// The names of all variables that are set, those that are not UTF-8 left out.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.to_str())
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// A variable whose value is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: its value is not UTF-8 text")]
pub struct NotUtf8(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set_and_debug_shows_no_value() {
        let environment: Environment = [("A", ""), ("B", "s3cret")].into_iter().collect();
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.text("B"), Ok(Some("s3cret")));
        assert_eq!(format!("{environment:?}"), r#"["A", "B"]"#);
    }
}

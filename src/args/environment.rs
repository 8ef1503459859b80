//! The environment of the process. It is read once at the start and passed on, so that nothing else reads it. The variables
//! that contain a secret or lead to one are listed here for the sandbox, the token command and the help.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::did_you_mean;
use super::settings_table::{Group, Kind, SettingSpec, specs};

/// A snapshot of the environment variables.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "the one door to the environment")]
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable. An empty one counts as not set: CI systems pass a missing secret as an empty text.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable exists, even with an empty value.
    pub fn is_set(&self, name: &str) -> bool {
        self.0.contains_key(OsStr::new(name))
    }

    /// The names of all variables that are set, except those that are not UTF-8.
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

pub const TOKEN_VARIABLE: &str = "VESCLI_TOKEN";
pub const P12_PASSWORD_VARIABLE: &str = "VESCLI_P12_PASSWORD";
/// F5's own tools keep the token here.
pub const F5_TOKEN_VARIABLE: &str = "F5XC_API_TOKEN";
/// F5's own tools keep the password of the PKCS#12 file here.
pub const F5_PASSWORD_VARIABLE: &str = "VES_P12_PASSWORD";
pub const PROXY_VARIABLE: &str = "VESCLI_PROXY";
/// The sandbox's origin. A request to that origin is a rehearsal: its journals are kept apart.
pub const SANDBOX_VARIABLE: &str = "VESCLI_SANDBOX";

const SECRET_VARIABLES: [&str; 4] = [TOKEN_VARIABLE, P12_PASSWORD_VARIABLE, F5_TOKEN_VARIABLE, F5_PASSWORD_VARIABLE];
/// The URL of a proxy, with or without a password.
const PROXY_VARIABLES: [&str; 7] =
    [PROXY_VARIABLE, "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// The variables that the token command must not see: secrets, and vescli's own proxy. The usual proxy variables stay,
/// because the command may need them to reach its own server. Paths are not secrets, so they stay too.
pub fn hidden_from_token_command() -> impl Iterator<Item = &'static str> {
    SECRET_VARIABLES.into_iter().chain([PROXY_VARIABLE])
}

/// The variables that a rehearsal does not see: every credential, and every proxy with a user or a password. vescli's own
/// proxy is always hidden, because a rehearsal does not use it. Another proxy without a password stays visible, because
/// other commands of a runbook may need it.
pub fn hidden_from_rehearsal(environment: &Environment) -> impl Iterator<Item = String> {
    let is_plain = |name: &str| environment.get(name).is_some_and(|url| !url.as_encoded_bytes().contains(&b'@'));
    let proxies = PROXY_VARIABLES.into_iter().filter(move |name| *name == PROXY_VARIABLE || !is_plain(name));
    let credential_files = || specs().filter(|spec| spec.group == Group::Credential && spec.kind == Kind::File);
    let f5_files = credential_files().filter_map(|spec| spec.f5_variable);
    let others = SECRET_VARIABLES.into_iter().chain(f5_files).chain(["VOLT_API_CA_CERT"]).chain(proxies);
    credential_files().map(SettingSpec::variable).chain(others.map(str::to_owned))
}

/// A warning for each unknown variable that begins with `VESCLI_`: most likely a mistyped name.
pub fn unknown_variables(environment: &Environment) -> Vec<String> {
    let mut known: Vec<String> = specs().filter(|spec| spec.is_flag()).map(SettingSpec::variable).collect();
    known.extend([TOKEN_VARIABLE, P12_PASSWORD_VARIABLE, SANDBOX_VARIABLE].map(str::to_owned));
    let is_unknown = |name: &&str| name.starts_with("VESCLI_") && !known.iter().any(|known| known == name);
    let warning = |name| {
        let suggestion = did_you_mean(name, known.iter().map(String::as_str));
        format!("the variable {name} is not known and was not used{suggestion}")
    };
    environment.names().filter(is_unknown).map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::settings_table::Setting;

    #[test]
    fn an_empty_variable_counts_as_not_set_and_debug_shows_no_value() {
        let environment: Environment = [("A", ""), ("B", "s3cret")].into_iter().collect();
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.text("B"), Ok(Some("s3cret")));
        assert_eq!(format!("{environment:?}"), r#"["A", "B"]"#);
    }

    #[test]
    fn a_rehearsal_gets_no_credential_and_no_proxy_with_a_password() {
        let environment: Environment = [
            ("HTTPS_PROXY", "http://proxy.example:3128"),
            ("ALL_PROXY", "http://ada:hunter2@proxy.example:3128"),
            ("VESCLI_PROXY", "http://proxy.example:3128"),
        ]
        .into_iter()
        .collect();
        let hidden: Vec<_> = hidden_from_rehearsal(&environment).collect();
        let is_hidden = |name: &str| hidden.iter().any(|hidden| hidden == name);
        assert!(!is_hidden("HTTPS_PROXY"));
        let others = ["F5XC_API_TOKEN", "VESCLI_P12_PASSWORD", "VOLT_API_CA_CERT"];
        for name in others.into_iter().chain(["ALL_PROXY", "VESCLI_PROXY"]) {
            assert!(is_hidden(name), "{name}");
        }
        let credentials = specs().filter(|spec| spec.group == Group::Credential && spec.is_flag());
        for spec in credentials.filter(|spec| spec.setting != Setting::NoAuth) {
            assert!(is_hidden(&spec.variable()), "{}", spec.variable());
            assert!(spec.f5_variable.is_none_or(is_hidden), "{:?}", spec.f5_variable);
        }
    }

    #[test]
    fn a_mistyped_variable_is_reported() {
        let environment: Environment =
            [("VESCLI_REGOIN", "x"), ("VESCLI_TOKEN", "t"), ("OTHER", "")].into_iter().collect();
        assert_eq!(
            unknown_variables(&environment),
            ["the variable VESCLI_REGOIN is not known and was not used; did you mean `VESCLI_REGION`?"]
        );
    }
}

//! The environment variables that hold a secret or lead to one: the one table of the program. Whatever has to know them
//! (the sandbox, a token command, the help) takes them from here, so that none can be forgotten in one place.

use super::environment::Environment;

/// The variable that holds the API token.
pub const TOKEN_VARIABLE: &str = "VESCLI_TOKEN";
/// The variable that holds the password of the PKCS#12 file.
pub const P12_PASSWORD_VARIABLE: &str = "VESCLI_P12_PASSWORD";
/// The variable in which F5's own tools keep the token.
pub const F5_TOKEN_VARIABLE: &str = "F5XC_API_TOKEN";
/// The variable in which F5's own tools keep the password of the PKCS#12 file.
pub const F5_PASSWORD_VARIABLE: &str = "VES_P12_PASSWORD";
/// Our own variable for a proxy.
pub const PROXY_VARIABLE: &str = "VESCLI_PROXY";

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A token or a password itself.
    Secret,
    /// The path of a file that belongs to a credential.
    CredentialFile,
    /// The URL of a proxy, which may hold a password.
    Proxy,
}

/// All of them.
pub const SECRET_VARIABLES: &[(&str, Holds)] = &[
    (TOKEN_VARIABLE, Holds::Secret),
    (P12_PASSWORD_VARIABLE, Holds::Secret),
    (F5_TOKEN_VARIABLE, Holds::Secret),
    (F5_PASSWORD_VARIABLE, Holds::Secret),
    ("VESCLI_TOKEN_FILE", Holds::CredentialFile),
    ("VESCLI_CERT", Holds::CredentialFile),
    ("VESCLI_KEY", Holds::CredentialFile),
    ("VESCLI_P12", Holds::CredentialFile),
    ("VESCLI_P12_PASSWORD_FILE", Holds::CredentialFile),
    ("VOLT_API_CERT", Holds::CredentialFile),
    ("VOLT_API_KEY", Holds::CredentialFile),
    ("VOLT_API_P12_FILE", Holds::CredentialFile),
    ("VOLT_API_CA_CERT", Holds::CredentialFile),
    (PROXY_VARIABLE, Holds::Proxy),
    ("https_proxy", Holds::Proxy),
    ("HTTPS_PROXY", Holds::Proxy),
    ("http_proxy", Holds::Proxy),
    ("HTTP_PROXY", Holds::Proxy),
    ("all_proxy", Holds::Proxy),
    ("ALL_PROXY", Holds::Proxy),
];

/// The variables that a command which gives the token has no business to see: the secrets, and our own proxy. The usual
/// proxy variables stay, because the command may need them to reach its own server, and so do paths, which are no secrets.
pub fn hidden_from_token_command() -> impl Iterator<Item = &'static str> {
    SECRET_VARIABLES
        .iter()
        .filter(|(name, holds)| *holds == Holds::Secret || *name == PROXY_VARIABLE)
        .map(|(name, _)| *name)
}

/// The variables that a rehearsal does without: every credential, and every proxy with a user or a password. Our own proxy
/// goes in any case, because nothing that is rehearsed is reached through it; another one without a password may serve the
/// other commands of a runbook.
pub fn hidden_from_rehearsal(environment: &Environment) -> impl Iterator<Item = &'static str> {
    let is_plain_proxy = |name: &str| {
        let url = environment.get(name);
        url.is_some_and(|url| !url.as_encoded_bytes().contains(&b'@'))
    };
    SECRET_VARIABLES
        .iter()
        .map(|(name, holds)| (*name, *holds))
        .filter(move |(name, holds)| *holds != Holds::Proxy || *name == PROXY_VARIABLE || !is_plain_proxy(name))
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::settings_table::{Group, Setting, specs};

    #[test]
    fn every_variable_of_a_credential_is_in_the_table() {
        let holds = |name: &str| SECRET_VARIABLES.iter().any(|(known, _)| *known == name);
        let credentials = specs()
            .filter(|spec| spec.group == Group::Credential && spec.is_flag())
            .filter(|spec| spec.setting != Setting::NoAuth);
        for spec in credentials {
            assert!(holds(&spec.variable()), "{}", spec.variable());
            assert!(spec.f5_variable.is_none_or(holds), "{:?}", spec.f5_variable);
        }
        assert!(holds(&Setting::Proxy.spec().variable()));
    }

    #[test]
    fn a_proxy_without_a_password_stays_for_the_rehearsal() {
        let environment: Environment = [
            ("HTTPS_PROXY", "http://proxy.example:3128"),
            ("ALL_PROXY", "http://ada:hunter2@proxy.example:3128"),
            ("VESCLI_PROXY", "http://proxy.example:3128"),
        ]
        .into_iter()
        .collect();
        let hidden: Vec<_> = hidden_from_rehearsal(&environment).collect();
        assert!(!hidden.contains(&"HTTPS_PROXY"));
        for name in ["ALL_PROXY", "VESCLI_PROXY", "VOLT_API_KEY", "F5XC_API_TOKEN"] {
            assert!(hidden.contains(&name), "{name}");
        }
    }
}

//! Which credential is used. It is taken whole from the strongest source that names one (a table of the file is a
//! source of its own), so that halves of two credentials are never put together; and one that a file names is bound
//! to the host of the table that names it, see `binding`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::binding;
pub use super::credential_error::CredentialError;
use super::error::SettingsError;
use super::identity::Identity;
use super::identity_error::IdentityError;
use super::identity_source::{IdentitySource, PasswordSource, identity_of, password_of};
use super::network;
use super::secret::Secret;
use super::sources::{Level, Sources};
use super::target::Target;
use super::token;
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin};
use crate::args::secret_variables::{F5_TOKEN_VARIABLE, TOKEN_VARIABLE};
use crate::args::settings_table::Setting;
use crate::args::value::Value;

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A variable.
    Variable(String, Secret),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// A command, run without a shell.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// How long it may take.
        limit: Duration,
    },
}

/// Which credential is used, before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialPlan {
    /// The token, with its origin.
    pub token: Option<(TokenSource, Origin)>,
    /// The client certificate, with its origin.
    pub identity: Option<(IdentitySource, Origin)>,
}

/// A credential that was read. `Debug` does not show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// The token.
    pub token: Option<Secret>,
    /// The client certificate.
    pub identity: Option<Identity>,
}

impl CredentialPlan {
    /// Finds the credential, and checks that it may go to the target.
    ///
    /// # Errors
    /// [`SettingsError::Credential`] when it belongs to another host, or is half of one.
    pub fn resolve(sources: &Sources, environment: &Environment, target: &Target) -> Result<Self, SettingsError> {
        // The strongest layer that says anything of `no_auth` decides what the weaker ones say of it.
        let mut no_auth_is_off = false;
        let limit = network::duration(sources, Setting::TokenCommandTimeout)?;
        for (index, (level, layer)) in sources.layers().enumerate() {
            let no_auth = layer.is_on(Setting::NoAuth) && !no_auth_is_off;
            no_auth_is_off |= layer.get(Setting::NoAuth).is_some() && !no_auth;
            let Some(plan) = Self::of_layer(level, layer, no_auth, environment, limit)? else {
                continue;
            };
            if let (Level::File, Some(origin)) = (level, plan.origin()) {
                binding::check(sources, index, origin, target)?;
            }
            return plan.with_password(sources, environment);
        }
        Self::default().with_password(sources, environment)
    }

    /// Finds the password of a PKCS#12 file. One that is named on the command line for no such file is a mistake.
    fn with_password(mut self, sources: &Sources, environment: &Environment) -> Result<Self, SettingsError> {
        if let Some((IdentitySource::P12 { password, .. }, _)) = &mut self.identity {
            *password = password_of(sources, environment)?;
        } else if let Some((Level::Flag, given)) = sources.pick_with_level(Setting::P12PasswordFile) {
            return Err(IdentityError::PasswordAlone.at(&given.origin).into());
        }
        Ok(self)
    }

    /// The credential that one layer names. `no_auth` names none, and that is an answer too.
    fn of_layer(
        level: Level,
        layer: &Layer,
        no_auth: bool,
        environment: &Environment,
        limit: Duration,
    ) -> Result<Option<Self>, SettingsError> {
        if no_auth {
            return Ok(Some(Self::default()));
        }
        let secret = |name: &str| -> Result<_, SettingsError> {
            let text = environment.text(name)?;
            Ok(text.map(|text| TokenSource::Variable(name.to_owned(), Secret::new(text.to_owned()))))
        };
        let variable = match level {
            Level::Variable => {
                secret(TOKEN_VARIABLE)?.map(|token| (token, Origin::Variable(TOKEN_VARIABLE.to_owned())))
            }
            Level::Foreign => {
                secret(F5_TOKEN_VARIABLE)?.map(|token| (token, Origin::ForeignVariable(F5_TOKEN_VARIABLE.to_owned())))
            }
            Level::Flag | Level::File | Level::BuiltIn => None,
        };
        let plan = Self { token: variable.or_else(|| token_of(layer, limit)), identity: identity_of(layer)? };
        Ok((plan != Self::default()).then_some(plan))
    }

    /// Where the credential was named.
    fn origin(&self) -> Option<&Origin> {
        let token = self.token.as_ref().map(|(_, origin)| origin);
        token.or(self.identity.as_ref().map(|(_, origin)| origin))
    }

    /// The password of a PKCS#12 file that stands in a variable.
    pub fn password(&self) -> Option<&Secret> {
        match &self.identity {
            Some((IdentitySource::P12 { password: Some((PasswordSource::Variable(_, secret), _)), .. }, _)) => {
                Some(secret)
            }
            _ => None,
        }
    }

    /// Reads the credential: files, standard input, or the output of a command.
    ///
    /// # Errors
    /// [`CredentialError`] when it cannot be had, can be read by others, or cannot be used.
    pub fn load(&self, environment: &Environment) -> Result<Credential, CredentialError> {
        let token = self.token.as_ref().map(|(source, origin)| token::read(source, origin, environment));
        let identity = self.identity.as_ref().map(|(source, origin)| Identity::load(source, origin, SystemTime::now()));
        Ok(Credential { token: token.transpose()?, identity: identity.transpose()? })
    }
}

fn token_of(layer: &Layer, limit: Duration) -> Option<(TokenSource, Origin)> {
    if let Some(given) = layer.get(Setting::TokenFile) {
        let source = match given.value.to_string() {
            path if path == "-" => TokenSource::Stdin,
            path => TokenSource::File(PathBuf::from(path)),
        };
        return Some((source, given.origin.clone()));
    }
    let given = layer.get(Setting::TokenCommand)?;
    match &given.value {
        Value::List(words) => {
            let words = words.clone();
            Some((TokenSource::Command { words, limit }, given.origin.clone()))
        }
        Value::Text(_) | Value::Switch(_) | Value::Count(_) => None,
    }
}

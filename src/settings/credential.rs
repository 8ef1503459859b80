//! Which credential is used. It is taken whole from the strongest source that names one (a table of the file is a
//! source of its own), so that halves of two credentials are never put together; and one that a file names is bound
//! to the host of the table that names it, see `binding`.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use thiserror::Error;

use super::binding;
use super::error::SettingsError;
use super::identity::Identity;
use super::identity_error::IdentityError;
use super::identity_source::{IdentitySource, PasswordSource, identity_of, password_of};
use super::secret::{Secret, keep_out_of_core_files};
use super::sources::{Level, Sources};
use super::target::Target;
use super::token;
use crate::cli::args::environment::Environment;
use crate::cli::args::keys::Key;
use crate::cli::args::layer::{Layer, Origin};
use crate::cli::args::secret_variables::{F5_TOKEN_VARIABLE, TOKEN_VARIABLE};
use crate::cli::args::value::Value;

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
    Command(Vec<String>),
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

/// Why a credential cannot be used.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The file is not there.
    #[error("{origin}: there is no file {path}", path = .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
    },
    /// The file cannot be read.
    #[error("{origin}: {path} cannot be read: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// Why.
        source: io::Error,
    },
    /// Others can read the file.
    #[error("{origin}: {path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to somebody else.
    #[error("{origin}: {path} belongs to another user (uid {owner}): use a file of your own", path = .path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// The owner's user id.
        owner: u32,
    },
    /// No regular file.
    #[error("{origin}: {path} is not a regular file; a token can be read from a pipe with `--token-file -`", path = .path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
    },
    /// The token cannot be one.
    #[error("{origin}: the token {reason}")]
    Token {
        /// Where it comes from.
        origin: Origin,
        /// What is wrong with it; never the token.
        reason: &'static str,
    },
    /// The command failed.
    #[error("{origin}: the command `{program}` {reason}")]
    Command {
        /// Where it was named.
        origin: Origin,
        /// Its first word.
        program: String,
        /// What went wrong.
        reason: String,
    },
    /// Standard input failed.
    #[error("--token-file -: standard input cannot be read: {0}")]
    Stdin(io::Error),
    /// The client certificate.
    #[error("{origin}: {error}")]
    Identity {
        /// Where it was named.
        origin: Origin,
        /// What is wrong with it.
        error: IdentityError,
    },
    /// The credential belongs to another host.
    #[error(
        "the credential of {origin} belongs to {bound}, but the request goes to {target}: \
         {remedy}"
    )]
    Bound {
        /// Where the credential was named.
        origin: Origin,
        /// The host of the table that names it.
        bound: String,
        /// The host that the request goes to.
        target: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The host that the credential belongs to cannot be computed, so nothing is known to be that host.
    #[error(
        "the credential of {origin} is not sent to {target}, because the host that it belongs to cannot be computed \
         ({reason}): correct that in the file, give a credential for this host with VESCLI_TOKEN or --token-file, or --no-auth"
    )]
    Unbound {
        /// Where the credential was named.
        origin: Origin,
        /// The host that the request goes to.
        target: String,
        /// Why there is no such host.
        reason: String,
    },
}

impl CredentialPlan {
    /// Finds the credential, and checks that it may go to the target.
    ///
    /// # Errors
    /// [`SettingsError::Credential`] when it belongs to another host, or is half of one.
    pub fn resolve(
        sources: &Sources,
        environment: &Environment,
        target: &Target,
    ) -> Result<Self, SettingsError> {
        // The strongest layer that says anything of `no_auth` decides what the weaker ones say of it.
        let mut no_auth_is_off = false;
        for (index, (level, layer)) in sources.layers().enumerate() {
            let no_auth = layer.is_on(Key::NoAuth) && !no_auth_is_off;
            no_auth_is_off |= layer.get(Key::NoAuth).is_some() && !no_auth;
            let Some(plan) = Self::of_layer(level, layer, no_auth, environment)? else {
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
    fn with_password(
        mut self,
        sources: &Sources,
        environment: &Environment,
    ) -> Result<Self, SettingsError> {
        if let Some((IdentitySource::P12 { password, .. }, _)) = &mut self.identity {
            *password = password_of(sources, environment)?;
        } else if let Some((Level::Flag, given)) = sources.pick_with_level(Key::P12PasswordFile) {
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
    ) -> Result<Option<Self>, SettingsError> {
        if no_auth {
            return Ok(Some(Self::default()));
        }
        let secret = |name: &str| -> Result<_, SettingsError> {
            let text = environment.text(name)?;
            Ok(text
                .map(|text| TokenSource::Variable(name.to_owned(), Secret::new(text.to_owned()))))
        };
        let variable = match level {
            Level::Variable => secret(TOKEN_VARIABLE)?
                .map(|token| (token, Origin::Variable(TOKEN_VARIABLE.to_owned()))),
            Level::Foreign => secret(F5_TOKEN_VARIABLE)?
                .map(|token| (token, Origin::ForeignVariable(F5_TOKEN_VARIABLE.to_owned()))),
            Level::Flag | Level::File | Level::BuiltIn => None,
        };
        let plan = Self {
            token: variable.or_else(|| token_of(layer)),
            identity: identity_of(layer)?,
        };
        Ok((plan != Self::default()).then_some(plan))
    }

    /// Where the credential was named.
    fn origin(&self) -> Option<&Origin> {
        let token = self.token.as_ref().map(|(_, origin)| origin);
        token.or(self.identity.as_ref().map(|(_, origin)| origin))
    }

    /// The password of a PKCS#12 file that stands in a variable.
    #[must_use]
    pub fn password(&self) -> Option<&Secret> {
        match &self.identity {
            Some((
                IdentitySource::P12 {
                    password: Some((PasswordSource::Variable(_, secret), _)),
                    ..
                },
                _,
            )) => Some(secret),
            _ => None,
        }
    }

    /// Reads the credential: files, standard input, or the output of a command.
    ///
    /// # Errors
    /// [`CredentialError`] when it cannot be had, can be read by others, or cannot be used.
    pub fn load(&self, environment: &Environment) -> Result<Credential, CredentialError> {
        keep_out_of_core_files();
        let token = self
            .token
            .as_ref()
            .map(|(source, origin)| token::read(source, origin, environment));
        let identity = self
            .identity
            .as_ref()
            .map(|(source, origin)| Identity::load(source, origin, SystemTime::now()));
        Ok(Credential {
            token: token.transpose()?,
            identity: identity.transpose()?,
        })
    }
}

fn token_of(layer: &Layer) -> Option<(TokenSource, Origin)> {
    if let Some(given) = layer.get(Key::TokenFile) {
        let source = match given.value.to_string() {
            path if path == "-" => TokenSource::Stdin,
            path => TokenSource::File(PathBuf::from(path)),
        };
        return Some((source, given.origin.clone()));
    }
    let given = layer.get(Key::TokenCommand)?;
    match &given.value {
        Value::List(words) => Some((TokenSource::Command(words.clone()), given.origin.clone())),
        Value::Text(_) | Value::Switch(_) | Value::Count(_) => None,
    }
}

//! Which credential is used. It is taken whole from the strongest source that names one (a table of the file is a source of
//! its own), so that halves of two credentials are never put together. One that a file names is bound to the host of the
//! table that names it: flags and variables, F5's own included, have no part in that host, or a mistake in one would lead
//! the credential elsewhere.

pub mod certificate;
pub mod secret;
pub mod token;

use std::time::{Duration, SystemTime};

use certificate::{ClientCertificate, ClientCertificateSource, PasswordSource};
use secret::Secret;
use token::TokenSource;

use super::error::{ClientCertificateError, CredentialError, SettingsError};
use super::sources::{Level, Sources};
use super::target::Target;
use crate::args::environment::{Environment, F5_TOKEN_VARIABLE, TOKEN_VARIABLE};
use crate::args::layer::{Layer, Origin, ValueError};
use crate::args::settings_table::Setting;

/// Which credential is used, before it is read. Each part comes with the origin that names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialPlan {
    pub token: Option<(TokenSource, Origin)>,
    pub certificate: Option<(ClientCertificateSource, Origin)>,
}

/// A credential that was read. `Debug` does not show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credential {
    pub token: Option<Secret>,
    pub certificate: Option<ClientCertificate>,
}

impl CredentialPlan {
    /// Finds the credential, and checks that it may go to the target.
    ///
    /// # Errors
    /// [`SettingsError::Credential`] when it belongs to another host, or is half of one.
    pub fn resolve(sources: &Sources, environment: &Environment, target: &Target) -> Result<Self, SettingsError> {
        // The strongest layer that says anything of `no_auth` decides what the weaker ones say of it.
        let mut no_auth_is_off = false;
        let limit = sources.duration(Setting::TokenCommandTimeout)?;
        for (index, (level, layer)) in sources.layers().enumerate() {
            let no_auth = layer.is_on(Setting::NoAuth) && !no_auth_is_off;
            no_auth_is_off |= layer.get(Setting::NoAuth).is_some() && !no_auth;
            // `no_auth` names no credential, and that is an answer too.
            let plan = if no_auth { Self::default() } else { Self::of_layer(level, layer, environment, limit)? };
            if plan == Self::default() && !no_auth {
                continue;
            }
            if let (Level::File, Some(origin)) = (level, plan.origin()) {
                check_host(sources, index, origin, target)?;
            }
            return plan.with_password(sources, environment);
        }
        Self::default().with_password(sources, environment)
    }

    /// Finds the password of a PKCS#12 file. One that the command line names without such a file is a mistake.
    fn with_password(mut self, sources: &Sources, environment: &Environment) -> Result<Self, SettingsError> {
        if let Some((ClientCertificateSource::P12 { password, .. }, _)) = &mut self.certificate {
            *password = PasswordSource::find(sources, environment)?;
        } else if let Some((Level::Flag, entry)) = sources.pick_with_level(Setting::P12PasswordFile) {
            return Err(ClientCertificateError::PasswordAlone.at(&entry.origin).into());
        }
        Ok(self)
    }

    fn of_layer(
        level: Level,
        layer: &Layer,
        environment: &Environment,
        limit: Duration,
    ) -> Result<Self, SettingsError> {
        let variable = |name: &str| -> Result<_, ValueError> {
            let text = environment.text(name)?;
            let source = text.map(|text| TokenSource::Variable(name.to_owned(), Secret::new(text.to_owned())));
            Ok(source.map(|source| (source, level.origin_of_variable(name))))
        };
        let variable = match level {
            Level::Variable => variable(TOKEN_VARIABLE)?,
            Level::Foreign => variable(F5_TOKEN_VARIABLE)?,
            Level::Flag | Level::File | Level::BuiltIn => None,
        };
        Ok(Self {
            token: variable.or_else(|| TokenSource::of_layer(layer, limit)),
            certificate: ClientCertificateSource::of_layer(layer)?,
        })
    }

    fn origin(&self) -> Option<&Origin> {
        let token = self.token.as_ref().map(|(_, origin)| origin);
        token.or(self.certificate.as_ref().map(|(_, origin)| origin))
    }

    /// The password of a PKCS#12 file, if a variable contains it.
    pub fn password(&self) -> Option<&Secret> {
        match &self.certificate {
            Some((
                ClientCertificateSource::P12 { password: Some((PasswordSource::Variable(_, secret), _)), .. },
                _,
            )) => Some(secret),
            _ => None,
        }
    }

    /// Reads the credential: files, standard input, or the output of a command.
    ///
    /// # Errors
    /// [`CredentialError`] when it cannot be read, can be read by others, or cannot be used.
    pub fn load(&self, environment: &Environment) -> Result<Credential, CredentialError> {
        let token = self.token.as_ref().map(|(source, origin)| source.read(origin, environment));
        let now = SystemTime::now();
        let certificate =
            self.certificate.as_ref().map(|(source, origin)| ClientCertificate::load(source, origin, now));
        Ok(Credential { token: token.transpose()?, certificate: certificate.transpose()? })
    }
}

/// Checks that the credential of the layer at `index`, a table of the file, may go to the target. When in doubt it is
/// refused.
///
/// # Errors
/// [`CredentialError`] with both hosts, or with the reason why the table's own cannot be computed.
fn check_host(sources: &Sources, index: usize, origin: &Origin, target: &Target) -> Result<(), CredentialError> {
    let target = target.origin();
    let bound = match Target::origin_of(&table_alone(sources, index)) {
        Ok(bound) => bound,
        Err(error) => {
            let reason = match error {
                SettingsError::Missing { .. } => "the file names neither `tenant` nor `base_url` for it".to_owned(),
                error => error.to_string(),
            };
            return Err(CredentialError::Unbound { origin: origin.clone(), target, reason });
        }
    };
    if bound == target {
        return Ok(());
    }
    let of_file = sources.filter_layers(|_, level, layer| {
        matches!(level, Level::File | Level::BuiltIn).then(|| layer.clone()).unwrap_or_default()
    });
    let remedy = if Target::origin_of(&of_file).is_ok_and(|own| own == target) {
        "a table that changes the host has to name its own credential"
    } else {
        "give a credential for that host with VESCLI_TOKEN or --token-file, or --no-auth"
    };
    Err(CredentialError::Bound { origin: origin.clone(), bound, target, remedy })
}

/// What decides the host of a table: itself, the profiles that it extends, and `[defaults]`. A table that names no host is
/// a template or `[defaults]`: its credential is meant for the host of the profile that extends it.
fn table_alone(sources: &Sources, index: usize) -> Sources {
    let below = |setting| {
        let mut layers = sources.layers().enumerate();
        layers.any(|(at, (level, layer))| at >= index && level == Level::File && layer.get(setting).is_some())
    };
    let has_host = below(Setting::Tenant) || below(Setting::BaseUrl);
    let has_console = below(Setting::Console);
    sources.filter_layers(|at, level, layer| {
        layer.only(match level {
            Level::BuiltIn => &[Setting::Console],
            Level::File if at >= index => &[Setting::Tenant, Setting::BaseUrl, Setting::Console],
            Level::File if has_host => &[],
            // A console that the table names may be completed by a tenant, and not be replaced.
            Level::File if has_console => &[Setting::Tenant],
            Level::File => &[Setting::Tenant, Setting::BaseUrl, Setting::Console],
            Level::Flag | Level::Variable | Level::Foreign => &[],
        })
    })
}

//! Which credential is used. All its parts come from the strongest source that names one (each table of the file is a source),
//! so parts of two credentials are never combined. A credential from the file is bound to the host of the table that names it.
//! Flags and variables, including those of F5's own tools, do not change that host: otherwise a mistake in one would send the
//! credential to another host.

pub mod certificate;
pub mod secret;
pub mod token;

use std::time::SystemTime;

use certificate::{ClientCertificate, ClientCertificateSource, PasswordSource};
use secret::{Secret, of_variable};
use token::TokenSource;

use super::error::SettingsError;
use super::sources::{Level, Sources};
use super::target::Target;
use crate::args::environment::{Environment, F5_TOKEN_VARIABLE, TOKEN_VARIABLE};
use crate::args::layer::{Entry, Origin};
use crate::args::settings_table::Setting;

/// Which credential is used, before it is read. Each part has the origin that names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialPlan {
    pub token: Option<(TokenSource, Origin)>,
    pub certificate: Option<(ClientCertificateSource, Origin)>,
}

/// A credential that was read.
#[derive(Clone, Default)]
pub struct Credential {
    pub token: Option<Secret>,
    pub certificate: Option<ClientCertificate>,
}

impl CredentialPlan {
    /// Finds the credential, and checks that it may go to the target.
    ///
    /// # Errors
    /// [`SettingsError`] if it belongs to another host, or is not complete.
    pub fn resolve(sources: &Sources, environment: &Environment, target: &Target) -> Result<Self, SettingsError> {
        let mut plan = Self::strongest(sources, environment, target)?;
        if let Some((ClientCertificateSource::P12 { password, .. }, _)) = &mut plan.certificate {
            *password = PasswordSource::find(sources, environment)?;
        } else if let Some(Entry { origin: origin @ Origin::Flag(_), .. }) = sources.pick(Setting::P12PasswordFile) {
            let reason = "it names a password, but no PKCS#12 file is in use: name one with --p12";
            return Err(SettingsError::unusable(origin, reason));
        }
        Ok(plan)
    }

    /// The credential of the strongest layer that names one, still without the password of a PKCS#12 file.
    fn strongest(sources: &Sources, environment: &Environment, target: &Target) -> Result<Self, SettingsError> {
        let limit = sources.duration(Setting::TokenCommandTimeout)?;
        for (index, (level, layer)) in sources.layers().enumerate() {
            // `no_auth` means that no credential is used. Only the strongest layer that has it counts.
            if layer.is_on(Setting::NoAuth) && layer.get(Setting::NoAuth) == sources.pick(Setting::NoAuth) {
                break;
            }
            let names = [TOKEN_VARIABLE, F5_TOKEN_VARIABLE];
            let variable = of_variable(level, environment, names, TokenSource::Variable)?;
            let plan = Self {
                token: variable.or_else(|| TokenSource::of_layer(layer, limit)),
                certificate: ClientCertificateSource::of_layer(layer)?,
            };
            if let Some(origin) = plan.origin() {
                if level == Level::File {
                    check_host(sources, index, origin, target)?;
                }
                return Ok(plan);
            }
        }
        Ok(Self::default())
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
    /// [`SettingsError`] when it cannot be read, can be read by others, or cannot be used.
    pub fn load(&self, environment: &Environment) -> Result<Credential, SettingsError> {
        let token = self.token.as_ref().map(|(source, origin)| source.read(origin, environment)).transpose()?;
        let certificate = self.certificate.as_ref();
        let load = |(source, origin): &_| ClientCertificate::load(source, origin, SystemTime::now());
        Ok(Credential { token, certificate: certificate.map(load).transpose()? })
    }
}

/// The settings that decide the host.
const HOST: &[Setting] = &[Setting::Tenant, Setting::BaseUrl, Setting::Console];

/// Checks that the credential of a table of the file, the layer at `index`, may be sent to the target. In doubt it is
/// refused.
///
/// # Errors
/// [`SettingsError`] with both hosts, or with the reason why the host of the table cannot be computed.
fn check_host(sources: &Sources, index: usize, origin: &Origin, target: &Target) -> Result<(), SettingsError> {
    let target = target.origin();
    let reason = match Target::origin_of(&table_alone(sources, index)) {
        Ok(bound) if bound == target => return Ok(()),
        Ok(bound) => {
            let file = sources.only(|_, level| if matches!(level, Level::File | Level::BuiltIn) { HOST } else { &[] });
            let remedy = if Target::origin_of(&file).is_ok_and(|own| own == target) {
                "a table that changes the host has to name its own credential"
            } else {
                "give a credential for that host with VESCLI_TOKEN or --token-file, or --no-auth"
            };
            format!("belongs to {bound}, but the request goes to {target}: {remedy}")
        }
        Err(error) => {
            let cause = match error {
                SettingsError::Missing { .. } => "the file names neither `tenant` nor `base_url` for it".to_owned(),
                error => error.to_string(),
            };
            format!(
                "is not sent to {target}, because the host that it belongs to cannot be computed ({cause}): correct that in the file, \
                 give a credential for this host with VESCLI_TOKEN or --token-file, or --no-auth"
            )
        }
    };
    Err(SettingsError::Bound { origin: origin.clone(), reason })
}

/// The sources that decide the host of a table: the table, the profiles that it extends, and `[defaults]`. A table without a
/// host is a template or `[defaults]`: its credential belongs to the host of the profile that extends it.
fn table_alone(sources: &Sources, index: usize) -> Sources {
    let own = sources.only(|at, level| if at >= index && level == Level::File { HOST } else { &[] });
    let names = |setting| own.pick(setting).is_some();
    sources.only(|at, level| match level {
        Level::BuiltIn => &[Setting::Console],
        Level::File if at >= index => HOST,
        Level::File if names(Setting::Tenant) || names(Setting::BaseUrl) => &[],
        // If the table only names a console, a profile that extends it may add a tenant, but not replace the console.
        Level::File if names(Setting::Console) => &[Setting::Tenant],
        Level::File => HOST,
        Level::Flag | Level::Variable | Level::Foreign => &[],
    })
}

//! Where a client certificate comes from, and where the password of a PKCS#12 file does, before anything is read.

use std::path::PathBuf;

use super::error::SettingsError;
use super::identity_error::IdentityError;
use super::secret::Secret;
use super::sources::{Level, Sources};
use crate::args::environment::Environment;
use crate::args::layer::{Layer, Origin};
use crate::args::secret_variables::{F5_PASSWORD_VARIABLE, P12_PASSWORD_VARIABLE};
use crate::args::settings_table::Setting;
use crate::settings::credential::CredentialError;

/// Where a client certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// PEM files; without a key of its own the certificate's file holds it.
    Pem {
        /// The certificate and its chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Where the key was named.
        key_origin: Origin,
    },
    /// A PKCS#12 file, which holds both.
    P12 {
        /// The file.
        file: PathBuf,
        /// Its password; none is tried as the empty one.
        password: Option<(PasswordSource, Origin)>,
    },
}

/// Where the password of a PKCS#12 file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// A variable.
    Variable(String, Secret),
    /// A file.
    File(PathBuf),
}

/// The client certificate that one layer names, still without a password.
///
/// # Errors
/// [`CredentialError::Identity`] for a key without a certificate, and for a certificate in two forms.
pub(super) fn identity_of(layer: &Layer) -> Result<Option<(IdentitySource, Origin)>, CredentialError> {
    let path = |key| layer.get(key).map(|given| (PathBuf::from(given.value.to_string()), given.origin.clone()));
    match (path(Setting::Cert), path(Setting::CertKey), path(Setting::P12)) {
        (Some((_, other)), _, Some((_, origin))) | (None, Some((_, other)), Some((_, origin))) => {
            Err(IdentityError::Twice { other }.at(&origin))
        }
        (Some((cert, origin)), key, None) => {
            let (key, key_origin) = key.unwrap_or_else(|| (cert.clone(), origin.clone()));
            let source = IdentitySource::Pem { cert, key, key_origin };
            Ok(Some((source, origin)))
        }
        (None, Some((_, origin)), None) => Err(IdentityError::KeyAlone.at(&origin)),
        (None, None, Some((file, origin))) => {
            let password = None;
            Ok(Some((IdentitySource::P12 { file, password }, origin)))
        }
        (None, None, None) => Ok(None),
    }
}

/// The password for the PKCS#12 file in use, wherever the file was named: a flag cannot carry a secret, so the
/// variable serves a file that a flag names as well. It opens a file and goes nowhere, so it is bound to no host.
///
/// # Errors
/// [`SettingsError::NotUtf8`] when a variable is no text.
pub(super) fn password_of(
    sources: &Sources,
    environment: &Environment,
) -> Result<Option<(PasswordSource, Origin)>, SettingsError> {
    let variable = |name: &str| -> Result<_, SettingsError> {
        let text = environment.text(name)?;
        Ok(text.map(|text| PasswordSource::Variable(name.to_owned(), Secret::new(text.to_owned()))))
    };
    for (level, layer) in sources.layers() {
        let own = match level {
            Level::Variable => variable(P12_PASSWORD_VARIABLE)?
                .map(|source| (source, Origin::Variable(P12_PASSWORD_VARIABLE.to_owned()))),
            Level::Foreign => variable(F5_PASSWORD_VARIABLE)?.map(|source| {
                let origin = Origin::ForeignVariable(F5_PASSWORD_VARIABLE.to_owned());
                (source, origin)
            }),
            Level::Flag | Level::File | Level::BuiltIn => None,
        };
        let found = own.or_else(|| {
            let given = layer.get(Setting::P12PasswordFile)?;
            let source = PasswordSource::File(PathBuf::from(given.value.to_string()));
            Some((source, given.origin.clone()))
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

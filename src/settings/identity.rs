//! Reads a client certificate with its key, from PEM files or a PKCS#12 file, and refuses whatever the server could
//! not take anyway: a key of another certificate, an encrypted key, dates that do not hold. It is read before anything
//! is sent.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::InconsistentKeys;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::certificate_facts::{CertificateFacts, moment};
use super::credential::CredentialError;
use super::identity_error::IdentityError;
use super::identity_source::IdentitySource;
use super::secret::keep_out_of_core_files;
use super::token::{read_private, read_public};
use crate::args::layer::Origin;

/// A client certificate with its key. `Debug` does not show the key.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    /// Whose certificate it is, as far as it can be read.
    pub subject: Option<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.as_deref().unwrap_or("?");
        write!(f, "Identity({subject})")
    }
}

/// Two identities are the same if their certificates are: a key belongs to one certificate's public key.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

impl Eq for Identity {}

/// What a file held: the certificate first, then those that lead to its authority.
pub(super) struct Parts {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl ZeroizeOnDrop for Parts {}

impl Identity {
    /// The certificate and key in the form that TLS takes.
    pub fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// Reads an identity and checks that it can be used `now`.
    ///
    /// # Errors
    /// [`CredentialError`] when a file is missing or can be read by others, and when what it holds cannot be used.
    pub fn load(source: &IdentitySource, origin: &Origin, now: SystemTime) -> Result<Self, CredentialError> {
        keep_out_of_core_files();
        let (parts, certificate_file, key_file) = match source {
            IdentitySource::Pem { cert, key, key_origin } => (read_pem(cert, origin, key, key_origin)?, cert, key),
            IdentitySource::P12 { file, password } => {
                let parts = super::pkcs12::read(file, origin, password.as_ref())?;
                (parts, file, file)
            }
        };
        let facts = parts.chain.first().and_then(|certificate| CertificateFacts::read(certificate));
        let certified = certify(parts)
            .map_err(|error| not_certified(&error, certificate_file, key_file))
            .map_err(|error| error.at(origin))?;
        if let Some(facts) = &facts {
            check_dates(facts, certificate_file, now).map_err(|error| error.at(origin))?;
        }
        Ok(Self { certified: Arc::new(certified), subject: facts.map(|facts| facts.subject) })
    }
}

/// Puts certificate and key together, if they belong together: `CertifiedKey::from_der`, but for the key, which that one
/// takes and does not overwrite.
pub(super) fn certify(mut parts: Parts) -> Result<CertifiedKey, rustls::Error> {
    let key = ring::sign::any_supported_type(&parts.key)?;
    let certified = CertifiedKey::new(std::mem::take(&mut parts.chain), key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(error) => Err(error),
    }
}

fn not_certified(error: &rustls::Error, cert: &Path, key: &Path) -> IdentityError {
    let (cert, key) = (cert.to_owned(), key.to_owned());
    match error {
        rustls::Error::InconsistentKeys(_) => IdentityError::Mismatch { cert, key },
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            IdentityError::Damaged { path: cert, reason: "its certificate cannot be read".to_owned() }
        }
        _ => IdentityError::UnusableKey { path: key },
    }
}

fn check_dates(facts: &CertificateFacts, path: &Path, now: SystemTime) -> Result<(), IdentityError> {
    let path = path.to_owned();
    if now > facts.not_after {
        return Err(IdentityError::Expired { path, date: moment(facts.not_after) });
    }
    if now < facts.not_before {
        return Err(IdentityError::NotYetValid { path, date: moment(facts.not_before), now: moment(now) });
    }
    Ok(())
}

/// Reads PEM files. Only the one that holds the key has to be kept from others.
fn read_pem(
    cert: &PathBuf,
    cert_origin: &Origin,
    key: &PathBuf,
    key_origin: &Origin,
) -> Result<Parts, CredentialError> {
    let key_bytes = read_private(key, key_origin)?;
    let cert_bytes = if cert == key { key_bytes.clone() } else { read_public(cert, cert_origin)? };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&cert_bytes).collect();
    let chain = chain.map_err(|error| damaged(cert, &error).at(cert_origin))?;
    if chain.is_empty() {
        return Err(IdentityError::NoCertificate { path: cert.clone() }.at(cert_origin));
    }
    let key = key_of(key, &key_bytes).map_err(|error| error.at(key_origin))?;
    Ok(Parts { chain, key })
}

fn key_of(path: &Path, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    match PrivateKeyDer::from_pem_slice(bytes) {
        Ok(_) if holds(b"Proc-Type: 4,ENCRYPTED") => Err(encrypted(path)),
        Ok(key) => Ok(key),
        Err(_) if holds(b"ENCRYPTED") => Err(encrypted(path)),
        Err(pem::Error::NoItemsFound) => Err(IdentityError::NoKey { path: path.to_owned() }),
        Err(error) => Err(damaged(path, &error)),
    }
}

fn encrypted(path: &Path) -> IdentityError {
    IdentityError::Encrypted { path: path.to_owned() }
}

fn damaged(path: &Path, error: &pem::Error) -> IdentityError {
    IdentityError::Damaged {
        path: path.to_owned(),
        reason: match error {
            pem::Error::MissingSectionEnd { .. } => "its last line is missing".to_owned(),
            // The library's text may quote the file, and with it a key.
            _ => "it is no sound PEM".to_owned(),
        },
    }
}

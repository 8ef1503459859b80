//! The certificates that the machine trusts: a bundle of files on Linux and its like, the platform's own verifier on
//! macOS and Windows, which knows what an administrator has added or taken away.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

use super::trust::{TrustError, TrustedStore};

/// The verifier for the machine's store with `extra` certificates besides, and a line that says where they come from.
///
/// # Errors
/// [`TrustError`] when the store cannot be read, or neither it nor `extra` holds anything.
#[cfg(not(any(target_os = "macos", windows)))]
pub(super) fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<(Arc<dyn ServerCertVerifier>, String), TrustError> {
    use super::certificate_files::{Strictness, read_file, read_folder};

    const NAME: &str = "the system's store";
    let mut store = TrustedStore::empty();
    // The bundle alone: the folder of single certificates beside it holds the same ones and takes as long again.
    let found = openssl_probe::probe();
    match (found.cert_file, found.cert_dir.into_iter().next()) {
        (Some(path), _) => {
            read_file(NAME, &path, Strictness::Nothing, &mut |der| store.add(der))?;
            store.named(path.display());
        }
        (None, Some(path)) => {
            read_folder(NAME, &path, &mut |der| store.add(der))?;
            store.named(path.display());
        }
        (None, None) => {}
    }
    for certificate in extra {
        store.add(certificate)?;
    }
    store.verifier(provider).map_err(|error| match error {
        TrustError::Empty(_) => TrustError::NoStore,
        error => error,
    })
}

/// The platform's verifier, with `extra` certificates besides.
///
/// # Errors
/// [`TrustError::Tls`] when it refuses.
#[cfg(any(target_os = "macos", windows))]
pub(super) fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<(Arc<dyn ServerCertVerifier>, String), TrustError> {
    let mut source = "the platform's store".to_owned();
    if !extra.is_empty() {
        source.push_str(&format!(" and {} certificates", extra.len()));
    }
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(provider))?;
    Ok((Arc::new(verifier), source))
}

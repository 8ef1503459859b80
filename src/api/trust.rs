//! Which certificates are trusted, and the TLS configuration made of them. Nothing here can be switched off: there is
//! no way to accept a certificate that does not verify.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use crate::settings::network::Network;

/// Why no TLS configuration can be made.
#[derive(Debug, Error)]
pub enum TrustError {
    /// A file of certificates is not there.
    #[error("{name}: there is no file {path}", path = .path.display())]
    Missing {
        /// The flag or variable that named it.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file of certificates cannot be read.
    #[error("{name}: {path} cannot be read: {source}", path = .path.display())]
    Unreadable {
        /// The flag or variable that named it.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds no certificate.
    #[error("{name}: {path} holds no certificate: it takes PEM, which begins with -----BEGIN CERTIFICATE-----", path = .path.display())]
    NoCertificate {
        /// The flag or variable that named it.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file holds something else than PEM certificates.
    #[error("{name}: {path} holds a damaged certificate: {reason}", path = .path.display())]
    Damaged {
        /// The flag or variable that named it.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is nothing to trust.
    #[error(
        "this machine has no store of trusted certificates: install the package ca-certificates, or name a file with --cacert"
    )]
    NoStore,
    /// rustls refuses the configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The certificates that are trusted, and a line that says where they come from.
#[derive(Debug)]
pub struct Trust {
    roots: RootCertStore,
    /// Where they come from.
    pub source: String,
}

impl Trust {
    /// Loads the store once: `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set, else the system's bundle; and the
    /// file of `--cacert` besides.
    ///
    /// # Errors
    /// [`TrustError`] when a file cannot be used or nothing is there to trust.
    pub fn load(network: &Network) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        let mut sources = load_store(network, &mut roots)?;
        if let Some(path) = &network.cacert {
            add_file(&mut roots, "--cacert", path, true)?;
            sources.push(path.display().to_string());
        }
        if roots.is_empty() {
            return Err(TrustError::NoStore);
        }
        let source = format!("{} certificates from {}", roots.len(), sources.join(", "));
        Ok(Self { roots, source })
    }

    /// Nothing at all: for plain http, where no certificate is ever looked at, but reqwest wants a configuration.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            roots: RootCertStore::empty(),
            source: "nothing".to_owned(),
        }
    }

    /// The TLS configuration: TLS 1.2 or 1.3, HTTP/1.1.
    ///
    /// # Errors
    /// [`TrustError::Tls`] when rustls refuses it.
    pub fn into_config(self) -> Result<ClientConfig, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(unix)]
fn load_store(network: &Network, roots: &mut RootCertStore) -> Result<Vec<String>, TrustError> {
    let mut sources = Vec::new();
    if network.ssl_cert_file.is_some() || network.ssl_cert_dir.is_some() {
        if let Some(path) = &network.ssl_cert_file {
            add_file(roots, "SSL_CERT_FILE", path, true)?;
            sources.push(format!("{} (SSL_CERT_FILE)", path.display()));
        }
        if let Some(path) = &network.ssl_cert_dir {
            add_folder(roots, path)?;
            sources.push(format!("{} (SSL_CERT_DIR)", path.display()));
        }
        return Ok(sources);
    }
    // The bundle alone: the folder of single certificates beside it holds the same ones and takes as long again.
    let found = openssl_probe::probe();
    match (found.cert_file, found.cert_dir.into_iter().next()) {
        (Some(path), _) => {
            add_file(roots, "the system's store", &path, false)?;
            sources.push(path.display().to_string());
        }
        (None, Some(path)) => {
            add_folder(roots, &path)?;
            sources.push(path.display().to_string());
        }
        (None, None) => {}
    }
    Ok(sources)
}

fn add_file(
    roots: &mut RootCertStore,
    name: &'static str,
    path: &Path,
    strict: bool,
) -> Result<(), TrustError> {
    let path_of = || path.to_owned();
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => TrustError::Missing {
            name,
            path: path_of(),
        },
        _ => TrustError::Unreadable {
            name,
            path: path_of(),
            source,
        },
    })?;
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let added = match certificate {
            Ok(certificate) => roots.add(certificate).map_err(|error| error.to_string()),
            Err(error) => Err(pem_reason(&error)),
        };
        match added {
            Ok(()) => found = true,
            // A system's bundle may hold relics that nobody can parse; a file that the user names may not.
            Err(reason) if strict => {
                return Err(TrustError::Damaged {
                    name,
                    path: path_of(),
                    reason,
                });
            }
            Err(_) => {}
        }
    }
    if strict && !found {
        return Err(TrustError::NoCertificate {
            name,
            path: path_of(),
        });
    }
    Ok(())
}

fn pem_reason(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "its last line is missing".to_owned(),
        error => error.to_string(),
    }
}

fn add_folder(roots: &mut RootCertStore, folder: &Path) -> Result<(), TrustError> {
    let entries = std::fs::read_dir(folder).map_err(|source| TrustError::Unreadable {
        name: "SSL_CERT_DIR",
        path: folder.to_owned(),
        source,
    })?;
    for entry in entries.flatten() {
        if entry.path().is_file() {
            add_file(roots, "SSL_CERT_DIR", &entry.path(), false)?;
        }
    }
    Ok(())
}

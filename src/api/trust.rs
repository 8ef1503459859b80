//! Which certificates are trusted, and the TLS configuration made of them. Nothing here can be switched off: there is
//! no way to accept a certificate that does not verify.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use super::certificate_files::{CertificateFileError, Strictness, read_file, read_folder};
use super::observer::{ObservedIdentity, ObservedVerifier, Observer, Peer};
use super::sessions::Sessions;
use super::system_store;
use crate::settings::clock::since_epoch;
use crate::settings::network::Network;

/// Why no TLS configuration can be made.
#[derive(Debug, Error)]
pub enum TrustError {
    /// A file of certificates.
    #[error(transparent)]
    File(#[from] CertificateFileError),
    /// There is nothing to trust.
    #[error(
        "this machine has no store of trusted certificates: install the package ca-certificates, or name a file with --cacert"
    )]
    NoStore,
    /// What the user named in place of the machine's store holds nothing.
    #[error("{0} holds no certificate to trust: correct it, unset it, or name a file with --cacert")]
    Empty(String),
    /// rustls refuses the configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// rustls refuses the verifier.
    #[error("TLS cannot be set up: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// What verifies the server's certificate, and a line that says where its certificates come from.
#[derive(Debug, Clone)]
pub struct Trust {
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
    /// Where the trusted certificates come from.
    pub source: String,
}

/// Certificates to trust, with a list of the places that they come from.
#[derive(Debug)]
pub(super) struct TrustedStore {
    roots: RootCertStore,
    sources: Vec<String>,
}

impl TrustedStore {
    pub(super) fn empty() -> Self {
        Self { roots: RootCertStore::empty(), sources: Vec::new() }
    }

    pub(super) fn add(&mut self, der: CertificateDer<'static>) -> Result<(), rustls::Error> {
        self.roots.add(der)
    }

    pub(super) fn named(&mut self, source: impl Display) {
        self.sources.push(source.to_string());
    }

    pub(super) fn verifier(
        self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<(Arc<dyn ServerCertVerifier>, String), TrustError> {
        let sources = self.sources.join(", ");
        if self.roots.is_empty() {
            return Err(TrustError::Empty(sources));
        }
        let source = format!("{} certificates from {sources}", self.roots.len());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots), Arc::clone(provider)).build()?;
        Ok((verifier, source))
    }
}

impl Trust {
    /// Loads the store once: `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set, else the machine's own; and the file
    /// of `--cacert` besides.
    ///
    /// # Errors
    /// [`TrustError`] when a file cannot be used or nothing is there to trust.
    pub fn load(network: &Network) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut extra = Vec::new();
        if let Some(path) = &network.cacert {
            read_file("--cacert", path, Strictness::Everything, &mut |der| {
                // Looked at here, because not every verifier does.
                rustls::server::ParsedCertificate::try_from(&der)?;
                extra.push(der);
                Ok(())
            })?;
        }
        let given = network.ssl_cert_file.is_some() || network.ssl_cert_dir.is_some();
        let (verifier, mut source) = if given {
            named_by_variables(network, extra)?.verifier(&provider)?
        } else {
            system_store::verifier(extra, &provider)?
        };
        if let Some(path) = &network.cacert {
            source.push_str(&format!(" and {} (--cacert)", path.display()));
        }
        Ok(Self { verifier, provider, source })
    }

    /// The TLS configuration for a peer: TLS 1.2 or 1.3, HTTP/1.1, with the client certificate if there is one.
    pub(super) fn config(
        &self,
        peer: Peer,
        identity: Option<Arc<CertifiedKey>>,
        observer: &Arc<Observer>,
    ) -> Result<ClientConfig, TrustError> {
        let sessions = Arc::new(Sessions::new());
        let observer = || Arc::clone(observer);
        let inner = Arc::clone(&self.verifier);
        let verifier = ObservedVerifier { inner, observer: observer(), sessions: Arc::clone(&sessions), peer };
        let mut config = ClientConfig::builder_with_details(Arc::clone(&self.provider), Arc::new(Clock))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(ObservedIdentity { identity, observer: observer(), peer }));
        config.resumption = Resumption::store(sessions);
        // A proxy may know no protocol but its own, and needs none: `CONNECT` is HTTP/1.1.
        if peer == Peer::Service {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(config)
    }
}

/// The machine's clock. rustls's own panics when it stands before 1970; by this one every certificate is too new then,
/// and the refusal says so.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(since_epoch(SystemTime::now())))
    }
}

/// What `SSL_CERT_FILE` and `SSL_CERT_DIR` name takes the place of the machine's store, as with OpenSSL; the second
/// may list several folders.
fn named_by_variables(network: &Network, extra: Vec<CertificateDer<'static>>) -> Result<TrustedStore, TrustError> {
    let mut store = TrustedStore::empty();
    if let Some(path) = &network.ssl_cert_file {
        let name = "SSL_CERT_FILE";
        read_file(name, path, Strictness::Something, &mut |der| store.add(der))?;
        store.named(format_args!("{} ({name})", path.display()));
    }
    if let Some(list) = &network.ssl_cert_dir {
        let name = "SSL_CERT_DIR";
        for folder in std::env::split_paths(list).filter(|folder| folder != Path::new("")) {
            read_folder(name, &folder, &mut |der| store.add(der))?;
            store.named(format_args!("{} ({name})", folder.display()));
        }
    }
    for certificate in extra {
        store.add(certificate)?;
    }
    Ok(store)
}

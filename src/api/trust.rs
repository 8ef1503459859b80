//! Which certificates are trusted, where they are read from, and the TLS configuration made of them. No setting turns off
//! verification.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use super::observer::{ObservedIdentity, ObservedVerifier, Observer, Sessions};
use crate::settings::clock::since_epoch;
use crate::settings::file::{self, Accept, FileError, FileErrorKind};
use crate::settings::network::Network;

/// Why no client can be made.
#[derive(Debug, Error)]
pub enum TransportError {
    /// `name` is the flag or variable that named the file.
    #[error("{name}: {error}{}", hint(.error))]
    File { name: &'static str, error: FileError },
    /// A file without a certificate, or with a damaged one.
    #[error("{0}")]
    Contents(String),
    /// There is no trusted certificate.
    #[error("{0}")]
    Empty(String),
    /// rustls refuses the configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// reqwest refuses the configuration, or the system refuses a thread or a descriptor.
    #[error(transparent)]
    Client(#[from] anyhow::Error),
}

/// What verifies the server's certificate.
#[derive(Debug, Clone)]
pub struct Trust {
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
    /// A line that says where the trusted certificates come from.
    pub source: String,
}

type Certificates = Vec<CertificateDer<'static>>;

/// A verifier, and a line that says where its certificates come from.
type Verifier = (Arc<dyn ServerCertVerifier>, String);

impl Trust {
    /// Loads the store once: `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set, else the machine's own; and the file
    /// of `--cacert` in addition.
    ///
    /// # Errors
    /// [`TransportError`] when a file cannot be used, or there is no trusted certificate.
    pub fn load(network: &Network) -> Result<Self, TransportError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut extra = Vec::new();
        if let Some(path) = &network.cacert {
            read_file("--cacert", path, Strictness::Everything, &mut |der| {
                // Checked here, because not every verifier does.
                rustls::server::ParsedCertificate::try_from(&der)?;
                extra.push(der);
                Ok(())
            })?;
        }
        let (verifier, mut source) = if network.ssl_cert_file.is_some() || network.ssl_cert_dir.is_some() {
            verifier_by_variables(network, extra, &provider)?
        } else {
            system_verifier(extra, &provider)?
        };
        if let Some(path) = &network.cacert {
            source.push_str(&format!(" and {} (--cacert)", path.display()));
        }
        Ok(Self { verifier, provider, source })
    }

    /// The TLS configuration: TLS 1.2 or 1.3, HTTP/1.1, with the client certificate if there is one. reqwest uses it for
    /// an https proxy as well, without ALPN.
    pub(super) fn into_config(
        self,
        identity: Option<Arc<CertifiedKey>>,
        observer: &Arc<Observer>,
    ) -> Result<ClientConfig, TransportError> {
        let sessions = Arc::new(Sessions::new(observer));
        let verifier = ObservedVerifier { inner: self.verifier, sessions: Arc::clone(&sessions) };
        let identity = ObservedIdentity { identity, observer: Arc::clone(observer) };
        let mut config = ClientConfig::builder_with_details(self.provider, Arc::new(Clock))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(identity));
        config.resumption = Resumption::store(sessions);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// A configuration that trusts no certificate. reqwest needs one for plain http too, and `Transport::reach`
/// uses it so that the handshake fails before anything is sent.
pub(super) fn no_trust(observer: &Arc<Observer>) -> Result<ClientConfig, TransportError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.resumption = Resumption::store(Arc::new(Sessions::new(observer)));
    Ok(config)
}

/// The machine's clock. With rustls's own clock, a date before 1970 is a panic. With this one, no certificate is valid yet,
/// and the refusal says so.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(since_epoch(SystemTime::now())))
    }
}

/// The verifier for these certificates and `extra`; if there are none, the error with the text `missing`.
fn verifier(
    mut roots: RootCertStore,
    sources: &str,
    extra: Certificates,
    provider: &Arc<CryptoProvider>,
    missing: &str,
) -> Result<Verifier, TransportError> {
    extra.into_iter().try_for_each(|certificate| roots.add(certificate))?;
    if roots.is_empty() {
        return Err(TransportError::Empty(missing.to_owned()));
    }
    let source = format!("{} certificates from {sources}", roots.len());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok((verifier.map_err(|error| rustls::Error::General(error.to_string()))?, source))
}

/// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the machine's store, as with OpenSSL; the second may list several folders.
fn verifier_by_variables(
    network: &Network,
    extra: Certificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Verifier, TransportError> {
    let (mut roots, mut sources) = (RootCertStore::empty(), Vec::new());
    if let Some(path) = &network.ssl_cert_file {
        read_file("SSL_CERT_FILE", path, Strictness::Something, &mut |der| roots.add(der))?;
        sources.push(format!("{} (SSL_CERT_FILE)", path.display()));
    }
    let folders = network.ssl_cert_dir.iter().flat_map(std::env::split_paths);
    for folder in folders.filter(|folder| folder != Path::new("")) {
        read_folder("SSL_CERT_DIR", &folder, &mut |der| roots.add(der))?;
        sources.push(format!("{} (SSL_CERT_DIR)", folder.display()));
    }
    let sources = sources.join(", ");
    let missing =
        format!("{sources} contains no certificate to trust: correct it, unset it, or name a file with --cacert");
    verifier(roots, &sources, extra, provider, &missing)
}

/// The verifier for the machine's store and the `extra` certificates.
///
/// # Errors
/// [`TransportError`] when the store cannot be read, or both it and `extra` are empty.
#[cfg(not(any(target_os = "macos", windows)))]
fn system_verifier(extra: Certificates, provider: &Arc<CryptoProvider>) -> Result<Verifier, TransportError> {
    const NAME: &str = "the system's store";
    const NO_STORE: &str = "this machine has no store of trusted certificates: install the package ca-certificates, or name a file with --cacert";
    let mut roots = RootCertStore::empty();
    // Only the bundle: the folder contains the same certificates as single files, and reading both takes twice as long.
    let found = openssl_probe::probe();
    let folder = found.cert_dir.into_iter().next();
    match (&found.cert_file, &folder) {
        (Some(path), _) => read_file(NAME, path, Strictness::Nothing, &mut |der| roots.add(der))?,
        (None, Some(path)) => read_folder(NAME, path, &mut |der| roots.add(der))?,
        (None, None) => {}
    }
    let source = found.cert_file.or(folder).map_or_else(String::new, |path| path.display().to_string());
    verifier(roots, &source, extra, provider, NO_STORE)
}

/// The platform's verifier, and the `extra` certificates.
#[cfg(any(target_os = "macos", windows))]
fn system_verifier(extra: Certificates, provider: &Arc<CryptoProvider>) -> Result<Verifier, TransportError> {
    let mut source = "the platform's store".to_owned();
    if !extra.is_empty() {
        source.push_str(&format!(" and {} certificates", extra.len()));
    }
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(provider))?;
    Ok((Arc::new(verifier), source))
}

/// Longest file of certificates, in bytes: the bundle of a system has a quarter of a megabyte.
const BUNDLE_MAX: u64 = 16 * 1024 * 1024;

/// How much of a file has to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// All certificates: the user made this file for vescli.
    Everything,
    /// At least one certificate: a bundle may contain old certificates that cannot be parsed.
    Something,
    /// Nothing: one file of many.
    Nothing,
}

/// Keeps a certificate, or refuses it.
type Add<'a> = dyn FnMut(CertificateDer<'static>) -> Result<(), rustls::Error> + 'a;

/// Passes every certificate of a file to `add`, which may refuse it. `name` is the flag or variable that named the file.
///
/// # Errors
/// [`TransportError`] when the file cannot be read, or is less valid than `strictness` requires.
fn read_file(name: &'static str, path: &Path, strictness: Strictness, add: &mut Add) -> Result<(), TransportError> {
    let bytes = file::read(path, Accept::File, BUNDLE_MAX, file::anyone_may_read)
        .map_err(|error| TransportError::File { name, error })?;
    let damaged = |reason| format!("{name}: {} contains a damaged certificate: {reason}", path.display());
    let all: Vec<_> = match plain_certificates(&bytes) {
        Some(certificates) => certificates.into_iter().map(Ok).collect(),
        None => CertificateDer::pem_slice_iter(&bytes).collect(),
    };
    let mut found = strictness == Strictness::Nothing;
    for certificate in all {
        let added = match certificate {
            Ok(certificate) => add(certificate).map_err(|error| error.to_string()),
            Err(pem::Error::MissingSectionEnd { .. }) => Err("its last line is missing".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match added {
            Err(reason) if strictness == Strictness::Everything => {
                return Err(TransportError::Contents(damaged(reason)));
            }
            added => found |= added.is_ok(),
        }
    }
    let missing = || {
        let path = path.display();
        format!("{name}: {path} contains no certificate: it must be PEM, which begins with -----BEGIN CERTIFICATE-----")
    };
    if found { Ok(()) } else { Err(TransportError::Contents(missing())) }
}

fn hint(error: &FileError) -> &'static str {
    match error.kind {
        FileErrorKind::TooLarge { .. } => ", too large for a bundle of certificates",
        _ => "",
    }
}

/// Reads every file of a folder with [`read_file`]; files without certificates are ignored.
fn read_folder(name: &'static str, folder: &Path, add: &mut Add) -> Result<(), TransportError> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| TransportError::File { name, error: FileErrorKind::from(error).at(folder) })?;
    for entry in entries.flatten() {
        // A dead link or another user's file does not make the others invalid.
        if entry.path().is_file() {
            let _ = read_file(name, &entry.path(), Strictness::Nothing, add);
        }
    }
    Ok(())
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// The certificates of a bundle in order; `None` if it contains anything else than plain PEM certificates and comments
/// between them. Then the reader of rustls-pki-types has to read it. That one decodes in constant time, which keys need and
/// certificates do not: with Debian's bundle it takes four fifths of the time of a whole send.
fn plain_certificates(mut bundle: &[u8]) -> Option<Certificates> {
    let mut found = Vec::new();
    // The base64 of one certificate, without its line ends.
    let mut letters = Vec::with_capacity(4096);
    let mut is_inside = false;
    while !bundle.is_empty() {
        let end = memchr::memchr(b'\n', bundle).unwrap_or(bundle.len());
        let line = bundle[..end].strip_suffix(b"\r").unwrap_or(&bundle[..end]);
        bundle = bundle.get(end + 1..).unwrap_or_default();
        if !is_inside {
            if line == BEGIN {
                is_inside = true;
            } else if line.starts_with(b"-----") || line.contains(&b'\r') {
                return None;
            }
        } else if line == END {
            found.push(STANDARD.decode(&letters).ok()?.into());
            letters.clear();
            is_inside = false;
        } else {
            letters.extend_from_slice(line);
        }
    }
    // A last certificate without its end is an error, which the other reader reports.
    (!is_inside).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    /// Certificates of many lengths, so that every kind of base64 padding occurs.
    fn pem() -> String {
        let key = KeyPair::generate().unwrap();
        let name = |length| vec!["a".repeat(length)];
        let one = |length| {
            let params = CertificateParams::new(name(length)).unwrap();
            params.self_signed(&key).unwrap().pem()
        };
        (1..12).map(one).collect()
    }

    fn slowly(bundle: &[u8]) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(bundle).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn it_reads_what_the_other_reader_reads() {
        let plain = pem();
        assert_eq!(slowly(plain.as_bytes()).len(), 11);
        let unix = plain.replace("\r\n", "\n");
        let remarks = unix.replace("-----BEGIN", "# Größe = 1\n\n-----BEGIN");
        for text in [unix.clone(), unix.replace('\n', "\r\n"), remarks, String::new()] {
            assert_eq!(plain_certificates(text.as_bytes()), Some(slowly(text.as_bytes())));
        }
    }

    #[test]
    fn anything_unusual_is_left_to_the_other_reader() {
        let plain = pem().replace("\r\n", "\n");
        let cut = &plain[..plain.len() - 10];
        let odd = [
            cut.to_owned(),
            plain.replace("BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE"),
            plain.replacen("MII", "M!I", 1),
            plain.replacen("MII", "MIII", 1),
            plain.replacen("MII", " MII", 1),
            plain.replacen("MII", "=II", 1),
            plain.replace('\n', "\r"),
            format!("{plain}-----BEGIN PRIVATE KEY-----\n"),
        ];
        for text in odd {
            assert_eq!(plain_certificates(text.as_bytes()), None, "{text}");
        }
    }
}

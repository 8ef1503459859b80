//! The client certificate: where it comes from, and how it is read with its key from PEM files or a PKCS#12 file. What the
//! server could not accept anyway is refused before anything is sent: a key of another certificate, an encrypted key,
//! dates that are not now. Also what any certificate says of itself, for messages and dates.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::InconsistentKeys;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::secret::{Secret, keep_out_of_core_files};
use crate::args::environment::{Environment, F5_PASSWORD_VARIABLE, P12_PASSWORD_VARIABLE};
use crate::args::layer::{Layer, Origin, ValueError};
use crate::args::settings_table::Setting;
use crate::settings::clock::to_text;
use crate::settings::error::{ClientCertificateError, CredentialError};
use crate::settings::file::{self, Accept, FileErrorKind};
use crate::settings::sources::{Level, Sources};

/// Most bytes of a file with a certificate or a key: no chain comes near.
const CERTIFICATE_MAX: u64 = 1024 * 1024;
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificateSource {
    /// PEM files. `key` is `cert` if no file is named for it.
    Pem { cert: PathBuf, key: PathBuf, key_origin: Origin },
    /// Without a password the empty one is tried.
    P12 { file: PathBuf, password: Option<(PasswordSource, Origin)> },
}

/// Where the password of a PKCS#12 file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    Variable(String, Secret),
    File(PathBuf),
}

impl ClientCertificateSource {
    /// The client certificate that one layer names, still without a password.
    ///
    /// # Errors
    /// [`CredentialError::Certificate`] for a key without a certificate, and for a certificate in two forms.
    pub(super) fn of_layer(layer: &Layer) -> Result<Option<(Self, Origin)>, CredentialError> {
        let path =
            |setting| layer.get(setting).map(|entry| (PathBuf::from(entry.value.to_string()), entry.origin.clone()));
        match (path(Setting::Cert), path(Setting::CertKey), path(Setting::P12)) {
            (Some((_, other)), _, Some((_, origin))) | (None, Some((_, other)), Some((_, origin))) => {
                Err(ClientCertificateError::Twice { other }.at(&origin))
            }
            (Some((cert, origin)), key, None) => {
                let (key, key_origin) = key.unwrap_or_else(|| (cert.clone(), origin.clone()));
                Ok(Some((Self::Pem { cert, key, key_origin }, origin)))
            }
            (None, Some((_, origin)), None) => Err(ClientCertificateError::KeyAlone.at(&origin)),
            (None, None, Some((file, origin))) => Ok(Some((Self::P12 { file, password: None }, origin))),
            (None, None, None) => Ok(None),
        }
    }
}

impl PasswordSource {
    /// The password for the PKCS#12 file in use, wherever the file was named: a flag cannot carry a secret, so the
    /// variable serves a file that a flag names as well. It opens a file and goes nowhere, so it is bound to no host.
    pub(super) fn find(sources: &Sources, environment: &Environment) -> Result<Option<(Self, Origin)>, ValueError> {
        for (level, layer) in sources.layers() {
            let variable = match level {
                Level::Variable => Some(P12_PASSWORD_VARIABLE),
                Level::Foreign => Some(F5_PASSWORD_VARIABLE),
                Level::Flag | Level::File | Level::BuiltIn => None,
            };
            if let Some(name) = variable
                && let Some(text) = environment.text(name)?
            {
                let source = Self::Variable(name.to_owned(), Secret::new(text.to_owned()));
                return Ok(Some((source, level.origin_of_variable(name))));
            }
            if let Some(entry) = layer.get(Setting::P12PasswordFile) {
                return Ok(Some((Self::File(PathBuf::from(entry.value.to_string())), entry.origin.clone())));
            }
        }
        Ok(None)
    }
}

/// A client certificate with its key. `Debug` does not show the key.
#[derive(Clone)]
pub struct ClientCertificate {
    certified: Arc<CertifiedKey>,
    /// As far as it can be read.
    pub subject: Option<String>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.subject.as_deref().unwrap_or("?"))
    }
}

/// Two are the same if their certificates are: a key belongs to one certificate's public key.
impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

impl Eq for ClientCertificate {}

/// What a file contains: the client's certificate first, then those that lead to its authority.
struct Parts {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl ZeroizeOnDrop for Parts {}

impl ClientCertificate {
    /// In the form that TLS takes.
    pub fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// Reads a client certificate and checks that it can be used `now`.
    ///
    /// # Errors
    /// [`CredentialError`] when a file is missing or can be read by others, and when its content cannot be used.
    pub fn load(source: &ClientCertificateSource, origin: &Origin, now: SystemTime) -> Result<Self, CredentialError> {
        keep_out_of_core_files();
        let (parts, certificate_file, key_file) = match source {
            ClientCertificateSource::Pem { cert, key, key_origin } => {
                (read_pem(cert, origin, key, key_origin)?, cert, key)
            }
            ClientCertificateSource::P12 { file, password } => {
                (pkcs12::read(file, origin, password.as_ref())?, file, file)
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

/// Puts certificate and key together, if they belong together. It does what `CertifiedKey::from_der` does, but overwrites
/// the key afterwards.
fn certify(mut parts: Parts) -> Result<CertifiedKey, rustls::Error> {
    let key = ring::sign::any_supported_type(&parts.key)?;
    let certified = CertifiedKey::new(std::mem::take(&mut parts.chain), key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(error) => Err(error),
    }
}

fn not_certified(error: &rustls::Error, cert: &Path, key: &Path) -> ClientCertificateError {
    let (cert, key) = (cert.to_owned(), key.to_owned());
    match error {
        rustls::Error::InconsistentKeys(_) => ClientCertificateError::Mismatch { cert, key },
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            ClientCertificateError::Damaged { path: cert, reason: "its certificate cannot be read".to_owned() }
        }
        _ => ClientCertificateError::UnusableKey { path: key },
    }
}

fn check_dates(facts: &CertificateFacts, path: &Path, now: SystemTime) -> Result<(), ClientCertificateError> {
    let path = path.to_owned();
    if now > facts.not_after {
        return Err(ClientCertificateError::Expired { path, date: to_text(facts.not_after) });
    }
    if now < facts.not_before {
        return Err(ClientCertificateError::NotYetValid { path, date: to_text(facts.not_before), now: to_text(now) });
    }
    Ok(())
}

fn read_file(
    path: &Path,
    origin: &Origin,
    limit: u64,
    check: fn(&std::fs::Metadata) -> Result<(), FileErrorKind>,
) -> Result<Vec<u8>, CredentialError> {
    file::read(path, Accept::File, limit, check).map_err(|error| {
        let hint = match error.kind {
            FileErrorKind::TooLarge { .. } => ": is it the right file?",
            _ => "",
        };
        CredentialError::File { origin: origin.clone(), error, hint }
    })
}

/// Only the file that contains the key has to be kept from others.
fn read_pem(cert: &Path, cert_origin: &Origin, key: &Path, key_origin: &Origin) -> Result<Parts, CredentialError> {
    let read = |path, origin, check| read_file(path, origin, CERTIFICATE_MAX, check).map(Zeroizing::new);
    let key_bytes = read(key, key_origin, file::check_private)?;
    let cert_bytes = if cert == key { key_bytes.clone() } else { read(cert, cert_origin, file::anyone_may_read)? };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&cert_bytes).collect();
    let chain = chain.map_err(|error| damaged(cert, &error).at(cert_origin))?;
    if chain.is_empty() {
        return Err(ClientCertificateError::NoCertificate { path: cert.to_owned() }.at(cert_origin));
    }
    let key = private_key(key, &key_bytes).map_err(|error| error.at(key_origin))?;
    Ok(Parts { chain, key })
}

fn private_key(path: &Path, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, ClientCertificateError> {
    let contains = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    let encrypted = || ClientCertificateError::Encrypted { path: path.to_owned() };
    match PrivateKeyDer::from_pem_slice(bytes) {
        Ok(_) if contains(b"Proc-Type: 4,ENCRYPTED") => Err(encrypted()),
        Ok(key) => Ok(key),
        Err(_) if contains(b"ENCRYPTED") => Err(encrypted()),
        Err(pem::Error::NoItemsFound) => Err(ClientCertificateError::NoPrivateKey { path: path.to_owned() }),
        Err(error) => Err(damaged(path, &error)),
    }
}

fn damaged(path: &Path, error: &pem::Error) -> ClientCertificateError {
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => "its last line is missing",
        // The library's text may quote the file, and with it a key.
        _ => "it is not valid PEM",
    };
    ClientCertificateError::Damaged { path: path.to_owned(), reason: reason.to_owned() }
}

/// What a certificate says of itself. Nothing is trusted because of it: verification is rustls' alone, and a certificate
/// that cannot be read here merely gets a shorter message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Such as `CN=example, O=Example Ltd`.
    pub subject: String,
    pub issuer: String,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
    pub is_authority: bool,
}

impl CertificateFacts {
    /// Reads a certificate in DER; `None` if it is not one, or one beyond RFC 5280.
    pub fn read(der: &[u8]) -> Option<Self> {
        // A date before 1970 is as good as that one: it lies in the past.
        let time = |time: ASN1Time| UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0));
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_before: time(certificate.validity().not_before),
            not_after: time(certificate.validity().not_after),
            is_authority: certificate.is_ca(),
        })
    }

    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

/// Opens a PKCS#12 file: today's encryption (PBES2 with AES) and the old one (RC2, 3DES, SHA-1) that F5's console and many
/// tools still write.
#[cfg(feature = "p12")]
mod pkcs12 {
    use std::path::Path;

    use p12_keystore::error::Error;
    use p12_keystore::{Certificate, Pkcs12Archive};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use x509_parser::asn1_rs::{Any, FromDer as _, Sequence, ToDer as _};
    use zeroize::Zeroizing;

    use super::{CERTIFICATE_MAX, Parts, PasswordSource, Secret, certify, read_file};
    use crate::args::layer::Origin;
    use crate::settings::error::{ClientCertificateError, CredentialError};
    use crate::settings::file;

    const PASSWORD_MAX: u64 = 8 * 1024;

    /// Of all pairs in the file, the first whose key belongs to its certificate. One that TLS cannot use is better than none:
    /// the caller tries it again and says why.
    pub(super) fn read(
        path: &Path,
        origin: &Origin,
        password: Option<&(PasswordSource, Origin)>,
    ) -> Result<Parts, CredentialError> {
        let bytes = Zeroizing::new(read_file(path, origin, CERTIFICATE_MAX, file::check_private)?);
        let secret = password.map(|(source, origin)| password_of(source, origin)).transpose()?;
        let candidates = open(&bytes, secret.as_ref())
            .map_err(|error| error.of_file(path, password.map(|(_, origin)| origin)).at(origin))?;
        let mut unusable = None;
        for candidate in candidates {
            let key = || PrivateKeyDer::Pkcs8(candidate.key.to_vec().into());
            let parts = || Parts { chain: candidate.chain.clone(), key: key() };
            match certify(parts()) {
                Ok(_) => return Ok(parts()),
                Err(rustls::Error::InconsistentKeys(_)) => {}
                Err(_) => unusable = unusable.or_else(|| Some(parts())),
            }
        }
        unusable.ok_or_else(|| ClientCertificateError::EmptyPkcs12 { path: path.to_owned() }.at(origin))
    }

    /// One newline at the end of a file is no part of the password.
    fn password_of(source: &PasswordSource, origin: &Origin) -> Result<Secret, CredentialError> {
        let path = match source {
            PasswordSource::Variable(_, secret) => return Ok(secret.clone()),
            PasswordSource::File(path) => path,
        };
        Secret::of_line(read_file(path, origin, PASSWORD_MAX, file::check_private)?)
            .ok_or_else(|| ClientCertificateError::PasswordNotText { password: origin.clone() }.at(origin))
    }

    /// Why a file did not open.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum OpenError {
        Password,
        Format,
        Encryption,
        /// The password has characters that cannot be used with the file's encryption.
        Characters,
    }

    impl OpenError {
        fn of_file(self, file: &Path, password: Option<&Origin>) -> ClientCertificateError {
            let path = file.to_owned();
            match (self, password.cloned()) {
                (Self::Password, Some(password)) => ClientCertificateError::WrongPassword { path, password },
                (Self::Password, None) => ClientCertificateError::NoPassword { path },
                (Self::Format, _) => ClientCertificateError::NotPkcs12 { path },
                (Self::Characters, Some(password)) => ClientCertificateError::PasswordCharacters { path, password },
                (Self::Characters | Self::Encryption, _) => ClientCertificateError::UnsupportedPkcs12 { path },
            }
        }
    }

    /// A certificate with those that lead to its authority, and a key that may be its own.
    struct Candidate {
        chain: Vec<CertificateDer<'static>>,
        /// PKCS#8.
        key: Zeroizing<Vec<u8>>,
    }

    /// Decrypts a file, and pairs every key with every certificate in it.
    fn open(bytes: &[u8], password: Option<&Secret>) -> Result<impl Iterator<Item = Candidate>, OpenError> {
        let password = password.map_or("", Secret::expose);
        let archive = if password.chars().all(|character| character <= '\u{ffff}') {
            Pkcs12Archive::from_pkcs12(bytes, password).map_err(|error| open_error(&error))?
        } else {
            decrypt(bytes, password)?
        };
        let certificates: Vec<Certificate> = archive.certs.into_iter().map(|bag| bag.cert).collect();
        Ok(archive.keys.into_iter().flat_map(move |key| {
            let candidate =
                |own| Candidate { chain: chain(own, &certificates), key: Zeroizing::new(key.key.as_der().to_vec()) };
            certificates.iter().map(candidate).collect::<Vec<_>>()
        }))
    }

    /// Opens a file with a password that p12-keystore cannot put into the form that a MAC is made with: characters beyond
    /// U+FFFF are two units each there (RFC 7292, appendix B.1), and its type knows characters of one unit alone. Today's
    /// encryption takes the password as UTF-8. It alone shows here whether the password is right; that nothing was
    /// changed in the file shows by its key, which has to be the certificate's.
    fn decrypt(bytes: &[u8], password: &str) -> Result<Pkcs12Archive, OpenError> {
        if bytes.windows(PBES1.len()).any(|window| window == PBES1) {
            return Err(OpenError::Characters);
        }
        let bare = without_mac(bytes).ok_or(OpenError::Format)?;
        Pkcs12Archive::from_pkcs12(&bare, password).map_err(|error| match open_error(&error) {
            // A wrong password may garble what it decrypts.
            OpenError::Format => OpenError::Password,
            error => error,
        })
    }

    /// The start of the identifiers of all the old kinds of encryption, 1.2.840.113549.1.12.1.N (RFC 7292, appendix C).
    const PBES1: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";

    /// The same file without its MAC, the last of its three fields (RFC 7292, section 4).
    fn without_mac(bytes: &[u8]) -> Option<Vec<u8>> {
        let (_, file) = Any::from_der(bytes).ok()?;
        let (rest, _version) = Any::from_der(file.data).ok()?;
        let (mac, _content) = Any::from_der(rest).ok()?;
        let kept = &file.data[..file.data.len() - mac.len()];
        Sequence::new(kept.into()).to_der_vec().ok()
    }

    /// The certificate and those that lead from it to its authority, whose own certificate the server has.
    fn chain(own: &Certificate, all: &[Certificate]) -> Vec<CertificateDer<'static>> {
        let mut chain = vec![own];
        while let Some(last) = chain.last() {
            let next = all.iter().find(|candidate| {
                candidate.subject() == last.issuer()
                    && candidate.subject() != candidate.issuer()
                    && !chain.contains(candidate)
            });
            match next {
                Some(next) => chain.push(next),
                None => break,
            }
        }
        chain.iter().map(|certificate| CertificateDer::from(certificate.as_der().to_vec())).collect()
    }

    fn open_error(error: &Error) -> OpenError {
        match error {
            // The check of the password comes first where a file has one; without, a wrong password garbles the rest.
            Error::MacError(_) | Error::UnpadError => OpenError::Password,
            // The kind of this error is handed on as its text alone.
            Error::Pkcs5Error(text) if text.contains("decryption failed") => OpenError::Password,
            Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm | Error::Pkcs5Error(_) => {
                OpenError::Encryption
            }
            Error::IoError(_)
            | Error::DerError(_)
            | Error::InvalidVersion
            | Error::UnsupportedContentType
            | Error::UnsupportedCertificateType
            | Error::X509Error(_)
            | Error::InvalidLength
            | Error::InvalidParameters
            | Error::InvalidData
            | Error::InvalidPrivateKey => OpenError::Format,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use p12_keystore::KeyStore;

        #[test]
        fn a_file_without_its_mac_opens_with_the_same_password_alone() {
            let file = KeyStore::new().writer("right").write().unwrap();
            let opens = |bytes: &[u8], password| Pkcs12Archive::from_pkcs12(bytes, password).is_ok();
            let bare = without_mac(&file).unwrap();
            assert!(bare.len() < file.len());
            assert!(opens(&file, "right") && opens(&bare, "right"));
            assert!(!opens(&file, "wrong"));
            assert_eq!(without_mac(&bare).as_ref(), Some(&bare));
            for damaged in [&b""[..], b"x", b"\x30\x80", &file[..file.len() - 1]] {
                assert_eq!(without_mac(damaged), None);
            }
        }
    }
}

#[cfg(not(feature = "p12"))]
mod pkcs12 {
    use std::path::Path;

    use super::{Parts, PasswordSource};
    use crate::args::layer::Origin;
    use crate::settings::error::{ClientCertificateError, CredentialError};

    pub(super) fn read(
        path: &Path,
        origin: &Origin,
        _: Option<&(PasswordSource, Origin)>,
    ) -> Result<Parts, CredentialError> {
        Err(ClientCertificateError::NoPkcs12Support { path: path.to_owned() }.at(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};

    #[test]
    fn facts_have_names_dates_and_kind() {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "ada");
        params.not_before = date_time_ymd(2020, 2, 3);
        params.not_after = date_time_ymd(2060, 4, 5);
        let key = KeyPair::generate().unwrap();
        for authority in [false, true] {
            if authority {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            let certificate = params.self_signed(&key).unwrap();
            let facts = CertificateFacts::read(certificate.der()).unwrap();
            assert!(facts.subject.contains("CN=ada"), "{facts:?}");
            assert!(facts.is_self_signed());
            assert_eq!(to_text(facts.not_before), "2020-02-03 00:00:00 UTC");
            assert_eq!(to_text(facts.not_after), "2060-04-05 00:00:00 UTC");
            assert_eq!(facts.is_authority, authority);
        }
    }

    #[test]
    fn what_is_not_a_certificate_has_no_facts() {
        assert_eq!(CertificateFacts::read(b""), None);
        assert_eq!(CertificateFacts::read(&[0x30, 0x82, 0xff, 0xff]), None);
    }

    #[test]
    fn secrets_are_overwritten_when_they_are_dropped() {
        fn is_overwritten<T: ZeroizeOnDrop>() {
            assert!(std::mem::needs_drop::<T>());
        }
        is_overwritten::<Secret>();
        is_overwritten::<Parts>();
    }
}

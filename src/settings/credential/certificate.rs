//! The client certificate: where it comes from, and how it is read with its key from PEM files or a PKCS#12 file. A certificate
//! that no server could accept is refused before anything is sent: the key of another certificate, an encrypted key, or dates
//! that are not valid now. Also the contents of any certificate, for messages and dates.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::InconsistentKeys;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

use super::secret::{Secret, keep_out_of_core_files, of_variable};
use crate::args::environment::{Environment, F5_PASSWORD_VARIABLE, P12_PASSWORD_VARIABLE};
use crate::args::layer::{Layer, Origin, ValueError};
use crate::args::settings_table::Setting;
use crate::settings::clock::to_text;
use crate::settings::error::SettingsError;
use crate::settings::file::{self, Accept, FileErrorKind};
use crate::settings::sources::Sources;

/// Longest file with a certificate or a key, in bytes: every chain is much shorter.
const CERTIFICATE_MAX: u64 = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificateSource {
    /// PEM files. `key` is `cert` if no file is named for it.
    Pem { cert: PathBuf, key: PathBuf, key_origin: Origin },
    /// Without a password, vescli tries the empty one.
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
    /// [`SettingsError::Unusable`] for a key without a certificate, and for a certificate in two forms.
    pub(super) fn of_layer(layer: &Layer) -> Result<Option<(Self, Origin)>, SettingsError> {
        let path =
            |setting| layer.get(setting).map(|entry| (PathBuf::from(entry.value.to_string()), entry.origin.clone()));
        match (path(Setting::Cert), path(Setting::CertKey), path(Setting::P12)) {
            (Some((_, other)), _, Some((_, origin))) | (None, Some((_, other)), Some((_, origin))) => {
                let reason =
                    format!("a client certificate is given twice, here and by {other}: give --cert or --p12, not both");
                Err(SettingsError::unusable(&origin, reason))
            }
            (Some((cert, origin)), key, None) => {
                let (key, key_origin) = key.unwrap_or_else(|| (cert.clone(), origin.clone()));
                Ok(Some((Self::Pem { cert, key, key_origin }, origin)))
            }
            (None, Some((_, origin)), None) => {
                let reason = "it names a key but no certificate: name the certificate with `cert` in the same place";
                Err(SettingsError::unusable(&origin, reason))
            }
            (None, None, Some((file, origin))) => Ok(Some((Self::P12 { file, password: None }, origin))),
            (None, None, None) => Ok(None),
        }
    }
}

impl PasswordSource {
    /// The password for the PKCS#12 file, independent of the source that names the file: there is no flag for a secret, so the
    /// variable is also for a file that a flag names. The password is never sent, so it is not bound to a host.
    pub(super) fn find(sources: &Sources, environment: &Environment) -> Result<Option<(Self, Origin)>, ValueError> {
        for (level, layer) in sources.layers() {
            let names = [P12_PASSWORD_VARIABLE, F5_PASSWORD_VARIABLE];
            let entry = layer.get(Setting::P12PasswordFile);
            let file = entry.map(|entry| (Self::File(entry.value.to_string().into()), entry.origin.clone()));
            if let Some(found) = of_variable(level, environment, names, Self::Variable)?.or(file) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// A client certificate with its key.
#[derive(Clone)]
pub struct ClientCertificate {
    certified: Arc<CertifiedKey>,
    /// None if it cannot be read.
    pub subject: Option<String>,
}

/// The client's certificate, then those up to its authority, and the key.
type Parts = (Vec<CertificateDer<'static>>, Zeroizing<PrivateKeyDer<'static>>);

impl ClientCertificate {
    /// In the form that rustls needs.
    pub fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// Reads a client certificate and checks that it can be used `now`.
    ///
    /// # Errors
    /// [`SettingsError`] when a file is missing or can be read by others, and when its content cannot be used.
    pub fn load(source: &ClientCertificateSource, origin: &Origin, now: SystemTime) -> Result<Self, SettingsError> {
        keep_out_of_core_files();
        let (certified, path, key) = match source {
            ClientCertificateSource::Pem { cert, key, key_origin } => {
                (certify(read_pem(cert, origin, key, key_origin)?), cert.display(), key.display())
            }
            ClientCertificateSource::P12 { file, password } => {
                (pkcs12::read(file, origin, password.as_ref())?, file.display(), file.display())
            }
        };
        let reason = match certified {
            Ok(certified) => {
                let facts = certified.cert.first().and_then(|certificate| CertificateFacts::read(certificate));
                match facts.as_ref().map(|facts| (facts.not_before, facts.not_after)) {
                    Some((_, end)) if now > end => {
                        format!("the client certificate in {path} expired on {}: get a new one", to_text(end))
                    }
                    Some((start, _)) if now < start => format!(
                        "the client certificate in {path} is valid only from {} on, and this machine's clock says {}",
                        to_text(start),
                        to_text(now)
                    ),
                    _ => return Ok(Self { certified: Arc::new(certified), subject: facts.map(|facts| facts.subject) }),
                }
            }
            Err(rustls::Error::InconsistentKeys(_)) => format!(
                "the private key in {key} does not belong to the certificate in {path}; the client's own certificate has to come first in its file"
            ),
            Err(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                format!("{path} is damaged: its certificate cannot be read")
            }
            Err(_) => format!(
                "the private key in {key} cannot be used: RSA from 2048 bits on, ECDSA on P-256 or P-384, and Ed25519 are supported"
            ),
        };
        Err(SettingsError::unusable(origin, reason))
    }
}

/// Checks that certificate and key belong together. Same as `CertifiedKey::from_der`, but overwrites the key afterwards.
fn certify((chain, key): Parts) -> Result<CertifiedKey, rustls::Error> {
    let certified = CertifiedKey::new(chain, ring::sign::any_supported_type(&key)?);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(error) => Err(error),
    }
}

fn read_file(
    path: &Path,
    origin: &Origin,
    limit: u64,
    check: fn(&Metadata) -> Result<(), FileErrorKind>,
) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
    file::read(path, Accept::File, limit, check).map(Zeroizing::new).map_err(|error| {
        let hint = if let FileErrorKind::TooLarge { .. } = error.kind { ": is it the right file?" } else { "" };
        SettingsError::File { origin: format!("{origin}: "), error, hint }
    })
}

/// Only the file with the key must not be readable by others.
fn read_pem(cert: &Path, cert_origin: &Origin, key: &Path, key_origin: &Origin) -> Result<Parts, SettingsError> {
    let read = |path, origin, check| read_file(path, origin, CERTIFICATE_MAX, check);
    let key_bytes = read(key, key_origin, file::check_private)?;
    let cert_bytes = if cert == key { key_bytes.clone() } else { read(cert, cert_origin, file::anyone_may_read)? };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&cert_bytes).collect();
    let chain = chain.map_err(|error| SettingsError::unusable(cert_origin, damaged(cert, &error)))?;
    if chain.is_empty() {
        let reason = format!(
            "{} contains no certificate: it must be PEM, which begins with -----BEGIN CERTIFICATE-----; name a .p12 or .pfx file with --p12",
            cert.display()
        );
        return Err(SettingsError::unusable(cert_origin, reason));
    }
    let key = private_key(key, &key_bytes).map_err(|reason| SettingsError::unusable(key_origin, reason))?;
    Ok((chain, Zeroizing::new(key)))
}

/// The error is the reason for the message.
fn private_key(path: &Path, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let contains = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    let key = PrivateKeyDer::from_pem_slice(bytes);
    let is_encrypted = contains(if key.is_ok() { b"Proc-Type: 4,ENCRYPTED" } else { &b"ENCRYPTED"[..] });
    let file = path.display();
    match key {
        _ if is_encrypted => Err(format!(
            "the private key in {file} is encrypted, which is not supported for PEM: decrypt it with `(umask 077; openssl pkey -in {file} -out key.pem)`, or use a PKCS#12 file with --p12"
        )),
        Err(pem::Error::NoItemsFound) => Err(format!(
            "{file} contains no private key: name the file of the key with --key, or put the key into the file of the certificate"
        )),
        key => key.map_err(|error| damaged(path, &error)),
    }
}

fn damaged(path: &Path, error: &pem::Error) -> String {
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => "its last line is missing",
        // The library's text may quote the file, and with it a key.
        _ => "it is not valid PEM",
    };
    format!("{} is damaged: {reason}", path.display())
}

/// The contents of a certificate, for messages only: rustls verifies it. For a certificate that cannot be read here, messages
/// are shorter.
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
    /// Reads a certificate in DER; `None` if it is not valid by RFC 5280.
    pub fn read(der: &[u8]) -> Option<Self> {
        // A date before 1970 becomes 1970: both are in the past.
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

/// Opens a PKCS#12 file with today's encryption (PBES2 with AES) or the old one (RC2, 3DES, SHA-1), which F5's console and many
/// tools still write.
#[cfg(feature = "p12")]
mod pkcs12 {
    use std::borrow::Cow;

    use p12_keystore::error::Error;
    use p12_keystore::{Certificate, Pkcs12Archive};
    use x509_parser::asn1_rs::{Any, Sequence, ToDer as _};

    use super::{CERTIFICATE_MAX, PasswordSource, Path, certify, file, read_file};
    use super::{CertificateDer, CertifiedKey, PrivateKeyDer, Secret, Zeroizing};
    use super::{FromDer, Origin, SettingsError};

    const PASSWORD_MAX: u64 = 8 * 1024;

    /// The first key and certificate in the file that belong together. A pair that TLS cannot use is returned too: the caller
    /// reports why.
    pub(super) fn read(
        path: &Path,
        origin: &Origin,
        password: Option<&(PasswordSource, Origin)>,
    ) -> Result<Result<CertifiedKey, rustls::Error>, SettingsError> {
        let unusable = |reason| SettingsError::unusable(origin, reason);
        let bytes = read_file(path, origin, CERTIFICATE_MAX, file::check_private)?;
        let password =
            password.map(|(source, origin)| password_of(source, origin).map(|secret| (secret, origin))).transpose()?;
        let archive = open(&bytes, path, password.as_ref()).map_err(unusable)?;
        let certificates: Vec<Certificate> = archive.certs.into_iter().map(|bag| bag.cert).collect();
        let pairs = archive.keys.iter().flat_map(|key| certificates.iter().map(move |own| (key.key.as_der(), own)));
        pairs
            .map(|(key, own)| {
                certify((chain(own, &certificates), Zeroizing::new(PrivateKeyDer::Pkcs8(key.to_vec().into()))))
            })
            .filter(|certified| !matches!(certified, Err(rustls::Error::InconsistentKeys(_))))
            .min_by_key(Result::is_err)
            .ok_or_else(|| unusable(format!("{} contains no private key with its certificate", path.display())))
    }

    /// A line end at the end of a file is not part of the password.
    fn password_of(source: &PasswordSource, origin: &Origin) -> Result<Secret, SettingsError> {
        let path = match source {
            PasswordSource::Variable(_, secret) => return Ok(secret.clone()),
            PasswordSource::File(path) => path,
        };
        let mut bytes = read_file(path, origin, PASSWORD_MAX, file::check_private)?;
        Secret::of_line(std::mem::take(&mut *bytes))
            .ok_or_else(|| SettingsError::unusable(origin, format!("the password of {origin} is not UTF-8 text")))
    }

    /// Decrypts a file. The error is the reason for the message.
    ///
    /// For the MAC, a character beyond U+FFFF is two units (RFC 7292, appendix B.1), which p12-keystore does not support.
    /// Today's encryption takes the password as UTF-8, so such a file is opened without its MAC. Then the decryption shows
    /// whether the password is right, and a key that fits its certificate shows that the file was not changed.
    fn open(bytes: &[u8], path: &Path, password: Option<&(Secret, &Origin)>) -> Result<Pkcs12Archive, String> {
        let file = path.display();
        let text = password.map_or("", |(secret, _)| secret.expose());
        let is_beyond = text.chars().any(|character| character > '\u{ffff}');
        if let Some((_, origin)) = password
            && is_beyond
            && bytes.windows(PBES1.len()).any(|window| window == PBES1)
        {
            return Err(format!(
                "the password of {origin} has a character beyond U+FFFF, which does not work with the old encryption of {file}: make the file again with `openssl pkcs12 -export` (AES)"
            ));
        }
        let not_pkcs12 =
            || format!("{file} is not a PKCS#12 file, or a damaged one; name PEM files with --cert and --key");
        let wrong_password = || match password {
            Some((_, origin)) => format!("the password of {origin} does not open {file}"),
            None => format!(
                "{file} is protected by a password: set VESCLI_P12_PASSWORD, or name a file that contains it with --p12-password-file"
            ),
        };
        let bytes =
            if is_beyond { Cow::Owned(without_mac(bytes).ok_or_else(not_pkcs12)?) } else { Cow::Borrowed(bytes) };
        Pkcs12Archive::from_pkcs12(&bytes, text).map_err(|error| match error {
            // A file with a MAC is checked first, which detects a wrong password. Without a MAC, decryption gives garbage.
            Error::MacError(_) | Error::UnpadError => wrong_password(),
            // Of this error the library only passes on the text.
            Error::Pkcs5Error(text) if text.contains("decryption failed") => wrong_password(),
            Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm | Error::Pkcs5Error(_) => format!(
                "{file} is encrypted in a way that is not supported: make it again with `openssl pkcs12 -export` (AES), or with `-legacy` (RC2, 3DES)"
            ),
            _ if is_beyond => wrong_password(),
            _ => not_pkcs12(),
        })
    }

    /// The start of the identifiers of all old kinds of encryption, 1.2.840.113549.1.12.1.N (RFC 7292, appendix C).
    const PBES1: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";

    /// The file without its MAC, which is the last of its three fields (RFC 7292, section 4).
    fn without_mac(bytes: &[u8]) -> Option<Vec<u8>> {
        let (_, file) = Any::from_der(bytes).ok()?;
        let (rest, _version) = Any::from_der(file.data).ok()?;
        let (mac, _content) = Any::from_der(rest).ok()?;
        let kept = &file.data[..file.data.len() - mac.len()];
        Sequence::new(kept.into()).to_der_vec().ok()
    }

    /// The certificate and those up to its authority, without the authority's own: the server has that one.
    fn chain(own: &Certificate, all: &[Certificate]) -> Vec<CertificateDer<'static>> {
        let mut chain = vec![own];
        while let Some(next) = all.iter().find(|candidate| {
            chain.last().is_some_and(|last| candidate.subject() == last.issuer())
                && candidate.subject() != candidate.issuer()
                && !chain.contains(candidate)
        }) {
            chain.push(next);
        }
        chain.iter().map(|certificate| CertificateDer::from(certificate.as_der().to_vec())).collect()
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
    use super::{CertifiedKey, Origin, PasswordSource, Path, SettingsError};

    pub(super) fn read(
        path: &Path,
        origin: &Origin,
        _: Option<&(PasswordSource, Origin)>,
    ) -> Result<Result<CertifiedKey, rustls::Error>, SettingsError> {
        let reason = format!(
            "this build of vescli cannot read PKCS#12 files (feature `p12`): use --cert and --key with `openssl pkcs12 -in {} -nodes`, or another build",
            path.display()
        );
        Err(SettingsError::unusable(origin, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
    use zeroize::ZeroizeOnDrop;

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
        is_overwritten::<Zeroizing<PrivateKeyDer<'static>>>();
    }
}

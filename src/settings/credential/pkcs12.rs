//! Opens a PKCS#12 file: today's encryption (PBES2 with AES) and the old one (RC2, 3DES, SHA-1) that F5's console and
//! many tools still write.

use std::path::Path;

use p12_keystore::error::Error;
use p12_keystore::{Certificate, Pkcs12Archive};
use rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::{Any, FromDer as _, Sequence, ToDer as _};
use zeroize::Zeroizing;

use super::secret::Secret;
use crate::args::layer::Origin;
use crate::settings::error::ClientCertificateError;

/// Why a file did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenError {
    Password,
    Format,
    Encryption,
    /// The password has characters that cannot be used with the file's encryption.
    Characters,
}

impl OpenError {
    pub(super) fn of_file(self, file: &Path, password: Option<&Origin>) -> ClientCertificateError {
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
pub(super) struct Candidate {
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// PKCS#8.
    pub(super) key: Zeroizing<Vec<u8>>,
}

/// Decrypts a file, and pairs every key with every certificate in it.
pub(super) fn open(bytes: &[u8], password: Option<&Secret>) -> Result<impl Iterator<Item = Candidate>, OpenError> {
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

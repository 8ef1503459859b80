//! Opens a PKCS#12 file: today's encryption (PBES2 with AES) and the old one (RC2, 3DES, SHA-1) that F5's console and
//! many tools still write. Without the feature `p12` it only says that it cannot.

use std::path::Path;

use super::credential::CredentialError;
use super::identity::Parts;
use super::identity_error::IdentityError;
use super::identity_source::PasswordSource;
use crate::args::layer::Origin;

/// Reads certificate, chain and key.
///
/// # Errors
/// [`CredentialError`] when the file or its password cannot be read, or holds no key with its certificate.
#[cfg(feature = "p12")]
pub(super) fn read(
    file: &Path,
    origin: &Origin,
    password: Option<&(PasswordSource, Origin)>,
) -> Result<Parts, CredentialError> {
    let bytes = super::token::read_private(file, origin)?;
    let text = password.map(|(source, origin)| opening::password(source, origin)).transpose()?;
    opening::open(&bytes, text.as_ref())
        .map_err(|shut| shut.error(file, password.map(|(_, origin)| origin)))
        .map_err(|error| error.at(origin))
}

/// Without the feature there is nothing to read with.
///
/// # Errors
/// [`CredentialError`], always.
#[cfg(not(feature = "p12"))]
pub(super) fn read(
    file: &Path,
    origin: &Origin,
    _: Option<&(PasswordSource, Origin)>,
) -> Result<Parts, CredentialError> {
    let path = file.to_owned();
    Err(IdentityError::NoPkcs12Support { path }.at(origin))
}

#[cfg(feature = "p12")]
mod opening {
    use p12_keystore::error::Error;
    use p12_keystore::{Certificate, Pkcs12Archive};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    use x509_parser::asn1_rs::{Any, FromDer as _, Sequence, ToDer as _};

    use super::{CredentialError, IdentityError, Origin, Parts, PasswordSource, Path};
    use crate::settings::identity::certify;
    use crate::settings::secret::Secret;
    use crate::settings::token::read_password;

    /// Why a file did not open.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Shut {
        Password,
        Format,
        Encryption,
        Letters,
        Empty,
    }

    impl Shut {
        pub(super) fn error(self, file: &Path, password: Option<&Origin>) -> IdentityError {
            let path = file.to_owned();
            match (self, password.cloned()) {
                (Self::Password, Some(password)) => IdentityError::WrongPassword { path, password },
                (Self::Password, None) => IdentityError::NoPassword { path },
                (Self::Format, _) => IdentityError::NotPkcs12 { path },
                (Self::Letters, Some(password)) => IdentityError::PasswordLetters { path, password },
                (Self::Letters | Self::Encryption, _) => IdentityError::UnsupportedPkcs12 { path },
                (Self::Empty, _) => IdentityError::EmptyPkcs12 { path },
            }
        }
    }

    /// One newline at the end of a file is no part of the password.
    pub(super) fn password(source: &PasswordSource, origin: &Origin) -> Result<Secret, CredentialError> {
        let path = match source {
            PasswordSource::Variable(_, secret) => return Ok(secret.clone()),
            PasswordSource::File(path) => path,
        };
        Secret::of_line(read_password(path, origin)?).ok_or_else(|| {
            let password = origin.clone();
            IdentityError::PasswordNotText { password }.at(origin)
        })
    }

    pub(super) fn open(bytes: &[u8], password: Option<&Secret>) -> Result<Parts, Shut> {
        let password = password.map_or("", Secret::expose);
        let archive = if password.chars().all(|letter| letter <= '\u{ffff}') {
            Pkcs12Archive::from_pkcs12(bytes, password).map_err(|error| sort(&error))?
        } else {
            decrypt(bytes, password)?
        };
        let certificates: Vec<Certificate> = archive.certs.into_iter().map(|bag| bag.cert).collect();
        let mut unusable = None;
        for key in &archive.keys {
            for own in &certificates {
                let parts = || Parts { chain: chain(own, &certificates), key: key_of(key.key.as_der()) };
                match certify(parts()) {
                    Ok(_) => return Ok(parts()),
                    Err(rustls::Error::InconsistentKeys(_)) => {}
                    // Event by the caller, which tries again.
                    Err(_) => unusable = unusable.or_else(|| Some(parts())),
                }
            }
        }
        unusable.ok_or(Shut::Empty)
    }

    /// Opens a file with a password that p12-keystore cannot put into the form that a MAC is made with: letters beyond
    /// U+FFFF are two units each there (RFC 7292, appendix B.1), and its type knows letters of one unit alone. Today's
    /// encryption takes the password as UTF-8. It alone shows here whether the password is right; that nothing was
    /// changed in the file shows by its key, which has to be the certificate's.
    fn decrypt(bytes: &[u8], password: &str) -> Result<Pkcs12Archive, Shut> {
        if bytes.windows(PBES1.len()).any(|window| window == PBES1) {
            return Err(Shut::Letters);
        }
        let bare = without_mac(bytes).ok_or(Shut::Format)?;
        Pkcs12Archive::from_pkcs12(&bare, password).map_err(|error| match sort(&error) {
            // A wrong password may garble what it decrypts.
            Shut::Format => Shut::Password,
            shut => shut,
        })
    }

    /// The head of the names of all the old kinds of encryption, 1.2.840.113549.1.12.1.N (RFC 7292, appendix C).
    const PBES1: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";

    /// The same file without its MAC, the last of the three fields of which it is made (RFC 7292, section 4).
    fn without_mac(bytes: &[u8]) -> Option<Vec<u8>> {
        let (_, file) = Any::from_der(bytes).ok()?;
        let (rest, _version) = Any::from_der(file.data).ok()?;
        let (mac, _content) = Any::from_der(rest).ok()?;
        let kept = &file.data[..file.data.len() - mac.len()];
        Sequence::new(kept.into()).to_der_vec().ok()
    }

    fn key_of(der: &[u8]) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der.to_vec()))
    }

    /// The certificate and those that lead from it to its authority, whose own one the server has.
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
        let der = |certificate: &&Certificate| CertificateDer::from(certificate.as_der().to_vec());
        chain.iter().map(der).collect()
    }

    fn sort(error: &Error) -> Shut {
        match error {
            // The check of the password comes first where a file has one; without, a wrong password garbles the rest.
            Error::MacError(_) | Error::UnpadError => Shut::Password,
            // The kind of this error is handed on as its text alone.
            Error::Pkcs5Error(text) if text.contains("decryption failed") => Shut::Password,
            Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm | Error::Pkcs5Error(_) => {
                Shut::Encryption
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
            | Error::InvalidPrivateKey => Shut::Format,
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

//! Why a client certificate cannot be used, a sentence for each; none of them holds a byte of a key or a password.

use std::path::PathBuf;

use thiserror::Error;

use super::credential::CredentialError;
use crate::args::layer::Origin;

/// Why a client certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The file holds no certificate.
    #[error("{path} holds no certificate: it takes PEM, which begins with -----BEGIN CERTIFICATE-----; a .p12 or .pfx file is named with --p12", path = .path.display())]
    NoCertificate { path: PathBuf },
    /// The file holds no key.
    #[error("{path} holds no private key: name the key's file with --key, or put the key into the certificate's file", path = .path.display())]
    NoKey { path: PathBuf },
    /// The file cannot be parsed.
    #[error("{path} is damaged: {reason}", path = .path.display())]
    Damaged { path: PathBuf, reason: String },
    /// The key is encrypted.
    #[error("the private key in {path} is encrypted, which is not supported for PEM: decrypt it with `(umask 077; openssl pkey -in {path} -out key.pem)`, or use a PKCS#12 file with --p12", path = .path.display())]
    Encrypted { path: PathBuf },
    /// The key is of a kind that TLS here cannot sign with.
    #[error("the private key in {path} cannot be used: it takes RSA from 2048 bits on, ECDSA on P-256 or P-384, or Ed25519", path = .path.display())]
    UnusableKey { path: PathBuf },
    /// Certificate and key do not belong together.
    #[error("the private key in {key} does not belong to the certificate in {cert}; the client's own certificate has to come first in its file", key = .key.display(), cert = .cert.display())]
    Mismatch { cert: PathBuf, key: PathBuf },
    /// The certificate is too old.
    #[error("the client certificate in {path} expired on {date}: get a new one", path = .path.display())]
    Expired { path: PathBuf, date: String },
    /// The certificate is too young.
    #[error("the client certificate in {path} is valid only from {date} on, and this machine's clock says {now}", path = .path.display())]
    NotYetValid { path: PathBuf, date: String, now: String },
    /// The password does not open the PKCS#12 file.
    #[error("the password of {password} does not open {path}", path = .path.display())]
    WrongPassword { path: PathBuf, password: Origin },
    /// The PKCS#12 file wants a password and none was given.
    #[error("{path} is locked with a password: set VESCLI_P12_PASSWORD, or name a file that holds it with --p12-password-file", path = .path.display())]
    NoPassword { path: PathBuf },
    /// The password is no text.
    #[error("the password of {password} is no UTF-8 text")]
    PasswordNotText { password: Origin },
    /// The password has letters that the file's old encryption cannot be opened with.
    #[error("the password of {password} has a character beyond U+FFFF, with which the old encryption of {path} cannot be opened here: make the file anew with `openssl pkcs12 -export` (AES)", path = .path.display())]
    PasswordLetters { path: PathBuf, password: Origin },
    /// The file is no PKCS#12 file.
    #[error("{path} is no PKCS#12 file, or a damaged one; PEM files are named with --cert and --key", path = .path.display())]
    NotPkcs12 { path: PathBuf },
    /// The file is encrypted in a way that nobody here reads.
    #[error("{path} is encrypted in a way that is not supported: make it anew with `openssl pkcs12 -export` (AES), or with `-legacy` (RC2, 3DES)", path = .path.display())]
    UnsupportedPkcs12 { path: PathBuf },
    /// The file holds no key with its certificate.
    #[error("{path} holds no private key with its certificate", path = .path.display())]
    EmptyPkcs12 { path: PathBuf },
    /// This build reads no PKCS#12 files.
    #[error("this build of vescli cannot read PKCS#12 files (feature `p12`): use --cert and --key with `openssl pkcs12 -in {path} -nodes`, or another build", path = .path.display())]
    NoPkcs12Support { path: PathBuf },
    /// A certificate in two forms at once.
    #[error("a client certificate is given twice, here and by {other}: give --cert or --p12, not both")]
    Twice { other: Origin },
    /// A key without a certificate.
    #[error("it names a key but no certificate: name the certificate with `cert` in the same place")]
    KeyAlone,
    /// A password without a PKCS#12 file.
    #[error("it names a password, but no PKCS#12 file is in use: name one with --p12")]
    PasswordAlone,
}

impl IdentityError {
    /// The same with the flag, variable or line that it is about.
    pub fn at(self, origin: &Origin) -> CredentialError {
        CredentialError::Identity { origin: origin.clone(), error: self }
    }
}

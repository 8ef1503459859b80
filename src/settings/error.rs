//! Why settings and credentials cannot be used, and how to give a setting that is missing. No message contains a byte of a
//! credential.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::config_file::ConfigError;
use super::file::FileError;
use crate::args::layer::{Origin, ValueError};
use crate::args::settings_table::{Scope, Setting};

#[derive(Debug, Error)]
pub enum SettingsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Value(#[from] ValueError),
    /// No source gives a value that is needed.
    #[error("no {name} is given: {ways}", name = .key.spec().name(), ways = ways_to_give(*.key, .config))]
    Missing { key: Setting, config: ConfigState },
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

/// The state of the configuration file: it decides what is suggested when something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigState {
    /// None was read on purpose, or there is no home folder to look in.
    None,
    /// There is none at this path.
    Absent(PathBuf),
    /// It was read, and this profile was used.
    Profile(PathBuf, String),
    /// It was read, and none of these profiles is chosen.
    Unchosen(PathBuf, Vec<String>),
}

fn ways_to_give(key: Setting, config: &ConfigState) -> String {
    let spec = key.spec();
    let (flag, variable, name) = (spec.flag, spec.variable(), spec.name());
    let foreign = spec.f5_variable.map_or_else(String::new, |name| format!(" or {name}"));
    let ways = format!("use --{flag}, set {variable}{foreign}");
    if spec.scope == Scope::RunOnly {
        return ways;
    }
    let table = match config {
        ConfigState::None => "a profile of a configuration file".to_owned(),
        ConfigState::Absent(path) => format!("a profile in {} (`vescli config init` writes one)", path.display()),
        ConfigState::Profile(path, profile) => format!("[profiles.{profile}] in {}", path.display()),
        ConfigState::Unchosen(path, profiles) if profiles.is_empty() => format!("[defaults] in {}", path.display()),
        ConfigState::Unchosen(path, profiles) => {
            let (path, profiles) = (path.display(), profiles.join(", "));
            return format!("{ways}, or choose a profile of {path} with --profile ({profiles})");
        }
    };
    format!("{ways}, or put `{name}` into {table}")
}

/// Why a credential cannot be used. `origin` is the flag, variable or line that names it.
#[derive(Debug, Error)]
pub enum CredentialError {
    #[error("{origin}: {error}{hint}")]
    File { origin: Origin, error: FileError, hint: &'static str },
    /// `reason` never contains the token. The file is named because a line of the configuration does not show it.
    #[error("{origin}: the token{place} {reason}", place = .file.as_ref().map_or_else(String::new, |path| format!(" in {}", path.display())))]
    Token { origin: Origin, file: Option<PathBuf>, reason: &'static str },
    /// `program` is the command's first word.
    #[error("{origin}: the command `{program}` {reason}")]
    Command { origin: Origin, program: String, reason: String },
    #[error("--token-file -: standard input cannot be read: {0}")]
    Stdin(io::Error),
    #[error("{origin}: {error}")]
    Certificate { origin: Origin, error: ClientCertificateError },
    /// It belongs to another host than the one that the request goes to.
    #[error("the credential of {origin} belongs to {bound}, but the request goes to {target}: {remedy}")]
    Bound { origin: Origin, bound: String, target: String, remedy: &'static str },
    /// The host that it belongs to cannot be computed, so no target is known to be that host.
    #[error(
        "the credential of {origin} is not sent to {target}, because the host that it belongs to cannot be computed \
         ({reason}): correct that in the file, give a credential for this host with VESCLI_TOKEN or --token-file, or --no-auth"
    )]
    Unbound { origin: Origin, target: String, reason: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClientCertificateError {
    #[error("{path} contains no certificate: it must be PEM, which begins with -----BEGIN CERTIFICATE-----; name a .p12 or .pfx file with --p12", path = .path.display())]
    NoCertificate { path: PathBuf },
    #[error("{path} contains no private key: name the file of the key with --key, or put the key into the file of the certificate", path = .path.display())]
    NoPrivateKey { path: PathBuf },
    #[error("{path} is damaged: {reason}", path = .path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("the private key in {path} is encrypted, which is not supported for PEM: decrypt it with `(umask 077; openssl pkey -in {path} -out key.pem)`, or use a PKCS#12 file with --p12", path = .path.display())]
    Encrypted { path: PathBuf },
    #[error("the private key in {path} cannot be used: RSA from 2048 bits on, ECDSA on P-256 or P-384, and Ed25519 are supported", path = .path.display())]
    UnusableKey { path: PathBuf },
    #[error("the private key in {key} does not belong to the certificate in {cert}; the client's own certificate has to come first in its file", key = .key.display(), cert = .cert.display())]
    Mismatch { cert: PathBuf, key: PathBuf },
    #[error("the client certificate in {path} expired on {date}: get a new one", path = .path.display())]
    Expired { path: PathBuf, date: String },
    #[error("the client certificate in {path} is valid only from {date} on, and this machine's clock says {now}", path = .path.display())]
    NotYetValid { path: PathBuf, date: String, now: String },
    #[error("the password of {password} does not open {path}", path = .path.display())]
    WrongPassword { path: PathBuf, password: Origin },
    #[error("{path} is protected by a password: set VESCLI_P12_PASSWORD, or name a file that contains it with --p12-password-file", path = .path.display())]
    NoPassword { path: PathBuf },
    #[error("the password of {password} is not UTF-8 text")]
    PasswordNotText { password: Origin },
    #[error("the password of {password} has a character beyond U+FFFF, which does not work with the old encryption of {path}: make the file again with `openssl pkcs12 -export` (AES)", path = .path.display())]
    PasswordCharacters { path: PathBuf, password: Origin },
    #[error("{path} is not a PKCS#12 file, or a damaged one; name PEM files with --cert and --key", path = .path.display())]
    NotPkcs12 { path: PathBuf },
    #[error("{path} is encrypted in a way that is not supported: make it again with `openssl pkcs12 -export` (AES), or with `-legacy` (RC2, 3DES)", path = .path.display())]
    UnsupportedPkcs12 { path: PathBuf },
    #[error("{path} contains no private key with its certificate", path = .path.display())]
    EmptyPkcs12 { path: PathBuf },
    #[error("this build of vescli cannot read PKCS#12 files (feature `p12`): use --cert and --key with `openssl pkcs12 -in {path} -nodes`, or another build", path = .path.display())]
    NoPkcs12Support { path: PathBuf },
    #[error("a client certificate is given twice, here and by {other}: give --cert or --p12, not both")]
    Twice { other: Origin },
    #[error("it names a key but no certificate: name the certificate with `cert` in the same place")]
    KeyAlone,
    #[error("it names a password, but no PKCS#12 file is in use: name one with --p12")]
    PasswordAlone,
}

impl ClientCertificateError {
    /// With the flag, variable or line that it is about.
    pub fn at(self, origin: &Origin) -> CredentialError {
        CredentialError::Certificate { origin: origin.clone(), error: self }
    }
}

//! Reads the certificates of authorities from PEM files and folders.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use thiserror::Error;

use super::pem_bundle;
use crate::settings::file::{self, Accept, FileError, FileErrorKind};

/// Most bytes of a file of certificates: the bundle of a system holds a quarter of a megabyte.
const BUNDLE_MAX: u64 = 16 * 1024 * 1024;

/// Why a file of certificates cannot be used.
#[derive(Debug, Error)]
pub enum CertificateFileError {
    /// `name` is the flag or variable that named the file.
    #[error("{name}: {error}{}", hint(.error))]
    File { name: &'static str, error: FileError },
    /// It holds no certificate.
    #[error("{name}: {path} holds no certificate: it takes PEM, which begins with -----BEGIN CERTIFICATE-----", path = .path.display())]
    NoCertificate {
        /// The flag or variable that named it.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It holds something else than PEM certificates.
    #[error("{name}: {path} holds a damaged certificate: {reason}", path = .path.display())]
    Damaged {
        /// The flag or variable that named it.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// How much of a file has to be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// All of it: a file that the user made for vescli.
    Everything,
    /// One certificate at least: a bundle may hold relics that nobody can parse.
    Something,
    /// Nothing: one file of many.
    Nothing,
}

/// Hands every certificate of a file to `add`, which says whether it takes it. `name` is what named the file.
///
/// # Errors
/// [`CertificateFileError`] when the file cannot be read, or is not as sound as it has to be.
pub(super) fn read_file(
    name: &'static str,
    path: &Path,
    strictness: Strictness,
    add: &mut dyn FnMut(CertificateDer<'static>) -> Result<(), rustls::Error>,
) -> Result<(), CertificateFileError> {
    let bytes = read_bytes(name, path)?;
    let path = path.to_owned();
    let mut found = false;
    let all: Vec<_> = match pem_bundle::certificates(&bytes) {
        Some(certificates) => certificates.into_iter().map(Ok).collect(),
        None => CertificateDer::pem_slice_iter(&bytes).collect(),
    };
    for certificate in all {
        let added = match certificate {
            Ok(certificate) => add(certificate).map_err(|error| error.to_string()),
            Err(pem::Error::MissingSectionEnd { .. }) => Err("its last line is missing".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match added {
            Ok(()) => found = true,
            Err(reason) if strictness == Strictness::Everything => {
                return Err(CertificateFileError::Damaged { name, path, reason });
            }
            Err(_) => {}
        }
    }
    if strictness != Strictness::Nothing && !found {
        return Err(CertificateFileError::NoCertificate { name, path });
    }
    Ok(())
}

fn read_bytes(name: &'static str, path: &Path) -> Result<Vec<u8>, CertificateFileError> {
    file::read(path, Accept::File, BUNDLE_MAX, file::anyone_may_read)
        .map_err(|error| CertificateFileError::File { name, error })
}

fn hint(error: &FileError) -> &'static str {
    match error.kind {
        FileErrorKind::TooLarge { .. } => ", which no bundle of certificates is",
        _ => "",
    }
}

/// The same for every file of a folder, whatever else lies there.
///
/// # Errors
/// [`CertificateFileError`] when the folder cannot be read.
pub(super) fn read_folder(
    name: &'static str,
    folder: &Path,
    add: &mut dyn FnMut(CertificateDer<'static>) -> Result<(), rustls::Error>,
) -> Result<(), CertificateFileError> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| CertificateFileError::File { name, error: FileErrorKind::from(error).at(folder) })?;
    for entry in entries.flatten() {
        // A dead link or a file of somebody else's is no reason to distrust the others.
        if entry.path().is_file() {
            let _ = read_file(name, &entry.path(), Strictness::Nothing, add);
        }
    }
    Ok(())
}

//! What `--tls` needs: the server's side of TLS, and a file for `--cacert`. The keys stay in memory; the certificate of the
//! authority, which is not a secret, is the only thing that is written.

use std::fs;
use std::io;
use std::iter::repeat_with;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificate::Certificates;
use super::error::SandboxError;

/// What the server needs to answer by TLS, and the certificate of the authority in PEM.
pub(super) fn certified() -> Result<(Arc<ServerConfig>, String), SandboxError> {
    let made = Certificates::make().map_err(|_| SandboxError::Certificate(None))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.key));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(made.server)], key))
        .map_err(|error| SandboxError::Certificate(Some(error)))?;
    Ok((Arc::new(config), pem(&made.authority)))
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// The authority's certificate in a private folder of its own. Both are removed when this is dropped.
#[derive(Debug)]
pub(super) struct AuthorityFile {
    folder: PathBuf,
    file: PathBuf,
}

impl AuthorityFile {
    /// Writes `pem` to a new folder below `parent`, which the rehearsed command may name from any folder of its own.
    ///
    /// # Errors
    /// The path that cannot be made, and what the system says.
    pub(super) fn write(parent: &Path, pem: &str) -> Result<Self, (PathBuf, io::Error)> {
        let parent = std::path::absolute(parent).map_err(|error| (parent.to_owned(), error))?;
        let random: String = repeat_with(fastrand::alphanumeric).take(12).collect();
        let folder = parent.join(format!("vescli-sandbox-{random}"));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // It fails when the folder exists, so that no one else can prepare it.
        builder.create(&folder).map_err(|error| (folder.clone(), error))?;
        let written = Self { file: folder.join("ca.pem"), folder };
        fs::write(&written.file, pem).map_err(|error| (written.file.clone(), error))?;
        Ok(written)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }
}

impl Drop for AuthorityFile {
    fn drop(&mut self) {
        // Only what was made here: a file that the command has put into the folder is kept.
        let _ = fs::remove_file(&self.file).and_then(|()| fs::remove_dir(&self.folder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_private_and_gone_with_its_folder() {
        let parent = tempfile::tempdir().unwrap();
        let file = AuthorityFile::write(parent.path(), "pem").unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "pem");
        assert!(file.path().is_absolute());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&file.folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop(file);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let missing = parent.path().join("missing");
        let (path, _) = AuthorityFile::write(&missing, "pem").unwrap_err();
        assert!(path.starts_with(&missing), "{}", path.display());
    }
}

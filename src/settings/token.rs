//! Reads a token from where it is kept, and refuses what cannot be one or what others can read.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::credential::{CredentialError, TokenSource};
use super::limited_file::{self, FileError, Takes};
use super::secret::{Secret, keep_out_of_core_files};
use super::token_command;
use crate::args::environment::Environment;
use crate::args::layer::Origin;

/// Most bytes of a token: no server takes a longer header.
const TOKEN_MAX: usize = 8 * 1024;

/// The same with the line end that is trimmed.
pub(super) const TOKEN_READ: u64 = TOKEN_MAX as u64 + 2;

/// Most bytes of a file with a certificate or a key: no chain comes near.
const CERTIFICATE_MAX: u64 = 1024 * 1024;

/// Most bytes of a file with a password.
const PASSWORD_MAX: u64 = 8 * 1024;

const TOO_LONG: &str = "is longer than 8 KiB, which no API token is";

/// Reads a token.
///
/// # Errors
/// [`CredentialError`] when it cannot be read, is not kept safely, or is no token.
pub fn read(source: &TokenSource, origin: &Origin, environment: &Environment) -> Result<Secret, CredentialError> {
    keep_out_of_core_files();
    let secret = match source {
        TokenSource::Variable(_, secret) => Secret::of_line(secret.expose().as_bytes().to_vec()),
        TokenSource::File(path) => Secret::of_line(read_token_file(path, origin)?),
        TokenSource::Stdin => Secret::of_line(read_stdin(origin)?),
        TokenSource::Command { words, limit } => {
            Secret::of_line(token_command::run(words, *limit, origin, environment)?)
        }
    };
    check(secret, origin)
}

/// What is left after the line end is trimmed must be visible ASCII, or it could end the header.
fn check(secret: Option<Secret>, origin: &Origin) -> Result<Secret, CredentialError> {
    let Some(secret) = secret else {
        return Err(unusable(origin, "is no text"));
    };
    let text = secret.expose();
    let reason = if text.is_empty() {
        "is empty"
    } else if text.len() > TOKEN_MAX {
        TOO_LONG
    } else if text.starts_with("APIToken ") {
        "begins with `APIToken `: leave that word out, vescli puts it in front"
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        "holds a space, a line break or a character that is not ASCII: it must be one word"
    } else {
        return Ok(secret);
    };
    Err(unusable(origin, reason))
}

fn unusable(origin: &Origin, reason: &'static str) -> CredentialError {
    CredentialError::Token { origin: origin.clone(), reason }
}

/// The refusal of a token that is longer than any can be.
pub(super) fn too_long(origin: &Origin) -> CredentialError {
    unusable(origin, TOO_LONG)
}

/// A file or a pipe that nobody but its owner may read, as ssh wants it of a key.
fn read_token_file(path: &Path, origin: &Origin) -> Result<Vec<u8>, CredentialError> {
    let failed = |error| match error {
        FileError::TooLarge => too_long(origin),
        error => of_file(error, path, origin, Takes::FileOrPipe, TOKEN_READ),
    };
    let (file, metadata) = limited_file::open(path, Takes::FileOrPipe).map_err(failed)?;
    check_owner(&metadata, path, origin)?;
    limited_file::read(file, TOKEN_READ, TOKEN_READ).map_err(failed)
}

/// Past the buffer of the standard library, which would keep a copy of the token to the end of the process.
fn read_stdin(origin: &Origin) -> Result<Vec<u8>, CredentialError> {
    #[cfg(unix)]
    let stdin = {
        use std::os::fd::AsFd;

        let own = io::stdin().as_fd().try_clone_to_owned();
        std::fs::File::from(own.map_err(CredentialError::Stdin)?)
    };
    #[cfg(not(unix))]
    let stdin = io::stdin().lock();
    limited_file::read(stdin, TOKEN_READ, TOKEN_READ).map_err(|error| match error {
        FileError::Io(error) => CredentialError::Stdin(error),
        FileError::NotRegular | FileError::TooLarge => too_long(origin),
    })
}

/// Reads a file with a key, which nobody but its owner may read.
///
/// # Errors
/// [`CredentialError`] when it is missing, no regular file, too large, somebody else's, or can be read by others.
pub fn read_private(path: &Path, origin: &Origin) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    read_file(path, origin, CERTIFICATE_MAX, check_owner).map(Zeroizing::new)
}

/// Reads a file with a password, which nobody but its owner may read.
///
/// # Errors
/// As those of [`read_private`].
pub fn read_password(path: &Path, origin: &Origin) -> Result<Vec<u8>, CredentialError> {
    read_file(path, origin, PASSWORD_MAX, check_owner)
}

/// Reads a file that anybody may read, such as a certificate without its key.
///
/// # Errors
/// [`CredentialError`] when it is missing, no regular file, or too large.
pub fn read_public(path: &Path, origin: &Origin) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    read_file(path, origin, CERTIFICATE_MAX, |_, _, _| Ok(())).map(Zeroizing::new)
}

fn read_file(
    path: &Path,
    origin: &Origin,
    limit: u64,
    check: fn(&Metadata, &Path, &Origin) -> Result<(), CredentialError>,
) -> Result<Vec<u8>, CredentialError> {
    let failed = |error| of_file(error, path, origin, Takes::File, limit);
    let (file, metadata) = limited_file::open(path, Takes::File).map_err(failed)?;
    check(&metadata, path, origin)?;
    limited_file::read(file, metadata.len(), limit).map_err(failed)
}

fn of_file(error: FileError, path: &Path, origin: &Origin, takes: Takes, limit: u64) -> CredentialError {
    let (path, origin) = (path.to_owned(), origin.clone());
    match error {
        FileError::Io(source) if source.kind() == io::ErrorKind::NotFound => CredentialError::Missing { path, origin },
        FileError::Io(source) => CredentialError::Unreadable { path, origin, source },
        FileError::NotRegular => CredentialError::NotRegular {
            path,
            origin,
            takes: match takes {
                Takes::File => "",
                Takes::FileOrPipe => " and no pipe; `--token-file -` reads standard input",
            },
        },
        FileError::TooLarge => CredentialError::TooLarge { path, origin, limit: limited_file::size(limit) },
    }
}

#[cfg(unix)]
fn check_owner(metadata: &Metadata, path: &Path, origin: &Origin) -> Result<(), CredentialError> {
    use std::os::unix::fs::MetadataExt;

    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    let (path, origin) = (path.to_owned(), origin.clone());
    if mode & 0o077 != 0 {
        return Err(CredentialError::Exposed { path, origin, mode });
    }
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(CredentialError::Owner { path, origin, owner });
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix, where there is something to check")]
fn check_owner(_: &Metadata, _: &Path, _: &Origin) -> Result<(), CredentialError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<String, String> {
        let secret = Secret::of_line(text.as_bytes().to_vec());
        check(secret, &Origin::Flag("token-file"))
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn one_newline_is_trimmed_and_anything_that_could_end_a_header_is_refused() {
        for good in ["abc", "abc\n", "abc\r\n"] {
            assert_eq!(checked(good).as_deref(), Ok("abc"));
        }
        assert!(checked(&"a".repeat(TOKEN_MAX)).is_ok());
        for bad in [
            "",
            "\n",
            "a b",
            "abc\n\n",
            "a\nb",
            "a\r",
            "ä",
            "a\0",
            "APIToken abc",
            "a\u{7f}",
            &"a".repeat(TOKEN_MAX + 1),
        ] {
            let message = checked(bad).unwrap_err();
            assert!(message.starts_with("--token-file: the token "), "{message}");
        }
    }
}

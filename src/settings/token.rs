//! Reads a token from where it is kept, and refuses what cannot be one or what others can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use super::credential::{CredentialError, TokenSource};
use super::secret::Secret;
use crate::cli::args::environment::Environment;
use crate::cli::args::layer::Origin;
use crate::cli::args::secret_variables::hidden_from_token_command;

/// Most bytes that are read of a credential: no header holds more, and no certificate with its chain comes near.
const TOKEN_MAX: u64 = 64 * 1024;

/// Reads a token.
///
/// # Errors
/// [`CredentialError`] when it cannot be read, is not kept safely, or is no token.
pub fn read(
    source: &TokenSource,
    origin: &Origin,
    environment: &Environment,
) -> Result<Secret, CredentialError> {
    let bytes = match source {
        TokenSource::Variable(_, secret) => secret.expose().as_bytes().to_vec(),
        TokenSource::File(path) => read_private(path, origin)?,
        TokenSource::Stdin => read_capped(io::stdin().lock()).map_err(CredentialError::Stdin)?,
        TokenSource::Command(words) => run(words, origin, environment)?,
    };
    check(bytes, origin)
}

/// One newline at the end is trimmed; what is left must be visible ASCII, or it could end the header.
fn check(bytes: Vec<u8>, origin: &Origin) -> Result<Secret, CredentialError> {
    let no = |reason| {
        Err(CredentialError::Token {
            origin: origin.clone(),
            reason,
        })
    };
    let Ok(mut text) = String::from_utf8(bytes) else {
        return no("is no text");
    };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return no("is empty");
    }
    if text.starts_with("APIToken ") {
        return no("begins with `APIToken `: leave that word out, vescli puts it in front");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return no(
            "holds a space, a line break or a character that is not ASCII: it must be one word",
        );
    }
    Ok(Secret::new(text))
}

/// Reads a file that nobody but its owner may read, as ssh does with keys.
///
/// # Errors
/// [`CredentialError`] when it is missing, no regular file, somebody else's, or can be read by others.
pub fn read_private(path: &Path, origin: &Origin) -> Result<Vec<u8>, CredentialError> {
    read_file(path, origin, check_owner)
}

/// Reads a file that anybody may read, such as a certificate without its key.
///
/// # Errors
/// [`CredentialError`] when it is missing or no regular file.
pub fn read_public(path: &Path, origin: &Origin) -> Result<Vec<u8>, CredentialError> {
    read_file(path, origin, |_, _, _| Ok(()))
}

fn read_file(
    path: &Path,
    origin: &Origin,
    check: fn(&std::fs::Metadata, &Path, &Origin) -> Result<(), CredentialError>,
) -> Result<Vec<u8>, CredentialError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => CredentialError::Missing {
            path: path.to_owned(),
            origin: origin.clone(),
        },
        _ => CredentialError::Unreadable {
            path: path.to_owned(),
            origin: origin.clone(),
            source,
        },
    };
    // Looked at before it is opened, because opening a FIFO would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(CredentialError::NotRegular {
            path: path.to_owned(),
            origin: origin.clone(),
        });
    }
    let file = File::open(path).map_err(failed)?;
    check(&file.metadata().map_err(failed)?, path, origin)?;
    read_capped(file).map_err(failed)
}

#[cfg(unix)]
fn check_owner(
    metadata: &std::fs::Metadata,
    path: &Path,
    origin: &Origin,
) -> Result<(), CredentialError> {
    use std::os::unix::fs::MetadataExt;

    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    let (path, origin) = (path.to_owned(), origin.clone());
    if mode & 0o077 != 0 {
        return Err(CredentialError::Exposed { path, origin, mode });
    }
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(CredentialError::Owner {
            path,
            origin,
            owner,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature as on Unix, where there is something to check"
)]
fn check_owner(_: &std::fs::Metadata, _: &Path, _: &Origin) -> Result<(), CredentialError> {
    Ok(())
}

fn read_capped(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(TOKEN_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Runs the command with no input, its messages passed through, and the secrets taken out of its environment.
fn run(
    words: &[String],
    origin: &Origin,
    environment: &Environment,
) -> Result<Vec<u8>, CredentialError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |reason: String| CredentialError::Command {
        origin: origin.clone(),
        program: program.clone(),
        reason,
    };
    let mut command = Command::new(&program);
    command
        .args(words.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    for name in hidden_from_token_command().filter(|name| environment.get(name).is_some()) {
        command.env_remove(name);
    }
    let mut child = command
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    let output = child
        .stdout
        .take()
        .map_or_else(|| Ok(Vec::new()), read_capped);
    let status = child
        .wait()
        .map_err(|error| failed(format!("was lost: {error}")))?;
    if !status.success() {
        return Err(failed(format!("failed ({status})")));
    }
    output.map_err(|error| failed(format!("could not be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<String, String> {
        check(text.as_bytes().to_vec(), &Origin::Flag("token-file"))
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn one_newline_is_trimmed_and_anything_that_could_end_a_header_is_refused() {
        for good in ["abc", "abc\n", "abc\r\n"] {
            assert_eq!(checked(good).as_deref(), Ok("abc"));
        }
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
        ] {
            let message = checked(bad).unwrap_err();
            assert!(message.starts_with("--token-file: the token "), "{message}");
        }
    }
}

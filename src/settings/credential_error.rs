//! Why a credential cannot be used, a sentence for each; none of them holds a byte of it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::identity_error::IdentityError;
use crate::args::layer::Origin;

/// Why a credential cannot be used.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The file is not there.
    #[error("{origin}: there is no file {path}", path = .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
    },
    /// The file cannot be read.
    #[error("{origin}: {path} cannot be read: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// Why.
        source: io::Error,
    },
    /// Others can read the file.
    #[error("{origin}: {path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to somebody else.
    #[error("{origin}: {path} belongs to another user (uid {owner}): use a file of your own", path = .path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// The owner's user id.
        owner: u32,
    },
    /// No regular file.
    #[error("{origin}: {path} is not a regular file{takes}", path = .path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// What else would do, as a phrase.
        takes: &'static str,
    },
    /// Larger than what it should hold.
    #[error("{origin}: {path} is larger than {limit}: is it the right file?", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        origin: Origin,
        /// The limit, with its unit.
        limit: String,
    },
    /// The token cannot be one.
    #[error("{origin}: the token {reason}")]
    Token {
        /// Where it comes from.
        origin: Origin,
        /// What is wrong with it; never the token.
        reason: &'static str,
    },
    /// The command failed.
    #[error("{origin}: the command `{program}` {reason}")]
    Command {
        /// Where it was named.
        origin: Origin,
        /// Its first word.
        program: String,
        /// What went wrong.
        reason: String,
    },
    /// Standard input failed.
    #[error("--token-file -: standard input cannot be read: {0}")]
    Stdin(io::Error),
    /// The client certificate.
    #[error("{origin}: {error}")]
    Identity {
        /// Where it was named.
        origin: Origin,
        /// What is wrong with it.
        error: IdentityError,
    },
    /// The credential belongs to another host.
    #[error(
        "the credential of {origin} belongs to {bound}, but the request goes to {target}: \
         {remedy}"
    )]
    Bound {
        /// Where the credential was named.
        origin: Origin,
        /// The host of the table that names it.
        bound: String,
        /// The host that the request goes to.
        target: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The host that the credential belongs to cannot be computed, so nothing is known to be that host.
    #[error(
        "the credential of {origin} is not sent to {target}, because the host that it belongs to cannot be computed \
         ({reason}): correct that in the file, give a credential for this host with VESCLI_TOKEN or --token-file, or --no-auth"
    )]
    Unbound {
        /// Where the credential was named.
        origin: Origin,
        /// The host that the request goes to.
        target: String,
        /// Why there is no such host.
        reason: String,
    },
}

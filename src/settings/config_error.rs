//! What can be wrong with a configuration file, and where.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a configuration file cannot be used. Places are lines and columns from 1 on.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It is not there.
    #[error("{path}: there is no such configuration file; `vescli config init` writes a first one", path = .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("{path}: cannot be read: {1}", path = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// Not a regular file.
    #[error("{path}: is not a regular file: name another with --config, or `--config none`", path = .0.display())]
    NotRegular(PathBuf),
    /// Larger than any configuration.
    #[error("{path}: is larger than {limit}: name the right file with --config, or `--config none`", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, with its unit.
        limit: String,
    },
    /// It names a command to run, and others could have written it.
    #[error("{config}: it names a command to run (`token_command`), and {reason}", config = .config.display())]
    Untrusted {
        /// The file.
        config: PathBuf,
        /// What is wrong with the file or its folder, and what to do.
        reason: String,
    },
    /// A mistake at a place.
    #[error("{place}: {mistake}")]
    Mistake {
        /// Where.
        place: Place,
        /// What.
        mistake: Mistake,
    },
    /// A profile that is not there.
    #[error("there is no profile `{name}` in {path}{known}{near}", path = .path.display())]
    UnknownProfile {
        /// As asked for.
        name: String,
        /// The file.
        path: PathBuf,
        /// The profiles that are there, as a phrase.
        known: String,
        /// The nearest of them, as a phrase.
        near: String,
    },
    /// A profile without any file.
    #[error("there is no profile `{name}`, because there is no configuration file ({looked_at})")]
    NoFile {
        /// As asked for.
        name: String,
        /// Where the file was looked for, as a phrase.
        looked_at: String,
    },
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}:{line}:{column}", path = .path.display())]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1 on.
    pub line: usize,
    /// The column in characters, from 1 on.
    pub column: usize,
}

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mistake {
    /// Not TOML.
    #[error("not valid TOML: {0}")]
    Syntax(String),
    /// A key that means nothing here.
    #[error("unknown key `{key}` in {table}{near}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Its table, as a phrase.
        table: String,
        /// The nearest known key, as a phrase.
        near: String,
    },
    /// A value of the wrong type, or one that its setting does not take.
    #[error("`{key}`: {reason}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A secret in the file.
    #[error("`{0}` does not belong into this file: name a file with `{1}_file`{2}, or set {3} in the environment")]
    Secret(String, &'static str, &'static str, &'static str),
    /// `extends` that comes back to itself.
    #[error("`extends` goes round in a circle: {0}")]
    Circle(String),
    /// `extends` or `default_profile` that names nothing.
    #[error("`{key}` names the profile `{name}`, which is not in this file{near}")]
    NoSuchProfile {
        /// The key.
        key: &'static str,
        /// The name.
        name: String,
        /// The nearest name, as a phrase.
        near: String,
    },
    /// Two ways to give one credential.
    #[error("`{0}` and `{1}` both name the token: keep one of them")]
    TwoTokens(&'static str, &'static str),
}

//! The errors of the sandbox itself.

use std::env::JoinPathsError;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::report::exit::Ending;

#[derive(Debug, Error)]
pub enum SandboxError {
    /// The file of `--log` cannot be opened; nothing was started.
    #[error("cannot open the log {path:?}; name a file that can be written with --log")]
    LogNotWritable { path: PathBuf, source: io::Error },
    /// A line of the log could not be written while requests came in, so the log lacks that line and all after it.
    #[error("the log {path:?} is incomplete{}", ended(*.end))]
    LogIncomplete { path: PathBuf, end: Option<Ending>, source: io::Error },
    /// Nothing was started.
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    /// The thread or its event loop could not be had; nothing was started.
    #[error("cannot start the sandbox's server on 127.0.0.1")]
    Start(#[source] io::Error),
    /// Only a system without random numbers can bring it about.
    #[error("cannot make the certificate of --tls")]
    Certificate(#[source] Option<rustls::Error>),
    /// The certificate for `--cacert` cannot be written; nothing was started.
    #[error("cannot write the certificate {path:?}; set TMPDIR to a folder that can be written")]
    AuthorityNotWritable { path: PathBuf, source: io::Error },
    /// A variable of vescli is UTF-8.
    #[error("the path {0:?} is not UTF-8; set TMPDIR to a folder with another name")]
    AuthorityName(PathBuf),
    /// The server's thread ended, which only a fault of vescli can bring about.
    #[error("the sandbox's server stopped by itself: this is a bug in vescli")]
    Stopped,
    #[error("cannot write the lines to export to standard output")]
    Output(#[source] io::Error),
    /// vescli's own folder cannot be put into `PATH`, so that the command might find another vescli.
    #[error("cannot put {folder:?} in front of PATH; run vescli from a folder with another name")]
    SearchPath { folder: PathBuf, source: JoinPathsError },
    #[error("command not found: {command:?}; check its name, or give its path")]
    CommandNotFound { command: OsString, source: io::Error },
    #[error("cannot run {command:?}; check that it is a program that you may execute")]
    CommandNotExecutable { command: OsString, source: io::Error },
    /// The system has no room for the command: no process, descriptor or memory is left for it.
    #[error("cannot start {command:?}, because a limit of this machine is reached")]
    NoRoom { command: OsString, source: io::Error },
    /// HTTP cannot write the date of this machine's clock.
    #[error("this machine's clock is before 1970, and the sandbox cannot write that date into its answers")]
    Clock,
    /// The command was or would be started, and its end cannot be observed.
    #[error("cannot wait for the command")]
    Watch(#[source] io::Error),
}

impl SandboxError {
    /// What to do, where the advice of the exit code is not enough.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Clock => Some("set the clock (NTP)"),
            Self::Listen { source, .. } => Some(match source.kind() {
                io::ErrorKind::AddrInUse => "choose another --port, or leave it out for any free port",
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 are for root on most systems: choose another --port, or leave it out"
                }
                _ => "choose another --port, or leave it out for any free port; `ulimit -n` may be reached",
            }),
            _ => None,
        }
    }

    /// The exit code that shells, `env` and `timeout` give to a command that cannot be run: 127 when it is not found, 126
    /// when it is not executable; `None` for failures that are not about the command.
    pub fn command_code(&self) -> Option<u8> {
        match self {
            Self::CommandNotFound { .. } => Some(127),
            Self::CommandNotExecutable { .. } => Some(126),
            _ => None,
        }
    }
}

fn ended(command: Option<Ending>) -> String {
    match command {
        None => String::new(),
        Some(Ending::Signal(signal)) => format!("; the command itself was ended by signal {signal}"),
        Some(ending) => format!("; the command itself ended with code {}", ending.code()),
    }
}

//! `vescli sandbox`: a local stand-in for the service, to rehearse a runbook with. It keeps and checks the contract, mails
//! nobody, listens on a loopback address only, and answers as the recipient's name asks it to.

mod answer;
mod command;
mod contract;
mod error;
mod exchange;
mod log;
mod scenario;
mod server;
mod window;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::iter::repeat_with;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use error::SandboxError;

use crate::args::environment::Environment;
use crate::args::environment::SANDBOX_VARIABLE;
use crate::args::environment::hidden_from_rehearsal;
use crate::settings::rate::Rate;
use log::Log;
use server::{Limits, Server};

/// What `slow@…` waits: longer than the usual time-out of an attempt, so that the time-out is what is rehearsed.
const SLOW: Duration = Duration::from_secs(60);

/// Letters and digits of the sandbox's token: as many as make it look like a real one in a rehearsal.
const TOKEN_LENGTH: usize = 32;

/// What was asked for on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SandboxOptions {
    /// Requests beyond this are answered with 429; `None` for no limit.
    pub rate: Option<Rate>,
    /// Whether requests without the sandbox's own token are answered with 401.
    pub require_auth: bool,
    /// A file that gets one JSON line per request received.
    pub log: Option<PathBuf>,
    /// The command to run and its arguments; empty to serve until a signal comes.
    pub command: Vec<OsString>,
}

/// What the sandbox has to know of the process that it runs in. Everything else of the environment is inherited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SandboxEnvironment {
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// The folder of the running vescli, which the command is to find first; `None` leaves `PATH` alone.
    pub own_folder: Option<PathBuf>,
    /// The variables that the command does not get: whatever holds a credential.
    pub hidden: Vec<&'static str>,
}

impl SandboxEnvironment {
    /// What of this process matters here; `environment` is its environment.
    pub fn of_process(environment: &Environment) -> Self {
        Self {
            path: environment.get("PATH").map(OsStr::to_owned),
            own_folder: std::env::current_exe().ok().and_then(|file| Some(file.parent()?.to_owned())),
            hidden: hidden_from_rehearsal(environment).collect(),
        }
    }
}

/// How the rehearsed command ended, and so how vescli has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxEnd {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal (Unix only).
    Signal(i32),
}

/// Runs the sandbox: with a command until the command has ended, without one until a signal ends the process.
///
/// With a command, nothing is written to `out`, which belongs to the command, and one line with the address to `err`. Without
/// one, `out` gets the lines that a shell evaluates and `err` says how to go on; SIGINT and SIGTERM keep their default, for
/// nothing has to be tidied up, and the process dies by them as vescli does everywhere. Hand in a sink for `err` to be quiet.
///
/// # Errors
/// [`SandboxError`] when the sandbox, its log or the command cannot be started, or the log breaks off.
pub fn run(
    options: &SandboxOptions,
    environment: &SandboxEnvironment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<SandboxEnd, SandboxError> {
    let token = random_text(TOKEN_LENGTH);
    let server = start(options, &token)?;
    let origin = format!("http://{}", server.address());
    let variables = [
        ("VESCLI_BASE_URL", base_url(&origin)),
        (SANDBOX_VARIABLE, origin.clone()),
        ("VESCLI_TENANT", "sandbox".to_owned()),
        ("VESCLI_TOKEN", token),
        // A profile's proxy would be refused for plain http.
        ("VESCLI_NOPROXY", server.address().ip().to_string()),
    ];
    let Some((program, arguments)) = options.command.split_first() else {
        announce(&variables, &origin, out, err).map_err(SandboxError::Output)?;
        return Err(match server.wait_for_failure() {
            Some(source) => log_incomplete(options, None, source),
            None => SandboxError::Stopped,
        });
    };
    tell(err, &format!("sandbox: {origin}\n"));
    let end = command::run_command(program, arguments, &variables, environment)?;
    match server.failure() {
        Some(source) => Err(log_incomplete(options, Some(end), source)),
        None => Ok(end),
    }
}

fn start(options: &SandboxOptions, token: &str) -> Result<Server, SandboxError> {
    if SystemTime::now() < UNIX_EPOCH {
        return Err(SandboxError::Clock);
    }
    let log = options
        .log
        .as_deref()
        .map(|path| Log::open(path).map_err(|source| SandboxError::LogNotWritable { path: path.to_owned(), source }));
    Server::start(exchange::Rules {
        rate: options.rate,
        token: options.require_auth.then(|| token.to_owned()),
        log: log.transpose()?,
        slow: SLOW,
        limits: Limits::default(),
    })
    .map_err(SandboxError::Start)
}

/// The long form of the published path, so that a rehearsal passes through all of it.
fn base_url(origin: &str) -> String {
    format!("{origin}/api/v1/api/production/us-east-1/namespaces/sandbox")
}

/// Letters and digits from a generator that is not made for secrets: the token guards nothing but a rehearsal.
fn random_text(length: usize) -> String {
    repeat_with(fastrand::alphanumeric).take(length).collect()
}

/// A reader of standard output that has gone away, such as `head`, has what it wanted; the sandbox goes on.
fn announce(variables: &[(&str, String)], origin: &str, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let written = variables
        .iter()
        .try_for_each(|(name, value)| writeln!(out, "export {name}='{value}'"))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
        _ => {}
    }
    tell(
        err,
        &format!(
            "sandbox: a stand-in for the service at {origin}; it mails nobody\n\
             sandbox: run the lines above in another shell, then vescli there; Ctrl-C here stops it\n"
        ),
    );
    Ok(())
}

/// What is told on the side is not worth failing for.
fn tell(err: &mut dyn Write, text: &str) {
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn log_incomplete(options: &SandboxOptions, end: Option<SandboxEnd>, source: io::Error) -> SandboxError {
    SandboxError::LogIncomplete { path: options.log.clone().unwrap_or_default(), end, source }
}

#[cfg(test)]
mod tests;

//! `vescli sandbox`: a local stand-in for the service, to rehearse a runbook with. It keeps and checks the contract, mails
//! no one, listens on a loopback address only, and answers as the recipient's name asks it to.

mod answer;
mod command;
mod contract;
mod error;
mod log;
mod server;

use std::ffi::OsString;
use std::io::{self, Write};
use std::iter::repeat_with;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::context::Context;
use super::error::CommandError;
use crate::api::OPERATIONS;
use crate::args::environment::SANDBOX_VARIABLE;
use crate::args::settings_table::Setting;
use crate::report::exit::Ending;
use crate::settings::rate::Rate;
use command::SandboxEnvironment;
use error::SandboxEnd;
pub use error::SandboxError;
use log::Log;
use server::{Limits, Rules, Server};

/// Runs the sandbox. It ends as the rehearsed command does, by its code or by its signal.
pub fn run(command: &[OsString], context: &mut Context) -> Result<Ending, CommandError> {
    let options = options(command, context)?;
    let process = SandboxEnvironment::of_process(context.environment);
    let is_quiet = context.output().quiet;
    let streams = context.reporter.streams();
    let mut sink = io::sink();
    let err = if is_quiet { &mut sink } else { &mut *streams.err };
    Ok(match run_sandbox(&options, &process, streams.out, err)? {
        // Exit codes have eight bits; Windows has codes that do not fit, and those are failures all the same.
        SandboxEnd::Code(code) => Ending::Child(u8::try_from(code).unwrap_or(1)),
        SandboxEnd::Signal(signal) => Ending::Signal(signal),
    })
}

fn options(command: &[OsString], context: &Context) -> Result<SandboxOptions, CommandError> {
    let given = context.given()?;
    Ok(SandboxOptions {
        // `VESCLI_RATE` is the rate of a list, and reaches the command: were it the sandbox's too, a rehearsed run would
        // meet a 429 for every request that comes a moment early.
        rate: context.flags.get(Setting::Rate).map(Rate::of_setting).transpose()?.flatten(),
        require_auth: given.is_on(Setting::RequireAuth),
        log: given.text(Setting::Log).map(PathBuf::from),
        command: command.to_vec(),
    })
}

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

/// Runs the sandbox: with a command until the command has ended, without one until a signal ends the process.
///
/// With a command, nothing is written to `out`, which belongs to the command, and one line with the address to `err`. Without
/// one, `out` gets the lines that a shell evaluates and `err` says how to continue; SIGINT and SIGTERM keep their default, for
/// nothing has to be tidied up, and the process dies by them as vescli does everywhere. Hand in a sink for `err` to be quiet.
///
/// # Errors
/// [`SandboxError`] when the sandbox, its log or the command cannot be started, or the log breaks off.
fn run_sandbox(
    options: &SandboxOptions,
    environment: &SandboxEnvironment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<SandboxEnd, SandboxError> {
    let token = random_text(TOKEN_LENGTH);
    let server = start(options, &token)?;
    let origin = format!("http://{}", server.address());
    let variables = [
        // The origin alone: what is before the path of an operation differs from operation to operation.
        ("VESCLI_BASE_URL", origin.clone()),
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
    write_note(err, &format!("sandbox: {origin}\n"));
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
    Server::start(Rules {
        operations: OPERATIONS,
        rate: options.rate,
        token: options.require_auth.then(|| token.to_owned()),
        log: log.transpose()?,
        slow: SLOW,
        limits: Limits::default(),
    })
    .map_err(SandboxError::Start)
}

/// Letters and digits from a generator that is not made for secrets: the token guards nothing but a rehearsal.
fn random_text(length: usize) -> String {
    repeat_with(fastrand::alphanumeric).take(length).collect()
}

/// A closed reader of standard output, such as `head`, has what it needs; the sandbox continues.
fn announce(variables: &[(&str, String)], origin: &str, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let written = variables
        .iter()
        .try_for_each(|(name, value)| writeln!(out, "export {name}='{value}'"))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
        _ => {}
    }
    write_note(
        err,
        &format!(
            "sandbox: a stand-in for the service at {origin}; it mails no one\n\
             sandbox: run the lines above in another shell, then vescli there; Ctrl-C here stops it\n"
        ),
    );
    Ok(())
}

/// A note that cannot be written is no reason to fail.
fn write_note(err: &mut dyn Write, text: &str) {
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn log_incomplete(options: &SandboxOptions, end: Option<SandboxEnd>, source: io::Error) -> SandboxError {
    SandboxError::LogIncomplete { path: options.log.clone().unwrap_or_default(), end, source }
}

#[cfg(test)]
mod tests;

//! `vescli sandbox`: a local stand-in for the service, to rehearse a runbook with. It keeps and checks the contract, mails
//! no one, listens on a loopback address only, and answers as the recipient's name asks it to.

mod answer;
mod certificate;
mod command;
mod contract;
mod log;
mod server;

use std::ffi::OsString;
use std::io::{self, Write};
use std::iter::repeat_with;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Context;
use super::error::{CommandError, SandboxError};
use super::interrupt::{Interrupted, Interrupts};
use crate::api::operation::OPERATIONS;
use crate::args::environment::SANDBOX_VARIABLE;
use crate::args::layer::{Entry, ValueError};
use crate::args::settings_table::Setting;
use crate::report::escape::{quote, success};
use crate::report::exit::Ending;
use crate::settings::bulk::Rate;
use answer::Share;
use certificate::AuthorityFile;
use command::SandboxEnvironment;
use log::Log;
use server::{Limits, Rules, Server};

/// Runs the sandbox. It ends as the rehearsed command does, by its code or by its signal.
pub fn run(command: &[OsString], context: &mut Context) -> Result<Ending, CommandError> {
    let options = SandboxOptions::of(command, context)?;
    let process = SandboxEnvironment::of_process(context.environment);
    let is_quiet = context.output().quiet;
    let streams = context.reporter.streams();
    let mut sink = io::sink();
    let err = if is_quiet { &mut sink } else { &mut *streams.err };
    Ok(run_sandbox(&options, &process, streams.out, err)?)
}

/// What can be asked of the sandbox on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct SandboxOptions {
    /// The port to listen on; 0 for one that the system chooses.
    port: u16,
    tls: bool,
    /// Requests beyond this are answered with 429; `None` for no limit.
    rate: Option<Rate>,
    /// The requests that are answered with 503.
    fail_rate: Share,
    /// Whether requests without the sandbox's own token are answered with 401.
    require_auth: bool,
    /// A file that gets one JSON line per request received.
    log: Option<PathBuf>,
    /// Whether the variables are printed as a document, not as lines for a shell.
    json: bool,
    /// The command to run and its arguments; empty to serve until a signal comes.
    command: Vec<OsString>,
}

impl SandboxOptions {
    fn of(command: &[OsString], context: &Context) -> Result<Self, CommandError> {
        let given = context.given()?;
        Ok(Self {
            port: given.get(Setting::Port).map_or(Ok(0), port)?,
            tls: given.is_on(Setting::Tls),
            // `VESCLI_RATE` is the rate of a list, and reaches the command: were it the sandbox's too, a rehearsed run
            // would meet a 429 for every request that comes a moment early.
            rate: context.flags.get(Setting::Rate).map(Rate::of_setting).transpose()?.flatten(),
            fail_rate: given.get(Setting::FailRate).map_or(Ok(Share::default()), Share::of_setting)?,
            require_auth: given.is_on(Setting::RequireAuth),
            log: given.text(Setting::Log).map(PathBuf::from),
            json: context.output().json,
            command: command.to_vec(),
        })
    }
}

fn port(entry: &Entry) -> Result<u16, ValueError> {
    let text = entry.value.to_string();
    text.parse().map_err(|_| {
        let shown = text.escape_debug();
        let reason = format!("`{shown}` is not a port: write a number from 1 to 65535, or 0 for any free port");
        entry.invalid(reason)
    })
}

/// What `slow@…` waits: longer than the usual time-out of an attempt, so that the time-out is what is rehearsed.
const SLOW: Duration = Duration::from_secs(60);

/// Letters and digits of the sandbox's token: as many as make it look like a real one in a rehearsal.
const TOKEN_LENGTH: usize = 32;

/// Runs the sandbox: with a command until the command has ended, without one until a signal ends the process.
///
/// With a command, nothing is written to `out`, which belongs to the command, and one line with the address to `err`. Without
/// one, `out` gets the lines that a shell evaluates, or a document, and `err` says how to continue. SIGINT and SIGTERM then keep their
/// default unless the file of `--tls` has to be removed, and the process dies by them as vescli does everywhere. Hand in a
/// sink for `err` to be quiet.
///
/// # Errors
/// [`SandboxError`] when the sandbox, its log or the command cannot be started, or the log breaks off.
fn run_sandbox(
    options: &SandboxOptions,
    environment: &SandboxEnvironment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Ending, SandboxError> {
    // From a generator that is not made for secrets: the token guards nothing but a rehearsal.
    let token: String = repeat_with(fastrand::alphanumeric).take(TOKEN_LENGTH).collect();
    let (server, authority) = start(options, &token)?;
    let scheme = if options.tls { "https" } else { "http" };
    let origin = format!("{scheme}://{}", server.address());
    let mut variables = vec![
        // The origin alone: what is before the path of an operation differs from operation to operation.
        ("VESCLI_BASE_URL", origin.clone()),
        (SANDBOX_VARIABLE, origin.clone()),
        ("VESCLI_TENANT", "sandbox".to_owned()),
        ("VESCLI_TOKEN", token),
        // A profile's proxy would be refused for plain http.
        ("VESCLI_NOPROXY", server.address().ip().to_string()),
    ];
    if let Some(authority) = &authority {
        let path = authority.path().to_str().ok_or_else(|| SandboxError::AuthorityName(authority.path().to_owned()))?;
        variables.push(("VESCLI_CACERT", path.to_owned()));
    }
    let Some((program, arguments)) = options.command.split_first() else {
        let text = if options.json { document(&origin, &variables) } else { exports(&variables) };
        announce(&text, &origin, out, err).map_err(SandboxError::Output)?;
        return serve(options, server, authority.is_some());
    };
    write_note(err, &format!("sandbox: {origin}\n"));
    let end = command::run_command(program, arguments, &variables, environment)?;
    match server.failure() {
        Some(source) => Err(log_incomplete(options, Some(end), source)),
        None => Ok(end),
    }
}

/// Serves until a signal ends the process. One is caught only when there is a file to be removed before that.
fn serve(options: &SandboxOptions, server: Server, has_file: bool) -> Result<Ending, SandboxError> {
    let failure = if has_file {
        let interrupts = Interrupts::watch().map_err(SandboxError::Watch)?;
        match interrupts.run(move || server.wait_for_failure()) {
            Ok(failure) => failure,
            Err(Interrupted::Signal(signal)) => return Ok(Ending::Signal(signal)),
            Err(Interrupted::Failed(source)) => return Err(SandboxError::Watch(source)),
        }
    } else {
        server.wait_for_failure()
    };
    Err(failure.map_or(SandboxError::Stopped, |source| log_incomplete(options, None, source)))
}

fn start(options: &SandboxOptions, token: &str) -> Result<(Server, Option<AuthorityFile>), SandboxError> {
    if SystemTime::now() < UNIX_EPOCH {
        return Err(SandboxError::Clock);
    }
    let open =
        |path: &PathBuf| Log::open(path).map_err(|source| SandboxError::LogNotWritable { path: path.clone(), source });
    let log = options.log.as_ref().map(open).transpose()?;
    // Before any file is made: a port that is taken is the likeliest failure.
    let listener = Server::listen(options.port)?;
    let (tls, authority) = if options.tls {
        let (config, pem) = certificate::certified()?;
        let file = AuthorityFile::write(&std::env::temp_dir(), &pem)
            .map_err(|(path, source)| SandboxError::AuthorityNotWritable { path, source })?;
        (Some(config), Some(file))
    } else {
        (None, None)
    };
    let rules = Rules {
        operations: OPERATIONS,
        rate: options.rate,
        fail_rate: options.fail_rate,
        tls,
        token: options.require_auth.then(|| token.to_owned()),
        log,
        slow: SLOW,
        limits: Limits::default(),
    };
    Ok((Server::start(listener, rules).map_err(SandboxError::Start)?, authority))
}

/// The variables as lines that a shell evaluates.
fn exports(variables: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| {
        let value = if value.contains('\'') { quote(value) } else { format!("'{value}'") };
        format!("export {name}={value}\n")
    };
    variables.iter().map(line).collect()
}

/// The document of a sandbox that serves; it comes before the end, so its exit code says that the start succeeded.
fn document(origin: &str, variables: &[(&str, String)]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        url: &'a str,
        variables: Map<String, Value>,
    }
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    success("vescli.sandbox/1", Document { url: origin, variables })
}

/// A closed reader of standard output, such as `head`, has what it needs; the sandbox continues.
fn announce(text: &str, origin: &str, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
        _ => {}
    }
    let note = format!(
        "sandbox: a stand-in for the service at {origin}; it mails no one\n\
         sandbox: set the variables above in another shell, then run vescli there; Ctrl-C here stops it\n"
    );
    write_note(err, &note);
    Ok(())
}

/// A note that cannot be written is no reason to fail.
fn write_note(err: &mut dyn Write, text: &str) {
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn log_incomplete(options: &SandboxOptions, end: Option<Ending>, source: io::Error) -> SandboxError {
    SandboxError::LogIncomplete { path: options.log.clone().unwrap_or_default(), end, source }
}

#[cfg(test)]
mod tests;

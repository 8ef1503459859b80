//! `vescli sandbox`: a local stand-in for the service, to rehearse a runbook with. It keeps and checks the contract, mails
//! no one, listens on a loopback address only, and answers as the recipient's name asks it to.

mod answer;
mod certificate;
mod command;
mod contract;
mod server;

use std::ffi::OsString;
use std::io;
use std::iter::repeat_with;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::Context;
use super::error::CommandError;
use super::interrupt::Interrupts;
use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::args::layer::{Entry, ValueError};
use crate::args::settings_table::Setting;
use crate::report::escape::{quote, success};
use crate::report::exit::{Ending, Exit};
use crate::report::json::document;
use crate::report::{ErrorReport, Reporter};
use crate::settings::bulk::Rate;
use answer::Share;
use server::{Rules, Server, open_log};

/// Runs the sandbox. It ends as the rehearsed command does, by its code or by its signal.
pub fn run(command: &[OsString], context: &mut Context) -> Result<Ending, CommandError> {
    let options = SandboxOptions::of(command, context)?;
    run_sandbox(&options, context.environment, &mut context.reporter)
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
    /// The command to run and its arguments; empty to serve until a signal comes.
    command: Vec<OsString>,
    /// The folder of the running vescli, which the command is to find first; `None` leaves `PATH` alone.
    own_folder: Option<PathBuf>,
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
            fail_rate: given.get(Setting::FailRate).map(Entry::parsed).transpose()?.unwrap_or_default(),
            require_auth: given.is_on(Setting::RequireAuth),
            log: given.text(Setting::Log).map(PathBuf::from),
            command: command.to_vec(),
            own_folder: std::env::current_exe().ok().and_then(|file| Some(file.parent()?.to_owned())),
        })
    }
}

fn port(entry: &Entry) -> Result<u16, ValueError> {
    let text = entry.value.to_string();
    text.parse().map_err(|_| {
        let shown = text.escape_debug();
        entry.invalid(format!("`{shown}` is not a port: write a number from 1 to 65535, or 0 for any free port"))
    })
}

/// Letters and digits of the sandbox's token: as many as make it look like a real one in a rehearsal.
const TOKEN_LENGTH: usize = 32;

/// Runs the sandbox: with a command until the command has ended, without one until a signal ends the process.
///
/// With a command, nothing is written to standard output, which belongs to the command, and one line with the address to
/// standard error. Without one, standard output gets the lines that a shell evaluates, or a document, and standard error says
/// how to continue.
///
/// # Errors
/// [`CommandError`] when the sandbox, its log or the command cannot be started, or the log breaks off.
fn run_sandbox(
    options: &SandboxOptions,
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    if SystemTime::now() < UNIX_EPOCH {
        // HTTP cannot write the date of this machine's clock.
        let message = "this machine's clock is before 1970, and the sandbox cannot write that date into its answers";
        return Err(ErrorReport::new(Exit::OsError, message, "set the clock (NTP)").into());
    }
    // From a generator that is not made for secrets: the token guards nothing but a rehearsal.
    let token: String = repeat_with(fastrand::alphanumeric).take(TOKEN_LENGTH).collect();
    let log = options.log.as_deref().map(open_log).transpose()?;
    // Before any file is made: a port that is taken is the likeliest failure.
    let listener = Server::listen(options.port)?;
    let (tls, authority) = options.tls.then(certificate::certified).transpose()?.unzip();
    let scheme = if options.tls { "https" } else { "http" };
    let required = options.require_auth.then(|| token.clone());
    let rules =
        Rules { rate: options.rate, fail_rate: options.fail_rate, tls, token: required, log, ..Rules::default() };
    let server =
        Server::start(listener, rules).map_err(CommandError::os("cannot start the sandbox's server on 127.0.0.1"))?;
    let origin = format!("{scheme}://{}", server.address);
    let mut variables = vec![
        // The origin alone: what is before the path of an operation differs from operation to operation.
        ("VESCLI_BASE_URL", origin.clone()),
        (SANDBOX_VARIABLE, origin.clone()),
        ("VESCLI_TENANT", "sandbox".to_owned()),
        ("VESCLI_TOKEN", token),
        // A profile's proxy would be refused for plain http.
        ("VESCLI_NOPROXY", server.address.ip().to_string()),
    ];
    if let Some(file) = &authority {
        let path = file.0.to_str().ok_or_else(|| {
            let path = &file.0;
            let message = format!("the path {path:?} is not UTF-8; set TMPDIR to a folder with another name");
            CommandError::new(Exit::Config, message)
        })?;
        variables.push(("VESCLI_CACERT", path.to_owned()));
    }
    let incomplete = |ended: &str, cause: io::Error| {
        let path = options.log.as_deref().unwrap_or(Path::new(""));
        CommandError::io(format!("the log {path:?} is incomplete{ended}: {cause}"))
    };
    let Some((program, arguments)) = options.command.split_first() else {
        announce(&origin, &variables, reporter).map_err(|cause| {
            CommandError::io(format!("cannot write the lines to export to standard output: {cause}"))
        })?;
        return match serve(server, authority.is_some()).map_err(CommandError::os(command::NO_WAIT))? {
            ControlFlow::Continue(Some(source)) => Err(incomplete("", source)),
            ControlFlow::Continue(None) => {
                let message = "the sandbox's server stopped by itself: this is a bug in vescli".to_owned();
                Err(CommandError::new(Exit::Internal, message))
            }
            ControlFlow::Break(signal) => Ok(Ending::Signal(signal)),
        };
    };
    reporter.info(&format!("sandbox: {origin}\n"));
    let end = command::run(program, arguments, options.own_folder.as_deref(), &variables, environment)?;
    let ended = match end {
        Ending::Signal(signal) => format!("; the command itself was ended by signal {signal}"),
        _ => format!("; the command itself ended with code {}", end.code()),
    };
    server.failures.try_recv().map_or(Ok(end), |source| Err(incomplete(&ended, source)))
}

/// Serves until the log fails, or a signal ends the process. SIGINT and SIGTERM keep their default unless there is a file to be
/// removed before that.
fn serve(server: Server, has_file: bool) -> io::Result<ControlFlow<i32, Option<io::Error>>> {
    let wait = move || server.failures.recv().ok();
    if has_file { Interrupts::watch()?.run(wait) } else { Ok(ControlFlow::Continue(wait())) }
}

/// Prints the variables as lines that a shell evaluates, or as a document, which says by its exit code that the start succeeded.
fn announce(origin: &str, variables: &[(&str, String)], reporter: &mut Reporter) -> io::Result<()> {
    let text = if reporter.output().json {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
        success("vescli.sandbox/1", document! { url: origin, variables: variables.collect::<Map<_, Value>>() })
    } else {
        let line = |(name, value): &(&str, String)| {
            let value = if value.contains('\'') { quote(value) } else { format!("'{value}'") };
            format!("export {name}={value}\n")
        };
        variables.iter().map(line).collect()
    };
    reporter.write_out(&text)?;
    reporter.info(&format!(
        "sandbox: a stand-in for the service at {origin}; it mails no one\n\
         sandbox: set the variables above in another shell, then run vescli there; Ctrl-C here stops it\n"
    ));
    Ok(())
}

#[cfg(test)]
mod tests;

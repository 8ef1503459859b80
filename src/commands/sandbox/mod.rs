//! `vescli sandbox`: a local stand-in for the service, to rehearse a runbook with. It checks that requests keep the contract,
//! mails no one, listens on a loopback address only, and lets the recipient's name choose the answer.

mod answer;
mod certificate;
mod command;
mod contract;
mod server;

use std::ffi::OsString;
use std::io;
use std::iter::repeat_with;
use std::net::IpAddr;
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
use certificate::AuthorityFile;
use server::{Rules, Server, open_log};

/// Runs the sandbox. It ends as the rehearsed command does, by its code or by its signal.
pub fn run(command: &[OsString], context: &mut Context) -> Result<Ending, CommandError> {
    let options = SandboxOptions::of(command, context)?;
    run_sandbox(&options, context.environment, &mut context.reporter)
}

/// The options of the command line.
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
    /// The file that gets a JSON line for each request.
    log: Option<PathBuf>,
    /// The command to run and its arguments; empty to serve until a signal comes.
    command: Vec<OsString>,
    /// The folder of the running vescli, which comes first in the command's `PATH`; `None` leaves `PATH` alone.
    own_folder: Option<PathBuf>,
}

impl SandboxOptions {
    fn of(command: &[OsString], context: &Context) -> Result<Self, CommandError> {
        let given = context.flags_and_variables()?;
        Ok(Self {
            port: given.get(Setting::Port).map_or(Ok(0), port)?,
            tls: given.is_on(Setting::Tls),
            // Not `VESCLI_RATE`: that is the rate of the rehearsed list. If the sandbox used it too, each request that
            // comes a moment early would get a 429.
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

/// Length of the sandbox's token: it should look like a real one.
const TOKEN_LENGTH: usize = 32;

/// Runs the sandbox: with a command until the command has ended, without one until a signal ends the process.
///
/// With a command, standard output belongs to the command, and standard error gets one line with the address. Without one,
/// standard output gets lines for a shell to evaluate, or a document, and standard error says how to continue.
///
/// # Errors
/// [`CommandError`] when the sandbox, its log or the command cannot be started, or the log breaks off.
fn run_sandbox(
    options: &SandboxOptions,
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    if SystemTime::now() < UNIX_EPOCH {
        // HTTP has no form for such a date.
        let message = "this machine's clock is before 1970, and the sandbox cannot write that date into its answers";
        return Err(ErrorReport::new(Exit::OsError, message, "set the clock (NTP)").into());
    }
    // This generator is not made for secrets, but the token only protects a rehearsal.
    let token: String = repeat_with(fastrand::alphanumeric).take(TOKEN_LENGTH).collect();
    let log = options.log.as_deref().map(open_log).transpose()?;
    // Before any file is made: a port in use is the most likely failure.
    let listener = Server::listen(options.port)?;
    let (tls, authority) = options.tls.then(certificate::certified).transpose()?.unzip();
    let scheme = if options.tls { "https" } else { "http" };
    let required = options.require_auth.then(|| token.clone());
    let rules =
        Rules { rate: options.rate, fail_rate: options.fail_rate, tls, token: required, log, ..Rules::default() };
    let server =
        Server::start(listener, rules).map_err(CommandError::os("cannot start the sandbox's server on 127.0.0.1"))?;
    let origin = format!("{scheme}://{}", server.address);
    let variables = variables(&origin, server.address.ip(), token, authority.as_ref())?;
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

/// The variables for a command that uses the sandbox.
fn variables(
    origin: &str,
    host: IpAddr,
    token: String,
    authority: Option<&AuthorityFile>,
) -> Result<Vec<(&'static str, String)>, CommandError> {
    let mut variables = vec![
        // Only the origin: operations have different prefixes before their paths.
        ("VESCLI_BASE_URL", origin.to_owned()),
        (SANDBOX_VARIABLE, origin.to_owned()),
        ("VESCLI_TENANT", "sandbox".to_owned()),
        ("VESCLI_TOKEN", token),
        // A profile's proxy would be refused for plain http.
        ("VESCLI_NOPROXY", host.to_string()),
    ];
    if let Some(AuthorityFile(path)) = authority {
        let text = path.to_str().ok_or_else(|| {
            let message = format!("the path {path:?} is not UTF-8; set TMPDIR to a folder with another name");
            CommandError::new(Exit::Config, message)
        })?;
        variables.push(("VESCLI_CACERT", text.to_owned()));
    }
    Ok(variables)
}

/// Serves until the log fails, or a signal ends the process. SIGINT and SIGTERM keep their default, unless there is a file to
/// remove first.
fn serve(server: Server, has_file: bool) -> io::Result<ControlFlow<i32, Option<io::Error>>> {
    let wait = move || server.failures.recv().ok();
    if has_file { Interrupts::watch()?.run(wait) } else { Ok(ControlFlow::Continue(wait())) }
}

/// Prints the variables as lines for a shell to evaluate, or as a document; its exit code means that the start succeeded.
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

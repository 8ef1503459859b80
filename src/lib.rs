//! The inside of `vescli`: a library for the binary and its tests, and for nobody else.
//!
//! Data moves in one direction. Each stage has its own type, takes the type of the stage before it and returns the next:
//!
//! ```text
//! what was typed        what applies       what is sent       what happened       what is shown
//! Invocation, Layer ──► Settings ────────► ApiRequest ──────► AttemptResult ──────────► Report, Exit
//! args                  settings           api                api, bulk           report
//! ```
//!
//! A file imports from its own folder and from those to its left in
//! `args · settings · api · bulk · report · commands · lib · main`; a test checks it.

pub mod api;
pub mod args;
pub mod bulk;
pub mod commands;
pub mod report;
pub mod settings;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use args::command_line::{self, Invocation, Typed};
use args::environment::Environment;
use commands::error::CommandError;
use commands::{config, doctor, explain, help, journal, rehearse, send, usage};
use report::exit::{Ending, Exit};
use report::streams::{Paint, Streams};
use report::{Reporter, Subject};
use settings::Output;

/// Runs vescli: the arguments with the program's name first, the environment and the streams go in; what came of it
/// is written to the streams, and the exit comes out.
pub fn run(arguments: &[OsString], environment: &Environment, streams: &mut Streams) -> Ending {
    let guarded = catch_unwind(AssertUnwindSafe(|| match command_line::parse(arguments.iter().cloned()) {
        Ok(invocation) => dispatch(&invocation, arguments, environment, streams),
        Err(error) => usage::tell(error, arguments, environment, streams).into(),
    }));
    // The panic has been told already; its own code, 101, is not in the table.
    guarded.unwrap_or(Ending::Exit(Exit::Internal))
}

fn dispatch(
    invocation: &Invocation,
    arguments: &[OsString],
    environment: &Environment,
    streams: &mut Streams,
) -> Ending {
    let flags = &invocation.flags;
    let output = Output::early(flags, environment);
    let paint = Paint::decide(output.color, environment, streams.terminals.stdout);
    let text = match &invocation.typed {
        Typed::Send => return send::run(flags, environment, streams),
        Typed::Bulk(list) => {
            return commands::bulk::run(list, arguments, flags, environment, streams);
        }
        Typed::Journal(action) => {
            return journal::run(action, flags, environment, streams).into();
        }
        Typed::Doctor => return doctor::run(flags, environment, streams).into(),
        Typed::Sandbox(command) => return rehearse::run(command, flags, environment, streams),
        Typed::Config(action) => config::run(*action, flags, environment, output.json, paint),
        Typed::Explain(what) => explain::explain(what.as_deref(), output.json, paint),
        Typed::Completions(shell) => completions(*shell),
        Typed::Help(topic) => help::help(topic, paint),
    };
    let mut reporter = Reporter::new(streams, output, environment);
    match text.and_then(|text| Ok(reporter.print(&text)?)) {
        Ok(()) => Exit::Accepted.into(),
        Err(fault) => reporter.trouble(&Subject::default(), &fault.trouble()).into(),
    }
}

/// The completion script of a shell.
///
/// # Errors
/// [`CommandError::Internal`] when the generator makes something that is no text.
pub fn completions(shell: clap_complete::Shell) -> Result<String, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line::command(), "vescli", &mut script);
    String::from_utf8(script).map_err(|error| CommandError::Internal(error.into()))
}

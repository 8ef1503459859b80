//! The inside of `vescli`: a library for the binary and its tests only.
//!
//! Data moves in one direction. Each stage has its own type, takes the type of the stage before it and returns the next:
//!
//! ```text
//! what was typed        what applies       what is sent       what happened       what is shown
//! Invocation, Layer ──► Settings ────────► ApiRequest ──────► AttemptResult ────► Reporter, Exit
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
use commands::context::Context;
use commands::error::CommandError;
use commands::{config, doctor, explain, help, journal, sandbox, send, usage};
use report::exit::{Ending, Exit};
use report::{Reporter, Streams};
use settings::Output;

/// Runs vescli. The arguments begin with the program's name.
pub fn run(arguments: &[OsString], environment: &Environment, streams: Streams) -> Ending {
    let guarded = catch_unwind(AssertUnwindSafe(|| match command_line::parse(arguments.iter().cloned()) {
        Ok(Invocation { typed, flags }) => {
            let reporter = Reporter::new(streams, Output::early(&flags, environment), environment);
            let mut context = Context { arguments, flags: &flags, environment, reporter };
            dispatch(&typed, &mut context).unwrap_or_else(|error| {
                context.reporter.error(&error.report());
                error.ending()
            })
        }
        Err(error) => usage::report(error, arguments, environment, streams).into(),
    }));
    // The panic has written its message already; its own code, 101, is not in the table.
    guarded.unwrap_or(Ending::Exit(Exit::Internal))
}

fn dispatch(typed: &Typed, context: &mut Context) -> Result<Ending, CommandError> {
    match typed {
        Typed::Send => send::run(context),
        Typed::Bulk(list) => commands::bulk::run(list, context),
        Typed::Journal(action) => journal::run(action, context),
        Typed::Doctor => Ok(doctor::run(context).into()),
        Typed::Sandbox(command) => sandbox::run(command, context),
        Typed::Config(action) => config::run(*action, context),
        Typed::Explain(what) => {
            let text = explain::explain(what.as_deref(), context.output().json, context.reporter.out_style())?;
            context.print(&text)
        }
        Typed::Completions(shell) => context.print(&help::completions(*shell)?),
        Typed::Help(topic) => context.print(&help::help(topic, context.reporter.out_style())?),
    }
}

//! The code of `vescli`: a library for its binary and its tests only.
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
//!
//! # Where new things go
//!
//! - A flag, its variable and its key are one entry of `args/settings_table.rs`. The group of the entry decides which commands
//!   have the flag: `with_flags` in `args/commands.rs` lists the groups of each command, so a new group goes in there too. The
//!   file in `settings` that the setting is about reads it.
//! - An exit code is one entry of `api/exit.rs`. `commands/error.rs` chooses it for an error. With `from`, the entry is also the
//!   class of an answer or a failure: `Class::of_status` in `api/outcome.rs` or `api/failure.rs` chooses it, `fails_every_row`
//!   in `bulk/results.rs` decides whether it stops a list, and `api/retry.rs` whether it is safe to retry; for an error of this
//!   machine `report/json.rs` decides that. It also needs its name in the `enum` lists of the schemas explain-1, result-1, row-1
//!   and summary-1, a run in `tests/schemas`, and, with `from`, a row in `tests/cli/fault_matrix`.
//! - A journal record is a variant of `Record` or `RowState` in `bulk/journal/record.rs`, which also writes and reads its line;
//!   `bulk/journal/mod.rs` lists its form. The compiler asks for a variant of `Record` in `scan.rs`, `people.rs`, `index.rs`,
//!   the merge and two places of `repair.rs`. It does not ask where a line is read (`read` in `record.rs`), in `single.rs`,
//!   or where an `if let` or `matches!` picks out one variant. An older vescli takes an unknown record for damage, so raise
//!   `VERSION` in `record.rs`.
//! - A line of the help is in `args/command_help.rs`. A topic of `vescli help` is in `commands/help/topics.rs`, its text in
//!   `commands/help/topics/*.txt`. A man page that is more than a command's help is in `tests/generated/pages`.
//!
//! Afterwards `VESCLI_REWRITE=1 cargo test --test generated` writes completions, man pages and the tables of the README.
//!
//! # Where to look
//!
//! - `Retry-After`: `api/answer.rs` reads it. The waits of a send are in `api/retry.rs`, those of a list in `bulk/pace.rs` and
//!   `bulk/gate.rs`.
//! - The lock of a journal: `bulk/journal/file.rs`; of the journal of single sends: `bulk/journal/single.rs`.
//! - `NO_PROXY` and the choice of a proxy: `settings/network.rs`.
//! - Which exit code a class has: the table in `api/exit.rs`.
//!
//! # Another operation of the API
//!
//! An operation is a value: path, fields and phrases. The code that sends, retries, classifies and reports takes the
//! value and does not change. Another one needs:
//!
//! 1. its [`api::operation::Operation`] beside the first one in `api/operation.rs`, listed in
//!    [`api::operation::OPERATIONS`] there, so that the sandbox answers it;
//! 2. a variant of [`args::commands::Command`], its name beside `send-password-email` in `with_flags` there, and its
//!    examples in `args/command_help.rs`;
//! 3. an arm of `dispatch` below, which calls [`commands::send::run`] with the value. A command that does more than that
//!    gets a file under `commands`;
//! 4. its page in `SEE_ALSO` and `sends` of `tests/generated/man_page.rs`, a success and a failure in `tests/schemas`, the
//!    generated files as above, and a line in the README.
//!
//! If its fields differ, it also needs a schema of its own for its result. A field whose value no setting has yet is a new
//! entry of `args/settings_table.rs`. Only password emails are recorded in the journal of single sends
//! (`commands/send_journal.rs`); `vescli bulk` sends nothing else.

pub mod api;
pub mod args;
pub mod bulk;
pub mod commands;
pub mod report;
pub mod settings;

use std::ffi::OsString;
use std::io::Write;

use api::operation::SEND_PASSWORD_EMAIL;
use args::commands::Command;
use args::commands::{Invocation, parse};
use args::environment::Environment;
use commands::Context;
use commands::error::CommandError;
use commands::{completion, config, doctor, explain, help, journal, sandbox, send, usage};
use report::exit::{Ending, Exit};
use report::{Reporter, Streams};
use settings::Output;

/// Runs vescli. The arguments begin with the program's name.
pub fn run(arguments: &[OsString], environment: &Environment, streams: Streams) -> Ending {
    if let Some(answer) = completion::answer(arguments, environment) {
        // This only fails if the shell that asked is gone.
        let _ = streams.out.write_all(&answer).and_then(|()| streams.out.flush());
        return Exit::Accepted.into();
    }
    match parse(arguments) {
        Ok(Invocation { command, flags }) => {
            let reporter = Reporter::new(streams, Output::early(&flags, environment), environment);
            let mut context = Context { arguments, flags: &flags, environment, reporter };
            dispatch(&command, &mut context).unwrap_or_else(|error| {
                let ending = error.ending();
                context.reporter.error(&error.report(), ending);
                ending
            })
        }
        Err(error) => usage::report(error, arguments, environment, streams).into(),
    }
}

/// From now on a panic of any thread ends the process with [`Exit::Internal`]. By default it would end with 101 or SIGABRT,
/// which are not in the table, and other threads would continue.
///
/// Nothing is unwound, which makes the program a tenth smaller. For a list this is the same as `kill -9`: the journal has each
/// intent before its request, so the next run knows what may have been sent.
pub fn end_at_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        let entry = Exit::Internal.entry();
        // If this cannot be written, the exit code still reports it.
        let _ =
            writeln!(std::io::stderr(), "error: {}: this is a bug in vescli\n  hint: {}", entry.title, entry.advice);
        #[expect(clippy::exit, reason = "a thread that is not the main one has no other way to a code of the table")]
        std::process::exit(entry.exit.code().into());
    }));
}

fn dispatch(command: &Command, context: &mut Context) -> Result<Ending, CommandError> {
    match command {
        Command::Send => send::run(&SEND_PASSWORD_EMAIL, context),
        Command::Bulk { input } => commands::bulk::run(input, context),
        Command::Journal(action) => journal::run(action, context),
        Command::Doctor => Ok(doctor::run(context).into()),
        Command::Sandbox { command } => sandbox::run(command, context),
        Command::Config(action) => config::run(*action, context),
        Command::Explain { what } => {
            let text = explain::explain(what.as_deref(), context.output().json, context.reporter.out_style())?;
            // Not in a pipe, where each entry has to stay on one line.
            let is_wrapped = context.reporter.terminals().stdout && !context.output().json;
            let text = if is_wrapped { context.layout().wrap(&text) } else { text };
            context.print(&text)
        }
        Command::Completions { shell } => context.print(&completion::script(*shell)),
        Command::Help { topic } => {
            let text = help::help(topic, context.layout())?;
            help::show(&text, &mut context.reporter, context.environment)?;
            Ok(Exit::Accepted.into())
        }
    }
}

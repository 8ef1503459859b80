//! `vescli bulk`: everybody on a list, each once. Reads and checks all of it, shows the plan, asks, sends, and tells what
//! came of it.

mod ask;
mod error;
mod foresee;
mod go_on;
mod prepare;
mod progress;
mod screen;
mod send;
mod signals;

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::Path;

pub use error::BulkError;

use super::fault::Fault;
use crate::bulk::journal::Recovered;
use crate::bulk::tally::{Tally, Verdict};
use crate::cli::args::environment::Environment;
use crate::cli::args::layer::Layer;
use crate::cli::exit::{Ending, Exit};
use crate::cli::report::list;
use crate::cli::report::list_document::{PlanDocument, SummaryDocument};
use crate::cli::report::list_plan::{self, PlanFacts};
use crate::cli::report::{Reporter, Subject};
use crate::cli::safe_text::{SafeText, json_line};
use crate::cli::streams::Streams;
use crate::settings::resolve::Output;
use foresee::Shown;
use prepare::Prepared;

/// Runs the command: a list, flags and environment go in, what came of it is told, and its end comes out. `arguments`
/// are those of the process, for the command to go on with.
pub fn run(
    input: &Path,
    arguments: &[OsString],
    flags: &Layer,
    environment: &Environment,
    streams: &mut Streams,
) -> Ending {
    let mut subject = Subject::default();
    let mut output = Output::early(flags, environment);
    let prepared = prepare::prepare(input, flags, environment, &mut subject, &mut output);
    let mut reporter = Reporter::new(streams, output, environment);
    let ended = prepared.and_then(|mut prepared| {
        reporter.hide(SafeText::hiding(prepared.secrets.clone()));
        carry_out(
            &mut prepared,
            &subject,
            arguments,
            environment,
            &mut reporter,
        )
    });
    ended.unwrap_or_else(|fault| reporter.trouble(&subject, &fault.trouble()).into())
}

fn carry_out(
    prepared: &mut Prepared,
    subject: &Subject,
    arguments: &[OsString],
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Ending, Fault> {
    let seen = prepared.look()?;
    prepared.elsewhere = prepared.look_elsewhere(&seen.recovered)?;
    let mut arguments = arguments.to_vec();
    let is_decided = prepared.bulk.known.is_some();
    let shown = without_sending(prepared, &seen.recovered, reporter)?;
    if let Some(on_known) = prepared.bulk.known.filter(|_| !is_decided) {
        arguments.extend(["--known", on_known.word()].map(OsString::from));
    }
    let shown = match shown {
        ControlFlow::Break(ending) => return Ok(ending),
        ControlFlow::Continue(shown) => shown,
    };
    let command = go_on::command(&arguments, environment, prepared.is_stdin());
    send::send(
        prepared,
        (seen, shown),
        subject,
        command,
        environment,
        reporter,
    )
}

/// Shows the plan and asks, and gives the end if nothing is to be sent, else what was shown.
fn without_sending(
    prepared: &mut Prepared,
    known: &Recovered,
    reporter: &mut Reporter,
) -> Result<ControlFlow<Ending, Shown>, Fault> {
    warn(prepared, reporter);
    if !prepared.dry_run && !prepared.elsewhere.rows.is_empty() && prepared.bulk.known.is_none() {
        let plan = prepared.plan(known);
        let facts = prepared.facts(&plan, known);
        let Some(on_known) = ask::about_known(prepared, &facts, reporter)? else {
            reporter.note("nothing was sent");
            return Ok(ControlFlow::Break(Exit::BulkStopped.into()));
        };
        prepared.bulk.known = Some(on_known);
    }
    let plan = prepared.plan(known);
    let facts = prepared.facts(&plan, known);
    let json = reporter.output().json;
    let paint = reporter.out_paint();
    if prepared.dry_run {
        prepared.check_the_way()?;
        let text = if json {
            json_line(&PlanDocument::new(&facts, prepared.warnings()))
        } else {
            list_plan::plan(&facts, paint, reporter.safe())
        };
        reporter.print(&text)?;
        return Ok(ControlFlow::Break(Exit::Accepted.into()));
    }
    if plan.tasks.is_empty() {
        return nothing_left(&facts, prepared, reporter).map(ControlFlow::Break);
    }
    if ask::before_sending(prepared, &facts, reporter)? {
        return Ok(ControlFlow::Continue(Shown::of(&plan)));
    }
    reporter.note("nothing was sent");
    Ok(ControlFlow::Break(Exit::BulkStopped.into()))
}

fn warn(prepared: &Prepared, reporter: &mut Reporter) {
    if !reporter.output().json {
        prepared
            .warnings()
            .iter()
            .for_each(|warning| reporter.warn(warning));
    }
}

/// Tells that there is nobody left to send to, and how to begin anew.
fn nothing_left(
    facts: &PlanFacts,
    prepared: &Prepared,
    reporter: &mut Reporter,
) -> Result<Ending, Fault> {
    let tally = Tally::default();
    let exit = exit_of(tally.verdict(facts.plan, None));
    let output = reporter.output();
    if output.json {
        let mut document = SummaryDocument::new(facts, facts.plan, &tally, prepared.warnings());
        (document.exit_code, document.ok) = (exit.code(), exit == Exit::Accepted);
        reporter.print(&json_line(&document))?;
    } else if !(output.quiet && exit == Exit::Accepted) {
        if exit != Exit::Accepted {
            let paint = reporter.err_paint();
            let plan = list_plan::plan(facts, paint, reporter.safe());
            reporter.talk(&plan);
        }
        reporter.print(&list::nothing_left(facts))?;
    }
    Ok(exit.into())
}

/// The exit of a verdict; one by a signal is told by the signal itself.
const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Accepted => Exit::Accepted,
        Verdict::Failed => Exit::BulkFailed,
        Verdict::Unknown => Exit::BulkUnknown,
        Verdict::Stopped | Verdict::Signal(_) => Exit::BulkStopped,
        Verdict::Journal => Exit::Io,
        Verdict::Fault => Exit::Internal,
    }
}

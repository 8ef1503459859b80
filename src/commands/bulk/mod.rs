//! `vescli bulk`: everybody on a list, each once. Reads and checks all of it, shows the plan, asks, sends, and tells what
//! came of it.

mod confirm;
mod error;
mod hint;
mod prepare;
mod progress;
mod reason;
mod replan;
mod resume_command;
mod screen;
mod send;
mod signals;
mod workers;

use std::ops::ControlFlow;
use std::path::Path;

pub use error::BulkError;

use super::context::Context;
use super::error::CommandError;
use crate::args::environment::Environment;
use crate::bulk::journal::Recovered;
use crate::bulk::tally::{Tally, Verdict};
use crate::report::Reporter;
use crate::report::bulk_json::{PlanDocument, SummaryDocument};
use crate::report::bulk_text::{self, PlanFacts};
use crate::report::escape::json_line;
use crate::report::exit::{Ending, Exit};
use crate::settings::bulk::OnKnown;
use prepare::Prepared;
use replan::Shown;
use resume_command::{End, NextStep, SameCommand};

pub fn run(input: &Path, context: &mut Context) -> Result<Ending, CommandError> {
    // First of all, as long as the process may look at its own descriptors.
    let same = SameCommand::of(context.arguments, context.environment, input);
    let ended = prepare::prepare(input, context).and_then(|mut prepared| {
        context.reporter.redact(prepared.secrets.clone());
        carry_out(&mut prepared, &same, context.environment, &mut context.reporter)
    });
    ended.map_err(|error| hint::report(&error, &same).into())
}

fn carry_out(
    prepared: &mut Prepared,
    same: &SameCommand,
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let seen = prepared.look()?;
    prepared.elsewhere = prepared.look_elsewhere(&seen.recovered)?;
    let is_decided = prepared.bulk.known.is_some();
    let shown = match without_sending(prepared, &seen.recovered, same, reporter)? {
        ControlFlow::Break(ending) => return Ok(ending),
        ControlFlow::Continue(shown) => shown,
    };
    let decided = prepared.bulk.known.filter(|_| !is_decided);
    let same = &same.deciding(decided);
    send::send(prepared, (seen, shown), same, environment, reporter)
}

/// Shows the plan and asks, and gives the end if nothing is to be sent, else what was shown.
fn without_sending(
    prepared: &mut Prepared,
    known: &Recovered,
    same: &SameCommand,
    reporter: &mut Reporter,
) -> Result<ControlFlow<Ending, Shown>, CommandError> {
    warn(prepared, reporter);
    let sends_known = prepared.bulk.known == Some(OnKnown::Send);
    if !prepared.dry_run && !prepared.elsewhere.rows.is_empty() && prepared.bulk.known.is_none() {
        let plan = prepared.plan(known);
        let facts = prepared.facts(&plan, known);
        let Some(on_known) = confirm::about_known(prepared, &facts, reporter)? else {
            return Ok(ControlFlow::Break(declined(same, reporter)));
        };
        prepared.bulk.known = Some(on_known);
    }
    let plan = prepared.plan(known);
    let facts = prepared.facts(&plan, known);
    let json = reporter.output().json;
    let style = reporter.out_style();
    if prepared.dry_run {
        prepared.check_the_way()?;
        let text = if json {
            json_line(&PlanDocument::new(&facts, prepared.warnings()))
        } else {
            bulk_text::plan(&facts, style, reporter.redactor())
        };
        reporter.print(&text)?;
        return Ok(ControlFlow::Break(Exit::Accepted.into()));
    }
    if plan.tasks.is_empty() {
        return nothing_left(&facts, prepared, same, reporter).map(ControlFlow::Break);
    }
    if confirm::before_sending(prepared, &facts, reporter)? {
        return Ok(ControlFlow::Continue(Shown::of(plan, sends_known)));
    }
    Ok(ControlFlow::Break(declined(same, reporter)))
}

/// The end of a run to which somebody said no.
fn declined(same: &SameCommand, reporter: &mut Reporter) -> Ending {
    reporter.note("nothing was sent");
    tell_next(Some(&same.whole(None)), reporter);
    Exit::BulkStopped.into()
}

fn warn(prepared: &Prepared, reporter: &mut Reporter) {
    if !reporter.output().json {
        let warnings = &prepared.settings.warnings;
        for warning in warnings {
            reporter.warn(warning);
        }
    }
    // About people who are not mailed, or may be mailed again: told however little is told.
    for warning in prepared.unread().chain(prepared.left_out()) {
        reporter.warn_always(&warning);
    }
}

/// Names the command that is to be run next, unless nothing is to be said.
fn tell_next(step: Option<&NextStep>, reporter: &mut Reporter) {
    if let Some(step) = step {
        // A command that is cut does not work.
        let command = reporter.redactor().escape_uncut(step.command.as_bytes());
        reporter.info(&step.line(&command));
    }
}

/// Tells that there is nobody left to send to, and how to begin anew.
fn nothing_left(
    facts: &PlanFacts,
    prepared: &Prepared,
    same: &SameCommand,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let tally = Tally::default();
    let verdict = tally.verdict(facts.plan, None);
    let exit = exit_of(verdict);
    let end = End {
        verdict,
        stop: None,
        tally: &tally,
        plan: facts.plan,
        journal: &prepared.journal,
        lost_journal: false,
        broken: false,
    };
    let next = resume_command::after(&end, same);
    let output = reporter.output();
    if output.json {
        let mut document = SummaryDocument::new(facts, facts.plan, &tally, prepared.warnings());
        (document.exit_code, document.ok) = (exit.code(), exit == Exit::Accepted);
        document.go_on = next.as_ref().map(|step| step.command.clone());
        reporter.print(&json_line(&document))?;
    } else if !(output.quiet && exit == Exit::Accepted) {
        if exit != Exit::Accepted {
            let style = reporter.err_style();
            let plan = bulk_text::plan(facts, style, reporter.redactor());
            reporter.write_err(&plan);
        }
        reporter.print(&bulk_text::nothing_left(facts))?;
    }
    tell_next(next.as_ref(), reporter);
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

//! `vescli bulk`: mails everyone on a list, each once. Reads and checks all of it, shows the plan, asks for confirmation,
//! sends, and reports the results.

mod end;
mod prepare;
mod progress;
mod reports;
mod resume_command;
mod screen;
mod send;
mod workers;

use std::ops::ControlFlow;
use std::path::Path;

use super::context::{Context, Input};
use super::error::{BulkError, CommandError};
use crate::api::transport::Transport;
use crate::bulk::journal::Recovered;
use crate::report::Reporter;
use crate::report::bulk_json::PlanDocument;
use crate::report::bulk_text::{self, PlanFacts};
use crate::report::escape::json_line;
use crate::report::exit::{Ending, Exit};
use crate::report::text::grouped;
use crate::settings::bulk::OnKnown;
use end::{declined, nothing_left};
use prepare::{ConfirmedPlan, Prepared};
use resume_command::SameCommand;

pub fn run(input: &Path, context: &mut Context) -> Result<Ending, CommandError> {
    // First, while the process may still read its own descriptors.
    let same = SameCommand::of(context.arguments, context.environment, input);
    let ended = prepare::prepare(input, same.clone(), context).and_then(|mut prepared| {
        context.reporter.redact(prepared.secrets.clone());
        carry_out(&mut prepared, context)
    });
    ended.map_err(|error| end::with_resume_command(&error, &same).into())
}

fn carry_out(prepared: &mut Prepared, context: &mut Context) -> Result<Ending, CommandError> {
    let mut snapshot = prepared.inspect_journal()?;
    prepared.read_siblings(&mut snapshot.recovered)?;
    prepared.elsewhere = prepared.search_other_journals(&snapshot.recovered)?;
    let is_decided = prepared.bulk.known.is_some();
    match without_sending(prepared, &snapshot.recovered, &mut context.reporter)? {
        ControlFlow::Break(ending) => {
            // Not a file that was declined, which no longer exists.
            if !prepared.dry_run && ending != Exit::BulkStopped.into() {
                prepared.leave_journal()?;
            }
            Ok(ending)
        }
        ControlFlow::Continue(confirmed) => {
            if let Some(answer) = prepared.bulk.known.filter(|_| !is_decided) {
                prepared.same = prepared.same.clone().deciding(answer);
            }
            send::send(prepared, snapshot, &confirmed, context)
        }
    }
}

/// Shows the plan and asks. Returns the end if nothing is sent, else what was confirmed.
fn without_sending(
    prepared: &mut Prepared,
    known: &Recovered,
    reporter: &mut Reporter,
) -> Result<ControlFlow<Ending, ConfirmedPlan>, CommandError> {
    warn(prepared, reporter);
    let sends_known = prepared.bulk.known == Some(OnKnown::Send);
    if !prepared.dry_run && !prepared.elsewhere.rows.is_empty() && prepared.bulk.known.is_none() {
        let plan = prepared.plan(known);
        let facts = prepared.facts(&plan, known);
        let Some(on_known) = ask_about_known(prepared, &facts, reporter)? else {
            return declined(&facts, prepared, reporter).map(ControlFlow::Break);
        };
        prepared.bulk.known = Some(on_known);
    }
    let plan = prepared.plan(known);
    let facts = prepared.facts(&plan, known);
    if prepared.dry_run {
        // What a run needs to reach the server, as far as possible without sending.
        Transport::new(&prepared.settings.network, prepared.identity.as_ref(), &prepared.request.url)?;
        let text = if reporter.output().json {
            json_line(&PlanDocument::new(&facts, prepared.warnings()))
        } else {
            bulk_text::plan(&facts, reporter.out_style(), reporter.redactor())
        };
        reporter.print(&text)?;
        return Ok(ControlFlow::Break(Exit::Accepted.into()));
    }
    if plan.tasks.is_empty() {
        return nothing_left(&facts, prepared, reporter).map(ControlFlow::Break);
    }
    if confirm(prepared, &facts, reporter)? {
        return Ok(ControlFlow::Continue(ConfirmedPlan::of(plan, sends_known)));
    }
    declined(&facts, prepared, reporter).map(ControlFlow::Break)
}

fn warn(prepared: &Prepared, reporter: &mut Reporter) {
    if !reporter.output().json {
        prepared.settings.warnings.iter().for_each(|warning| reporter.warn(warning));
    }
    // About people who are not mailed, or may be mailed again: shown even with `-q`.
    for warning in prepared.unread().chain(prepared.left_out()) {
        reporter.warn_always(&warning);
    }
}

/// Shows the plan, and asks what to do with people who are known from other lists; nothing for an end without sending.
///
/// # Errors
/// [`BulkError::Known`] where no one can be asked.
fn ask_about_known(
    prepared: &Prepared,
    facts: &PlanFacts,
    reporter: &mut Reporter,
) -> Result<Option<OnKnown>, BulkError> {
    let known = bulk_text::known(facts, reporter.redactor()).unwrap_or_default();
    let Some(input) = input(prepared, reporter).filter(|_| !prepared.bulk.yes) else {
        return Err(BulkError::Known(known));
    };
    let plan = bulk_text::plan(facts, reporter.err_style(), reporter.redactor());
    let question = format!("{plan}{known}.\nSkip them (s), mail them again (m), or stop (n)? [s/m/N] ");
    Ok(match input.ask(&question, reporter).as_str() {
        "s" | "skip" => Some(OnKnown::Skip),
        "m" | "mail" => Some(OnKnown::Send),
        _ => None,
    })
}

/// Shows the plan, and asks whether to send if no one has said so; anything but yes is no.
///
/// # Errors
/// [`BulkError::NotAsked`] where no one can be asked; [`BulkError::Unread`] where no one is asked and a journal cannot be
/// read.
fn confirm(prepared: &Prepared, facts: &PlanFacts, reporter: &mut Reporter) -> Result<bool, BulkError> {
    let plan = bulk_text::plan(facts, reporter.err_style(), reporter.redactor());
    if prepared.bulk.yes {
        if let (None, Some(unread)) = (prepared.bulk.known, prepared.unread().next()) {
            return Err(BulkError::Unread(unread));
        }
        reporter.info(&plan);
        return Ok(true);
    }
    let people = match facts.plan.count() {
        1 => "1 person".to_owned(),
        count => format!("{} people", grouped(count)),
    };
    let Some(input) = input(prepared, reporter) else {
        return Err(BulkError::NotAsked(people));
    };
    // The user has to see what the question is about, `-q` or not.
    let answer = input.ask(&format!("{plan}Mail {people}? [y/N] "), reporter);
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

fn input(prepared: &Prepared, reporter: &Reporter) -> Option<Input> {
    Input::find(reporter, prepared.no_input, prepared.list_name.is_stdin())
}

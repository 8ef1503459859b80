//! The questions before the first request.

use std::io::{BufRead, stdin};

use super::error::BulkError;
use super::prepare::Prepared;
use crate::report::Reporter;
use crate::report::bulk_text::{self, PlanFacts};
use crate::report::text::grouped;
use crate::settings::bulk::OnKnown;

/// Shows the plan, and asks what to do with people who are known from other lists; nothing for an end without sending.
///
/// # Errors
/// [`BulkError::Known`] where nobody can be asked.
pub(super) fn about_known(
    prepared: &Prepared,
    facts: &PlanFacts,
    reporter: &mut Reporter,
) -> Result<Option<OnKnown>, BulkError> {
    let known = bulk_text::known(facts, reporter.redactor()).unwrap_or_default();
    if prepared.bulk.yes || !can_ask(prepared, reporter) {
        return Err(BulkError::Known(known));
    }
    let plan = bulk_text::plan(facts, reporter.err_style(), reporter.redactor());
    reporter.write_err(&format!("{plan}{known}.\nSkip them (s), mail them again (m), or stop (n)? [s/m/N] "));
    Ok(match answer(reporter).as_str() {
        "s" | "skip" => Some(OnKnown::Skip),
        "m" | "mail" => Some(OnKnown::Send),
        _ => None,
    })
}

/// Shows the plan, and asks whether to send if nobody has said so; anything but yes is no.
///
/// # Errors
/// [`BulkError::NotAsked`] where nobody can be asked; [`BulkError::Unread`] where nobody is, with a journal that cannot be
/// read.
pub(super) fn before_sending(
    prepared: &Prepared,
    facts: &PlanFacts,
    reporter: &mut Reporter,
) -> Result<bool, BulkError> {
    let people = match facts.plan.count() {
        1 => "1 person".to_owned(),
        count => format!("{} people", grouped(count)),
    };
    if !prepared.bulk.yes && !can_ask(prepared, reporter) {
        return Err(BulkError::NotAsked(people));
    }
    let unread = prepared.unread().next();
    if let (true, None, Some(unread)) = (prepared.bulk.yes, prepared.bulk.known, unread) {
        return Err(BulkError::Unread(unread));
    }
    // Whoever is asked has to see what about, `-q` or not.
    if !reporter.output().quiet || !prepared.bulk.yes {
        let plan = bulk_text::plan(facts, reporter.err_style(), reporter.redactor());
        reporter.write_err(&plan);
    }
    if prepared.bulk.yes {
        return Ok(true);
    }
    reporter.write_err(&format!("Mail {people}? [y/N] "));
    Ok(matches!(answer(reporter).as_str(), "y" | "yes"))
}

fn can_ask(prepared: &Prepared, reporter: &Reporter) -> bool {
    let terminals = reporter.terminals();
    terminals.stdin && terminals.stderr && !prepared.no_input && !prepared.is_stdin()
}

/// The line that was typed, in lower case. No answer, for whatever reason, is an empty one.
fn answer(reporter: &mut Reporter) -> String {
    let mut answer = String::new();
    if stdin().lock().read_line(&mut answer).unwrap_or(0) == 0 {
        reporter.write_err("\n");
    }
    answer.trim().to_ascii_lowercase()
}

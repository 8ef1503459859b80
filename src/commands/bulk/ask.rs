//! The question before the first request.

use std::io::{BufRead, stdin};

use super::error::BulkError;
use super::prepare::Prepared;
use crate::cli::report::Reporter;
use crate::cli::report::list::grouped;
use crate::cli::report::list_plan::{self, PlanFacts};

/// Shows the plan, and asks whether to send if nobody has said so; anything but yes is no.
///
/// # Errors
/// [`BulkError::NotAsked`] where nobody can be asked.
pub(super) fn before_sending(
    prepared: &Prepared,
    facts: &PlanFacts,
    reporter: &mut Reporter,
) -> Result<bool, BulkError> {
    let terminals = reporter.terminals();
    let can_ask = terminals.stdin && terminals.stderr && !prepared.no_input && !prepared.is_stdin();
    let people = match facts.plan.count() {
        1 => "1 person".to_owned(),
        count => format!("{} people", grouped(count)),
    };
    if !prepared.bulk.yes && !can_ask {
        return Err(BulkError::NotAsked(people));
    }
    // Whoever is asked has to see what about, `-q` or not.
    if !reporter.output().quiet || !prepared.bulk.yes {
        let plan = list_plan::plan(facts, reporter.err_paint(), reporter.safe());
        reporter.talk(&plan);
    }
    if prepared.bulk.yes {
        return Ok(true);
    }
    reporter.talk(&format!("Mail {people}? [y/N] "));
    let mut answer = String::new();
    // No answer, for whatever reason, is no.
    let read = stdin().lock().read_line(&mut answer).unwrap_or(0);
    if read == 0 {
        reporter.talk("\n");
    }
    let answer = answer.trim().to_ascii_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

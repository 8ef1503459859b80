//! What to do about something that kept a list from being sent: one command, which works when the cause is gone. Nobody
//! was mailed, so it is the very same one.

use super::error::BulkError;
use super::resume_command::{NextStep, SameCommand};
use crate::args::settings_table::Setting;
use crate::bulk::journal::JournalError;
use crate::commands::error::CommandError;
use crate::report::ErrorReport;
use crate::settings::bulk::OnKnown;

/// The report of an error, with the command to run next.
pub(super) fn report(error: &CommandError, same: &SameCommand) -> ErrorReport {
    let report = error.report();
    let hint = match (error, &report.hint) {
        // Made further in, with its own hint.
        (CommandError::Report(_), Some(hint)) => hint.clone(),
        (CommandError::Bulk(BulkError::BadRows { usable: true, .. }), _) => {
            let without = quoted(&same.whole(Some(Setting::SkipInvalid)));
            format!("fix these lines and run it again, or leave them out: {without}")
        }
        (CommandError::Bulk(BulkError::Known(_)), _) => {
            let without = quoted(&same.deciding(Some(OnKnown::Skip)).whole(None));
            format!("leave them out: {without}; or mail them again with --known send")
        }
        (CommandError::Bulk(BulkError::NotAsked(_)), _) => {
            format!("see the plan first: {}", quoted(&same.whole(Some(Setting::DryRun))))
        }
        (CommandError::Bulk(BulkError::Unread(_)), _) => {
            let without = quoted(&same.deciding(Some(OnKnown::Skip)).whole(None));
            format!("fix that and run it again, or leave out whoever is known: {without}")
        }
        (CommandError::Journal(JournalError::Damaged { path, .. }), _) => {
            format!("see what is damaged: {}", quoted(&NextStep::check(path)))
        }
        (
            CommandError::Journal(
                JournalError::Locked { .. } | JournalError::Changed { .. } | JournalError::KnownSince,
            ),
            _,
        ) => {
            format!("when the other run has ended, run {}", quoted(&same.whole(None)))
        }
        (_, Some(hint)) => format!("{hint}; then run {}", quoted(&same.whole(None))),
        (_, None) => format!("fix that, then run {}", quoted(&same.whole(None))),
    };
    ErrorReport { hint: Some(hint), ..report }
}

fn quoted(step: &NextStep) -> String {
    let needed = if step.needs_list { " with the same list on standard input" } else { "" };
    format!("`{}`{needed}", step.command)
}

//! How a run ends: why it stopped, its exit code, the summary, and the hint for an error.

use std::time::Duration;

use super::prepare::Prepared;
use super::resume_command::{NextStep, SameCommand};
use super::screen::Screen;
use crate::args::settings_table::Setting;
use crate::bulk::journal::JournalError;
use crate::bulk::pace::WAITS_MAX;
use crate::bulk::plan::Plan;
use crate::bulk::results::{Stop, Tally, Verdict};
use crate::commands::error::{BulkError, CommandError};
use crate::report::bulk_text::{self, PlanFacts};
use crate::report::exit::{Ending, Exit};
use crate::report::json::{self, RunEnd};
use crate::report::{ErrorReport, Reporter, text};
use crate::settings::bulk::OnKnown;
use crate::settings::error::SettingsError;

/// How the work of a run ended. The default is that nothing was sent.
#[derive(Default)]
pub(super) struct End {
    pub(super) stop: Option<Stop>,
    pub(super) tally: Tally,
    /// Whether the file of the journal may no longer be the one that the run wrote.
    pub(super) lost_journal: bool,
    /// Whether writing to standard output failed.
    pub(super) stdout_failed: bool,
}

impl End {
    /// The command to run next, if there is anything left to do.
    fn next_step(&self, verdict: Verdict, plan: &Plan, prepared: &Prepared) -> Option<NextStep> {
        let (ended, journal, same) = (&self.tally.ended, &*prepared.journal, &prepared.same);
        let is_due = self.tally.of_list(plan).due() > 0;
        Some(match verdict {
            Verdict::Unknown if ended.unknown > 0 => NextStep::journal("show", journal),
            // The unknown person may be in the journal of another shard.
            Verdict::Unknown => NextStep::journal("show", prepared.siblings.unknown.as_deref().unwrap_or(journal)),
            Verdict::Journal if self.lost_journal => NextStep::journal("check", journal),
            Verdict::Stopped if ended.rejected > ended.rejected_due && matches!(self.stop, Some(Stop::Failures(_))) => {
                same.rest(Some(Setting::RetryRejected))
            }
            Verdict::Failed if !is_due => same.rest(Some(Setting::RetryRejected)),
            Verdict::Failed | Verdict::Stopped | Verdict::Journal | Verdict::Signal(_) => same.rest(None),
            Verdict::Accepted if plan.beyond_limit.total() > 0 => same.rest(None),
            Verdict::Accepted if self.stdout_failed => NextStep::journal("show", journal),
            Verdict::Accepted => return None,
        })
    }
}

/// Ends a run that the user did not confirm.
pub(super) fn declined(
    facts: &PlanFacts,
    prepared: &Prepared,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let (exit, next) = (Exit::BulkStopped, prepared.same.whole(None));
    let error = ErrorReport { exit, message: "not confirmed: nothing was sent".to_owned(), hint: None };
    if reporter.output().json {
        print_summary(facts, prepared, exit, (Some(&next), Some(&error)), reporter)?;
    }
    reporter.note("nothing was sent");
    reporter.info(&next.line(reporter.redactor()));
    Ok(exit.into())
}

/// Ends a run that has nothing to send, with the same reports as any other run.
pub(super) fn nothing_left(
    facts: &PlanFacts,
    prepared: &Prepared,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let tally = Tally::default();
    let ended = report_nothing_left(facts, prepared, reporter);
    let ending = ended.as_ref().map_or_else(CommandError::ending, |exit| (*exit).into());
    let cases = prepared.reports.cases(facts.plan);
    prepared.reports.write(facts, &tally, cases, ending, reporter);
    ended.map(Ending::from)
}

/// Reports that no row is left to send, and the command to run next.
fn report_nothing_left(facts: &PlanFacts, prepared: &Prepared, reporter: &mut Reporter) -> Result<Exit, CommandError> {
    let verdict = Tally::default().verdict(facts.plan, None);
    let (exit, next) = (exit_of(verdict), End::default().next_step(verdict, facts.plan, prepared));
    let output = reporter.output();
    if output.json {
        print_summary(facts, prepared, exit, (next.as_ref(), None), reporter)?;
    } else if !(output.quiet && exit == Exit::Accepted) {
        if exit != Exit::Accepted {
            reporter.write_err(&bulk_text::plan(facts, reporter.err_style(), reporter.redactor()));
        }
        reporter.print(&bulk_text::nothing_left(facts))?;
    }
    if let Some(step) = next {
        reporter.info(&step.line(reporter.redactor()));
    }
    Ok(exit)
}

/// Prints the JSON summary of a run that has sent nothing.
fn print_summary(
    facts: &PlanFacts,
    prepared: &Prepared,
    exit: Exit,
    (next, error): (Option<&NextStep>, Option<&ErrorReport>),
    reporter: &mut Reporter,
) -> Result<(), ErrorReport> {
    let next = next.map(|step| &*step.command);
    let end = RunEnd { exit, tally: &Tally::default(), elapsed: Duration::ZERO, signal: None, next, error };
    reporter.print(&json::summary(facts, &end, &prepared.warnings(), reporter.redactor()))
}

/// The exit code of a verdict. After a signal, the process ends by that signal instead.
const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Accepted => Exit::Accepted,
        Verdict::Failed => Exit::BulkFailed,
        Verdict::Unknown => Exit::BulkUnknown,
        Verdict::Stopped | Verdict::Signal(_) => Exit::BulkStopped,
        Verdict::Journal => Exit::Io,
    }
}

/// Reports the results of the run. Returns how the process ends.
pub(super) fn conclude(
    screen: &mut Screen,
    facts: &PlanFacts,
    prepared: &Prepared,
    end: &End,
    remark: Option<String>,
) -> Ending {
    let verdict = end.tally.verdict(facts.plan, end.stop.as_ref());
    let exit = exit_of(verdict);
    let next = end.next_step(verdict, facts.plan, prepared);
    let elapsed = screen.progress.start.elapsed();
    let was_stopped = matches!(verdict, Verdict::Stopped | Verdict::Journal);
    let error = end.stop.as_ref().filter(|_| was_stopped).and_then(|stop| reason(stop, end.lost_journal));
    if screen.reporter.output().json {
        let warnings: Vec<_> = prepared.warnings().into_iter().chain(remark).collect();
        let signal = if let Verdict::Signal(signal) = verdict { Some(signal) } else { None };
        let next = next.as_ref().map(|step| &*step.command);
        let end = RunEnd { exit, tally: &end.tally, elapsed, signal, next, error: error.as_ref() };
        let document = json::summary(facts, &end, &warnings, screen.reporter.redactor());
        screen.write(&document, "");
    }
    report_text(screen, facts, error.as_ref(), next.as_ref(), elapsed, exit);
    match verdict {
        Verdict::Signal(signal) => Ending::Signal(signal),
        Verdict::Accepted if screen.stdout_error.is_some() => Exit::Io.into(),
        _ => exit.into(),
    }
}

fn report_text(
    screen: &mut Screen,
    facts: &PlanFacts,
    error: Option<&ErrorReport>,
    next: Option<&NextStep>,
    elapsed: Duration,
    exit: Exit,
) {
    let tally = screen.tally;
    let summary = |style| bulk_text::summary(facts, &tally, elapsed, style);
    let (output, style) = (screen.reporter.output(), screen.reporter.err_style());
    let is_silent = output.quiet && (output.json || exit == Exit::Accepted);
    if !is_silent && !output.json {
        let text = summary(screen.reporter.out_style());
        screen.write(&text, "");
    }
    let mut messages = String::new();
    if !is_silent && (output.json || screen.stdout_error.is_some()) {
        messages.push_str(&summary(style));
    }
    if let Some(error) = &screen.stdout_error {
        messages.push_str(&format!(
            "{} standard output could not be written: {error}; the run continued, and the journal has every row\n",
            style.error("error:")
        ));
    }
    if !is_silent {
        let redactor = screen.reporter.redactor();
        if let Some(ErrorReport { message, hint, .. }) = error {
            messages.push_str(&format!("{} {}\n", style.error("error:"), redactor.escape(message)));
            messages.extend(hint.as_ref().map(|hint| format!("{} {hint}\n", style.dim("  hint:"))));
        }
        messages.extend(next.map(|step| step.line(redactor)));
    }
    screen.write("", &messages);
}

/// The message that says why a run stopped, with a hint.
fn reason(stop: &Stop, lost_journal: bool) -> Option<ErrorReport> {
    let (exit, why, hint) = match stop {
        // The process ends by the signal.
        Stop::Signal(_) => return None,
        Stop::EveryRowFails(class) => {
            let exit = Exit::from(*class);
            (exit, format!("{}; every other row would fail the same way", exit.entry().title), None)
        }
        Stop::Failures(count) => (
            Exit::BulkStopped,
            format!("{count} consecutive rows were not accepted (--max-failures)"),
            Some("fix the cause, then run the command that is printed: rejected rows stay without --retry-rejected"),
        ),
        Stop::WaitTooLong(wait) => (
            Exit::BulkStopped,
            format!("the server asks to wait {}, longer than --max-retry-after", text::duration(*wait)),
            Some("run the same command again after that time"),
        ),
        Stop::ThrottledTooOften => (
            Exit::RateLimited,
            format!("the service asked to wait {WAITS_MAX} times, and accepted nothing in between"),
            None,
        ),
        Stop::OtherRun => (
            Exit::BulkStopped,
            "another run is mailing people on this list".to_owned(),
            Some("when that run has ended, run the command that is printed"),
        ),
        Stop::Journal(cause) => {
            let hint = "find out what removed, moved or changed the journal before this list is sent again";
            (Exit::Io, cause.clone(), lost_journal.then_some(hint))
        }
    };
    Some(ErrorReport::new(exit, format!("stopped: {why}"), hint.unwrap_or(exit.entry().advice)))
}

/// The report of an error, with the command to run next.
pub(super) fn with_resume_command(error: &CommandError, same: &SameCommand) -> ErrorReport {
    use CommandError::{Bulk, Journal, Report, Settings};
    let report = error.report();
    let whole = |more| quoted(&same.whole(more));
    let again = || whole(None);
    let skipping = || quoted(&same.deciding(OnKnown::Skip).whole(None));
    let hint = match error {
        // It already has a hint.
        Report(_) if report.hint.is_some() => return report,
        Bulk(BulkError::BadRows { usable: true, .. }) => {
            format!("fix these lines and run it again, or leave them out: {}", whole(Some(Setting::SkipInvalid)))
        }
        Bulk(BulkError::Known(_)) => {
            format!("leave them out: {}; or mail them again with --known send", skipping())
        }
        Bulk(BulkError::NotAsked(_)) => format!("see the plan first: {}", whole(Some(Setting::DryRun))),
        Bulk(BulkError::Unread(_)) => {
            format!("fix that and run it again, or leave out people who are known: {}", skipping())
        }
        Journal(JournalError::Damaged { path, .. }) => {
            format!("see what is damaged: {}", quoted(&NextStep::journal("check", path)))
        }
        Journal(JournalError::Locked { .. } | JournalError::Changed { .. } | JournalError::KnownSince) => {
            format!("when the other run has ended, run {}", again())
        }
        Journal(JournalError::ShardsMissing { .. }) => format!(
            "copy them there, or a journal that `vescli journal merge` made of them; first run a shard that never ran; then run {}",
            again()
        ),
        // The command itself contains the mistake.
        Settings(SettingsError::UnknownProfile(_)) => return report,
        _ if report.exit == Exit::Usage => return report,
        _ => match &report.hint {
            Some(hint) => format!("{hint}; then run {}", again()),
            None => format!("fix that, then run {}", again()),
        },
    };
    ErrorReport { hint: Some(hint), ..report }
}

fn quoted(step: &NextStep) -> String {
    let needed = if step.needs_list { " with the same list on standard input" } else { "" };
    format!("`{}`{needed}", step.command)
}

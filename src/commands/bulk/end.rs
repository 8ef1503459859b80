//! How a run ends: why it stopped, its exit code, the summary, and the hint to an error.

use std::time::Duration;

use super::prepare::Prepared;
use super::resume_command::{End, NextStep, SameCommand, after};
use super::screen::{Screen, broken_output};
use crate::args::settings_table::Setting;
use crate::bulk::journal::JournalError;
use crate::bulk::pace::WAITS_MAX;
use crate::bulk::results::{Stop, Tally, Verdict};
use crate::commands::error::{BulkError, CommandError};
use crate::report::bulk_text::{self, PlanFacts};
use crate::report::exit::{Ending, Exit};
use crate::report::json::{self, RunEnd};
use crate::report::{ErrorReport, Reporter, text};
use crate::settings::bulk::OnKnown;
use crate::settings::error::SettingsError;

/// The end of a run that was not confirmed.
pub(super) fn declined(
    facts: &PlanFacts,
    prepared: &Prepared,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let (exit, next) = (Exit::BulkStopped, prepared.same.whole(None));
    if reporter.output().json {
        let report = ErrorReport { exit, message: "not confirmed: nothing was sent".to_owned(), hint: None };
        let tally = Tally::default();
        let end = RunEnd { next: Some(&next.command), error: Some(&report), ..not_begun(exit, &tally) };
        reporter.print(&json::summary(facts, &end, &prepared.warnings(), reporter.redactor()))?;
    }
    reporter.note("nothing was sent");
    reporter.info(&next.line(reporter.redactor()));
    Ok(exit.into())
}

/// The end of a run that has nothing to send: reported like that of any other run.
pub(super) fn nothing_left(
    facts: &PlanFacts,
    prepared: &Prepared,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let tally = Tally::default();
    let ended = report_nothing_left(facts, prepared, &tally, reporter);
    let ending = ended.as_ref().map_or_else(CommandError::ending, |exit| (*exit).into());
    let cases = prepared.reports.cases(facts.plan);
    prepared.reports.write(facts, &tally, cases, ending, reporter);
    ended.map(Ending::from)
}

/// Reports that no one is left to send to, and how to start with a new journal.
fn report_nothing_left(
    facts: &PlanFacts,
    prepared: &Prepared,
    tally: &Tally,
    reporter: &mut Reporter,
) -> Result<Exit, CommandError> {
    let end = prepared.end(facts.plan, tally, None);
    let (exit, next) = (exit_of(end.verdict), after(&end, &prepared.same));
    let output = reporter.output();
    if output.json {
        let end = RunEnd { next: next.as_ref().map(|step| &*step.command), ..not_begun(exit, tally) };
        reporter.print(&json::summary(facts, &end, &prepared.warnings(), reporter.redactor()))?;
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

/// Of a run that has sent nothing.
const fn not_begun(exit: Exit, tally: &Tally) -> RunEnd<'_> {
    RunEnd { exit, tally, elapsed: Duration::ZERO, signal: None, next: None, error: None }
}

/// The exit of a verdict; a signal ends the process by itself.
const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Accepted => Exit::Accepted,
        Verdict::Failed => Exit::BulkFailed,
        Verdict::Unknown => Exit::BulkUnknown,
        Verdict::Stopped | Verdict::Signal(_) => Exit::BulkStopped,
        Verdict::Journal => Exit::Io,
    }
}

/// Reports the results of the run, and decides its end.
pub(super) fn conclude(
    screen: &mut Screen,
    facts: &PlanFacts,
    prepared: &Prepared,
    end: &End,
    remark: Option<String>,
) -> Ending {
    let verdict = end.verdict;
    let exit = exit_of(verdict);
    let next = after(end, &prepared.same);
    let elapsed = screen.progress.elapsed();
    let was_stopped = matches!(verdict, Verdict::Stopped | Verdict::Journal);
    let error = end.stop.filter(|_| was_stopped).and_then(|stop| reason(stop, end.lost_journal));
    let reporter = screen.reporter();
    if reporter.output().json {
        let warnings: Vec<_> = prepared.warnings().into_iter().chain(remark).collect();
        let signal = if let Verdict::Signal(signal) = verdict { Some(signal) } else { None };
        let next = next.as_ref().map(|step| &*step.command);
        let end = RunEnd { exit, tally: end.tally, elapsed, signal, next, error: error.as_ref() };
        let document = json::summary(facts, &end, &warnings, reporter.redactor());
        screen.write(&document, "");
    }
    report_text(screen, facts, error.as_ref(), next.as_ref(), elapsed, exit);
    match verdict {
        Verdict::Signal(signal) => Ending::Signal(signal),
        Verdict::Accepted if screen.broken.is_some() => Exit::Io.into(),
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
    let reporter = screen.reporter();
    let (output, style) = (reporter.output(), reporter.err_style());
    let is_silent = output.quiet && (output.json || exit == Exit::Accepted);
    if !is_silent && !output.json {
        let text = summary(reporter.out_style());
        screen.write(&text, "");
    }
    let mut messages = String::new();
    if !is_silent && (output.json || screen.broken.is_some()) {
        messages.push_str(&summary(style));
    }
    if let Some(error) = &screen.broken {
        messages.push_str(&format!("{} {}\n", style.error("error:"), broken_output(error)));
    }
    if !is_silent {
        let redactor = screen.reporter().redactor();
        if let Some(error) = error {
            messages.push_str(&format!("{} {}\n", style.error("error:"), redactor.escape(&error.message)));
            if let Some(hint) = &error.hint {
                messages.push_str(&format!("{} {hint}\n", style.dim("  hint:")));
            }
        }
        messages.extend(next.map(|step| step.line(redactor)));
    }
    screen.write("", &messages);
}

/// Why a run stopped, in words, with what to do. `lost_journal`: the journal is not where it was, or not what it was.
fn reason(stop: &Stop, lost_journal: bool) -> Option<ErrorReport> {
    let (exit, why, hint) = match stop {
        // The process ends by it.
        Stop::Signal(_) => return None,
        Stop::EveryRowFails(class) => {
            let exit = Exit::from(*class);
            (exit, format!("{}; every other row would fail the same way", exit.row().title), None)
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
    Some(ErrorReport::new(exit, format!("stopped: {why}"), hint.unwrap_or(exit.row().advice)))
}

/// The report of an error, with the command to run next.
pub(super) fn with_resume_command(error: &CommandError, same: &SameCommand) -> ErrorReport {
    let report = error.report();
    let again = || quoted(&same.whole(None));
    let skipping = || quoted(&same.clone().deciding(OnKnown::Skip).whole(None));
    let hint = match (error, &report.hint) {
        // Comes from a deeper level, with its own hint.
        (CommandError::Report(_), Some(hint)) => hint.clone(),
        (CommandError::Bulk(BulkError::BadRows { usable: true, .. }), _) => {
            let without = quoted(&same.whole(Some(Setting::SkipInvalid)));
            format!("fix these lines and run it again, or leave them out: {without}")
        }
        (CommandError::Bulk(BulkError::Known(_)), _) => {
            format!("leave them out: {}; or mail them again with --known send", skipping())
        }
        (CommandError::Bulk(BulkError::NotAsked(_)), _) => {
            format!("see the plan first: {}", quoted(&same.whole(Some(Setting::DryRun))))
        }
        (CommandError::Bulk(BulkError::Unread(_)), _) => {
            format!("fix that and run it again, or leave out people who are known: {}", skipping())
        }
        (CommandError::Journal(JournalError::Damaged { path, .. }), _) => {
            format!("see what is damaged: {}", quoted(&NextStep::journal("check", path)))
        }
        (
            CommandError::Journal(
                JournalError::Locked { .. } | JournalError::Changed { .. } | JournalError::KnownSince,
            ),
            _,
        ) => {
            format!("when the other run has ended, run {}", again())
        }
        (CommandError::Journal(JournalError::ShardsMissing { .. }), _) => format!(
            "copy them there, or a journal that `vescli journal merge` made of them; first run a shard that never ran; then run {}",
            again()
        ),
        // The command itself contains the mistake.
        _ if report.exit == Exit::Usage || is_unknown_profile(error) => return report,
        (_, Some(hint)) => format!("{hint}; then run {}", again()),
        (_, None) => format!("fix that, then run {}", again()),
    };
    ErrorReport { hint: Some(hint), ..report }
}

const fn is_unknown_profile(error: &CommandError) -> bool {
    matches!(error, CommandError::Settings(SettingsError::UnknownProfile(_)))
}

fn quoted(step: &NextStep) -> String {
    let needed = if step.needs_list { " with the same list on standard input" } else { "" };
    format!("`{}`{needed}", step.command)
}

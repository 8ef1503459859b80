//! How a run ends: why it stopped, its exit code, the summary, and the hint to an error.

use std::time::Duration;

use super::prepare::Prepared;
use super::resume_command::{End, NextStep, SameCommand, after};
use super::screen::{Screen, broken_output};
use crate::args::settings_table::Setting;
use crate::bulk::event::Stop;
use crate::bulk::journal::JournalError;
use crate::bulk::pace::WAITS_MAX;
use crate::bulk::tally::{Tally, Verdict};
use crate::commands::error::{BulkError, CommandError};
use crate::report::bulk_json::SummaryDocument;
use crate::report::bulk_text::{self, PlanFacts};
use crate::report::escape::json_line;
use crate::report::exit::{Ending, Exit};
use crate::report::json::ErrorDocument;
use crate::report::{ErrorReport, Reporter, text};
use crate::settings::bulk::OnKnown;
use crate::settings::config_file::ConfigError;
use crate::settings::error::SettingsError;

/// The end of a run that was not confirmed.
pub(super) fn declined(
    facts: &PlanFacts,
    prepared: &Prepared,
    same: &SameCommand,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let (exit, next) = (Exit::BulkStopped, same.whole(None));
    if reporter.output().json {
        let report = ErrorReport { exit, message: "not confirmed: nothing was sent".to_owned(), hint: None };
        let mut document = SummaryDocument::new(facts, facts.plan, &Tally::default(), prepared.warnings());
        (document.exit_code, document.ok) = (exit.code(), false);
        document.go_on = Some(next.command.clone());
        document.error = Some(ErrorDocument::of_report(&report, reporter.redactor()));
        reporter.print(&json_line(&document))?;
    }
    reporter.note("nothing was sent");
    report_next(Some(&next), reporter);
    Ok(exit.into())
}

/// Names the command to run next, unless there is none.
fn report_next(step: Option<&NextStep>, reporter: &mut Reporter) {
    if let Some(step) = step {
        // A command that is cut does not work.
        let command = reporter.redactor().escape_uncut(step.command.as_bytes());
        reporter.info(&step.line(&command));
    }
}

/// The end of a run that has nothing to send: reported like that of any other run.
pub(super) fn nothing_left(
    facts: &PlanFacts,
    prepared: &Prepared,
    same: &SameCommand,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let ended = report_nothing_left(facts, prepared, same, reporter);
    let ending = ended.as_ref().map_or_else(CommandError::ending, |ending| *ending);
    let cases = prepared.reports.cases(facts.plan);
    prepared.reports.write(facts, &Tally::default(), cases, ending, reporter);
    ended
}

/// Reports that no one is left to send to, and how to start with a new journal.
fn report_nothing_left(
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
        unknown_in: prepared.siblings.unknown.as_deref(),
        lost_journal: false,
        broken: false,
    };
    let next = after(&end, same);
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
    report_next(next.as_ref(), reporter);
    Ok(exit.into())
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
    next: Option<&NextStep>,
    remark: Option<String>,
) -> Ending {
    let verdict = end.verdict;
    let exit = exit_of(verdict);
    let elapsed = screen.progress.elapsed();
    let output = screen.reporter().output();
    let was_stopped = matches!(verdict, Verdict::Stopped | Verdict::Journal);
    let error = end.stop.filter(|_| was_stopped);
    let error = error.map(|stop| reason(stop, end.lost_journal));
    if output.json {
        let mut warnings = prepared.warnings();
        warnings.extend(remark);
        let mut document = SummaryDocument::new(facts, facts.plan, &screen.tally, warnings);
        document.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        document.go_on = next.map(|step| step.command.clone());
        document.ok = verdict == Verdict::Accepted;
        document.exit_code = exit.code();
        if let Verdict::Signal(signal) = verdict {
            document.signal = Some(signal);
            document.exit_code = u8::try_from(128 + signal).unwrap_or(u8::MAX);
        }
        let redactor = screen.reporter().redactor();
        document.error = error.as_ref().map(|error| ErrorDocument::of_report(error, redactor));
        screen.write(&json_line(&document), "");
    }
    report_text(screen, facts, error.as_ref(), next, elapsed, exit);
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
    let output = screen.reporter().output();
    let tally = screen.tally;
    let is_silent = output.quiet && (output.json || exit == Exit::Accepted);
    let summary = |style| bulk_text::summary(facts, &tally, elapsed, style);
    if !is_silent && !output.json {
        let text = summary(screen.reporter().out_style());
        screen.write(&text, "");
    }
    let mut messages = String::new();
    let style = screen.reporter().err_style();
    if !is_silent && (output.json || screen.broken.is_some()) {
        messages.push_str(&summary(style));
    }
    if let Some(error) = &screen.broken {
        messages.push_str(&format!("{} {}\n", style.error("error:"), broken_output(error)));
    }
    if !is_silent {
        if let Some(error) = error {
            let message = screen.reporter().redactor().escape(&error.message);
            messages.push_str(&format!("{} {message}\n", style.error("error:")));
            if let Some(hint) = &error.hint {
                messages.push_str(&format!("{} {hint}\n", style.dim("  hint:")));
            }
        }
        if let Some(step) = next {
            // A command that is cut does not work.
            let command = screen.reporter().redactor().escape_uncut(step.command.as_bytes());
            messages.push_str(&step.line(&command));
        }
    }
    screen.write("", &messages);
}

/// Why a run stopped, in words, with what to do. `lost_journal`: the journal is not where it was, or not what it was.
fn reason(stop: &Stop, lost_journal: bool) -> ErrorReport {
    let report = |exit: Exit, message: String| ErrorReport { exit, message, hint: Some(exit.row().advice.to_owned()) };
    match stop {
        Stop::Signal(_) => ErrorReport { hint: None, ..report(Exit::BulkStopped, "stopped by a signal".to_owned()) },
        Stop::EveryRowFails(class) => {
            let exit = Exit::from(*class);
            let title = exit.row().title;
            let message = format!("stopped: {title}; every other row would fail the same way");
            report(exit, message)
        }
        Stop::Failures(count) => ErrorReport {
            hint: Some(
                "fix the cause, then run the command that is printed: rejected rows stay without --retry-rejected"
                    .to_owned(),
            ),
            ..report(Exit::BulkStopped, format!("stopped: {count} consecutive rows were not accepted (--max-failures)"))
        },
        Stop::WaitTooLong(wait) => ErrorReport {
            hint: Some("run the same command again after that time".to_owned()),
            ..report(
                Exit::BulkStopped,
                format!("stopped: the server asks to wait {}, longer than --max-retry-after", text::duration(*wait)),
            )
        },
        Stop::ThrottledTooOften => report(
            Exit::RateLimited,
            format!("stopped: the service asked to wait {WAITS_MAX} times, and accepted nothing in between"),
        ),
        Stop::OtherRun => ErrorReport {
            hint: Some("when that run has ended, run the command that is printed".to_owned()),
            ..report(Exit::BulkStopped, "stopped: another run is mailing people on this list".to_owned())
        },
        Stop::Journal(cause) if lost_journal => ErrorReport {
            hint: Some("find out what removed, moved or changed the journal before this list is sent again".to_owned()),
            ..report(Exit::Io, format!("stopped: {cause}"))
        },
        Stop::Journal(cause) => report(Exit::Io, format!("stopped: {cause}")),
    }
}

/// The report of an error, with the command to run next.
pub(super) fn with_resume_command(error: &CommandError, same: &SameCommand) -> ErrorReport {
    let report = error.report();
    let hint = match (error, &report.hint) {
        // Comes from a deeper level, with its own hint.
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
            format!("fix that and run it again, or leave out people who are known: {without}")
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
        (CommandError::Journal(JournalError::ShardsMissing { .. }), _) => format!(
            "copy them there, or a journal that `vescli journal merge` made of them; first run a shard that never ran; then run {}",
            quoted(&same.whole(None))
        ),
        // The command itself contains the mistake.
        _ if report.exit == Exit::Usage || is_unknown_profile(error) => return report,
        (_, Some(hint)) => format!("{hint}; then run {}", quoted(&same.whole(None))),
        (_, None) => format!("fix that, then run {}", quoted(&same.whole(None))),
    };
    ErrorReport { hint: Some(hint), ..report }
}

const fn is_unknown_profile(error: &CommandError) -> bool {
    matches!(error, CommandError::Settings(SettingsError::Config(ConfigError::UnknownProfile { .. })))
}

fn quoted(step: &NextStep) -> String {
    let needed = if step.needs_list { " with the same list on standard input" } else { "" };
    format!("`{}`{needed}", step.command)
}

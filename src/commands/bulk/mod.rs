//! `vescli bulk`: mails each person on a list once. Reads and checks the list, shows the plan, asks for confirmation,
//! sends, and reports the results. Connects journal, workers, signals and screen.

mod end;
mod prepare;
mod reports;
mod resume_command;
mod screen;
mod workers;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Instant, SystemTime};

use super::error::{BulkError, CommandError};
use super::{Context, Input};
use crate::api::transport::{Transport, TransportError};
use crate::bulk::gate::Gate;
use crate::bulk::journal::{
    Journal, JournalError, JournalHandle, JournalStopped, OpenMode, Recovered, Snapshot, Writer, recent_attempts,
    update_index,
};
use crate::bulk::pace::Pace;
use crate::bulk::plan::Plan;
use crate::bulk::results::{Event, Stop};
use crate::bulk::run::Run;
use crate::commands::interrupt::Interrupts;
use crate::report::bulk_text::{self, PlanFacts};
use crate::report::exit::Ending;
use crate::report::json;
use crate::report::text::grouped;
use crate::report::{ErrorReport, Reporter};
use crate::settings::bulk::{BulkSettings, OnKnown};
use end::{End, conclude, declined, nothing_left};
use prepare::Prepared;
use resume_command::SameCommand;
use screen::Screen;
use workers::{Capacity, error_of_first_client, lack_of, no_worker};

pub fn run(input: &Path, context: &mut Context) -> Result<Ending, CommandError> {
    // First, because the process cannot read its own descriptors later.
    let same = SameCommand::of(context.arguments, context.environment, input);
    let ended = prepare::prepare(input, same.clone(), context).and_then(|mut prepared| {
        context.reporter.redact(prepared.secrets.clone());
        carry_out(&mut prepared, context)
    });
    ended.map_err(|error| end::with_resume_command(&error, &same).into())
}

/// Shows the plan, asks for confirmation, and sends.
fn carry_out(prepared: &mut Prepared, context: &mut Context) -> Result<Ending, CommandError> {
    let mut snapshot = prepared.inspect_journal()?;
    prepared.read_siblings(&mut snapshot.recovered)?;
    let known = &snapshot.recovered;
    prepared.elsewhere = prepared.search_other_journals(known)?;
    let reporter = &mut context.reporter;
    warn(prepared, reporter);
    let given = prepared.bulk.known;
    if !prepared.dry_run && !prepared.elsewhere.rows.is_empty() && given.is_none() {
        let plan = prepared.plan(known);
        let facts = prepared.facts(&plan, known);
        let answer = ask_about_known(prepared, &facts, reporter)?;
        if answer.is_none() {
            return declined(&facts, prepared, reporter);
        }
        prepared.bulk.known = answer;
    }
    let plan = prepared.plan(known);
    let facts = prepared.facts(&plan, known);
    if prepared.dry_run {
        // Checks what a run needs to reach the server, as far as that is possible without sending.
        Transport::new(&prepared.settings.network, prepared.identity.as_ref(), &prepared.request.url)?;
        let text = if reporter.output().json {
            json::plan(&facts, &prepared.warnings())
        } else {
            bulk_text::plan(&facts, reporter.out_style(), reporter.redactor())
        };
        return context.print(&text);
    }
    if plan.tasks.is_empty() {
        let ending = nothing_left(&facts, prepared, reporter)?;
        prepared.make_missing_journal()?;
        return Ok(ending);
    }
    if !confirm(prepared, &facts, reporter)? {
        return declined(&facts, prepared, reporter);
    }
    if let (None, Some(answer)) = (given, prepared.bulk.known) {
        prepared.same = prepared.same.deciding(answer);
    }
    // A flag applies to all people, and an answer only to those who were shown.
    let sends_known = given == Some(OnKnown::Send);
    send(prepared, snapshot, plan, sends_known, context)
}

fn warn(prepared: &Prepared, reporter: &mut Reporter) {
    if !reporter.output().json {
        prepared.settings.warnings.iter().for_each(|warning| reporter.warn(warning));
    }
    // Shown even with `-q`: they are about people who are not mailed, or may be mailed again.
    for warning in prepared.unread_warnings().chain(prepared.left_out_warning()) {
        reporter.warn_always(&warning);
    }
}

/// Shows the plan, and asks what to do with people who are known from other lists. Returns nothing if the user stops
/// the run.
///
/// # Errors
/// [`BulkError::Known`] when no one can be asked.
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

/// Shows the plan, and without `--yes` asks whether to send. Any answer but yes is no.
///
/// # Errors
/// [`BulkError::NotAsked`] when no one can be asked; [`BulkError::Unread`] with `--yes` when a journal cannot be read.
fn confirm(prepared: &Prepared, facts: &PlanFacts, reporter: &mut Reporter) -> Result<bool, BulkError> {
    let plan = bulk_text::plan(facts, reporter.err_style(), reporter.redactor());
    if prepared.bulk.yes {
        if let (None, Some(unread)) = (prepared.bulk.known, prepared.unread_warnings().next()) {
            return Err(BulkError::Unread(unread));
        }
        reporter.info(&plan);
        return Ok(true);
    }
    let count = facts.plan.count();
    let people = format!("{} {}", grouped(count), if count == 1 { "person" } else { "people" });
    let Some(input) = input(prepared, reporter) else {
        return Err(BulkError::NotAsked(people));
    };
    // The plan is shown even with `-q`, because the question is about it.
    let answer = input.ask(&format!("{plan}Mail {people}? [y/N] "), reporter);
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

fn input(prepared: &Prepared, reporter: &Reporter) -> Option<Input> {
    Input::find(reporter, prepared.no_input, prepared.list_name.is_stdin())
}

/// Opens the journal and sends. `snapshot` is the journal as it was read for the plan that the user `confirmed`.
///
/// # Errors
/// [`CommandError`] when the run cannot begin. Later errors are reported here.
fn send(
    prepared: &Prepared,
    snapshot: Snapshot,
    confirmed: Plan,
    sends_known: bool,
    context: &mut Context,
) -> Result<Ending, CommandError> {
    let (bulk, reporter) = (&prepared.bulk, &mut context.reporter);
    let room = Capacity::of(bulk.jobs.min(confirmed.tasks.len()))?;
    let clients = prepared.transports().map_err(error_of_first_client)?;
    let mode = if bulk.fresh { OpenMode::Fresh } else { OpenMode::Resume };
    let (journal, mut known) = Journal::open_with_snapshot(&prepared.journal, mode, &prepared.header(), snapshot)?;
    prepared.recheck_siblings(&mut known)?;
    let pace = pace(prepared)?;
    let (writer, handle) = journal.write()?;
    report_journal(&known, reporter);
    // The plan is made again, because another run may have used the journal before it was locked.
    let plan = prepared.plan_again(&known, &confirmed, sends_known)?;
    let facts = prepared.facts(&plan, &known);
    drop((known, confirmed));
    if plan.tasks.is_empty() {
        return nothing_left(&facts, prepared, reporter);
    }
    let gate = Arc::new(Gate::new(pace, bulk.max_failures, plan.tasks.len()));
    let stopped_by = Arc::clone(&gate);
    let signals = Interrupts::watch().and_then(|interrupts| {
        // A second Ctrl-C or SIGTERM ends the process at once.
        interrupts.act(move |signal| stopped_by.stop(Stop::Signal(signal)))
    });
    let _signals = signals.map_err(|error| no_worker(&lack_of(&error)))?;
    let mut screen = Screen::new(reporter, prepared, &plan, context.environment);
    let concurrent_runs = prepared.concurrent_runs();
    let run = Run {
        rows: &prepared.list.rows,
        tasks: &plan.tasks,
        service: &prepared.service,
        cname: &prepared.cname,
        request: &prepared.request,
        policy: &prepared.settings.retry,
        gate: &gate,
        concurrent_runs: concurrent_runs.as_ref(),
        trace: prepared.settings.output.verbose > 0,
    };
    let remark = work(run, (&room, clients), &writer, handle, &mut screen)?;
    let lost_journal = close(writer, &gate);
    if prepared.journal.parent() == Some(&prepared.folder) {
        update_index(&prepared.journal);
    }
    let end =
        End { stop: gate.stopped(), tally: screen.tally, lost_journal, stdout_failed: screen.stdout_error.is_some() };
    let ending = conclude(&mut screen, &facts, prepared, &end, remark);
    prepared.reports.write(&facts, &end.tally, screen.cases.take(), ending, screen.reporter);
    Ok(ending)
}

/// Starts the workers, and shows their events. Returns a warning if there are fewer workers than requested.
fn work(
    run: Run,
    (room, clients): (&Capacity, impl Iterator<Item = Result<Transport, TransportError>>),
    writer: &Writer<Event>,
    handle: JournalHandle<Event>,
    screen: &mut Screen,
) -> Result<Option<String>, ErrorReport> {
    let started = OnceLock::new();
    let remark = thread::scope(|scope| {
        let remark = workers::start(scope, &started, room, clients, |transport| {
            let handle = handle.clone();
            move || run.work(&transport, &handle)
        });
        // Without this handle, the events end when the last worker ends.
        drop(handle);
        if let Ok(Some(remark)) = &remark {
            screen.reporter.warn(remark);
        }
        screen.listen(writer, run.gate);
        remark
    });
    screen.finish();
    remark
}

/// The pace of the run. For a shard, the last requests of its previous run count, too: so a job that is killed and
/// restarted stays within the rate of the whole list.
fn pace(prepared: &Prepared) -> Result<Pace, JournalError> {
    let BulkSettings { rate, shard, .. } = prepared.bulk;
    let (Some(shard), Some(whole)) = (shard, rate) else {
        return Ok(Pace::new(rate));
    };
    let now = (Instant::now(), SystemTime::now());
    let most = shard.part_of(u64::from(whole.count.get()) + 1).max(1);
    let ended = recent_attempts(&prepared.journal, most, now.1)?;
    Ok(Pace::of_shard(rate, shard, now, &ended))
}

/// Closes the journal. Returns whether the file may no longer be the one that the run wrote; after a failed write it
/// still is.
fn close(journal: Writer<Event>, gate: &Gate) -> bool {
    let Err(stopped) = journal.close() else {
        return false;
    };
    gate.stop(Stop::Journal(stopped.to_string()));
    !matches!(stopped, JournalStopped::Failed { .. })
}

fn report_journal(known: &Recovered, reporter: &mut Reporter) {
    if let Some(path) = &known.set_aside {
        reporter.note(&format!("the old journal is now {}", path.display()));
    }
    if known.cut > 0 {
        reporter.note("the journal ended in an unfinished record, which was removed");
    }
}

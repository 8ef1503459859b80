//! The run itself: journal, workers, signals and screen are put together here, and its result is reported.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Instant, SystemTime};

use super::end::{conclude, nothing_left};
use super::prepare::{ConfirmedPlan, Prepared};
use super::resume_command::End;
use super::screen::Screen;
use super::workers::{self, Capacity, Shortage, no_thread, of_first_client};
use crate::api::transport::{Transport, TransportError};
use crate::bulk::gate::Gate;
use crate::bulk::journal::{
    Journal, JournalError, JournalHandle, JournalStopped, OpenMode, Recovered, Snapshot, Writer, keep_index,
    recent_attempts,
};
use crate::bulk::pace::{Clock, Pace};
use crate::bulk::plan::Plan;
use crate::bulk::results::{Event, Stop};
use crate::bulk::run::Run;
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::commands::interrupt::Interrupts;
use crate::report::Reporter;
use crate::report::exit::Ending;
use crate::settings::bulk::BulkSettings;

/// Opens the journal, of which `snapshot` was read before and whose plan was `confirmed`, and sends.
///
/// # Errors
/// [`CommandError`] when the run cannot begin; from then on failures are reported here.
pub(super) fn send(
    prepared: &Prepared,
    snapshot: Snapshot,
    confirmed: &ConfirmedPlan,
    context: &mut Context,
) -> Result<Ending, CommandError> {
    let (bulk, reporter) = (&prepared.bulk, &mut context.reporter);
    let wanted = usize::try_from(confirmed.count()).unwrap_or(usize::MAX);
    let room = Capacity::of(bulk.jobs.min(wanted)).map_err(Shortage::report)?;
    let clients = prepared.transports().map_err(of_first_client)?;
    let header = prepared.header();
    let mode = if bulk.fresh { OpenMode::Fresh } else { OpenMode::Resume };
    let (journal, mut known) = Journal::open_with_snapshot(&prepared.journal, mode, &header, snapshot)?;
    prepared.recheck_siblings(&mut known)?;
    let pace = pace(prepared)?;
    let journal = journal.write()?;
    report_journal(&known, reporter);
    // Again, because another run may have used the journal until it was locked.
    let plan = prepared.plan_again(&known, confirmed)?;
    let facts = prepared.facts(&plan, &known);
    drop(known);
    if plan.tasks.is_empty() {
        return nothing_left(&facts, prepared, reporter);
    }
    let gate = Arc::new(Gate::new(pace, bulk.rate.is_some(), bulk.max_failures, plan.tasks.len()));
    let stopped_by = Arc::clone(&gate);
    let signals = Interrupts::watch().and_then(|interrupts| {
        // A second Ctrl-C or SIGTERM ends the process at once.
        interrupts.act(move |signal| stopped_by.stop(Stop::Signal(signal)))
    });
    let _signals = signals.map_err(|error| no_thread(&error))?;
    let mut screen = Screen::new(reporter, prepared, plan.count(), context.environment);
    screen.cases = prepared.reports.cases(&plan);
    let clients = (&room, clients);
    let (remark, writer) = work(prepared, &plan, &gate, clients, journal, &mut screen);
    let remark = remark.map_err(Shortage::report)?;
    let lost_journal = close(writer, &gate);
    if prepared.journal.parent() == Some(&prepared.folder) {
        keep_index(&prepared.journal);
    }
    let stop = gate.stopped();
    let tally = screen.tally;
    let broken = screen.broken.is_some();
    let end = End { lost_journal, broken, ..prepared.end(&plan, &tally, stop.as_ref()) };
    let ending = conclude(&mut screen, &facts, prepared, &end, remark);
    let cases = screen.cases.take();
    prepared.reports.write(&facts, &tally, cases, ending, screen.reporter());
    Ok(ending)
}

/// The pace of the run. Of a shard, what its last run has just sent counts as well: a job that is killed and started again
/// keeps to the rate of the whole list.
fn pace(prepared: &Prepared) -> Result<Pace, JournalError> {
    let BulkSettings { rate, shard, .. } = prepared.bulk;
    let (Some(shard), Some(whole)) = (shard, rate) else {
        return Ok(Pace::new(rate));
    };
    let clock = Clock { now: Instant::now(), time: SystemTime::now() };
    let most = shard.part_of(u64::from(whole.count.get()) + 1).max(1);
    let ended = recent_attempts(&prepared.journal, most, clock.time)?;
    Ok(Pace::of_shard(rate, shard, clock, &ended))
}

/// Closes the journal, and returns whether it may no longer be the one that was written. One that only failed to write is
/// still valid on the disk.
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

/// Starts the workers, and shows what they report.
fn work(
    prepared: &Prepared,
    plan: &Plan,
    gate: &Gate,
    (room, clients): (&Capacity, impl Iterator<Item = Result<Transport, TransportError>>),
    (writer, handle): (Writer<Event>, JournalHandle<Event>),
    screen: &mut Screen,
) -> (Result<Option<String>, Shortage>, Writer<Event>) {
    let concurrent_runs = prepared.concurrent_runs();
    let run = Run {
        rows: &prepared.list.rows,
        tasks: &plan.tasks,
        service: &prepared.service,
        cname: &prepared.cname,
        request: &prepared.request,
        policy: &prepared.settings.retry,
        gate,
        concurrent_runs: concurrent_runs.as_ref(),
        trace: prepared.settings.output.verbose > 0,
    };
    let started = OnceLock::new();
    let remark = thread::scope(|scope| {
        let remark = workers::start(scope, &started, room, clients, |transport| {
            let handle = handle.clone();
            move || run.work(&transport, &handle)
        });
        // The end of the last worker is the end of the events.
        drop(handle);
        if let Ok(Some(remark)) = &remark {
            screen.remark(remark);
        }
        screen.listen(&writer, gate);
        remark
    });
    screen.finish();
    (remark, writer)
}

//! The run itself: journal, workers, signals and screen are put together here, and what came of it is told.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::prepare::Prepared;
use super::reason::reason;
use super::replan::Shown;
use super::resume_command::{End, NextStep, SameCommand, after};
use super::screen::{Screen, broken_output};
use super::signals::Signals;
use super::workers::{self, Lack, Room, no_thread, of_first_client};
use super::{exit_of, nothing_left};
use crate::api::transport::{Transport, TransportError};
use crate::args::environment::Environment;
use crate::bulk::event::Event;
use crate::bulk::gate::{Alarm, Gate};
use crate::bulk::journal::{
    Journal, JournalHandle, JournalStopped, OpenMode, Recovered, RunHeader, Seen, Writer, keep_index,
};
use crate::bulk::pace::Pace;
use crate::bulk::plan::Plan;
use crate::bulk::run::Run;
use crate::bulk::stop::Stop;
use crate::bulk::tally::Verdict;
use crate::commands::error::CommandError;
use crate::report::bulk_json::SummaryDocument;
use crate::report::bulk_text;
use crate::report::bulk_text::PlanFacts;
use crate::report::escape::json_line;
use crate::report::exit::{Ending, Exit};
use crate::report::json::ErrorDocument;
use crate::report::{ErrorReport, Reporter};

/// Opens the journal, of which `seen` was the last look and whose plan was `shown`, and sends.
///
/// # Errors
/// [`CommandError`] when the run cannot begin; from then on what happens is told here.
pub(super) fn send(
    prepared: &Prepared,
    (seen, shown): (Seen, Shown),
    same: &SameCommand,
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let bulk = &prepared.bulk;
    let wanted = usize::try_from(shown.count()).unwrap_or(usize::MAX);
    let room = Room::of(bulk.jobs.min(wanted)).map_err(Lack::report)?;
    let clients = prepared.transports().map_err(of_first_client)?;
    let header = header(prepared);
    let mode = if bulk.fresh { OpenMode::Fresh } else { OpenMode::Resume };
    let (journal, known) = Journal::open_seen(&prepared.journal, mode, &header, seen)?;
    let journal = journal.write()?;
    tell_of_journal(&known, reporter);
    // Once more, for another run may have been at work until the journal was locked.
    let plan = prepared.plan_again(&known, &shown)?;
    let facts = prepared.facts(&plan, &known);
    drop(known);
    if plan.tasks.is_empty() {
        return nothing_left(&facts, prepared, same, reporter);
    }
    let gate = Arc::new(Gate::new(Pace::new(bulk.rate), bulk.rate.is_some(), bulk.max_failures, plan.tasks.len()));
    let _signals = Signals::watch(&gate).map_err(|error| no_thread(&error))?;
    let mut screen = Screen::new(reporter, prepared, plan.count(), environment);
    let clients = (&room, clients);
    let (remark, writer) = work(prepared, &plan, &gate, clients, journal, &mut screen);
    let remark = remark.map_err(Lack::report)?;
    let lost_journal = close(writer, &gate);
    if prepared.journal.parent() == Some(&prepared.folder) {
        keep_index(&prepared.journal);
    }
    let stop = gate.stopped();
    let tally = screen.tally;
    let end = End {
        verdict: tally.verdict(&plan, stop.as_ref()),
        stop: stop.as_ref(),
        tally: &tally,
        plan: &plan,
        journal: &prepared.journal,
        lost_journal,
        broken: screen.broken.is_some(),
    };
    let next = after(&end, same);
    Ok(conclude(&mut screen, &facts, prepared, &end, next.as_ref(), remark))
}

/// What the journal says of the run.
fn header(prepared: &Prepared) -> RunHeader {
    RunHeader {
        url: prepared.request.url.to_string(),
        service: prepared.service.clone(),
        tenant: prepared.settings.tenant.clone(),
        cname: prepared.cname.clone(),
        list: prepared.list_name.word(),
        input_sha256: prepared.list.sha256.clone(),
        rows: prepared.list.rows.len() as u64,
    }
}

/// Closes the journal, and says whether it may be another one by now than the one that was written. Of one that could
/// only not be written, what is on the disk still holds.
fn close(journal: Writer<Event>, gate: &Gate) -> bool {
    let Err(stopped) = journal.close() else {
        return false;
    };
    gate.stop(Stop::Journal(stopped.to_string()));
    !matches!(stopped, JournalStopped::Failed { .. })
}

fn tell_of_journal(known: &Recovered, reporter: &mut Reporter) {
    if let Some(path) = &known.set_aside {
        reporter.note(&format!("the journal so far is now {}", path.display()));
    }
    if known.cut > 0 {
        reporter.note("the journal ended in an unfinished record, which was cut off");
    }
}

/// Lets the workers work, and shows what they report.
fn work(
    prepared: &Prepared,
    plan: &Plan,
    gate: &Gate,
    (room, clients): (&Room, impl Iterator<Item = Result<Transport, TransportError>>),
    (writer, handle): (Writer<Event>, JournalHandle<Event>),
    screen: &mut Screen,
) -> (Result<Option<String>, Lack>, Writer<Event>) {
    let rivals = prepared.rivals();
    let run = Run {
        rows: &prepared.list.rows,
        tasks: &plan.tasks,
        service: &prepared.service,
        cname: &prepared.cname,
        request: &prepared.request,
        policy: &prepared.settings.retry,
        gate,
        rivals: rivals.as_ref(),
        trace: prepared.settings.output.verbose > 0,
    };
    let started = OnceLock::new();
    let remark = thread::scope(|scope| {
        let _alarm = Alarm(gate);
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
    screen.progress.finish();
    (remark, writer)
}

/// Tells what came of the run, and decides its end.
fn conclude(
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
    let was_stopped = matches!(verdict, Verdict::Stopped | Verdict::Journal | Verdict::Fault);
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
    tell_people(screen, facts, error.as_ref(), next, elapsed, exit);
    match verdict {
        Verdict::Signal(signal) => Ending::Signal(signal),
        Verdict::Accepted if screen.broken.is_some() => Exit::Io.into(),
        _ => exit.into(),
    }
}

fn tell_people(
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
    let mut talk = String::new();
    let style = screen.reporter().err_style();
    if !is_silent && (output.json || screen.broken.is_some()) {
        talk.push_str(&summary(style));
    }
    if let Some(error) = &screen.broken {
        talk.push_str(&format!("{} {}\n", style.error("error:"), broken_output(error)));
    }
    if !is_silent {
        if let Some(error) = error {
            let message = screen.reporter().redactor().escape(&error.message);
            talk.push_str(&format!("{} {message}\n", style.error("error:")));
            if let Some(hint) = &error.hint {
                talk.push_str(&format!("{} {hint}\n", style.dim("  hint:")));
            }
        }
        if let Some(step) = next {
            // A command that is cut does not work.
            let command = screen.reporter().redactor().escape_uncut(step.command.as_bytes());
            talk.push_str(&step.line(&command));
        }
    }
    screen.write("", &talk);
}

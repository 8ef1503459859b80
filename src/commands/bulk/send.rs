//! The run itself: journal, workers, signals and screen are put together here, and what came of it is told.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use super::foresee::Shown;
use super::go_on::{End, NextStep, SameCommand, after};
use super::prepare::Prepared;
use super::screen::{Screen, broken_output, reason};
use super::signals::Signals;
use super::{exit_of, nothing_left};
use crate::api::transport::Transport;
use crate::bulk::gate::Gate;
use crate::bulk::journal::{
    Journal, JournalError, JournalStopped, OpenMode, Recovered, RunHeader, Seen, keep_index,
};
use crate::bulk::pace::Pace;
use crate::bulk::plan::Plan;
use crate::bulk::run::{Alarm, Run};
use crate::bulk::stop::Stop;
use crate::bulk::tally::Verdict;
use crate::cli::args::environment::Environment;
use crate::cli::exit::{Ending, Exit};
use crate::cli::report::document::ErrorDocument;
use crate::cli::report::list;
use crate::cli::report::list_document::SummaryDocument;
use crate::cli::report::list_plan::PlanFacts;
use crate::cli::report::{Reporter, Subject, Trouble};
use crate::cli::safe_text::json_line;
use crate::commands::fault::Fault;

/// How many ends may wait to be told before workers wait for the screen.
const UNTOLD: usize = 1024;

/// Opens the journal, of which `seen` was the last look and whose plan was `shown`, and sends.
///
/// # Errors
/// [`Fault`] when the run cannot begin; from then on what happens is told here.
pub(super) fn send(
    prepared: &Prepared,
    (seen, shown): (Seen, Shown),
    subject: &Subject,
    same: &SameCommand,
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Ending, Fault> {
    let bulk = &prepared.bulk;
    let transports = prepared.transports(prepared.list.rows.len())?;
    let header = RunHeader {
        url: prepared.request.url.to_string(),
        service: prepared.service.clone(),
        tenant: prepared.settings.tenant.clone(),
        cname: prepared.cname.clone(),
        list: prepared.list_name.word(),
        input_sha256: prepared.list.sha256.clone(),
        rows: prepared.list.rows.len() as u64,
    };
    let mode = if bulk.fresh {
        OpenMode::Fresh
    } else {
        OpenMode::Resume
    };
    let (journal, known) = Journal::open_seen(&prepared.journal, mode, &header, seen)?;
    tell_of_journal(&known, reporter);
    // Once more, for another run may have been at work until the journal was locked.
    let plan = prepared.plan_again(&known, &shown)?;
    let facts = prepared.facts(&plan, &known);
    drop(known);
    if plan.tasks.is_empty() {
        return nothing_left(&facts, prepared, same, reporter);
    }
    let gate = Arc::new(Gate::new(
        Pace::new(bulk.rate),
        bulk.rate.is_some(),
        bulk.max_failures,
        plan.tasks.len(),
    ));
    let _signals = Signals::watch(&gate).map_err(anyhow::Error::from)?;
    let mut screen = Screen::new(reporter, prepared, subject, plan.count(), environment);
    work(prepared, &plan, &gate, transports, &journal, &mut screen);
    let closed = journal.close();
    if prepared.journal.parent() == Some(&prepared.folder) {
        keep_index(&prepared.journal);
    }
    // Of one that was only not written, what is on the disk still holds.
    let failed = |error: &JournalError| {
        matches!(error, JournalError::Stopped(JournalStopped::Failed { .. }))
    };
    let lost_journal = closed.as_ref().is_err_and(|error| !failed(error));
    if let Err(error) = closed {
        gate.stop(Stop::Journal(error.to_string()));
    }
    let stop = gate.stopped();
    let end = End {
        verdict: screen.tally.verdict(&plan, stop.as_ref()),
        stop: stop.as_ref(),
        tally: &screen.tally.clone(),
        plan: &plan,
        journal: &prepared.journal,
        lost_journal,
        broken: screen.broken.is_some(),
    };
    let next = after(&end, same);
    Ok(conclude(&mut screen, &facts, prepared, &end, next.as_ref()))
}

fn tell_of_journal(known: &Recovered, reporter: &mut Reporter) {
    if let Some(path) = &known.set_aside {
        reporter.note(&format!("the journal so far is now {}", path.display()));
    }
    if known.cut > 0 {
        reporter.note("the journal ended in an unfinished record, which was cut off");
    }
}

/// Lets the workers work, and tells what they tell.
fn work(
    prepared: &Prepared,
    plan: &Plan,
    gate: &Gate,
    transports: Vec<Transport>,
    journal: &Journal,
    screen: &mut Screen,
) {
    let run = Run {
        rows: &prepared.list.rows,
        tasks: &plan.tasks,
        service: &prepared.service,
        cname: &prepared.cname,
        request: &prepared.request,
        policy: &prepared.settings.retry,
        gate,
        trace: prepared.settings.output.verbose > 0,
    };
    let (sender, receiver) = sync_channel(UNTOLD);
    thread::scope(|scope| {
        for transport in transports {
            let (handle, sender) = (journal.handle(), sender.clone());
            let worker = move || run.work(&transport, &handle, &sender);
            if thread::Builder::new().spawn_scoped(scope, worker).is_err() {
                // The system has no room for more threads: those that there are do all of the work.
                break;
            }
        }
        drop(sender);
        // It goes with this scope: workers that have nobody to tell must not wait for ever.
        let (receiver, _alarm) = (receiver, Alarm(gate));
        screen.listen(&receiver, gate, &journal.handle());
    });
    screen.progress.finish();
}

/// Tells what came of the run, and decides its end.
fn conclude(
    screen: &mut Screen,
    facts: &PlanFacts,
    prepared: &Prepared,
    end: &End,
    next: Option<&NextStep>,
) -> Ending {
    let verdict = end.verdict;
    let exit = exit_of(verdict);
    let elapsed = screen.progress.elapsed();
    let output = screen.reporter().output();
    let was_stopped = matches!(
        verdict,
        Verdict::Stopped | Verdict::Journal | Verdict::Fault
    );
    let trouble = end.stop.filter(|_| was_stopped).map(reason);
    if output.json {
        let warnings = prepared.warnings();
        let mut document = SummaryDocument::new(facts, facts.plan, &screen.tally, warnings);
        document.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        document.go_on = next.map(|step| step.command.clone());
        document.ok = verdict == Verdict::Accepted;
        document.exit_code = exit.code();
        if let Verdict::Signal(signal) = verdict {
            document.signal = Some(signal);
            document.exit_code = u8::try_from(128 + signal).unwrap_or(u8::MAX);
        }
        let safe = screen.reporter().safe();
        document.error = trouble
            .as_ref()
            .map(|trouble| ErrorDocument::of_trouble(trouble, safe));
        screen.write(&json_line(&document), "");
    }
    tell_people(screen, facts, trouble.as_ref(), next, elapsed, exit);
    match verdict {
        Verdict::Signal(signal) => Ending::Signal(signal),
        Verdict::Accepted if screen.broken.is_some() => Exit::Io.into(),
        _ => exit.into(),
    }
}

fn tell_people(
    screen: &mut Screen,
    facts: &PlanFacts,
    trouble: Option<&Trouble>,
    next: Option<&NextStep>,
    elapsed: Duration,
    exit: Exit,
) {
    let output = screen.reporter().output();
    let tally = screen.tally;
    let is_silent = output.quiet && (output.json || exit == Exit::Accepted);
    let summary = |paint| list::summary(facts, &tally, elapsed, paint);
    if !is_silent && !output.json {
        let text = summary(screen.reporter().out_paint());
        screen.write(&text, "");
    }
    let mut talk = String::new();
    let paint = screen.reporter().err_paint();
    if !is_silent && (output.json || screen.broken.is_some()) {
        talk.push_str(&summary(paint));
    }
    if let Some(error) = &screen.broken {
        talk.push_str(&format!(
            "{} {}\n",
            paint.bad("error:"),
            broken_output(error)
        ));
    }
    if !is_silent {
        if let Some(trouble) = trouble {
            let message = screen.reporter().safe().shown(&trouble.message);
            talk.push_str(&format!("{} {message}\n", paint.bad("error:")));
            if let Some(hint) = &trouble.hint {
                talk.push_str(&format!("{} {hint}\n", paint.faint("  hint:")));
            }
        }
        if let Some(step) = next {
            // A command that is cut does not work.
            let command = screen
                .reporter()
                .safe()
                .shown_bytes(step.command.as_bytes());
            talk.push_str(&step.line(&command));
        }
    }
    screen.write("", &talk);
}

//! The loop over a list: pass the gate, write down the intent, send, write down what came of it, tell. Each worker owns
//! its client and takes one row at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use super::gate::Gate;
use super::journal::{Intent, JournalHandle, JournalStopped, Person, Ticket};
use super::plan::{Before, Task, key_of};
use super::rows::Row;
use super::stop::{Stop, is_hopeless, is_throttled};
use super::told::{RowEnd, Told};
use crate::api::outcome::{Class, Fate, Outcome};
use crate::api::request::ApiRequest;
use crate::api::retry::{Decision, after_another, backoff, decide, is_repeatable};
use crate::api::transport::{Exchange, Transport};
use crate::settings::resolve::RetryPolicy;

/// Everything that the workers of a run share.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The whole list.
    pub rows: &'a [Row],
    /// What goes out.
    pub tasks: &'a [Task],
    /// The service, by which people are known in the journals.
    pub service: &'a str,
    /// The cname of rows that bring none.
    pub cname: &'a str,
    /// The request, but for whom it is addressed to.
    pub request: &'a ApiRequest,
    /// When to repeat.
    pub policy: &'a RetryPolicy,
    /// Where everybody waits.
    pub gate: &'a Gate,
    /// The next task.
    pub next: &'a AtomicUsize,
    /// Whether each exchange is told.
    pub trace: bool,
}

/// What is known of a row while it is sent.
struct Progress<'a> {
    index: u32,
    before: Before,
    person: Person<'a>,
    attempts: u64,
    start: Instant,
    /// What came of it so far.
    outcome: Option<Outcome>,
    /// The journal's last record of what came of it.
    ticket: Ticket,
}

impl Run<'_> {
    /// Works until nothing is left or the run stops. What happens goes to `told`; when nobody listens any more, the work
    /// goes on all the same.
    pub fn work(&self, transport: &Transport, journal: &JournalHandle, told: &SyncSender<Told>) {
        let _alarm = Alarm(self.gate);
        let mut request = self.request.clone();
        while self.gate.stopped().is_none() {
            let Some(task) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let Some(row) = self.rows.get(task.index as usize) else {
                return;
            };
            request.readdress(&row.email, row.cname.as_deref().unwrap_or(self.cname));
            if let Some(end) = self.send(*task, row, &request, transport, journal, told) {
                // Whoever listens may have gone; the journal knows.
                let _ = told.send(Told::Ended(Box::new(end)));
            }
        }
    }

    /// Sends a row, and repeats what may be repeated. Nothing comes back when the run stopped before it was sent.
    fn send(
        &self,
        task: Task,
        row: &Row,
        request: &ApiRequest,
        transport: &Transport,
        journal: &JournalHandle,
        told: &SyncSender<Told>,
    ) -> Option<RowEnd> {
        let mut progress = Progress {
            index: task.index,
            person: Person {
                key: key_of(self.service, self.cname, row),
                email: &row.email,
                cname: row.cname.as_deref().unwrap_or(self.cname),
            },
            attempts: 0,
            start: Instant::now(),
            before: task.before,
            outcome: (task.before == Before::Unknown).then(earlier),
            ticket: Ticket::default(),
        };
        loop {
            if !self.gate.pass() {
                return progress.cut_short();
            }
            if progress.attempts == 0 {
                self.gate.begin_row();
                progress.start = Instant::now();
            }
            let sent = self.attempt(&mut progress, row, request, transport, journal);
            self.gate.ended();
            let (latest, answer) = match sent {
                Ok(Some(sent)) => sent,
                Ok(None) => return progress.cut_short(),
                Err(stopped) => {
                    self.gate.stop(Stop::journal(&stopped));
                    return progress.cut_short();
                }
            };
            let next = self.write_down(&mut progress, &latest, journal);
            if self.trace {
                let _ = told.send(Told::Exchanged {
                    request: Box::new(request.clone()),
                    answer: answer.map(Box::new),
                    ticket: progress.ticket,
                });
            }
            let Next::Again(wait) = next else {
                return progress.end(matches!(next, Next::Stop | Next::Later));
            };
            let _ = told.send(Told::Again {
                index: progress.index,
                attempt: progress.attempts,
                outcome: Box::new(latest),
                wait,
                ticket: progress.ticket,
            });
            if !self.gate.rest(wait) {
                return progress.cut_short();
            }
        }
    }

    /// Decides what comes after an attempt, and writes down what came of the row so far.
    fn write_down(
        &self,
        progress: &mut Progress,
        latest: &Outcome,
        journal: &JournalHandle,
    ) -> Next {
        let next = self.next_step(latest, progress.attempts);
        let folded = after_another(progress.outcome.take(), latest.clone());
        let fate = next.fate_to_write(folded.fate);
        progress.ticket =
            journal.conclude(&progress.person, progress.attempts, fate, folded.status);
        if let Some(stopped) = journal.stopped() {
            self.gate.stop(Stop::journal(&stopped));
        }
        if matches!(next, Next::End | Next::Later) {
            self.gate.row_ended(folded.fate);
        }
        progress.outcome = Some(folded);
        next
    }

    /// Writes the intent down and sends once. Nothing comes back when the run stopped in between: then nothing was sent.
    fn attempt(
        &self,
        progress: &mut Progress,
        row: &Row,
        request: &ApiRequest,
        transport: &Transport,
        journal: &JournalHandle,
    ) -> Result<Option<(Outcome, Option<Exchange>)>, JournalStopped> {
        let attempt = progress.attempts + 1;
        journal.intend(&Intent {
            person: progress.person,
            row: row.line,
            attempt,
        })?;
        if !self.gate.still_open() {
            let before = progress.outcome.as_ref().map(|outcome| outcome.fate);
            let fate = match before {
                Some(Fate::Unknown) => Fate::Unknown,
                _ => Fate::NotSent,
            };
            progress.ticket = journal.conclude(&progress.person, attempt, fate, None);
            return Ok(None);
        }
        // The journal may have failed while a pause was waited for.
        if let Some(stopped) = journal.stopped() {
            return Err(stopped);
        }
        progress.attempts = attempt;
        let sent = transport.attempt(request);
        Ok(Some((sent.outcome, sent.exchange)))
    }

    /// Decides what comes after an attempt, and lets everybody wait or go home if it calls for that.
    fn next_step(&self, latest: &Outcome, attempts: u64) -> Next {
        if is_hopeless(latest.class) {
            self.gate.stop(Stop::Hopeless(latest.class));
            return Next::Stop;
        }
        let asked = latest
            .retry_after
            .filter(|_| latest.fate == Fate::Rejected && is_throttled(latest));
        if let Some(wait) = asked.filter(|wait| *wait > self.policy.max_retry_after) {
            self.gate.stop(Stop::AsksTooLong(wait));
            return Next::Stop;
        }
        let jitter = fastrand::f64();
        if let Some(wait) = asked {
            self.gate.pause(wait);
        } else if latest.class == Class::RateLimited {
            self.gate.pause(backoff(attempts, jitter));
        }
        match decide(self.policy, latest, attempts, jitter) {
            // A wait that the server asked for is everybody's; only repeats without one come out of the budget.
            Decision::After(wait) if asked.is_some() || self.gate.take_repeat() => {
                Next::Again(wait)
            }
            // Nobody is forgotten because the service was busy.
            Decision::After(_) | Decision::Stop
                if latest.fate == Fate::Rejected && is_repeatable(latest) =>
            {
                Next::Later
            }
            Decision::After(_) | Decision::Stop => Next::End,
        }
    }
}

/// What comes after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another one, after this time.
    Again(Duration),
    /// The end of the row.
    End,
    /// The end of the row for this run: it was tried as often as it may be, and the next run sends it.
    Later,
    /// The end of the run, which says nothing of the row.
    Stop,
}

impl Next {
    /// The fate as the journal is to have it. A refusal that is going to be repeated, or that stopped the run and would
    /// have met everybody, leaves the row to be sent: in the journal it is not rejected but not sent.
    fn fate_to_write(self, fate: Fate) -> Fate {
        match (self, fate) {
            (Self::Again(_) | Self::Later | Self::Stop, Fate::Rejected) => Fate::NotSent,
            (_, fate) => fate,
        }
    }
}

impl Progress<'_> {
    /// The end of a row.
    fn end(self, stopped: bool) -> Option<RowEnd> {
        let outcome = self.outcome.filter(|_| self.attempts > 0)?;
        Some(RowEnd {
            index: self.index,
            before: self.before,
            open: stopped && matches!(outcome.fate, Fate::Rejected | Fate::NotSent),
            outcome,
            attempts: self.attempts,
            elapsed: self.start.elapsed(),
            ticket: self.ticket,
            unwritten: false,
        })
    }

    /// The end of a row that was to be tried again when the run stopped.
    fn cut_short(self) -> Option<RowEnd> {
        self.end(true)
    }
}

/// What stands for an earlier run that left a row unknown.
fn earlier() -> Outcome {
    Outcome {
        fate: Fate::Unknown,
        class: Class::BrokenReply,
        status: None,
        says: None,
        retry_after: None,
        location: None,
        cause: Some("an earlier run may have mailed this person already".to_owned()),
    }
}

/// Stops the run when the thread that holds it panics, so that the others do not go on with half of what they need.
#[derive(Debug)]
pub struct Alarm<'a>(pub &'a Gate);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(Stop::Fault);
        }
    }
}

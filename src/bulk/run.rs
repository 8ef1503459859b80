//! The loop of a worker: it takes a row, records the intent, sends the request, and passes the result to the journal,
//! which passes it on to the screen. Each worker owns its client and sends one row at a time.

use std::time::{Duration, Instant};

use super::gate::{Gate, RowInProgress, Work};
use super::journal::{ConcurrentRuns, End, Intent, JournalHandle, JournalStopped, Person};
use super::list::Row;
use super::pace::{ALONE_THROTTLES_MAX, Permit};
use super::plan::{Task, key_of};
use super::results::{Event, Stop, fails_every_row};
use crate::api::operation::{ApiRequest, recipient};
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::api::retry::{combine, is_safe_to_retry, wait_before_retry};
use crate::api::transport::{Exchange, Transport};
use crate::settings::{RetryPolicy, USER_GAP};

/// What the workers of a run share.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub rows: &'a [Row],
    pub tasks: &'a [Task],
    /// The service: part of each person's key in the journals.
    pub service: &'a str,
    /// The cname of rows without one.
    pub cname: &'a str,
    /// The request without its recipient.
    pub request: &'a ApiRequest,
    pub policy: &'a RetryPolicy,
    pub gate: &'a Gate,
    /// Runs of other lists at the same time; none with `--known send`, which mails people again whom other lists know.
    pub concurrent_runs: Option<&'a ConcurrentRuns>,
    /// Whether each exchange is reported.
    pub trace: bool,
}

struct Worker<'a> {
    run: &'a Run<'a>,
    transport: &'a Transport,
    journal: &'a JournalHandle<Event>,
    request: ApiRequest,
}

impl Run<'_> {
    /// Works until no row is left or the run stops. Events are reported through the journal; the work continues even if
    /// no one reads them.
    pub fn work(&self, transport: &Transport, journal: &JournalHandle<Event>) {
        let mut worker = Worker { run: self, transport, journal, request: self.request.clone() };
        while let Some((permit, work)) = self.gate.acquire_next() {
            match self.begin(work) {
                Some((pending, row)) => worker.send(permit, pending, row),
                None => self.gate.release_unused(permit),
            }
        }
        // After a stop, rows that were put back end here.
        while let Some(pending) = self.gate.take_unfinished() {
            worker.report_end(pending);
        }
    }

    /// The row and its state before it is sent; nothing if the plan has no such task.
    fn begin(&self, work: Work) -> Option<(Box<RowInProgress>, &Row)> {
        let row = |task: Task| self.rows.get(task.index as usize);
        let mut pending = match work {
            Work::Begun(pending) => pending,
            Work::Fresh(task) => {
                let task = *self.tasks.get(task)?;
                Box::new(RowInProgress::new(task, key_of(self.service, self.cname, row(task)?)))
            }
        };
        if pending.attempts == 0 {
            pending.start = Instant::now();
        }
        row(pending.task).map(|row| (pending, row))
    }
}

impl Worker<'_> {
    /// Sends a row, with its retries, or puts it back to be sent later.
    fn send(&mut self, mut permit: Permit, mut pending: Box<RowInProgress>, row: &Row) {
        let gate = self.run.gate;
        let cname = row.cname.as_deref().unwrap_or(self.run.cname);
        let person = Person { key: pending.key, email: &row.email, cname };
        self.request.set_values(&recipient(person.email, cname));
        loop {
            let (mut latest, answer) = match self.attempt(permit, &mut pending, person, row.line) {
                Ok(Some(sent)) => sent,
                Ok(None) => return gate.put_back(permit, pending),
                Err(stopped) => {
                    gate.stop(Stop::journal(&stopped));
                    gate.release_unused(permit);
                    return self.report_end(pending);
                }
            };
            let next = self.next_step(permit, &mut pending, &mut latest);
            self.conclude(next, &mut pending, person, latest, answer);
            match next {
                Next::RetryAfterPause(_) => return gate.put_back_throttled(pending),
                Next::RetryForUser(wait) => return gate.await_user(pending, wait),
                Next::Retry(wait) => match gate.wait(wait).then(|| gate.acquire()).flatten() {
                    Some(new) => permit = new,
                    None => return self.report_end(pending),
                },
                Next::End | Next::Later | Next::Stop => return,
            }
        }
    }

    /// Reports the end of a row whose last record is already in the journal.
    fn report_end(&self, mut pending: Box<RowInProgress>) {
        if let Some(end) = pending.end(true) {
            self.journal.report(pending.key, end);
        }
    }

    /// Records the intent and sends once. Returns nothing if a pause or a stop began in between: then nothing was sent.
    fn attempt(
        &self,
        permit: Permit,
        pending: &mut RowInProgress,
        person: Person,
        row: u64,
    ) -> Result<Option<(AttemptResult, Option<Exchange>)>, JournalStopped> {
        let Self { run, journal, .. } = self;
        let attempt = pending.attempts + 1;
        journal.intend(&Intent { person, row, attempt })?;
        if run.concurrent_runs.is_some_and(|concurrent_runs| concurrent_runs.have_claimed(person.key)) {
            run.gate.stop(Stop::OtherRun);
        }
        if !run.gate.is_valid(permit) {
            let (outcome, status) = match &pending.result {
                Some(prior) if matches!(prior.outcome, Outcome::Rejected | Outcome::Unknown) => {
                    (prior.outcome, prior.status)
                }
                _ => (Outcome::NotSent, None),
            };
            journal.conclude(&person, &End { attempt, outcome, status, due: outcome == Outcome::Rejected }, None);
            return Ok(None);
        }
        // The journal may have failed since the intent was synced.
        if let Some(stopped) = journal.stopped() {
            return Err(stopped);
        }
        pending.attempts = attempt;
        Ok(Some(self.transport.attempt(&self.request)))
    }

    /// Passes the result so far to the journal, with the events that report it.
    fn conclude(
        &self,
        next: Next,
        pending: &mut RowInProgress,
        person: Person,
        latest: AttemptResult,
        answer: Option<Exchange>,
    ) {
        let Self { run, journal, .. } = self;
        let exchange = || Event::Exchange { request: Box::new(self.request.clone()), answer: answer.map(Box::new) };
        let exchange = run.trace.then(exchange);
        let folded = combine(pending.result.take(), latest.clone());
        let (attempt, outcome, status) = (pending.attempts, folded.outcome, folded.status);
        let due = outcome == Outcome::Rejected && next != Next::End;
        pending.result = Some(folded);
        let event = match next {
            Next::Retry(wait) | Next::RetryAfterPause(wait) | Next::RetryForUser(wait) => {
                Some(Event::Retry { index: pending.task.index, attempt, result: Box::new(latest), wait })
            }
            Next::End | Next::Later | Next::Stop => pending.end(next != Next::End),
        };
        journal.conclude(&person, &End { attempt, outcome, status, due }, exchange.into_iter().chain(event));
        if let Some(stopped) = journal.stopped() {
            run.gate.stop(Stop::journal(&stopped));
        }
        if matches!(next, Next::End | Next::Later) {
            run.gate.row_ended(outcome);
        }
    }

    /// Decides what follows an attempt, releases its permit, and pauses or stops all workers if the result requires it.
    fn next_step(&self, permit: Permit, pending: &mut RowInProgress, latest: &mut AttemptResult) -> Next {
        let limit = self.run.policy.wait_for_user;
        if let Some(wait) = pending.user.wait_after(limit, latest, Instant::now(), fastrand::f64()) {
            self.run.gate.release(permit);
            return Next::RetryForUser(wait);
        }
        match self.after_answer(permit, pending, latest) {
            Next::Retry(wait) | Next::RetryAfterPause(wait) if pending.user.has_started() => {
                Next::RetryForUser(wait.max(USER_GAP))
            }
            next => next,
        }
    }

    /// The same for an answer that is not a reason to wait for the user.
    fn after_answer(&self, permit: Permit, pending: &mut RowInProgress, latest: &AttemptResult) -> Next {
        let Run { gate, policy, .. } = self.run;
        if latest.outcome == Outcome::Rejected && matches!(latest.class, Class::RateLimited | Class::Unavailable) {
            return self.after_throttled(permit, pending, latest.retry_after);
        }
        if fails_every_row(latest.class) {
            gate.stop(Stop::EveryRowFails(latest.class));
            gate.release(permit);
            return Next::Stop;
        }
        gate.release(permit);
        let counted = pending.attempts - pending.throttles - pending.user.refusals;
        match wait_before_retry(policy, latest, counted, fastrand::f64()) {
            Some(wait) if gate.take_retry() => Next::Retry(wait),
            // Due, so that the next run sends rows for which the service was only busy.
            _ if latest.outcome == Outcome::Rejected && is_safe_to_retry(latest) => Next::Later,
            _ => Next::End,
        }
    }

    /// The same for a request that was throttled. All workers wait, and it does not count as an attempt of the row.
    fn after_throttled(&self, permit: Permit, pending: &mut RowInProgress, asked: Option<Duration>) -> Next {
        let Run { gate, policy, .. } = self.run;
        if let Some(wait) = asked.filter(|wait| *wait > policy.max_retry_after) {
            gate.stop(Stop::WaitTooLong(wait));
            gate.release_unused(permit);
            return Next::Stop;
        }
        pending.throttles += 1;
        pending.alone_throttles += u64::from(permit.alone);
        match gate.release_throttled(permit, asked) {
            None => Next::Stop,
            Some(_) if policy.retries == 0 || pending.alone_throttles >= ALONE_THROTTLES_MAX => Next::Later,
            Some(wait) => Next::RetryAfterPause(wait),
        }
    }
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The same worker sends it again after this time.
    Retry(Duration),
    /// Any worker sends it again, after a pause of this length for all workers.
    RetryAfterPause(Duration),
    /// Any worker sends it again after this time, when the user may exist. Other rows do not wait.
    RetryForUser(Duration),
    End,
    /// The row ends in this run: no retry is left, and the next run sends it.
    Later,
    /// The run stops.
    Stop,
}

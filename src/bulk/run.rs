//! The loop over a list: take a row, record the intent, send, pass the result to the journal, which passes it on to the
//! screen. Each worker owns its client and takes one row at a time.

use std::time::{Duration, Instant};

use super::gate::{Gate, RowInProgress, Work, earlier};
use super::journal::{ConcurrentRuns, End, Intent, JournalHandle, JournalStopped, Person};
use super::list::Row;
use super::pace::{ALONE_MAX, Permit};
use super::plan::{Prior, Task, key_of};
use super::results::{Event, Stop, fails_every_row, is_throttled};
use crate::api::operation::{ApiRequest, recipient};
use crate::api::outcome::{AttemptResult, Outcome};
use crate::api::retry::{UserWait, after_another, is_repeatable, wait_before_retry};
use crate::api::transport::{Exchange, Transport};
use crate::settings::{RetryPolicy, USER_GAP};

/// Everything that the workers of a run share.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub rows: &'a [Row],
    pub tasks: &'a [Task],
    /// The service, by which people are known in the journals.
    pub service: &'a str,
    /// The cname of rows that bring none.
    pub cname: &'a str,
    /// The request without its recipient.
    pub request: &'a ApiRequest,
    pub policy: &'a RetryPolicy,
    /// Where the workers wait, and what is left.
    pub gate: &'a Gate,
    /// Runs of other lists that may be running; none if people who are known from these are mailed again.
    pub concurrent_runs: Option<&'a ConcurrentRuns>,
    /// Whether each exchange is reported.
    pub trace: bool,
}

/// What each worker has of its own.
struct Worker<'a> {
    transport: &'a Transport,
    journal: &'a JournalHandle<Event>,
    request: ApiRequest,
}

impl Worker<'_> {
    /// Reports the end of a row whose last record the journal has already.
    fn report_end(&self, pending: RowInProgress) {
        let key = pending.key;
        if let Some(end) = pending.end(true) {
            self.journal.report(key, end.into());
        }
    }
}

impl Run<'_> {
    /// Works until nothing is left or the run stops. What happens is reported through the journal; the work
    /// continues even if no one reads it there.
    pub fn work(&self, transport: &Transport, journal: &JournalHandle<Event>) {
        let mut worker = Worker { transport, journal, request: self.request.clone() };
        while let Some((permit, work)) = self.gate.acquire_next() {
            let Some((pending, row)) = self.begin(work) else {
                self.gate.release_unused(permit);
                continue;
            };
            let cname = row.cname.as_deref().unwrap_or(self.cname);
            worker.request.readdress(&recipient(&row.email, cname));
            self.send(permit, pending, row, &worker);
        }
        // Only after a stop: rows that were to be tried again end here.
        while let Some(pending) = self.gate.take_unfinished() {
            worker.report_end(*pending);
        }
    }

    /// The state of a row before it is sent; none for a task that the plan does not have.
    fn begin(&self, work: Work) -> Option<(Box<RowInProgress>, &Row)> {
        let row = |index: u32| self.rows.get(index as usize);
        match work {
            Work::Begun(mut pending) => {
                if pending.attempts == 0 {
                    pending.start = Instant::now();
                }
                let row = row(pending.index)?;
                Some((pending, row))
            }
            Work::Fresh(task) => {
                let task = self.tasks.get(task)?;
                let row = row(task.index)?;
                let pending = RowInProgress {
                    index: task.index,
                    key: key_of(self.service, self.cname, row),
                    attempts: 0,
                    waits: 0,
                    alone: 0,
                    user: UserWait::default(),
                    start: Instant::now(),
                    prior: task.prior,
                    result: (task.prior == Prior::Unknown).then(earlier),
                };
                Some((Box::new(pending), row))
            }
        }
    }

    /// Who a row is about, for the journal.
    fn person<'a>(&'a self, pending: &RowInProgress, row: &'a Row) -> Person<'a> {
        Person { key: pending.key, email: &row.email, cname: row.cname.as_deref().unwrap_or(self.cname) }
    }

    /// Sends a row, and retries what may be retried. The row may also be put back, to be sent later.
    fn send(&self, mut permit: Permit, mut pending: Box<RowInProgress>, row: &Row, worker: &Worker) {
        loop {
            let (mut latest, answer) = match self.attempt(permit, &mut pending, row, worker) {
                Ok(Some(sent)) => sent,
                Ok(None) => return self.gate.put_back(permit, pending),
                Err(stopped) => {
                    self.gate.stop(Stop::journal(&stopped));
                    self.gate.release_unused(permit);
                    return worker.report_end(*pending);
                }
            };
            let next = self.next_step(permit, &mut pending, &mut latest);
            let exchanged = self
                .trace
                .then(|| Event::Exchange { request: Box::new(worker.request.clone()), answer: answer.map(Box::new) });
            let left = self.conclude(next, pending, row, latest, exchanged, worker.journal);
            match (next, left) {
                (Next::RetryAfterPause(_), Some(left)) => return self.gate.put_back_throttled(left),
                (Next::ForTheUser(wait), Some(left)) => return self.gate.await_user(left, wait),
                (Next::Retry(wait), Some(left)) => {
                    let rested = self.gate.wait(wait);
                    let Some(new) = self.gate.acquire().filter(|_| rested) else {
                        return worker.report_end(*left);
                    };
                    (permit, pending) = (new, left);
                }
                _ => return,
            }
        }
    }

    /// Passes the result so far to the journal, with the events that report it. Returns the row if it is retried.
    fn conclude(
        &self,
        next: Next,
        mut pending: Box<RowInProgress>,
        row: &Row,
        latest: AttemptResult,
        exchanged: Option<Event>,
        journal: &JournalHandle<Event>,
    ) -> Option<Box<RowInProgress>> {
        let person = self.person(&pending, row);
        let folded = after_another(pending.result.take(), latest.clone());
        let (outcome, status) = (folded.outcome, folded.status);
        let due = outcome == Outcome::Rejected && next != Next::End;
        let end = End { attempt: pending.attempts, outcome, status, due };
        pending.result = Some(folded);
        let (event, left) = match next {
            Next::Retry(wait) | Next::RetryAfterPause(wait) | Next::ForTheUser(wait) => {
                let (index, attempt) = (pending.index, pending.attempts);
                (Some(Event::Retry { index, attempt, result: Box::new(latest), wait }), Some(pending))
            }
            Next::End | Next::Later | Next::Stop => (pending.end(next != Next::End).map(Event::from), None),
        };
        journal.conclude(&person, &end, exchanged.into_iter().chain(event));
        if let Some(stopped) = journal.stopped() {
            self.gate.stop(Stop::journal(&stopped));
        }
        if matches!(next, Next::End | Next::Later) {
            self.gate.row_ended(outcome);
        }
        left
    }

    /// Records the intent and sends once. Returns nothing when a wait or a stop came in between: then nothing was sent.
    fn attempt(
        &self,
        permit: Permit,
        pending: &mut RowInProgress,
        row: &Row,
        worker: &Worker,
    ) -> Result<Option<(AttemptResult, Option<Exchange>)>, JournalStopped> {
        let attempt = pending.attempts + 1;
        let journal = worker.journal;
        let person = self.person(pending, row);
        journal.intend(&Intent { person, row: row.line, attempt })?;
        if self.concurrent_runs.is_some_and(|concurrent_runs| concurrent_runs.have_claimed(person.key)) {
            self.gate.stop(Stop::OtherRun);
        }
        if !self.gate.is_valid(permit) {
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
        Ok(Some(worker.transport.attempt(&worker.request)))
    }

    /// Decides what comes after an attempt, releases its permit, and pauses or stops all workers if the result requires that.
    fn next_step(&self, permit: Permit, pending: &mut RowInProgress, latest: &mut AttemptResult) -> Next {
        let limit = self.policy.wait_for_user;
        if let Some(wait) = pending.user.after(limit, latest, Instant::now(), fastrand::f64()) {
            self.gate.release(permit);
            return Next::ForTheUser(wait);
        }
        match self.after_answer(permit, pending, latest) {
            Next::Retry(wait) | Next::RetryAfterPause(wait) if pending.user.is_begun() => {
                Next::ForTheUser(wait.max(USER_GAP))
            }
            next => next,
        }
    }

    /// The same for an answer that is not a reason to wait for the user.
    fn after_answer(&self, permit: Permit, pending: &mut RowInProgress, latest: &AttemptResult) -> Next {
        if latest.outcome == Outcome::Rejected && is_throttled(latest) {
            return self.throttled(permit, pending, latest);
        }
        if fails_every_row(latest.class) {
            self.gate.stop(Stop::EveryRowFails(latest.class));
            self.gate.release(permit);
            return Next::Stop;
        }
        self.gate.release(permit);
        let counted = pending.attempts - pending.waits - pending.user.refusals;
        match wait_before_retry(self.policy, latest, counted, fastrand::f64()) {
            Some(wait) if self.gate.take_retry() => Next::Retry(wait),
            // The row is due, so that no one is forgotten because the service was busy.
            _ if latest.outcome == Outcome::Rejected && is_repeatable(latest) => Next::Later,
            _ => Next::End,
        }
    }

    /// The same for a row that was throttled. All workers wait, and it does not count as an attempt of the row.
    fn throttled(&self, permit: Permit, pending: &mut RowInProgress, latest: &AttemptResult) -> Next {
        let asked = latest.retry_after;
        if let Some(wait) = asked.filter(|wait| *wait > self.policy.max_retry_after) {
            self.gate.stop(Stop::WaitTooLong(wait));
            self.gate.release_unused(permit);
            return Next::Stop;
        }
        pending.waits += 1;
        pending.alone += u64::from(permit.alone);
        match self.gate.release_throttled(permit, asked) {
            None => Next::Stop,
            Some(_) if self.policy.retries == 0 || pending.alone >= ALONE_MAX => Next::Later,
            Some(wait) => Next::RetryAfterPause(wait),
        }
    }
}

/// What comes after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another one by the same worker, after this time.
    Retry(Duration),
    /// Another one by any worker, after a pause of this length for all workers.
    RetryAfterPause(Duration),
    /// Another one by any worker after this time, when the user may exist. No other row waits.
    ForTheUser(Duration),
    End,
    /// The end of the row for this run: it was tried as often as it may be, and the next run sends it.
    Later,
    /// The end of the run; the row has no outcome yet.
    Stop,
}

//! What a run reports: exchanges, retries, ends of rows, why it stopped, and the totals. Events go through the journal,
//! which passes each on after its record is written.

use std::time::Duration;

use super::journal::JournalStopped;
use super::plan::{OutcomeCounts, Plan, Prior};
use crate::api::operation::ApiRequest;
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::api::transport::Exchange;

/// What a worker reports.
#[derive(Debug)]
pub enum Event {
    /// An attempt; only with `-v`.
    Exchange {
        request: Box<ApiRequest>,
        answer: Option<Box<Exchange>>,
    },
    /// A row will be retried.
    Retry {
        index: u32,
        attempt: u64,
        result: Box<AttemptResult>,
        wait: Duration,
    },
    Finished(Box<RowEnd>),
}

/// How a row ended.
#[derive(Debug)]
pub struct RowEnd {
    pub index: u32,
    pub prior: Prior,
    /// The result of all attempts together.
    pub result: AttemptResult,
    pub attempts: u64,
    pub elapsed: Duration,
    /// Whether the next run sends it without another flag: it was not sent, or was rejected for a reason that is not in
    /// the row itself.
    pub due: bool,
    /// Whether the journal could not record the end.
    pub unrecorded: bool,
}

impl RowEnd {
    /// The outcome to report. A row whose end is not in the journal is unknown, as the next run finds it, unless the
    /// service accepted it.
    pub const fn outcome(&self) -> Outcome {
        match self.result.outcome {
            Outcome::Rejected | Outcome::NotSent if self.unrecorded => Outcome::Unknown,
            outcome => outcome,
        }
    }
}

/// Why a run stops before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The process got a signal with this number.
    Signal(i32),
    /// Every other row would fail the same way.
    EveryRowFails(Class),
    /// N consecutive rows were not accepted.
    Failures(u64),
    /// The server asks for a longer wait than `--max-retry-after` allows.
    WaitTooLong(Duration),
    /// The server throttled every request for too many waits in a row.
    ThrottledTooOften,
    /// Another run is mailing people on this list.
    OtherRun,
    /// The journal cannot be written, or was removed: the message.
    Journal(String),
}

impl Stop {
    pub fn journal(stopped: &JournalStopped) -> Self {
        Self::Journal(format!("{stopped}; no request was sent after that"))
    }
}

/// Whether every other row would fail the same way: the credential, the URL or the network is wrong.
pub const fn fails_every_row(class: Class) -> bool {
    matches!(
        class,
        Class::Unauthorized
            | Class::Forbidden
            | Class::Redirected
            | Class::Certificate
            | Class::ClientCertificate
            | Class::Proxy
    )
}

/// The results of a run so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The rows that ended in this run.
    pub ended: OutcomeCounts,
    /// The states of these rows before they were sent.
    pub prior: OutcomeCounts,
    /// How many requests were made, retries included.
    pub requests: u64,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Failed,
    Unknown,
    Stopped,
    Journal,
    /// With the number of the signal.
    Signal(i32),
}

impl Tally {
    pub fn add(&mut self, end: &RowEnd) {
        let outcome = end.outcome();
        self.ended.add(outcome);
        self.ended.rejected_due += u64::from(end.due && outcome == Outcome::Rejected);
        self.prior.add_prior(end.prior);
        self.requests += end.attempts;
    }

    /// The outcomes of the whole list: those that were known before, and those of this run.
    pub fn of_list(&self, plan: &Plan) -> OutcomeCounts {
        let not_ended = plan.prior().with(self.prior, u64::saturating_sub);
        plan.left_alone.with(not_ended, u64::saturating_add).with(self.ended, u64::saturating_add)
    }

    /// Rows that `--limit` leaves for the next run are not failures.
    pub fn verdict(&self, plan: &Plan, stop: Option<&Stop>) -> Verdict {
        let list = self.of_list(plan);
        let kept_back = plan.beyond_limit.total() - plan.beyond_limit.unknown;
        let is_cut_short = self.ended.total() < plan.count() || self.ended.rejected_due > 0;
        match stop {
            Some(Stop::Journal(_)) => Verdict::Journal,
            Some(Stop::Signal(signal)) => Verdict::Signal(*signal),
            Some(Stop::EveryRowFails(_)) => Verdict::Stopped,
            // Another stop does not matter if all rows were sent before it.
            Some(_) if is_cut_short => Verdict::Stopped,
            _ if list.unknown > 0 => Verdict::Unknown,
            _ if list.rejected + list.not_sent > kept_back => Verdict::Failed,
            _ => Verdict::Accepted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_credential_url_or_network_stops_a_run_and_no_other_class_does() {
        let stopping = Class::ALL.iter().copied().filter(|class| fails_every_row(*class));
        assert_eq!(
            stopping.collect::<Vec<_>>(),
            [
                Class::Redirected,
                Class::Unauthorized,
                Class::Forbidden,
                Class::ClientCertificate,
                Class::Certificate,
                Class::Proxy,
            ]
        );
    }

    use crate::api::outcome::Class;
    use crate::bulk::plan::{Prior, Task};
    use std::time::Duration;

    fn plan(tasks: usize, accepted: u64, rejected: u64, unknown: u32, beyond_limit: u64) -> Plan {
        let task = Task { index: 0, prior: Prior::NotSent };
        Plan {
            tasks: vec![task; tasks],
            left_alone: OutcomeCounts { accepted, rejected, unknown: unknown.into(), ..OutcomeCounts::default() },
            beyond_limit: OutcomeCounts { not_sent: beyond_limit, ..OutcomeCounts::default() },
            ..Plan::default()
        }
    }

    fn ended(accepted: u64, rejected: u64, not_sent: u64, unknown: u64) -> Tally {
        Tally {
            ended: OutcomeCounts { accepted, rejected, not_sent, unknown, rejected_due: 0 },
            prior: OutcomeCounts { not_sent: accepted + rejected + not_sent + unknown, ..OutcomeCounts::default() },
            ..Tally::default()
        }
    }

    #[test]
    fn the_worst_row_of_this_or_an_earlier_run_decides() {
        for (plan, tally, verdict) in [
            (plan(0, 0, 0, 0, 0), ended(0, 0, 0, 0), Verdict::Accepted),
            (plan(2, 3, 0, 0, 0), ended(2, 0, 0, 0), Verdict::Accepted),
            (plan(2, 0, 0, 0, 0), ended(1, 1, 0, 0), Verdict::Failed),
            (plan(2, 0, 0, 0, 0), ended(1, 0, 1, 0), Verdict::Failed),
            (plan(2, 0, 0, 0, 1), ended(2, 0, 0, 0), Verdict::Accepted),
            (plan(2, 0, 0, 0, 1), ended(1, 0, 1, 0), Verdict::Failed),
            (plan(2, 0, 1, 0, 1), ended(2, 0, 0, 0), Verdict::Failed),
            (plan(0, 5, 1, 0, 0), ended(0, 0, 0, 0), Verdict::Failed),
            (plan(2, 0, 1, 0, 0), ended(1, 0, 0, 1), Verdict::Unknown),
            (plan(0, 5, 1, 1, 0), ended(0, 0, 0, 0), Verdict::Unknown),
            (plan(3, 0, 0, 0, 0), ended(2, 0, 0, 0), Verdict::Failed),
        ] {
            assert_eq!(tally.verdict(&plan, None), verdict, "{plan:?} {tally:?}");
        }
    }

    #[test]
    fn a_stop_decides_unless_all_rows_have_ended() {
        let hour = Stop::WaitTooLong(Duration::from_secs(60 * 60));
        for (stop, before_end, at_end) in [
            (Stop::Journal(String::new()), Verdict::Journal, Verdict::Journal),
            (Stop::Signal(15), Verdict::Signal(15), Verdict::Signal(15)),
            (Stop::EveryRowFails(Class::Forbidden), Verdict::Stopped, Verdict::Stopped),
            (Stop::Failures(2), Verdict::Stopped, Verdict::Failed),
            (hour, Verdict::Stopped, Verdict::Failed),
        ] {
            let tally = ended(0, 2, 0, 0);
            assert_eq!(tally.verdict(&plan(3, 0, 0, 0, 0), Some(&stop)), before_end);
            assert_eq!(tally.verdict(&plan(2, 0, 0, 0, 0), Some(&stop)), at_end);
        }
    }

    #[test]
    fn a_rejected_row_that_stopped_the_run_is_due() {
        let mut tally = ended(1, 2, 1, 0);
        tally.ended.rejected_due = 1;
        let plan = plan(6, 1, 0, 0, 0);
        let list = tally.of_list(&plan);
        assert_eq!((list.accepted, list.rejected, list.not_sent), (2, 2, 3));
        assert_eq!(list.total(), 7);
        assert_eq!(list.due(), 3 + 1);
    }

    #[test]
    fn a_row_that_was_not_sent_keeps_its_state() {
        let task = |index, prior| Task { index, prior };
        let plan = Plan {
            tasks: vec![
                task(0, Prior::Unknown),
                task(1, Prior::Rejected),
                task(2, Prior::NotSent),
                task(3, Prior::Due),
            ],
            beyond_limit: OutcomeCounts { unknown: 2, ..OutcomeCounts::default() },
            ..Plan::default()
        };
        let list = Tally::default().of_list(&plan);
        assert_eq!((list.rejected, list.not_sent, list.unknown), (2, 1, 3));
        assert_eq!(list.due(), 2);
        let mut tally = ended(1, 0, 0, 0);
        tally.prior = OutcomeCounts { unknown: 1, ..OutcomeCounts::default() };
        let list = tally.of_list(&plan);
        assert_eq!((list.accepted, list.unknown), (1, 2));
        assert_eq!(tally.verdict(&plan, None), Verdict::Unknown);
    }
}

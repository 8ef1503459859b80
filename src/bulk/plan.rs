//! Decides for each row of a list whether it is sent, from what the journals know. The code is pure.

use std::time::Duration;

use super::journal::{KnownElsewhere, Recovered, RowKey, RowState, key};
use super::list::Row;
use crate::api::outcome::Outcome;
use crate::settings::bulk::{OnKnown, Rate};

/// The flags that decide which rows are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    pub retry_rejected: bool,
    pub resend_unknown: bool,
    pub limit: Option<u64>,
    /// What to do with people who are known from other lists. With none, they are sent.
    pub known: Option<OnKnown>,
}

/// A row that is sent. Small: there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// Its index in the list, from 0.
    pub index: u32,
    pub prior: Prior,
}

/// What is known of a row before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prior {
    /// It is new, or was not sent.
    NotSent,
    /// It was rejected, and is sent because of `--retry-rejected`.
    Rejected,
    /// It was rejected for a reason that is not in the row itself, and is sent without another flag.
    Due,
    /// An earlier request may have mailed the person. The row stays unknown if the next request is rejected.
    Unknown,
}

impl Prior {
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::NotSent => Outcome::NotSent,
            Self::Rejected | Self::Due => Outcome::Rejected,
            Self::Unknown => Outcome::Unknown,
        }
    }
}

/// How many rows have each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct OutcomeCounts {
    pub accepted: u64,
    pub rejected: u64,
    pub not_sent: u64,
    pub unknown: u64,
    /// How many of `rejected` the next run sends without another flag.
    #[serde(skip)]
    pub rejected_due: u64,
}

impl OutcomeCounts {
    pub const fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Accepted => self.accepted += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::NotSent => self.not_sent += 1,
            Outcome::Unknown => self.unknown += 1,
        }
    }

    pub fn add_prior(&mut self, prior: Prior) {
        self.add(prior.outcome());
        self.rejected_due += u64::from(prior == Prior::Due);
    }

    pub const fn total(&self) -> u64 {
        self.accepted + self.rejected + self.not_sent + self.unknown
    }

    /// How many rows the next run sends without another flag.
    pub const fn due(&self) -> u64 {
        self.not_sent + self.rejected_due
    }

    pub const fn each(&self) -> [(Outcome, u64); 4] {
        [
            (Outcome::Accepted, self.accepted),
            (Outcome::Rejected, self.rejected),
            (Outcome::NotSent, self.not_sent),
            (Outcome::Unknown, self.unknown),
        ]
    }

    /// Combines each number with its counterpart.
    pub fn with(self, other: Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            accepted: combine(self.accepted, other.accepted),
            rejected: combine(self.rejected, other.rejected),
            not_sent: combine(self.not_sent, other.not_sent),
            unknown: combine(self.unknown, other.unknown),
            rejected_due: combine(self.rejected_due, other.rejected_due),
        }
    }
}

/// What is decided about a row. Small: there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Send(Prior),
    /// Only `--limit` keeps it from being sent.
    BeyondLimit(Prior),
    /// It is not sent, because of its state in the journal.
    Leave(Outcome),
    /// It is not sent, because of its state in the journal of another list.
    LeaveKnown(Outcome),
}

/// What happens to each row of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The rows that are sent, in the order of the list.
    pub tasks: Vec<Task>,
    /// The rows that are not sent, because they were accepted or rejected earlier, or are unknown.
    pub left_alone: OutcomeCounts,
    /// The indexes of the unknown rows among `left_alone`.
    pub unknown: Vec<u32>,
    /// The rows that only `--limit` keeps from being sent.
    pub beyond_limit: OutcomeCounts,
    /// The rows among `left_alone` that are not sent because other lists know them.
    pub skipped: OutcomeCounts,
    /// The decision about each row, in the order of the list: for reports with every row.
    pub decisions: Vec<Decision>,
}

/// Whether a row is sent, by its state in the journal.
fn decide(known: Option<RowState>, selection: Selection) -> Decision {
    if matches!(known, Some(RowState::Rejected { due: true, .. })) {
        return Decision::Send(Prior::Due);
    }
    match known.map(RowState::effective) {
        None | Some(Outcome::NotSent) => Decision::Send(Prior::NotSent),
        Some(Outcome::Rejected) if selection.retry_rejected => Decision::Send(Prior::Rejected),
        Some(Outcome::Unknown) if selection.resend_unknown => Decision::Send(Prior::Unknown),
        Some(outcome @ (Outcome::Accepted | Outcome::Rejected | Outcome::Unknown)) => Decision::Leave(outcome),
    }
}

impl Plan {
    /// `known` is from the journals of this list, `elsewhere` from those of other lists.
    pub fn new(
        rows: &[Row],
        known: &Recovered,
        elsewhere: &KnownElsewhere,
        key_of: impl Fn(&Row) -> RowKey,
        selection: Selection,
    ) -> Self {
        let mut plan = Self { decisions: Vec::with_capacity(rows.len()), ..Self::default() };
        let limit = selection.limit.unwrap_or(u64::MAX);
        for (index, row) in (0..).zip(rows) {
            // No hash for an empty journal: hashing a million rows takes time.
            let state = if known.states.is_empty() { None } else { known.state(key_of(row)) };
            let skips_known = selection.known == Some(OnKnown::Skip);
            let decision = match decide(state, selection) {
                Decision::Send(prior) => match skips_known.then(|| elsewhere.of(index)).flatten() {
                    Some(outcome) => Decision::LeaveKnown(outcome),
                    None if plan.tasks.len() as u64 >= limit => Decision::BeyondLimit(prior),
                    None => Decision::Send(prior),
                },
                leave => leave,
            };
            plan.add(index, decision);
        }
        plan
    }

    pub(crate) fn add(&mut self, index: u32, decision: Decision) {
        self.decisions.push(decision);
        match decision {
            Decision::Send(prior) => self.tasks.push(Task { index, prior }),
            Decision::BeyondLimit(prior) => self.beyond_limit.add_prior(prior),
            Decision::Leave(outcome) | Decision::LeaveKnown(outcome) => {
                self.left_alone.add(outcome);
                self.unknown.extend((outcome == Outcome::Unknown).then_some(index));
            }
        }
        if let Decision::LeaveKnown(outcome) = decision {
            self.skipped.add(outcome);
        }
    }

    /// The indexes and keys of all rows that would be sent without `--limit`.
    pub fn candidates<'a>(
        rows: &'a [Row],
        known: &'a Recovered,
        key_of: impl Fn(&Row) -> RowKey + 'a,
        selection: Selection,
    ) -> impl Iterator<Item = (u32, RowKey)> + 'a {
        (0..).zip(rows).filter_map(move |(index, row)| {
            let key = key_of(row);
            let state = known.state(key);
            matches!(decide(state, selection), Decision::Send(_)).then_some((index, key))
        })
    }

    pub fn count(&self) -> u64 {
        self.tasks.len() as u64
    }

    /// The states before the run of the rows in `tasks` and `beyond_limit`.
    pub fn prior(&self) -> OutcomeCounts {
        let mut prior = self.beyond_limit;
        self.tasks.iter().for_each(|task| prior.add_prior(task.prior));
        prior
    }

    /// How long the rows take at this rate; nothing without a rate.
    pub fn time_at(&self, rate: Option<Rate>) -> Option<Duration> {
        let rate = rate?;
        let steps = self.count().saturating_sub(1);
        // 128 bits are enough for a list of any length at any rate.
        let nanoseconds = rate.per.as_nanos() * u128::from(steps) / u128::from(rate.count.get());
        Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)))
    }
}

/// The key of a row in the journal. `cname` is for rows without one.
pub fn key_of(service: &str, cname: &str, row: &Row) -> RowKey {
    key(service, row.cname.as_deref().unwrap_or(cname), &row.email)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::clock::Timestamp;

    #[test]
    fn the_known_state_and_the_flags_decide_about_each_row() {
        let status = Some(404);
        let at = Timestamp::from(std::time::SystemTime::UNIX_EPOCH);
        let all = [
            None,
            Some(RowState::NotSent),
            Some(RowState::Rejected { status, due: false }),
            Some(RowState::Rejected { status, due: true }),
            Some(RowState::Unknown { status }),
            Some(RowState::Accepted { at }),
        ];
        for known in all {
            for retry_rejected in [false, true] {
                for resend_unknown in [false, true] {
                    let selection = Selection { retry_rejected, resend_unknown, limit: None, known: None };
                    let sent = matches!(decide(known, selection), Decision::Send(_));
                    let expected = match known {
                        None | Some(RowState::NotSent | RowState::Rejected { due: true, .. }) => true,
                        Some(RowState::Rejected { .. }) => retry_rejected,
                        Some(RowState::Unknown { .. }) => resend_unknown,
                        Some(_) => false,
                    };
                    assert_eq!(sent, expected, "{known:?} {selection:?}");
                    let sent_as_unknown = matches!(decide(known, selection), Decision::Send(Prior::Unknown));
                    let is_unknown = matches!(known, Some(RowState::Unknown { .. }));
                    assert_eq!(sent_as_unknown, resend_unknown && is_unknown);
                }
            }
        }
    }

    #[test]
    fn the_time_counts_the_intervals_between_the_rows() {
        let plan = |count| Plan { tasks: vec![Task { index: 0, prior: Prior::NotSent }; count], ..Plan::default() };
        let rate = "60/m".parse().ok();
        assert_eq!(plan(0).time_at(rate), Some(Duration::ZERO));
        assert_eq!(plan(61).time_at(rate), Some(Duration::from_secs(60)));
        assert_eq!(plan(61).time_at(None), None);
    }
}

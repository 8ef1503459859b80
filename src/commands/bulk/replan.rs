//! Who goes out: what the journal knows before it is locked, the plan that follows from it, and whether that plan still
//! holds once the journal is locked.

use std::fs::{self, TryLockError};
use std::path::Path;

use super::prepare::{Prepared, SANDBOX};
use crate::bulk::journal::{JournalError, Recovered, RunSeen, Seen, first_run, open_to_read, see};
use crate::bulk::known::{Known, Own};
use crate::bulk::plan::{Choice, Plan, Task, key_of};
use crate::bulk::rivals::Rivals;
use crate::bulk::rows::Row;
use crate::settings::bulk::OnKnown;

/// What a plan said that was shown.
#[derive(Debug)]
pub(super) struct Shown {
    tasks: Vec<Task>,
    accepted: u64,
    /// Whether people go out whatever other lists know of them, without a question.
    sends_known: bool,
}

impl Shown {
    pub(super) const fn count(&self) -> u64 {
        self.tasks.len() as u64
    }

    pub(super) fn of(plan: Plan, sends_known: bool) -> Self {
        Self { tasks: plan.tasks, accepted: plan.accepted, sends_known }
    }

    /// Whether a plan sends to nobody else than those who were shown, each of whom the same was said.
    fn covers(&self, plan: &Plan) -> bool {
        // Both are in the order of the list.
        let mut shown = self.tasks.iter();
        plan.accepted >= self.accepted && plan.tasks.iter().all(|task| shown.any(|other| other == task))
    }
}

/// Whether two names stand for one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

impl Prepared {
    /// What the journal knows, without locking or making it. Nothing, when a new one is to be begun.
    pub(super) fn look(&self) -> Result<Seen, JournalError> {
        if !self.dry_run {
            self.check_alone()?;
        }
        if self.bulk.fresh {
            self.check_replaceable()?;
            return Ok(Seen::default());
        }
        match see(&self.journal) {
            Err(JournalError::Missing { .. }) => Ok(Seen::default()),
            seen => seen,
        }
    }

    /// Whether the journal may be set aside: what was rehearsed must not stand in the place of what was sent.
    fn check_replaceable(&self) -> Result<(), JournalError> {
        let of_others = |run: &RunSeen| self.service == SANDBOX && run.service != SANDBOX;
        match first_run(&self.journal).filter(of_others) {
            Some(run) => Err(JournalError::NoRehearsal { path: self.journal.clone(), url: run.url }),
            None => Ok(()),
        }
    }

    /// Whether no other run is at work with this journal: what it has under way would look unknown. The lock itself is
    /// taken when the journal is opened.
    fn check_alone(&self) -> Result<(), JournalError> {
        // First of all: `chmod 600`, which a list of others' mode would get to hear, is no help here.
        if is_same_file(&self.journal, Path::new(&self.name)) {
            return Err(JournalError::TheList { path: self.journal.clone() });
        }
        let file = match open_to_read(&self.journal) {
            Err(JournalError::Missing { .. }) => return Ok(()),
            opened => opened?,
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: self.journal.clone() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    /// Which rows go out, by what the journal knows once it is locked. Nobody is sent to of whom the plan that was shown
    /// said something else: another run may have begun a new journal meanwhile.
    pub(super) fn plan_again(&self, known: &Recovered, shown: &Shown) -> Result<Plan, JournalError> {
        let plan = self.plan(known);
        if !shown.sends_known && self.knows_more_elsewhere(known)? {
            return Err(JournalError::KnownSince);
        }
        if !shown.covers(&plan) {
            return Err(JournalError::Changed { path: self.journal.clone() });
        }
        Ok(plan)
    }

    /// Whether other lists know people by now whom they did not know when the plan was made: the question may have waited
    /// for a long time, with other lists under way meanwhile.
    fn knows_more_elsewhere(&self, known: &Recovered) -> Result<bool, JournalError> {
        if self.elsewhere.still_holds(&self.folder, self.own(known))? {
            return Ok(false);
        }
        let now = self.look_elsewhere(known)?;
        Ok(now.rows.iter().any(|(index, _)| self.elsewhere.of(*index).is_none()))
    }

    /// Which rows go out, by what the journal knows.
    pub(super) fn plan(&self, known: &Recovered) -> Plan {
        let key_of = |row: &Row| key_of(&self.service, &self.cname, row);
        let rows = &self.list.rows;
        Plan::new(rows, known, &self.elsewhere, key_of, self.choice())
    }

    /// The journal of this run, which knows this much.
    fn own(&self, known: &Recovered) -> Own<'_> {
        Own { journal: &self.journal, succeeds: self.bulk.fresh || !known.states.is_empty() }
    }

    /// The journals of runs that may be at work with other lists.
    pub(super) fn rivals(&self) -> Option<Rivals> {
        let is_asked = self.bulk.known != Some(OnKnown::Send);
        is_asked.then(|| Rivals::new(&self.folder, &self.journal, self.elsewhere.lengths()))
    }

    const fn choice(&self) -> Choice {
        Choice {
            retry_rejected: self.bulk.retry_rejected,
            resend_unknown: self.bulk.resend_unknown,
            limit: self.bulk.limit,
            known: self.bulk.known,
        }
    }

    /// Who of those that would be mailed is known from other lists.
    pub(super) fn look_elsewhere(&self, known: &Recovered) -> Result<Known, JournalError> {
        let key_of = |row: &Row| key_of(&self.service, &self.cname, row);
        let rows = &self.list.rows;
        // The journal holds back whom it knows at most.
        let count = rows.len().saturating_sub(known.states.len());
        Known::look(&self.folder, self.own(known), &self.service, count, || {
            Plan::candidates(rows, known, key_of, self.choice())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::plan::Before;

    fn plan(tasks: &[(u32, Before)], accepted: u64) -> Plan {
        let task = |&(index, before): &(u32, Before)| Task { index, before };
        Plan { tasks: tasks.iter().map(task).collect(), accepted, ..Plan::default() }
    }

    #[test]
    fn nobody_goes_out_of_whom_the_plan_that_was_shown_said_something_else() {
        use Before::{Due, NotSent, Unknown};
        let shown = Shown::of(plan(&[(0, NotSent), (1, NotSent), (4, Due)], 1), false);
        for (tasks, accepted, covered) in [
            (&[(0, NotSent), (1, NotSent), (4, Due)][..], 1, true),
            // Another run was at work.
            (&[(1, NotSent)], 3, true),
            (&[], 4, true),
            // It was, and the limit now lets others out, though no more of them.
            (&[(1, NotSent), (4, Due), (5, NotSent)], 2, false),
            // It left somebody unknown.
            (&[(0, Unknown), (1, NotSent)], 2, false),
            // It began a new journal.
            (&[(0, NotSent)], 0, false),
        ] {
            assert_eq!(shown.covers(&plan(tasks, accepted)), covered, "{tasks:?}");
        }
    }
}

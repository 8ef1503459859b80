//! Who goes out: what the journal knows before it is locked, the plan that follows from it, and whether that plan still
//! holds once the journal is locked.

use std::fs::{self, TryLockError};
use std::path::Path;

use super::prepare::Prepared;
use crate::bulk::journal::{JournalError, Recovered, Seen, open_to_read, see};
use crate::bulk::plan::{Choice, Plan, key_of};

/// What a plan said that was shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    count: u64,
    accepted: u64,
}

impl Shown {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            count: plan.count(),
            accepted: plan.accepted,
        }
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
            return Ok(Seen::default());
        }
        match see(&self.journal) {
            Err(JournalError::Missing { .. }) => Ok(Seen::default()),
            seen => seen,
        }
    }

    /// Whether no other run is at work with this journal: what it has under way would look unknown. The lock itself is
    /// taken when the journal is opened.
    fn check_alone(&self) -> Result<(), JournalError> {
        let file = match open_to_read(&self.journal) {
            Err(JournalError::Missing { .. }) => return Ok(()),
            opened => opened?,
        };
        if is_same_file(&self.journal, Path::new(&self.name)) {
            return Err(JournalError::TheList {
                path: self.journal.clone(),
            });
        }
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked {
                path: self.journal.clone(),
            }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    /// Which rows go out, by what the journal knows once it is locked. Nobody is sent to of whom the plan that was shown
    /// said something else: another run may have begun a new journal meanwhile.
    pub(super) fn plan_again(
        &self,
        known: &Recovered,
        shown: &Shown,
    ) -> Result<Plan, JournalError> {
        let plan = self.plan(known);
        if plan.count() > shown.count || plan.accepted < shown.accepted {
            return Err(JournalError::Changed {
                path: self.journal.clone(),
            });
        }
        Ok(plan)
    }

    /// Which rows go out, by what the journal knows.
    pub(super) fn plan(&self, known: &Recovered) -> Plan {
        let choice = Choice {
            retry_rejected: self.bulk.retry_rejected,
            resend_unknown: self.bulk.resend_unknown,
            limit: self.bulk.limit,
        };
        let url = self.request.url.as_str();
        Plan::new(
            &self.list.rows,
            known,
            |row| key_of(url, &self.cname, row),
            choice,
        )
    }
}

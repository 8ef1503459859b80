//! What a worker holds of a journal.

use std::sync::Arc;

use super::error::{JournalStopped, Stage};
use super::queue::{Queue, Ticket};
use super::record::{self, Intent, Person};
use crate::api::outcome::Outcome;

/// Writes down what a worker is about to do and what came of it. Clones share one journal.
#[derive(Clone)]
pub struct JournalHandle {
    queue: Arc<Queue>,
}

impl JournalHandle {
    pub(super) fn new(queue: &Arc<Queue>) -> Self {
        Self { queue: Arc::clone(queue) }
    }

    /// Writes an intent down and returns when it is on the disk: only then may its request be sent. Whatever was left
    /// before it is on the disk then as well.
    ///
    /// # Errors
    /// [`JournalStopped`] when it is not surely there, because this or an earlier write or sync failed: the request must
    /// not be sent, and no other either.
    pub fn intend(&self, intent: &Intent<'_>) -> Result<(), JournalStopped> {
        let record = record::intent(intent);
        let ticket = self.queue.put(&record, Some(Stage::Sync))?;
        self.queue.sleep(ticket, Stage::Sync)
    }

    /// Leaves word of what came of an attempt, and does not wait until it is written: for that there is
    /// [`JournalHandle::written`].
    ///
    /// The last record of a row decides. A row that may have been mailed by an earlier attempt stays unknown when a later
    /// one was refused or never left: give the outcome of all attempts together.
    pub fn conclude(&self, person: &Person<'_>, attempt: u64, outcome: Outcome, status: Option<u16>) -> Ticket {
        let record = record::end(person, attempt, outcome, status);
        self.queue.put(&record, None).unwrap_or(Ticket::NEVER)
    }

    /// The same for a refusal whose reason is not the row's: the next run sends it unasked.
    pub fn conclude_due(&self, person: &Person<'_>, attempt: u64, status: Option<u16>) -> Ticket {
        let record = record::due(person, attempt, status);
        self.queue.put(&record, None).unwrap_or(Ticket::NEVER)
    }

    /// Why the journal takes no more, if that is so: then no request may be sent, whatever is on the disk.
    pub fn stopped(&self) -> Option<JournalStopped> {
        self.queue.stopped()
    }

    /// Returns when a record is written: it survives the end of the program. It survives a power failure from the next
    /// group of intents on, or from the end of the run; until then its row would come back as unknown, which mails
    /// nobody. Nobody is told of an outcome before that.
    ///
    /// # Errors
    /// [`JournalStopped`] when it could not be written. The row comes back as unknown.
    pub fn written(&self, ticket: Ticket) -> Result<(), JournalStopped> {
        if self.queue.has_reached(ticket, Stage::Write) {
            return Ok(());
        }
        self.queue.line_up(ticket, Stage::Write);
        self.queue.sleep(ticket, Stage::Write)
    }
}

//! The rows that a run still has to send, and in which order: those that were throttled first, then those
//! whose turn was taken from them by a wait, then the rest of the list.

use std::collections::VecDeque;
use std::time::Instant;

use super::event::RowEnd;
use super::journal::RowKey;
use super::plan::Before;
use crate::api::outcome::{AttemptResult, Class, Outcome};

/// What is known of a row while it is sent.
#[derive(Debug)]
pub struct Pending {
    /// Its place in the list.
    pub index: u32,
    /// What was known of it before this run.
    pub before: Before,
    /// Its name in the journal.
    pub key: RowKey,
    /// How often it was sent.
    pub attempts: u64,
    /// How many of these were refused with the wish to wait: these do not count against the row.
    pub waits: u64,
    /// How many of these went alone, right after a wait.
    pub alone: u64,
    /// When it was begun.
    pub start: Instant,
    /// What came of it so far.
    pub result: Option<AttemptResult>,
}

impl Pending {
    /// The end of a row. With `due`, a refusal leaves it to be sent by the next run.
    pub fn end(self, due: bool) -> Option<RowEnd> {
        let result = self.result.filter(|_| self.attempts > 0)?;
        Some(RowEnd {
            index: self.index,
            before: self.before,
            due: match result.outcome {
                Outcome::NotSent => true,
                Outcome::Rejected => due,
                Outcome::Accepted | Outcome::Unknown => false,
            },
            result,
            attempts: self.attempts,
            elapsed: self.start.elapsed(),
            unwritten: false,
        })
    }
}

/// What stands for an earlier run that left a row unknown.
pub fn earlier() -> AttemptResult {
    AttemptResult {
        outcome: Outcome::Unknown,
        class: Class::BrokenReply,
        status: None,
        says: None,
        retry_after: None,
        location: None,
        cause: Some("an earlier run may have mailed this person already".to_owned()),
    }
}

/// What a worker is to send next.
#[derive(Debug)]
pub enum Work {
    /// The task at this place of the plan.
    Fresh(usize),
    /// A row that was begun.
    Begun(Box<Pending>),
}

/// What is left.
#[derive(Debug, Default)]
pub struct Backlog {
    refused: VecDeque<Box<Pending>>,
    held: VecDeque<Box<Pending>>,
    next: usize,
    tasks: usize,
}

impl Backlog {
    /// So many tasks, of which none was begun.
    pub fn new(tasks: usize) -> Self {
        Self { tasks, ..Self::default() }
    }

    /// Whether nobody is left.
    pub fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.held.is_empty() && self.next >= self.tasks
    }

    /// Who is sent next.
    pub fn take(&mut self) -> Option<Work> {
        if let Some(begun) = self.take_begun() {
            return Some(Work::Begun(begun));
        }
        let task = self.next;
        (task < self.tasks).then(|| {
            self.next += 1;
            Work::Fresh(task)
        })
    }

    /// A row that was begun and is not under way.
    pub fn take_begun(&mut self) -> Option<Box<Pending>> {
        self.refused.pop_front().or_else(|| self.held.pop_front())
    }

    /// Takes back a row that was throttled.
    pub fn refused(&mut self, row: Box<Pending>) {
        self.refused.push_back(row);
    }

    /// Takes back a row that was not sent because a wait came in between. One that was refused before is refused still.
    pub fn held(&mut self, row: Box<Pending>) {
        if row.waits > 0 {
            self.refused.push_front(row);
        } else {
            self.held.push_back(row);
        }
    }
}

/// A row that was throttled so many times.
#[cfg(test)]
pub(super) fn begun(waits: u64) -> Box<Pending> {
    Box::new(Pending {
        index: 0,
        before: Before::NotSent,
        key: super::journal::key("", "", ""),
        attempts: waits,
        waits,
        alone: 0,
        start: Instant::now(),
        result: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(index: u32, waits: u64) -> Box<Pending> {
        let mut row = begun(waits);
        row.index = index;
        row
    }

    #[test]
    fn the_refused_go_first_and_fresh_ones_last() {
        let mut backlog = Backlog::new(2);
        backlog.held(row(10, 0));
        backlog.refused(row(20, 1));
        backlog.refused(row(21, 3));
        backlog.held(row(22, 2));
        let mut order = Vec::new();
        while let Some(work) = backlog.take() {
            order.push(match work {
                Work::Fresh(task) => u32::try_from(task).unwrap(),
                Work::Begun(row) => row.index,
            });
        }
        assert_eq!(order, [22, 20, 21, 10, 0, 1]);
        assert!(backlog.is_empty());
    }
}

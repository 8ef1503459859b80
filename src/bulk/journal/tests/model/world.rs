//! The states: the list, the journals on their disks, the runs with their workers, and what is true of each person.
//! Also the steps that may happen.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Outcome;
use super::disk::{Disk, Line};
use super::writing::Op;
use crate::bulk::plan::Plan;

pub(super) const PEOPLE: usize = 3;

/// What the service does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Service {
    /// The person is mailed.
    Mails,
    Refuses,
    /// It refuses for a reason that has nothing to do with the person.
    IsBusy,
    /// No connection can be established.
    IsDown,
}

/// What the client sees of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Lost,
    Last,
    TriesAgain,
}

/// What is true of a person, regardless of the journals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Truth {
    pub(super) mails: u8,
    /// Whether a request may have mailed them, as far as the client and the operator can know.
    pub(super) may_be_mailed: bool,
    /// What a run has read or shown of them, during the run. After it, the outcome in its journal counts as shown.
    pub(super) shown: Option<Outcome>,
    /// The place of the run that has shown it.
    pub(super) shown_at: usize,
}

/// A row that a worker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Work {
    pub(super) task: usize,
    pub(super) attempt: u64,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Its intent is queued, and may not be on the disk yet.
    Waits,
    /// Its request may be sent.
    Cleared,
    /// It waits for its retry.
    Rests,
}

/// A record that was passed to the writer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Queued {
    pub(super) line: Line,
    /// The task whose worker waits for it.
    pub(super) waits: Option<usize>,
    pub(super) event: Option<Ended>,
}

/// How a row ended, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ended {
    pub(super) task: usize,
    pub(super) outcome: Outcome,
    pub(super) is_due: bool,
    pub(super) attempts: u64,
}

/// It follows from the journal and the list, so it does not distinguish states.
#[derive(Debug, Clone)]
pub(super) struct Planned(pub(super) Arc<Plan>);

impl PartialEq for Planned {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Planned {}

impl Hash for Planned {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) plan: Planned,
    /// The people of its tasks, with the line of each in the list.
    pub(super) tasks: Vec<(usize, u64)>,
    /// How many tasks were taken.
    pub(super) taken: usize,
    pub(super) workers: Vec<Work>,
    pub(super) queued: Vec<Queued>,
    /// The batch that the writer has, and the calls that it still has to make.
    pub(super) batch: Vec<Queued>,
    pub(super) ops: Vec<Op>,
    pub(super) ended: Vec<Ended>,
    pub(super) is_synced: bool,
}

/// How often something may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Left {
    pub(super) runs: u8,
    pub(super) crashes: u8,
    pub(super) edits: u8,
    pub(super) resolutions: u8,
    pub(super) damages: u8,
    pub(super) merges: u8,
}

/// A promise that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Broken {
    MailedAgain,
    Forgotten,
    ShownAndLost,
    RefusedWithoutReason,
    WrongOutcome,
}

impl Broken {
    pub(super) const fn promise(self) -> &'static str {
        match self {
            Self::MailedAgain => "no one is mailed again",
            Self::Forgotten => "no one is forgotten",
            Self::ShownAndLost => "what was shown stays",
            Self::RefusedWithoutReason => "no journal is refused without a reason",
            Self::WrongOutcome => "no outcome is wrong",
        }
    }
}

/// A journal with the run that writes it, if there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) disk: Disk,
    pub(super) run: Option<Run>,
}

impl Place {
    /// Whether a run writes it, or it waits for a repair. Others that need this journal are refused.
    pub(super) const fn is_busy(&self) -> bool {
        self.run.is_some() || self.disk.is_damaged
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// Which version of the list there is.
    pub(super) list: usize,
    pub(super) places: Vec<Place>,
    pub(super) people: [Truth; PEOPLE],
    pub(super) left: Left,
    pub(super) broken: Option<Broken>,
}

/// How a run crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Crash {
    /// The process ends; what it wrote stays.
    Kill,
    /// The machine goes down. The number chooses what its disk has kept.
    PowerFailure(usize),
}

/// What may happen at one of the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) at: usize,
    pub(super) step: Step,
}

/// A task is named by its number. A crash has the number of calls that were made before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// A run of this version of the list.
    Begin(usize),
    CrashInBegin(usize, Crash),
    Take,
    /// The request is sent, and the service does this with it. The answer may be lost, and the row may be retried. A
    /// crash between request and answer is the same as a crash after a lost answer: neither leaves a record.
    Send(usize, Service, Answer),
    TryAgain(usize),
    Commit,
    /// The next call of a batch whose workers were released before its end.
    FinishBatch,
    CrashInCommit(usize, Crash),
    End,
    Crash(Crash),
    /// The operator finds out about a person.
    Resolve(usize),
    /// A durable line changes: a part of it, or all of it.
    Damage(usize, bool),
    Repair,
    /// All journals are merged into a new one, which is that of the whole list from now on. The others stay, or are
    /// removed.
    Merge(bool),
}

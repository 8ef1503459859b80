//! The states: the list, the journals on their disks, the runs with their workers, and what is true of each person. And
//! what may happen in each.

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
    /// It refuses for a reason that is not the person's own.
    IsBusy,
    /// No connection comes up.
    IsDown,
}

/// What the client makes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Lost,
    Last,
    TriesAgain,
}

/// What is true of a person, whatever the journals say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Truth {
    pub(super) mails: u8,
    /// Whether a request may have mailed them, by all that reached the client and the operator.
    pub(super) may_be_mailed: bool,
    /// What a run has read or shown of them, while it is there: when it is over, whatever its journal says may be shown.
    pub(super) shown: Option<Outcome>,
    /// Whose screen that is.
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
    /// Its intent is queued, and not surely on the disk.
    Waits,
    /// Its request may be sent.
    Cleared,
    /// It is going to be tried again.
    Rests,
}

/// A record that was handed to the writer.
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

/// Follows from the journal and the list, so that it tells no states apart.
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
    /// How many of them were taken.
    pub(super) taken: usize,
    pub(super) workers: Vec<Work>,
    pub(super) queued: Vec<Queued>,
    /// The batch that the writer has, and what is still to be done with it.
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
    /// Whether it is being written, or waits for a repair: whoever else needs its journal is refused.
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

/// How a run is cut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Crash {
    /// The process ends; what it wrote stays.
    Kill,
    /// The machine does, and this is what its disk has kept.
    PowerFailure(usize),
}

/// What may happen at one of the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) at: usize,
    pub(super) step: Step,
}

/// A task is named by its number; beside a crash stands how much was done before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// A run of this version of the list.
    Begin(usize),
    CrashInBegin(usize, Crash),
    Take,
    /// The request is sent, and the service does this with it. Its answer may be lost, and the row may be tried again. A
    /// crash between request and answer is one behind an answer that was lost: neither is written down.
    Send(usize, Service, Answer),
    TryAgain(usize),
    Commit,
    /// The rest of a batch whose workers were let go before its end.
    FinishBatch,
    CrashInCommit(usize, Crash),
    End,
    Crash(Crash),
    /// The operator finds out about a person.
    Resolve(usize),
    /// A durable line changes: some of it, or all.
    Damage(usize, bool),
    Repair,
    /// All journals are put together in a new one, which is that of the whole list from now on. The others stay, or are
    /// taken away.
    Merge(bool),
}

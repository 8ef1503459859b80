//! How large each machine is: which journals it has, and how often each thing may happen.

use std::sync::Mutex;

use super::disk::{Files, Memory};
use super::world::Left;
use super::world::Service::{IsBusy, IsDown, Mails, Refuses};
use super::{Fault, Folds, Life, header};

/// One journal: three people on two versions of a list, two workers, an operator, and at most two crashes.
pub(super) fn one_journal(fault: Option<Fault>) -> Life {
    let (runs, crashes, resolutions) = if is_full() { (3, 2, 1) } else { (2, 1, 1) };
    Life {
        files: Files::new(&["the whole list"]),
        service: header().service,
        first: Mutex::default(),
        folded: Memory::default(),
        folds: Folds::People,
        records: Memory::default(),
        ops: Memory::default(),
        images: Memory::default(),
        lists: &[&[0, 1], &[2, 1, 0]],
        services: [&[Mails, Refuses], &[Mails, IsDown], &[Mails]],
        workers: 2,
        apart: None,
        crashes_everywhere: false,
        at_once: false,
        asks_once: false,
        refused: Mutex::default(),
        left: Left { runs, crashes, edits: 1, resolutions, damages: 0, merges: 0 },
        fault,
    }
}

/// A journal in which any durable line may be damaged, and which is repaired. All of its lines are distinguished.
pub(super) fn damaged_journal(fault: Option<Fault>) -> Life {
    let (runs, resolutions) = if is_full() { (3, 1) } else { (2, 0) };
    Life {
        folds: Folds::Lines,
        lists: &[&[0, 1]],
        services: [&[Mails], &[Mails, IsBusy], &[]],
        workers: 1,
        left: Left { runs, crashes: 1, edits: 0, resolutions, damages: 1, merges: 0 },
        ..one_journal(fault)
    }
}

/// The journals of the whole list and of its two halves: the number of shards changes between runs.
pub(super) fn shards(fault: Option<Fault>) -> Life {
    let crashes = u8::from(is_full());
    Life {
        files: Files::new(&["the whole list", "1/2", "2/2"]),
        lists: &[&[0, 1, 2], &[2, 0, 1]],
        services: [&[Mails, IsDown], &[Mails], &[Mails]],
        workers: 1,
        left: Left { runs: 4, crashes, edits: 1, resolutions: 0, damages: 0, merges: 0 },
        ..one_journal(fault)
    }
}

/// The journal of the whole list, one of its only shard, and one of another machine, which are merged.
pub(super) fn merged(fault: Option<Fault>) -> Life {
    Life {
        files: Files::new(&["the whole list", "1/1", "another machine"]),
        lists: &[&[0]],
        services: [if is_full() { &[Mails, IsBusy] } else { &[Mails, Refuses] }, &[], &[]],
        workers: 1,
        apart: Some(2),
        crashes_everywhere: is_full(),
        left: Left { runs: 3, crashes: 1, edits: 0, resolutions: 1, damages: 0, merges: 1 },
        ..one_journal(fault)
    }
}

/// All of it at once: three people in two shards and the whole list, two workers, crashes, an edit of the list, and an
/// operator who resolves, repairs and merges.
///
/// To come to an end, it leaves out orders of steps that lead to the same state:
///
/// - What a worker passes to the writer is written in a batch of its own. The records of others in the same batch would
///   be written next, and a crash between two batches leaves what a crash within one batch leaves.
/// - Where no crash is possible, there is one worker.
/// - While a run is at one place, or damage waits for its repair, the other places only try what has to be refused.
///   Everything else there is about other people and another journal, so it can happen before or after.
/// - After a kill, unsynced lines count as synced, because the next run syncs them before it sends.
/// - The machine ends with the last run.
///
/// The smaller machines walk through these orders. They also distinguish lines that are equal here because the crate
/// reads the same in them. Where no line can be damaged any more, only outcomes are compared.
pub(super) fn everything(fault: Option<Fault>) -> Life {
    let (edits, damages) = if is_full() { (1, 1) } else { (0, 0) };
    Life {
        files: Files::new(&["the whole list", "1/2", "2/2"]),
        lists: &[&[0, 2], &[2, 1, 0]],
        services: [&[Mails, IsDown], &[Mails], &[Mails]],
        crashes_everywhere: true,
        at_once: true,
        left: Left { runs: 2, crashes: 1, edits, resolutions: 1, damages, merges: 1 },
        ..one_journal(fault)
    }
}

/// The same with two crashes and therefore three runs, but of an operator's and an editor's work only a merge.
pub(super) fn crashes_of_shards(fault: Option<Fault>) -> Life {
    Life { left: Left { runs: 3, crashes: 2, edits: 0, resolutions: 0, damages: 0, merges: 1 }, ..everything(fault) }
}

/// The same with all the work of an operator and an editor. The walk comes to its end after 6.1 million states, 736,000
/// of them at rest. It takes an optimized build (`--profile optimized`), a quarter of an hour of processor time and 4
/// GB of memory.
///
/// Whether damage prevents a run or a merge is tried once for each pair of journals: the damaged one, and the one of
/// the run. Each journal is read by itself, and one that cannot be read is enough. [`everything`] tries it with all
/// three journals.
pub(super) fn everything_and_two_crashes(fault: Option<Fault>) -> Life {
    Life {
        asks_once: true,
        left: Left { runs: 3, crashes: 2, edits: 1, resolutions: 1, damages: 1, merges: 1 },
        ..everything(fault)
    }
}

/// The size that `VESCLI_MODEL` chooses.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    /// What `cargo test` takes, in a few seconds.
    Small,
    /// A few minutes.
    Full,
    /// A quarter of an hour of processor time, in an optimized build.
    All,
}

#[expect(clippy::disallowed_methods, reason = "a variable for the tests alone, as the number of cases elsewhere")]
pub(super) fn size() -> Size {
    match std::env::var("VESCLI_MODEL").as_deref() {
        Ok("all") => Size::All,
        Ok("full") => Size::Full,
        _ => Size::Small,
    }
}

pub(super) fn is_full() -> bool {
    size() >= Size::Full
}

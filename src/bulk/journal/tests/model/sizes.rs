//! How large each machine is: which journals there are, and how often something may happen to them.

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

/// A journal in which any durable line may be damaged, and which is repaired. Its lines are all told apart.
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
/// To come to an end, it leaves out orders that lead to the same. What a worker hands over is written in a batch of its own,
/// because the others' records in the same batch would be written next, and a crash between two batches leaves what one in
/// a batch leaves. Where no crash can come, one worker is enough. While a run is at one place, or damage waits for its
/// repair, other places are only asked what has to be refused: the rest of what happens there is about other people and
/// another journal, so it can as well happen before or after. What a kill leaves unsynced counts as synced, because the next
/// run syncs it before it sends. The end of the last run is the end of all. The smaller models walk through these orders, and
/// through those of the lines, which are one here if the crate reads the same in them; where no line can be damaged any
/// more, it reads the outcomes alone.
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

/// The same with two crashes, which need a third run, and without what an operator and an editor do beside a merge.
pub(super) fn crashes_of_shards(fault: Option<Fault>) -> Life {
    Life { left: Left { runs: 3, crashes: 2, edits: 0, resolutions: 0, damages: 0, merges: 1 }, ..everything(fault) }
}

/// The same with all that an operator and an editor do. A walk from rest to rest comes to its end after 6.1 million states,
/// 736,000 of them at rest. It takes an optimized build (`--profile optimized`), a quarter of an hour of processor time and
/// 4 GB of memory.
///
/// Whether damage keeps away a run or a merge is asked once for each two journals: the damaged one, and that of who asks.
/// Each journal is read for itself, and one that cannot be read is enough. With all three it is asked in [`everything`].
pub(super) fn everything_and_two_crashes(fault: Option<Fault>) -> Life {
    Life {
        asks_once: true,
        left: Left { runs: 3, crashes: 2, edits: 1, resolutions: 1, damages: 1, merges: 1 },
        ..everything(fault)
    }
}

/// What `VESCLI_MODEL` asks for.
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

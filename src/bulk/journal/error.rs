//! Why a journal cannot be used, and why it accepts no more records.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::settings::bulk::Shard;

/// Why a line of a journal is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum LineFault {
    #[error("it is not a record of a journal")]
    NoRecord,
    #[error("its checksum is wrong: it was changed after it was written")]
    Crc,
    #[error("it contains zeros instead of text")]
    Zeros,
    #[error("a newer vescli wrote it")]
    Newer,
    #[error("no record of a run comes before it")]
    NoRun,
    #[error("it ends a request whose intent is missing")]
    NoIntent,
    #[error("the line break after it was changed")]
    NoLineBreak,
    #[error("it is longer than any record")]
    TooLong,
}

/// A damaged line, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamagedLine {
    /// The number of the line, from 1.
    pub line: u64,
    /// The offset of the line in bytes, from 0.
    pub offset: u64,
    pub fault: LineFault,
}

/// Why a journal cannot be opened, read or closed.
#[derive(Debug, Error)]
pub enum JournalError {
    #[error("there is no home folder to keep the journal in: name a file with --journal")]
    NoHome,
    #[error("the journal {} is not there", .path.display())]
    Missing { path: PathBuf },
    /// A file that cannot be used as a journal, or not as the journal of this run: the message.
    #[error("{0}")]
    Unfit(String),
    #[error("another run uses the journal {}: wait until it ends", .path.display())]
    Locked { path: PathBuf },
    #[error("the journal {} is damaged at line {}: {}; continuing could mail someone twice: see `vescli journal check` and `vescli journal repair`", .path.display(), .damage.line, .damage.fault)]
    Damaged { path: PathBuf, damage: DamagedLine },
    #[error("the journal {} belongs to {url}: use another file, or --fresh for a new journal", .path.display())]
    OtherTarget { path: PathBuf, url: String },
    #[error("the journal {} belongs to {url}, and a rehearsal does not replace it: use another file with --journal", .path.display())]
    NoRehearsal { path: PathBuf, url: String },
    #[error(
        "the list was sent with another number of shards, and {} not in {}: people known only there would be mailed again",
        shards(.missing),
        .folder.display()
    )]
    ShardsMissing { folder: PathBuf, missing: Vec<Shard> },
    #[error("{} is there already, and is not overwritten: name another file with --into", .path.display())]
    Exists { path: PathBuf },
    #[error("{} is the name of a shard's journal, and a merged journal is of the whole list: name another file with --into", .path.display())]
    NameOfShard { path: PathBuf },
    #[error("there is no run in these journals, so there is nothing to merge")]
    NothingToMerge,
    #[error("--fresh starts only the journal of this run again, and the journal {} of the same list knows people too: move or remove it first", .path.display())]
    FreshShard { path: PathBuf },
    #[error("the journal {} cannot be read: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the journal {} cannot be written: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("there is not enough space for the journal {} ({needed} bytes are needed): {source}", .path.display())]
    NoSpace { path: PathBuf, needed: u64, source: io::Error },
    #[error("{} is the list itself: name another file with --journal", .path.display())]
    TheList { path: PathBuf },
    #[error("the journal {} is not the one that the plan was made from; nothing was sent: run the command again to see what is left", .path.display())]
    Changed { path: PathBuf },
    #[error(
        "another run has just mailed people on this list; nothing was sent: run the command again to see who they are"
    )]
    KnownSince,
    #[error("cannot start the thread that writes the journal: the system starts no more threads")]
    NoThread,
}

/// A message names at most this many shards.
const SHARDS_NAMED_MAX: usize = 5;

fn shards(missing: &[Shard]) -> String {
    let named: Vec<String> = missing.iter().take(SHARDS_NAMED_MAX).map(Shard::to_string).collect();
    let more = missing.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match &named[..] {
        [shard] => format!("the journal of shard {shard} is"),
        shards => format!("the journals of shards {}{more} are", shards.join(", ")),
    }
}

impl JournalError {
    pub(super) fn unfit(path: &Path, why: &str) -> Self {
        Self::Unfit(format!("{} {why}", path.display()))
    }

    pub(super) fn reading(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(super) fn writing(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Stage {
    #[error("written")]
    Write,
    #[error("synced to the disk")]
    Sync,
}

/// How the file of a journal changed while a run wrote to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum JournalChange {
    #[error("was removed during the run: unless a copy is put back, the next run mails everyone again")]
    Removed,
    #[error("was moved or replaced during the run: put it back before the next run, which would mail everyone again")]
    Moved,
    #[error("was changed by another program during the run: see `vescli journal check` before the next run")]
    Changed,
}

/// Why the journal accepts no more records. Nothing may be sent any more.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalStopped {
    /// A write or a sync failed. Neither is retried: a second sync may succeed although the data is not on the disk.
    #[error("the journal {} could not be {stage}: {cause}", .path.display())]
    Failed { path: Arc<PathBuf>, stage: Stage, kind: io::ErrorKind, cause: Arc<str> },
    #[error("the journal {} {change}", .path.display())]
    Lost { path: Arc<PathBuf>, change: JournalChange },
    #[error("the journal {} is closed", .path.display())]
    Closed { path: Arc<PathBuf> },
}

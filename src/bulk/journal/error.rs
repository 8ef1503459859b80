//! Why a journal cannot be used, and why it took no more.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

/// What is wrong with a line of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Flaw {
    /// It does not look like a record.
    #[error("it is not a record of a journal")]
    NoRecord,
    /// The bytes are others than were written.
    #[error("its check sum does not fit: it was changed after it was written")]
    Crc,
    /// Zeros in place of text, as some file systems leave after a power failure.
    #[error("it holds zeros in place of text")]
    Zeros,
    /// A kind or version that is not known.
    #[error("a newer vescli wrote it")]
    Newer,
    /// The journal does not begin with a run.
    #[error("no record of a run stands before it")]
    NoRun,
    /// The line that belongs before it is gone.
    #[error("it ends a request whose beginning is missing")]
    NoIntent,
    /// A whole record, and behind it something that is neither a line break nor nothing.
    #[error("the line break behind it was changed")]
    NoBreak,
    /// Longer than any record.
    #[error("it is longer than any record")]
    TooLong,
}

/// A place that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The line, from 1 on.
    pub line: u64,
    /// Where the line begins, in bytes from 0 on.
    pub offset: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

/// Why a journal cannot be opened, read or closed.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Neither `XDG_STATE_HOME` nor a home folder.
    #[error("there is no home folder to keep the journal in: name a file with --journal")]
    NoHome,
    /// It is not there.
    #[error("the journal {} is not there", .path.display())]
    Missing { path: PathBuf },
    /// Another run holds it.
    #[error("another run holds the journal {}: wait for its end", .path.display())]
    Locked { path: PathBuf },
    /// A link, which could point anywhere.
    #[error("{} is a symbolic link: name the journal itself", .path.display())]
    Link { path: PathBuf },
    /// A folder, a FIFO, a device.
    #[error("{} is not a regular file: a journal has to be one", .path.display())]
    NotRegular { path: PathBuf },
    /// Somebody else's.
    #[error("{} belongs to user {owner}, not to you: it cannot be trusted", .path.display())]
    Owner { path: PathBuf, owner: u32 },
    /// Others can read or write it.
    #[error("{} is open to others (mode {mode:04o}): run `chmod 600` on it, if nobody else wrote into it", .path.display())]
    Exposed { path: PathBuf, mode: u32 },
    /// It is something else, such as the list.
    #[error("{} is not a journal", .path.display())]
    NotAJournal { path: PathBuf },
    /// Records are damaged.
    #[error("the journal {} is damaged at line {}: {}; to continue could mail someone twice: see `vescli journal check` and `vescli journal repair`", .path.display(), .damage.line, .damage.flaw)]
    Damaged { path: PathBuf, damage: Damage },
    /// It belongs to another URL.
    #[error("the journal {} belongs to {url}: use another file, or --fresh for a new journal", .path.display())]
    OtherTarget { path: PathBuf, url: String },
    /// It knows who was mailed, and a rehearsal would take its place.
    #[error("the journal {} belongs to {url}, and a rehearsal does not take its place: use another file with --journal", .path.display())]
    NoRehearsal { path: PathBuf, url: String },
    /// It cannot be read.
    #[error("the journal {} cannot be read: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    /// It cannot be made, written or synced.
    #[error("the journal {} cannot be written: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    /// The disk is full already.
    #[error("there is no room for the journal {} ({needed} bytes are needed): {source}", .path.display())]
    NoSpace { path: PathBuf, needed: u64, source: io::Error },
    /// It is the list that is to be sent.
    #[error("{} is the list itself: name another file with --journal", .path.display())]
    TheList { path: PathBuf },
    /// It knows less than it did when the plan was made.
    #[error("the journal {} is not the one that the plan was made from; nothing was sent: run the command again to see what is left", .path.display())]
    Changed { path: PathBuf },
    /// Another run has mailed people of this list since the plan was made.
    #[error(
        "another run has just mailed people on this list; nothing was sent: run the command again to see who they are"
    )]
    KnownSince,
    /// There is no thread to write it.
    #[error("no thread can be started that writes the journal: the system starts no more threads")]
    NoThread,
}

/// What the journal was doing when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Stage {
    /// Writing a record.
    #[error("written")]
    Write,
    /// Bringing it to the disk.
    #[error("synced to the disk")]
    Sync,
}

/// What happened to a journal while a run wrote into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Loss {
    /// No folder names it any more.
    #[error("was removed during the run: unless a copy is put back, the next run mails everyone again")]
    Removed,
    /// It is somewhere else, or another file is in its place.
    #[error("was moved or replaced during the run: put it back before the next run, which would mail everyone again")]
    Moved,
    /// It was cut, or somebody else wrote into it.
    #[error("was changed by another program during the run: see `vescli journal check` before the next run")]
    Changed,
}

/// Why the journal takes no more records. Nothing may be sent from now on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalStopped {
    /// A write or a sync failed. Neither is tried again, because a second one may lie.
    #[error("the journal {} could not be {stage}: {cause}", .path.display())]
    Failed { path: Arc<PathBuf>, stage: Stage, kind: io::ErrorKind, cause: Arc<str> },
    /// It is not where it was, or not what it was: another run would not find what this one has written.
    #[error("the journal {} {loss}", .path.display())]
    Lost { path: Arc<PathBuf>, loss: Loss },
    /// It was closed.
    #[error("the journal {} is closed", .path.display())]
    Closed { path: Arc<PathBuf> },
}

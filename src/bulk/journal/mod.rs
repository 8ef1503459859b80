//! The journal of a bulk run: append-only NDJSON that records for each row whether it was mailed. An intent is on the
//! disk before the first byte of its request is sent. So even if the program is killed, no one is mailed twice and no
//! one is forgotten.
//!
//! ```text
//! {"v":2,"t":"run","id":…,"url":…,"service":…,"tenant":…,"cname":…,"list":…,"input_sha256":…,"rows":500,"vescli":"x.y.z","user":…,"host":…,"job":…,"at":…,"crc":"…"}
//! {"t":"intent","key":…,"row":17,"email":…,"cname":…,"attempt":1,"at":…,"crc":"…"}
//! {"t":"synced","bytes":4711,"crc":"…"}
//! {"t":"accepted|rejected|not_sent|unknown","key":…,"attempt":1,"status":200,"at":…,"email":…,"cname":…,"crc":"…"}
//! {"t":"resolved","key":…,"as":"accepted|not_sent|unknown","at":…,"crc":"…"}
//! ```
//!
//! The last record of a key decides; an intent without an end is unknown. `synced` says how many bytes before it are on
//! the disk. Damage after the last `synced` may be from a power failure; any other damage is real.

mod concurrent;
mod error;
mod file;
mod index;
mod key;
mod known;
mod merge;
mod merged;
mod open;
mod path;
mod people;
mod record;
mod repair;
mod run_record;
mod scan;
mod single;
mod writer;

/// The primitives that the writer uses to share memory. A test compiles the writer a second time, with the primitives
/// of `shuttle` instead of these, and runs it in thousands of interleavings.
mod sync {
    pub(super) use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
    pub(super) use std::sync::{Arc, Weak};
    pub(super) use std::thread::{Builder, JoinHandle};
}

#[cfg(test)]
mod tests;

pub use concurrent::ConcurrentRuns;
pub use error::{DamagedLine, JournalChange, JournalError, JournalStopped, LineFault, Stage};
pub use file::lock_to_remove;
pub(crate) use file::open_to_read;
pub use index::{Index, index_of, people_in, update_index};
pub(in crate::bulk) use key::hex;
pub use key::{KeyHasher, RowKey, fold_name, key, service_of};
pub use known::{KnownElsewhere, KnownList, OwnJournal, OwnRun, Siblings};
pub use merge::{Merged, merge};
pub use open::{Journal, OpenMode, Snapshot, take_snapshot};
pub use path::{
    JournalPlace, ListName, SANDBOX, are_siblings, default_path, journal_folder, journal_of_shard, journals_in,
    leave_out_set_aside, leftovers_in, named_after,
};
pub use people::{IntentDetails, People, PersonState, ever_accepted, find_intents, intents_of, recent_attempts};
pub use record::{End, Intent, ListedPerson, Person, Resolution, RowState, RunHeader};
pub use repair::{DamagedJournal, Repaired};
pub use run_record::{Author, RunRecord};
pub use scan::{Counts, Recovered, Scan, Tail, begins_like_a_journal, excerpt, first_run, inspect, scan};
pub use single::{SINGLE_SENDS, SingleSend, path_of_single_sends};
pub use writer::{Delivered, JournalHandle, Writer};

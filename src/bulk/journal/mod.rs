//! The journal of a bulk run: append-only NDJSON that knows of every row whether it was mailed. An intent is on the disk
//! before the first byte of its request leaves, so that whatever ends the program, nobody is mailed twice unasked and
//! nobody is forgotten.
//!
//! ```text
//! {"v":2,"t":"run","id":…,"url":…,"service":…,"tenant":…,"cname":…,"list":…,"input_sha256":…,"rows":500,"vescli":"x.y.z","at":…,"crc":"…"}
//! {"t":"intent","key":…,"row":17,"email":…,"cname":…,"attempt":1,"at":…,"crc":"…"}
//! {"t":"synced","bytes":4711,"crc":"…"}
//! {"t":"accepted|rejected|not_sent|unknown","key":…,"attempt":1,"status":200,"at":…,"email":…,"cname":…,"crc":"…"}
//! {"t":"resolved","key":…,"as":"accepted|not_sent|unknown","at":…,"crc":"…"}
//! ```
//!
//! The last record of a key decides; an intent without an end is unknown. `synced` says how many bytes before it are surely
//! on the disk: damage behind the last such record is what a power failure leaves, all other damage is real.

mod error;
mod file;
mod growth;
mod index;
mod key;
mod line;
mod look;
mod moment;
mod open;
mod path;
mod place;
mod record;
mod recovery;
mod repair;
mod state;
mod sync;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{Damage, Flaw, JournalError, JournalStopped, Loss, Stage};
pub use growth::{Growth, identity_at};
pub use index::{Contents, index_of, keep_index, people_in};
pub(in crate::bulk) use key::hex;
pub use key::{KeyHasher, RowKey, fold_name, key, service_of};
pub use look::{Seen, excerpt, first_run, look, look_for, see};
pub use moment::Moment;
pub use open::{Journal, OpenMode, RunHeader};
pub use path::{default_path, journal_folder, kept_in, leftovers_in, named_after};
pub use place::lock_to_remove;
pub(crate) use place::open_to_read;
pub use record::{End, Intent, Person, Settled};
pub use recovery::{Event, Scan, Tail, begins_like_a_journal, intents_of, scan};
pub use repair::{DamagedJournal, Listed, Repaired};
pub use state::{Counts, Recovered, RowState, RunSeen};
pub use writer::{Delivered, JournalHandle, Writer};

//! The journal of a bulk run: append-only NDJSON that knows of every row whether it was mailed. An intent is on the disk
//! before the first byte of its request leaves, so that whatever ends the program, nobody is mailed twice unasked and
//! nobody is forgotten.
//!
//! ```text
//! {"v":1,"t":"run","id":…,"url":…,"tenant":…,"input_sha256":…,"rows":500,"vescli":"x.y.z","at":…,"crc":"…"}
//! {"t":"intent","key":…,"row":17,"email":…,"cname":…,"attempt":1,"at":…,"crc":"…"}
//! {"t":"accepted|rejected|not_sent|unknown","key":…,"attempt":1,"status":200,"at":…,"crc":"…"}
//! {"t":"resolved","key":…,"as":"accepted|not_sent","at":…,"crc":"…"}
//! ```
//!
//! The last record of a key decides; an intent without an end is unknown.

mod error;
mod handle;
mod key;
mod line;
mod look;
mod moment;
mod open;
mod path;
mod place;
mod queue;
mod record;
mod recovery;
mod state;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{Damage, Flaw, JournalError, JournalStopped, Stage};
pub use handle::JournalHandle;
pub(in crate::bulk) use key::hex;
pub use key::{KeyHasher, RowKey, key};
pub use look::{Seen, excerpt, look, look_for, see};
pub use moment::Moment;
pub use open::{Journal, OpenMode, RunHeader};
pub use path::{default_path, kept_in, state_folder};
pub(crate) use place::open_to_read;
pub use queue::Ticket;
pub use record::{Intent, Settled};
pub use recovery::{Scan, Tail, Told, intents_of, scan};
pub use state::{Counts, Recovered, RowState, RunSeen};
pub use writer::Summary;

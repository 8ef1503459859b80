//! Finds the people in a journal for a run of another list: first from an index, then from new lines while another run
//! writes them.
//!
//! The index has an entry of 17 bytes for each person who is accepted or unknown. So a list can be compared with a
//! million people in other journals in less than a second. The index is only a cache: if it does not match its journal,
//! it is made again from the journal.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::JournalError;
use super::file::{self, FileId, rewound};
use super::key::{KeySet, RowKey};
use super::record::{Record, RowState};
use super::scan::{Lines, scan};
use crate::api::outcome::Outcome;
use crate::settings::clock::Timestamp;

/// The extension of an index.
pub(super) const EXTENSION: &str = "index";
/// An index of another version is made again.
const VERSION: u32 = 1;
/// An index has the CRC of this many bytes of its journal, to recognise that journal.
const PROBE_BYTES: u64 = 4096;
/// The longest first line of an index.
const HEADER_BYTES_MAX: u64 = 64 * 1024;
/// The length of an entry: the key, and one byte for the outcome.
const ENTRY_BYTES: usize = 17;
/// A run updates the index of its journal after this many new bytes; for fewer, the next reader does it.
const INDEX_AFTER_BYTES: u64 = 4 * 1024 * 1024;

/// The people in a journal: the first line of its index, and the entries after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    v: u32,
    /// Device and inode of the journal.
    device: u64,
    number: u64,
    /// The bytes of the journal that the index covers, and the CRC of the last of them.
    covered: u64,
    probe: u32,
    /// Whether the journal contains a run of version 1: such a journal can only be read from its beginning.
    whole: bool,
    /// The service; empty if the journal contains no run.
    pub service: String,
    /// The list of its last run: a path, `-`, or nothing for a journal of version 1.
    pub list: Option<String>,
    last_accepted: Option<u32>,
    last_run: Option<u32>,
    #[serde(rename = "entries")]
    crc: u32,
    #[serde(skip)]
    entries: Vec<u8>,
    /// Whether people may be missing because of damage.
    #[serde(skip)]
    pub is_damaged: bool,
}

impl Index {
    /// All entries, in the order of the journal. The last entry of a person counts; `None` cancels an earlier one.
    pub fn people(&self) -> impl DoubleEndedIterator<Item = (RowKey, Option<Outcome>)> {
        self.entries.as_chunks::<ENTRY_BYTES>().0.iter().map(|entry| {
            let mut key = [0; 16];
            key.copy_from_slice(&entry[..16]);
            let outcome = match entry[16] {
                1 => Some(Outcome::Accepted),
                2 => Some(Outcome::Unknown),
                _ => None,
            };
            (RowKey(key), outcome)
        })
    }

    /// When the last person was accepted; without one, when the last run began.
    pub fn at(&self) -> Option<Timestamp> {
        self.last_accepted.or(self.last_run).map(Timestamp::of_seconds)
    }

    fn add_entry(&mut self, key: RowKey, outcome: Outcome) {
        self.entries.extend_from_slice(&key.bytes());
        self.entries.push(match outcome {
            Outcome::Accepted => 1,
            Outcome::Unknown => 2,
            Outcome::Rejected | Outcome::NotSent => 0,
        });
    }

    /// Reads the index of a journal; nothing if it is missing or incomplete.
    fn load(journal: &Path) -> Option<Self> {
        let mut reader = BufReader::new(file::open_to_read(&index_of(journal)).ok()?);
        let mut first = Vec::new();
        reader.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut first).ok()?;
        let mut found: Self = serde_json::from_slice(&first).ok()?;
        reader.read_to_end(&mut found.entries).ok()?;
        let is_whole = found.v == VERSION
            && found.entries.len().is_multiple_of(ENTRY_BYTES)
            && found.crc == crc32fast::hash(&found.entries);
        is_whole.then_some(found)
    }

    /// Whether it was made from this journal, and the rest of the journal can be read without the beginning.
    fn fits(&self, file: &File, file_id: Option<FileId>) -> io::Result<bool> {
        let length = file.metadata()?.len();
        let is_same = file_id == Some((self.device, self.number)) && self.covered <= length;
        Ok(is_same && (!self.whole || self.covered == length) && self.probe == probe(file, self.covered)?)
    }

    /// Adds the new lines of the journal. Returns the outcome on an unfinished last line separately, because that line
    /// may change.
    fn read_new_lines(&mut self, file: &File) -> io::Result<Vec<(RowKey, Outcome)>> {
        let mut lines = Lines::of_file(file, self.covered)?;
        let mut open = KeySet::default();
        let mut tail = Vec::new();
        while let Some(line) = lines.advance()? {
            let record = lines.record();
            // A last line that a run is writing now may be incomplete. It is not damage, and is read again later.
            self.is_damaged |= record.is_err() && line.terminated;
            let ended = record.ok().and_then(|record| self.add_record(record, &mut open));
            if line.terminated {
                self.covered += line.length;
                ended.inspect(|(key, outcome)| self.add_entry(*key, *outcome));
            } else {
                tail.extend(ended);
            }
        }
        // People without an end so far. A later end has an entry after this one, and decides.
        for key in open {
            self.add_entry(key, Outcome::Unknown);
        }
        Ok(tail)
    }

    /// Takes a record. Returns the outcome of its person if it is an end or a resolution.
    fn add_record(&mut self, record: Record, open: &mut KeySet) -> Option<(RowKey, Outcome)> {
        match record {
            Record::Run(run) => {
                self.whole |= run.version == 1;
                self.last_run = Some(run.at.seconds());
                (self.service, self.list) = (run.service, run.list);
            }
            Record::Row { key, state: RowState::Intended { .. }, .. } => {
                open.insert(key);
            }
            Record::Row { key, state, .. } => {
                if let RowState::Accepted { at } = state {
                    self.last_accepted = self.last_accepted.max(Some(at.seconds()));
                }
                open.remove(&key);
                return Some((key, state.effective()));
            }
            Record::Synced { .. } => {}
        }
        None
    }

    /// Writes the index of a journal, and replaces the old one.
    fn save(&self, journal: &Path) -> io::Result<()> {
        let mut first = serde_json::to_vec(self)?;
        first.push(b'\n');
        let path = index_of(journal);
        let temporary = file::temporary_path(&path);
        let written = file::make_file(&temporary).and_then(|mut file| {
            file.write_all(&first)?;
            file.write_all(&self.entries)?;
            fs::rename(&temporary, &path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// Reads the people in a journal: from its index, and from the lines that the index does not cover. Updates the index.
///
/// # Errors
/// [`JournalError`] when the journal cannot be read. Damage is not an error: the valid lines are used.
pub fn people_in(path: &Path) -> Result<Index, JournalError> {
    let file = file::open_to_read(path)?;
    read_people(&file, path).map_err(JournalError::reading(path))
}

/// Updates the index of a journal that has grown much. Failures are not reported: it is only a cache.
pub fn update_index(path: &Path) {
    if index_of(path) == path {
        // The user gave a journal the name of an index.
        return;
    }
    let covered = Index::load(path).map_or(0, |found| found.covered);
    let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length.saturating_sub(covered) >= INDEX_AFTER_BYTES {
        let _ = people_in(path);
    }
}

/// The path of a journal's index.
pub fn index_of(journal: &Path) -> PathBuf {
    journal.with_extension(EXTENSION)
}

fn read_people(file: &File, path: &Path) -> io::Result<Index> {
    let file_id = file::file_id(file);
    let mut index = match Index::load(path) {
        Some(found) if found.fits(file, file_id)? => found,
        _ => Index::default(),
    };
    let before = index.covered;
    let tail = index.read_new_lines(file)?;
    let is_new = index.covered > before && !index.is_damaged;
    if let (true, Some((device, number))) = (is_new, file_id) {
        (index.v, index.device, index.number) = (VERSION, device, number);
        index.probe = probe(file, index.covered)?;
        index.crc = crc32fast::hash(&index.entries);
        // If this fails, the next reader tries again.
        let _ = index.save(path);
    }
    for (key, outcome) in tail {
        index.add_entry(key, outcome);
    }
    if index.is_damaged {
        // Damage from a power failure hides no one: nothing was sent because of these lines.
        index.is_damaged = !scan(BufReader::new(rewound(file)?))?.damage.is_empty();
    }
    Ok(index)
}

/// The CRC of the last bytes before an offset.
fn probe(file: &File, end: u64) -> io::Result<u32> {
    Ok(crc32fast::hash(&file::bytes_before(file, end, PROBE_BYTES)?))
}

//! Who is in a journal, read for the run of another list: by an index, and by following the journal while another run writes it.
//!
//! The index of a journal contains who is accepted or unknown, as keys of 17 bytes, so that a list can be compared with a
//! million people in other journals in less than a second. It is made from the journal, grows with it, and is only a
//! cache: an index that does not fit its journal in every respect is made again.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::JournalError;
use super::file::{self, Identity};
use super::key::{KeySet, RowKey};
use super::record::{self, LINE_MAX, Record};
use super::scan::{Keys, next_line, scan};
use crate::api::outcome::Outcome;
use crate::settings::clock::Timestamp;

/// The ending of an index's name.
pub(super) const EXTENSION: &str = "index";
/// An index of another version is made again.
const VERSION: u32 = 1;
/// Bytes of the journal before the end of what is covered, by which it is known again.
const PROBE: u64 = 4096;
/// Longest first line.
const HEADER_MAX: u64 = 64 * 1024;
/// Bytes of an entry: the key and what is known.
const ENTRY: usize = 17;
/// A run updates the index of its journal after this many new bytes; otherwise the next reader does it.
const WORTH: u64 = 4 * 1024 * 1024;

/// The first line of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    v: u32,
    /// Device and number of the journal.
    device: u64,
    number: u64,
    /// How far it was read, and the CRC of the last bytes before that.
    covered: u64,
    probe: u32,
    /// Whether a run of version 1 is in it: its ends cannot be read without all that comes before them.
    whole: bool,
    service: String,
    list: Option<String>,
    last_accepted: Option<u32>,
    last_run: Option<u32>,
    entries: u32,
}

/// The contents of a journal, as far as other lists need them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its service; empty if no run has begun.
    pub service: String,
    /// The list of its last run: a path, `-`, or nothing for a journal of version 1.
    pub list: Option<String>,
    /// When the last person was accepted; if no one was, when the last run began.
    pub at: Option<Timestamp>,
    /// Whether damage may hide someone.
    pub is_damaged: bool,
    entries: Vec<u8>,
}

impl Contents {
    /// Everyone, in the order of the journal; the last entry of a person counts. `None` cancels an earlier entry.
    pub fn people(&self) -> impl Iterator<Item = (RowKey, Option<Outcome>)> {
        self.entries.as_chunks::<ENTRY>().0.iter().map(|entry| {
            let mut key = [0; 16];
            key.copy_from_slice(&entry[..16]);
            let outcome = match entry[16] {
                1 => Some(Outcome::Accepted),
                2 => Some(Outcome::Unknown),
                _ => None,
            };
            (RowKey::of_bytes(key), outcome)
        })
    }

    fn add(&mut self, key: RowKey, outcome: Outcome) {
        self.entries.extend_from_slice(&key.bytes());
        self.entries.push(match outcome {
            Outcome::Accepted => 1,
            Outcome::Unknown => 2,
            Outcome::Rejected | Outcome::NotSent => 0,
        });
    }
}

/// Who is in a journal, by its index as far as that goes; a newer index is kept.
///
/// # Errors
/// [`JournalError`] when the journal cannot be read. Damage is not an error: what is valid is used.
pub fn people_in(path: &Path) -> Result<Contents, JournalError> {
    let file = file::open_to_read(path)?;
    read_people(&file, path).map_err(JournalError::reading(path))
}

/// Updates the index of a journal that has grown much. Nothing depends on it, so failures are not reported.
pub fn keep_index(path: &Path) {
    if index_of(path) == path {
        // The user gave a journal the name of an index.
        return;
    }
    let covered = || Some(load(path)?.0.covered);
    let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length.saturating_sub(covered().unwrap_or_default()) >= WORTH {
        let _ = people_in(path);
    }
}

/// The file of a journal's index.
pub fn index_of(journal: &Path) -> PathBuf {
    journal.with_extension(EXTENSION)
}

fn read_people(file: &File, path: &Path) -> io::Result<Contents> {
    let identity = file::identity(file);
    let (mut header, mut contents) = match load(path) {
        Some((header, entries)) if fits(&header, file, identity)? => {
            let contents = Contents { entries, ..Contents::default() };
            (header, contents)
        }
        _ => (Header::default(), Contents::default()),
    };
    let length = file.metadata()?.len();
    if header.whole && header.covered < length {
        (header, contents) = (Header::default(), Contents::default());
    }
    let before = header.covered;
    let tail = follow(file, &mut header, &mut contents)?;
    let is_new = header.covered > before && !contents.is_damaged;
    if let (true, Some((device, number))) = (is_new, identity) {
        (header.v, header.device, header.number) = (VERSION, device, number);
        header.probe = probe(file, header.covered)?;
        header.entries = crc32fast::hash(&contents.entries);
        // If this fails, the next reader makes it.
        let _ = keep(path, &header, &contents.entries);
    }
    for (key, outcome) in tail {
        contents.add(key, outcome);
    }
    if contents.is_damaged {
        // What a power failure has left hides no one: a run of that list removes it.
        let mut file = file;
        file.rewind()?;
        contents.is_damaged = !scan(BufReader::new(file))?.damage.is_empty();
    }
    contents.at = header.last_accepted.or(header.last_run).map(Timestamp::of_seconds);
    (contents.service, contents.list) = (header.service, header.list);
    Ok(contents)
}

/// The index in its file, if the file is complete.
fn load(journal: &Path) -> Option<(Header, Vec<u8>)> {
    let mut reader = BufReader::new(file::open_to_read(&index_of(journal)).ok()?);
    let mut first = Vec::new();
    reader.by_ref().take(HEADER_MAX).read_until(b'\n', &mut first).ok()?;
    let header: Header = serde_json::from_slice(&first).ok()?;
    let mut entries = Vec::new();
    reader.read_to_end(&mut entries).ok()?;
    let is_whole =
        header.v == VERSION && entries.len().is_multiple_of(ENTRY) && header.entries == crc32fast::hash(&entries);
    is_whole.then_some((header, entries))
}

/// Whether an index was made from this journal as it is now.
fn fits(header: &Header, file: &File, identity: Option<Identity>) -> io::Result<bool> {
    let is_same = identity == Some((header.device, header.number));
    Ok(is_same && header.covered <= file.metadata()?.len() && header.probe == probe(file, header.covered)?)
}

/// The CRC of the last bytes before a place.
fn probe(mut file: &File, end: u64) -> io::Result<u32> {
    let start = end.saturating_sub(PROBE);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(crc32fast::hash(&bytes))
}

/// Reads what is new in the journal. The content of an unfinished last line is returned separately: it may change.
fn follow(mut file: &File, header: &mut Header, contents: &mut Contents) -> io::Result<Vec<(RowKey, Outcome)>> {
    file.seek(SeekFrom::Start(header.covered))?;
    let mut reader = BufReader::new(file);
    let mut keys = Keys::default();
    let mut open = KeySet::default();
    let mut kept = Vec::new();
    let mut tail = Vec::new();
    while let Some(line) = next_line(&mut reader, &mut kept, LINE_MAX)? {
        let record = record::read(&kept).and_then(|record| keys.translate(record, &kept));
        let Ok(record) = record else {
            // What a run is writing now may be incomplete: it is read again later.
            if line.terminated {
                contents.is_damaged = true;
                header.covered += line.length;
            }
            continue;
        };
        let ended = header.take(record, &mut open);
        if line.terminated {
            header.covered += line.length;
            ended.inspect(|(key, outcome)| contents.add(*key, *outcome));
        } else {
            tail.extend(ended);
        }
    }
    // Someone whose end is still to come. It will follow this record and decide.
    for key in open {
        contents.add(key, Outcome::Unknown);
    }
    Ok(tail)
}

impl Header {
    /// Adds a record, and returns the state of its person after it.
    fn take(&mut self, record: Record, open: &mut KeySet) -> Option<(RowKey, Outcome)> {
        let about = record.about();
        match record {
            Record::Run(run) => {
                self.whole |= run.version == 1;
                self.last_run = Some(run.at.seconds());
                (self.service, self.list) = (run.service, run.list);
            }
            Record::Intent { key, .. } => {
                open.insert(key);
                return None;
            }
            Record::End { outcome: Outcome::Accepted, at, .. } => {
                self.last_accepted = self.last_accepted.max(Some(at.seconds()));
            }
            Record::End { .. } | Record::Resolved { .. } | Record::Synced { .. } => {}
        }
        about.inspect(|(key, _)| {
            open.remove(key);
        })
    }
}

/// Replaces the index.
fn keep(journal: &Path, header: &Header, entries: &[u8]) -> io::Result<()> {
    let mut first = serde_json::to_vec(header)?;
    first.push(b'\n');
    let path = index_of(journal);
    let beside = file::beside_name(&path);
    let written = file::make_file(&beside).and_then(|mut file| {
        file.write_all(&first)?;
        file.write_all(entries)?;
        fs::rename(&beside, &path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A journal, and how far it was followed.
#[derive(Debug)]
pub struct JournalFollower {
    path: PathBuf,
    identity: Option<Identity>,
    offset: u64,
}

/// Device and number of the file that a path leads to.
pub fn identity_at(path: &Path) -> Option<Identity> {
    file::identity_of(&fs::symlink_metadata(path).ok()?)
}

impl JournalFollower {
    /// Follows a journal from this many bytes on. That may be in the middle of a line.
    pub fn after(path: &Path, length: u64) -> Self {
        Self {
            path: path.to_owned(),
            identity: identity_at(path),
            // A record that was being written is read again from its beginning.
            offset: length.saturating_sub(LINE_MAX as u64),
        }
    }

    /// Whether it is the journal with this name.
    pub fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Returns everyone who has a new record, and whether they may have been mailed. What cannot be read is ignored: it could
    /// not be read for the plan either.
    pub fn follow(&mut self, mut found: impl FnMut(RowKey, bool)) {
        let Ok(metadata) = fs::symlink_metadata(&self.path) else {
            return;
        };
        let identity = file::identity_of(&metadata);
        if identity != self.identity || metadata.len() < self.offset {
            (self.identity, self.offset) = (identity, 0);
        }
        if metadata.len() == self.offset {
            return;
        }
        let Ok(mut file) = file::open_to_read(&self.path) else {
            return;
        };
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return;
        }
        let mut reader = BufReader::new(file);
        let mut kept = Vec::new();
        while let Ok(Some(line)) = next_line(&mut reader, &mut kept, LINE_MAX) {
            if !line.terminated {
                return;
            }
            self.offset += line.length;
            if let Some((key, outcome)) = record::read(&kept).ok().and_then(|record| record.about()) {
                found(key, matches!(outcome, Outcome::Accepted | Outcome::Unknown));
            }
        }
    }
}

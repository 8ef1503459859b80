//! Follows a journal that another run may be writing.

use std::fs;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::key::RowKey;
use super::line;
use super::place::{self, Identity};
use super::record::{self, LINE_MAX, Record};
use crate::api::outcome::Outcome;

/// A journal, and how far it was followed.
#[derive(Debug)]
pub struct Growth {
    path: PathBuf,
    identity: Option<Identity>,
    offset: u64,
}

/// Device and number of the file that a path leads to.
pub fn identity_at(path: &Path) -> Option<Identity> {
    place::identity_of(&fs::symlink_metadata(path).ok()?)
}

impl Growth {
    /// Follows what comes to a journal after this many bytes. That may be in the middle of a line.
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

    /// Gives everybody about whom something has come to the journal, and whether they may have been mailed. What cannot be
    /// read is passed over: it could not be read for the plan either.
    pub fn follow(&mut self, mut found: impl FnMut(RowKey, bool)) {
        let Ok(metadata) = fs::symlink_metadata(&self.path) else {
            return;
        };
        let identity = place::identity_of(&metadata);
        if identity != self.identity || metadata.len() < self.offset {
            (self.identity, self.offset) = (identity, 0);
        }
        if metadata.len() == self.offset {
            return;
        }
        let Ok(mut file) = place::open_to_read(&self.path) else {
            return;
        };
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return;
        }
        let mut reader = BufReader::new(file);
        let mut kept = Vec::new();
        while let Ok(Some(line)) = line::next(&mut reader, &mut kept, LINE_MAX) {
            if !line.terminated {
                return;
            }
            self.offset += line.length;
            match record::read(&kept) {
                Ok(Record::Intent { key, .. }) => found(key, true),
                Ok(Record::End { key, outcome, .. }) => found(key, is_mailed(outcome)),
                Ok(Record::Resolved { key, settled }) => found(key, is_mailed(settled.outcome())),
                Ok(Record::Run(_) | Record::Synced { .. }) | Err(_) => {}
            }
        }
    }
}

const fn is_mailed(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Accepted | Outcome::Unknown)
}

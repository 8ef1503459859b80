//! The file of an open journal: it knows how long it has to be and where it has to stand, so that a journal that was
//! removed, moved or cut under the run is noticed before anything more is sent on its strength.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::Loss;
use super::place::{self, Identity};
use super::record;

/// Where records end up.
pub(super) trait Store: Send + 'static {
    /// Writes all of the bytes behind what is there.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Whether it still is where the next run looks for it, with everything that was written.
    fn check(&mut self) -> Result<(), Loss>;
    /// Returns when everything that was written survives a power failure.
    fn sync(&mut self) -> io::Result<()>;
    /// Writes down that everything so far is on the disk. Only after a sync that went well.
    fn mark(&mut self) -> io::Result<()>;
    /// Gives back the room that was not used.
    fn trim(&mut self) -> io::Result<()>;
}

/// The file of an open journal.
#[derive(Debug)]
pub(super) struct JournalFile {
    file: File,
    path: PathBuf,
    identity: Option<Identity>,
    /// How long it is, by what was written.
    length: u64,
}

impl JournalFile {
    /// `length`: where the next record goes; the file ends there.
    pub(super) fn new(path: &Path, file: File, length: u64) -> Self {
        Self { path: path.to_owned(), identity: place::identity(&file), file, length }
    }
}

impl Store for JournalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn check(&mut self) -> Result<(), Loss> {
        let metadata = self.file.metadata().map_err(|_| Loss::Moved)?;
        if !place::leads_to(&self.path, self.identity) {
            let is_gone = place::is_removed(&metadata) && self.path.symlink_metadata().is_err();
            return Err(if is_gone { Loss::Removed } else { Loss::Moved });
        }
        if metadata.len() != self.length {
            return Err(Loss::Changed);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn mark(&mut self) -> io::Result<()> {
        let record = record::synced(self.length);
        self.write(record.as_bytes())
    }

    fn trim(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        // By hand: a child process that is being started this very moment still has the file, and with it the lock.
        let _ = self.file.unlock();
    }
}

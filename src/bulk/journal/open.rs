//! Opens a journal for a run: reads it, removes an unfinished end, reserves space, and syncs the run's own record
//! before anything is sent.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JournalError;
use super::file::{self, JournalFile, LockedJournal};
use super::key::RowKey;
use super::merged::time_of_resolution;
use super::path::EXTENSION;
use super::record::{self, Resolution, RunHeader};
use super::run_record::RunRecord;
use super::scan::{Recovered, Scan, Tail, read_valid};
use super::writer::{JournalHandle, Writer};
use crate::settings::clock::Timestamp;

/// The word before the time in the name of a journal that `--fresh` set aside.
const UNTIL: &str = "until";
/// The same for a damaged journal that was repaired.
pub(super) const DAMAGED: &str = "damaged";

/// What to do with an existing journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    Resume,
    /// Set it aside under another name, and begin a new one. It is never deleted, because it records who was mailed.
    Fresh,
}

/// A journal that is open and locked, with the record of the run on the disk.
#[derive(Debug)]
pub struct Journal(JournalFile);

impl Journal {
    /// Opens a journal for a run, and makes it if it is missing. On return the record of the run, the file and its new
    /// folders are on the disk, and there is space for all rows.
    ///
    /// # Errors
    /// [`JournalError`] when another run uses the journal, when it is damaged or not a journal, belongs to another URL,
    /// or cannot be written.
    pub fn open(path: &Path, mode: OpenMode, header: &RunHeader) -> Result<(Self, Recovered), JournalError> {
        Self::open_with_snapshot(path, mode, header, Snapshot::default())
    }

    /// The same with a snapshot. The journal is read again only if it has changed since the snapshot was taken.
    pub fn open_with_snapshot(
        path: &Path,
        mode: OpenMode,
        header: &RunHeader,
        snapshot: Snapshot,
    ) -> Result<(Self, Recovered), JournalError> {
        let mut journal = LockedJournal::open(path, true)?;
        if mode == OpenMode::Fresh && !journal.created {
            let (journal, length, old) = replace(path, header.bytes_to_reserve(), &header.record(), UNTIL)?;
            let recovered = Recovered { set_aside: Some(old), ..Recovered::default() };
            return Ok((Self(JournalFile::new(journal, length)), recovered));
        }
        let found = snapshot.if_unchanged(&journal.file).map_or_else(|| read_valid(&journal.file, path), Ok)?;
        let first = found.line_break().to_owned() + &header.record();
        let cut = if found.tail == Tail::Torn { found.length - found.valid } else { 0 };
        let recovered = Recovered { cut, ..found.recovered };
        if let Some(other) = recovered.runs.iter().find(|run| !run.is_to(&header.service, &header.url)) {
            return Err(JournalError::OtherTarget { path: path.to_owned(), url: other.url.clone() });
        }
        // The journal of a whole list, such as a merged journal, is valid for each shard. That of a shard is valid for
        // no other.
        if let Some(shard) = recovered.runs.last().and_then(RunRecord::own_shard)
            && header.shard != Some(shard)
        {
            return Err(JournalError::Unfit(format!(
                "the journal {} belongs to shard {shard}: add --shard {shard}, or merge the journals of all shards with `vescli journal merge`",
                path.display()
            )));
        }
        let length = begin(&mut journal, found.valid, header.bytes_to_reserve(), &first)?;
        Ok((Self(JournalFile::new(journal, length)), recovered))
    }

    /// Records resolutions in an existing journal.
    ///
    /// # Errors
    /// The error of `choose`, with the journal unchanged; [`JournalError`] when it is missing, used by another run, or
    /// damaged.
    pub fn resolve<E: From<JournalError>>(
        path: &Path,
        choose: impl FnOnce(&Recovered) -> Result<Vec<(RowKey, Resolution)>, E>,
    ) -> Result<(), E> {
        let mut journal = LockedJournal::open(path, false)?;
        let found = read_valid(&journal.file, path)?;
        let chosen = choose(&found.recovered)?;
        let keys: HashSet<RowKey> = chosen.iter().map(|(key, _)| *key).collect();
        let at = time_of_resolution(&journal.file, |key| keys.contains(&key)).map_err(JournalError::reading(path))?;
        let mut text = found.line_break().to_owned();
        text.extend(chosen.into_iter().map(|(key, resolution)| record::resolved(key, resolution, at)));
        let begun = begin(&mut journal, found.valid, 0, &text);
        journal.unlock();
        begun?;
        Ok(())
    }

    /// Starts the thread that writes. Each worker gets a clone of the handle.
    pub fn write<E: Send + 'static>(self) -> Result<(Writer<E>, JournalHandle<E>), JournalError> {
        Writer::start(self.0.path(), self.0).map_err(|_| JournalError::NoThread)
    }
}

/// The content of a journal when it was read, and the stamp that shows whether it has changed since.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub recovered: Recovered,
    /// None if there was no journal, or if it had an unfinished end.
    stamp: Option<FileStamp>,
}

/// The length of a file, the time of its last change, and its id. Runs only add to a journal or remove an unfinished
/// end, so the length alone shows whether a run has changed it. The other two show changes by other programs, such as
/// an editor.
type FileStamp = (u64, SystemTime, Option<file::FileId>);

fn file_stamp(file: &File) -> Option<FileStamp> {
    let metadata = file.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?, file::file_id(file)))
}

impl Snapshot {
    /// The content of the file, if it is unchanged since the snapshot.
    pub(super) fn if_unchanged(self, file: &File) -> Option<Scan> {
        let (length, ..) = self.stamp.filter(|stamp| file_stamp(file) == Some(*stamp))?;
        Some(Scan { recovered: self.recovered, valid: length, length, ..Scan::default() })
    }
}

/// Reads a journal that a run will continue.
///
/// # Errors
/// Those of [`super::inspect`], and [`JournalError::Damaged`].
pub fn take_snapshot(path: &Path) -> Result<Snapshot, JournalError> {
    let file = file::open_to_read(path)?;
    // Before the file is read: the stamp does not match if the file changes in between.
    let stamp = file_stamp(&file);
    let scan = read_valid(&file, path)?;
    let is_whole = |stamp: &FileStamp| scan.tail == Tail::None && scan.valid == stamp.0;
    Ok(Snapshot { stamp: stamp.filter(is_whole), recovered: scan.recovered })
}

/// Removes an unfinished end, reserves space, writes the first records, syncs, and writes a `synced` record. Returns
/// the new length of the journal.
pub(super) fn begin(journal: &mut LockedJournal, valid: u64, needed: u64, text: &str) -> Result<u64, JournalError> {
    let LockedJournal { path, file, folders, .. } = journal;
    let length = valid + text.len() as u64;
    let synced = record::synced(length);
    let no_space = |source| JournalError::NoSpace { path: path.clone(), needed, source };
    // This also frees the space that a killed run had reserved.
    file.set_len(valid).map_err(JournalError::writing(path))?;
    if needed > 0 {
        file::reserve(file, valid, needed).map_err(no_space)?;
    }
    let written = (|| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        folders.iter().try_for_each(|folder| file::sync_folder(folder))?;
        file.write_all(synced.as_bytes())
    })();
    written.map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_space(source),
        _ => JournalError::Write { path: path.clone(), source },
    })?;
    Ok(length + synced.len() as u64)
}

/// Replaces a locked journal by a new one that begins with this text. The new journal has a temporary name until the
/// last step, which sets the old one aside. So an earlier error leaves the old journal as it was, and other runs always
/// find a journal. Returns the new journal, its length, and the new path of the old one.
pub(super) fn replace(
    path: &Path,
    needed: u64,
    text: &str,
    word: &str,
) -> Result<(LockedJournal, u64, PathBuf), JournalError> {
    let (mut new, temporary) = LockedJournal::new_temporary(path)?;
    let replaced = begin(&mut new, 0, needed, text).and_then(|length| {
        if word == DAMAGED {
            // Syncs the `synced` record, too. It is the only one: without it, what a power failure leaves would look
            // like damage.
            new.file.sync_data().map_err(JournalError::writing(path))?;
        }
        Ok((length, set_aside(path, &temporary, word)?))
    });
    if replaced.is_err() {
        // No other run knows this file.
        let _ = fs::remove_file(&temporary);
    }
    let (length, old) = replaced?;
    Ok((new, length, old))
}

/// Renames a journal, and gives its name to the new one. Returns the new path of the old one.
fn set_aside(path: &Path, new: &Path, word: &str) -> Result<PathBuf, JournalError> {
    let failed = JournalError::writing(path);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let time = Timestamp::from(SystemTime::now()).to_string().replace(':', "");
    // Without an extension, a damaged journal is no longer found as a journal.
    let extension = match path.extension() {
        _ if word == DAMAGED => String::new(),
        None => format!(".{EXTENSION}"),
        Some(extension) => format!(".{}", extension.to_string_lossy()),
    };
    let numbers = (1..1000).map(|number| if number == 1 { String::new() } else { format!("-{number}") });
    let names = numbers.map(|number| format!("{stem}.{word}-{time}{number}{extension}"));
    let mut free = names.map(|name| path.with_file_name(name)).filter(|name| name.symlink_metadata().is_err());
    let target = free.next().ok_or_else(|| failed(io::ErrorKind::AlreadyExists.into()))?;
    // A hard link first, so that the path always exists. On a file system without hard links it is missing for a
    // moment.
    if fs::hard_link(path, &target).is_err() {
        fs::rename(path, &target).map_err(failed)?;
    }
    fs::rename(new, path).map_err(failed)?;
    file::sync_folder(file::folder_of(path)).map_err(failed)?;
    Ok(target)
}

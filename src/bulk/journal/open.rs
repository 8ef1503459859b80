//! Opens a journal for a run: reads what is there, removes an unfinished end, reserves space, and syncs the run's own
//! record before anything is sent.

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

/// The part of the name of a journal that was set aside, before the time.
const UNTIL: &str = "until";
/// The same for one that was repaired.
pub(super) const DAMAGED: &str = "damaged";

/// What to do with a journal that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Continue it.
    Resume,
    /// Set it aside under another name, and begin a new one. It is never deleted: it knows who was mailed.
    Fresh,
}

/// A journal that is open, locked and ready to be written.
#[derive(Debug)]
pub struct Journal(JournalFile);

impl Journal {
    /// Opens a journal for a run, and makes it if it is missing. On return the record of the run is on the disk, the file
    /// and the folders that were made for it are too, and there is room for every row.
    ///
    /// # Errors
    /// [`JournalError`] when another run uses it, it is damaged or not a journal, belongs to another URL, or cannot be
    /// written.
    pub fn open(path: &Path, mode: OpenMode, header: &RunHeader) -> Result<(Self, Recovered), JournalError> {
        Self::open_with_snapshot(path, mode, header, Snapshot::default())
    }

    /// The same for a journal that was just snapshot: when nothing has come to it since, it is not read once more.
    pub fn open_with_snapshot(
        path: &Path,
        mode: OpenMode,
        header: &RunHeader,
        snapshot: Snapshot,
    ) -> Result<(Self, Recovered), JournalError> {
        let mut place = LockedJournal::open(path, true)?;
        if mode == OpenMode::Fresh && !place.created {
            let (place, length, old) = replace(path, header.room(), &header.record(), UNTIL)?;
            let recovered = Recovered { set_aside: Some(old), ..Recovered::default() };
            return Ok((Self(JournalFile::new(place, length)), recovered));
        }
        let found = snapshot.if_unchanged(&place.file).map_or_else(|| read_valid(&place.file, path), Ok)?;
        let first = found.line_break().to_owned() + &header.record();
        let cut = if found.tail == Tail::Torn { found.length - found.valid } else { 0 };
        let recovered = Recovered { cut, ..found.recovered };
        if let Some(other) = recovered.runs.iter().find(|run| !run.is_to(&header.service, &header.url)) {
            return Err(JournalError::OtherTarget { path: path.to_owned(), url: other.url.clone() });
        }
        // A journal of the whole list, such as one that was merged, is valid for every shard; that of a shard for no other.
        if let Some(shard) = recovered.runs.last().and_then(RunRecord::own_shard)
            && header.shard != Some(shard)
        {
            return Err(JournalError::Unfit(format!(
                "the journal {} belongs to shard {shard}: add --shard {shard}, or join the journals of all shards with `vescli journal merge`",
                path.display()
            )));
        }
        let length = begin(&mut place, found.valid, header.room(), &first)?;
        Ok((Self(JournalFile::new(place, length)), recovered))
    }

    /// Opens a journal that is there, to write down what an operator found out about some people.
    ///
    /// # Errors
    /// The error of `choose`, with the journal unchanged; [`JournalError`] when it is missing, used by another run, or damaged.
    pub fn resolve<E: From<JournalError>>(
        path: &Path,
        choose: impl FnOnce(&Recovered) -> Result<Vec<(RowKey, Resolution)>, E>,
    ) -> Result<(), E> {
        let mut place = LockedJournal::open(path, false)?;
        let found = read_valid(&place.file, path)?;
        let chosen = choose(&found.recovered)?;
        let keys: HashSet<RowKey> = chosen.iter().map(|(key, _)| *key).collect();
        let at = time_of_resolution(&place.file, |key| keys.contains(&key)).map_err(JournalError::reading(path))?;
        let mut text = found.line_break().to_owned();
        text.extend(chosen.into_iter().map(|(key, resolution)| record::resolved(key, resolution, at)));
        let begun = begin(&mut place, found.valid, 0, &text);
        place.unlock();
        begun?;
        Ok(())
    }

    /// Starts the thread that writes. The handle is the first one; each worker has a clone of its own.
    pub fn write<E: Send + 'static>(self) -> Result<(Writer<E>, JournalHandle<E>), JournalError> {
        Writer::start(self.0.path(), self.0).map_err(|_| JournalError::NoThread)
    }
}

/// What a journal held when it was read, and how to see that it has not changed since.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The states of its rows.
    pub recovered: Recovered,
    /// None if there was no journal, or one with an unfinished end.
    mark: Option<FileStamp>,
}

/// How a file is recognised: its length, its last change and its identity. The content of a journal never changes: runs only
/// add to it, and only an unfinished end is ever removed. So as long as only vescli has written it, the length alone shows
/// whether it has new records; the other two are for changes by an editor.
type FileStamp = (u64, SystemTime, Option<file::FileId>);

fn file_stamp(file: &File) -> Option<FileStamp> {
    let metadata = file.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?, file::file_id(file)))
}

impl Snapshot {
    /// What the file contains, if it is unchanged since the snapshot.
    pub(super) fn if_unchanged(self, file: &File) -> Option<Scan> {
        let (length, ..) = self.mark.filter(|mark| file_stamp(file) == Some(*mark))?;
        Some(Scan { recovered: self.recovered, valid: length, length, ..Scan::default() })
    }
}

/// Reads a journal that a run is going to continue.
///
/// # Errors
/// As [`super::inspect`], and [`JournalError::Damaged`].
pub fn take_snapshot(path: &Path) -> Result<Snapshot, JournalError> {
    let file = file::open_to_read(path)?;
    // Taken before it is read: what comes in between makes it another one.
    let mark = file_stamp(&file);
    let scan = read_valid(&file, path)?;
    let is_whole = |mark: &FileStamp| scan.tail == Tail::None && scan.valid == mark.0;
    Ok(Snapshot { mark: mark.filter(is_whole), recovered: scan.recovered })
}

/// Removes an unfinished end, reserves space, writes the first records, syncs and records that it is synced. Returns how
/// long the journal is then.
pub(super) fn begin(place: &mut LockedJournal, valid: u64, needed: u64, text: &str) -> Result<u64, JournalError> {
    let LockedJournal { path, file, folders, .. } = place;
    let length = valid + text.len() as u64;
    let mark = record::synced(length);
    let no_space = |source| JournalError::NoSpace { path: path.clone(), needed, source };
    // Also gives back what a run reserved that was cut down.
    file.set_len(valid).map_err(JournalError::writing(path))?;
    if needed > 0 {
        file::reserve(file, valid, needed).map_err(no_space)?;
    }
    let written = (|| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        folders.iter().try_for_each(|folder| file::sync_folder(folder))?;
        file.write_all(mark.as_bytes())
    })();
    written.map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_space(source),
        _ => JournalError::Write { path: path.clone(), source },
    })?;
    Ok(length + mark.len() as u64)
}

/// Replaces a locked journal by a new one that begins with this text. The new one gets a temporary name, and the old one is
/// set aside in the last step: what fails before that leaves it as it was, and no other run ever finds the place empty.
/// Returns the new one, its length, and where the old one is kept.
pub(super) fn replace(
    path: &Path,
    needed: u64,
    text: &str,
    word: &str,
) -> Result<(LockedJournal, u64, PathBuf), JournalError> {
    let (mut new, beside) = LockedJournal::beside(path)?;
    let replaced = begin(&mut new, 0, needed, text).and_then(|length| {
        if word == DAMAGED {
            // The mark as well: it is the only one, and were it lost in a power failure, the rest of what is lost then
            // would look like damage.
            new.file.sync_data().map_err(JournalError::writing(path))?;
        }
        Ok((length, set_aside(path, &beside, word)?))
    });
    if replaced.is_err() {
        // No one knows of it yet.
        let _ = fs::remove_file(&beside);
    }
    let (length, old) = replaced?;
    Ok((new, length, old))
}

/// Keeps a journal under another name, which is returned, and gives its own to the new one.
fn set_aside(path: &Path, new: &Path, word: &str) -> Result<PathBuf, JournalError> {
    let failed = JournalError::writing(path);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let time = Timestamp::from(SystemTime::now()).to_string().replace(':', "");
    // A damaged one is kept as it is, but no longer counts as a journal.
    let extension = match path.extension() {
        _ if word == DAMAGED => String::new(),
        None => format!(".{EXTENSION}"),
        Some(extension) => format!(".{}", extension.to_string_lossy()),
    };
    let numbers = (1..1000).map(|number| if number == 1 { String::new() } else { format!("-{number}") });
    let names = numbers.map(|number| format!("{stem}.{word}-{time}{number}{extension}"));
    let mut free = names.map(|name| path.with_file_name(name)).filter(|name| name.symlink_metadata().is_err());
    let target = free.next().ok_or_else(|| failed(io::ErrorKind::AlreadyExists.into()))?;
    // A second name first, so that the path always exists. A file system without hard links cannot have that.
    if fs::hard_link(path, &target).is_err() {
        fs::rename(path, &target).map_err(failed)?;
    }
    fs::rename(new, path).map_err(failed)?;
    file::sync_folder(file::folder_of(path)).map_err(failed)?;
    Ok(target)
}

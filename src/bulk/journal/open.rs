//! Opens a journal for a run: what is there is read back, its torn end is cut, room is reserved, and the run's own record
//! is on the disk before anything is sent.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JournalError;
use super::path::EXTENSION;
use super::place::{self, Place};
use super::record::{self, Settled};
use super::recovery::{Scan, Tail, Told, intents_of, scan};
use super::state::Recovered;
use super::writer::{JournalHandle, Store, Summary, Writer};
use super::{RowKey, moment};

/// Bytes reserved for each row: its intent and its end, with an address and a cname of usual length.
const BYTES_PER_ROW: u64 = 512;

/// What to do with a journal that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Go on with it.
    Resume,
    /// Set it aside under another name, and begin a new one. It is never deleted: it knows who was mailed.
    Fresh,
}

/// What a run says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHeader {
    /// The full URL of its requests, as in [`super::key`].
    pub url: String,
    /// The tenant, if it was given.
    pub tenant: Option<String>,
    /// The SHA-256 of its list.
    pub input_sha256: String,
    /// How many rows its list has.
    pub rows: u64,
}

/// A journal that is open, locked and ready to be written. Dropped, it is closed as well, but errors are lost then.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    writer: Writer,
}

impl Journal {
    /// Opens a journal for a run, and makes it if it is missing. On return the record of the run is on the disk, the file
    /// and the folders that were made for it are too, and there is room for every row.
    ///
    /// # Errors
    /// [`JournalError`] when another run holds it, it is damaged or no file of ours, belongs to another URL, or cannot be
    /// written.
    pub fn open(
        path: &Path,
        mode: OpenMode,
        header: &RunHeader,
    ) -> Result<(Self, Recovered), JournalError> {
        let mut place = Place::open(path, true)?;
        let mut set_aside = None;
        if mode == OpenMode::Fresh && !place.created {
            set_aside = Some(move_away(path)?);
            // The lock on the old one is held until the new one is locked as well.
            let fresh = Place::open(path, true)?;
            place.folders.extend(fresh.folders);
            place.file = fresh.file;
        }
        let found = recover(&mut place, path)?;
        let mut recovered = found.recovered;
        recovered.cut = if found.tail == Tail::Torn {
            found.length - found.sound
        } else {
            0
        };
        recovered.set_aside = set_aside;
        if let Some(other) = recovered.runs.iter().find(|run| run.url != header.url) {
            return Err(JournalError::OtherTarget {
                path: path.to_owned(),
                url: other.url.clone(),
            });
        }
        let id = format!("{:016x}", fastrand::u64(..));
        let mut first = String::new();
        if found.tail == Tail::Unbroken {
            first.push('\n');
        }
        first.push_str(&record::run(&id, header));
        let needed = header.rows.saturating_mul(BYTES_PER_ROW);
        begin(&mut place, path, found.sound, needed, &first)?;
        let journal = Self::start(path, place.file);
        Ok((journal, recovered))
    }

    /// Opens a journal that is there, to write down what an operator found out.
    ///
    /// # Errors
    /// What `choose` says, with the journal unchanged; [`JournalError`] when it is missing, another run holds it, or it is
    /// damaged.
    pub fn settle<E: From<JournalError>>(
        path: &Path,
        choose: impl FnOnce(&Recovered) -> Result<(RowKey, Settled), E>,
    ) -> Result<(), E> {
        let mut place = Place::open(path, false)?;
        let found = recover(&mut place, path)?;
        let (key, settled) = choose(&found.recovered)?;
        let line_break = if found.tail == Tail::Unbroken {
            "\n"
        } else {
            ""
        };
        let text = format!("{line_break}{}", record::resolved(key, settled));
        let begun = begin(&mut place, path, found.sound, 0, &text);
        Store::release(&mut place.file);
        Ok(begun?)
    }

    fn start(path: &Path, file: fs::File) -> Self {
        Self {
            path: path.to_owned(),
            writer: Writer::start(path, file),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A handle for a worker.
    #[must_use]
    pub fn handle(&self) -> JournalHandle {
        self.writer.handle()
    }

    /// Writes and syncs what is left, gives back the room that was not used, and lets go of the lock.
    ///
    /// # Errors
    /// [`JournalError::Stopped`] when this or anything before it failed.
    pub fn close(self) -> Result<Summary, JournalError> {
        Ok(self.writer.close()?)
    }
}

/// Reads a journal without locking or changing it, for a plan and for `vescli journal`.
///
/// # Errors
/// [`JournalError`] when it is missing, no file of ours, or cannot be read. Damage is part of what is found.
pub fn look(path: &Path) -> Result<Scan, JournalError> {
    let file = place::open_to_read(path)?;
    scan(BufReader::new(file)).map_err(|source| JournalError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The last intent of each row of a journal that `wanted` picks by its key and `fits` by what it says.
///
/// # Errors
/// As [`look`].
pub fn look_for(
    path: &Path,
    wanted: impl Fn(RowKey) -> bool,
    fits: impl Fn(&Told) -> bool,
) -> Result<HashMap<RowKey, Told>, JournalError> {
    let file = place::open_to_read(path)?;
    intents_of(BufReader::new(file), wanted, fits).map_err(|source| JournalError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The first bytes from `offset` on, at most `length`: what a damaged line still holds.
///
/// # Errors
/// As [`look`].
pub fn excerpt(path: &Path, offset: u64, length: u64) -> Result<Vec<u8>, JournalError> {
    let mut file = place::open_to_read(path)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.take(length).read_to_end(&mut bytes))
        .map_err(|source| JournalError::Read {
            path: path.to_owned(),
            source,
        })?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    bytes.truncate(end.unwrap_or(bytes.len()));
    Ok(bytes)
}

fn recover(place: &mut Place, path: &Path) -> Result<Scan, JournalError> {
    let found = scan(BufReader::new(&place.file)).map_err(|source| JournalError::Read {
        path: path.to_owned(),
        source,
    })?;
    match found.damage.first() {
        Some(damage) => Err(JournalError::Damaged {
            path: path.to_owned(),
            damage: *damage,
        }),
        None => Ok(found),
    }
}

/// Cuts the torn end, makes room, writes the first text and brings all of it to the disk.
fn begin(
    place: &mut Place,
    path: &Path,
    sound: u64,
    needed: u64,
    text: &str,
) -> Result<(), JournalError> {
    let failed = |source| JournalError::Write {
        path: path.to_owned(),
        source,
    };
    let file = &mut place.file;
    // Also gives back what a run reserved that was cut down.
    file.set_len(sound).map_err(failed)?;
    if needed > 0 {
        place::reserve(file, sound, needed).map_err(|source| JournalError::NoSpace {
            path: path.to_owned(),
            needed,
            source,
        })?;
    }
    let written = (|| {
        file.seek(SeekFrom::Start(sound))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        place
            .folders
            .iter()
            .try_for_each(|folder| place::sync_folder(folder))
    })();
    written.map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::NoSpace {
            path: path.to_owned(),
            needed,
            source,
        },
        _ => failed(source),
    })
}

/// Moves a journal to a name of its own, with the time in it.
fn move_away(path: &Path) -> Result<PathBuf, JournalError> {
    let failed = |source| JournalError::Write {
        path: path.to_owned(),
        source,
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let time = moment::Moment::from(SystemTime::now())
        .to_string()
        .replace(':', "");
    let extension = path
        .extension()
        .map_or(EXTENSION.into(), |extension| extension.to_string_lossy());
    let names = (1..1000).map(|number| match number {
        1 => format!("{stem}.until-{time}.{extension}"),
        number => format!("{stem}.until-{time}-{number}.{extension}"),
    });
    let mut free = names
        .map(|name| path.with_file_name(name))
        .filter(|name| name.symlink_metadata().is_err());
    let target = free
        .next()
        .ok_or_else(|| failed(io::ErrorKind::AlreadyExists.into()))?;
    fs::rename(path, &target).map_err(failed)?;
    place::sync_folder(place::folder_of(path)).map_err(failed)?;
    Ok(target)
}

//! Opens a journal for a run: what is there is read back, its torn end is cut, room is reserved, and the run's own record
//! is on the disk before anything is sent.

use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JournalError;
use super::handle::JournalHandle;
use super::look::{Seen, sound};
use super::path::EXTENSION;
use super::place::{self, Place};
use super::record::{self, Settled};
use super::recovery::{Scan, Tail};
use super::state::Recovered;
use super::writer::{Store, Summary, Writer};
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

impl RunHeader {
    /// The record of a run that begins now.
    fn record(&self) -> String {
        record::run(&format!("{:016x}", fastrand::u64(..)), self)
    }

    /// The bytes that its rows may need.
    const fn room(&self) -> u64 {
        self.rows.saturating_mul(BYTES_PER_ROW)
    }
}

/// A journal that is open, locked and ready to be written. Dropped, it is closed as well, but errors are lost then.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    identity: Option<place::Identity>,
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
        Self::open_seen(path, mode, header, Seen::default())
    }

    /// The same for a journal that was just seen: when nothing has come to it since, it is not read once more.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_seen(
        path: &Path,
        mode: OpenMode,
        header: &RunHeader,
        seen: Seen,
    ) -> Result<(Self, Recovered), JournalError> {
        let mut place = Place::open(path, true)?;
        if mode == OpenMode::Fresh && !place.created {
            return Self::open_beside(&place, path, header);
        }
        let found = recover(&place, path, seen)?;
        let mut recovered = found.recovered;
        recovered.cut = if found.tail == Tail::Torn {
            found.length - found.sound
        } else {
            0
        };
        if let Some(other) = recovered.runs.iter().find(|run| run.url != header.url) {
            return Err(JournalError::OtherTarget {
                path: path.to_owned(),
                url: other.url.clone(),
            });
        }
        let mut first = String::new();
        if found.tail == Tail::Unbroken {
            first.push('\n');
        }
        first.push_str(&header.record());
        begin(&mut place, path, found.sound, header.room(), &first)?;
        let journal = Self::start(path, place.file);
        Ok((journal, recovered))
    }

    /// Begins a new journal in the place of one that is locked. All of it happens beside the old one, which is set aside
    /// in the last step: what fails before that leaves it as it was, and no other run ever finds the place empty.
    fn open_beside(
        _old: &Place,
        path: &Path,
        header: &RunHeader,
    ) -> Result<(Self, Recovered), JournalError> {
        let (mut place, beside) = Place::beside(path)?;
        let begun = begin(&mut place, path, 0, header.room(), &header.record());
        match begun.and_then(|()| set_aside(path, &beside)) {
            Ok(target) => {
                let recovered = Recovered {
                    set_aside: Some(target),
                    ..Recovered::default()
                };
                Ok((Self::start(path, place.file), recovered))
            }
            Err(error) => {
                // Nobody knows of it yet.
                let _ = fs::remove_file(&beside);
                Err(error)
            }
        }
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
        let found = sound(&place.file, path)?;
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
            identity: place::identity(&file),
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
    /// [`JournalError::Stopped`] when this or anything before it failed; [`JournalError::Gone`] when it no longer stands
    /// where the next run looks for it.
    pub fn close(self) -> Result<Summary, JournalError> {
        let summary = self.writer.close()?;
        if place::leads_to(&self.path, self.identity) {
            Ok(summary)
        } else {
            Err(JournalError::Gone { path: self.path })
        }
    }
}

/// What the journal holds; read anew unless it is just as it was seen.
fn recover(place: &Place, path: &Path, seen: Seen) -> Result<Scan, JournalError> {
    seen.still_holds(&place.file)
        .map_or_else(|| sound(&place.file, path), Ok)
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
/// Puts a new journal into the place of the old one, which keeps its content under another name. Gives back that name.
fn set_aside(path: &Path, new: &Path) -> Result<PathBuf, JournalError> {
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
    // A second name first, so that the place is never empty. A file system without them has to do without that.
    if fs::hard_link(path, &target).is_err() {
        fs::rename(path, &target).map_err(failed)?;
    }
    fs::rename(new, path).map_err(failed)?;
    place::sync_folder(place::folder_of(path)).map_err(failed)?;
    Ok(target)
}

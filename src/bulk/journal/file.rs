//! The file of a journal: its folder, opening it safely, the lock, space on the disk, and writing to it.
//!
//! It knows how long the file has to be and where it has to be, so that a journal that was removed, moved or cut during the
//! run is noticed before anything more is sent.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::iter;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::{JournalChange, JournalError};
use super::record;

/// How often a journal is opened again that was moved away just before it was locked.
const OPEN_TRIES: u32 = 5;

/// A journal that is open and locked.
#[derive(Debug)]
pub(super) struct LockedJournal {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Whether it was made just now.
    pub(super) created: bool,
    /// Folders that contain a new entry and have to be synced.
    pub(super) folders: Vec<PathBuf>,
}

impl LockedJournal {
    /// Opens the journal, and makes it and its folder if they are missing and `create` is set. Holds the lock.
    pub(super) fn open(path: &Path, create: bool) -> Result<Self, JournalError> {
        Self::open_with(path, create, lock)
    }

    /// The same, with the lock taken by `lock`.
    pub(super) fn open_with(
        path: &Path,
        create: bool,
        mut lock: impl FnMut(&File, &Path) -> Result<(), JournalError>,
    ) -> Result<Self, JournalError> {
        let mut folders = Vec::new();
        for _ in 0..OPEN_TRIES {
            let (file, created) = match open_existing(path, true) {
                Err(JournalError::Missing { .. }) if create => {
                    folders.extend(make_folder(path)?);
                    match make_file(path) {
                        // Another run was faster: its journal is opened, if it can be locked.
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                        made => (made.map_err(JournalError::writing(path))?, true),
                    }
                }
                opened => (opened?, false),
            };
            lock(&file, path)?;
            if leads_to(path, file_id(&file)) {
                return Ok(Self { path: path.to_owned(), file, created, folders });
            }
        }
        Err(JournalError::Locked { path: path.to_owned() })
    }

    /// Makes a locked file that will replace a journal, in the same folder, and returns its name.
    pub(super) fn beside(path: &Path) -> Result<(Self, PathBuf), JournalError> {
        let failed = JournalError::writing(path);
        let beside = beside_name(path);
        let file = make_file(&beside).map_err(failed)?;
        file.lock().map_err(failed)?;
        let (path, folders) = (path.to_owned(), vec![folder_of(path).to_owned()]);
        Ok((Self { path, file, created: true, folders }, beside))
    }

    /// Releases the lock. Explicitly: a child process that is just being started still has the file, and with it the lock.
    pub(super) fn unlock(&self) {
        let _ = self.file.unlock();
    }
}

/// Opens a journal for reading. A run may be writing it.
pub(crate) fn open_to_read(path: &Path) -> Result<File, JournalError> {
    open_existing(path, false)
}

/// Opens a journal that nothing comes to as long as it is open. It is only read, perhaps from a disk that can only be read.
pub(super) fn open_unwritten(path: &Path) -> Result<File, JournalError> {
    let file = open_to_read(path)?;
    let is_written = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    if is_written || !leads_to(path, file_id(&file)) {
        return Err(JournalError::Locked { path: path.to_owned() });
    }
    Ok(file)
}

/// The file, to be read from its beginning.
pub(super) fn rewound(mut file: &File) -> io::Result<&File> {
    file.rewind()?;
    Ok(file)
}

/// The last bytes before a place of a file, at most `most`.
pub(super) fn bytes_before(mut file: &File, end: u64, most: u64) -> io::Result<Vec<u8>> {
    let start = end.saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Locks a file that is about to be removed, so that no run is using it. The lock lasts as long as the file is open.
///
/// # Errors
/// [`JournalError::Locked`] when a run is using it, and whatever keeps it from being opened.
pub fn lock_to_remove(path: &Path) -> Result<File, JournalError> {
    let file = open_existing(path, true)?;
    lock(&file, path)?;
    Ok(file)
}

pub(super) fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::Locked { path: path.to_owned() },
        TryLockError::Error(source) => JournalError::writing(path)(source),
    })
}

/// The folder of a journal; the current one for a name alone.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes what is missing of the folder, readable by its owner only, and returns the folders whose entries are new.
fn make_folder(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let folder = folder_of(path);
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    let parents = missing.filter_map(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
    let changed = iter::once(folder).chain(parents).map(Path::to_owned).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).map_err(JournalError::writing(path))?;
    Ok(changed)
}

/// A name in the folder of a file for the file that will replace it.
pub(super) fn beside_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new-{:016x}", fastrand::u64(..)))
}

pub(super) fn make_file(path: &Path) -> io::Result<File> {
    let mut options = options(true);
    options.create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}

fn options(write: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    // At the end, wherever that is: what someone has cut must not become a hole of zeros.
    options.read(true).append(write);
    // Without waiting: opening a FIFO would wait for someone at its other end.
    #[cfg(unix)]
    options.custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed());
    options
}

fn open_existing(path: &Path, write: bool) -> Result<File, JournalError> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        metadata => metadata.map_err(JournalError::reading(path))?,
    };
    // Checked before it is opened, so that no device is touched, and again afterwards, because it may have changed.
    check(&metadata, path)?;
    let file = options(write).open(path).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            return JournalError::Missing { path: path.to_owned() };
        }
        if write { JournalError::writing(path)(source) } else { JournalError::reading(path)(source) }
    })?;
    let metadata = file.metadata().map_err(JournalError::writing(path))?;
    check(&metadata, path)?;
    Ok(file)
}

fn check(metadata: &Metadata, path: &Path) -> Result<(), JournalError> {
    if metadata.is_symlink() {
        return Err(JournalError::unfit(path, "is a symbolic link: name the journal itself"));
    }
    if !metadata.is_file() {
        return Err(JournalError::unfit(path, "is not a regular file: a journal has to be one"));
    }
    #[cfg(unix)]
    {
        let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
        if owner != rustix::process::geteuid().as_raw() {
            let why = format!("belongs to user {owner}, not to you: it cannot be trusted");
            return Err(JournalError::unfit(path, &why));
        }
        if mode & 0o077 != 0 {
            let advice = "run `chmod 600` on it, if no one else wrote to it";
            return Err(JournalError::unfit(path, &format!("is open to others (mode {mode:04o}): {advice}")));
        }
    }
    Ok(())
}

pub(super) type FileId = (u64, u64);

/// Device and inode: identify a file regardless of its path.
pub(super) fn file_id(file: &File) -> Option<FileId> {
    file_id_of(&file.metadata().ok()?)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as where files have no such thing")]
pub(super) fn file_id_of(metadata: &Metadata) -> Option<FileId> {
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) const fn file_id_of(_: &Metadata) -> Option<FileId> {
    None
}

/// Whether a path leads to the file with this identity: another run may have set it aside before it was locked, and
/// someone may have removed it.
pub(super) fn leads_to(path: &Path, file_id: Option<FileId>) -> bool {
    let there = fs::symlink_metadata(path).ok();
    file_id.is_none() || there.and_then(|metadata| file_id_of(&metadata)) == file_id
}

/// Reserves space after the end of a file without making it longer, so that every reader still sees only whole lines.
/// A file system that cannot do that is not an error: a full disk is then found by the first write that fails.
#[cfg(target_os = "linux")]
pub(super) fn reserve(file: &File, from: u64, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    loop {
        match fallocate(file, FallocateFlags::KEEP_SIZE, from, length) {
            Err(Errno::INTR) => {}
            Err(Errno::NOSPC) => return Err(Errno::NOSPC.into()),
            Err(Errno::DQUOT) => return Err(Errno::DQUOT.into()),
            Err(Errno::FBIG) => return Err(Errno::FBIG.into()),
            Err(Errno::IO) => return Err(Errno::IO.into()),
            Ok(()) | Err(_) => return Ok(()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux, where it can fail")]
pub(super) const fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

/// Syncs the entries of a folder.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Where records are written.
pub(super) trait Store: Send + 'static {
    /// Appends all of the bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Whether it still is where the next run looks for it, with everything that was written.
    fn check(&mut self) -> Result<(), JournalChange>;
    /// Returns when everything that was written survives a power failure.
    fn sync(&mut self) -> io::Result<()>;
    /// Records that everything so far is on the disk. Called only after a sync that succeeded.
    fn write_synced(&mut self) -> io::Result<()>;
    /// Frees the space that was reserved and not used.
    fn trim(&mut self) -> io::Result<()>;
}

/// The file of an open journal.
#[derive(Debug)]
pub(super) struct JournalFile {
    place: LockedJournal,
    file_id: Option<FileId>,
    /// How long it is, by what was written.
    length: u64,
}

impl JournalFile {
    /// `length`: where the next record goes; the file ends there.
    pub(super) fn new(place: LockedJournal, length: u64) -> Self {
        Self { file_id: file_id(&place.file), place, length }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.place.path.clone()
    }
}

impl Store for JournalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.place.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn check(&mut self) -> Result<(), JournalChange> {
        let metadata = self.place.file.metadata().map_err(|_| JournalChange::Moved)?;
        if !leads_to(&self.place.path, self.file_id) {
            // With another name it was moved.
            #[cfg(unix)]
            let has_name = metadata.nlink() > 0;
            #[cfg(not(unix))]
            let has_name = true;
            let is_gone = !has_name && self.place.path.symlink_metadata().is_err();
            return Err(if is_gone { JournalChange::Removed } else { JournalChange::Moved });
        }
        if metadata.len() != self.length {
            return Err(JournalChange::Changed);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.place.file.sync_data()
    }

    fn write_synced(&mut self) -> io::Result<()> {
        let record = record::synced(self.length);
        self.write(record.as_bytes())
    }

    fn trim(&mut self) -> io::Result<()> {
        self.place.file.set_len(self.length)
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        self.place.unlock();
    }
}

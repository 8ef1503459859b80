//! The file of a journal: its folder, safe opening, the lock, space on the disk, and writing.
//!
//! Path and length of the file are checked before each sync. So a run notices that its journal was removed, moved or
//! truncated before it sends anything more.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::iter;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::{JournalChange, JournalError};
use super::record;

/// How often a journal is opened if it is moved away each time before it is locked.
const OPEN_TRIES: u32 = 5;

/// A journal that is open and locked.
#[derive(Debug)]
pub(super) struct LockedJournal {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Whether it is new.
    pub(super) created: bool,
    /// Folders with a new entry, which have to be synced.
    pub(super) folders: Vec<PathBuf>,
}

impl LockedJournal {
    /// Opens and locks the journal. With `create`, makes the journal and its folder if they are missing.
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
                        // Another run was faster: try to open and lock its journal.
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

    /// Makes and locks a file in the same folder that will replace the journal. Returns its temporary path as well.
    pub(super) fn new_temporary(path: &Path) -> Result<(Self, PathBuf), JournalError> {
        let failed = JournalError::writing(path);
        let temporary = temporary_path(path);
        let file = make_file(&temporary).map_err(failed)?;
        file.lock().map_err(failed)?;
        let (path, folders) = (path.to_owned(), vec![folder_of(path).to_owned()]);
        Ok((Self { path, file, created: true, folders }, temporary))
    }

    /// Releases the lock. Closing the file is not enough: a child process that is just starting may still have it open.
    pub(super) fn unlock(&self) {
        let _ = self.file.unlock();
    }
}

/// Opens a journal for reading. A run may write to it at the same time.
pub(crate) fn open_to_read(path: &Path) -> Result<File, JournalError> {
    open_existing(path, false)
}

/// Opens a journal for reading, with a shared lock that keeps runs from writing to it. Works on a read-only disk, too.
pub(super) fn open_locked_shared(path: &Path) -> Result<File, JournalError> {
    let file = open_to_read(path)?;
    let is_written = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    if is_written || !leads_to(path, file_id(&file)) {
        return Err(JournalError::Locked { path: path.to_owned() });
    }
    Ok(file)
}

/// The same file, at its beginning.
pub(super) fn rewound(mut file: &File) -> io::Result<&File> {
    file.rewind()?;
    Ok(file)
}

/// The bytes before an offset of a file, at most `most`.
pub(super) fn bytes_before(mut file: &File, end: u64, most: u64) -> io::Result<Vec<u8>> {
    let start = end.saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Locks a file that is about to be removed, so that no run uses it. The lock lasts as long as the file is open.
///
/// # Errors
/// [`JournalError::Locked`] when a run uses it, and the errors of opening it.
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

/// The folder of a journal; `.` for a bare file name.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the folder of a journal and its missing parents, for their owner only. Returns the folders that have new
/// entries.
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

/// A temporary name, in the same folder, for the file that will replace this one.
pub(super) fn temporary_path(path: &Path) -> PathBuf {
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
    // Appends even if someone has truncated the file: a write at the old offset would leave a hole of zeros.
    options.read(true).append(write);
    // Opening a FIFO must not block until another process opens its other end.
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

/// Whether the path still leads to this file. Before it was locked, another run may have set it aside, or someone may
/// have removed it.
pub(super) fn leads_to(path: &Path, file_id: Option<FileId>) -> bool {
    let there = fs::symlink_metadata(path).ok();
    file_id.is_none() || there.and_then(|metadata| file_id_of(&metadata)) == file_id
}

/// Reserves space after the end of a file. The length stays, so readers still see only whole lines. On a file system
/// that cannot do this, it does nothing: then the first write to a full disk fails.
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

/// Syncs the entries of a folder: a new or renamed file survives a power failure only after that.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The file that the writer writes to; tests have others.
pub(super) trait Store: Send + 'static {
    /// Appends all bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Checks that it is still at its path, with everything that was written.
    fn check(&mut self) -> Result<(), JournalChange>;
    /// On return, everything that was written survives a power failure.
    fn sync(&mut self) -> io::Result<()>;
    /// Writes a `synced` record. Call it only after a successful sync.
    fn write_synced(&mut self) -> io::Result<()>;
    /// Frees reserved space that was not used.
    fn trim(&mut self) -> io::Result<()>;
}

/// The file of an open journal.
#[derive(Debug)]
pub(super) struct JournalFile {
    journal: LockedJournal,
    file_id: Option<FileId>,
    /// Its length, counted from what was written.
    length: u64,
}

impl JournalFile {
    /// `length` is the present length of the file.
    pub(super) fn new(journal: LockedJournal, length: u64) -> Self {
        Self { file_id: file_id(&journal.file), journal, length }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.journal.path.clone()
    }
}

impl Store for JournalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.journal.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn check(&mut self) -> Result<(), JournalChange> {
        let metadata = self.journal.file.metadata().map_err(|_| JournalChange::Moved)?;
        if !leads_to(&self.journal.path, self.file_id) {
            // A file that still has a name was moved, not removed.
            #[cfg(unix)]
            let has_name = metadata.nlink() > 0;
            #[cfg(not(unix))]
            let has_name = true;
            let is_gone = !has_name && self.journal.path.symlink_metadata().is_err();
            return Err(if is_gone { JournalChange::Removed } else { JournalChange::Moved });
        }
        if metadata.len() != self.length {
            return Err(JournalChange::Changed);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.journal.file.sync_data()
    }

    fn write_synced(&mut self) -> io::Result<()> {
        let record = record::synced(self.length);
        self.write(record.as_bytes())
    }

    fn trim(&mut self) -> io::Result<()> {
        self.journal.file.set_len(self.length)
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        self.journal.unlock();
    }
}

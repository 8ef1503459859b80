//! Reads files that the user named. There is a size limit, and only files are read: a device may have no end, and a FIFO may
//! never have a writer. Also checks who else can read or write a file. One error type for all this: the path and the reason.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

/// Why a file cannot be used. The text names the path, and never what the file contains.
#[derive(Debug, Error)]
#[error("{}", .kind.message(.path))]
pub struct FileError {
    pub path: PathBuf,
    pub kind: FileErrorKind,
}

#[derive(Debug)]
pub enum FileErrorKind {
    Missing,
    Unreadable(io::Error),
    /// A folder, a device, or a pipe that is not accepted.
    NotRegular,
    /// With the limit in bytes.
    TooLarge(u64),
    /// Others can read it; with its mode.
    Exposed(u32),
    /// With its mode.
    WritableByOthers(u32),
    /// It belongs to another user, who has this id.
    Owner(u32),
}

impl FileErrorKind {
    fn message(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Missing => format!("there is no file {path}"),
            Self::Unreadable(error) => format!("{path} cannot be read: {error}"),
            Self::NotRegular => format!("{path} is not a regular file"),
            Self::TooLarge(limit) => format!("{path} is larger than {}", size(*limit)),
            Self::Exposed(mode) => format!("{path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`"),
            Self::WritableByOthers(mode) => {
                format!("{path} can be written by others (mode {mode:04o}): run `chmod go-w {path}`")
            }
            Self::Owner(uid) => format!("{path} belongs to another user (uid {uid}): use a file of your own"),
        }
    }

    pub fn at(self, path: &Path) -> FileError {
        FileError { path: path.to_owned(), kind: self }
    }
}

impl From<io::Error> for FileErrorKind {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }
}

/// What a path may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    File,
    /// Also a pipe, such as a shell's `<(…)`.
    FileOrPipe,
}

/// Reads a file of at most `limit` bytes, after `check` has accepted its metadata.
///
/// # Errors
/// [`FileError`] when it is missing, cannot be read, is not what is accepted, is too large, or fails the check.
pub fn read(
    path: &Path,
    accept: Accept,
    limit: u64,
    mut check: impl FnMut(&Metadata) -> Result<(), FileErrorKind>,
) -> Result<Vec<u8>, FileError> {
    let mut read = || {
        let (file, metadata) = open(path, accept)?;
        check(&metadata)?;
        // The size of a pipe is not known before its end.
        let expected = if metadata.is_file() { metadata.len() } else { limit };
        read_up_to(file, expected, limit)?.ok_or(FileErrorKind::TooLarge(limit))
    };
    read().map_err(|kind: FileErrorKind| kind.at(path))
}

/// For a file that anyone may read.
pub fn anyone_may_read(_: &Metadata) -> Result<(), FileErrorKind> {
    Ok(())
}

/// Opens a file. The metadata is that of the open file, even if the path now names another one.
fn open(path: &Path, accept: Accept) -> Result<(File, Metadata), FileErrorKind> {
    // Checked before it is opened: some devices act as soon as they are opened.
    let before = std::fs::metadata(path)?;
    let file = match accept {
        Accept::FileOrPipe if is_pipe(&before) => File::open(path)?,
        _ if before.is_file() => without_waiting().open(path)?,
        _ => return Err(FileErrorKind::NotRegular),
    };
    let metadata = file.metadata()?;
    // Another file may have taken its place.
    if before.is_file() && !metadata.is_file() {
        return Err(FileErrorKind::NotRegular);
    }
    Ok((file, metadata))
}

/// Reads to the end; `None` if there is more than the limit. The buffer has its full size from the start: one that grows leaves
/// copies of a secret behind, which nothing overwrites.
pub fn read_up_to(source: impl Read, expected: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let room = usize::try_from(expected.min(limit)).unwrap_or_default();
    // The extra room is more than `read_to_end` needs to find the end when a buffer is full.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 64));
    source.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then(|| std::mem::take(&mut *bytes)))
}

/// Refuses a file that others can read, or that belongs to another user except root, as ssh does with a key.
#[cfg(unix)]
pub fn check_private(metadata: &Metadata) -> Result<(), FileErrorKind> {
    match mode(metadata) {
        mode if mode & 0o077 != 0 => Err(FileErrorKind::Exposed(mode)),
        _ => check_owner(metadata),
    }
}

/// # Errors
/// [`FileErrorKind::Owner`] for a file of another user, except root.
#[cfg(unix)]
pub fn check_owner(metadata: &Metadata) -> Result<(), FileErrorKind> {
    let uid = std::os::unix::fs::MetadataExt::uid(metadata);
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        return Err(FileErrorKind::Owner(uid));
    }
    Ok(())
}

/// Refuses a file or folder that others can change, or that belongs to another user.
#[cfg(unix)]
pub fn check_not_writable_by_others(metadata: &Metadata) -> Result<(), FileErrorKind> {
    check_owner(metadata)?;
    let mode = mode(metadata);
    // In a folder such as /tmp others can add files, but not replace this one.
    let is_sticky_folder = metadata.is_dir() && mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !is_sticky_folder {
        return Err(FileErrorKind::WritableByOthers(mode));
    }
    Ok(())
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix, where there is something to check")]
pub fn check_private(_: &Metadata) -> Result<(), FileErrorKind> {
    Ok(())
}

/// A size with the largest unit that fits.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{} KiB", bytes / 1024) }
}

#[cfg(unix)]
fn is_pipe(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

/// The path may have become a FIFO since it was checked, and opening a FIFO would wait for its writer.
fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_never_cut() {
        let read_up_to = |limit| read_up_to(&b"12345678"[..], 0, limit).unwrap();
        assert_eq!(read_up_to(8).unwrap(), b"12345678");
        assert_eq!(read_up_to(7), None);
        let folder = open(Path::new("/"), Accept::FileOrPipe);
        assert!(matches!(folder, Err(FileErrorKind::NotRegular)));
        assert_eq!(size(8 * 1024), "8 KiB");
        assert_eq!(size(16 * 1024 * 1024), "16 MiB");
    }
}

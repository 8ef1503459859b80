//! Reads a file that somebody named, up to a limit, and only what is a file: a device may have no end, and a FIFO may
//! never begin.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// What may lie at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A regular file alone.
    File,
    /// A pipe as well, such as a shell's `<(…)`.
    FileOrPipe,
}

/// Why a file cannot be read.
#[derive(Debug)]
pub enum FileError {
    /// The system says no.
    Io(io::Error),
    /// It is a folder, a device, or a pipe where none is taken.
    NotRegular,
    /// It holds more than the limit.
    TooLarge,
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a file. The metadata is that of what was opened, whatever has become of the path.
///
/// # Errors
/// [`FileError`] when it is missing, cannot be read, or is not what is taken.
pub fn open(path: &Path, takes: Takes) -> Result<(File, Metadata), FileError> {
    // Looked at before it is opened: opening alone makes some devices act.
    if is_pipe(&std::fs::metadata(path)?) && takes == Takes::FileOrPipe {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        return Ok((file, metadata));
    }
    if !std::fs::metadata(path)?.is_file() {
        return Err(FileError::NotRegular);
    }
    let file = without_waiting().open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    Ok((file, metadata))
}

/// Reads to the end, but not beyond the limit. The buffer has its full size from the start: were it to grow, it would leave
/// copies of a secret behind that nobody overwrites.
///
/// # Errors
/// [`FileError::TooLarge`] when there is more, and [`FileError::Io`].
pub fn read(source: impl Read, expected: u64, limit: u64) -> Result<Vec<u8>, FileError> {
    let room = usize::try_from(expected.min(limit)).unwrap_or_default();
    // More than what `read_to_end` probes with when a buffer is full.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 64));
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge);
    }
    Ok(std::mem::take(&mut *bytes))
}

/// A size in the unit in which people write it.
pub fn size(bytes: u64) -> String {
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

/// The path may have become a FIFO since it was looked at, and opening one waits for its writer.
#[cfg(unix)]
fn without_waiting() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    options.read(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    options
}

#[cfg(not(unix))]
fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_never_cut() {
        let read_up_to = |limit| read(&b"12345678"[..], 0, limit);
        assert_eq!(read_up_to(8).unwrap(), b"12345678");
        assert!(matches!(read_up_to(7), Err(FileError::TooLarge)));
        assert!(matches!(open(Path::new("/"), Takes::FileOrPipe), Err(FileError::NotRegular)));
        assert_eq!(size(8 * 1024), "8 KiB");
        assert_eq!(size(16 * 1024 * 1024), "16 MiB");
    }
}

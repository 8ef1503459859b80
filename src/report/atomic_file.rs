//! A file that replaces another one as a whole: a reader finds the old text or the new one, never a part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Who can read the new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone: it contains addresses.
    Owner,
    /// Everyone whom the umask allows.
    Others,
}

/// An empty file in the folder of the one that it will replace. Dropped before that, it is removed.
#[derive(Debug)]
pub struct AtomicFile {
    /// The file to replace, with all links resolved.
    path: PathBuf,
    beside: PathBuf,
    file: File,
}

impl AtomicFile {
    /// # Errors
    /// What the system says when no file can be made in that folder, and when the path is of something other than a file:
    /// a device such as `/dev/null` must not be replaced.
    pub fn open(path: &Path, readers: Readers) -> io::Result<Self> {
        let path = behind_links(path)?;
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("it is not a regular file")),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
        // Not made from the name: a long name must not become too long. And not ending in it: node_exporter reads all
        // files that end in `.prom`.
        let beside = path.with_file_name(format!(".vescli-{:016x}", fastrand::u64(..)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if readers == Readers::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = readers;
        let file = options.open(&beside)?;
        Ok(Self { path, beside, file })
    }

    /// Whether it is going to replace this file, which may not exist yet.
    pub fn replaces(&self, other: &Path) -> bool {
        behind_links(other).is_ok_and(|other| other == self.path)
    }

    /// Writes the text and replaces the old file.
    ///
    /// # Errors
    /// What the system says; the old file is still there then.
    pub fn write(&self, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut writer = BufWriter::new(&self.file);
        text(&mut writer)?;
        writer.flush()?;
        // Some systems report a full disk only here; and after a power cut the new name must not be that of an empty file.
        self.file.sync_all()?;
        fs::rename(&self.beside, &self.path)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Gone already when it has replaced the other.
        let _ = fs::remove_file(&self.beside);
    }
}

/// The path of a file, whatever links lead to it; the last part may be missing.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::canonicalize(folder)?.join(name))
}

//! The report files of a run for other programs, `--junit` and `--metrics`. They are opened before the first request,
//! and written at the end. A file replaces an older one as a whole, so a reader finds the old text or the new text,
//! never a part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::api::failure::without_number;
use crate::bulk::journal::first_run;
use crate::bulk::plan::Plan;
use crate::bulk::results::Tally;
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::bulk_files::{Cases, metrics};
use crate::report::bulk_text::PlanFacts;
use crate::report::exit::Ending;
use crate::settings::bulk::BulkSettings;

/// The report files of a run, as far as flags name them.
#[derive(Debug)]
pub(super) struct Reports {
    junit: Option<AtomicFile>,
    metrics: Option<AtomicFile>,
    started: SystemTime,
}

impl Reports {
    /// # Errors
    /// A usage error when a file would replace the list, a journal or the other report: without its journal, a list would
    /// be mailed again.
    pub(super) fn open(bulk: &BulkSettings, list: &Path, journal: &Path, dry_run: bool) -> Result<Self, CommandError> {
        let open = |flag, path: Option<&Path>, is_private, others: &[&Path]| {
            let Some(path) = path.filter(|_| !dry_run) else {
                return Ok(None);
            };
            let file = AtomicFile::open(path, is_private).map_err(|error| {
                let error = without_number(&error.to_string());
                CommandError::io(format!("{flag} {}: cannot be written: {error}; nothing was sent", path.display()))
            })?;
            if others.iter().any(|other| file.replaces(other)) {
                let message = format!("{flag} {} would replace another file of this run", path.display());
                return Err(CommandError::usage(message, "give list, journal and reports a file each"));
            }
            if first_run(path).is_some() {
                let message = format!("{flag} {} would replace the journal of another list", path.display());
                return Err(CommandError::usage(message, "name a file that is not a journal"));
            }
            Ok(Some(file))
        };
        let (junit, metrics) = (bulk.junit.as_deref(), bulk.metrics.as_deref());
        let others = [list, journal, junit.unwrap_or(list)];
        Ok(Self {
            // It has addresses, so only its owner may read it.
            junit: open("--junit", junit, true, &others[..2])?,
            metrics: open("--metrics", metrics, false, &others)?,
            started: SystemTime::now(),
        })
    }

    /// The collection of all rows, if a report needs it.
    pub(super) fn cases(&self, plan: &Plan) -> Option<Cases> {
        self.junit.as_ref().map(|_| Cases::new(plan))
    }

    /// Writes the files at the end of a run. An error does not change the exit code, which is about the rows. A job
    /// that needs the file notices that it is missing.
    pub(super) fn write(
        &self,
        facts: &PlanFacts,
        tally: &Tally,
        cases: Option<Cases>,
        ending: Ending,
        reporter: &mut Reporter,
    ) {
        let (started, ended) = (self.started, SystemTime::now());
        let mut warn = |flag, written: io::Result<()>| {
            if let Err(error) = written {
                let error = without_number(&error.to_string());
                reporter.warn_always(&format!("the file of {flag} could not be written: {error}"));
            }
        };
        if let (Some(file), Some(cases)) = (&self.junit, cases) {
            let elapsed = ended.duration_since(started).unwrap_or_default();
            warn("--junit", file.write(|out| cases.write(facts, started, elapsed, out)));
        }
        if let Some(file) = &self.metrics {
            let text = metrics(facts, tally, [started, ended], ending.code());
            warn("--metrics", file.write(|out| out.write_all(text.as_bytes())));
        }
    }
}

/// An empty file in the folder of the file that it will replace. It is removed if it is dropped before that.
#[derive(Debug)]
struct AtomicFile {
    /// The file to replace, with all links resolved.
    path: PathBuf,
    temporary: PathBuf,
    file: File,
}

impl AtomicFile {
    /// # Errors
    /// The error of the system when the folder is not writable. An error when the path is not a regular file: a device
    /// such as `/dev/null` must not be replaced.
    fn open(path: &Path, is_private: bool) -> io::Result<Self> {
        let path = resolve_links(path)?;
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("it is not a regular file")),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The temporary name does not contain the name, which could become too long. It does not end in `.prom` either:
        // node_exporter reads all such files.
        let temporary = path.with_file_name(format!(".vescli-{:016x}", fastrand::u64(..)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if is_private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = is_private;
        let file = options.open(&temporary)?;
        Ok(Self { path, temporary, file })
    }

    /// Whether it will replace this file, which may not exist yet.
    fn replaces(&self, other: &Path) -> bool {
        resolve_links(other).is_ok_and(|other| other == self.path)
    }

    /// Writes the text and replaces the old file.
    ///
    /// # Errors
    /// The error of the system. The old file stays then.
    fn write(&self, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut writer = BufWriter::new(&self.file);
        text(&mut writer)?;
        writer.flush()?;
        // Some systems report a full disk only here. Without a sync, the file could be empty after a power failure.
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After it has replaced the other file, this name no longer exists.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// The path of a file with all links resolved. The file itself may be missing.
fn resolve_links(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::canonicalize(folder)?.join(name))
}

//! Where journals are kept, and which one belongs to a list.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::key::hex;
use crate::cli::args::environment::Environment;

/// The ending of every journal's name.
pub(super) const EXTENSION: &str = "ndjson";
/// What stands for standard input in place of a file.
const STDIN: &str = "-";
/// Most characters of the list's name in the name of its journal.
const NAME_MAX: usize = 40;

/// The folder of all journals: `$XDG_STATE_HOME/vescli` if that is an absolute path, else `~/.local/state/vescli`.
#[must_use]
pub fn state_folder(environment: &Environment) -> Option<PathBuf> {
    let xdg = environment
        .get("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    xdg.or_else(|| dirs::home_dir().map(|home| home.join(".local").join("state")))
        .map(|folder| folder.join("vescli"))
}

/// The journal of a list, so that the same command finds it again: it follows from the base URL, the profile's cname and
/// the list's name with its folder. Standard input, and whatever else is no file, such as `<(command)` of a shell, has no
/// name of its own: all of it that is sent from one folder shares a journal.
///
/// The content takes no part. A journal is kept when rows are added, taken out or moved: what was sent before is then
/// known, and only what is new goes out. With the content in the name, an edited list would begin a journal of its own,
/// and everybody on it would be mailed a second time.
///
/// # Errors
/// [`JournalError::NoHome`] when there is no folder to keep it in.
pub fn default_path(
    environment: &Environment,
    base_url: &str,
    cname: &str,
    input_name: &str,
) -> Result<PathBuf, JournalError> {
    let folder = state_folder(environment).ok_or(JournalError::NoHome)?;
    let (shown, identity) = if is_stream(input_name) {
        let folder = settled(Path::new("."));
        ("stdin".to_owned(), format!("-{}", folder.display()))
    } else {
        let path = settled(Path::new(input_name));
        let name = path.file_name().unwrap_or_default();
        (plain(name), path.to_string_lossy().into_owned())
    };
    let mut hash = Sha256::new();
    for part in [base_url, cname, &identity] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hex(&hash.finalize()[..8]);
    Ok(folder.join(format!("{shown}-{digest}.{EXTENSION}")))
}

/// Whether a list comes from something that is no file.
fn is_stream(name: &str) -> bool {
    name == STDIN || fs::metadata(name).is_ok_and(|data| !data.is_file() && !data.is_dir())
}

/// The same list by whatever way it is reached: its folder is resolved. Its own name stands, because a link such as
/// `current.csv` names the same list whatever it points at.
fn settled(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path
        .parent()
        .and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// A file name in letters that need no quotes in a shell.
fn plain(name: &OsStr) -> String {
    let harmless = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
            c
        } else {
            '-'
        }
    };
    let name = name.to_string_lossy();
    let plain: String = name.chars().take(NAME_MAX).map(harmless).collect();
    let plain = plain.trim_start_matches(['.', '-']);
    if plain.is_empty() { "list" } else { plain }.to_owned()
}

/// The journals in a folder, by name; none when the folder is not there.
///
/// # Errors
/// [`JournalError::Read`] when it cannot be read.
pub fn kept_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let failed = |source| JournalError::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension() == Some(OsStr::new(EXTENSION)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

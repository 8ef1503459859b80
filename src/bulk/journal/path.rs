//! Where journals are kept, and which one belongs to a list.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::key::hex;
use crate::args::environment::Environment;
use crate::bulk::list_name::{ListName, settled};

/// The ending of every journal's name.
pub(super) const EXTENSION: &str = "ndjson";
/// The folder of the journals of rehearsals, below that of the others.
const REHEARSALS: &str = "rehearsals";
/// Most characters of the list's name in the name of its journal.
const NAME_MAX: usize = 40;

/// The folder of all journals: `$XDG_STATE_HOME/vescli` if that is an absolute path, else `~/.local/state/vescli`.
pub(super) fn state_folder(environment: &Environment) -> Option<PathBuf> {
    let xdg = environment.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    xdg.or_else(|| dirs::home_dir().map(|home| home.join(".local").join("state"))).map(|folder| folder.join("vescli"))
}

/// The folder of the journals that a run may go on with. Those of a rehearsal lie apart: they tell of nobody who was mailed.
///
/// # Errors
/// [`JournalError::NoHome`] when there is no folder to keep them in.
pub fn journal_folder(environment: &Environment, is_rehearsal: bool) -> Result<PathBuf, JournalError> {
    let folder = state_folder(environment).ok_or(JournalError::NoHome)?;
    Ok(if is_rehearsal { folder.join(REHEARSALS) } else { folder })
}

/// The journal of a list in its folder, so that the same command finds it again: it follows from the base URL, the profile's
/// cname and the list's name. A stream has no name of its own: all of it that is sent from one folder shares a journal.
///
/// The content takes no part. A journal is kept when rows are added, taken out or moved: what was sent before is then
/// known, and only what is new goes out. With the content in the name, an edited list would begin a journal of its own,
/// and everybody on it would be mailed a second time.
pub fn default_path(folder: &Path, base_url: &str, cname: &str, list: &ListName) -> PathBuf {
    let (shown, identity) = match list {
        ListName::File(path) => {
            let name = path.file_name().unwrap_or_default();
            (plain(name), path.to_string_lossy().into_owned())
        }
        ListName::Stdin | ListName::Stream => {
            let here = settled(Path::new("."));
            ("stdin".to_owned(), format!("-{}", here.display()))
        }
    };
    let mut hash = Sha256::new();
    for part in [base_url, cname, &identity] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hex(&hash.finalize()[..8]);
    folder.join(format!("{shown}-{digest}.{EXTENSION}"))
}

/// Whether a journal's name was made from that of a list. Not proof: the journal of another folder's list may be called
/// the same.
pub fn named_after(journal: &Path, list: &ListName) -> bool {
    let shown = match list {
        ListName::File(path) => plain(path.file_name().unwrap_or_default()),
        ListName::Stdin | ListName::Stream => "stdin".to_owned(),
    };
    let name = journal.file_stem().unwrap_or_default().to_string_lossy();
    name.rsplit_once('-').is_some_and(|(name, _)| name == shown)
}

/// A file name in letters that need no quotes in a shell.
fn plain(name: &OsStr) -> String {
    let harmless = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' }
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
    files_in(folder, |path| path.extension() == Some(OsStr::new(EXTENSION)))
}

/// The files that a killed run has left behind in a folder: what was to take the place of a journal or an index.
///
/// # Errors
/// [`JournalError::Read`] when it cannot be read.
pub fn leftovers_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    files_in(folder, |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix('.').and_then(|name| name.rsplit_once(".new-"));
        number.is_some_and(|(_, number)| number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

fn files_in(folder: &Path, is_meant: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, JournalError> {
    let failed = |source| JournalError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if is_meant(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

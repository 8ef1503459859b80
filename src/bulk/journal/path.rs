//! What a list is called, and where its journal and those of other requests are kept.

use std::ffi::OsStr;
use std::path::{Path, PathBuf, absolute};
use std::{fs, io};

use url::Url;

use super::error::JournalError;
use super::key::{hashed, hex, service_of};
use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::settings::bulk::Shard;

/// The ending of every journal's name.
pub(super) const EXTENSION: &str = "ndjson";
/// The folder of the journals of rehearsals, below that of the others.
const REHEARSALS: &str = "rehearsals";
/// The part of the name of a shard's journal before its numbers.
const SHARD: &str = ".shard-";
const OF: &str = "-of-";
/// Most characters of the list's name in the name of its journal.
const NAME_CHARS_MAX: usize = 40;

/// The folder of the journals that a run may continue: `$XDG_STATE_HOME/vescli` if that is an absolute path, else
/// `~/.local/state/vescli`. Those of a rehearsal are separate: no one in them was mailed.
///
/// # Errors
/// [`JournalError::NoHome`] when there is no folder to keep them in.
pub fn journal_folder(environment: &Environment, is_rehearsal: bool) -> Result<PathBuf, JournalError> {
    let xdg = environment.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = xdg.or_else(|| Some(dirs::home_dir()?.join(".local").join("state"))).ok_or(JournalError::NoHome)?;
    let folder = state.join("vescli");
    Ok(if is_rehearsal { folder.join(REHEARSALS) } else { folder })
}

/// The service of all rehearsals.
pub const SANDBOX: &str = "sandbox";

/// Where the people of a service are known.
pub struct JournalPlace {
    pub service: String,
    /// What the name of a list's journal is made from in place of the URL.
    pub url: String,
    pub folder: PathBuf,
}

impl JournalPlace {
    /// All sandboxes are one service, with separate journals: what was rehearsed in one continues in the next.
    ///
    /// # Errors
    /// [`JournalError::NoHome`] when there is no folder to keep them in.
    pub fn of(url: &Url, environment: &Environment) -> Result<Self, JournalError> {
        let origin = url.origin().ascii_serialization();
        let is_rehearsal = environment.get(SANDBOX_VARIABLE) == Some(OsStr::new(&origin));
        let (service, url) = if is_rehearsal {
            (SANDBOX.to_owned(), format!("{SANDBOX}{}", url.path()))
        } else {
            (service_of(url.as_str()), url.to_string())
        };
        Ok(Self { service, url, folder: journal_folder(environment, is_rehearsal)? })
    }
}

/// The journal of a list in its folder, so that the same command finds it again: it follows from the base URL, the profile's
/// cname and the list's name. A stream has no name of its own: all of it that is sent from one folder shares a journal.
///
/// The content takes no part. A journal is kept when rows are added, taken out or moved: what was sent before is then
/// known, and only what is new is sent. With the content in the name, an edited list would begin a journal of its own,
/// and everyone on it would be mailed a second time.
pub fn default_path(folder: &Path, base_url: &str, cname: &str, list: &ListName) -> PathBuf {
    let identity = match list {
        ListName::File(path) => path.to_string_lossy().into_owned(),
        ListName::Stdin | ListName::Stream => format!("-{}", resolve_folder(Path::new(".")).display()),
    };
    let digest = hex(&hashed::<8>([base_url, cname, &identity]));
    folder.join(format!("{}-{digest}.{EXTENSION}", list.short_name()))
}

/// The name of a shard's journal: that of the whole list's with the shard in front of its extension, so that one command
/// line in which only the shard changes works on every machine.
pub fn journal_of_shard(path: &Path, shard: Shard) -> PathBuf {
    let (whole, _) = split_name(path);
    let (stem, extension) = whole.split_at(whole.rfind('.').filter(|dot| *dot > 0).unwrap_or(whole.len()));
    let name = format!("{stem}{SHARD}{}{OF}{}{extension}", shard.number(), shard.count());
    path.with_file_name(name)
}

/// The name of the whole list's journal, and the shard that a name has in it.
pub(super) fn split_name(path: &Path) -> (String, Option<Shard>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let split = || {
        let (stem, rest) = name.rsplit_once(SHARD)?;
        let (numbers, extension) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
        let shard: Shard = numbers.replacen(OF, "/", 1).parse().ok()?;
        // More than an extension is the name of a journal that was set aside.
        (extension.matches('.').count() <= 1).then(|| (format!("{stem}{extension}"), shard))
    };
    let (whole, shard) = split().unzip();
    (whole.unwrap_or(name), shard)
}

/// Whether two journals are of the same list: they are in one folder, and their names differ at most in the shard.
pub fn are_siblings(one: &Path, other: &Path) -> bool {
    split_name(one).0 == split_name(other).0
        && (one.parent() == other.parent() || resolve_folder(one).parent() == resolve_folder(other).parent())
}

/// Whether a journal's name was made from that of a list. Not proof: the journal of another folder's list may be called
/// the same.
pub fn named_after(journal: &Path, list: &ListName) -> bool {
    split_name(journal).0.rsplit_once('-').is_some_and(|(name, _)| name == list.short_name())
}

/// A file name in letters that need no quotes in a shell.
fn plain(name: &OsStr) -> String {
    let harmless = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' }
    };
    let name = name.to_string_lossy();
    let plain: String = name.chars().take(NAME_CHARS_MAX).map(harmless).collect();
    let plain = plain.trim_start_matches(['.', '-']);
    if plain.is_empty() { "list" } else { plain }.to_owned()
}

/// Of the journals of a list, one that `--fresh` has set aside counts only where there is no other.
pub fn leave_out_set_aside(journals: &mut Vec<impl AsRef<Path>>) {
    let is_current = |path: &Path| !path.to_string_lossy().contains(".until-");
    if journals.iter().any(|path| is_current(path.as_ref())) {
        journals.retain(|path| is_current(path.as_ref()));
    }
}

/// The journals in a folder, by name; none when the folder is not there.
pub fn journals_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    files_in(folder, |path| path.extension() == Some(OsStr::new(EXTENSION)))
}

/// The files that a killed run has left in a folder: they were to replace a journal or an index.
pub fn leftovers_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    files_in(folder, |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix('.').and_then(|name| name.rsplit_once(".new-"));
        number.is_some_and(|(_, number)| number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

pub(super) fn files_in(folder: &Path, is_meant: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, JournalError> {
    let failed = JournalError::reading(folder);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut found = paths.map_err(failed)?;
    found.retain(|path| is_meant(path));
    found.sort();
    Ok(found)
}

/// Most links that are followed to find out what a name leads to, as many as Linux follows.
const LINKS_MAX: usize = 40;

/// A list by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListName {
    /// A file, with its folder resolved. A link in the last part is not resolved, because a link such as `current.csv` names the same
    /// list whatever it points to.
    File(PathBuf),
    /// Standard input, however it is spelled.
    Stdin,
    /// A descriptor or a FIFO, such as `<(command)` of a shell.
    Stream,
}

impl ListName {
    /// What a name on the command line means. A path below the descriptors of a process is a stream, whatever it is
    /// connected to: the path has the number of the process in it, and names another file in the next one.
    pub fn of(name: &Path) -> Self {
        if name.as_os_str() == "-" {
            return Self::Stdin;
        }
        let is_stream = || fs::metadata(name).is_ok_and(|data| !data.is_file() && !data.is_dir());
        match descriptor(name) {
            Some(0) => Self::Stdin,
            Some(_) => Self::Stream,
            None if is_stream() => Self::Stream,
            None => Self::File(resolve_folder(name)),
        }
    }

    pub fn is_stdin(&self) -> bool {
        *self == Self::Stdin
    }

    /// Without its folder, in letters that need no quotes in a shell.
    fn short_name(&self) -> String {
        match self {
            Self::File(path) => plain(path.file_name().unwrap_or_default()),
            Self::Stdin | Self::Stream => "stdin".to_owned(),
        }
    }

    /// As a journal has it: the path, or `-`.
    pub fn word(&self) -> String {
        match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Stdin | Self::Stream => "-".to_owned(),
        }
    }
}

/// The same list by any path: its folder is resolved.
pub(in crate::bulk) fn resolve_folder(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// The number of the descriptor that a name leads to, through whatever links.
fn descriptor(name: &Path) -> Option<u32> {
    let mut path = absolute(name).ok()?;
    for _ in 0..LINKS_MAX {
        let own = path.file_name()?.to_owned();
        let folder = fs::canonicalize(path.parent()?).ok()?;
        if lists_descriptors(&folder) {
            return own.to_str()?.parse().ok();
        }
        path = folder.join(fs::read_link(folder.join(own)).ok()?);
    }
    None
}

/// Whether a folder, with its links resolved, lists the descriptors of a process: `/proc/PID/fd` and
/// `/proc/PID/task/TID/fd` (proc(5)), and `/dev/fd` where it is a folder of its own.
fn lists_descriptors(folder: &Path) -> bool {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match folder.to_str().unwrap_or_default().split('/').collect::<Vec<&str>>()[..] {
        ["", "dev", "fd"] => true,
        ["", "proc", process, "fd"] => is_number(process),
        ["", "proc", process, "task", thread, "fd"] => is_number(process) && is_number(thread),
        _ => false,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;

    #[test]
    fn whatever_lies_below_descriptors_is_a_stream_and_every_standard_input_is_the_same() {
        let of = |name: &str| ListName::of(Path::new(name));
        for name in ["-", "/dev/fd/0", "/proc/self/fd/0", "/proc/thread-self/fd/0"] {
            assert_eq!(of(name), ListName::Stdin, "{name}");
        }
        // Its link leads to a file, a pipe or a terminal here, but it is standard input.
        assert_eq!(of("/dev/stdin"), ListName::Stdin);
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        fs::write(&list, "x").unwrap();
        let open = File::open(&list).unwrap();
        let number = open.as_raw_fd();
        let own = std::process::id();
        for name in [
            format!("/dev/fd/{number}"),
            format!("/proc/{own}/fd/{number}"),
            format!("/proc/self/task/{own}/fd/{number}"),
        ] {
            assert_eq!(of(&name), ListName::Stream, "{name}");
        }
        let link = folder.path().join("link");
        symlink("/dev/stdin", &link).unwrap();
        assert_eq!(ListName::of(&link), ListName::Stdin);
        assert_eq!(of("/dev/null"), ListName::Stream);
        // A file is a file by any path, also through the folder of a process.
        let real = ListName::File(fs::canonicalize(&list).unwrap());
        assert_eq!(ListName::of(&list), real);
        let root = format!("/proc/self/root{}", list.display());
        assert_eq!(of(&root), real);
        assert_eq!(of("/proc/version"), ListName::File("/proc/version".into()));
    }
}

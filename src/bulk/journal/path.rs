//! The name of a list, and the paths of journals.

use std::ffi::OsStr;
use std::path::{Path, PathBuf, absolute};
use std::{fs, io};

use url::Url;

use super::error::JournalError;
use super::key::{hashed, hex, service_of};
use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::settings::bulk::Shard;

/// The extension of a journal.
pub(super) const EXTENSION: &str = "ndjson";
/// The subfolder for the journals of rehearsals.
const REHEARSALS: &str = "rehearsals";
/// The text before the shard in the name of its journal.
const SHARD: &str = ".shard-";
const OF: &str = "-of-";
/// The name of a journal has at most this many characters of the list's name.
const NAME_CHARS_MAX: usize = 40;

/// The folder of the journals: `$XDG_STATE_HOME/vescli` if that is an absolute path, else `~/.local/state/vescli`.
/// Rehearsals have a folder of their own, because they mail no one.
///
/// # Errors
/// [`JournalError::NoHome`] when there is no home folder.
pub fn journal_folder(environment: &Environment, is_rehearsal: bool) -> Result<PathBuf, JournalError> {
    let xdg = environment.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = xdg.or_else(|| Some(dirs::home_dir()?.join(".local").join("state"))).ok_or(JournalError::NoHome)?;
    let folder = state.join("vescli");
    Ok(if is_rehearsal { folder.join(REHEARSALS) } else { folder })
}

/// The service of all rehearsals.
pub const SANDBOX: &str = "sandbox";

/// The journals of a service.
pub struct JournalPlace {
    pub service: String,
    /// The URL from which the name of a list's journal is made.
    pub url: String,
    pub folder: PathBuf,
}

impl JournalPlace {
    /// All sandboxes are one service, whose journals are separate from the others: a rehearsal continues in the next
    /// sandbox.
    ///
    /// # Errors
    /// [`JournalError::NoHome`] when there is no home folder.
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

/// The path of a list's journal. It follows from the base URL, the profile's cname and the list's name, so that the
/// same command finds it again. A stream has no name, so all streams that are sent from one folder share a journal.
///
/// The content of the list does not count. When rows are added, removed or moved, the journal stays the same, and only
/// new rows are sent. If the content counted, an edited list would get a new journal, and everyone on it would be
/// mailed again.
pub fn default_path(folder: &Path, base_url: &str, cname: &str, list: &ListName) -> PathBuf {
    let identity = match list {
        ListName::File(path) => path.to_string_lossy().into_owned(),
        ListName::Stdin | ListName::Stream => format!("-{}", resolve_folder(Path::new(".")).display()),
    };
    let digest = hex(&hashed::<8>([base_url, cname, &identity]));
    folder.join(format!("{}-{digest}.{EXTENSION}", list.short_name()))
}

/// The path of a shard's journal: that of the whole list's journal, with the shard before the extension. So the command
/// lines of all machines differ only in the shard.
pub fn journal_of_shard(path: &Path, shard: Shard) -> PathBuf {
    let (whole, _) = split_name(path);
    let (stem, extension) = whole.split_at(whole.rfind('.').filter(|dot| *dot > 0).unwrap_or(whole.len()));
    let name = format!("{stem}{SHARD}{}{OF}{}{extension}", shard.number(), shard.count());
    path.with_file_name(name)
}

/// Splits the name of a journal into the name of the whole list's journal and the shard.
pub(super) fn split_name(path: &Path) -> (String, Option<Shard>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let split = || {
        let (stem, rest) = name.rsplit_once(SHARD)?;
        let (numbers, extension) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
        let shard: Shard = numbers.replacen(OF, "/", 1).parse().ok()?;
        // More text than an extension follows in the name of a journal that was set aside.
        (extension.matches('.').count() <= 1).then(|| (format!("{stem}{extension}"), shard))
    };
    let (whole, shard) = split().unzip();
    (whole.unwrap_or(name), shard)
}

/// Whether two journals belong to the same list: they are in one folder, and their names differ at most in the shard.
pub fn are_siblings(one: &Path, other: &Path) -> bool {
    split_name(one).0 == split_name(other).0
        && (one.parent() == other.parent() || resolve_folder(one).parent() == resolve_folder(other).parent())
}

/// Whether the name of a journal may have been made from the name of a list. A list of the same name in another folder
/// gives the same result.
pub fn named_after(journal: &Path, list: &ListName) -> bool {
    split_name(journal).0.rsplit_once('-').is_some_and(|(name, _)| name == list.short_name())
}

/// A file name in characters that need no quotes in a shell.
fn plain(name: &OsStr) -> String {
    let harmless = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' }
    };
    let name = name.to_string_lossy();
    let plain: String = name.chars().take(NAME_CHARS_MAX).map(harmless).collect();
    let plain = plain.trim_start_matches(['.', '-']);
    if plain.is_empty() { "list" } else { plain }.to_owned()
}

/// Removes the journals that `--fresh` has set aside, unless there are no others.
pub fn leave_out_set_aside(journals: &mut Vec<impl AsRef<Path>>) {
    let is_current = |path: &Path| !path.to_string_lossy().contains(".until-");
    if journals.iter().any(|path| is_current(path.as_ref())) {
        journals.retain(|path| is_current(path.as_ref()));
    }
}

/// The journals in a folder, sorted by name; none if the folder is missing.
pub fn journals_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    files_in(folder, |path| path.extension() == Some(OsStr::new(EXTENSION)))
}

/// The temporary files that a killed run has left in a folder. They would have replaced a journal or an index.
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

/// Links are followed at most this many times, as on Linux.
const LINKS_MAX: usize = 40;

/// The name of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListName {
    /// A file, with its folder resolved. The file itself is not resolved if it is a link: a link such as `current.csv`
    /// is the same list whatever it points to.
    File(PathBuf),
    /// Standard input, however it is spelled.
    Stdin,
    /// A descriptor or a FIFO, such as `<(command)` of a shell.
    Stream,
}

impl ListName {
    /// The list that an argument names. A path to a descriptor of a process is a stream, whatever the descriptor is
    /// connected to: the same path leads to another file in the next process.
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

    /// The name without its folder, in characters that need no quotes in a shell.
    fn short_name(&self) -> String {
        match self {
            Self::File(path) => plain(path.file_name().unwrap_or_default()),
            Self::Stdin | Self::Stream => "stdin".to_owned(),
        }
    }

    /// The name in the journal: the path, or `-`.
    pub fn word(&self) -> String {
        match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Stdin | Self::Stream => "-".to_owned(),
        }
    }
}

/// The path with its folder resolved, so that all paths to a list give the same one.
pub(in crate::bulk) fn resolve_folder(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// The number of the descriptor that a name leads to, with all links followed.
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

/// Whether a resolved folder lists the descriptors of a process: `/proc/PID/fd` and `/proc/PID/task/TID/fd` (proc(5)),
/// and `/dev/fd` if it is not a link.
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
    fn a_descriptor_is_a_stream_and_all_names_of_standard_input_are_the_same() {
        let of = |name: &str| ListName::of(Path::new(name));
        for name in ["-", "/dev/fd/0", "/proc/self/fd/0", "/proc/thread-self/fd/0"] {
            assert_eq!(of(name), ListName::Stdin, "{name}");
        }
        // It is standard input, although its link leads to a file, a pipe or a terminal here.
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
        // Any path to a file is that file, also a path through the folder of a process.
        let real = ListName::File(fs::canonicalize(&list).unwrap());
        assert_eq!(ListName::of(&list), real);
        let root = format!("/proc/self/root{}", list.display());
        assert_eq!(of(&root), real);
        assert_eq!(of("/proc/version"), ListName::File("/proc/version".into()));
    }
}

//! What a list is called: a file with its folder, or a stream, which has no name of its own.

use std::fs;
use std::path::{Component, Path, PathBuf, absolute};

/// Most links that are followed to find out what a name leads to, as many as Linux follows.
const LINKS_MAX: usize = 40;

/// A list by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListName {
    /// A file, with its folder resolved. Its own name stands, because a link such as `current.csv` names the same list
    /// whatever it points at.
    File(PathBuf),
    /// Standard input, however it is spelled.
    Stdin,
    /// A descriptor or a FIFO, such as `<(command)` of a shell.
    Stream,
}

impl ListName {
    /// What a name on the command line stands for. What lies below the descriptors of a process is a stream whatever it
    /// is connected to: the path has the number of the process in it, and names another file in the next one.
    pub fn of(name: &Path) -> Self {
        if name.as_os_str() == "-" {
            return Self::Stdin;
        }
        match descriptor(name) {
            Some(0) => Self::Stdin,
            Some(_) => Self::Stream,
            None if is_stream(name) => Self::Stream,
            None => Self::File(settled(name)),
        }
    }

    /// Whether it is standard input.
    pub fn is_stdin(&self) -> bool {
        *self == Self::Stdin
    }

    /// As a journal has it: the path, or `-`.
    pub fn word(&self) -> String {
        match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Stdin | Self::Stream => "-".to_owned(),
        }
    }
}

fn is_stream(name: &Path) -> bool {
    fs::metadata(name).is_ok_and(|data| !data.is_file() && !data.is_dir())
}

/// The same list by whatever way it is reached: its folder is resolved.
pub(in crate::bulk) fn settled(path: &Path) -> PathBuf {
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
        if holds_descriptors(&folder) {
            return own.to_str()?.parse().ok();
        }
        path = folder.join(fs::read_link(folder.join(own)).ok()?);
    }
    None
}

/// Whether a folder, with its links resolved, lists the descriptors of a process: `/proc/PID/fd` and
/// `/proc/PID/task/TID/fd` (proc(5)), and `/dev/fd` where it is a folder of its own.
fn holds_descriptors(folder: &Path) -> bool {
    let parts: Vec<&str> = folder
        .components()
        .filter(|part| *part != Component::RootDir)
        .filter_map(|part| part.as_os_str().to_str())
        .collect();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        ["dev", "fd"] => true,
        ["proc", process, "fd"] => is_number(process),
        ["proc", process, "task", thread, "fd"] => is_number(process) && is_number(thread),
        _ => false,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn whatever_lies_below_descriptors_is_a_stream_and_every_standard_input_is_the_same() {
        let of = |name: &str| ListName::of(Path::new(name));
        for name in ["-", "/dev/fd/0", "/proc/self/fd/0", "/proc/thread-self/fd/0"] {
            assert_eq!(of(name), ListName::Stdin, "{name}");
        }
        // Its link leads to a file, a pipe or a terminal here, and is standard input all the same.
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
        // A file is one by whatever way, through the folder of a process too.
        let real = ListName::File(fs::canonicalize(&list).unwrap());
        assert_eq!(ListName::of(&list), real);
        let root = format!("/proc/self/root{}", list.display());
        assert_eq!(of(&root), real);
        assert_eq!(of("/proc/version"), ListName::File("/proc/version".into()));
    }
}

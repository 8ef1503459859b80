//! Finds out how many workers the machine can run, and starts them. Fewer workers than requested do all of the work. If
//! not even one can run, no one is mailed.

use std::io;
use std::sync::OnceLock;
use std::thread::{Builder, Scope};

use crate::api::transport::{Transport, TransportError};
use crate::commands::error::CommandError;
use crate::report::ErrorReport;
use crate::report::exit::Exit;
use crate::report::text::counted;

/// The descriptors that a worker may need at the same time: always three for its client's event loop and one for its
/// connection; for a moment also two for a DNS look-up, or one for a second connection attempt.
const FILES_PER_WORKER: u64 = 6;
/// The descriptors that the rest of a run may need: the journal and its folder, four for signals, and files that a
/// library opens for a moment.
const FILES_OF_RUN: u64 = 10;
/// The number of open descriptors that is assumed if the system does not show it.
const FILES_OPEN: u64 = 32;

/// The error of a run that cannot start any worker. `lack` says what is missing.
pub(super) fn no_worker(lack: &str) -> ErrorReport {
    ErrorReport { exit: Exit::OsError, message: format!("no worker can be started: {lack}"), hint: None }
}

/// What was missing to start a thread or to open its files.
pub(super) fn lack_of(error: &io::Error) -> String {
    let lack = if is_about_files(error) { "no more files can be opened" } else { "the system starts no more threads" };
    lack.to_owned()
}

/// What was missing to make a client and its thread. Nothing if the error has another cause.
fn lack_of_client(error: &TransportError) -> Option<String> {
    let TransportError::Client(error) = error else {
        return None;
    };
    error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(lack_of)
}

/// The error of the first client: if the machine has too few resources, that is reported; otherwise it is an error of
/// the settings.
pub(super) fn error_of_first_client(fault: CommandError) -> CommandError {
    let lack = if let CommandError::Transport(error) = &fault { lack_of_client(error) } else { None };
    lack.map_or(fault, |lack| no_worker(&lack).into())
}

#[cfg(unix)]
fn is_about_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(not(unix))]
const fn is_about_files(_: &io::Error) -> bool {
    false
}

/// How many workers can run, and why not more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    workers: usize,
    wanted: usize,
    lack: Option<String>,
}

impl Capacity {
    /// Finds out whether this many workers can run. Raises the soft limit on open files as far as necessary and
    /// allowed.
    pub(super) fn of(wanted: usize) -> Result<Self, ErrorReport> {
        let room = Self::within(wanted, open_files(), limit_on_files(wanted));
        match &room.lack {
            Some(lack) if room.workers == 0 => Err(no_worker(lack)),
            _ => Ok(room),
        }
    }

    fn within(wanted: usize, open: u64, limit: Option<u64>) -> Self {
        let Some(limit) = limit else {
            return Self { workers: wanted, wanted, lack: None };
        };
        let free = limit.saturating_sub(open + FILES_OF_RUN);
        let fitting = usize::try_from(free / FILES_PER_WORKER).unwrap_or(usize::MAX);
        let lack = || format!("the limit on open files is {limit} (`ulimit -n`)");
        Self { workers: fitting.min(wanted), wanted, lack: (fitting < wanted).then(lack) }
    }
}

fn open_files() -> u64 {
    // This includes the descriptor that reads the folder.
    let listed = std::fs::read_dir("/dev/fd").map(|open| open.count() as u64);
    listed.unwrap_or(FILES_OPEN)
}

/// The limit on open files, raised for this many workers; `None` if it is not known.
#[cfg(unix)]
fn limit_on_files(workers: usize) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = open_files() + FILES_OF_RUN + FILES_PER_WORKER * workers as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let soft = current?;
    if soft >= needed {
        return Some(soft);
    }
    let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
    let more = Rlimit { current: Some(raised), maximum };
    let is_raised = raised > soft && setrlimit(Resource::Nofile, more).is_ok();
    Some(if is_raised { raised } else { soft })
}

#[cfg(not(unix))]
const fn limit_on_files(_: usize) -> Option<u64> {
    None
}

/// Starts a worker for each client, as far as possible, and returns a warning if there are fewer than requested. `work`
/// returns the work of one worker. No worker begins before all have started: until then each has a second thread, which
/// keeps room for the thread that later looks up names.
pub(super) fn start<'scope, 'env, W: FnOnce() + Send + 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    started: &'scope OnceLock<()>,
    room: &Capacity,
    clients: impl Iterator<Item = Result<Transport, TransportError>>,
    mut work: impl FnMut(Transport) -> W,
) -> Result<Option<String>, ErrorReport> {
    let mut workers = 0;
    let failed = clients.take(room.workers).try_for_each(|client| {
        // The first client had the same settings, so they are not the cause.
        let lack = |error| lack_of_client(&error).unwrap_or_else(|| "no more clients can be made".to_owned());
        let work = work(client.map_err(lack)?);
        let worker = move || {
            started.wait();
            work();
        };
        Builder::new().spawn_scoped(scope, worker).map_err(|error| lack_of(&error))?;
        workers += 1;
        let place = move || {
            started.wait();
        };
        Builder::new().spawn_scoped(scope, place).map(drop).map_err(|error| lack_of(&error))
    });
    // This cannot fail: it is set only here.
    let _ = started.set(());
    match failed.err().or_else(|| room.lack.clone()) {
        Some(lack) if workers == 0 => Err(no_worker(&lack)),
        Some(lack) if workers < room.wanted => {
            Ok(Some(format!("{} instead of {}: {lack}", counted(workers as u64, "worker"), room.wanted)))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workers_fit_the_free_descriptors() {
        let workers = |wanted, open, limit| {
            let room = Capacity::within(wanted, open, limit);
            (room.workers, room.lack.is_some())
        };
        assert_eq!(workers(256, 5, None), (256, false));
        assert_eq!(workers(4, 5, Some(39)), (4, false));
        assert_eq!(workers(4, 5, Some(38)), (3, true));
        assert_eq!(workers(256, 5, Some(1024)), (168, true));
        assert_eq!(workers(4, 5, Some(20)), (0, true));
        assert_eq!(workers(4, 50, Some(20)), (0, true));
    }
}

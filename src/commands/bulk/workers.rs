//! How many workers a machine has room for, and their start: fewer than were asked for do all of the work, and
//! without room for a single one no one is mailed.

use std::io;
use std::sync::OnceLock;
use std::thread::{Builder, Scope};

use crate::api::transport::{Transport, TransportError};
use crate::commands::error::CommandError;
use crate::report::ErrorReport;
use crate::report::exit::Exit;
use crate::report::text::counted;

/// Descriptors that a worker may need at once: three of its client's event loop and one connection all the time; and for
/// a moment two of a look-up, or one of a second connection that is tried at the same time.
const FILES_PER_WORKER: u64 = 6;
/// Descriptors that the rest of a run may need: the journal and its folder, four for signals, files that a library opens
/// for a moment.
const FILES_OF_RUN: u64 = 10;
/// How many are assumed to be open where the system does not show it.
const FILES_OPEN: u64 = 32;

/// The error of a run that has not a single worker, for want of what the text says.
pub(super) fn no_worker(lack: &str) -> ErrorReport {
    ErrorReport { exit: Exit::OsError, message: format!("no worker can be started: {lack}"), hint: None }
}

/// What kept a thread, or what belongs to it, from being made.
pub(super) fn lack_of(error: &io::Error) -> String {
    let lack = if is_about_files(error) { "no more files can be opened" } else { "the system starts no more threads" };
    lack.to_owned()
}

/// What kept a client, with its thread, from being made; nothing if it was not for the machine that it failed.
fn lack_of_client(error: &TransportError) -> Option<String> {
    let TransportError::Client(error) = error else {
        return None;
    };
    error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(lack_of)
}

/// The fault of a first client: a shortage of the machine is reported as such, a fault of the settings as it is.
pub(super) fn of_first_client(fault: CommandError) -> CommandError {
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

/// How many workers there is room for, and why not for more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    workers: usize,
    wanted: usize,
    lack: Option<String>,
}

impl Capacity {
    /// Measures the room for this many workers. The soft limit on open files is raised as far as that needs and the hard
    /// one allows.
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
    // The one that reads the folder is among them.
    let listed = std::fs::read_dir("/dev/fd").map(|open| open.count() as u64);
    listed.unwrap_or(FILES_OPEN)
}

/// The limit on open files, raised for this many workers; `None` where the system does not say.
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

/// Starts a worker for each client, as far as there is room, and returns a warning about their number, if any. `work` makes
/// the work of one. None of them begins before all of them are there: until then each has a second thread beside it, so
/// that there is room left for those that look names up.
pub(super) fn start<'scope, 'env, W: FnOnce() + Send + 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    started: &'scope OnceLock<()>,
    room: &Capacity,
    clients: impl Iterator<Item = Result<Transport, TransportError>>,
    mut work: impl FnMut(Transport) -> W,
) -> Result<Option<String>, ErrorReport> {
    let mut workers = 0;
    let failed = clients.take(room.workers).try_for_each(|client| {
        // The first client was made of the same settings, so it is not for these that the next one fails.
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
    // It is set only here.
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
    fn the_workers_fit_what_is_free() {
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

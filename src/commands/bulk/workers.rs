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

/// What a machine has too little of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shortage(String);

impl Shortage {
    fn of_files(limit: u64) -> Self {
        Self(format!("the limit on open files is {limit} (`ulimit -n`)"))
    }

    /// What kept a thread, or a client with its thread, from being made.
    fn of_error(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(cause) = next {
            if let Some(error) = cause.downcast_ref::<io::Error>() {
                return Some(Self::of_io(error));
            }
            next = cause.source();
        }
        None
    }

    fn of_io(error: &io::Error) -> Self {
        Self(if is_about_files(error) {
            "no more files can be opened".to_owned()
        } else {
            "the system starts no more threads".to_owned()
        })
    }

    /// The error of a run that has not a single worker.
    pub(super) fn report(self) -> ErrorReport {
        ErrorReport { exit: Exit::OsError, message: format!("no worker can be started: {}", self.0), hint: None }
    }

    /// The warning of a run with fewer workers than it was asked to have.
    fn remark(&self, workers: usize, wanted: usize) -> String {
        let workers = counted(workers as u64, "worker");
        format!("{workers} instead of {wanted}: {}", self.0)
    }
}

/// The fault of a first client: a shortage of the machine is reported as such, a fault of the settings as it is.
pub(super) fn of_first_client(fault: CommandError) -> CommandError {
    let lack = match &fault {
        CommandError::Transport(TransportError::Client(error)) => Shortage::of_error(error.as_ref()),
        _ => None,
    };
    lack.map_or(fault, |lack| lack.report().into())
}

/// The error of a run that needs a thread that could not be started.
pub(super) fn no_thread(error: &io::Error) -> ErrorReport {
    Shortage::of_io(error).report()
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
    lack: Option<Shortage>,
}

impl Capacity {
    /// Measures the room for this many workers. The soft limit on open files is raised as far as that needs and the hard
    /// one allows.
    pub(super) fn of(wanted: usize) -> Result<Self, Shortage> {
        let room = Self::within(wanted, open_files(), limit_on_files(wanted));
        match room.lack {
            Some(lack) if room.workers == 0 => Err(lack),
            _ => Ok(room),
        }
    }

    fn within(wanted: usize, open: u64, limit: Option<u64>) -> Self {
        let Some(limit) = limit else {
            return Self { workers: wanted, wanted, lack: None };
        };
        let free = limit.saturating_sub(open + FILES_OF_RUN);
        let fitting = usize::try_from(free / FILES_PER_WORKER).unwrap_or(usize::MAX);
        Self { workers: fitting.min(wanted), wanted, lack: (fitting < wanted).then(|| Shortage::of_files(limit)) }
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

/// Starts the workers that wait, also when the thread that drops it panics.
struct Start<'a>(&'a OnceLock<()>);

impl Drop for Start<'_> {
    fn drop(&mut self) {
        // It is set only here.
        let _ = self.0.set(());
    }
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
) -> Result<Option<String>, Shortage> {
    let _start = Start(started);
    let (mut workers, mut lack) = (0, room.lack.clone());
    for client in clients.take(room.workers) {
        let begun = client.map_err(|error| Shortage::of_error(&error)).and_then(|client| {
            let work = work(client);
            let worker = move || {
                started.wait();
                work();
            };
            let thread = Builder::new().spawn_scoped(scope, worker);
            thread.map_err(|error| Some(Shortage::of_io(&error)))
        });
        if let Err(error) = begun {
            // The first client was made of the same settings, so it is not for these that the next one fails.
            lack = error.or_else(|| Some(Shortage("no more clients can be made".to_owned())));
            break;
        }
        workers += 1;
        let place = Builder::new().spawn_scoped(scope, move || {
            started.wait();
        });
        if let Err(error) = place {
            lack = Some(Shortage::of_io(&error));
            break;
        }
    }
    match lack {
        Some(lack) if workers == 0 => Err(lack),
        Some(lack) if workers < room.wanted => Ok(Some(lack.remark(workers, room.wanted))),
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

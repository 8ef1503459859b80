//! The command that is rehearsed: started with the sandbox's variables, waited for, and outlived whatever signal comes.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use super::{SandboxEnd, SandboxEnvironment, SandboxError};

/// Where commands are looked for when there is no `PATH`, as execvp does (POSIX leaves the list to the system).
const USUAL_PATH: &str = "/usr/bin:/bin";

/// Runs `program` with `arguments`, the standard streams inherited and `variables` set, and waits for its end.
///
/// # Errors
/// [`SandboxError`] when the command cannot be found, started or waited for, or `PATH` cannot hold vescli's folder.
pub(super) fn run_command(
    program: &OsStr,
    arguments: &[OsString],
    variables: &[(&str, String)],
    environment: &SandboxEnvironment,
) -> Result<SandboxEnd, SandboxError> {
    let mut command = prepare(program, variables, &environment.hidden, search_path(environment)?);
    command.args(arguments);
    let signals = watch::Signals::catch().map_err(SandboxError::Watch)?;
    let mut child = command.spawn().map_err(|source| not_started(program, source))?;
    let status = signals.wait(&mut child).map_err(SandboxError::Watch)?;
    Ok(end_of(status))
}

/// The command with the environment of a rehearsal.
fn prepare(program: &OsStr, variables: &[(&str, String)], hidden: &[&str], search_path: Option<OsString>) -> Command {
    let mut command = Command::new(program);
    // They would argue with the sandbox's token, and a real secret has no place in a rehearsal.
    for name in hidden {
        command.env_remove(name);
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command.envs(search_path.map(|path| ("PATH", path)));
    command
}

/// `PATH` with the folder of the running vescli in front, so that the command rehearses this very version.
fn search_path(environment: &SandboxEnvironment) -> Result<Option<OsString>, SandboxError> {
    let Some(folder) = &environment.own_folder else {
        return Ok(None);
    };
    let rest = environment.path.as_deref().unwrap_or_else(|| OsStr::new(USUAL_PATH));
    let folders: Vec<PathBuf> = std::iter::once(folder.clone()).chain(std::env::split_paths(rest)).collect();
    std::env::join_paths(folders)
        .map(Some)
        .map_err(|source| SandboxError::SearchPath { folder: folder.clone(), source })
}

fn not_started(program: &OsStr, source: io::Error) -> SandboxError {
    let command = program.to_owned();
    if source.kind() == io::ErrorKind::NotFound {
        SandboxError::CommandNotFound { command, source }
    } else if is_no_room(&source) {
        SandboxError::NoRoom { command, source }
    } else {
        SandboxError::CommandNotExecutable { command, source }
    }
}

/// Whether it is not the command that stands in the way.
#[cfg(unix)]
fn is_no_room(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let limits = [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    let found = Errno::from_io_error(error);
    found.is_some_and(|errno| limits.contains(&errno))
}

#[cfg(not(unix))]
fn is_no_room(_: &io::Error) -> bool {
    false
}

fn end_of(status: ExitStatus) -> SandboxEnd {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return SandboxEnd::Signal(signal);
    }
    SandboxEnd::Code(status.code().unwrap_or(1))
}

/// The sandbox must not die before its command, or the command's code is lost. Ctrl-C and Ctrl-\ at a terminal reach both,
/// so the sandbox only has to stay; `kill` and `timeout` reach the sandbox alone, so a SIGTERM is passed on. SIGHUP keeps
/// its default, because a caught one would undo `nohup` for the command.
#[cfg(unix)]
mod watch {
    use std::io;
    use std::process::{Child, ExitStatus};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    /// How often to look whether the command has ended: what its end may be noticed late by.
    const LOOK: Duration = Duration::from_millis(10);

    pub(super) struct Signals {
        terminated: Arc<AtomicBool>,
        registered: Vec<SigId>,
    }

    impl Signals {
        /// From now on none of the three signals ends this process. To be called before the command is started: a
        /// handler, unlike an ignored signal, is not inherited by it.
        pub(super) fn catch() -> io::Result<Self> {
            let mut signals = Self { terminated: Arc::new(AtomicBool::new(false)), registered: Vec::new() };
            let unread = Arc::new(AtomicBool::new(false));
            for (signal, flagged) in [(SIGINT, &unread), (SIGQUIT, &unread), (SIGTERM, &signals.terminated)] {
                let id = flag::register(signal, Arc::clone(flagged))?;
                signals.registered.push(id);
            }
            Ok(signals)
        }

        /// Waits for the command and passes each SIGTERM on. The command's id cannot have gone to another process: it is
        /// given back by the same thread, in `try_wait`.
        pub(super) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
                if self.terminated.swap(false, Ordering::Relaxed) {
                    // The command may have ended just now; the next look finds out.
                    let _ = kill_process(Pid::from_child(child), Signal::TERM);
                }
                std::thread::sleep(LOOK);
            }
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            for id in self.registered.drain(..) {
                low_level::unregister(id);
            }
        }
    }
}

/// Without Unix signals there is nothing to catch or to pass on: Ctrl-C ends both processes.
#[cfg(not(unix))]
mod watch {
    use std::io;
    use std::process::{Child, ExitStatus};

    pub(super) struct Signals;

    impl Signals {
        #[expect(clippy::unnecessary_wraps, reason = "the Unix twin can fail")]
        pub(super) fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "the Unix twin holds the handlers")]
        pub(super) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
            child.wait()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::environment::Environment;

    #[test]
    fn no_other_credential_is_left_beside_the_sandbox_s() {
        let variables = [("VESCLI_TOKEN", "rehearsal".to_owned())];
        let hidden = SandboxEnvironment::of_process(&Environment::default()).hidden;
        assert!(hidden.contains(&"F5XC_API_TOKEN"));
        let command = prepare(OsStr::new("x"), &variables, &hidden, Some("/a:/b".into()));
        let changes: Vec<_> = command.get_envs().collect();
        for name in hidden.iter().filter(|name| **name != "VESCLI_TOKEN") {
            assert!(changes.contains(&(OsStr::new(name), None)), "{name}");
        }
        let given: Vec<_> = changes.into_iter().filter_map(|(k, v)| Some((k, v?))).collect();
        let expected = [("PATH", "/a:/b"), ("VESCLI_TOKEN", "rehearsal")];
        assert_eq!(given, expected.map(|(k, v)| (OsStr::new(k), OsStr::new(v))));
    }
}

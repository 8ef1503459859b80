//! The command that is rehearsed: the sandbox starts it with its variables, waits for it, and outlives it at any signal.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use crate::args::environment::{Environment, hidden_from_rehearsal};
use crate::commands::error::SandboxError;
use crate::report::exit::Ending;

/// Where commands are looked for when there is no `PATH`, as execvp does (POSIX leaves the list to the system).
const USUAL_PATH: &str = "/usr/bin:/bin";

/// What the sandbox has to know of the process that it runs in. Everything else of the environment is inherited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SandboxEnvironment {
    pub(super) path: Option<OsString>,
    /// The folder of the running vescli, which the command is to find first; `None` leaves `PATH` alone.
    pub(super) own_folder: Option<PathBuf>,
    /// The variables that the command does not get: those with a credential.
    pub(super) hidden: Vec<String>,
}

impl SandboxEnvironment {
    /// What of this process matters here; `environment` is its environment.
    pub(super) fn of_process(environment: &Environment) -> Self {
        Self {
            path: environment.get("PATH").map(OsStr::to_owned),
            own_folder: std::env::current_exe().ok().and_then(|file| Some(file.parent()?.to_owned())),
            hidden: hidden_from_rehearsal(environment).collect(),
        }
    }
}

/// Runs `program` with `arguments`, the standard streams inherited and `variables` set, and waits for its end.
///
/// # Errors
/// [`SandboxError`] when the command cannot be found, started or waited for, or `PATH` cannot hold vescli's folder.
pub(super) fn run_command(
    program: &OsStr,
    arguments: &[OsString],
    variables: &[(&str, String)],
    environment: &SandboxEnvironment,
) -> Result<Ending, SandboxError> {
    let mut command = prepare(program, variables, &environment.hidden, search_path(environment)?);
    command.args(arguments);
    let signals = watch::Signals::catch().map_err(SandboxError::Watch)?;
    let mut child = command.spawn().map_err(|source| not_started(program, source))?;
    let status = signals.wait(&mut child).map_err(SandboxError::Watch)?;
    Ok(end_of(status))
}

/// The command with the environment of a rehearsal.
fn prepare(program: &OsStr, variables: &[(&str, String)], hidden: &[String], search_path: Option<OsString>) -> Command {
    let mut command = Command::new(program);
    // They would conflict with the sandbox's token, and a real secret must not be in a rehearsal.
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

/// Whether the cause is this machine and not the command.
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

fn end_of(status: ExitStatus) -> Ending {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ending::Signal(signal);
    }
    // Exit codes have eight bits; Windows has codes that do not fit, and those are failures too.
    Ending::Child(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The sandbox must not die before its command, or the command's code is lost. Ctrl-C and Ctrl-\ at a terminal reach both,
/// so the sandbox only has to stay; `kill` and `timeout` reach the sandbox alone, so a SIGTERM is passed on. So is a SIGHUP,
/// unless it is ignored: a caught one would undo `nohup` for the command.
#[cfg(unix)]
mod watch {
    use std::io;
    use std::process::{Child, ExitStatus};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    use crate::commands::interrupt::ignored;

    /// How often to check whether the command has ended.
    const POLL: Duration = Duration::from_millis(10);

    pub(super) struct Signals {
        terminated: Arc<AtomicBool>,
        hung_up: Arc<AtomicBool>,
        registered: Vec<SigId>,
    }

    impl Signals {
        /// From now on none of these signals ends this process. To be called before the command is started: a handler,
        /// unlike an ignored signal, is not inherited by it.
        pub(super) fn catch() -> io::Result<Self> {
            let mut signals = Self { terminated: Arc::default(), hung_up: Arc::default(), registered: Vec::new() };
            let unread = Arc::default();
            let flags =
                [(SIGINT, &unread), (SIGQUIT, &unread), (SIGTERM, &signals.terminated), (SIGHUP, &signals.hung_up)];
            let ignored = ignored();
            for (signal, flagged) in flags {
                if signal == SIGHUP && ignored & (1 << (SIGHUP - 1)) != 0 {
                    continue;
                }
                let id = flag::register(signal, Arc::clone(flagged))?;
                signals.registered.push(id);
            }
            Ok(signals)
        }

        /// Waits for the command and passes each SIGTERM and SIGHUP on. The command's id cannot have gone to another process: it is
        /// given back by the same thread, in `try_wait`.
        pub(super) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
                for (flagged, signal) in [(&self.terminated, Signal::TERM), (&self.hung_up, Signal::HUP)] {
                    if flagged.swap(false, Ordering::Relaxed) {
                        // The command may have ended just now; the next check finds out.
                        let _ = kill_process(Pid::from_child(child), signal);
                    }
                }
                std::thread::sleep(POLL);
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
        #[expect(clippy::unnecessary_wraps, reason = "the Unix version can fail")]
        pub(super) fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "the Unix version keeps the handlers")]
        pub(super) fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
            child.wait()
        }
    }
}

/// Signals reach every command that this test process watches, so the tests that start one take turns.
#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::{Duration, Instant};

    use crate::args::environment::Environment;

    use super::super::tests::{PATIENCE, log_lines};
    use super::super::{SandboxOptions, announce, run_sandbox as run};
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());

    fn turn() -> MutexGuard<'static, ()> {
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(words: &[&str]) -> SandboxOptions {
        SandboxOptions { command: words.iter().map(OsString::from).collect(), ..SandboxOptions::default() }
    }

    fn environment() -> SandboxEnvironment {
        SandboxEnvironment::of_process(&Environment::of_process())
    }

    fn shell(script: &str) -> Result<Ending, SandboxError> {
        let _turn = turn();
        run(&command(&["sh", "-c", script]), &environment(), &mut Vec::new(), &mut Vec::new())
    }

    fn code(script: &str) -> u8 {
        match shell(script) {
            Ok(Ending::Child(code)) => code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_code_or_the_signal_of_the_command_comes_back() {
        assert_eq!(code("exit 0"), 0);
        assert_eq!(code("exit 42"), 42);
        for (name, number) in [("INT", 2), ("KILL", 9), ("TERM", 15)] {
            let end = shell(&format!("kill -{name} $$; sleep 5")).unwrap();
            assert_eq!(end, Ending::Signal(number));
        }
    }

    #[test]
    fn an_interrupt_does_not_end_the_sandbox_before_its_command() {
        let script = "kill -INT $PPID; kill -QUIT $PPID; sleep 0.2; exit 7";
        assert_eq!(code(script), 7);
    }

    #[test]
    fn a_termination_and_a_hang_up_are_passed_on_to_the_command() {
        for signal in ["TERM", "HUP"] {
            let script = format!(
                "trap 'exit 9' {signal}; kill -{signal} $PPID; i=0; \
                 while [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done; exit 1"
            );
            assert_eq!(code(&script), 9, "{signal}");
        }
    }

    #[test]
    fn the_command_learns_where_the_sandbox_is_and_nothing_is_written_to_its_stdout() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("variables");
        let script =
            r#"printf '%s\n' "$VESCLI_BASE_URL" "$VESCLI_SANDBOX" "$VESCLI_TENANT" "$VESCLI_TOKEN" "$PATH" > "$0""#;
        let options = command(&["sh", "-c", script, text.to_str().unwrap()]);
        let given = SandboxEnvironment { own_folder: Some(PathBuf::from("/own folder")), ..environment() };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let end = run(&options, &given, &mut out, &mut err).unwrap();
        assert_eq!((end, out.as_slice()), (Ending::Child(0), &b""[..]));
        let text = std::fs::read_to_string(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let [base_url, sandbox, tenant, token, path] = lines[..] else {
            panic!("{text}");
        };
        assert_eq!(String::from_utf8(err).unwrap(), format!("sandbox: {sandbox}\n"));
        assert_eq!(base_url, sandbox);
        assert_eq!((tenant, token.len()), ("sandbox", 32));
        let rest = given.path.unwrap().into_string().unwrap();
        assert_eq!(path, format!("/own folder:{rest}"));
    }

    #[test]
    fn a_command_is_looked_for_in_vescli_s_own_folder_first() {
        use std::os::unix::fs::PermissionsExt;
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("env");
        std::fs::write(&file, "#!/bin/sh\nexit 33\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        for path in [environment().path, None] {
            let given = SandboxEnvironment { path, own_folder: Some(folder.path().to_owned()), ..environment() };
            let end = run(&command(&["env"]), &given, &mut Vec::new(), &mut Vec::new());
            assert_eq!(end.unwrap(), Ending::Child(33));
            let end = run(&command(&["sh", "-c", "exit 3"]), &given, &mut Vec::new(), &mut Vec::new());
            assert_eq!(end.unwrap(), Ending::Child(3));
        }
    }

    #[test]
    fn a_command_that_cannot_run_has_the_shell_s_code() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        for (program, expected) in [
            ("no-such-command-anywhere", 127),
            ("/no/such/file", 127),
            (plain.to_str().unwrap(), 126),
            (folder.path().to_str().unwrap(), 126),
        ] {
            let end = run(&command(&[program]), &environment(), &mut Vec::new(), &mut Vec::new());
            let error = end.unwrap_err();
            assert_eq!(error.command_code(), Some(expected), "{program}: {error}");
            assert!(error.to_string().contains(program), "{error}");
        }
    }

    #[test]
    fn a_log_that_cannot_be_opened_or_breaks_off_is_an_error_that_names_it() {
        let _turn = turn();
        let mut options = command(&["sh", "-c", "exit 3"]);
        options.log = Some(PathBuf::from("/no/such/folder/log"));
        let end = run(&options, &environment(), &mut Vec::new(), &mut Vec::new());
        let error = end.unwrap_err();
        assert!(matches!(error, SandboxError::LogNotWritable { .. }));
        assert_eq!(error.command_code(), None);

        let full = PathBuf::from("/dev/full");
        if full.exists() {
            options = command(&["bash", "-c", REQUEST]);
            options.log = Some(full);
            let end = run(&options, &environment(), &mut Vec::new(), &mut Vec::new());
            let error = end.unwrap_err();
            assert_eq!(error.to_string(), "the log \"/dev/full\" is incomplete; the command itself ended with code 3");
        }
    }

    /// One request by way of bash's own TCP; 3 stands for a 200, 4 for a 401, 5 for any other answer.
    const REQUEST: &str = r#"
        host=${VESCLI_BASE_URL#http://}
        exec 3<>"/dev/tcp/${host%:*}/${host#*:}"
        body='{"email":"ada@example.com"}'
        printf 'POST /no_auth/send_password_email HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' >&3
        printf 'Content-Type: application/json\r\nContent-Length: %s\r\n' "${#body}" >&3
        [ -z "$WITH_TOKEN" ] || printf 'Authorization: APIToken %s\r\n' "$VESCLI_TOKEN" >&3
        printf '\r\n%s' "$body" >&3
        read -r _ status _ <&3
        case $status in 200) exit 3;; 401) exit 4;; *) exit 5;; esac"#;

    #[test]
    fn the_rate_that_was_asked_for_holds() {
        let _turn = turn();
        let twice = format!("request() {{ {REQUEST}\n}}; (request); first=$?; (request); exit $first$?");
        let mut options = command(&["bash", "-c", &twice]);
        options.rate = Some("1/h".parse().unwrap());
        let end = run(&options, &environment(), &mut Vec::new(), &mut Vec::new());
        assert_eq!(end.unwrap(), Ending::Child(35));
    }

    #[test]
    fn the_token_of_the_run_opens_the_sandbox_of_the_run() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        for (setting, expected) in [("WITH_TOKEN=", 4), ("WITH_TOKEN=1", 3)] {
            let mut options = command(&["env", setting, "bash", "-c", REQUEST]);
            options.require_auth = true;
            options.log = Some(folder.path().join("log"));
            let end = run(&options, &environment(), &mut Vec::new(), &mut Vec::new());
            assert_eq!(end.unwrap(), Ending::Child(expected));
        }
        let lines = log_lines(&folder.path().join("log"));
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["headers"]["authorization"], "APIToken ***");
    }

    #[test]
    fn without_a_command_it_prints_what_a_shell_evaluates_and_serves() {
        let log = PathBuf::from("/dev/full");
        if !log.exists() {
            return;
        }
        let options = SandboxOptions { log: Some(log), ..SandboxOptions::default() };
        let (reader, mut writer) = io::pipe().unwrap();
        let serving = std::thread::spawn(move || {
            let mut err = Vec::new();
            let end = run(&options, &environment(), &mut writer, &mut err);
            (end, String::from_utf8(err).unwrap())
        });
        let mut lines = BufReader::new(reader).lines();
        let exports: String = (0..5).map(|_| lines.next().unwrap().unwrap() + "\n").collect();
        let request = Command::new("bash").args(["-c", &format!("{exports}{REQUEST}")]).status();
        assert_eq!(request.unwrap().code(), Some(3), "{exports}");
        // A log that cannot be written ends it, which is the only end that leaves this process alive.
        let start = Instant::now();
        while !serving.is_finished() {
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let (end, text) = serving.join().unwrap();
        assert!(matches!(end, Err(SandboxError::LogIncomplete { end: None, .. })), "{end:?}");
        assert!(text.contains("it mails no one") && text.contains("Ctrl-C"), "{text}");
        assert!(lines.next().is_none());
    }

    #[test]
    fn a_reader_of_the_exports_that_went_away_does_not_end_it_and_a_full_disk_does() {
        let (reader, mut writer) = io::pipe().unwrap();
        drop(reader);
        let gone = announce("export NAME='value'\n", "http://x", &mut writer, &mut Vec::new());
        assert!(gone.is_ok());
        let mut short = [0; 4];
        let full = announce("export NAME='value'\n", "http://x", &mut &mut short[..], &mut Vec::new());
        assert!(full.is_err());
    }

    #[test]
    fn no_other_credential_is_left_beside_the_sandbox_s() {
        let variables = [("VESCLI_TOKEN", "rehearsal".to_owned())];
        let hidden = SandboxEnvironment::of_process(&Environment::default()).hidden;
        assert!(hidden.contains(&"F5XC_API_TOKEN".to_owned()));
        let command = prepare(OsStr::new("x"), &variables, &hidden, Some("/a:/b".into()));
        let changes: Vec<_> = command.get_envs().collect();
        for name in hidden.iter().filter(|name| *name != "VESCLI_TOKEN") {
            assert!(changes.contains(&(OsStr::new(name), None)), "{name}");
        }
        let given: Vec<_> = changes.into_iter().filter_map(|(k, v)| Some((k, v?))).collect();
        let expected = [("PATH", "/a:/b"), ("VESCLI_TOKEN", "rehearsal")];
        assert_eq!(given, expected.map(|(k, v)| (OsStr::new(k), OsStr::new(v))));
    }
}

//! The rehearsed command: the sandbox starts it with its variables, passes signals on, and waits for its end.

use std::ffi::{OsStr, OsString};
use std::io;
use std::iter::once;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use crate::args::environment::{Environment, hidden_from_rehearsal};
use crate::commands::error::CommandError;
use crate::report::exit::{Ending, Exit};

/// Where to find commands without a `PATH`, as execvp does (POSIX leaves the list to the system).
const USUAL_PATH: &str = "/usr/bin:/bin";
pub(super) const NO_WAIT: &str = "cannot wait for the command";

/// Runs `program` with `arguments`, the standard streams inherited and `variables` set, and waits for its end.
///
/// # Errors
/// [`CommandError`] when the command cannot be found, started or waited for, or `PATH` cannot contain `own_folder`.
pub(super) fn run(
    program: &OsStr,
    arguments: &[OsString],
    own_folder: Option<&Path>,
    variables: &[(&str, String)],
    environment: &Environment,
) -> Result<Ending, CommandError> {
    let mut command = prepare(program, own_folder, variables, environment)?;
    let status = wait(command.args(arguments))?;
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ok(Ending::Signal(signal));
    }
    // Exit codes have eight bits; Windows has codes that do not fit, and those are failures too.
    Ok(Ending::Child(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The command with the environment of a rehearsal.
fn prepare(
    program: &OsStr,
    own_folder: Option<&Path>,
    variables: &[(&str, String)],
    environment: &Environment,
) -> Result<Command, CommandError> {
    let mut command = Command::new(program);
    // Other credentials would conflict with the sandbox's token, and a rehearsal must not contain a real secret.
    for name in hidden_from_rehearsal(environment) {
        command.env_remove(name);
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    if let Some(folder) = own_folder {
        // First in `PATH`, so that the command uses this version of vescli.
        let rest = std::env::split_paths(environment.get("PATH").unwrap_or(OsStr::new(USUAL_PATH)));
        let path = std::env::join_paths(once(folder.to_owned()).chain(rest)).map_err(|cause| {
            let what = format!("cannot put {folder:?} in front of PATH; run vescli from a folder with another name");
            CommandError::new(Exit::Config, format!("{what}: {cause}"))
        })?;
        command.env("PATH", path);
    }
    Ok(command)
}

fn start(command: &mut Command) -> Result<Child, CommandError> {
    command.spawn().map_err(|cause| {
        let command = command.get_program();
        if cause.kind() == io::ErrorKind::NotFound {
            let message = format!("command not found: {command:?}; check its name, or give its path: {cause}");
            CommandError::Command { code: 127, message }
        } else if is_no_room(&cause) {
            CommandError::os(&format!("cannot start {command:?}, because a limit of this machine is reached"))(cause)
        } else {
            let what = format!("cannot run {command:?}; check that it is a program that you may execute");
            CommandError::Command { code: 126, message: format!("{what}: {cause}") }
        }
    })
}

/// Whether the cause is this machine and not the command.
#[cfg(unix)]
fn is_no_room(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let limits = [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| limits.contains(&errno))
}

#[cfg(not(unix))]
fn is_no_room(_: &io::Error) -> bool {
    false
}

/// Starts the command and waits for its end.
///
/// The sandbox must not die before its command, or the command's code is lost. Ctrl-C and Ctrl-\ at a terminal reach both,
/// so the sandbox only has to keep running. `kill` and `timeout` only reach the sandbox, so it passes SIGTERM on, and
/// SIGHUP too, unless that is ignored: catching it would undo `nohup` for the command.
#[cfg(unix)]
fn wait(command: &mut Command) -> Result<ExitStatus, CommandError> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    /// How often to check whether the command has ended.
    const POLL: Duration = Duration::from_millis(10);

    /// Signals that do not end this process as long as this value lives, and what is passed on when one has come.
    struct Caught(Vec<(SigId, Arc<AtomicBool>, Option<Signal>)>);

    impl Drop for Caught {
        fn drop(&mut self) {
            for (id, ..) in &self.0 {
                low_level::unregister(*id);
            }
        }
    }

    let signals = [(SIGINT, None), (SIGQUIT, None), (SIGTERM, Some(Signal::TERM)), (SIGHUP, Some(Signal::HUP))];
    let ignored = crate::commands::interrupt::ignored() & (1 << (SIGHUP - 1));
    let mut caught = Caught(Vec::new());
    // Before the command is started: a handler, unlike an ignored signal, is not inherited by it.
    for (number, passed_on) in signals.into_iter().filter(|(number, _)| *number != SIGHUP || ignored == 0) {
        let flag = Arc::default();
        let id = flag::register(number, Arc::clone(&flag)).map_err(CommandError::os(NO_WAIT))?;
        caught.0.push((id, flag, passed_on));
    }
    let mut child = start(command)?;
    loop {
        if let Some(status) = child.try_wait().map_err(CommandError::os(NO_WAIT))? {
            return Ok(status);
        }
        for (_, flag, passed_on) in &caught.0 {
            if flag.swap(false, Ordering::Relaxed)
                && let Some(signal) = passed_on
            {
                // Fails if the command has just ended; the next check notices that. Its id cannot belong to another
                // process yet: this thread releases it, in `try_wait`.
                let _ = kill_process(Pid::from_child(&child), *signal);
            }
        }
        std::thread::sleep(POLL);
    }
}

/// Without Unix signals there is nothing to pass on: Ctrl-C ends both processes.
#[cfg(not(unix))]
fn wait(command: &mut Command) -> Result<ExitStatus, CommandError> {
    start(command)?.wait().map_err(CommandError::os(NO_WAIT))
}

/// Signals reach every command that this test process watches, so the tests that start one take turns.
#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::path::PathBuf;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::{Duration, Instant};

    use crate::args::layer::Layer;

    use super::super::tests::{PATIENCE, log_lines};
    use super::super::{SandboxOptions, announce, run_sandbox};
    use super::*;
    use crate::report::{Reporter, Streams, Terminals};
    use crate::settings::Output;

    static TURN: Mutex<()> = Mutex::new(());

    fn turn() -> MutexGuard<'static, ()> {
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(words: &[&str]) -> SandboxOptions {
        SandboxOptions { command: words.iter().map(OsString::from).collect(), ..SandboxOptions::default() }
    }

    /// Runs `work` with a reporter, and also returns what it wrote to standard error.
    fn reported<T>(out: &mut (dyn Write + 'static), work: impl FnOnce(&mut Reporter) -> T) -> (T, String) {
        let mut err = Vec::new();
        let streams = Streams { out, err: &mut err, terminals: Terminals::default() };
        let output = Output::early(&Layer::default(), &Environment::default());
        let done = work(&mut Reporter::new(streams, output, &Environment::default()));
        (done, String::from_utf8(err).unwrap())
    }

    fn run_in(options: &SandboxOptions, environment: &Environment) -> Result<Ending, CommandError> {
        reported(&mut io::sink(), |reporter| run_sandbox(options, environment, reporter)).0
    }

    fn run(options: &SandboxOptions) -> Result<Ending, CommandError> {
        run_in(options, &Environment::of_process())
    }

    fn shell(script: &str) -> Result<Ending, CommandError> {
        let _turn = turn();
        run(&command(&["sh", "-c", script]))
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
        let options = SandboxOptions { own_folder: Some(PathBuf::from("/own folder")), ..options };
        let environment = Environment::of_process();
        let mut out = Vec::new();
        let (end, err) = reported(&mut out, |reporter| run_sandbox(&options, &environment, reporter));
        assert_eq!((end.unwrap(), out.as_slice()), (Ending::Child(0), &b""[..]));
        let text = std::fs::read_to_string(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let [base_url, sandbox, tenant, token, path] = lines[..] else {
            panic!("{text}");
        };
        assert_eq!(err, format!("sandbox: {sandbox}\n"));
        assert_eq!(base_url, sandbox);
        assert_eq!((tenant, token.len()), ("sandbox", 32));
        let rest = environment.get("PATH").unwrap().to_str().unwrap();
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
        for environment in [Environment::of_process(), Environment::default()] {
            for (words, code) in [(&["env"][..], 33), (&["sh", "-c", "exit 3"], 3)] {
                let options = SandboxOptions { own_folder: Some(folder.path().to_owned()), ..command(words) };
                assert_eq!(run_in(&options, &environment).unwrap(), Ending::Child(code));
            }
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
            let end = run(&command(&[program]));
            let error = end.unwrap_err();
            assert_eq!(error.ending(), Ending::Child(expected), "{program}: {error}");
            assert!(error.to_string().contains(program), "{error}");
        }
    }

    #[test]
    fn a_log_that_cannot_be_written_is_an_error_that_names_it() {
        let _turn = turn();
        let mut options = command(&["sh", "-c", "exit 3"]);
        options.log = Some(PathBuf::from("/no/such/folder/log"));
        let end = run(&options);
        let error = end.unwrap_err();
        assert!(error.to_string().starts_with("cannot open the log \"/no/such/folder/log\""), "{error}");
        assert_eq!(error.ending(), Exit::Io.into());

        let full = PathBuf::from("/dev/full");
        if full.exists() {
            options = command(&["bash", "-c", REQUEST]);
            options.log = Some(full);
            let end = run(&options);
            let error = end.unwrap_err();
            let message = "the log \"/dev/full\" is incomplete; the command itself ended with code 3: ";
            assert!(error.to_string().starts_with(message), "{error}");
        }
    }

    /// One request through bash's own TCP; exit code 3 means a 200, 4 a 401, 5 any other answer.
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
        let end = run(&options);
        assert_eq!(end.unwrap(), Ending::Child(35));
    }

    #[test]
    fn a_run_accepts_its_own_token() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        for (setting, expected) in [("WITH_TOKEN=", 4), ("WITH_TOKEN=1", 3)] {
            let mut options = command(&["env", setting, "bash", "-c", REQUEST]);
            options.require_auth = true;
            options.log = Some(folder.path().join("log"));
            let end = run(&options);
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
            reported(&mut writer, |reporter| run_sandbox(&options, &Environment::of_process(), reporter))
        });
        let mut lines = BufReader::new(reader).lines();
        let exports: String = (0..5).map(|_| lines.next().unwrap().unwrap() + "\n").collect();
        let request = Command::new("bash").args(["-c", &format!("{exports}{REQUEST}")]).status();
        assert_eq!(request.unwrap().code(), Some(3), "{exports}");
        // A log that cannot be written ends it. Any other end would end this process too.
        let start = Instant::now();
        while !serving.is_finished() {
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let (end, text) = serving.join().unwrap();
        let error = end.unwrap_err().to_string();
        assert!(error.starts_with("the log \"/dev/full\" is incomplete: "), "{error}");
        assert!(text.contains("it mails no one") && text.contains("Ctrl-C"), "{text}");
        assert!(lines.next().is_none());
    }

    #[test]
    fn a_closed_reader_does_not_end_it_and_a_full_disk_does() {
        let variables = [("NAME", "value".to_owned())];
        let announced =
            |out: &mut (dyn Write + 'static)| reported(out, |reporter| announce("http://x", &variables, reporter)).0;
        let (reader, mut writer) = io::pipe().unwrap();
        drop(reader);
        assert!(announced(&mut writer).is_ok());
        assert!(announced(&mut io::Cursor::new([0; 4])).is_err());
    }

    #[test]
    fn the_command_gets_no_other_credential_than_the_sandbox_s() {
        let variables = [("VESCLI_TOKEN", "rehearsal".to_owned())];
        let environment: Environment = [("PATH", "/b")].into_iter().collect();
        let hidden: Vec<String> = hidden_from_rehearsal(&environment).collect();
        assert!(hidden.contains(&"F5XC_API_TOKEN".to_owned()));
        let command = prepare(OsStr::new("x"), Some(Path::new("/a")), &variables, &environment).unwrap();
        let changes: Vec<_> = command.get_envs().collect();
        for name in hidden.iter().filter(|name| *name != "VESCLI_TOKEN") {
            assert!(changes.contains(&(OsStr::new(name), None)), "{name}");
        }
        let given: Vec<_> = changes.into_iter().filter_map(|(k, v)| Some((k, v?))).collect();
        let expected = [("PATH", "/a:/b"), ("VESCLI_TOKEN", "rehearsal")];
        assert_eq!(given, expected.map(|(k, v)| (OsStr::new(k), OsStr::new(v))));
    }
}

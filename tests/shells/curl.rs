//! Runs the command that `--show-curl` prints in each shell with a real curl, and compares what arrives at the server with
//! what vescli itself sends. No argument of curl may contain a secret.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use support::harness::{Output, Vescli, copy_program};
use support::server::{Recorded, Server};

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "dash"];

/// Fails with a sentence when a program that these tests need is missing.
fn need(program: &str) {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        found.is_ok(),
        "these tests run {program}, which is not installed: install it, or leave `--test shells` out"
    );
}

/// What has to be the same from both senders.
#[derive(Debug, PartialEq)]
struct ComparedRequest {
    method: String,
    path: String,
    headers: [(&'static str, Option<String>); 6],
    body: Vec<u8>,
}

fn compared(request: &Recorded) -> ComparedRequest {
    let names = ["accept", "authorization", "content-type", "content-length", "host", "user-agent"];
    let headers = names.map(|name| (name, request.header(name).map(str::to_owned)));
    ComparedRequest { method: request.method.clone(), path: request.path.clone(), headers, body: request.body.clone() }
}

/// A program in front of curl that writes down its arguments, one per line, and then is curl.
const RECORDER: &str = "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$ARGUMENTS\"\nexec \"$REAL_CURL\" \"$@\"\n";

fn real_curl() -> PathBuf {
    let found = ["/usr/bin", "/bin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join("curl"))
        .find(|path| path.exists());
    found.expect("these tests run curl, which is not installed")
}

/// What is given beside the flags, to vescli and to the printed command alike.
#[derive(Clone, Copy, Default)]
pub(super) struct Given<'a> {
    pub(super) variables: &'a [(&'a str, &'a str)],
    pub(super) stdin: Option<&'a str>,
    /// What must not be in an argument of curl, nor in anything that is printed.
    pub(super) secrets: &'a [&'a str],
}

impl Given<'_> {
    fn to(&self, mut vescli: Vescli) -> Vescli {
        for (name, value) in self.variables {
            vescli = vescli.env(name, value);
        }
        match self.stdin {
            Some(text) => vescli.stdin(text),
            None => vescli,
        }
    }
}

/// Sends with vescli and with the printed command in each shell, and compares what arrived.
pub(super) fn same(server: &Server, vescli: impl Fn() -> Vescli, given: Given) {
    given.to(vescli()).stdout_contains("accepted: ").run();
    let own = compared(&server.requests().pop().unwrap());
    for shell in SHELLS {
        need(shell);
        let printed = given.to(vescli().arg("--show-curl")).stdout_contains("curl --disable ").run();
        let before = server.count();
        let (ran, arguments) = run_in(shell, &printed, given);
        let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{shell}: {stderr}\n{}", printed.stdout);
        assert!(!arguments.is_empty(), "{shell}: {}", printed.stdout);
        for secret in given.secrets {
            for text in [&printed.stdout, &arguments, &stderr] {
                assert!(!text.contains(secret), "{shell}: {text}");
            }
        }
        let requests = server.requests();
        assert_eq!(requests.len(), before + 1, "{shell}: {}", printed.stdout);
        let request = requests.last().unwrap();
        assert_eq!(compared(request), own, "{shell}: {}", printed.stdout);
        for name in ["expect", "accept-encoding", "cookie", "referer"] {
            assert_eq!(request.header(name), None, "{shell}");
        }
    }
}

/// Runs the printed command in a shell; what it did, and the arguments that curl had.
fn run_in(shell: &str, printed: &Output, given: Given) -> (process::Output, String) {
    let tools = printed.folder.join("tools");
    fs::create_dir_all(&tools).unwrap();
    fs::write(tools.join("recorder"), RECORDER).unwrap();
    copy_program(&tools.join("recorder"), &tools.join("curl"));
    let recorded = tools.join("arguments");
    let mut child = Command::new(shell)
        .args(["-c", &printed.stdout])
        .env("HOME", &printed.folder)
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
        .env("REAL_CURL", real_curl())
        .env("ARGUMENTS", &recorded)
        .envs(given.variables.iter().copied())
        .current_dir(&printed.folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(given.stdin.unwrap_or_default().as_bytes()).unwrap();
    drop(pipe);
    let ran = child.wait_with_output().unwrap();
    (ran, fs::read_to_string(recorded).unwrap_or_default())
}

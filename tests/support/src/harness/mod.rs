//! Runs the program in a fresh folder with an empty environment, and compares everything it does.
//! Strict by default: no output, no messages and exit code 0, unless the test says otherwise.

mod expected;
mod running;
mod signals;

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::server::Server;
use expected::{Ending, Expected, Text};

pub use running::{Output, Running};

/// The program as it is going to be run.
#[must_use = "nothing is run or checked without `run` or `start`"]
pub struct Vescli {
    program: PathBuf,
    folder: Arc<TempDir>,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Option<Vec<u8>>,
    user: Option<u32>,
    expected: Expected,
}

impl Vescli {
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("vescli-test-").unwrap();
        Self::within(Arc::new(folder))
    }

    /// Any other program, run just as strictly.
    pub fn program(path: impl Into<PathBuf>) -> Self {
        Self { program: path.into(), ..Self::new() }
    }

    fn within(folder: Arc<TempDir>) -> Self {
        let home = folder.path().to_path_buf();
        let mut vescli = Self {
            program: crate::program().into(),
            folder,
            args: Vec::new(),
            environment: Vec::new(),
            stdin: None,
            user: None,
            expected: Expected::default(),
        };
        #[expect(clippy::disallowed_methods, reason = "the door is for the product; here it is one line")]
        if let Some(path) = std::env::var_os("PATH") {
            vescli = vescli.env("PATH", path);
        }
        vescli
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("HOME", home)
    }

    /// The folder of this run: its HOME and where it is started.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref().to_owned();
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(given, _)| given != name.as_ref());
        self
    }

    /// What is on standard input; without it, nothing (`/dev/null`).
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Some(bytes.as_ref().to_vec());
        self
    }

    /// Points `VESCLI_BASE_URL` at the server, and knows its port in what is printed.
    pub fn against(self, server: &Server) -> Self {
        self.env("VESCLI_BASE_URL", server.url()).port(server.port())
    }

    /// A port that is shown as `[PORT]` in what is compared.
    pub fn port(mut self, port: u16) -> Self {
        self.expected.ports.push(port);
        self
    }

    /// A private file in the folder.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_mode(name, content, 0o600)
    }

    pub fn file_mode(self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        let path = self.folder().join(name);
        // Whatever the umask: a configuration in a folder that others can write may name no command.
        let mut folders = fs::DirBuilder::new();
        let folders = folders.recursive(true).mode(0o700);
        folders.create(path.parent().unwrap()).unwrap();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path).unwrap();
        file.write_all(content.as_ref()).unwrap();
        // Set by hand: the mode at creation is cut by the umask.
        file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// The configuration file, where the program looks for it by itself.
    pub fn config(self, toml: &str) -> Self {
        self.file(".config/vescli/config.toml", toml)
    }

    /// Runs as another user, which root alone can do. The program is copied to where that user can reach it.
    pub fn of_user(mut self, id: u32) -> Self {
        let copy = self.folder().join("the-program");
        copy_program(&self.program, &copy);
        fs::set_permissions(self.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        self.program = copy;
        self.user = Some(id);
        self
    }

    pub fn start(self) -> Running {
        signals::uninherited();
        let mut command = Command::new(&self.program);
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        command
            .args(&self.args)
            .env_clear()
            .envs(self.environment)
            .current_dir(self.folder.path())
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running::start(command, self.args, self.stdin, self.folder, self.expected)
    }

    /// Runs to the end and checks everything; see `limit` for how long it may take.
    pub fn run(self) -> Output {
        self.start().finish()
    }
}

/// Copies a program that is going to be run, by another process: a copy that this one had open for writing could not be
/// started for as long as a child that another test has just forked holds it open as well.
pub fn copy_program(from: &Path, to: &Path) {
    let mut command = Command::new("install");
    let copied = command.args(["-m", "755"]).args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// What is expected. A later expectation about the same thing replaces an earlier one.
impl Vescli {
    pub fn code(mut self, code: u8) -> Self {
        self.expected.ending = Ending::Code(code);
        self
    }

    /// A run that takes longer is killed and fails; a minute unless this says otherwise.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.expected.limit = limit;
        self
    }

    /// The program is to die by this signal.
    pub fn dies_by(mut self, signal: i32) -> Self {
        self.expected.ending = Ending::Signal(signal);
        self
    }

    /// The program may end as it likes, within its time.
    pub fn any_ending(mut self) -> Self {
        self.expected.ending = Ending::Any;
        self
    }

    /// All of standard output, with volatile parts replaced; see `Expected::steady`.
    pub fn stdout(mut self, text: impl Into<String>) -> Self {
        self.expected.stdout.text = Text::Exactly(text.into());
        self
    }

    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.expected.stderr.text = Text::Exactly(text.into());
        self
    }

    /// Part of standard output; whatever else is there is let through.
    pub fn stdout_contains(mut self, text: impl Into<String>) -> Self {
        self.expected.stdout.contain(text.into());
        self
    }

    pub fn stderr_contains(mut self, text: impl Into<String>) -> Self {
        self.expected.stderr.contain(text.into());
        self
    }

    /// Must not be there, in the output as it came; alone it does not allow any other output.
    pub fn stdout_lacks(mut self, text: impl Into<String>) -> Self {
        self.expected.stdout.lacking.push(text.into());
        self
    }

    pub fn stderr_lacks(mut self, text: impl Into<String>) -> Self {
        self.expected.stderr.lacking.push(text.into());
        self
    }

    /// Standard output is one JSON document on one line, which is checked as it came.
    pub fn stdout_json(self, check: impl FnOnce(&Value) + 'static) -> Self {
        self.stdout_json_lines(|documents| {
            assert_eq!(documents.len(), 1, "not one document but {}", documents.len());
            check(&documents[0]);
        })
    }

    /// Standard output is a JSON document per line.
    pub fn stdout_json_lines(mut self, check: impl FnOnce(&[Value]) + 'static) -> Self {
        self.expected.stdout.text = Text::Json(Box::new(check));
        self
    }
}

impl Output {
    /// The program once more in the same folder, with nothing else kept.
    pub fn again(&self) -> Vescli {
        Vescli::within(Arc::clone(&self.kept))
    }

    /// Another program in the same folder.
    pub fn again_with(&self, path: impl Into<PathBuf>) -> Vescli {
        Vescli { program: path.into(), ..self.again() }
    }
}

//! A program at work: its output is read as it comes, and its end is awaited, but not for ever.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::expected::{Ending, Expected};

/// How often a program that has closed its output is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(1);

/// What a run did, as it came: nothing is replaced here.
#[derive(Debug)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub elapsed: Duration,
    /// The folder of the run, which lasts as long as this.
    pub folder: PathBuf,
    pub(super) kept: Arc<TempDir>,
}

/// A run that has not ended. It is killed if the test drops it.
#[must_use = "nothing is checked without `finish`"]
pub struct Running {
    child: Child,
    args: Vec<OsString>,
    stdout: Capture,
    stderr: Capture,
    writing: Option<JoinHandle<()>>,
    folder: Arc<TempDir>,
    started: Instant,
    limit: Duration,
    expected: Option<Expected>,
}

impl Running {
    pub(super) fn start(
        mut command: Command,
        args: Vec<OsString>,
        stdin: Option<Vec<u8>>,
        folder: Arc<TempDir>,
        expected: Expected,
    ) -> Self {
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let pipe = child.stdin.take();
        let writing = pipe.zip(stdin).map(|(mut pipe, bytes)| {
            // A program need not read all of its input.
            thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        Self {
            stdout: Capture::of(child.stdout.take().unwrap()),
            stderr: Capture::of(child.stderr.take().unwrap()),
            child,
            args,
            writing,
            folder,
            started,
            limit: expected.limit,
            expected: Some(expected),
        }
    }

    /// Waits until standard output contains this, and returns everything it contained then.
    pub fn wait_for_stdout(&self, text: &str) -> String {
        self.stdout.wait_for(text, self.deadline())
    }

    pub fn wait_for_stderr(&self, text: &str) -> String {
        self.stderr.wait_for(text, self.deadline())
    }

    /// The number of the process, for a look at it from outside.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `INT` or `KILL`, to this one process.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success(), "the signal {name} could not be sent");
    }

    /// Waits for the end and checks everything. A run that takes too long fails, and is killed by
    /// being dropped.
    pub fn finish(mut self) -> Output {
        let status = self.wait();
        let output = Output {
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            elapsed: self.started.elapsed(),
            folder: self.folder.path().to_path_buf(),
            kept: Arc::clone(&self.folder),
        };
        let ending = match (output.code, output.signal) {
            (Some(code), _) => u8::try_from(code).ok().map(Ending::Code),
            (None, Some(signal)) => Some(Ending::Signal(signal)),
            (None, None) => None,
        };
        // Reported by its drop, because a check on JSON may panic by itself.
        let story = Story { args: &self.args, output: &output };
        let expected = self.expected.take().expect("a run finishes once");
        let faults = expected.faults(&output.folder, ending, &output.stdout, &output.stderr);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        drop(story);
        output
    }

    fn deadline(&self) -> Instant {
        self.started + self.limit
    }

    fn wait(&mut self) -> Option<ExitStatus> {
        let deadline = self.deadline();
        if !(self.stdout.ends_by(deadline) && self.stderr.ends_by(deadline)) {
            return None;
        }
        if let Some(writing) = self.writing.take() {
            // It ends with the program at the latest, when the pipe breaks.
            while !writing.is_finished() && Instant::now() < deadline {
                thread::park_timeout(GLANCE);
            }
        }
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            thread::park_timeout(GLANCE);
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended was reaped, and neither call reaches another process then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints the whole run if it is dropped by a panic, so that every failure shows it in full.
struct Story<'a> {
    args: &'a [OsString],
    output: &'a Output,
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let Output { stdout, stderr, code, signal, elapsed, .. } = self.output;
        let args = self.args;
        #[expect(clippy::print_stderr, reason = "the test runner shows it below a failure")]
        {
            eprintln!(
                "--- vescli {args:?}\n--- code {code:?}, signal {signal:?}, after {elapsed:?}\n\
            --- stdout\n{stdout}\n--- stderr\n{stderr}\n---"
            );
        }
    }
}

/// What came out of one stream so far.
struct Capture(Arc<(Mutex<Captured>, Condvar)>);

#[derive(Default)]
struct Captured {
    bytes: Vec<u8>,
    ended: bool,
}

impl Capture {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Captured::default()), Condvar::new()));
        let filled = Arc::clone(&shared);
        thread::spawn(move || {
            let (captured, changed) = &*filled;
            let mut buffer = [0; 16 * 1024];
            loop {
                let count = pipe.read(&mut buffer).unwrap_or(0);
                let mut captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
                captured.bytes.extend_from_slice(&buffer[..count]);
                captured.ended = count == 0;
                changed.notify_all();
                if captured.ended {
                    return;
                }
            }
        });
        Self(shared)
    }

    fn text(&self) -> String {
        let captured = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&captured.bytes).into_owned()
    }

    fn ends_by(&self, deadline: Instant) -> bool {
        self.wait_until(deadline, |captured| captured.ended)
    }

    fn wait_for(&self, text: &str, deadline: Instant) -> String {
        let holds = |captured: &Captured| String::from_utf8_lossy(&captured.bytes).contains(text);
        self.wait_until(deadline, |captured| captured.ended || holds(captured));
        let came = self.text();
        assert!(came.contains(text), "{text:?} never came, only:\n{came}");
        came
    }

    fn wait_until(&self, deadline: Instant, done: impl Fn(&Captured) -> bool) -> bool {
        let (captured, changed) = &*self.0;
        let captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
        let left = deadline.saturating_duration_since(Instant::now());
        let (captured, _) = changed
            .wait_timeout_while(captured, left, |captured| !done(captured))
            .unwrap_or_else(PoisonError::into_inner);
        done(&captured)
    }
}

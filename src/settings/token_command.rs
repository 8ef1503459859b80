//! Runs the command that prints a token: without a shell, without our secrets, and not for ever.

use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::credential::CredentialError;
use super::token::{TOKEN_READ, too_long};
use crate::args::environment::Environment;
use crate::args::layer::Origin;
use crate::args::secret_variables::hidden_from_token_command;

/// How long to sleep between two looks at the command: at first next to nothing, because most commands are quick.
const LOOKS: [Duration; 2] = [Duration::from_micros(200), Duration::from_millis(10)];

/// Runs the command with no input, its messages passed through, and the secrets taken out of its environment. It is over
/// when the command has ended: a process that it has left behind, such as gpg-agent, may hold its output open for days.
///
/// # Errors
/// [`CredentialError::Command`] when it cannot be run, fails, or runs for longer than `limit`; then it is killed.
pub(super) fn run(
    words: &[String],
    limit: Duration,
    origin: &Origin,
    environment: &Environment,
) -> Result<Vec<u8>, CredentialError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |reason: String| CredentialError::Command { origin: origin.clone(), program: program.clone(), reason };
    let mut command = Command::new(&program);
    command.args(words.iter().skip(1)).stdin(Stdio::null()).stdout(Stdio::piped());
    for name in hidden_from_token_command().filter(|name| environment.get(name).is_some()) {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| failed(format!("cannot be run: {error}")))?;
    let ended = Output::of(&mut child).and_then(|output| watch(&mut child, output, limit));
    // It may have been left at work. Only this one process is ours to end: it shares its group with this one, so that it
    // can ask at the terminal.
    let _ = child.kill();
    let _ = child.wait();
    let (bytes, end) = ended.map_err(|error| failed(format!("could not be read: {error}")))?;
    match end {
        End::Exit(status) if status.success() => Ok(bytes.to_vec()),
        End::Exit(status) => Err(failed(format!("failed ({status})"))),
        End::TooLong => Err(too_long(origin)),
        End::OutOfTime => Err(failed(format!(
            "did not end within {} and was killed: give it more time with `token_command_timeout`",
            humantime::format_duration(limit)
        ))),
    }
}

enum End {
    Exit(ExitStatus),
    TooLong,
    OutOfTime,
}

fn watch(child: &mut Child, mut output: Output, limit: Duration) -> io::Result<(Zeroizing<Vec<u8>>, End)> {
    let start = Instant::now();
    let deadline = start + limit;
    loop {
        // Asked before the output is read: what the command wrote before its end is in the pipe by then.
        let ended = child.try_wait()?;
        output.drain()?;
        let end = match ended {
            _ if output.bytes.len() as u64 > TOKEN_READ => End::TooLong,
            Some(status) => End::Exit(status),
            None if Instant::now() >= deadline => End::OutOfTime,
            None => {
                let early = start.elapsed() < LOOKS[1];
                thread::sleep(LOOKS[usize::from(!early)]);
                continue;
            }
        };
        return Ok((output.bytes, end));
    }
}

/// What the command has printed so far, one byte more than a token may have at most.
struct Output {
    pipe: Option<ChildStdout>,
    bytes: Zeroizing<Vec<u8>>,
}

impl Output {
    fn of(child: &mut Child) -> io::Result<Self> {
        let pipe = child.stdout.take();
        if let Some(pipe) = &pipe {
            never_wait(pipe)?;
        }
        let room = usize::try_from(TOKEN_READ + 1).unwrap_or_default();
        Ok(Self { pipe, bytes: Zeroizing::new(Vec::with_capacity(room)) })
    }

    /// Takes what is there.
    fn drain(&mut self) -> io::Result<()> {
        let mut chunk = Zeroizing::new([0; 1024]);
        while let Some(pipe) = &mut self.pipe
            && self.bytes.len() < self.bytes.capacity()
        {
            let room = chunk.len().min(self.bytes.capacity() - self.bytes.len());
            match pipe.read(&mut chunk[..room]) {
                Ok(0) => self.pipe = None,
                Ok(count) => self.bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A read of an empty pipe comes back at once. This is a property of our end alone, not of the command's.
#[cfg(unix)]
fn never_wait(pipe: &ChildStdout) -> io::Result<()> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

/// Without such pipes a read waits for the end of the output, so the limit holds only for a command that prints.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the Unix twin can fail")]
fn never_wait(_: &ChildStdout) -> io::Result<()> {
    Ok(())
}

//! The token: where it comes from, and how it is read from a variable, a file, standard input or a command. A text that cannot
//! be a token, and a file that others can read, are refused.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::secret::{Secret, keep_out_of_core_files};
use crate::args::environment::{Environment, hidden_from_token_command};
use crate::args::layer::{Layer, Origin, Value};
use crate::args::settings_table::Setting;
use crate::settings::error::SettingsError;
use crate::settings::file::{self, Accept, FileError, FileErrorKind};

/// Longest token, in bytes: no server accepts a longer header.
const TOKEN_MAX: usize = 8 * 1024;

/// How many bytes are read: the token and its line end.
const TOKEN_READ_MAX: u64 = TOKEN_MAX as u64 + 2;

const TOO_LONG: &str = "is longer than 8 KiB, so it is not an API token";

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    Variable(String, Secret),
    File(PathBuf),
    Stdin,
    /// Run without a shell, for at most `limit`.
    Command {
        words: Vec<String>,
        limit: Duration,
    },
}

impl TokenSource {
    /// The token that one layer names; `limit` is for a command.
    pub(super) fn of_layer(layer: &Layer, limit: Duration) -> Option<(Self, Origin)> {
        let entry = layer.get(Setting::TokenFile).or_else(|| layer.get(Setting::TokenCommand))?;
        let source = match &entry.value {
            Value::List(words) => Self::Command { words: words.clone(), limit },
            Value::Text(path) if path == "-" => Self::Stdin,
            path => Self::File(PathBuf::from(path.to_string())),
        };
        Some((source, entry.origin.clone()))
    }

    /// Reads the token.
    ///
    /// # Errors
    /// [`SettingsError`] when it cannot be read, is not kept safely, or is not a token.
    pub fn read(&self, origin: &Origin, environment: &Environment) -> Result<Secret, SettingsError> {
        keep_out_of_core_files();
        let bytes = match self {
            Self::Variable(_, secret) => secret.expose().as_bytes().to_vec(),
            Self::File(path) => file::read(path, Accept::FileOrPipe, TOKEN_READ_MAX, file::check_private)
                .map_err(|error| of_file(error, origin))?,
            Self::Stdin => read_stdin(origin)?,
            Self::Command { words, limit } => run_command(words, *limit, origin, environment)?,
        };
        Secret::of_line(bytes).ok_or("is not text").and_then(check).map_err(|reason| match self {
            Self::File(path) => {
                let reason = if reason == EMPTY { "is empty: write the API token into the file" } else { reason };
                SettingsError::unusable(origin, format!("the token in {} {reason}", path.display()))
            }
            _ => unusable(origin, reason),
        })
    }
}

const EMPTY: &str = "is empty";

/// A token must be visible ASCII. Other characters could end the header.
///
/// # Errors
/// The reason, without any part of the token.
fn check(secret: Secret) -> Result<Secret, &'static str> {
    let text = secret.expose();
    if text.is_empty() {
        Err(EMPTY)
    } else if text.len() > TOKEN_MAX {
        Err(TOO_LONG)
    } else if text.starts_with("APIToken ") {
        Err("begins with `APIToken `: leave that word out, vescli adds it")
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err("contains a space, a line break or a character that is not ASCII: it must be one word")
    } else {
        Ok(secret)
    }
}

fn unusable(origin: &Origin, reason: &'static str) -> SettingsError {
    SettingsError::unusable(origin, format!("the token {reason}"))
}

fn of_file(error: FileError, origin: &Origin) -> SettingsError {
    let hint = match error.kind {
        FileErrorKind::TooLarge { .. } => return unusable(origin, TOO_LONG),
        FileErrorKind::NotRegular => " and not a pipe; `--token-file -` reads standard input",
        _ => "",
    };
    SettingsError::File { origin: format!("{origin}: "), error, hint }
}

/// Does not use the buffer of the standard library, which would keep a copy of the token until the process ends.
fn read_stdin(origin: &Origin) -> Result<Vec<u8>, SettingsError> {
    #[cfg(unix)]
    let stdin = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned().map(std::fs::File::from);
    #[cfg(not(unix))]
    let stdin = Ok(io::stdin().lock());
    stdin
        .and_then(|stdin| file::read_up_to(stdin, TOKEN_READ_MAX, TOKEN_READ_MAX))
        .map_err(|error| SettingsError::unusable("--token-file -", format!("standard input cannot be read: {error}")))?
        .ok_or_else(|| unusable(origin, TOO_LONG))
}

/// The pause between two checks of the command: at first short, because most commands are quick, then longer.
const CHECK_INTERVALS: [Duration; 2] = [Duration::from_micros(200), Duration::from_millis(10)];

/// Runs the command without input and without the secrets in its environment; its messages are shown. This waits for the end of
/// the command, not of its output: a process that it starts, such as gpg-agent, may keep the output open for days.
///
/// # Errors
/// [`SettingsError::Unusable`] when it cannot be run, fails, or runs for longer than `limit`; then it is killed.
fn run_command(
    words: &[String],
    limit: Duration,
    origin: &Origin,
    environment: &Environment,
) -> Result<Vec<u8>, SettingsError> {
    let program = words.first().map_or("", String::as_str);
    let failed = |reason| SettingsError::unusable(origin, format!("the command `{program}` {reason}"));
    let mut command = Command::new(program);
    command.args(words.iter().skip(1)).stdin(Stdio::null()).stdout(Stdio::piped());
    for name in hidden_from_token_command().filter(|name| environment.get(name).is_some()) {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| failed(format!("cannot be run: {error}")))?;
    // The output so far, at most one byte more than is allowed.
    let room = usize::try_from(TOKEN_READ_MAX + 1).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let end = wait(&mut child, &mut bytes, limit);
    // It may still run. Only the process is killed, not its group: it is in vescli's group, so that it can ask for a password
    // at the terminal.
    let _ = child.kill();
    let _ = child.wait();
    match end.map_err(|error| failed(format!("could not be read: {error}")))? {
        _ if is_too_long(&bytes) => Err(unusable(origin, TOO_LONG)),
        Some(status) if status.success() => Ok(bytes.to_vec()),
        Some(status) => Err(failed(format!("failed ({status})"))),
        None => Err(failed(format!(
            "did not end within {} and was killed: give it more time with `token_command_timeout`",
            humantime::format_duration(limit)
        ))),
    }
}

fn is_too_long(bytes: &[u8]) -> bool {
    bytes.len() as u64 > TOKEN_READ_MAX
}

/// Waits until the command has ended, has printed too much, or the limit is over. None if it has not ended.
fn wait(child: &mut Child, bytes: &mut Vec<u8>, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pipe = child.stdout.take();
    if let Some(pipe) = &pipe {
        set_nonblocking(pipe)?;
    }
    loop {
        // Before the output is read: after the command's end, all its output is in the pipe.
        let ended = child.try_wait()?;
        read_available(&mut pipe, bytes)?;
        if ended.is_some() || is_too_long(bytes) || start.elapsed() >= limit {
            return Ok(ended);
        }
        let is_early = start.elapsed() < CHECK_INTERVALS[1];
        thread::sleep(CHECK_INTERVALS[usize::from(!is_early)]);
    }
}

/// Reads the available output, as far as the buffer has room: a buffer that grows leaves copies of a secret behind.
fn read_available(pipe: &mut Option<ChildStdout>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = Zeroizing::new([0; 1024]);
    while let Some(open) = pipe
        && bytes.len() < bytes.capacity()
    {
        let room = chunk.len().min(bytes.capacity() - bytes.len());
        match open.read(&mut chunk[..room]) {
            Ok(0) => *pipe = None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// This only changes vescli's end of the pipe, not that of the command.
#[cfg(unix)]
fn set_nonblocking(pipe: &ChildStdout) -> io::Result<()> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

/// On these systems a read waits for output, so the time limit only works for a command that prints.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the Unix twin can fail")]
fn set_nonblocking(_: &ChildStdout) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<String, String> {
        let source = TokenSource::Variable("VESCLI_TOKEN".to_owned(), Secret::new(text.to_owned()));
        let read = source.read(&Origin::Variable("VESCLI_TOKEN".to_owned()), &Environment::default());
        read.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn one_newline_is_trimmed_and_anything_that_could_end_a_header_is_refused() {
        for good in ["abc", "abc\n", "abc\r\n"] {
            assert_eq!(checked(good).as_deref(), Ok("abc"));
        }
        assert!(checked(&"a".repeat(TOKEN_MAX)).is_ok());
        let too_long = "a".repeat(TOKEN_MAX + 1);
        let bad = ["", "\n", "a b", "abc\n\n", "a\nb", "a\r", "ä", "a\0", "APIToken abc", "a\u{7f}", too_long.as_str()];
        for bad in bad {
            let message = checked(bad).unwrap_err();
            assert!(message.starts_with("VESCLI_TOKEN: the token "), "{message}");
        }
    }
}

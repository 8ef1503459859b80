//! What a run is expected to do, and the comparison with what it did.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// How the program is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Code(u8),
    Signal(i32),
    /// Whatever it is, the test looks at it by itself; but there has to be one in time.
    Any,
}

type Check = Box<dyn FnOnce(&[Value])>;

pub(super) enum Text {
    Exactly(String),
    Containing(Vec<String>),
    /// A JSON document per line.
    Json(Check),
}

pub(super) struct Stream {
    pub(super) text: Text,
    pub(super) lacking: Vec<String>,
}

impl Stream {
    pub(super) fn contain(&mut self, part: String) {
        if let Text::Containing(parts) = &mut self.text {
            parts.push(part);
        } else {
            self.text = Text::Containing(vec![part]);
        }
    }

    /// Everything that is wrong with this stream, each in words.
    fn faults(self, name: &str, raw: &str, steady: &str) -> Vec<String> {
        let mut faults = Vec::new();
        match self.text {
            Text::Exactly(text) if text == steady => {}
            Text::Exactly(text) => faults.push(format!("{name} is to be exactly:\n{text}")),
            Text::Containing(parts) => {
                let missing = parts.iter().filter(|part| !steady.contains(*part));
                faults.extend(missing.map(|part| format!("{name} is to contain: {part:?}")));
            }
            Text::Json(check) => match documents(raw) {
                Ok(documents) => check(&documents),
                Err(error) => faults.push(format!("{name} is to be JSON: {error}")),
            },
        }
        let present = self.lacking.iter().filter(|part| raw.contains(*part));
        faults.extend(present.map(|part| format!("{name} is not to contain: {part:?}")));
        faults
    }
}

fn documents(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    text.lines().map(serde_json::from_str).collect()
}

pub(super) struct Expected {
    pub(super) ending: Ending,
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
    pub(super) ports: Vec<u16>,
    /// The longest that the run may take.
    pub(super) limit: Duration,
}

impl Default for Expected {
    fn default() -> Self {
        let empty = || Stream { text: Text::Exactly(String::new()), lacking: Vec::new() };
        Self {
            ending: Ending::Code(0),
            stdout: empty(),
            stderr: empty(),
            ports: Vec::new(),
            limit: Duration::from_secs(60),
        }
    }
}

impl Expected {
    pub(super) fn faults(self, folder: &Path, ending: Option<Ending>, stdout: &str, stderr: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let is_free = self.ending == Ending::Any && ending.is_some();
        if ending != Some(self.ending) && !is_free {
            let limit = self.limit;
            faults.push(format!("the end is to be {:?} within {limit:?}", self.ending));
        }
        let steady_stdout = steady(stdout, folder, &self.ports);
        let steady_stderr = steady(stderr, folder, &self.ports);
        faults.extend(self.stdout.faults("stdout", stdout, &steady_stdout));
        faults.extend(self.stderr.faults("stderr", stderr, &steady_stderr));
        faults
    }
}

/// Replaces what differs from run to run: the folder, the ports that were named, milliseconds.
pub(super) fn steady(text: &str, folder: &Path, ports: &[u16]) -> String {
    let folder = folder.to_str().expect("the folder's name is UTF-8");
    let text = text.replace(folder, "[FOLDER]");
    let mut steady = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        steady.push_str(before);
        let length = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let (digits, after) = number.split_at(length);
        let named = digits.parse().is_ok_and(|port| ports.contains(&port));
        let milliseconds = after.strip_prefix(" ms").is_some_and(|after| !after.starts_with(char::is_alphanumeric));
        steady.push_str(if before.ends_with("\"elapsed_ms\":") || milliseconds {
            "N"
        } else if named {
            "[PORT]"
        } else {
            digits
        });
        rest = after;
    }
    steady + rest
}

//! The log of `--log`: one JSON line per request received, on disk before the request is answered, without credentials.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use hyper::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::{Map, Value};

use super::contract::all_values;
use crate::settings::clock::writable;

/// One line of the log; the order of the fields is the order on the line.
#[derive(Debug, Serialize)]
struct Line {
    at: String,
    method: String,
    path: String,
    headers: Map<String, Value>,
    body: Value,
    violation: Option<String>,
    status: Option<u16>,
}

#[derive(Debug)]
pub(super) struct Log {
    file: File,
}

impl Log {
    /// Opens `path` to be appended to. A file that does not exist is made for its owner only, because it contains addresses.
    ///
    /// # Errors
    /// What the system says when the file cannot be opened or made.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: options.open(path)? })
    }

    /// Logs one request: when it came, what it contained, which rule it broke, and the status that answers it (`None`
    /// when the sandbox hangs up). The whole line is sent in one write, so that two sandboxes can share a file.
    ///
    /// # Errors
    /// What the system says when the line cannot be written.
    pub(super) fn write(
        &mut self,
        at: SystemTime,
        parts: &Parts,
        body: &[u8],
        violation: Option<String>,
        status: Option<u16>,
    ) -> io::Result<()> {
        let line = Line {
            at: humantime::format_rfc3339_millis(writable(at)).to_string(),
            method: parts.method.to_string(),
            path: parts.uri.to_string(),
            headers: redacted_headers(parts),
            body: body_as_json(body),
            violation,
            status,
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.flush()
    }
}

/// The headers by name, values of one name joined, and of anything that may be a secret no more than its scheme.
fn redacted_headers(parts: &Parts) -> Map<String, Value> {
    let shown = |name| {
        let value = all_values(&parts.headers, name);
        if *name == AUTHORIZATION && value.starts_with("APIToken ") {
            "APIToken ***".to_owned()
        } else if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name) {
            "***".to_owned()
        } else {
            value
        }
    };
    parts.headers.keys().map(|name| (name.to_string(), Value::String(shown(name)))).collect()
}

/// The body as it is when it is JSON, null when there is none, else its text.
fn body_as_json(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

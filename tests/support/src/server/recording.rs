//! What the scripted server has seen: every connection and every request, in the order of arrival.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a test waits for requests before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, as far as it was read.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The number of the connection that it came on, from 0.
    pub connection: usize,
    /// When its first byte was read.
    pub arrived: Instant,
    /// The head as it came, with the empty line; empty if the script acted before reading.
    pub head: Vec<u8>,
    pub method: String,
    pub path: String,
    /// Names and values as they were written, in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether head and body were read to their end.
    pub complete: bool,
}

impl Recorded {
    pub fn begun(connection: usize) -> Self {
        Self {
            connection,
            arrived: Instant::now(),
            head: Vec::new(),
            method: String::new(),
            path: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            complete: false,
        }
    }

    pub fn read_head(&mut self, head: &[u8]) {
        self.head = head.to_vec();
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        words.next().unwrap_or_default().clone_into(&mut self.method);
        words.next().unwrap_or_default().clone_into(&mut self.path);
        self.headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
    }

    /// The value of a header, whatever the case of its name. One that came twice is a failure.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} came more than once");
        value
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body of the request is JSON")
    }
}

/// A connection, whether or not a request came on it.
#[derive(Clone, Debug)]
pub struct Connected {
    pub arrived: Instant,
    /// How the TLS handshake ended, if there was to be one and it has ended.
    pub handshake: Option<Result<Handshake, String>>,
    /// Bytes of HTTP that were read.
    pub bytes: u64,
    /// Bytes that TCP delivered: with TLS more than `bytes`, or other ones.
    pub raw_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    pub version: String,
    /// Whether a session of an earlier connection was resumed.
    pub resumed: bool,
    pub server_name: Option<String>,
    pub alpn: Option<String>,
    /// The certificate that the client showed, as DER.
    pub client_certificate: Option<Vec<u8>>,
}

#[derive(Default)]
pub(super) struct Recording {
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    requests: Vec<Recorded>,
    connections: BTreeMap<usize, Connected>,
    /// How many requests were read as far as the script wants, and are being answered.
    answered: usize,
}

impl Recording {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connect(&self, number: usize, arrived: Instant) {
        let connected = Connected { arrived, handshake: None, bytes: 0, raw_bytes: 0 };
        self.lock().connections.insert(number, connected);
    }

    /// Changes what is known of a connection that was announced by `connect`.
    pub(super) fn connection(&self, number: usize, change: impl FnOnce(&mut Connected)) {
        change(self.lock().connections.get_mut(&number).unwrap());
    }

    /// Counts a request and gives its number, by which the script is read.
    pub(super) fn begin(&self, connection: usize) -> usize {
        let mut log = self.lock();
        log.requests.push(Recorded::begun(connection));
        log.requests.len() - 1
    }

    pub(super) fn request<T>(&self, index: usize, change: impl FnOnce(&mut Recorded) -> T) -> T {
        change(&mut self.lock().requests[index])
    }

    pub(super) fn answering(&self) {
        self.lock().answered += 1;
        self.changed.notify_all();
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.lock().requests.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().requests.len()
    }

    pub(super) fn connections(&self) -> Vec<Connected> {
        self.lock().connections.values().cloned().collect()
    }

    pub(super) fn wait_for(&self, answered: usize) {
        let log = self.lock();
        let (log, waited) = self
            .changed
            .wait_timeout_while(log, PATIENCE, |log| log.answered < answered)
            .unwrap_or_else(PoisonError::into_inner);
        let came = log.answered;
        drop(log);
        assert!(!waited.timed_out(), "waited for {answered} requests, {came} came");
    }
}

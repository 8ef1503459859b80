//! The sandbox's HTTP server: a thread of its own that listens on a loopback port. It reads, checks and logs each request,
//! and then answers it. The log has a JSON line for each request, without credentials.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, COOKIE, HeaderName, PROXY_AUTHORIZATION};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Scenario, Share, login_page, of_status, rate_limited, refused};
use super::contract::{all_values, check};
use crate::api::operation::OPERATIONS;
use crate::commands::error::CommandError;
use crate::report::ErrorReport;
use crate::report::exit::Exit;
use crate::report::json::document;
use crate::settings::bulk::Rate;
use crate::settings::clock::writable;

/// How long to wait if a connection cannot be accepted, usually because the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Longest request body, in bytes. The two fields of the operation are much shorter.
const BODY_MAX: usize = 64 * 1024;

/// How the server answers, and the limits for clients: a few that hang must not block all others.
#[derive(Debug)]
pub(super) struct Rules {
    /// Requests beyond this are answered with 429; `None` for no limit.
    pub(super) rate: Option<Rate>,
    /// The requests that are answered with 503.
    pub(super) fail_rate: Share,
    /// The certificate to serve https with; `None` for plain http.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// The required token; `None` if no token is required.
    pub(super) token: Option<String>,
    /// A file that gets a line for each request.
    pub(super) log: Option<File>,
    /// How long `slow@…` waits for its answer.
    pub(super) slow: Duration,
    /// Highest number of connections at a time; more wait until one of them ends.
    pub(super) connections: usize,
    /// Time limit for the head of a request, then for its body, and for an idle connection.
    pub(super) patience: Duration,
}

impl Default for Rules {
    /// Twice as many connections as a bulk run can have, and half of the descriptors that most systems allow. `slow@…`
    /// waits longer than the usual time-out of an attempt, so that it rehearses this time-out.
    fn default() -> Self {
        let (slow, patience) = (Duration::from_secs(60), Duration::from_secs(10));
        let fail_rate = Share::default();
        Self { rate: None, fail_rate, tls: None, token: None, log: None, slow, connections: 512, patience }
    }
}

/// A running server. Dropping it stops it and closes its port.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// Receives the first error of the log. Closed when the server has ended.
    pub(super) failures: Receiver<io::Error>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds a port of 127.0.0.1; for 0 the system chooses one. Connections are not accepted yet.
    ///
    /// # Errors
    /// With a hint if the port is in use or not allowed.
    pub(super) fn listen(port: u16) -> Result<TcpListener, ErrorReport> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address).map_err(|cause| {
            let hint = match cause.kind() {
                io::ErrorKind::AddrInUse => "choose another --port, or leave it out for any free port",
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 are for root on most systems: choose another --port, or leave it out"
                }
                _ => "choose another --port, or leave it out for any free port; `ulimit -n` may be reached",
            };
            ErrorReport::new(Exit::OsError, format!("cannot listen on {address}: {cause}"), hint)
        })
    }

    /// Starts the server. Connections are accepted once this returns.
    ///
    /// # Errors
    /// The system's error if the thread or its event loop cannot be made.
    pub(super) fn start(listener: TcpListener, mut rules: Rules) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = runtime.block_on(async { tokio::net::TcpListener::from_std(listener) })?;
        let (report, failures) = channel();
        let (stop, stopped) = oneshot::channel();
        let memory = Memory { log: rules.log.take(), ..Memory::default() };
        let handler = Arc::new(Handler { rules, memory: Mutex::new(memory), failures: report });
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            runtime.spawn(accept(listener, handler));
            // Nothing is ever sent: dropping the sender is the signal to stop.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { address, failures, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, it has written its message, and there is nothing to stop.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: tokio::net::TcpListener, handler: Arc<Handler>) {
    let room = Arc::new(Semaphore::new(handler.rules.connections));
    // The semaphore is never closed, so this only waits and never fails.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            converse(stream, &handler).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, handler: &Handler) {
    let patience = handler.rules.patience;
    let stream: Box<dyn Stream> = match &handler.rules.tls {
        None => Box::new(stream),
        Some(config) => {
            let handshake = TlsAcceptor::from(Arc::clone(config)).accept(stream);
            // The client refused the certificate, does not speak TLS, or does not answer: there is nothing to reply to.
            let Ok(Ok(stream)) = tokio::time::timeout(patience, handshake).await else { return };
            Box::new(stream)
        }
    };
    let service = service_fn(|request| handler.respond(request));
    // If the connection breaks, the client notices it; `drop@…` ends here too.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A connection with or without TLS: one type, so that the HTTP code is in the binary once.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Answers requests by the rules; the memory is what it keeps between requests.
#[derive(Debug)]
struct Handler {
    /// Without the log, which is in the memory.
    rules: Rules,
    memory: Mutex<Memory>,
    failures: Sender<io::Error>,
}

#[derive(Debug, Default)]
struct Memory {
    /// The times of the requests that were admitted and still count for the rate.
    admitted: VecDeque<Instant>,
    /// For each address: when its first request came, and how many came.
    seen: HashMap<String, (Instant, u64)>,
    log: Option<File>,
}

/// The answer, `None` to hang up, and whether it is sent after the wait of `slow@…`.
type Reply = (Option<Answer>, bool);

impl Handler {
    /// Answers one request.
    ///
    /// # Errors
    /// For `drop@…`, and if the request was not complete in time or the client left before. hyper then closes the connection
    /// without an answer.
    async fn respond(&self, request: Request<Incoming>) -> io::Result<Answer> {
        let at = SystemTime::now();
        let (parts, incoming) = request.into_parts();
        let collected = Limited::new(incoming, BODY_MAX).collect();
        let body = match tokio::time::timeout(self.rules.patience, collected).await {
            Ok(Ok(body)) => Some(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => None,
            Ok(Err(_)) | Err(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        let (reply, violation) = match self.decide(&parts, body.as_deref()) {
            Ok(reply) => (reply, None),
            Err((status, violation)) => ((Some(refused(status, &violation)), false), Some(violation)),
        };
        let (answer, is_slow) = reply;
        let status = answer.as_ref().map(|answer| answer.status().as_u16());
        self.write_down(at, &parts, &body.unwrap_or_default(), violation.as_deref(), status);
        if is_slow {
            tokio::time::sleep(self.rules.slow).await;
        }
        answer.ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }

    /// Checks the contract first, so that the answer to a wrong request always says what is wrong. Then the credential.
    /// Then the rate, which so only counts requests that the service would have processed. Then the recipient's name.
    ///
    /// # Errors
    /// The status, and a sentence with the rule of the contract that the request breaks.
    fn decide(&self, parts: &Parts, body: Option<&[u8]>) -> Result<Reply, (StatusCode, String)> {
        let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {BODY_MAX} bytes"));
        let bad = |violation| (StatusCode::BAD_REQUEST, violation);
        let (target, body) = (parts.uri.to_string(), body.ok_or_else(too_large)?);
        let request = check(OPERATIONS, &parts.method, &target, &parts.headers, body).map_err(bad)?;
        let scenario = Scenario::of(&request.subject).map_err(bad)?;
        if self.rules.token.is_some() && self.rules.token != request.token {
            let message = match request.token {
                Some(_) => "the token is not the sandbox's",
                None => "the sandbox requires its token, and none was sent",
            };
            return Ok((Some(refused(StatusCode::UNAUTHORIZED, message)), false));
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(Err(wait)) = self.rules.rate.map(|rate| admit(&mut memory.admitted, rate, now)) {
            return Ok((Some(rate_limited(wait)), false));
        }
        let is_slow = scenario == Scenario::Slow;
        // Earlier requests to the address are only counted if the answer depends on them.
        if !matches!(scenario, Scenario::Flaky(_) | Scenario::Late(_)) && self.rules.fail_rate == Share::default() {
            return Ok((react(scenario, None, false), is_slow));
        }
        let address = request.subject.to_lowercase();
        let (first, count) = memory.seen.entry(address.clone()).or_insert((now, 0));
        let (before, age) = (*count, (*count > 0).then(|| now - *first));
        *count += 1;
        Ok((react(scenario, age, self.rules.fail_rate.contains(&address, before)), is_slow))
    }

    /// Writes the line before the answer is sent, so that a client with an answer finds its line. Therefore `slow@…` is
    /// logged with the status that it will get, even if the client does not wait for it.
    fn write_down(&self, at: SystemTime, parts: &Parts, body: &[u8], violation: Option<&str>, status: Option<u16>) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = &mut memory.log else { return };
        let json_or_text = || serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into());
        let headers = parts.headers.keys().map(|name| redacted(name, &parts.headers));
        let line = serde_json::to_string(&document! {
            at: humantime::format_rfc3339_millis(writable(at)).to_string(),
            method: parts.method.as_str(),
            path: parts.uri.to_string(),
            headers: headers.collect::<Map<_, _>>(),
            body: if body.is_empty() { Value::Null } else { json_or_text() },
            violation: violation,
            status: status,
        });
        // One write for the whole line, so that two sandboxes can share a file.
        let written = line.map_err(io::Error::from).and_then(|line| log.write_all((line + "\n").as_bytes()));
        if let Err(error) = written {
            memory.log = None;
            // Fails if the sandbox is about to end; then the error does not matter.
            let _ = self.failures.send(error);
        }
    }
}

/// The answer to a scenario; `None` to hang up. `age` is how long ago the first request to the address came, `None` if this
/// is the first. `fails` only counts for names that do not choose an answer.
fn react(scenario: Scenario, age: Option<Duration>, fails: bool) -> Option<Answer> {
    Some(match scenario {
        Scenario::Drop => return None,
        Scenario::Status(status) => of_status(status),
        Scenario::Flaky(status) if age.is_none() => of_status(status),
        Scenario::Late(time) if age.unwrap_or_default() < time => of_status(StatusCode::NOT_FOUND),
        // With `Retry-After`, so that it is certain that no one was mailed. For other failures there is `status-500@…`.
        Scenario::Accept if fails => of_status(StatusCode::SERVICE_UNAVAILABLE),
        Scenario::Flaky(_) | Scenario::Late(_) | Scenario::Accept | Scenario::Slow => of_status(StatusCode::OK),
        Scenario::Html => login_page(StatusCode::OK),
    })
}

/// Opens a log to append to. A new file is readable by its owner only, because it contains addresses.
///
/// # Errors
/// With the path.
pub(super) fn open_log(path: &Path) -> Result<File, CommandError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|cause| {
        CommandError::io(format!("cannot open the log {path:?}; name a file that can be written with --log: {cause}"))
    })
}

/// A header with all of its values. If it may be a secret, at most its scheme is shown.
fn redacted(name: &HeaderName, headers: &HeaderMap) -> (String, Value) {
    let value = all_values(headers, name);
    let shown = if *name == AUTHORIZATION && value.starts_with("APIToken ") {
        "APIToken ***"
    } else if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name) {
        "***"
    } else {
        &value
    };
    (name.to_string(), shown.into())
}

/// Admits a request at `now` if the rate allows it. A refused request does not count. `now` must not go backwards.
///
/// # Errors
/// The time, longer than zero, until the oldest admitted request no longer counts.
fn admit(admitted: &mut VecDeque<Instant>, rate: Rate, now: Instant) -> Result<(), Duration> {
    let age = |moment: Instant| now.saturating_duration_since(moment);
    while admitted.front().is_some_and(|oldest| age(*oldest) >= rate.per) {
        admitted.pop_front();
    }
    let limit = usize::try_from(rate.count.get()).unwrap_or(usize::MAX);
    if let Some(oldest) = admitted.front()
        && admitted.len() >= limit
    {
        return Err(rate.per.saturating_sub(age(*oldest)));
    }
    admitted.push_back(now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_window_returns_the_wait_and_moves_on() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut admitted = VecDeque::new();
        let mut admit = |now| admit(&mut admitted, "2/s".parse().unwrap(), now);
        assert_eq!(admit(at(0)), Ok(()));
        assert_eq!(admit(at(400)), Ok(()));
        assert_eq!(admit(at(400)), Err(Duration::from_millis(600)));
        assert_eq!(admit(at(999)), Err(Duration::from_millis(1)));
        assert_eq!(admit(at(1000)), Ok(()));
        assert_eq!(admit(at(1000)), Err(Duration::from_millis(400)));
        assert_eq!(admit(at(5000)), Ok(()));
    }

    #[test]
    fn no_period_of_the_rate_has_more_requests_than_its_count() {
        let start = Instant::now();
        let mut admitted = VecDeque::new();
        let mut admit = |now| admit(&mut admitted, "3/s".parse().unwrap(), now);
        let let_through: Vec<u64> =
            (0..5000).step_by(37).filter(|ms| admit(start + Duration::from_millis(*ms)).is_ok()).collect();
        assert!(let_through.len() >= 12, "{let_through:?}");
        for four in let_through.windows(4) {
            assert!(four[3] - four[0] >= 1000, "{four:?}");
        }
    }
}

//! The sandbox's HTTP server: a thread of its own that listens on a loopback port; each request is read, checked, logged,
//! and only then answered.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Scenario, Share};
use super::contract::{Violation, check};
use super::log::Log;
use crate::api::operation::Operation;
use crate::commands::error::SandboxError;
use crate::settings::bulk::Rate;

/// How long to wait when no connection can be taken, usually because the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What clients may take up, so that some that hang cannot keep out all others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Most connections at a time; more wait until one of them ends.
    pub(super) connections: usize,
    /// Longest time for the head of a request, and then for its body. A connection that is kept open without a
    /// request lasts as long.
    pub(super) patience: Duration,
}

impl Default for Limits {
    /// Twice as many connections as a bulk run can have, and half of the descriptors that most systems allow.
    fn default() -> Self {
        Self { connections: 512, patience: Duration::from_secs(10) }
    }
}

/// A running server. It stops, and its port is closed, when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    failures: Receiver<io::Error>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Takes a port of 127.0.0.1; 0 is one that the system chooses. Nothing is accepted from it yet.
    ///
    /// # Errors
    /// [`SandboxError::Listen`].
    pub(super) fn listen(port: u16) -> Result<std::net::TcpListener, SandboxError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        std::net::TcpListener::bind(address).map_err(|source| SandboxError::Listen { address, source })
    }

    /// Starts to serve by `rules`. Connections are taken from when this returns.
    ///
    /// # Errors
    /// What the system says when the thread or its event loop cannot be made.
    pub(super) fn start(listener: std::net::TcpListener, rules: Rules) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let inside = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        drop(inside);
        let (report, failures) = channel();
        let (stop, stopped) = oneshot::channel();
        let handler = Arc::new(Handler::new(rules, report));
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            runtime.spawn(accept(listener, handler));
            // The sender is only ever dropped, so the error is the signal to stop.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { address, failures, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first error of the log so far, if there was one.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failures.try_recv().ok()
    }

    /// Waits, for ever if need be, until the log fails; `None` when the server itself has ended.
    pub(super) fn wait_for_failure(&self) -> Option<io::Error> {
        self.failures.recv().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has written its message itself, and nothing of it is left to stop.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, handler: Arc<Handler>) {
    let room = Arc::new(Semaphore::new(handler.rules.limits.connections));
    // It is never closed, so there is always room in the end.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let handler = Arc::clone(&handler);
                tokio::spawn(async move {
                    converse(stream, &handler).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, handler: &Handler) {
    let patience = handler.rules.limits.patience;
    let stream: Box<dyn Stream> = match &handler.rules.tls {
        None => Box::new(stream),
        Some(config) => {
            let handshake = TlsAcceptor::from(Arc::clone(config)).accept(stream);
            match tokio::time::timeout(patience, handshake).await {
                Ok(Ok(stream)) => Box::new(stream),
                // The client refused the certificate, speaks no TLS, or does not answer: there is nothing to reply to.
                Ok(Err(_)) | Err(_) => return,
            }
        }
    };
    let service = service_fn(|request| handler.respond(request));
    // A conversation that breaks off concerns the client, which sees it at its own end; `drop@…` ends here too.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A connection with or without TLS: one type, so that the code of HTTP is in the binary once.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Longest request body that is read, in bytes. The two fields of the operation are far from it.
const BODY_MAX: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Rules {
    pub(super) operations: &'static [&'static Operation],
    /// How many requests are let through; `None` for all.
    pub(super) rate: Option<Rate>,
    pub(super) fail_rate: Share,
    /// The certificate to serve https with; `None` for plain http.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// The only token that is let through; `None` when none is needed.
    pub(super) token: Option<String>,
    pub(super) log: Option<Log>,
    /// How long `slow@…` waits for its answer.
    pub(super) slow: Duration,
    pub(super) limits: Limits,
}

/// Answers by its rules, and remembers from one request to the next.
#[derive(Debug)]
pub(super) struct Handler {
    /// But for the log, which is in the memory.
    rules: Rules,
    memory: Mutex<Memory>,
    failures: Sender<io::Error>,
}

#[derive(Debug)]
struct Memory {
    window: Option<Window>,
    /// What came before for an address.
    seen: HashMap<String, Seen>,
    log: Option<Log>,
}

/// The requests to an address so far.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: Instant,
    count: u64,
}

/// The connection is to be closed without an answer. hyper does that when the service fails.
#[derive(Debug, Error)]
#[error("closed the connection, as the recipient or the client asked")]
pub(super) struct HangUpError;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reply {
    Answer(Answer),
    Late(Answer),
    HangUp,
}

impl Handler {
    /// The first error of the log, after which no line is written, goes to `failures`.
    pub(super) fn new(mut rules: Rules, failures: Sender<io::Error>) -> Self {
        let (window, log) = (rules.rate.map(Window::new), rules.log.take());
        Self { rules, memory: Mutex::new(Memory { window, seen: HashMap::new(), log }), failures }
    }

    /// Takes one request and gives its answer.
    ///
    /// # Errors
    /// [`HangUpError`] for `drop@…`, and when the request was not complete in time or the client went away before it was.
    pub(super) async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, HangUpError> {
        let at = SystemTime::now();
        let (parts, incoming) = request.into_parts();
        let collected = Limited::new(incoming, BODY_MAX).collect();
        let body = match tokio::time::timeout(self.rules.limits.patience, collected).await {
            Ok(Ok(body)) => Some(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => None,
            Ok(Err(_)) | Err(_) => return Err(HangUpError),
        };
        let (reply, violation) = self.decide(&parts, body.as_deref());
        let violation = violation.map(|violation| violation.to_string());
        self.write_down(at, &parts, &body.unwrap_or_default(), violation, &reply);
        match reply {
            Reply::Answer(answer) => Ok(answer.into_response()),
            Reply::Late(answer) => {
                tokio::time::sleep(self.rules.slow).await;
                Ok(answer.into_response())
            }
            Reply::HangUp => Err(HangUpError),
        }
    }

    /// First the contract, so that a broken request always learns what is wrong with it; then the credential; then the
    /// rate, which therefore counts only what the service would have worked on; then the recipient's name.
    fn decide(&self, parts: &Parts, body: Option<&[u8]>) -> (Reply, Option<Violation>) {
        let checked = body.map_or(Err(Violation::TooLarge(BODY_MAX)), |body| {
            check(self.rules.operations, &parts.method, &parts.uri.to_string(), &parts.headers, body)
        });
        let checked = checked.and_then(|request| {
            let scenario = Scenario::of(&request.subject).map_err(Violation::Scenario)?;
            Ok((request, scenario))
        });
        let (request, scenario) = match checked {
            Ok(checked) => checked,
            Err(violation) => {
                let status = match violation {
                    Violation::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                let answer = Answer::refused(status, &violation.to_string());
                return (Reply::Answer(answer), Some(violation));
            }
        };
        if self.rules.token.is_some() && self.rules.token != request.token {
            let message = if request.token.is_some() {
                "the token is not the sandbox's"
            } else {
                "the sandbox requires its token, and none was sent"
            };
            let answer = Answer::refused(StatusCode::UNAUTHORIZED, message);
            return (Reply::Answer(answer), None);
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(wait)) = memory.window.as_mut().map(|it| it.admit(Instant::now())) {
            return (Reply::Answer(Answer::rate_limited(wait)), None);
        }
        if !scenario.is_by_history() && self.rules.fail_rate.is_none() {
            return (react(scenario, None, false), None);
        }
        let now = Instant::now();
        let address = request.subject.to_lowercase();
        let seen = memory.seen.entry(address.clone()).or_insert(Seen { first: now, count: 0 });
        let before = seen.count;
        seen.count += 1;
        let age = (before > 0).then(|| now - seen.first);
        (react(scenario, age, self.rules.fail_rate.contains(&address, before)), None)
    }

    /// Writes before the answer leaves, so that a client with an answer finds its line. `slow@…` is therefore logged
    /// with the status that it will get, whether the client stays for it or not.
    fn write_down(&self, at: SystemTime, parts: &Parts, body: &[u8], violation: Option<String>, reply: &Reply) {
        let status = match reply {
            Reply::Answer(answer) | Reply::Late(answer) => Some(answer.status()),
            Reply::HangUp => None,
        };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = memory.log.as_mut() else {
            return;
        };
        if let Err(error) = log.write(at, parts, body, violation, status) {
            memory.log = None;
            // When the sandbox is ending, no one receives this, and no one needs it.
            let _ = self.failures.send(error);
        }
    }
}

/// The reply to a scenario; `age` is how long ago the first request to the address came, `None` when this is the first.
/// A name that asks for something gets it; `fails` is for all others.
fn react(scenario: Scenario, age: Option<Duration>, fails: bool) -> Reply {
    let status = |status| StatusCode::from_u16(status).map_or_else(|_| Answer::accepted(), Answer::of_status);
    Reply::Answer(match scenario {
        Scenario::Drop => return Reply::HangUp,
        Scenario::Slow => return Reply::Late(Answer::accepted()),
        Scenario::Status(code) => status(code),
        Scenario::Flaky(code) if age.is_none() => status(code),
        Scenario::Late(time) if age.unwrap_or_default() < time => Answer::of_status(StatusCode::NOT_FOUND),
        // With `Retry-After`, so that it is known that no one was mailed; `status-500@…` and others are for the rest.
        Scenario::Accept if fails => Answer::of_status(StatusCode::SERVICE_UNAVAILABLE),
        Scenario::Flaky(_) | Scenario::Late(_) | Scenario::Accept => Answer::accepted(),
        Scenario::Html => Answer::login_page(),
        Scenario::Redirect => Answer::of_status(StatusCode::FOUND),
    })
}

/// The moments of the requests that were let through and still count.
#[derive(Debug)]
pub(super) struct Window {
    rate: Rate,
    admitted: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, admitted: VecDeque::new() }
    }

    /// Lets a request through at `now`, or says how long it has to wait until the oldest one no longer counts. A request that
    /// is turned away does not count. `now` must not run backwards.
    ///
    /// # Errors
    /// The wait, longer than zero, when the window is full.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        let age = |moment: Instant| now.saturating_duration_since(moment);
        while self.admitted.front().is_some_and(|oldest| age(*oldest) >= self.rate.per) {
            self.admitted.pop_front();
        }
        let limit = usize::try_from(self.rate.count.get()).unwrap_or(usize::MAX);
        match self.admitted.front() {
            Some(oldest) if self.admitted.len() >= limit => Err(self.rate.per.saturating_sub(age(*oldest))),
            _ => {
                self.admitted.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_full_window_names_the_wait_and_slides_on() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut window = Window::new("2/s".parse().unwrap());
        assert_eq!(window.admit(at(0)), Ok(()));
        assert_eq!(window.admit(at(400)), Ok(()));
        assert_eq!(window.admit(at(400)), Err(Duration::from_millis(600)));
        assert_eq!(window.admit(at(999)), Err(Duration::from_millis(1)));
        assert_eq!(window.admit(at(1000)), Ok(()));
        assert_eq!(window.admit(at(1000)), Err(Duration::from_millis(400)));
        assert_eq!(window.admit(at(5000)), Ok(()));
    }

    #[test]
    fn no_stretch_of_the_rate_s_length_holds_more_than_its_count() {
        let start = Instant::now();
        let mut window = Window::new("3/s".parse().unwrap());
        let let_through: Vec<u64> =
            (0..5000).step_by(37).filter(|ms| window.admit(start + Duration::from_millis(*ms)).is_ok()).collect();
        assert!(let_through.len() >= 12, "{let_through:?}");
        for four in let_through.windows(4) {
            assert!(four[3] - four[0] >= 1000, "{four:?}");
        }
    }
}

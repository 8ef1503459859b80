//! The only HTTP client. One attempt is at most one request: no redirect is followed, nothing is repeated, no connection
//! is reused unless that is asked for; the body is bounded and read against the same deadline as all the rest.

use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, DATE, HOST, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::runtime::{self, Runtime};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::answer::{BODY_MAX, Body, Cut, Reply, read_retry_after};
use super::connection::{Connector, Driver, Paced, TlsConfigs};
use super::failure::{Circumstances, Fault, classify};
use super::observer::{Observed, Observer, Peer, Step};
use super::outcome::{AttemptResult, Failure, FailureKind, Received};
use super::request::{ApiRequest, USER_AGENT};
use super::trust::{Trust, TrustError};
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::network::Network;

/// A client for one worker: it counts connections, so it must not be shared.
#[derive(Debug)]
pub struct Transport {
    runtime: Runtime,
    connector: Connector,
    connections: Connections,
    observer: Arc<Observer>,
    reuse: Reuse,
    idle: Mutex<Option<Connection>>,
    timeout: Duration,
    connect_timeout: Duration,
    /// Where the trusted certificates come from, if TLS is used.
    pub trust: Option<String>,
}

#[derive(Debug, Error)]
pub enum TransportError {
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The system refuses what an event loop needs.
    #[error(transparent)]
    Client(#[from] anyhow::Error),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub result: AttemptResult,
    /// The answer as it came, if there was one.
    pub exchange: Option<Exchange>,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Protocol and status.
    pub status_line: String,
    /// Names and values; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body that were read.
    pub body: Vec<u8>,
}

/// Whether a connection may serve a second request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Never,
    /// If it was idle for less than a second.
    Brief,
}

/// How long a connection may have been idle and still be used again: a server that closes idle ones hardly does so
/// within a second, and a request that meets the close is one whose outcome nobody knows.
const IDLE_MAX: Duration = Duration::from_millis(900);

/// Longest head of an answer. It also bounds how much of an endless one is read between two looks at the clock.
const HEAD_MAX: usize = 64 * 1024;

/// The bit that says that no more connections are used.
const CLOSED: u64 = 1 << 63;

/// How many connections came up (TCP, tunnel and TLS), and whether more may: before the first one nothing was sent.
/// Both stand in one number, so that a connection either counts before the door is closed or carries nothing.
#[derive(Debug, Default)]
struct Connections(AtomicU64);

impl Connections {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst) & !CLOSED
    }

    /// From now on no connection is used. Gives the count, which is final.
    fn close(&self) -> u64 {
        self.0.fetch_or(CLOSED, Ordering::SeqCst) & !CLOSED
    }

    /// Counts a connection that came up. Says whether it may be used.
    fn admit(&self) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst) & CLOSED == 0
    }
}

impl Transport {
    /// Makes a client for requests to one URL, which shows the identity to a service that asks for it.
    pub fn new(
        network: &Network,
        identity: Option<&ClientCertificate>,
        request: &ApiRequest,
    ) -> Result<Self, TransportError> {
        Self::to(network, identity, &request.url)
    }

    /// The same for a URL without a request.
    pub fn to(network: &Network, identity: Option<&ClientCertificate>, url: &Url) -> Result<Self, TransportError> {
        let trust = trust_for(network, url)?;
        Self::with(network, identity, url, trust, Reuse::Never)
    }

    /// A client that can do nothing but [`Transport::reach`] the host: for a check of the network without certificates.
    pub fn without_trust(network: &Network, url: &Url) -> Result<Self, TransportError> {
        Self::with(network, None, url, None, Reuse::Never)
    }

    /// Makes clients for requests to one URL, one for each worker that asks for one. The certificates are loaded once;
    /// each client resumes its own TLS sessions, and early data is never sent.
    ///
    /// Once the first client was made, each further one fails only for what the machine lacks.
    pub fn several<'a>(
        network: &'a Network,
        identity: Option<&'a ClientCertificate>,
        request: &'a ApiRequest,
        reuse: Reuse,
    ) -> Result<impl Iterator<Item = Result<Self, TransportError>> + 'a, TransportError> {
        let trust = trust_for(network, &request.url)?;
        Ok(iter::repeat_with(move || Self::with(network, identity, &request.url, trust.clone(), reuse)))
    }

    fn with(
        network: &Network,
        identity: Option<&ClientCertificate>,
        url: &Url,
        trust: Option<Trust>,
        reuse: Reuse,
    ) -> Result<Self, TransportError> {
        let observer = Arc::new(Observer::default());
        let tls = trust.as_ref().map(|trust| tls_configs(network, identity, url, trust, &observer)).transpose()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .context("the HTTP client cannot be built")?;
        Ok(Self {
            runtime,
            connector: Connector::new(network, url, tls, Arc::clone(&observer)),
            connections: Connections::default(),
            observer,
            reuse,
            idle: Mutex::default(),
            timeout: network.timeout,
            connect_timeout: network.connect_timeout,
            trust: trust.map(|trust| trust.source),
        })
    }

    /// How many connections came up so far.
    pub fn connections(&self) -> u64 {
        self.connections.count()
    }

    /// Lets no request leave any more, for a process that is about to end while an attempt is under way. Says whether
    /// that attempt may have sent its request, `before` being the number of connections when it began.
    pub fn shut(&self, before: u64) -> bool {
        self.connections.close() > before
    }

    /// What the latest attempt passed on its way.
    pub fn observed(&self) -> Observed {
        self.observer.observed()
    }

    /// Sends a request once.
    pub fn attempt(&self, request: &ApiRequest) -> Attempt {
        let received = post(request).map(|request| self.exchange(request));
        match received {
            Ok(Ok(answer)) => {
                let (reply, exchange) = answer.read();
                Attempt { result: AttemptResult::of(Received::Reply(reply)), exchange: Some(exchange) }
            }
            Ok(Err(failure)) => Attempt { result: AttemptResult::of(Received::Failure(failure)), exchange: None },
            Err(error) => {
                let failure = Failure { kind: FailureKind::Broken, connected: false, cause: error.to_string() };
                Attempt { result: AttemptResult::of(Received::Failure(failure)), exchange: None }
            }
        }
    }

    /// Asks for the head of a page: no body goes out or comes back, no credential is sent, and nobody is mailed.
    pub fn head(&self, url: &Url) -> Result<Exchange, Failure> {
        let request = Request::builder()
            .method(Method::HEAD)
            .uri(url.path())
            .header(HOST, url.authority())
            .header("accept", "*/*")
            .header("user-agent", USER_AGENT)
            .body(Full::default());
        let request = request.map_err(|error| Failure {
            kind: FailureKind::Broken,
            connected: false,
            cause: error.to_string(),
        })?;
        Ok(self.exchange(request)?.read().1)
    }

    /// Looks up the host, or that of its proxy, and connects to it; nothing is sent.
    pub fn reach(&self) -> Result<(), Failure> {
        self.observer.begin();
        let deadline = Instant::now() + self.connect_timeout.min(self.timeout);
        let reached = self.runtime.block_on(async { timeout_at(deadline, self.connector.reach()).await });
        reached.unwrap_or(Err(Fault::OutOfTime)).map_err(|fault| self.failure(&fault)).map(drop)
    }

    fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        self.observer.begin();
        let deadline = Instant::now() + self.timeout;
        self.runtime.block_on(self.send(request, deadline)).map_err(|fault| self.failure(&fault))
    }

    async fn send(&self, mut request: Request<Full<Bytes>>, deadline: Instant) -> Result<Answer, Fault> {
        let mut idle = self.take_idle().await;
        loop {
            let is_reused = idle.is_some();
            let mut connection = match idle.take() {
                Some(connection) => connection,
                None => self.open(deadline).await?,
            };
            self.observer.enter(Step::Http);
            let answered = connection.driver.run(connection.sender.try_send_request(request));
            match timeout_at(deadline, answered).await {
                Ok(Ok(response)) => {
                    let (head, body) = response.into_parts();
                    let body = connection.driver.run(read_body(body, deadline)).await;
                    self.put_away(connection, &body).await;
                    return Ok(Answer { head, body });
                }
                Ok(Err(mut error)) => match error.take_message() {
                    // The server had closed the idle connection, and not a byte was written on it.
                    Some(unsent) if is_reused => request = unsent,
                    _ => return Err(Fault::library(error.into_error())),
                },
                Err(_) => return Err(Fault::OutOfTime),
            }
        }
    }

    async fn open(&self, deadline: Instant) -> Result<Connection, Fault> {
        let deadline = deadline.min(Instant::now() + self.connect_timeout);
        let stream = timeout_at(deadline, self.connector.open()).await.map_err(|_| Fault::OutOfTime)??;
        #[expect(clippy::disallowed_methods, reason = "the one door to HTTP")]
        let http = http1::Builder::new().max_buf_size(HEAD_MAX).handshake(TokioIo::new(Paced::new(stream)));
        let (sender, connection) = http.await.map_err(Fault::library)?;
        if !self.connections.admit() {
            // Nobody waits for it: the process is about to end.
            std::future::pending::<()>().await;
        }
        Ok(Connection { sender, driver: Driver::new(connection), used: Instant::now() })
    }

    /// The connection of the last attempt, if it can be used again.
    async fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if idle.used.elapsed() >= IDLE_MAX {
            return None;
        }
        // Lets the event loop learn that the server has closed it meanwhile.
        idle.driver.run(yield_now()).await;
        idle.sender.is_ready().then_some(idle)
    }

    async fn put_away(&self, mut connection: Connection, body: &Body) {
        connection.used = Instant::now();
        if self.reuse == Reuse::Brief && body.cut().is_none() {
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        } else {
            let Connection { sender, driver, .. } = connection;
            drop(sender);
            driver.close().await;
        }
    }

    fn failure(&self, fault: &Fault) -> Failure {
        classify(
            fault,
            &Circumstances {
                proxy: self.connector.proxy(),
                target: &self.connector.target().authority(),
                observed: self.observer.observed(),
            },
        )
    }
}

/// A connection with TLS and tunnel up, on which HTTP is spoken.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    used: Instant,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// The trusted certificates, loaded only when TLS is going to be spoken.
fn trust_for(network: &Network, url: &Url) -> Result<Option<Trust>, TransportError> {
    let tls = url.scheme() == "https";
    Ok(tls.then(|| Trust::load(network)).transpose()?)
}

fn tls_configs(
    network: &Network,
    identity: Option<&ClientCertificate>,
    url: &Url,
    trust: &Trust,
    observer: &Arc<Observer>,
) -> Result<TlsConfigs, TrustError> {
    let identity = identity.map(ClientCertificate::certified);
    let proxy_tls = network.proxy_for(url).is_some_and(|proxy| proxy.tls);
    Ok(TlsConfigs {
        service: trust.config(Peer::Service, identity, observer)?,
        proxy: proxy_tls.then(|| trust.config(Peer::Proxy, None, observer)).transpose()?,
    })
}

fn post(request: &ApiRequest) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut builder = Request::post(request.url.path());
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    if let Some(token) = &request.token {
        // The header's own copy is in hyper's hands, and cannot be overwritten from here.
        let text = Zeroizing::new(format!("APIToken {}", token.expose()));
        let mut value = HeaderValue::from_str(&text)?;
        value.set_sensitive(true);
        builder = builder.header(AUTHORIZATION, value);
    }
    builder.header(HOST, request.url.authority()).body(Full::from(request.body.clone()))
}

/// An answer whose body was read, as far as it came.
struct Answer {
    head: Parts,
    body: Body,
}

impl Answer {
    fn read(self) -> (Reply, Exchange) {
        let headers = &self.head.headers;
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after = text(RETRY_AFTER).and_then(|value| read_retry_after(value, text(DATE), SystemTime::now()));
        let is_encoded =
            headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
        let location = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let exchange = Exchange {
            status_line: format!("{:?} {}", self.head.version, self.head.status),
            headers: texts(headers),
            body: self.body.bytes().to_vec(),
        };
        // Bytes that cannot be decoded here prove nothing about what was said.
        let body = match self.body {
            body if is_encoded && !body.bytes().is_empty() => Body::Encoded(body.cut()),
            body => body,
        };
        (Reply { status: self.head.status.as_u16(), retry_after, location, body }, exchange)
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// Reads a body up to [`BODY_MAX`].
async fn read_body(mut body: Incoming, deadline: Instant) -> Body {
    let mut bytes = Vec::new();
    loop {
        match timeout_at(deadline, body.frame()).await {
            Ok(None) => return Body::Complete(bytes),
            Ok(Some(Ok(frame))) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Ok(Some(Err(_))) => return Body::Cut(bytes, Cut::BrokenOff),
            Err(_) => return Body::Cut(bytes, Cut::OutOfTime),
        }
        if bytes.len() > BODY_MAX {
            bytes.truncate(BODY_MAX);
            return Body::Cut(bytes, Cut::TooLong);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_comes_up_after_the_door_is_closed_carries_nothing() {
        let connections = Connections::default();
        assert!(connections.admit());
        assert_eq!((connections.count(), connections.close()), (1, 1));
        assert!(!connections.admit());
        assert_eq!(connections.close() & CLOSED, 0);
    }
}

//! The only HTTP client. One attempt is at most one request: no redirect is followed, nothing is retried, and no
//! connection is reused unless --keep-alive is set. The body is limited in size and has the same deadline as the rest.
//! The addresses of a host come from `--resolve`, `localhost`, an address itself, or the system's resolver.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{iter, thread};

use anyhow::Context as _;
use reqwest::Proxy;
use reqwest::blocking::{Client, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, DATE, HeaderValue, LOCATION, RETRY_AFTER};
use tokio::sync::watch;
use tower_layer::layer_fn;
use url::Url;
use zeroize::Zeroizing;

use super::answer::{BODY_MAX, Body, Cut, Reply, read_retry_after};
use super::failure::{failure_of, machine_limit, without_number};
use super::observer::{AddressSource, CountingConnector, Observed, Observer, Route, Step};
use super::operation::{ApiRequest, USER_AGENT};
use super::outcome::{AttemptResult, Class, Failure};
pub use super::trust::TransportError;
use super::trust::{Trust, no_trust};
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::network::Network;
use crate::settings::target::without_brackets;

/// A client for one worker. It must not be shared, because it counts the connections of one attempt.
#[derive(Debug)]
pub struct Transport {
    client: Client,
    observer: Arc<Observer>,
    /// Whether a connection that was idle for less than a second may be used again.
    keep_alive: bool,
    timeout: Duration,
    /// The address of the service, or of the proxy if there is one, if the URL contains it. Then nothing is looked up.
    literal: Option<IpAddr>,
    /// The proxy, without its password.
    proxy: Option<String>,
    /// Where the trusted certificates come from, if TLS is used.
    pub trust: Option<String>,
}

/// An answer exactly as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Protocol and status.
    pub status_line: String,
    /// Names and values; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body that were read.
    pub body: Vec<u8>,
}

/// A connection that was idle for longer is not used again. A server hardly closes an idle connection within a second, and
/// a request that is sent while the server closes it has an unknown outcome.
const IDLE_MAX: Duration = Duration::from_millis(900);

impl Transport {
    /// Makes a client for requests to one URL. It sends the client certificate to a service that asks for it.
    pub fn new(network: &Network, identity: Option<&ClientCertificate>, url: &Url) -> Result<Self, TransportError> {
        let trust = trust_for(network, url)?;
        Self::with(network, identity, url, trust, false)
    }

    /// A client that trusts no certificate, and so can only [`Transport::reach`] a host with TLS.
    pub fn without_trust(network: &Network, url: &Url) -> Result<Self, TransportError> {
        Self::with(network, None, url, None, false)
    }

    /// Makes clients for requests to one URL, one for each worker that asks for one. The certificates are loaded once;
    /// each client resumes its own TLS sessions, and early data is never sent.
    ///
    /// Once the first client was made, each further one fails only for what the machine lacks.
    pub fn several<'a>(
        network: &'a Network,
        identity: Option<&'a ClientCertificate>,
        request: &'a ApiRequest,
        keep_alive: bool,
    ) -> Result<impl Iterator<Item = Result<Self, TransportError>> + 'a, TransportError> {
        let trust = trust_for(network, &request.url)?;
        Ok(iter::repeat_with(move || Self::with(network, identity, &request.url, trust.clone(), keep_alive)))
    }

    fn with(
        network: &Network,
        identity: Option<&ClientCertificate>,
        url: &Url,
        trust: Option<Trust>,
        keep_alive: bool,
    ) -> Result<Self, TransportError> {
        let proxy = network.proxy_for(url);
        let observer = Arc::new(Observer::new(match proxy {
            None => Route::Direct,
            Some(proxy) if proxy.tls => Route::TlsProxy,
            Some(_) => Route::Proxy,
        }));
        let source = trust.as_ref().map(|trust| trust.source.clone());
        let config = match trust {
            Some(trust) => trust.into_config(identity.map(ClientCertificate::certified), &observer)?,
            None => no_trust(&observer)?,
        };
        let first = proxy.map_or_else(|| host(url), |proxy| without_brackets(&proxy.host));
        let resolver = Resolver {
            // Through a proxy only the proxy's own name is looked up here.
            fixed: if proxy.is_some() { None } else { fixed_addresses(url, network) },
            observer: Arc::clone(&observer),
            latest: Mutex::default(),
        };
        let counting = Arc::clone(&observer);
        let counted = move |connector| CountingConnector { connector, observer: Arc::clone(&counting) };
        #[expect(clippy::disallowed_methods, reason = "the one door to HTTP")]
        let mut builder = Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .pool_max_idle_per_host(usize::from(keep_alive))
            .pool_idle_timeout(IDLE_MAX)
            .timeout(network.timeout)
            .connect_timeout(network.connect_timeout)
            .dns_resolver(Arc::new(resolver))
            .connector_layer(layer_fn(counted))
            .tls_backend_preconfigured(config);
        if let Some(proxy) = proxy {
            let proxy = Proxy::all(proxy.url.expose()).map_err(reqwest::Error::without_url);
            builder = builder.proxy(proxy.context("the proxy cannot be used")?);
        }
        let client = builder.build().map_err(reqwest::Error::without_url).context("the HTTP client cannot be built")?;
        Ok(Self {
            client,
            observer,
            keep_alive,
            timeout: network.timeout,
            literal: first.parse().ok(),
            proxy: proxy.map(|proxy| proxy.shown.clone()),
            trust: source,
        })
    }

    pub fn connections(&self) -> u64 {
        self.observer.connections()
    }

    /// Stops sending, because the process is about to end during an attempt. Returns whether that attempt may have sent
    /// its request; `before` is the number of connections when it started.
    pub fn close(&self, before: u64) -> bool {
        self.observer.close() > before
    }

    /// What was noted about the latest attempt.
    pub fn observed(&self) -> Observed {
        self.observer.note(|observed| observed.clone())
    }

    /// Sends a request once. Also returns the answer as it was received, if there was one.
    pub fn attempt(&self, request: &ApiRequest) -> (AttemptResult, Option<Exchange>) {
        match self.post(request) {
            Ok((reply, exchange)) => (reply.into(), Some(exchange)),
            Err(failure) => (failure.into(), None),
        }
    }

    fn post(&self, request: &ApiRequest) -> Result<(Reply, Exchange), Failure> {
        let before = self.begin();
        let deadline = Instant::now() + self.timeout;
        let mut builder = self.client.post(request.url.clone()).timeout(self.timeout);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if let Some(token) = &request.token {
            // hyper keeps its own copy of the header, which cannot be overwritten from here.
            let text = Zeroizing::new(format!("APIToken {}", token.expose()));
            let cause = "the token cannot be put into a header".to_owned();
            let unusable = Failure { class: Class::BrokenReply, connected: false, cause };
            let mut value = HeaderValue::from_str(&text).map_err(|_| unusable)?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        let response =
            builder.body(request.body.clone()).send().map_err(|error| self.failure(error, &request.url, before))?;
        Ok(read(response, deadline))
    }

    /// Sends a HEAD request: without a body or a credential, so that no one is mailed.
    pub fn head(&self, url: &Url) -> Result<Exchange, Failure> {
        let before = self.begin();
        let request = self.client.head(url.clone()).timeout(self.timeout).header("user-agent", USER_AGENT);
        let response = request.send().map_err(|error| self.failure(error, url, before))?;
        self.observer.note(|observed| observed.remote = response.remote_addr());
        Ok(exchange(&response))
    }

    /// Connects until the TLS handshake with the service. That fails before anything is sent, because no certificate is
    /// trusted.
    pub fn reach(&self, url: &Url) -> Result<(), Failure> {
        match self.head(url) {
            Err(failure) if self.observed().step < Step::Tls => Err(failure),
            _ => Ok(()),
        }
    }

    /// Starts an attempt, and returns the number of connections so far.
    fn begin(&self) -> u64 {
        self.observer.note(|observed| *observed = Observed::default());
        if let Some(address) = self.literal {
            self.observer.found(AddressSource::Literal, vec![address]);
        }
        self.observer.connections()
    }

    /// `before` is the number of connections when the attempt started.
    fn failure(&self, error: reqwest::Error, url: &Url, before: u64) -> Failure {
        let now = self.observer.connections();
        // With --keep-alive the request may have been sent on an older connection. Then it is only certain that nothing was
        // sent if connecting failed, or if there never was a connection.
        let connected = now > before || (self.keep_alive && now > 0 && !error.is_connect());
        let (proxy, observed) = (self.proxy.as_deref(), self.observed());
        let (failure, step) = failure_of(&error.without_url(), connected, proxy, &authority(url), &observed);
        self.observer.note(|observed| {
            observed.step = step;
            // TCP to a proxy that refused was established. After a time-out this is not known.
            observed.tcp |= step > Step::Tcp && failure.class != Class::Timeout;
        });
        failure
    }
}

/// Loads the trusted certificates, if the URL needs TLS.
fn trust_for(network: &Network, url: &Url) -> Result<Option<Trust>, TransportError> {
    let tls = url.scheme() == "https";
    tls.then(|| Trust::load(network)).transpose()
}

/// Reads an answer to its end, or until the deadline.
fn read(response: Response, deadline: Instant) -> (Reply, Exchange) {
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let retry_after = text(RETRY_AFTER).and_then(|value| read_retry_after(value, text(DATE), SystemTime::now()));
    let is_encoded =
        headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let location = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let status = response.status().as_u16();
    let mut exchange = exchange(&response);
    let (bytes, cut) = read_body(response, deadline);
    exchange.body.clone_from(&bytes);
    let body = Body { is_encoded: is_encoded && !bytes.is_empty(), bytes, cut };
    (Reply { status, retry_after, location, body }, exchange)
}

/// Status line and headers of an answer, for now without the body.
fn exchange(response: &Response) -> Exchange {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Exchange {
        status_line: format!("{:?} {}", response.version(), response.status()),
        headers: response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: Vec::new(),
    }
}

/// Reads a body up to [`BODY_MAX`]. The deadline is checked before each read, because reqwest's blocking body starts a new
/// time-out with each read.
fn read_body(mut response: Response, deadline: Instant) -> (Vec<u8>, Option<Cut>) {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 8 * 1024];
    let cut = loop {
        if bytes.len() > BODY_MAX {
            bytes.truncate(BODY_MAX);
            break Some(Cut::TooLong);
        }
        if Instant::now() >= deadline {
            break Some(Cut::OutOfTime);
        }
        match response.read(&mut chunk) {
            Ok(0) => break None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Some(if is_timeout(&error) { Cut::OutOfTime } else { Cut::BrokenOff }),
        }
    };
    (bytes, cut)
}

/// A time-out of reqwest is a `reqwest::Error` inside the `io::Error`.
fn is_timeout(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}

/// The host of a URL; an IPv6 address without its brackets.
pub fn host(url: &Url) -> &str {
    without_brackets(url.host_str().unwrap_or_default())
}

pub fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// `host:port`, with brackets around an IPv6 address.
pub fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), port(url))
}

/// The addresses that need no look-up: those of `--resolve`, and the loopback addresses for `localhost`, which is never
/// looked up.
fn fixed_addresses(url: &Url, network: &Network) -> Option<(AddressSource, Vec<SocketAddr>)> {
    let (host, port) = (host(url), port(url));
    let at_port = |address| SocketAddr::new(address, port);
    let overrides = network.resolve.iter().filter(|entry| entry.host == host && entry.port == port);
    let overrides: Vec<_> = overrides.map(|entry| at_port(entry.address)).collect();
    if !overrides.is_empty() {
        return Some((AddressSource::Override, overrides));
    }
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    (host == "localhost").then(|| (AddressSource::Localhost, loopback.map(at_port).to_vec()))
}

/// `None` until the resolver has answered.
type Addresses = Option<Arc<io::Result<Vec<SocketAddr>>>>;

/// Looks up host names for reqwest. Names that were not found are noted: SOCKS errors hide their cause, and with a proxy
/// it matters whose name it was.
///
/// The system's resolver has no time-out and cannot be cancelled, and a runtime that ends waits for all its blocking calls.
/// So the call has a thread of its own. No one waits for this thread: if the resolver never answers, it ends with the
/// process. If such a call is still running, the next attempt waits for it, so that retries do not add threads.
#[derive(Debug)]
struct Resolver {
    /// Addresses that need no look-up; used for every name.
    fixed: Option<(AddressSource, Vec<SocketAddr>)>,
    observer: Arc<Observer>,
    latest: Mutex<Option<(String, watch::Receiver<Addresses>)>>,
}

impl Resolver {
    /// Starts a look-up, unless one for the same name is still running. Returns where its result will be.
    fn ask(&self, name: &str) -> io::Result<watch::Receiver<Addresses>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, answer)) = latest.as_ref()
            && asked == name
            && answer.has_changed().is_ok()
            && answer.borrow().is_none()
        {
            return Ok(answer.clone());
        }
        let (sender, answer) = watch::channel(None);
        let asked = name.to_owned();
        thread::Builder::new().spawn(move || {
            let found = (asked.as_str(), 0).to_socket_addrs();
            // Fails when the attempt is over and no longer waits.
            let _ = sender.send(Some(Arc::new(found.map(Iterator::collect))));
        })?;
        *latest = Some((name.to_owned(), answer.clone()));
        Ok(answer)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let observer = Arc::clone(&self.observer);
        let found = move |source, mut addresses: Vec<SocketAddr>| {
            addresses.dedup();
            observer.found(source, addresses.iter().map(SocketAddr::ip).collect());
            Ok(Box::new(addresses.into_iter()) as Addrs)
        };
        if let Some((source, addresses)) = self.fixed.clone() {
            return Box::pin(async move { found(source, addresses) });
        }
        let asked = self.ask(name.as_str());
        let observer = Arc::clone(&self.observer);
        Box::pin(async move {
            let limit = |limit: String| observer.note(|observed| observed.limit = Some(limit));
            let mut answer = asked.inspect_err(|error| {
                let error = without_number(&error.to_string());
                limit(format!("names cannot be looked up, because no thread could be started: {error}"));
            })?;
            let answer = answer.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
            let why = match answer.as_deref() {
                Some(Ok(addresses)) if !addresses.is_empty() => {
                    return found(AddressSource::Resolver, addresses.clone());
                }
                Some(Ok(_)) => "it has no address".to_owned(),
                Some(Err(error)) => {
                    if let Some(reached) = machine_limit(error) {
                        limit(reached.to_owned());
                        return Err(reached.into());
                    }
                    without_number(&error.to_string())
                }
                None => "the resolver gave no answer".to_owned(),
            };
            observer.note(|observed| observed.not_found = Some((name.as_str().to_owned(), why.clone())));
            Err(why.into())
        })
    }
}

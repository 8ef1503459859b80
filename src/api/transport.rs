//! The only HTTP. One attempt is at most one request: no redirect is followed, nothing is repeated, no connection is
//! reused unless that is asked for; the body is bounded and read against the same deadline as all the rest.

mod head;

use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::blocking::Client;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Proxy, Url};
use thiserror::Error;
use zeroize::Zeroizing;

use super::connections::{Connections, CountConnections};
use super::failure::{Circumstances, sort};
use super::lookup::Lookup;
use super::observer::Observer;
use super::outcome::{AttemptResult, Failure, FailureKind, Received};
use super::receive;
use super::request::ApiRequest;
use super::trust::{Trust, TrustError, no_trust};
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::network::Network;
use crate::settings::proxy::ProxySetting;
use crate::settings::target::is_loopback;

/// A client for one worker: it counts connections, so it must not be shared.
#[derive(Debug)]
pub struct Transport {
    client: Client,
    connections: Arc<Connections>,
    observer: Arc<Observer>,
    reuse: Reuse,
    timeout: Duration,
    tls: bool,
    /// The proxy, as it may be shown.
    proxy: Option<String>,
    /// Where the trusted certificates come from, if TLS is used.
    pub trust: Option<String>,
}

/// Why no client can be made.
#[derive(Debug, Error)]
pub enum TransportError {
    /// The trusted certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// reqwest refuses; a fault of ours.
    #[error(transparent)]
    Client(#[from] anyhow::Error),
}

/// What one attempt brought: what it means, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What it means.
    pub result: AttemptResult,
    /// The answer as it came, if there was one.
    pub exchange: Option<Exchange>,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Protocol and status.
    pub status_line: String,
    /// Names and values, as text; bytes that are none are escaped.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body that were read.
    pub body: Vec<u8>,
}

/// Whether a connection may serve a second request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Every request has a connection of its own.
    Never,
    /// One that was idle for less than a second is used again.
    Brief,
}

/// How long a connection may have been idle and still be used again: a server that closes idle ones hardly does so
/// within a second, and a request that meets the close is one of which nobody knows what became.
const IDLE_MAX: Duration = Duration::from_millis(900);

impl Transport {
    /// Makes a client for requests to one URL, which shows the identity to a service that asks for it.
    ///
    /// # Errors
    /// [`TransportError`] when certificates cannot be loaded or the client cannot be built.
    pub fn new(
        network: &Network,
        identity: Option<&ClientCertificate>,
        request: &ApiRequest,
    ) -> Result<Self, TransportError> {
        Self::to(network, identity, &request.url)
    }

    /// The same for a URL without a request.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub fn to(network: &Network, identity: Option<&ClientCertificate>, url: &Url) -> Result<Self, TransportError> {
        let trust = trust_for(network, url)?;
        Self::with(network, identity, url, trust, Reuse::Never)
    }

    /// Makes clients for requests to one URL, one for each worker that asks for one. The certificates are loaded once;
    /// each client resumes its own TLS sessions, and early data is never sent.
    ///
    /// # Errors
    /// As [`Transport::new`]; once the first client was made, each further one fails only for what the machine lacks.
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
        let connections = Arc::new(Connections::default());
        let proxy = network.proxy_for(url);
        let observer = Arc::new(Observer::new(proxy.is_some_and(|proxy| proxy.tls)));
        let source = trust.as_ref().map(|trust| trust.source.clone());
        let config = match trust {
            Some(trust) => trust.into_config(identity.map(ClientCertificate::certified), &observer)?,
            None => no_trust()?,
        };
        #[expect(clippy::disallowed_methods, reason = "the one door to HTTP")]
        let mut builder = Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .pool_max_idle_per_host(usize::from(reuse == Reuse::Brief))
            .pool_idle_timeout(IDLE_MAX)
            .timeout(network.timeout)
            .connect_timeout(network.connect_timeout)
            .dns_resolver(Arc::new(Lookup::new(Arc::clone(&observer))))
            .connector_layer(CountConnections(Arc::clone(&connections)))
            .tls_backend_preconfigured(config);
        if let Some(proxy) = proxy {
            builder = builder.proxy(proxy_of(proxy).context("the proxy cannot be used")?);
        }
        for (host, addresses) in overrides(network, url) {
            builder = builder.resolve_to_addrs(&host, &addresses);
        }
        let client = builder.build().map_err(reqwest::Error::without_url).context("the HTTP client cannot be built")?;
        Ok(Self {
            client,
            connections,
            observer,
            reuse,
            timeout: network.timeout,
            tls: url.scheme() == "https",
            proxy: proxy.map(|proxy| proxy.shown.clone()),
            trust: source,
        })
    }

    /// Whether a connection was up in an attempt that failed, `before` being the number of them when it began.
    ///
    /// With [`Reuse::Brief`] an older one may have carried the request without any coming up anew. Then only a failure
    /// to connect, or that there never was a connection, shows that nothing was sent.
    fn was_connected(&self, before: u64, error: &reqwest::Error) -> bool {
        let now = self.connections.count();
        now > before || (self.reuse == Reuse::Brief && now > 0 && !error.is_connect())
    }

    /// How many connections came up so far.
    pub fn connections(&self) -> u64 {
        self.connections.count()
    }

    /// Lets no request leave any more, for a process that is about to end while an attempt is under way. Says whether
    /// that attempt may have sent its request, `before` being the number of connections when it began.
    pub fn shut(&self, before: u64) -> bool {
        self.connections.shut() > before
    }

    /// Sends a request once.
    pub fn attempt(&self, request: &ApiRequest) -> Attempt {
        let before = self.connections.count();
        self.observer.begin();
        let deadline = Instant::now() + self.timeout;
        let mut builder = self.client.post(request.url.clone()).timeout(self.timeout);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if let Some(token) = &request.token {
            // The header's own copy is in hyper's hands, and cannot be overwritten from here.
            let text = Zeroizing::new(format!("APIToken {}", token.expose()));
            let Ok(mut value) = HeaderValue::from_str(&text) else {
                return failed("the token cannot be put into a header");
            };
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        match builder.body(request.body.clone()).send() {
            Ok(response) => receive::read(response, deadline),
            Err(error) => Attempt {
                result: AttemptResult::of(Received::Failure(self.sort(error, &request.url, before))),
                exchange: None,
            },
        }
    }

    /// `before` is the number of connections when the attempt began.
    fn sort(&self, error: reqwest::Error, url: &Url, before: u64) -> Failure {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let circumstances = Circumstances {
            connected: self.was_connected(before, &error),
            proxy: self.proxy.as_deref(),
            target: &format!("{host}:{port}"),
            tls: self.tls,
            seen: self.observer.seen(),
        };
        sort(&error.without_url(), &circumstances)
    }
}

/// The trusted certificates, loaded only when TLS is going to be spoken.
fn trust_for(network: &Network, url: &Url) -> Result<Option<Trust>, TransportError> {
    let tls = url.scheme() == "https";
    Ok(tls.then(|| Trust::load(network)).transpose()?)
}

fn failed(cause: &str) -> Attempt {
    let failure = Failure { kind: FailureKind::Broken, connected: false, cause: cause.to_owned() };
    Attempt { result: AttemptResult::of(Received::Failure(failure)), exchange: None }
}

fn proxy_of(setting: &ProxySetting) -> reqwest::Result<Proxy> {
    Proxy::all(setting.url.expose()).map_err(reqwest::Error::without_url)
}

/// The overrides that hold for the request. `localhost` is pinned to this machine, whatever a resolver says of it.
fn overrides(network: &Network, url: &Url) -> Vec<(String, Vec<SocketAddr>)> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let given = network.resolve.iter().filter(|given| given.host == host && given.port == port);
    let given: Vec<SocketAddr> = given.map(|given| SocketAddr::new(given.address, port)).collect();
    match given.is_empty() {
        false => vec![(host.to_owned(), given)],
        true if host == "localhost" && is_loopback(url) => {
            vec![(
                host.to_owned(),
                vec![SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port))],
            )]
        }
        true => Vec::new(),
    }
}

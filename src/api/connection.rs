//! Opens a connection to the service: addresses, TCP, the proxy's tunnel, TLS. Each step is noted by the observer.

use std::fmt;
use std::future::{Ready, poll_fn, ready};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, PROXY_AUTHORIZATION};
use hyper::{Request, Uri, upgrade};
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

use super::failure::{Fault, reason};
use super::lookup::{Endpoint, Resolver};
use super::observer::{AddressSource, Handshake, Observer, Step};
use crate::settings::network::Network;

/// How long one address may take until the next is tried beside it (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(300);

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Bytes in both directions: a socket, a tunnel, or TLS upon one.
pub(super) type Stream = Box<dyn Duplex>;

/// Opens connections to one host.
#[derive(Debug)]
pub(super) struct Connector {
    target: Endpoint,
    /// Addresses of the target that need no look-up.
    fixed: Option<(AddressSource, Vec<SocketAddr>)>,
    proxy: Option<ProxyRoute>,
    /// `None` for plain http.
    tls: Option<Arc<ClientConfig>>,
    resolver: Resolver,
    observer: Arc<Observer>,
    timeout: Duration,
}

/// The TLS configurations for the service, and for a proxy that is itself reached through TLS.
pub(super) struct TlsConfigs {
    pub(super) service: ClientConfig,
    pub(super) proxy: Option<ClientConfig>,
}

impl Connector {
    pub(super) fn new(network: &Network, url: &Url, tls: Option<TlsConfigs>, observer: Arc<Observer>) -> Self {
        let target = Endpoint::of(url);
        let (service, of_proxy) = tls.map_or((None, None), |tls| (Some(tls.service), tls.proxy));
        Self {
            fixed: target.fixed_addresses(network),
            target,
            proxy: ProxyRoute::of(network, url, of_proxy),
            tls: service.map(Arc::new),
            resolver: Resolver::default(),
            observer,
            timeout: network.connect_timeout,
        }
    }

    pub(super) fn target(&self) -> &Endpoint {
        &self.target
    }

    /// The proxy's URL without its password.
    pub(super) fn proxy(&self) -> Option<&str> {
        self.proxy.as_ref().map(|proxy| proxy.shown.as_str())
    }

    /// Looks up the service, or the proxy if there is one, and connects to it.
    pub(super) async fn reach(&self) -> Result<TcpStream, Fault> {
        let (source, addresses) = match (&self.proxy, &self.fixed) {
            (Some(proxy), _) => self.resolver.addresses(&proxy.endpoint).await?,
            (None, Some(fixed)) => fixed.clone(),
            (None, None) => self.resolver.addresses(&self.target).await?,
        };
        self.observer.note(|observed| {
            observed.addresses = Some((source, addresses.clone()));
            observed.step = Step::Tcp;
        });
        let start = Instant::now();
        let (stream, address) = connect(&addresses, self.timeout, &self.observer).await?;
        self.observer.note(|observed| observed.tcp = Some((address, start.elapsed())));
        // A request is one small write, and must not wait for more to send.
        stream.set_nodelay(true).map_err(Fault::library)?;
        Ok(stream)
    }

    /// Opens a connection on which a request can be sent.
    pub(super) async fn open(&self) -> Result<Stream, Fault> {
        let tcp = self.reach().await?;
        let stream = match &self.proxy {
            None => Box::new(tcp),
            Some(proxy) => proxy.tunnel(tcp, &self.target, &self.observer).await?,
        };
        let Some(config) = &self.tls else {
            return Ok(stream);
        };
        self.observer.note(|observed| {
            observed.step = Step::Tls;
            // A proxy that asked for a client certificate and let us through was content without one.
            observed.asked_by = None;
        });
        let (stream, shown) = handshake(stream, config, &self.target.host).await?;
        self.observer.note(|observed| observed.tls = Some(shown));
        Ok(stream)
    }
}

async fn handshake(stream: Stream, config: &Arc<ClientConfig>, host: &str) -> Result<(Stream, Handshake), Fault> {
    let name = ServerName::try_from(host.to_owned()).map_err(Fault::library)?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(Fault::library)?;
    let shown = Handshake::of(stream.get_ref().1);
    Ok((Box::new(stream), shown))
}

/// Connects to the first address that answers. A slow address gets company by the next one, and two are tried at a time
/// at most: more sockets than that would break the count of descriptors of a bulk run.
async fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
    observer: &Observer,
) -> Result<(TcpStream, SocketAddr), Fault> {
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut waiting = by_turns(addresses).into_iter();
    let mut attempts = JoinSet::new();
    let mut failed = Vec::new();
    loop {
        if attempts.len() < 2
            && let Some(address) = waiting.next()
        {
            attempts.spawn(async move {
                let connected = timeout(share, TcpStream::connect(address)).await;
                (address, connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
            });
        }
        let has_company = attempts.len() == 2 || waiting.len() == 0;
        let ended = if has_company {
            Ok(attempts.join_next().await)
        } else {
            timeout(NEXT_ADDRESS, attempts.join_next()).await
        };
        match ended {
            Ok(Some(Ok((address, Ok(stream))))) => return Ok((stream, address)),
            Ok(Some(Ok((address, Err(error))))) => {
                observer.note(|observed| observed.unreachable.push((address, reason(&error))));
                failed.push((address, error));
            }
            Ok(Some(Err(panicked))) => return Err(Fault::library(panicked)),
            Ok(None) if waiting.len() == 0 => return Err(Fault::Tcp(failed)),
            Ok(None) | Err(_) => {}
        }
    }
}

/// IPv6 and IPv4 by turns, the system's first choice first, so that one family that leads nowhere costs little.
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv4() == first_is_v4);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(|index| first.get(index).into_iter().chain(second.get(index))).copied().collect()
}

/// How the proxy is reached and spoken with.
struct ProxyRoute {
    intercept: Intercept,
    endpoint: Endpoint,
    shown: String,
    kind: ProxyKind,
}

enum ProxyKind {
    Http,
    Https(Arc<ClientConfig>),
    /// The proxy looks the name up (socks5h).
    Socks,
}

impl fmt::Debug for ProxyRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyRoute({})", self.shown)
    }
}

impl ProxyRoute {
    fn of(network: &Network, url: &Url, tls: Option<ClientConfig>) -> Option<Self> {
        let setting = network.proxy_for(url)?;
        let matcher = Matcher::builder().all(setting.url.expose().to_owned()).build();
        let uri: Uri = url.as_str().parse().ok()?;
        let intercept = matcher.intercept(&uri)?;
        let proxy = intercept.uri();
        let (kind, usual_port) = match (proxy.scheme_str(), tls) {
            (Some("https"), Some(config)) => (ProxyKind::Https(Arc::new(config)), 443),
            (Some("socks5h"), _) => (ProxyKind::Socks, 1080),
            _ => (ProxyKind::Http, 80),
        };
        let endpoint = Endpoint::new(proxy.host().unwrap_or_default(), proxy.port_u16().unwrap_or(usual_port));
        Some(Self { endpoint, shown: setting.shown.clone(), kind, intercept })
    }

    async fn tunnel(&self, tcp: TcpStream, target: &Endpoint, observer: &Observer) -> Result<Stream, Fault> {
        let mut stream: Stream = Box::new(tcp);
        if let ProxyKind::Https(config) = &self.kind {
            observer.enter(Step::ProxyTls);
            stream = handshake(stream, config, &self.endpoint.host).await?.0;
        }
        observer.enter(Step::Tunnel);
        match self.kind {
            ProxyKind::Socks => self.socks(stream, target).await,
            ProxyKind::Http | ProxyKind::Https(_) => self.connect(stream, target).await,
        }
    }

    /// `CONNECT` (RFC 9110, section 9.3.6).
    async fn connect(&self, stream: Stream, target: &Endpoint) -> Result<Stream, Fault> {
        let authority = target.authority();
        let mut request = Request::connect(&authority).header(HOST, &authority);
        if let Some(credential) = self.intercept.basic_auth() {
            request = request.header(PROXY_AUTHORIZATION, credential);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(Fault::library)?;
        #[expect(clippy::disallowed_methods, reason = "a tunnel is part of the door to HTTP")]
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Fault::library)?;
        let mut driver = Driver::new(connection.with_upgrades());
        let answer = driver.run(sender.send_request(request)).await.map_err(Fault::library)?;
        if !answer.status().is_success() {
            return Err(Fault::ProxyAnswer(answer.status().as_u16()));
        }
        let tunnel = driver.run(upgrade::on(answer)).await.map_err(Fault::library)?;
        Ok(Box::new(TokioIo::new(tunnel)))
    }

    async fn socks(&self, stream: Stream, target: &Endpoint) -> Result<Stream, Fault> {
        let mut socks = SocksV5::new(self.intercept.uri().clone(), Connected(Some(stream)));
        if let Some((user, password)) = self.intercept.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        let target = Uri::try_from(target.authority()).map_err(Fault::library)?;
        let tunnel = socks.call(target).await.map_err(Fault::library)?;
        Ok(Box::new(tunnel.into_inner()))
    }
}

/// A connection that is already up, for hyper-util, which wants to open it itself.
struct Connected(Option<Stream>);

impl Service<Uri> for Connected {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<Stream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().map(TokioIo::new).ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

/// A stream that pauses now and then. hyper reads on and on as long as a server floods it with interim responses, and
/// would come late to a deadline.
pub(super) struct Paced {
    inner: Stream,
    reads: u8,
}

/// So many reads in a row, of which a usual answer needs two or three.
const READS_MAX: u8 = 16;

impl Paced {
    pub(super) const fn new(inner: Stream) -> Self {
        Self { inner, reads: 0 }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == READS_MAX {
            self.reads = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.reads = if read.is_ready() { self.reads + 1 } else { 0 };
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// The half of a connection that moves its bytes. It is polled together with what waits for an answer: a task of its own
/// would outlive the attempt.
pub(super) struct Driver(Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>);

impl Driver {
    pub(super) fn new(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Self {
        Self(Some(Box::pin(connection)))
    }

    pub(super) async fn run<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.poll(context);
            work.as_mut().poll(context)
        })
        .await
    }

    /// An error is reported to whoever waits for the answer as well, and so is not kept here.
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && connection.as_mut().poll(context).is_ready()
        {
            self.0 = None;
        }
    }

    /// Lets a connection that is no longer needed say goodbye (TLS `close_notify`), without waiting for the other side.
    pub(super) async fn close(mut self) {
        poll_fn(|context| {
            self.poll(context);
            Poll::Ready(())
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_the_systems_first_choice_is_first() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let mixed = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(by_turns(&mixed), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(by_turns(&parse(&["1.1.1.1:1", "[::1]:1"])), parse(&["1.1.1.1:1", "[::1]:1"]));
        assert_eq!(by_turns(&[]), []);
    }
}

//! Notes what an attempt passed: addresses, TCP, proxy, TLS and the certificates. `doctor` reads it to report each step,
//! and the classification of failures reads it to explain what happened. It decides nothing: certificates are verified
//! by the verifier inside, and its result is passed on unchanged.
//!
//! reqwest reports of a connection only that it was established or failed. The rest is noted where it calls back: the
//! resolver, the store of TLS sessions (asked once at the start of each handshake) and the callbacks of TLS.
//!
//! It counts the connections that were established (TCP, tunnel and TLS). If there was none, nothing was sent. No error of
//! the libraries below shows this difference between "not sent" and "may have been sent".

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use tower_layer::Layer;
use tower_service::Service;

use crate::settings::credential::certificate::CertificateFacts;

/// The steps of an attempt in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    #[default]
    Lookup,
    Tcp,
    /// The TLS handshake with an https proxy.
    ProxyTls,
    /// The proxy is asked for a tunnel.
    Tunnel,
    Tls,
    /// The connection is established, and the request may have been sent.
    Http,
}

/// Where the addresses of a host come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressSource {
    Literal,
    Override,
    Localhost,
    /// The system's resolver.
    Resolver,
}

/// Who is at the other end of a TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Service,
    Proxy,
}

/// What one attempt passed.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The last step that is known to have begun; after a failure, the step that failed.
    pub step: Step,
    /// The addresses of the service, or of the proxy if there is one, which itself looks up the service.
    pub addresses: Option<(AddressSource, Vec<IpAddr>)>,
    /// The name that was not found, and why.
    pub not_found: Option<(String, String)>,
    /// The limit of this machine that kept a name from being looked up.
    pub limit: Option<String>,
    /// When TCP began.
    pub(super) begun: Option<Instant>,
    /// Whether it is known that TCP was established.
    pub tcp: bool,
    /// How long that took, unless a tunnel was part of it.
    pub tcp_time: Option<Duration>,
    /// The address that was connected to, which is known once there is an answer.
    pub remote: Option<SocketAddr>,
    /// The handshake with the service.
    pub tls: Option<Handshake>,
    /// Who asked for a client certificate in the latest handshake of this attempt.
    pub asked_by: Option<Peer>,
    /// Whether vescli had a client certificate to send.
    pub has_identity: bool,
    /// The certificate that was refused.
    pub refused: Option<Refused>,
}

impl Observed {
    /// Between a proxy and the service only TLS with the proxy comes before TLS with the service.
    pub(super) fn peer(&self) -> Peer {
        if self.step == Step::ProxyTls { Peer::Proxy } else { Peer::Service }
    }
}

/// What a handshake showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handshake {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// The server's certificate, then its issuers as far as the server sent them.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// A certificate that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The name that was asked for.
    pub name: String,
    /// The contents of the certificate, if it can be read.
    pub facts: Option<CertificateFacts>,
    pub peer: Peer,
}

/// What is between this machine and the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Route {
    #[default]
    Direct,
    /// A proxy without TLS: HTTP or SOCKS.
    Proxy,
    /// A proxy with TLS: HTTPS.
    TlsProxy,
}

/// The bit that says that no more connections are used.
const CLOSED: u64 = 1 << 63;

/// Shared by a transport, its resolver, its connector and the TLS callbacks.
#[derive(Debug, Default)]
pub(super) struct Observer {
    observed: Mutex<Observed>,
    pub(super) route: Route,
    /// How many connections were established, and whether more may be used. Both are in one number, so that a connection
    /// either counts before the counter is closed or carries nothing.
    connections: AtomicU64,
}

impl Observer {
    pub(super) fn new(route: Route) -> Self {
        Self { route, ..Self::default() }
    }

    /// How many connections were established so far.
    pub(super) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst) & !CLOSED
    }

    /// From now on no connection is used. Returns the count, which is final.
    pub(super) fn close(&self) -> u64 {
        self.connections.fetch_or(CLOSED, Ordering::SeqCst) & !CLOSED
    }

    /// Counts an established connection. Returns whether it may be used.
    fn admit(&self) -> bool {
        self.connections.fetch_add(1, Ordering::SeqCst) & CLOSED == 0
    }

    pub(super) fn note<T>(&self, change: impl FnOnce(&mut Observed) -> T) -> T {
        change(&mut self.observed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets the last attempt.
    pub(super) fn begin(&self) {
        self.note(|observed| *observed = Observed::default());
    }

    pub(super) fn observed(&self) -> Observed {
        self.note(|observed| observed.clone())
    }

    pub(super) fn found(&self, source: AddressSource, addresses: Vec<IpAddr>) {
        self.note(|observed| {
            observed.addresses = Some((source, addresses));
            observed.step = Step::Tcp;
            observed.begun = Some(Instant::now());
        });
    }

    /// The connection is up.
    fn connected(&self) {
        self.note(|observed| {
            self.tcp_is_up(observed);
            observed.step = Step::Http;
        });
    }

    /// A TLS handshake begins. It is the proxy's, or there is a tunnel to the service already.
    pub(super) fn handshake_begins(&self) {
        self.note(|observed| {
            self.tcp_is_up(observed);
            let is_first = observed.step < Step::ProxyTls || observed.step == Step::Http;
            let of_proxy = self.route == Route::TlsProxy && is_first;
            observed.step = if of_proxy { Step::ProxyTls } else { Step::Tls };
            // A proxy that asked for a client certificate and opened the tunnel does not need one.
            observed.asked_by = None;
        });
    }

    fn tcp_is_up(&self, observed: &mut Observed) {
        if !observed.tcp && self.route != Route::Proxy {
            observed.tcp_time = observed.begun.map(|begun| begun.elapsed());
        }
        observed.tcp = true;
    }

    pub(super) fn signed(&self, version: &'static str) {
        self.note(|observed| {
            if let Some(handshake) = &mut observed.tls {
                handshake.version = version;
            }
        });
    }
}

/// A layer around reqwest's connector that counts connections.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLayer(pub(super) Arc<Observer>);

#[derive(Debug, Clone)]
pub(super) struct Counted<S> {
    connector: S,
    observer: Arc<Observer>,
}

impl<S> Layer<S> for ConnectionLayer {
    type Service = Counted<S>;

    fn layer(&self, connector: S) -> Counted<S> {
        Counted { connector, observer: Arc::clone(&self.0) }
    }
}

impl<S, R> Service<R> for Counted<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.connector.call(request);
        let observer = Arc::clone(&self.observer);
        Box::pin(async move {
            match connecting.await {
                // No one waits for it: the process is about to end.
                Ok(_) if !observer.admit() => {}
                Ok(connected) => {
                    observer.connected();
                    return Ok(connected);
                }
                Err(error) => return Err(error),
            }
            std::future::pending().await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::task::Waker;

    use super::*;

    /// A connector whose connections come up at once.
    struct AtOnce;

    impl Service<()> for AtOnce {
        type Response = ();
        type Error = Infallible;
        type Future = Ready<Result<(), Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            ready(Ok(()))
        }
    }

    #[test]
    fn a_connection_that_comes_up_after_the_door_is_closed_carries_nothing() {
        let observer = Arc::<Observer>::default();
        let mut connector = ConnectionLayer(Arc::clone(&observer)).layer(AtOnce);
        let mut poll = || {
            let mut connecting = connector.call(());
            connecting.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(poll(), Poll::Ready(Ok(())));
        assert_eq!((observer.connections(), observer.close()), (1, 1));
        assert_eq!(poll(), Poll::Pending);
        assert_eq!(observer.close() & CLOSED, 0);
    }
}

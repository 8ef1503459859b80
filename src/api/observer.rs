//! Notes the steps of an attempt: addresses, TCP, proxy, TLS and the certificates. `doctor` reports each step from these
//! notes, and the classification of failures uses them to explain what happened. The observer decides nothing: the
//! verifier inside verifies certificates, and its result is passed on unchanged.
//!
//! reqwest only reports that a connection succeeded or failed. The observer learns the rest from four callbacks: resolver,
//! TLS session store (called once at each handshake), verifier, client certificate.
//!
//! It counts the connections that were established (TCP, tunnel and TLS). If there was none, nothing was sent. No error of
//! the libraries below shows this difference between "not sent" and "may have been sent".

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, NamedGroup, SignatureScheme};
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

/// What the observer noted about one attempt.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The last step that is known to have started; after a failure, the step that failed.
    pub step: Step,
    /// The addresses of the service, or of the proxy if there is one: the proxy looks up the service itself.
    pub addresses: Option<(AddressSource, Vec<IpAddr>)>,
    /// The name that was not found, and why.
    pub not_found: Option<(String, String)>,
    /// The limit of this machine because of which a name was not looked up.
    pub limit: Option<String>,
    /// When TCP started.
    pub(super) started: Option<Instant>,
    /// Whether it is known that TCP was established.
    pub tcp: bool,
    /// How long TCP took; None if a tunnel was part of that time.
    pub tcp_time: Option<Duration>,
    /// The address of the peer; known once there is an answer.
    pub remote: Option<SocketAddr>,
    /// `TLS 1.3` or `TLS 1.2`, after a full handshake.
    pub tls_version: &'static str,
    /// Once verified: the service's certificate, then those of its issuers that the server sent.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Who asked for a client certificate in the latest handshake of this attempt.
    pub asked_by: Option<Peer>,
    /// Whether vescli had a client certificate to send.
    pub has_identity: bool,
    /// The certificate that was refused.
    pub refused: Option<Refused>,
}

impl Observed {
    /// The peer of the TLS handshake at this step.
    pub(super) fn peer(&self) -> Peer {
        if self.step == Step::ProxyTls { Peer::Proxy } else { Peer::Service }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The name that was asked for.
    pub name: String,
    /// None if the certificate cannot be read.
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

/// The bit that is set when no more connections may be used.
const CLOSED: u64 = 1 << 63;

/// Shared by a transport, its resolver, its connector and the TLS callbacks.
#[derive(Debug, Default)]
pub(super) struct Observer {
    observed: Mutex<Observed>,
    pub(super) route: Route,
    /// The number of established connections, and the bit [`CLOSED`]. Both are in one number, so that each connection is
    /// either counted before the counter is closed, or never used.
    connections: AtomicU64,
}

impl Observer {
    pub(super) fn new(route: Route) -> Self {
        Self { route, ..Self::default() }
    }

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

    pub(super) fn found(&self, source: AddressSource, addresses: Vec<IpAddr>) {
        self.note(|observed| {
            observed.addresses = Some((source, addresses));
            observed.step = Step::Tcp;
            observed.started = Some(Instant::now());
        });
    }

    /// Notes the start of a TLS handshake: with the proxy, or with the service.
    fn handshake_begins(&self) {
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
            observed.tcp_time = observed.started.map(|started| started.elapsed());
        }
        observed.tcp = true;
    }
}

/// reqwest's connector; its connections are counted.
#[derive(Debug, Clone)]
pub(super) struct CountingConnector<S> {
    pub(super) connector: S,
    pub(super) observer: Arc<Observer>,
}

impl<S, R> Service<R> for CountingConnector<S>
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
            let connected = connecting.await?;
            if observer.admit() {
                observer.note(|observed| {
                    observer.tcp_is_up(observed);
                    observed.step = Step::Http;
                });
                return Ok(connected);
            }
            // Never resolves, because the process is about to end.
            drop(connected);
            std::future::pending().await
        })
    }
}

/// How many servers the store keeps sessions for; a client has one or two.
const SERVERS: usize = 4;

/// The TLS sessions of one client.
///
/// In a resumed handshake the server shows no certificate, so none is verified. Therefore a session is only resumed while
/// the certificates of the last full handshake are valid by this machine's clock. After that, and when the clock was set
/// back, the handshake is a full one.
#[derive(Debug)]
pub(super) struct Sessions {
    observer: Arc<Observer>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    cache: ClientSessionMemoryCache,
    /// The certificates of the last full handshake, and when they were verified.
    chain: Vec<CertificateDer<'static>>,
    at: SystemTime,
    /// The last moment at which the whole chain is valid. Computed when it is needed: a single send never needs it.
    until: Option<SystemTime>,
}

impl State {
    fn is_valid(&mut self, now: SystemTime) -> bool {
        let until = *self.until.get_or_insert_with(|| end_of(&self.chain, self.at));
        (self.at..=until).contains(&now)
    }
}

impl Sessions {
    pub(super) fn new(observer: &Arc<Observer>) -> Self {
        let state = State { cache: cache(), chain: Vec::new(), at: UNIX_EPOCH, until: None };
        Self { observer: Arc::clone(observer), state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the certificates of a full handshake that the verifier accepted.
    fn verified(&self, chain: Vec<CertificateDer<'static>>, now: UnixTime) {
        let mut state = self.lock();
        (state.chain, state.at, state.until) = (chain, UNIX_EPOCH + Duration::from_secs(now.as_secs()), None);
    }

    /// The sessions whose certificates are still valid; None if no session may be resumed. The store keeps the dates of
    /// one certificate chain only. With a TLS proxy there are two, so sessions are never resumed.
    fn resumable(&self, now: SystemTime) -> Option<MutexGuard<'_, State>> {
        if self.observer.route == Route::TlsProxy {
            return None;
        }
        let mut state = self.lock();
        if !state.is_valid(now) {
            state.cache = cache();
        }
        Some(state)
    }
}

fn cache() -> ClientSessionMemoryCache {
    ClientSessionMemoryCache::new(SERVERS)
}

/// The earliest end among the certificates that were valid at that time. Servers also send expired ones, which the
/// verifier did not need.
fn end_of(chain: &[CertificateDer], at: SystemTime) -> SystemTime {
    let ends = chain
        .iter()
        // A certificate that cannot be read here may end at any time.
        .map(|der| CertificateFacts::read(der).map_or(at, |facts| facts.not_after));
    ends.filter(|end| *end >= at).min().unwrap_or(at)
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.lock().cache.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.lock().cache.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.lock().cache.set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.resumable(SystemTime::now())?.cache.tls12_session(server_name)
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.lock().cache.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.lock().cache.insert_tls13_ticket(server_name, value);
    }

    /// rustls calls this first in each handshake, and only once: not again after a `HelloRetryRequest`.
    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.observer.handshake_begins();
        self.resumable(SystemTime::now())?.cache.take_tls13_ticket(server_name)
    }
}

/// Notes what the verifier inside accepted or refused.
#[derive(Debug)]
pub(super) struct ObservedVerifier {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) sessions: Arc<Sessions>,
}

type Signature = Result<HandshakeSignatureValid, Error>;

impl ServerCertVerifier for ObservedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let observer = &self.sessions.observer;
        if verified.is_ok() {
            let chain = std::iter::once(end_entity).chain(intermediates);
            let certificates: Vec<_> = chain.map(|der| der.clone().into_owned()).collect();
            self.sessions.verified(certificates.clone(), now);
            observer.note(|observed| observed.certificates = certificates);
        } else {
            let facts = CertificateFacts::read(end_entity);
            let name = server_name.to_str().into_owned();
            observer.note(|observed| observed.refused = Some(Refused { name, facts, peer: observed.peer() }));
        }
        verified
    }

    fn verify_tls12_signature(&self, message: &[u8], by: &CertificateDer, signed: &DigitallySignedStruct) -> Signature {
        self.sessions.observer.note(|observed| observed.tls_version = "TLS 1.2");
        self.inner.verify_tls12_signature(message, by, signed)
    }

    fn verify_tls13_signature(&self, message: &[u8], by: &CertificateDer, signed: &DigitallySignedStruct) -> Signature {
        self.sessions.observer.note(|observed| observed.tls_version = "TLS 1.3");
        self.inner.verify_tls13_signature(message, by, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Sends the client certificate to a service that asks for it, and notes who asked. A proxy that asks gets none: the
/// certificate belongs to the service's host.
#[derive(Debug)]
pub(super) struct ObservedIdentity {
    pub(super) identity: Option<Arc<CertifiedKey>>,
    pub(super) observer: Arc<Observer>,
}

impl ResolvesClientCert for ObservedIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.observer.note(|observed| {
            let peer = observed.peer();
            observed.asked_by = Some(peer);
            let identity = self.identity.clone().filter(|_| peer == Peer::Service);
            observed.has_identity = identity.is_some();
            identity
        })
    }

    /// Also true without a certificate: otherwise rustls would not report that the server asked for one.
    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::task::Waker;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A connector that connects at once.
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
    fn a_connection_that_is_established_after_the_close_is_not_used() {
        let observer = Arc::<Observer>::default();
        let mut connector = CountingConnector { connector: AtOnce, observer: Arc::clone(&observer) };
        let mut poll = || {
            let mut connecting = connector.call(());
            connecting.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(poll(), Poll::Ready(Ok(())));
        assert_eq!((observer.connections(), observer.close()), (1, 1));
        assert_eq!(poll(), Poll::Pending);
        assert_eq!(observer.close() & CLOSED, 0);
    }

    fn ending(year: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn start_of(year: i32) -> SystemTime {
        let seconds = date_time_ymd(year, 1, 1).unix_timestamp();
        UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap())
    }

    #[test]
    fn sessions_are_valid_from_the_check_until_the_first_end_of_a_certificate() {
        let sessions = Sessions::new(&Arc::default());
        let name = ServerName::try_from("h.example").unwrap();
        let is_valid = |now| {
            sessions.set_kx_hint(name.clone(), NamedGroup::X25519);
            sessions.resumable(now).unwrap().cache.kx_hint(&name).is_some()
        };
        assert!(!is_valid(start_of(2026)));
        let now = UnixTime::since_unix_epoch(start_of(2026).duration_since(UNIX_EPOCH).unwrap());
        // The one that ended in 2020 does not count.
        sessions.verified(vec![ending(2028), ending(2027), ending(2020)], now);
        let second = Duration::from_secs(1);
        for (moment, expected) in [
            (start_of(2026), true),
            (start_of(2026) - second, false),
            (start_of(2027), true),
            (start_of(2027) + second, false),
        ] {
            assert_eq!(is_valid(moment), expected, "{moment:?}");
        }
        let unreadable = CertificateDer::from(vec![1, 2, 3]);
        sessions.verified(vec![ending(2028), unreadable], now);
        assert!(!is_valid(start_of(2026) + second));
    }
}

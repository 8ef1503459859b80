//! Notes what an attempt passed: addresses, TCP, proxy, TLS and the certificates. `doctor` reads it to report each step,
//! and the classification of failures reads it to explain what happened. It decides nothing: certificates are verified
//! by the verifier inside, and its result is passed on unchanged.
//!
//! reqwest reports of a connection only that it was established or failed. The rest is noted where it calls back: the
//! resolver, the store of TLS sessions (asked once at the start of each handshake) and the callbacks of TLS.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, NamedGroup, SignatureScheme};

use super::sessions::Sessions;
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
    fn peer(&self) -> Peer {
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

/// Shared by a transport, its resolver, its connector and the TLS callbacks.
#[derive(Debug, Default)]
pub(super) struct Observer {
    observed: Mutex<Observed>,
    route: Route,
}

impl Observer {
    pub(super) fn new(route: Route) -> Self {
        Self { observed: Mutex::default(), route }
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
    pub(super) fn connected(&self) {
        self.note(|observed| {
            self.tcp_is_up(observed);
            observed.step = Step::Http;
        });
    }

    /// A TLS handshake begins. It is the proxy's, or there is a tunnel to the service already.
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
            observed.tcp_time = observed.begun.map(|begun| begun.elapsed());
        }
        observed.tcp = true;
    }

    fn signed(&self, version: &'static str) {
        self.note(|observed| {
            if let Some(handshake) = &mut observed.tls {
                handshake.version = version;
            }
        });
    }
}

/// The sessions to resume. rustls asks for them at the start of a handshake, which is noted here.
#[derive(Debug)]
pub(super) struct ObservedSessions {
    pub(super) sessions: Arc<Sessions>,
    pub(super) observer: Arc<Observer>,
}

impl ObservedSessions {
    /// reqwest has one configuration for the proxy and the service, but a session is resumed by the dates of one chain of
    /// certificates: with TLS to both, each handshake is a full one.
    fn is_resumed(&self) -> bool {
        self.observer.route != Route::TlsProxy
    }
}

impl ClientSessionStore for ObservedSessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.sessions.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.sessions.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.sessions.set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.is_resumed().then(|| self.sessions.tls12_session(server_name))?
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.sessions.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.sessions.insert_tls13_ticket(server_name, value);
    }

    /// rustls asks for this first in each handshake, and once: not again after a `HelloRetryRequest`.
    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.observer.handshake_begins();
        self.is_resumed().then(|| self.sessions.take_tls13_ticket(server_name))?
    }
}

/// A verifier whose refusals are noted.
#[derive(Debug)]
pub(super) struct ObservedVerifier {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) observer: Arc<Observer>,
    pub(super) sessions: Arc<Sessions>,
}

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
        if verified.is_ok() {
            self.sessions.verified(end_entity, intermediates, now);
            let chain = std::iter::once(end_entity).chain(intermediates);
            let certificates = chain.map(|der| der.clone().into_owned()).collect();
            self.observer.note(|observed| observed.tls = Some(Handshake { version: "", certificates }));
        } else {
            let facts = CertificateFacts::read(end_entity);
            let name = server_name.to_str().into_owned();
            self.observer.note(|observed| observed.refused = Some(Refused { name, facts, peer: observed.peer() }));
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.observer.signed("TLS 1.2");
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.observer.signed("TLS 1.3");
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.inner.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.inner.root_hint_subjects()
    }
}

/// Sends the client certificate to a service that asks for it, and notes that it was asked for. A proxy that asks gets
/// none: the certificate belongs to the service's host.
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

    /// True without a certificate as well, so that rustls reports that the server asked.
    fn has_certs(&self) -> bool {
        true
    }
}

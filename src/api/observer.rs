//! Notes what an attempt passed on its way: addresses, TCP, proxy, TLS and the certificates. `doctor` reads it to report
//! each step, and the classification of failures to say what happened. It decides nothing: certificates are verified by
//! the verifier inside, and its verdict is handed on unchanged.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConnection, DigitallySignedStruct, DistinguishedName, Error, ProtocolVersion, SignatureScheme};

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
    /// The connection is up, and the request may have left.
    Http,
}

/// Where the addresses of a host come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressSource {
    /// The host is an address.
    Literal,
    /// `--resolve`.
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
    /// The step under way, which is the one that failed if the attempt failed.
    pub step: Step,
    /// The addresses of the service, or of the proxy if there is one, which itself looks up the service.
    pub addresses: Option<(AddressSource, Vec<SocketAddr>)>,
    /// Addresses that did not answer, and why.
    pub unreachable: Vec<(SocketAddr, String)>,
    /// The address that answered, and after how long.
    pub tcp: Option<(SocketAddr, Duration)>,
    /// The handshake with the service.
    pub tls: Option<Handshake>,
    /// Who asked for a client certificate, in the latest handshake of this very attempt.
    pub asked_by: Option<Peer>,
    /// Whether there was a client certificate to show.
    pub has_identity: bool,
    /// The certificate that was refused.
    pub refused: Option<Refused>,
}

/// What a handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    pub suite: String,
    /// The server's certificate, then its issuers as far as the server sent them.
    pub certificates: Vec<CertificateDer<'static>>,
}

impl Handshake {
    pub(super) fn of(session: &ClientConnection) -> Self {
        Self {
            version: match session.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
                _ => "TLS 1.3",
            },
            suite: session.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
            certificates: session.peer_certificates().unwrap_or_default().to_vec(),
        }
    }
}

/// A certificate that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The name that was asked for.
    pub name: String,
    /// What the certificate says of itself, if it can be read.
    pub facts: Option<CertificateFacts>,
    pub peer: Peer,
}

/// Shared by a transport, its connector and the TLS callbacks.
#[derive(Debug, Default)]
pub(super) struct Observer(Mutex<Observed>);

impl Observer {
    pub(super) fn note<T>(&self, change: impl FnOnce(&mut Observed) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets the last attempt.
    pub(super) fn begin(&self) {
        self.note(|observed| *observed = Observed::default());
    }

    pub(super) fn enter(&self, step: Step) {
        self.note(|observed| observed.step = step);
    }

    pub(super) fn observed(&self) -> Observed {
        self.note(|observed| observed.clone())
    }
}

/// A verifier whose refusals are noted.
#[derive(Debug)]
pub(super) struct ObservedVerifier {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) observer: Arc<Observer>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) peer: Peer,
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
        } else {
            let facts = CertificateFacts::read(end_entity);
            let refused = Refused { name: server_name.to_str().into_owned(), facts, peer: self.peer };
            self.observer.note(|observed| observed.refused = Some(refused));
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
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

/// Shows the client certificate to the service that asks for it, and notes that it was asked for. A proxy that asks gets
/// none: the certificate belongs to the service's host.
#[derive(Debug)]
pub(super) struct ObservedIdentity {
    pub(super) identity: Option<Arc<CertifiedKey>>,
    pub(super) observer: Arc<Observer>,
    pub(super) peer: Peer,
}

impl ResolvesClientCert for ObservedIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.observer.note(|observed| {
            observed.asked_by = Some(self.peer);
            observed.has_identity = self.identity.is_some();
        });
        self.identity.clone()
    }

    /// True without a certificate as well, so that rustls reports that the server asked.
    fn has_certs(&self) -> bool {
        true
    }
}

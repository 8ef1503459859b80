//! Watches what an error does not tell: which certificate was refused and for which name, whether a client certificate
//! was asked for, which name was not found. It decides nothing: certificates are verified by the verifier inside, and
//! its word is handed on unchanged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::io_error::in_words;
use super::sessions::Sessions;
use crate::settings::credential::certificate::CertificateFacts;

/// What was seen of one attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether the service asked for a client certificate in a handshake of this very attempt.
    pub asked: bool,
    /// Whether a proxy asked for one.
    pub proxy_asked: bool,
    /// Whether there was one to show.
    pub has_identity: bool,
    /// The certificate that was refused, if it can be read, and the name that it was shown for.
    pub refused: Option<Refused>,
    /// The name that was not found, and why.
    pub not_found: Option<(String, String)>,
    /// What this machine lacked, so that nobody could be asked for a name, in words.
    pub lack: Option<String>,
    /// Whether the TLS of an https proxy is up.
    proxy_is_up: bool,
}

/// A certificate that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The name that was asked for.
    pub name: String,
    /// What the certificate says of itself.
    pub facts: Option<CertificateFacts>,
    /// Whether it was the proxy's.
    pub of_proxy: bool,
}

/// Collects what is seen, for a client that one worker owns.
#[derive(Debug)]
pub(super) struct Observer {
    seen: Mutex<Seen>,
    /// With an https proxy, TLS is shaken twice: with the proxy first.
    proxy_tls: bool,
}

impl Observer {
    pub(super) fn new(proxy_tls: bool) -> Self {
        Self { seen: Mutex::default(), proxy_tls }
    }

    pub(super) const fn proxy_tls(&self) -> bool {
        self.proxy_tls
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what the last attempt showed.
    pub(super) fn begin(&self) {
        *self.lock() = Seen::default();
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    pub(super) fn not_found(&self, name: &str, error: &std::io::Error) {
        self.lock().not_found = Some((name.to_owned(), in_words(error)));
    }

    pub(super) fn lacks(&self, lack: String) {
        self.lock().lack = Some(lack);
    }
}

/// A verifier that has its refusals written down.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) observer: Arc<Observer>,
    pub(super) sessions: Arc<Sessions>,
}

impl ServerCertVerifier for Watched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let mut seen = self.observer.lock();
        let of_proxy = self.observer.proxy_tls && !seen.proxy_is_up;
        match &verified {
            Ok(_) => {
                seen.proxy_is_up = true;
                self.sessions.verified(end_entity, intermediates, now);
            }
            Err(_) => {
                seen.refused = Some(Refused {
                    name: server_name.to_str().into_owned(),
                    facts: CertificateFacts::read(end_entity),
                    of_proxy,
                });
            }
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

/// Shows the client certificate to the service that asks for it, and has it written down that it was asked for. A proxy
/// that asks gets none: the certificate is bound to the service's host.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) identity: Option<Arc<CertifiedKey>>,
    pub(super) observer: Arc<Observer>,
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // The request for a certificate comes before the server's own one is verified, so the proxy is not up yet
        // when it is the proxy that asks (RFC 8446, section 4.3.2; RFC 5246, section 7.4.4).
        let mut seen = self.observer.lock();
        if self.observer.proxy_tls && !seen.proxy_is_up {
            seen.proxy_asked = true;
            return None;
        }
        seen.asked = true;
        seen.has_identity = self.identity.is_some();
        self.identity.clone()
    }

    /// Without one it still has to be asked, so that a server's wish is known.
    fn has_certs(&self) -> bool {
        true
    }
}

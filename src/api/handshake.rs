//! The callbacks of a TLS handshake: the sessions to resume, the verifier and the client certificate. Each notes for the
//! observer what it was asked.
//!
//! No certificate is shown in a resumed handshake, so none is verified; a session is therefore resumed only as long as the
//! certificates of the last full handshake are valid by this machine's clock. After that, and when the clock was set back,
//! the handshake is a full one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, NamedGroup, SignatureScheme};

use super::observer::{Handshake, Observer, Peer, Refused, Route};
use crate::settings::credential::certificate::CertificateFacts;

/// Servers whose sessions are kept; one client has one.
const SERVERS: usize = 4;

/// The sessions of one client.
#[derive(Debug)]
pub(super) struct Sessions {
    observer: Arc<Observer>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    cache: Arc<ClientSessionMemoryCache>,
    verified: Option<Verified>,
}

/// What was verified last.
#[derive(Debug)]
struct Verified {
    at: SystemTime,
    chain: Vec<CertificateDer<'static>>,
    /// The last moment at which all of the chain is valid; read when it is needed, which in a single send is never.
    until: Option<SystemTime>,
}

impl Sessions {
    pub(super) fn new(observer: &Arc<Observer>) -> Self {
        Self { observer: Arc::clone(observer), state: Mutex::new(State { cache: cache(), verified: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the certificates of a full handshake that the verifier accepted.
    fn verified(&self, chain: Vec<CertificateDer<'static>>, now: UnixTime) {
        let at = UNIX_EPOCH + Duration::from_secs(now.as_secs());
        self.lock().verified = Some(Verified { at, chain, until: None });
    }

    fn cache(&self) -> Arc<ClientSessionMemoryCache> {
        Arc::clone(&self.lock().cache)
    }

    /// reqwest has one configuration for the proxy and the service, but a session is resumed by the dates of one chain of
    /// certificates: with TLS to both, each handshake is a full one.
    fn is_resumed(&self) -> bool {
        self.observer.route != Route::TlsProxy
    }

    /// The cache, emptied of sessions whose certificates would no longer be accepted.
    fn valid_cache(&self, now: SystemTime) -> Arc<ClientSessionMemoryCache> {
        let mut state = self.lock();
        if !state.verified.as_mut().is_some_and(|verified| verified.is_valid(now)) {
            state.cache = cache();
        }
        Arc::clone(&state.cache)
    }
}

fn cache() -> Arc<ClientSessionMemoryCache> {
    Arc::new(ClientSessionMemoryCache::new(SERVERS))
}

impl Verified {
    fn is_valid(&mut self, now: SystemTime) -> bool {
        let at = self.at;
        let until = *self.until.get_or_insert_with(|| end_of(&self.chain, at));
        (at..=until).contains(&now)
    }
}

/// The earliest end of the certificates that were valid then. Servers also send expired ones that were not needed.
fn end_of(chain: &[CertificateDer], at: SystemTime) -> SystemTime {
    let ends = chain
        .iter()
        // One that cannot be read here may end at any time.
        .map(|der| CertificateFacts::read(der).map_or(at, |facts| facts.not_after));
    ends.filter(|end| *end >= at).min().unwrap_or(at)
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.cache().set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.cache().kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.cache().set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.is_resumed().then(|| self.valid_cache(SystemTime::now()).tls12_session(server_name))?
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.cache().remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.cache().insert_tls13_ticket(server_name, value);
    }

    /// rustls asks for this first in each handshake, and once: not again after a `HelloRetryRequest`.
    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.observer.handshake_begins();
        self.is_resumed().then(|| self.valid_cache(SystemTime::now()).take_tls13_ticket(server_name))?
    }
}

/// A verifier whose refusals are noted.
#[derive(Debug)]
pub(super) struct ObservedVerifier {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
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
        let observer = &self.sessions.observer;
        if verified.is_ok() {
            let chain = std::iter::once(end_entity).chain(intermediates);
            let certificates: Vec<_> = chain.map(|der| der.clone().into_owned()).collect();
            self.sessions.verified(certificates.clone(), now);
            observer.note(|observed| observed.tls = Some(Handshake { version: "", certificates }));
        } else {
            let facts = CertificateFacts::read(end_entity);
            let name = server_name.to_str().into_owned();
            observer.note(|observed| observed.refused = Some(Refused { name, facts, peer: observed.peer() }));
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.sessions.observer.signed("TLS 1.2");
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.sessions.observer.signed("TLS 1.3");
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

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

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
    fn sessions_stand_between_the_check_and_the_first_end_of_a_certificate() {
        let sessions = Sessions::new(&Arc::default());
        let is_valid = |now: SystemTime| {
            let before = sessions.cache();
            Arc::ptr_eq(&before, &sessions.valid_cache(now))
        };
        assert!(!is_valid(start_of(2026)));
        let now = UnixTime::since_unix_epoch(start_of(2026).duration_since(UNIX_EPOCH).unwrap());
        // The one that ended in 2020 was sent along for nothing.
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

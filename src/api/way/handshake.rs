//! The TLS handshake with what it shows: version, suite, and the server's certificates.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, StreamOwned};

use super::wire::Wire;
use super::{Hop, failure};
use crate::api::failure::{Circumstances, sort_io};
use crate::api::observer::Observer;
use crate::api::outcome::{Failure, FailureKind};
use crate::api::trust::{Trust, TrustError};
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::network::Network;

/// What a handshake showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// The name of the cipher suite.
    pub suite: String,
    /// The server's certificate, then its issuers as far as the server sent them.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Whom to trust and what to show, as a send does it.
#[derive(Debug)]
pub struct Trusting {
    config: Arc<ClientConfig>,
    observer: Arc<Observer>,
    /// Where the trusted certificates come from.
    pub source: String,
}

impl Trusting {
    /// Loads the store. `proxy_tls` says that TLS is shaken with a proxy first.
    ///
    /// # Errors
    /// [`TrustError`] when a file cannot be used or nothing is there to trust.
    pub fn load(network: &Network, identity: Option<&ClientCertificate>, proxy_tls: bool) -> Result<Self, TrustError> {
        let trust = Trust::load(network)?;
        let source = trust.source.clone();
        let observer = Arc::new(Observer::new(proxy_tls));
        let config = trust.into_config(identity.map(ClientCertificate::certified), &observer)?;
        Ok(Self { config: Arc::new(config), observer, source })
    }
}

/// Shakes hands with a host.
///
/// # Errors
/// The [`Failure`] that a request would meet.
pub fn through(
    mut wire: Box<dyn Wire>,
    trusting: &Trusting,
    host: &Hop,
) -> Result<(Handshake, Box<dyn Wire>), Failure> {
    let name = ServerName::try_from(host.host.clone()).map_err(|_| {
        let cause = format!("`{}` is no name that TLS knows", host.host.escape_debug());
        failure(FailureKind::Tls, cause)
    })?;
    let mut session = ClientConnection::new(Arc::clone(&trusting.config), name)
        .map_err(|error| failure(FailureKind::Tls, error.to_string()))?;
    while session.is_handshaking() {
        session.complete_io(&mut wire).map_err(|error| {
            sort_io(
                &error,
                &Circumstances {
                    connected: false,
                    proxy: None,
                    target: &host.authority(),
                    tls: true,
                    seen: trusting.observer.seen(),
                },
            )
        })?;
    }
    let shown = Handshake {
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS 1.3",
        },
        suite: session.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
        certificates: session
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|certificate| certificate.clone().into_owned())
            .collect(),
    };
    Ok((shown, Box::new(StreamOwned::new(session, wire))))
}

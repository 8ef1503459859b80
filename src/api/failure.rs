//! Sorts the failures of reqwest and the libraries below it into kinds. They tell time-outs and connects apart and
//! little else: TLS causes sit as `rustls::Error` inside nested `io::Error`s, and a proxy's refusal is text only.
//! Each kind is provoked for real in the tests, so that an update of a library cannot move an exit code silently.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::outcome::{Failure, FailureKind};

/// What is known of an attempt besides its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// Whether a connection (TCP, TLS and tunnel) came up.
    pub connected: bool,
    /// Whether the server asked for a client certificate in the handshake.
    pub certificate_asked: bool,
    /// Whether a proxy was used.
    pub proxied: bool,
    /// Whether TLS was to be spoken.
    pub tls: bool,
}

/// Sorts a failure.
#[must_use]
pub fn sort(error: &reqwest::Error, circumstances: Circumstances) -> Failure {
    let chain = Chain::of(error);
    Failure {
        kind: kind(error, &chain, circumstances),
        connected: circumstances.connected,
        cause: chain.cause(circumstances),
    }
}

/// Sorts a failure of a connection that was opened by hand, from its TLS handshake on.
#[must_use]
pub fn sort_io(error: &io::Error, circumstances: Circumstances) -> Failure {
    let chain = Chain::starting_at(Some(error));
    let timed_out = matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    );
    let kind = match chain.tls {
        Some(tls) => tls_kind(tls, circumstances),
        None if timed_out => FailureKind::Timeout,
        None => FailureKind::Tls,
    };
    Failure {
        kind,
        connected: circumstances.connected,
        cause: if timed_out {
            "the server did not answer in time".to_owned()
        } else {
            chain.cause(circumstances)
        },
    }
}

fn kind(error: &reqwest::Error, chain: &Chain, circumstances: Circumstances) -> FailureKind {
    if let Some(tls) = chain.tls {
        return tls_kind(tls, circumstances);
    }
    if circumstances.proxied && !circumstances.connected && chain.is_proxy_refusal() {
        return FailureKind::Proxy;
    }
    if error.is_timeout() {
        FailureKind::Timeout
    } else if error.is_dns() {
        FailureKind::Dns
    } else if circumstances.tls
        && error.is_connect()
        && !chain.holds("tcp connect error")
        && !circumstances.proxied
    {
        // TCP came up and TLS did not, without a TLS error: the other side hung up or reset in the handshake.
        FailureKind::Tls
    } else if error.is_connect() {
        FailureKind::Connect
    } else {
        FailureKind::Broken
    }
}

fn tls_kind(error: &rustls::Error, circumstances: Circumstances) -> FailureKind {
    use AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(_) => FailureKind::Certificate,
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied,
        ) => FailureKind::ClientCertificate,
        // Before TLS 1.3 there is no alert for a missing certificate (RFC 5246, section 7.4.6).
        rustls::Error::AlertReceived(Alert::HandshakeFailure)
            if circumstances.certificate_asked =>
        {
            FailureKind::ClientCertificate
        }
        _ if circumstances.connected => FailureKind::Broken,
        _ => FailureKind::Tls,
    }
}

/// An error with its causes, laid flat.
struct Chain<'a> {
    messages: Vec<String>,
    tls: Option<&'a rustls::Error>,
}

impl<'a> Chain<'a> {
    fn of(error: &'a reqwest::Error) -> Self {
        Self::starting_at(error.source())
    }

    fn starting_at(first: Option<&'a (dyn Error + 'static)>) -> Self {
        let mut chain = Self {
            messages: Vec::new(),
            tls: None,
        };
        let mut next = first;
        while let Some(error) = next {
            chain.tls = chain.tls.or_else(|| error.downcast_ref());
            // `source` of an `io::Error` skips the error inside it and goes on with that one's source.
            let inner = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            let message = error.to_string();
            if chain.messages.last() != Some(&message) {
                chain.messages.push(message);
            }
            next = match inner {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        chain
    }

    fn holds(&self, text: &str) -> bool {
        self.messages.iter().any(|message| message.contains(text))
    }

    /// The texts of hyper-util's `TunnelError` and SOCKS errors, whose types are private.
    fn is_proxy_refusal(&self) -> bool {
        self.holds("tunnel error: ")
            && !self.holds("tcp connect error")
            && !self.holds("failed to create underlying connection")
            || self.holds("proxy authorization required")
            || self.holds("unsuccessful tunnel")
            || self.holds("SOCKS error")
    }

    fn cause(&self, circumstances: Circumstances) -> String {
        if let Some(tls) = self.tls {
            return describe_tls(tls, circumstances);
        }
        let text = self
            .messages
            .last()
            .cloned()
            .unwrap_or_else(|| "no cause is known".to_owned());
        let proxy = if circumstances.proxied && !circumstances.connected {
            " (the proxy)"
        } else {
            ""
        };
        format!("{text}{proxy}")
    }
}

fn describe_tls(error: &rustls::Error, circumstances: Circumstances) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => describe_certificate(error),
        rustls::Error::AlertReceived(alert) if circumstances.certificate_asked => {
            format!("the server asked for a client certificate and ended with the alert {alert:?}")
        }
        error => error.to_string(),
    }
}

fn describe_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "the server's certificate was issued by an authority that is not in the trust store"
                .to_owned()
        }
        error => format!("the server's certificate: {error}"),
    }
}

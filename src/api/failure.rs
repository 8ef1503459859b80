//! Sorts the failures of reqwest and the libraries below it into kinds. They tell time-outs and connects apart and
//! little else: TLS causes sit as `rustls::Error` inside nested `io::Error`s, and a proxy's refusal is text only.
//! Each kind is provoked for real in the tests, so that an update of a library cannot move an exit code silently.

use std::error::Error;
use std::io;

use rustls::AlertDescription;

use super::failure_words;
use super::io_error;
use super::observer::Seen;
use super::outcome::{Failure, FailureKind};

/// What is known of an attempt besides its error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// Whether a connection (TCP, TLS and tunnel) came up.
    pub connected: bool,
    /// The proxy that was used, as it may be shown.
    pub proxy: Option<&'a str>,
    /// The host and port that were to be reached.
    pub target: &'a str,
    /// Whether TLS was to be spoken.
    pub tls: bool,
    /// What was seen on the way.
    pub seen: Seen,
}

/// Sorts a failure.
pub fn sort(error: &reqwest::Error, circumstances: &Circumstances) -> Failure {
    let chain = Chain::of(error);
    let kind = kind(error, &chain, circumstances);
    Failure { kind, connected: circumstances.connected, cause: failure_words::cause(kind, &chain, circumstances) }
}

/// Sorts a failure of a connection that was opened by hand, from its TLS handshake on.
pub fn sort_io(error: &io::Error, circumstances: &Circumstances) -> Failure {
    let chain = Chain::starting_at(Some(error));
    let timed_out = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
    let kind = match chain.tls {
        Some(tls) => tls_kind(tls, circumstances),
        None if timed_out => FailureKind::Timeout,
        None => FailureKind::Tls,
    };
    Failure { kind, connected: circumstances.connected, cause: failure_words::cause(kind, &chain, circumstances) }
}

fn kind(error: &reqwest::Error, chain: &Chain, circumstances: &Circumstances) -> FailureKind {
    if let Some(tls) = chain.tls {
        return tls_kind(tls, circumstances);
    }
    if error.is_timeout() {
        return FailureKind::Timeout;
    }
    if circumstances.connected || !error.is_connect() {
        return FailureKind::Broken;
    }
    if chain.lack(circumstances).is_some() {
        FailureKind::Connect
    } else if circumstances.seen.not_found.is_some() {
        FailureKind::Dns
    } else if chain.tcp_failed() {
        FailureKind::Connect
    } else if chain.step() == Some(Step::ProxyAnswer) {
        FailureKind::Proxy
    } else if circumstances.tls {
        // TCP came up and TLS did not, without a TLS error: the other side hung up or reset in the handshake.
        FailureKind::Tls
    } else {
        FailureKind::Connect
    }
}

fn tls_kind(error: &rustls::Error, circumstances: &Circumstances) -> FailureKind {
    use AlertDescription as Alert;
    let asked = circumstances.seen.asked || circumstances.seen.proxy_asked;
    match error {
        rustls::Error::InvalidCertificate(_) => FailureKind::Certificate,
        // Only a server that asked for a certificate can mean ours, and only where it asked in this attempt is it sure
        // that it had not taken the request yet: on an older connection it may have.
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) if asked => FailureKind::ClientCertificate,
        // Before TLS 1.3 there is no alert for a missing one (RFC 5246, section 7.4.6): a handshake that failed has to
        // do. Once the connection is up, the same alert means something else.
        rustls::Error::AlertReceived(Alert::HandshakeFailure) if asked && !circumstances.connected => {
            FailureKind::ClientCertificate
        }
        _ if circumstances.connected => FailureKind::Broken,
        _ => FailureKind::Tls,
    }
}

/// What was under way when an attempt through a proxy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// TCP, or TLS with the proxy itself.
    ProxyConnection,
    /// The proxy was asked for a tunnel and answered with a refusal, with nonsense, or by hanging up.
    ProxyAnswer,
}

/// An error with its causes, laid flat.
pub(super) struct Chain<'a> {
    pub(super) messages: Vec<String>,
    pub(super) tls: Option<&'a rustls::Error>,
    lack: Option<&'static str>,
}

impl<'a> Chain<'a> {
    fn of(error: &'a reqwest::Error) -> Self {
        Self::starting_at(error.source())
    }

    fn starting_at(first: Option<&'a (dyn Error + 'static)>) -> Self {
        let mut chain = Self { messages: Vec::new(), tls: None, lack: None };
        let mut next = first;
        while let Some(error) = next {
            chain.tls = chain.tls.or_else(|| error.downcast_ref());
            let io = error.downcast_ref::<io::Error>();
            chain.lack = chain.lack.or_else(|| io_error::lack(io?));
            // `source` of an `io::Error` skips the error inside it and goes on with that one's source.
            let inner = io.and_then(io::Error::get_ref);
            let message = io_error::without_number(&error.to_string());
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

    /// What this machine lacked, at a socket or before a name could be looked up.
    pub(super) fn lack<'s>(&'s self, circumstances: &'s Circumstances) -> Option<&'s str> {
        self.lack.or(circumstances.seen.lack.as_deref())
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        self.messages.iter().any(|message| message.contains(text))
    }

    /// No TCP connection, by the texts of hyper-util's `ConnectError`, which is private. SOCKS errors of hyper-util hide their cause, but nothing else than TCP is below them.
    fn tcp_failed(&self) -> bool {
        self.messages.iter().any(|message| message.starts_with("tcp "))
            || self.holds("SOCKS error: failed to create underlying connection")
    }

    /// Where a proxy comes in, by the texts of hyper-util's `TunnelError` and `SocksError`: `TunnelError` is private,
    /// `SocksError` has a private type inside.
    pub(super) fn step(&self) -> Option<Step> {
        let under = |prefix: &str| {
            let mut messages = self.messages.iter();
            messages.find_map(|message| message.strip_prefix(prefix))
        };
        let said = under("tunnel error: ").or_else(|| under("SOCKS error: "))?;
        Some(match said {
            "failed to create underlying connection" => Step::ProxyConnection,
            _ => Step::ProxyAnswer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_about_our_certificate_only_where_it_was_asked_for() {
        let kind = |alert, connected, asked| {
            let mut seen = Seen::default();
            seen.asked = asked;
            let circumstances = Circumstances { connected, proxy: None, target: "h:443", tls: true, seen };
            tls_kind(&rustls::Error::AlertReceived(alert), &circumstances)
        };
        for alert in [
            AlertDescription::CertificateRequired,
            AlertDescription::UnknownCA,
            AlertDescription::AccessDenied,
            AlertDescription::DecryptError,
        ] {
            for connected in [false, true] {
                assert_eq!(kind(alert, connected, true), FailureKind::ClientCertificate);
            }
            assert_eq!(kind(alert, false, false), FailureKind::Tls);
            assert_eq!(kind(alert, true, false), FailureKind::Broken);
        }
        let failed = AlertDescription::HandshakeFailure;
        assert_eq!(kind(failed, false, true), FailureKind::ClientCertificate);
        assert_eq!(kind(failed, true, true), FailureKind::Broken);
        assert_eq!(kind(failed, false, false), FailureKind::Tls);
        let other = AlertDescription::InternalError;
        assert_eq!(kind(other, false, true), FailureKind::Tls);
        assert_eq!(kind(other, true, true), FailureKind::Broken);
    }
}

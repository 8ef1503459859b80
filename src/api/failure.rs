//! Classifies what ended an attempt without an answer, and says its cause in words: whose fault it was (this machine's,
//! the proxy's or the service's) and what was said. The step that failed decides together with the error's own type; only
//! what a SOCKS proxy refused is told by a text. Each kind is provoked for real in the tests, so that an update of a
//! library cannot move an exit code silently.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use rustls::{AlertDescription, InvalidMessage};
use thiserror::Error;

use super::certificate_refusal;
use super::observer::{Observed, Peer, Step};
use super::outcome::{Failure, FailureKind};

/// What ended an attempt without an answer.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("out of time")]
    OutOfTime,
    #[error("{name} was not found: {error}")]
    NotFound { name: String, error: io::Error },
    /// A name cannot be looked up without a thread.
    #[error("no thread could be started: {0}")]
    NoThread(io::Error),
    /// No address answered.
    #[error("no connection")]
    Tcp(Vec<(SocketAddr, io::Error)>),
    /// The status by which a proxy refused the tunnel.
    #[error("HTTP {0}")]
    ProxyAnswer(u16),
    #[error(transparent)]
    Library(Box<dyn Error + Send + Sync>),
}

impl Fault {
    pub(super) fn library(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Library(Box::new(error))
    }
}

/// What is known of an attempt besides its error.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    /// The proxy that was used, as it may be shown.
    pub(super) proxy: Option<&'a str>,
    /// The host and port that were to be reached.
    pub(super) target: &'a str,
    pub(super) observed: Observed,
}

impl Circumstances<'_> {
    /// Whether a connection (TCP, TLS and tunnel) was up, so that the request may have left.
    fn connected(&self) -> bool {
        self.observed.step == Step::Http
    }
}

pub(super) fn classify(fault: &Fault, circumstances: &Circumstances) -> Failure {
    let chain = Chain::of(fault);
    let kind = kind(fault, &chain, circumstances);
    // The cause never holds a secret: the libraries below are given no token, and the proxy's password is not shown.
    Failure { kind, connected: circumstances.connected(), cause: cause(fault, &chain, circumstances) }
}

fn kind(fault: &Fault, chain: &Chain, circumstances: &Circumstances) -> FailureKind {
    match fault {
        Fault::OutOfTime => FailureKind::Timeout,
        Fault::NoThread(_) => FailureKind::Connect,
        Fault::NotFound { error, .. } if machine_limit(error).is_some() => FailureKind::Connect,
        Fault::NotFound { .. } => FailureKind::Dns,
        Fault::Tcp(failed) => match failed.last() {
            Some((_, error)) if error.kind() == io::ErrorKind::TimedOut => FailureKind::Timeout,
            _ => FailureKind::Connect,
        },
        Fault::ProxyAnswer(_) => FailureKind::Proxy,
        Fault::Library(_) => match (chain.tls, circumstances.observed.step) {
            (Some(tls), step) => tls_kind(tls, step, circumstances),
            (None, _) if chain.timed_out => FailureKind::Timeout,
            (None, Step::Lookup | Step::Tcp) => FailureKind::Connect,
            (None, Step::Tunnel) => FailureKind::Proxy,
            // The other side hung up or reset in the handshake.
            (None, Step::ProxyTls | Step::Tls) => FailureKind::Tls,
            (None, Step::Http) => FailureKind::Broken,
        },
    }
}

fn tls_kind(error: &rustls::Error, step: Step, circumstances: &Circumstances) -> FailureKind {
    use AlertDescription as Alert;
    let asked = circumstances.observed.asked_by.is_some();
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
        rustls::Error::AlertReceived(Alert::HandshakeFailure) if asked && step != Step::Http => {
            FailureKind::ClientCertificate
        }
        _ if step == Step::Http => FailureKind::Broken,
        _ => FailureKind::Tls,
    }
}

/// The errors of a library with their causes, laid flat.
struct Chain<'a> {
    messages: Vec<String>,
    tls: Option<&'a rustls::Error>,
    timed_out: bool,
    /// Whether the other side closed the connection where an answer was due.
    hung_up: bool,
}

impl<'a> Chain<'a> {
    fn of(fault: &'a Fault) -> Self {
        let mut chain = Self { messages: Vec::new(), tls: None, timed_out: false, hung_up: false };
        let mut next: Option<&'a (dyn Error + 'static)> = match fault {
            Fault::Library(error) => Some(&**error),
            _ => None,
        };
        while let Some(error) = next {
            chain.tls = chain.tls.or_else(|| error.downcast_ref());
            chain.hung_up |= error.downcast_ref().is_some_and(hyper::Error::is_incomplete_message);
            let io = error.downcast_ref::<io::Error>();
            chain.timed_out |= io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
            let message = without_number(&error.to_string());
            if chain.messages.last() != Some(&message) {
                chain.messages.push(message);
            }
            // `source` of an `io::Error` skips the error inside it and goes on with that one's source.
            next = match io.and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        chain
    }

    fn last(&self) -> &str {
        self.messages.last().map_or("no cause is known", String::as_str)
    }

    /// What hyper-util's `SocksError` says, whose type is private.
    fn socks(&self) -> Option<&str> {
        self.messages.iter().find_map(|message| message.strip_prefix("SOCKS error: "))
    }
}

fn cause(fault: &Fault, chain: &Chain, circumstances: &Circumstances) -> String {
    let Circumstances { proxy, target, observed } = circumstances;
    let limit = match fault {
        Fault::NoThread(error) => {
            let error = without_number(&error.to_string());
            Some(format!("no name can be looked up, for no thread could be started: {error}"))
        }
        Fault::NotFound { error, .. } => machine_limit(error).map(str::to_owned),
        Fault::Tcp(failed) => failed.iter().find_map(|(_, error)| machine_limit(error)).map(str::to_owned),
        _ => None,
    };
    if let Some(limit) = limit {
        return format!("no connection to {target} could be opened: {limit}");
    }
    if let Some(tls) = chain.tls {
        return tls_cause(tls, circumstances);
    }
    match (fault, proxy, observed.step) {
        (Fault::NotFound { name, error }, proxy, _) => {
            let whose = if proxy.is_some() { "the proxy's name" } else { "the name" };
            format!("{whose} {name} was not found: {}", without_number(&error.to_string()))
        }
        (Fault::Tcp(failed), proxy, _) if kind(fault, chain, circumstances) == FailureKind::Connect => {
            let reasons = match failed.as_slice() {
                [(_, error)] => without_number(&error.to_string()),
                failed => {
                    let reasons = failed.iter().map(|(address, error)| format!("{address}: {}", reason(error)));
                    reasons.collect::<Vec<_>>().join("; ")
                }
            };
            let other = proxy.map_or_else(|| (*target).to_owned(), |proxy| format!("the proxy {proxy}"));
            format!("no connection to {other} could be made: {reasons}")
        }
        (_, _, Step::Http) if kind(fault, chain, circumstances) == FailureKind::Timeout => {
            format!("out of time before {target} had answered")
        }
        (_, _, Step::Http) => format!("the connection to {target} broke: {}", chain.last()),
        (fault, Some(proxy), _) if kind(fault, chain, circumstances) == FailureKind::Timeout => {
            format!("out of time before the proxy {proxy} had opened the way to the service")
        }
        (fault, None, _) if kind(fault, chain, circumstances) == FailureKind::Timeout => {
            format!("out of time before a connection to {target} was up")
        }
        (fault, Some(proxy), Step::Tunnel) => refusal(fault, chain, proxy, target),
        (_, Some(proxy), Step::ProxyTls) => format!("the proxy {proxy} ended the TLS handshake: {}", chain.last()),
        (_, _, Step::Tls) => format!("the server ended the TLS handshake: {}", chain.last()),
        _ => chain.last().to_owned(),
    }
}

/// Why a proxy opened no tunnel.
fn refusal(fault: &Fault, chain: &Chain, proxy: &str, target: &str) -> String {
    match (fault, chain.socks()) {
        (Fault::ProxyAnswer(407), _) => {
            format!("the proxy {proxy} wants another user and password than it was given, or any at all (407)")
        }
        (Fault::ProxyAnswer(status), _) => {
            format!("the proxy {proxy} refused to open the way to {target} (HTTP {status})")
        }
        (_, Some("credentials not accepted")) => {
            format!("the proxy {proxy} did not take the user and password that it was given")
        }
        (
            _,
            Some("server does not support user/pass authentication" | "server implements authentication incorrectly"),
        ) => format!(
            "the proxy {proxy} does not offer the kind of authentication that its URL asks for: with or without a user and password"
        ),
        (_, Some(said)) => format!("the proxy {proxy} did not open the way to {target}: {said}"),
        (_, None) if chain.hung_up => format!("the proxy {proxy} hung up when it was asked for {target}"),
        (_, None) => format!("the proxy {proxy} is not an HTTP proxy, or broke off: {}", chain.last()),
    }
}

fn tls_cause(error: &rustls::Error, circumstances: &Circumstances) -> String {
    let observed = &circumstances.observed;
    let whose = match observed.step {
        Step::ProxyTls | Step::Tunnel => "proxy",
        _ => "server",
    };
    match (error, observed.asked_by) {
        (rustls::Error::InvalidCertificate(error), _) => certificate_refusal::cause(error, observed.refused.as_ref()),
        (rustls::Error::AlertReceived(alert), Some(Peer::Proxy)) => format!(
            "the proxy asked for a client certificate, which is shown to the service alone, and ended with the alert {alert:?}"
        ),
        (rustls::Error::AlertReceived(alert), Some(Peer::Service)) => {
            let got = if observed.has_identity { "did not take the one that it got" } else { "got none" };
            format!("the server asked for a client certificate, {got}, and ended with the alert {alert:?}")
        }
        (rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) | rustls::Error::PeerIncompatible(_), _) => {
            format!("the {whose} speaks no version of TLS that is safe: it takes 1.2 or 1.3")
        }
        (rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol), _) => {
            format!("the {whose} does not speak HTTP/1.1 (ALPN)")
        }
        (rustls::Error::AlertReceived(alert), _) => {
            format!("the {whose} ended the TLS handshake with the alert {alert:?}")
        }
        (rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), _) => {
            format!("the {whose} does not speak TLS at this port; is it one for plain HTTP, or another service?")
        }
        (error, _) => error.to_string(),
    }
}

/// An error of a socket, without the name that each system has for a time-out.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => "out of time".to_owned(),
        _ => without_number(&error.to_string()),
    }
}

/// A text of a library without the ` (os error N)` in it.
pub fn without_number(text: &str) -> String {
    const MARK: &str = " (os error ";
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let behind = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        plain.push_str(before);
        rest = if let Some(behind) = behind.strip_prefix(')') {
            behind
        } else {
            plain.push_str(MARK);
            after
        };
    }
    plain.push_str(rest);
    plain
}

/// The limit of this machine that was reached, if that is the error: then nobody else had a part in it.
fn machine_limit(error: &io::Error) -> Option<&'static str> {
    let number = error.raw_os_error()?;
    let is = |numbers: &[i32]| numbers.contains(&number);
    if is(OF_PROCESS) {
        Some("vescli may open no more files and sockets: its limit is reached (`ulimit -n` shows and raises it)")
    } else if is(OF_MACHINE) {
        Some("this machine can open no more files and sockets")
    } else {
        None
    }
}

/// No more descriptors for the process: `EMFILE` and, on Windows, `WSAEMFILE`.
#[cfg(unix)]
const OF_PROCESS: &[i32] = &[rustix::io::Errno::MFILE.raw_os_error()];
#[cfg(not(unix))]
const OF_PROCESS: &[i32] = &[10024];

/// No more descriptors for anybody: `ENFILE`.
#[cfg(unix)]
const OF_MACHINE: &[i32] = &[rustix::io::Errno::NFILE.raw_os_error()];
#[cfg(not(unix))]
const OF_MACHINE: &[i32] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_about_our_certificate_only_where_it_was_asked_for() {
        let kind = |alert, connected, asked: bool| {
            let step = if connected { Step::Http } else { Step::Tls };
            let observed = Observed { step, asked_by: asked.then_some(Peer::Service), ..Observed::default() };
            let circumstances = Circumstances { proxy: None, target: "h:443", observed };
            classify(&Fault::library(rustls::Error::AlertReceived(alert)), &circumstances).kind
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

    #[test]
    fn the_number_is_left_out_wherever_it_stands() {
        for (text, plain) in [
            ("Connection refused (os error 111)", "Connection refused"),
            ("a (os error 1): b (os error -2)", "a: b"),
            ("a (os error x)", "a (os error x)"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(without_number(text), plain);
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_limit_on_descriptors_is_known_by_its_number() {
        for (number, found) in [(24, true), (23, true), (111, false)] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(machine_limit(&error).is_some(), found, "{number}");
        }
        assert_eq!(machine_limit(&io::Error::other("x")), None);
    }
}

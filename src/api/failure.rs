//! Classifies the failures of reqwest and the libraries below it, and describes their cause: whose fault it was (this
//! machine's, the proxy's or the service's) and what it reported. reqwest itself only tells time-outs and failed
//! connects from the rest. A TLS error is a `rustls::Error` inside nested `io::Error`s. A refusal by a proxy is only
//! visible in the error text. For the rest, see the observer. The tests provoke each kind with real servers, so that an
//! update of a library cannot change an exit code silently.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};

use super::observer::{Observed, Peer, Refused, Step};
use super::outcome::{Class, Failure};
use crate::settings::clock::to_text;
use crate::settings::credential::certificate::CertificateFacts;

/// The failure, and the step at which it happened. `connected`: whether a connection (TCP, TLS and tunnel) was
/// established, so that the request may have been sent. `proxy`: the proxy, without its password. `target`: the host and
/// port of the service.
pub(super) fn failure_of(
    error: &reqwest::Error,
    connected: bool,
    proxy: Option<&str>,
    target: &str,
    observed: &Observed,
) -> (Failure, Step) {
    let chain = Chain::of(error, observed);
    let step = if connected { Step::Http } else { step(&chain, proxy.is_some(), observed.step) };
    let class = class(error, &chain, step, observed);
    // The cause never contains a secret: the libraries below get no token, and the proxy's password is not shown.
    let cause = match chain.tls {
        Some(tls) => tls_cause(tls, step, observed),
        None => cause(class, &chain, step, proxy, target, observed),
    };
    (Failure { class, connected, cause }, step)
}

/// The step that failed. The observer noted it, except for a tunnel: that is only visible in the texts of hyper-util's
/// `TunnelError`, which is private, and `SocksError`, which has a private type inside.
fn step(chain: &Chain, has_proxy: bool, noted: Step) -> Step {
    // The text of hyper-util's `ConnectError`, which is private.
    let tcp_failed = chain.messages.iter().any(|message| message.starts_with("tcp "));
    match chain.of_proxy() {
        Some("failed to create underlying connection") => noted,
        Some(_) => Step::Tunnel,
        // The observer notes nothing between the proxy's address and TLS with the service. A time-out there counts as
        // one of the tunnel.
        None if has_proxy && noted == Step::Tcp && !tcp_failed => Step::Tunnel,
        None => noted,
    }
}

fn class(error: &reqwest::Error, chain: &Chain, step: Step, observed: &Observed) -> Class {
    if let Some(tls) = chain.tls {
        return tls_class(tls, step, observed.asked_by.is_some());
    }
    match step {
        _ if error.is_timeout() => Class::Timeout,
        Step::Http => Class::BrokenReply,
        _ if !error.is_connect() => Class::BrokenReply,
        _ if chain.limit.is_some() => Class::Connect,
        Step::Lookup if observed.not_found.is_some() => Class::Dns,
        Step::Tunnel => Class::Proxy,
        // TCP was established and TLS was not, without a TLS error: the other side closed or reset the connection in the
        // handshake.
        Step::ProxyTls | Step::Tls => Class::Tls,
        Step::Lookup | Step::Tcp => Class::Connect,
    }
}

/// `asked`: whether a client certificate was asked for in this attempt.
fn tls_class(error: &rustls::Error, step: Step, asked: bool) -> Class {
    match error {
        rustls::Error::InvalidCertificate(_) => Class::Certificate,
        // Only a server that asked for a certificate can mean ours. It must have asked in this attempt: on an older
        // connection it may already have accepted the request.
        // These are bad_certificate to certificate_unknown, unknown_ca, access_denied, decrypt_error, certificate_required
        // (RFC 8446, section 6).
        rustls::Error::AlertReceived(alert) if asked && matches!(u8::from(*alert), 42..=46 | 48 | 49 | 51 | 116) => {
            Class::ClientCertificate
        }
        _ if step == Step::Http => Class::BrokenReply,
        // Before TLS 1.3 no alert says that the client certificate is missing (RFC 5246, section 7.4.6): a failed
        // handshake is the only sign. Once the connection is established, the same alert means something else.
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) if asked => Class::ClientCertificate,
        _ => Class::Tls,
    }
}

/// An error and its causes as a list.
struct Chain<'a> {
    messages: Vec<String>,
    tls: Option<&'a rustls::Error>,
    /// The limit of this machine that was reached, at a socket or before a name could be looked up.
    limit: Option<&'a str>,
}

impl<'a> Chain<'a> {
    fn of(error: &'a reqwest::Error, observed: &'a Observed) -> Self {
        let mut chain = Self { messages: Vec::new(), tls: None, limit: None };
        let mut next = error.source();
        while let Some(error) = next {
            chain.tls = chain.tls.or_else(|| error.downcast_ref());
            let io = error.downcast_ref::<io::Error>();
            chain.limit = chain.limit.or_else(|| machine_limit(io?));
            let message = without_number(&error.to_string());
            if chain.messages.last() != Some(&message) {
                chain.messages.push(message);
            }
            // `source` of an `io::Error` skips the error inside it and returns that one's source.
            next = match io.and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        chain.limit = chain.limit.or(observed.limit.as_deref());
        chain
    }

    fn last(&self) -> &str {
        self.messages.last().map_or("no cause is known", String::as_str)
    }

    /// What hyper-util reports about a proxy.
    fn of_proxy(&self) -> Option<&str> {
        let under = |prefix: &str| self.messages.iter().find_map(|message| message.strip_prefix(prefix));
        under("tunnel error: ").or_else(|| under("SOCKS error: "))
    }
}

fn cause(class: Class, chain: &Chain, step: Step, proxy: Option<&str>, target: &str, observed: &Observed) -> String {
    use Class::{BrokenReply, Connect, Dns, Proxy, Timeout, Tls};
    if let (Connect, Some(limit)) = (class, chain.limit) {
        return format!("no connection to {target} could be opened: {limit}");
    }
    let last = chain.last();
    match (class, proxy) {
        (Timeout, _) if step == Step::Http => format!("out of time before {target} answered"),
        (Timeout, Some(proxy)) => format!("out of time before the proxy {proxy} opened a tunnel to the service"),
        (Timeout, None) => format!("out of time before a connection to {target} was established"),
        (BrokenReply, _) if step == Step::Http => format!("the connection to {target} broke: {last}"),
        (Dns, proxy) => {
            // Through a proxy only the proxy's own name is ever looked up here.
            let whose = if proxy.is_some() { "the proxy's name" } else { "the name" };
            let (name, why) = observed.not_found.as_ref().map_or(("", last), |(name, why)| (name, why));
            format!("{whose} {name} was not found: {why}")
        }
        (Proxy, Some(proxy)) => proxy_refusal(chain, proxy, target),
        // SOCKS errors hide their cause.
        (Connect, Some(proxy)) if last.starts_with("SOCKS error") => {
            format!("no connection to the proxy {proxy} could be made")
        }
        (Connect, Some(proxy)) => format!("no connection to the proxy {proxy} could be made: {last}"),
        (Connect, None) => format!("no connection to {target} could be made: {last}"),
        (Tls, Some(proxy)) if step == Step::ProxyTls => format!("the proxy {proxy} ended the TLS handshake: {last}"),
        (Tls, _) => format!("the server ended the TLS handshake: {last}"),
        _ => last.to_owned(),
    }
}

/// Why a proxy did not open a tunnel, from the texts of hyper-util.
fn proxy_refusal(chain: &Chain, proxy: &str, target: &str) -> String {
    let refusal: &str = match chain.of_proxy() {
        Some("proxy authorization required") => "refused the user and password, or requires them (407)",
        Some("unsuccessful") => &format!("refused to open a tunnel to {target}, or is not an HTTP proxy"),
        // hyper-util has other texts for SOCKS.
        Some("unexpected end of file") => &format!("closed the connection when it was asked for {target}"),
        Some("credentials not accepted") => "did not accept the user and password",
        Some("server does not support user/pass authentication" | "server implements authentication incorrectly") => {
            "does not offer the kind of authentication that its URL requires: with or without a user and password"
        }
        said => &format!("did not open a tunnel to {target}: {}", said.unwrap_or(chain.last())),
    };
    format!("the proxy {proxy} {refusal}")
}

fn tls_cause(error: &rustls::Error, step: Step, observed: &Observed) -> String {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage, PeerIncompatible};
    let peer = if matches!(step, Step::ProxyTls | Step::Tunnel) { "proxy" } else { "server" };
    let fault: &str = match (error, observed.asked_by) {
        (InvalidCertificate(error), _) => return certificate_refusal(error, observed.refused.as_ref()),
        (AlertReceived(alert), Some(Peer::Proxy)) => {
            return format!(
                "the proxy asked for a client certificate, which vescli sends only to the service, and ended the connection with the alert {alert:?}"
            );
        }
        (AlertReceived(alert), Some(Peer::Service)) => {
            let got = if observed.has_identity { "refused the one that it got" } else { "got none" };
            return format!(
                "the server asked for a client certificate, {got}, and ended the connection with the alert {alert:?}"
            );
        }
        (AlertReceived(AlertDescription::ProtocolVersion) | PeerIncompatible(_), _) => {
            "supports no safe version of TLS: 1.2 or 1.3 is needed"
        }
        (AlertReceived(AlertDescription::NoApplicationProtocol), _) => "does not speak HTTP/1.1 (ALPN)",
        (AlertReceived(alert), _) => &format!("ended the TLS handshake with the alert {alert:?}"),
        (InvalidMessage(rustls::InvalidMessage::InvalidContentType), _) => {
            "does not speak TLS at this port; is it one for plain HTTP, or another service?"
        }
        (error, _) => return error.to_string(),
    };
    format!("the {peer} {fault}")
}

/// The text of an error without ` (os error N)`.
pub fn without_number(text: &str) -> String {
    const OS_ERROR: &str = " (os error ";
    let mut parts = text.split(OS_ERROR);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let behind = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        match behind.strip_prefix(')') {
            Some(rest) => plain + rest,
            None => plain + OS_ERROR + part,
        }
    })
}

/// No more descriptors for the process: `EMFILE` and, on Windows, `WSAEMFILE`.
#[cfg(unix)]
const PROCESS_LIMIT: i32 = rustix::io::Errno::MFILE.raw_os_error();
#[cfg(not(unix))]
const PROCESS_LIMIT: i32 = 10024;
/// No more descriptors for any process: `ENFILE`.
#[cfg(unix)]
const SYSTEM_LIMIT: i32 = rustix::io::Errno::NFILE.raw_os_error();

/// The limit of this machine that caused the error, if one did.
pub(super) fn machine_limit(error: &io::Error) -> Option<&'static str> {
    match error.raw_os_error()? {
        PROCESS_LIMIT => {
            Some("vescli cannot open more files and sockets: its limit is reached (`ulimit -n` shows and raises it)")
        }
        #[cfg(unix)]
        SYSTEM_LIMIT => Some("this machine cannot open more files and sockets"),
        _ => None,
    }
}

/// Most names of a certificate that are shown.
const NAMES_MAX: usize = 8;

/// Why a certificate was refused: the name that was asked for and the names that it has, its dates, its issuer, and how
/// to make a correct one if the mistake is known.
fn certificate_refusal(error: &CertificateError, refused: Option<&Refused>) -> String {
    let whose = match refused {
        Some(refused) if refused.peer == Peer::Proxy => "the proxy's certificate",
        _ => "the server's certificate",
    };
    let facts = refused.and_then(|refused| refused.facts.as_ref());
    let fault: &str = match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let whose = in_chain(whose, facts.map(|facts| facts.not_after), *not_after);
            return format!("{whose} expired on {}; this machine's clock says {}", date(*not_after), date(*time));
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let whose = in_chain(whose, facts.map(|facts| facts.not_before), *not_before);
            let (from, now) = (date(*not_before), date(*time));
            return format!("{whose} is valid only from {from} on; this machine's clock says {now}");
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let name = expected.to_str();
            &names(presented).map_or_else(
                || format!("names no host at all, so it is not for {name}: it needs a subjectAltName"),
                |names| format!("is for {names}, not for {name}"),
            )
        }
        CertificateError::UnknownIssuer => &unknown_issuer(facts),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "was issued for another purpose, not for a server"
        }
        CertificateError::Other(error) => return other_refusal(whose, &error.to_string(), refused),
        CertificateError::BadSignature => {
            let issuer = facts.map_or("authority", |facts| facts.issuer.as_str());
            &format!(
                "was signed by another {issuer} than the one that is trusted here; if it is the right one, name its certificate with --cacert"
            )
        }
        CertificateError::BadEncoding => "is damaged",
        CertificateError::Expired => "has expired, or its dates are wrong",
        CertificateError::NotValidYet => "is not valid yet",
        CertificateError::NotValidForName => "is for another name",
        CertificateError::Revoked => "was revoked by its authority",
        CertificateError::UnhandledCriticalExtension => {
            "has an extension that must be understood and is not known here"
        }
        CertificateError::UnknownRevocationStatus => {
            return format!("vescli cannot find out whether {whose} was revoked");
        }
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            return format!("the list of revoked certificates for {whose} has expired");
        }
        CertificateError::InvalidOcspResponse => {
            return format!("the proof that {whose} was not revoked (OCSP) is not valid");
        }
        CertificateError::ApplicationVerificationFailure => return format!("this machine's own check refused {whose}"),
        error => return named_refusal(whose, &format!("{error:?}")),
    };
    format!("{whose} {fault}")
}

/// The errors of the verifier that have no variant in rustls: those of webpki are names, those of the machine's own
/// verifier are texts.
fn other_refusal(whose: &str, error: &str, refused: Option<&Refused>) -> String {
    let name = refused.map_or("this host", |refused| refused.name.as_str());
    match error {
        "CaUsedAsEndEntity" => authority(whose, refused.map_or("localhost", |_| name)),
        "EndEntityUsedAsCa" => format!("{whose} was issued with a certificate that does not belong to an authority"),
        "NameConstraintViolation" => {
            format!("the authority of {whose} may not issue certificates for {name} (name constraints)")
        }
        error if error == "PathLenConstraintViolated" || error.starts_with("Maximum") => {
            format!("the chain of {whose} is longer than its authority or this program allows")
        }
        "UnsupportedCertVersion" => format!("{whose}, or one in its chain, is not of version 3, which TLS needs"),
        // The machine's own verifier has other texts for `CaUsedAsEndEntity`.
        _ if refused.and_then(|refused| refused.facts.as_ref()).is_some_and(|facts| facts.is_authority) => {
            authority(whose, name)
        }
        error => named_refusal(whose, error),
    }
}

/// The name of an error as words: `UnsupportedNameType` becomes "unsupported name type".
fn named_refusal(whose: &str, name: &str) -> String {
    if name.contains("UnsupportedSignatureAlgorithm") {
        return format!(
            "{whose}, or one in its chain, is signed in a way that is not known to be safe here, such as with SHA-1 or MD5"
        );
    }
    // In a debug text, the values after a name are about the program, not about the certificate.
    let head = name.split(['(', '{']).next().unwrap_or_default().trim();
    let is_name = !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut words = String::new();
    for letter in head.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    format!("{whose} was refused: {}", if is_name { &words } else { name })
}

/// Whose date it is: if the server's own certificate has another one, that of a certificate in its chain.
fn in_chain(whose: &str, own: Option<SystemTime>, found: UnixTime) -> String {
    let is_own = own.is_none_or(|own| own == system_time(found));
    if is_own { whose.to_owned() } else { format!("a certificate in the chain of {whose}") }
}

fn unknown_issuer(facts: Option<&CertificateFacts>) -> String {
    match facts {
        None => "was issued by an authority that is not trusted here (see --cacert)".to_owned(),
        Some(facts) if facts.is_self_signed() => format!(
            "({}) is self-signed and not trusted here; if it is the right one, name it with --cacert",
            facts.subject
        ),
        Some(facts) => format!(
            "was issued by {}, which is not trusted here, or the server does not send the intermediate certificate; if it is the right one, name the authority's certificate with --cacert",
            facts.issuer
        ),
    }
}

fn authority(whose: &str, name: &str) -> String {
    let kind = if name.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
    format!(
        "{whose} is the certificate of an authority (CA:TRUE), which a server must not use as its own; plain `openssl req -x509` makes such certificates: \
         make it with `-addext basicConstraints=critical,CA:FALSE -addext subjectAltName={kind}:{name}`"
    )
}

/// The names of a certificate as plain text: the verifier has them as `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> Option<String> {
    let bare = |name: &String| {
        let (_, inner) = name.split_once('(').unwrap_or(("", name));
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let mut shown: Vec<String> = presented.iter().take(NAMES_MAX).map(bare).collect();
    let last = shown.last_mut()?;
    if presented.len() > NAMES_MAX {
        last.push_str(&format!(" and {} more", presented.len() - NAMES_MAX));
    }
    Some(shown.join(", "))
}

fn system_time(time: UnixTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.as_secs())
}

fn date(time: UnixTime) -> String {
    to_text(system_time(time))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    #[test]
    fn an_alert_is_about_our_certificate_only_where_it_was_asked_for() {
        let kind = |alert, connected, asked: bool| {
            let step = if connected { Step::Http } else { Step::Tls };
            tls_class(&rustls::Error::AlertReceived(alert), step, asked)
        };
        for alert in [
            AlertDescription::CertificateRequired,
            AlertDescription::BadCertificate,
            AlertDescription::UnsupportedCertificate,
            AlertDescription::CertificateRevoked,
            AlertDescription::CertificateExpired,
            AlertDescription::CertificateUnknown,
            AlertDescription::UnknownCA,
            AlertDescription::AccessDenied,
            AlertDescription::DecryptError,
        ] {
            for connected in [false, true] {
                assert_eq!(kind(alert, connected, true), Class::ClientCertificate);
            }
            assert_eq!(kind(alert, false, false), Class::Tls);
            assert_eq!(kind(alert, true, false), Class::BrokenReply);
        }
        let failed = AlertDescription::HandshakeFailure;
        assert_eq!(kind(failed, false, true), Class::ClientCertificate);
        assert_eq!(kind(failed, true, true), Class::BrokenReply);
        assert_eq!(kind(failed, false, false), Class::Tls);
        let others = (0..=255).map(AlertDescription::from);
        let others = others.filter(|alert| kind(*alert, false, true) == Class::Tls);
        assert_eq!(others.count(), 256 - 10);
        assert_eq!(kind(AlertDescription::InternalError, true, true), Class::BrokenReply);
    }

    #[test]
    fn the_number_is_removed_anywhere_in_the_text() {
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
    fn a_limit_on_descriptors_is_recognised_by_its_number() {
        for (number, found) in [(24, true), (23, true), (111, false)] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(machine_limit(&error).is_some(), found, "{number}");
        }
        assert_eq!(machine_limit(&io::Error::other("x")), None);
    }

    fn of(name: &'static str) -> CertificateError {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Named(&'static str);
        CertificateError::Other(OtherError(Arc::new(Named(name))))
    }

    /// Whether it contains what only Rust's debug format writes: joined words such as `BadEncoding`, or the brackets of
    /// a value.
    fn is_debug_text(text: &str) -> bool {
        let joined = text.as_bytes().windows(2);
        let joined = joined.filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
        joined.count() > 0 || text.contains(['{', '[']) || text.contains("::")
    }

    fn every_error() -> Vec<CertificateError> {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        #[expect(deprecated, reason = "rustls may still give it")]
        let old = CertificateError::UnsupportedSignatureAlgorithm;
        vec![
            old,
            CertificateError::BadEncoding,
            CertificateError::Expired,
            CertificateError::ExpiredContext { time, not_after: time },
            CertificateError::NotValidYet,
            CertificateError::NotValidYetContext { time, not_before: time },
            CertificateError::Revoked,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::UnknownIssuer,
            CertificateError::UnknownRevocationStatus,
            CertificateError::ExpiredRevocationList,
            CertificateError::ExpiredRevocationListContext { time, next_update: time },
            CertificateError::BadSignature,
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1],
                supported_algorithms: Vec::new(),
            },
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![1],
                public_key_algorithm_id: vec![2],
            },
            CertificateError::NotValidForName,
            CertificateError::InvalidPurpose,
            CertificateError::InvalidOcspResponse,
            CertificateError::ApplicationVerificationFailure,
            of("EndEntityUsedAsCa"),
            of("NameConstraintViolation"),
            of("PathLenConstraintViolated"),
            of("MaximumSignatureChecksExceeded"),
            of("UnsupportedCertVersion"),
            of("UnsupportedNameType"),
            of("TrailingData(SubjectPublicKeyInfo)"),
            of("the system's own words"),
        ]
    }

    #[test]
    fn every_refusal_is_a_sentence_and_not_a_debug_text() {
        for error in every_error() {
            let text = certificate_refusal(&error, None);
            assert!(!is_debug_text(&text), "{text}");
            assert!(text.contains("the server's certificate"), "{text}");
        }
        assert!(certificate_refusal(&of("CaUsedAsEndEntity"), None).contains("(CA:TRUE)"));
        assert_eq!(
            certificate_refusal(&of("UnsupportedNameType"), None),
            "the server's certificate was refused: unsupported name type"
        );
        assert_eq!(
            certificate_refusal(&of("the system's own words"), None),
            "the server's certificate was refused: the system's own words"
        );
        assert!(is_debug_text("Other(OtherError(NameConstraintViolation))"));
    }

    #[test]
    fn names_are_plain_text_and_at_most_eight() {
        assert_eq!(names(&[]), None);
        let two = ["DnsName(\"a.example\")", "IpAddress(127.0.0.1)"].map(str::to_owned);
        assert_eq!(names(&two).as_deref(), Some("a.example, 127.0.0.1"));
        let many = vec!["x".to_owned(); 10];
        assert_eq!(names(&many).as_deref(), Some("x, x, x, x, x, x, x, x and 2 more"));
    }
}

//! The cause of a failure in words: whose fault it was (the service's side or the proxy's), and what was said.

use rustls::{AlertDescription, InvalidMessage};

use super::certificate_words;
use super::failure::{Chain, Circumstances, Step};
use super::outcome::FailureKind;

/// The cause in words; never holds a secret.
pub(super) fn cause(kind: FailureKind, chain: &Chain, circumstances: &Circumstances) -> String {
    let last = chain.messages.last().map_or("no cause is known", String::as_str);
    // Behind a connection that is up, the proxy is only a wire.
    let proxy = circumstances.proxy.filter(|_| !circumstances.connected);
    if let Some(tls) = chain.tls {
        return of_tls(tls, chain, circumstances);
    }
    let target = circumstances.target;
    if kind == FailureKind::Connect
        && let Some(lack) = chain.lack(circumstances)
    {
        return format!("no connection to {target} could be opened: {lack}");
    }
    match (kind, proxy) {
        (FailureKind::Dns, _) => not_found(proxy, circumstances),
        (FailureKind::Proxy, Some(proxy)) => refusal(proxy, chain, circumstances),
        (FailureKind::Timeout, Some(proxy)) => {
            format!("out of time before the proxy {proxy} had opened the way to the service")
        }
        (FailureKind::Timeout, None) if !circumstances.connected => {
            format!("out of time before a connection to {target} was up")
        }
        (FailureKind::Timeout, _) => format!("out of time before {target} had answered"),
        (FailureKind::Connect, Some(proxy)) if last.starts_with("SOCKS error") => {
            format!("no connection to the proxy {proxy} could be made")
        }
        (FailureKind::Connect, Some(proxy)) => {
            format!("no connection to the proxy {proxy} could be made: {last}")
        }
        (FailureKind::Tls, Some(proxy)) if chain.step() == Some(Step::ProxyConnection) => {
            format!("the proxy {proxy} ended the TLS handshake: {last}")
        }
        (FailureKind::Tls, _) => format!("the server ended the TLS handshake: {last}"),
        (FailureKind::Connect, None) => format!("no connection to {target} could be made: {last}"),
        (FailureKind::Broken, _) if circumstances.connected => {
            format!("the connection to {target} broke: {last}")
        }
        _ => last.to_owned(),
    }
}

fn not_found(proxy: Option<&str>, circumstances: &Circumstances) -> String {
    let Some((name, why)) = &circumstances.seen.not_found else {
        return "a name was not found".to_owned();
    };
    let whose = match proxy {
        // Through a proxy only the proxy's own name is ever looked up here.
        Some(_) => "the proxy's name",
        None => "the name",
    };
    format!("{whose} {name} was not found: {why}")
}

fn refusal(proxy: &str, chain: &Chain, circumstances: &Circumstances) -> String {
    let target = circumstances.target;
    if chain.holds("proxy authorization required") {
        return format!("the proxy {proxy} wants another user and password than it was given, or any at all (407)");
    }
    if chain.holds("credentials not accepted") {
        return format!("the proxy {proxy} did not take the user and password that it was given");
    }
    if chain.holds("does not support user/pass") || chain.holds("authentication incorrectly") {
        return format!(
            "the proxy {proxy} does not offer the kind of authentication that its URL asks for: with or without a user and password"
        );
    }
    if chain.holds("tunnel error: unexpected end of file") {
        return format!("the proxy {proxy} hung up when it was asked for {target}");
    }
    if chain.holds("tunnel error: unsuccessful") {
        return format!("the proxy {proxy} refused to open the way to {target}, or is no HTTP proxy");
    }
    let said = chain
        .messages
        .iter()
        .find_map(|message| message.strip_prefix("SOCKS error: "))
        .or(chain.messages.last().map(String::as_str))
        .unwrap_or_default();
    format!("the proxy {proxy} did not open the way to {target}: {said}")
}

fn of_tls(error: &rustls::Error, chain: &Chain, circumstances: &Circumstances) -> String {
    let of_proxy =
        chain.step() == Some(Step::ProxyConnection) || circumstances.seen.proxy_asked && !circumstances.connected;
    let whose = if of_proxy { "proxy" } else { "server" };
    match error {
        rustls::Error::InvalidCertificate(error) => {
            certificate_words::refusal(error, circumstances.seen.refused.as_ref())
        }
        rustls::Error::AlertReceived(alert) if circumstances.seen.proxy_asked && !circumstances.seen.asked => {
            format!(
                "the proxy asked for a client certificate, which is shown to the service alone, and ended with the alert {alert:?}"
            )
        }
        rustls::Error::AlertReceived(alert) if circumstances.seen.asked => {
            let got = if circumstances.seen.has_identity { "did not take the one that it got" } else { "got none" };
            format!("the server asked for a client certificate, {got}, and ended with the alert {alert:?}")
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) | rustls::Error::PeerIncompatible(_) => {
            format!("the {whose} speaks no version of TLS that is safe: it takes 1.2 or 1.3")
        }
        rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            format!("the {whose} does not speak HTTP/1.1 (ALPN)")
        }
        rustls::Error::AlertReceived(alert) => {
            format!("the {whose} ended the TLS handshake with the alert {alert:?}")
        }
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            format!("the {whose} does not speak TLS at this port; is it one for plain HTTP, or another service?")
        }
        error => error.to_string(),
    }
}

//! The rows in which TLS or a proxy is in the way: where nothing can have been sent, and where it can.

use super::row::{Group, table};
use super::scene::{
    Scene, alerts, constrained, proxy, proxy_with_password, shows, shows_to_others, through, tls, tls_behaves,
    trusted_authority, tunnel_to, wants_a_certificate,
};
use support::certificates::{Authority, Identity};
use support::proxy::Tunnel;
use support::server::{Answer, Behaviour, End, Moment, Server, Setup};
use support::sockets::closed_port;

/// A server hello of TLS 1.0, as from a server that knows nothing newer (RFC 2246, section 7.4.1.3).
fn tls_1_0() -> Behaviour {
    let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    Behaviour::Say(hello)
}

fn say(bytes: &[u8]) -> Behaviour {
    Behaviour::Say(bytes.to_vec())
}

pub(super) fn handshakes() -> Group {
    table! { "TLS";
        "TLS 1.2", tls(Setup::tls12_only) => accepted accepted 0, 1 request, at_once;
        "TLS 1.3", tls(Setup::tls13_only) => accepted accepted 0, 1 request, at_once;
        "a certificate signed by itself", shows(|_| Identity::self_signed()) => not_sent certificate 60, 0 request, at_once, "is self-signed and not trusted here; if it is the right one, name it with --cacert";
        "an authority that is not trusted", shows_to_others(Authority::new().server()) => not_sent certificate 60, 0 request, at_once, "was issued by CN=vescli test authority, which is not trusted here";
        "an authority that only has the name of the trusted one", shows(|_| Authority::new().server()) => not_sent certificate 60, 0 request, at_once, "was signed by another CN=vescli test authority than the one that is trusted here";
        "an authority that may not issue for this name", constrained() => not_sent certificate 60, 0 request, at_once, "the authority of the server's certificate may not issue certificates for 127.0.0.1 (name constraints)";
        "a certificate that has expired", shows(Authority::expired) => not_sent certificate 60, 0 request, at_once, "the server's certificate expired on 2020-01-01 00:00:00 UTC; this machine's clock says 2";
        "a certificate that is not valid yet", shows(Authority::not_yet_valid) => not_sent certificate 60, 0 request, at_once, "the server's certificate is valid only from 2090-01-01 00:00:00 UTC on; this machine's clock says 2";
        "a certificate for other names", shows(|a| a.server_named(&["a.example", "*.b.example"])) => not_sent certificate 60, 0 request, at_once, "the server's certificate is for a.example, *.b.example, not for 127.0.0.1";
        "a certificate for no name at all", shows(|a| a.server_named(&[])) => not_sent certificate 60, 0 request, at_once, "the server's certificate names no host at all, so it is not for 127.0.0.1: it needs a subjectAltName";
        "a certificate whose dates end before they begin", shows(Authority::never_valid) => not_sent certificate 60, 0 request, at_once, "the server's certificate has expired, or its dates are wrong";
        "a trusted certificate as `openssl req -x509` makes it", trusted_authority() => not_sent certificate 60, 0 request, at_once, "make it with `-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1`";
        "an authority's certificate as the server's", shows(Authority::authority_as_server) => not_sent certificate 60, 0 request, at_once, "the server's certificate is the certificate of an authority (CA:TRUE)";
        "an intermediate that is not sent along", shows(Authority::server_without_its_intermediate) => not_sent certificate 60, 0 request, at_once, "was issued by CN=vescli test intermediate";
        "a client's certificate as the server's", shows(|a| a.client("somebody")) => not_sent certificate 60, 0 request, at_once, "the server's certificate was issued for another purpose, not for a server";
        "HTTP in place of TLS", tls_behaves(Behaviour::plain_http()) => not_sent tls 35, 0 request, at_once, "the server does not speak TLS at this port; is it one for plain HTTP, or another service?";
        "garbage in place of TLS", tls_behaves(say(b"\x00\x01\x02 what is this")) => not_sent tls 35, 0 request, at_once, "the server does not speak TLS at this port";
        "TLS 1.0", tls_behaves(tls_1_0()) => not_sent tls 35, 0 request, at_once;
        "only HTTP/2 is offered", tls(|setup| setup.alpn(&["h2"])) => not_sent tls 35, 0 request, at_once, "the server does not speak HTTP/1.1 (ALPN)";
        "alert handshake_failure", tls_behaves(Behaviour::alert(40)) => not_sent tls 35, 0 request, at_once, "the server ended the TLS handshake with the alert HandshakeFailure";
        "alert protocol_version", tls_behaves(Behaviour::alert(70)) => not_sent tls 35, 0 request, at_once, "the server supports no safe version of TLS: 1.2 or 1.3 is needed";
        "alert insufficient_security", tls_behaves(Behaviour::alert(71)) => not_sent tls 35, 0 request, at_once;
        "alert bad_certificate, and no certificate was asked for", tls_behaves(Behaviour::alert(42)) => not_sent tls 35, 0 request, at_once, "the server ended the TLS handshake with the alert BadCertificate";
        "alert internal_error", tls_behaves(Behaviour::alert(80)) => not_sent tls 35, 0 request, at_once;
        "alert unrecognized_name", tls_behaves(Behaviour::alert(112)) => not_sent tls 35, 0 request, at_once;
        "alert close_notify", tls_behaves(Behaviour::alert(0)) => not_sent tls 35, 0 request, at_once;
        "closed in the handshake", tls_behaves(Behaviour::Close) => not_sent tls 35, 0 request, at_once, "the server ended the TLS handshake: ";
        "reset in the handshake", tls_behaves(Behaviour::ReadThenReset) => not_sent tls 35, 0 request, at_once, "the server ended the TLS handshake: ";
        "a handshake that hangs, against --connect-timeout", tls_behaves(Behaviour::Hang) => not_sent timeout 28, 0 request, connect_timeout;
        "a handshake that hangs, against --timeout", tls_behaves(Behaviour::Hang) => not_sent timeout 28, 0 request, timeout, "out of time before a connection to 127.0.0.1:";
        "a client certificate is wanted, TLS 1.3", wants_a_certificate(Setup::tls13_only) => unknown client_certificate 58, 0 request, at_once;
        "a client certificate is wanted, TLS 1.2", wants_a_certificate(Setup::tls12_only) => not_sent client_certificate 58, 0 request, at_once;
        "alert bad_certificate after the whole request", alerts(42) => unknown client_certificate 58, 1 request, at_once;
        "alert unknown_ca after the whole request", alerts(48) => unknown client_certificate 58, 1 request, at_once;
        "alert access_denied after the whole request", alerts(49) => unknown client_certificate 58, 1 request, at_once;
        "alert decrypt_error after the whole request", alerts(51) => unknown client_certificate 58, 1 request, at_once;
        "alert certificate_required after the whole request", alerts(116) => unknown client_certificate 58, 1 request, at_once;
        "alert internal_error after the whole request", tls(|s| s.answer(Answer::alert(80))) => unknown broken_reply 8, 1 request, at_once;
        "alert bad_certificate after the whole request, and no certificate was asked for", tls(|s| s.answer(Answer::alert(42))) => unknown broken_reply 8, 1 request, at_once;
        "an empty body until TLS ends", tls(|s| s.answer(Answer::status(200).until_close())) => accepted accepted 0, 1 request, at_once;
        "an empty body until TCP ends, and TLS does not", tls(|s| s.answer(Answer::status(200).until_close().then(End::CloseTcp))) => unknown broken_reply 8, 1 request, at_once;
        "an object until TCP ends, and TLS does not", tls(|s| s.answer(Answer::accepted().until_close().then(End::CloseTcp))) => unknown broken_reply 8, 1 request, at_once;
        "closed after the handshake", tls_behaves(Behaviour::HandshakeThenClose) => unknown broken_reply 8, 0 request, at_once;
        "reset after the handshake", tls_behaves(Behaviour::HandshakeThenReset) => unknown broken_reply 8, 0 request, at_once;
        "closed after the whole request", tls(|s| s.answer(Answer::close(Moment::Whole))) => unknown broken_reply 8, 1 request, at_once;
        "reset after the whole request", tls(|s| s.answer(Answer::reset(Moment::Whole))) => unknown broken_reply 8, 1 request, at_once;
        "silence after the whole request", tls(|s| s.answer(Answer::stall(Moment::Whole))) => unknown timeout 28, 1 request, timeout;
        "a 429", tls(|s| s.answer(Answer::status(429).body("{}"))) => rejected rate_limited 42, 1 request, at_once;
        "a login page", tls(|s| s.answer(Answer::status(200).body("<html></html>"))) => unknown not_the_api 20, 1 request, at_once;
    }
}

const NAME: &str = "service.invalid";

fn refusing_proxy() -> Scene {
    let closed = closed_port();
    through("http", &format!("127.0.0.1:{}", closed.port)).keeping(closed)
}

fn nameless_proxy() -> Scene {
    through("http", "proxy.invalid:3128")
}

/// A SOCKS5 proxy that says this to the greeting (RFC 1928).
fn socks(bytes: &[u8]) -> Scene {
    let server = Server::http().behaviours([say(bytes)]).start();
    through("socks5h", &server.address().to_string()).keeping(server)
}

pub(super) fn proxies() -> Group {
    table! { "Proxies";
        "a tunnel that works", tunnel_to(NAME, |s| s) => accepted accepted 0, 1 request, at_once;
        "407: a password is wanted", proxy_with_password() => not_sent proxy 97, 0 request, at_once;
        "403: the tunnel is refused", proxy(Tunnel::Deny(403)) => not_sent proxy 97, 0 request, at_once;
        "502: the proxy cannot reach the server", proxy(Tunnel::Deny(502)) => not_sent proxy 97, 0 request, at_once;
        "503 by the proxy", proxy(Tunnel::Deny(503)) => not_sent proxy 97, 0 request, at_once;
        "302 by the proxy", proxy(Tunnel::Deny(302)) => not_sent proxy 97, 0 request, at_once;
        "the proxy says nothing, against --connect-timeout", proxy(Tunnel::Hang) => not_sent timeout 28, 0 request, connect_timeout;
        "the proxy says nothing, against --timeout", proxy(Tunnel::Hang) => not_sent timeout 28, 0 request, timeout;
        "the proxy hangs up", proxy(Tunnel::Close) => not_sent proxy 97, 0 request, at_once;
        "the proxy says garbage", proxy(Tunnel::Say(b"\x00\xff what\r\n\r\n".to_vec())) => not_sent proxy 97, 0 request, at_once;
        "the proxy's port refuses", refusing_proxy() => not_sent connect 7, 0 request, at_once;
        "the proxy's name does not exist", nameless_proxy() => not_sent dns 6, 0 request, at_once;
        "SOCKS: no way to log in is accepted", socks(&[5, 0xff]) => not_sent proxy 97, 0 request, at_once;
        "SOCKS: refused by its rules", socks(&[5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0]) => not_sent proxy 97, 0 request, at_once;
        "SOCKS: garbage", socks(b"HTTP/1.1 400 Bad\r\n\r\n") => not_sent proxy 97, 0 request, at_once;
        "the tunnel leads to a certificate for another name", tunnel_to("other.example", |s| s) => not_sent certificate 60, 0 request, at_once;
        "the tunnel leads to an alert", tunnel_to(NAME, |s| s.behaviours([Behaviour::alert(40)])) => not_sent tls 35, 0 request, at_once;
        "the tunnel leads to a handshake that hangs", tunnel_to(NAME, |s| s.behaviours([Behaviour::Hang])) => not_sent timeout 28, 0 request, timeout;
        "the tunnel breaks after the whole request", tunnel_to(NAME, |s| s.answer(Answer::close(Moment::Whole))) => unknown broken_reply 8, 1 request, at_once;
        "the tunnel leads to a 302", tunnel_to(NAME, |s| s.answer(Answer::status(302).header("Location", "/"))) => rejected redirected 30, 1 request, at_once;
        "the tunnel leads to silence", tunnel_to(NAME, |s| s.answer(Answer::stall(Moment::Whole))) => unknown timeout 28, 1 request, timeout;
    }
}

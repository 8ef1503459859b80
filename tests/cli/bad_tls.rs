//! Every kind of TLS that must not be trusted or does not come about: refused with its class, nothing sent.

use std::time::Duration;

use support::certificates::{Authority, Identity};
use support::harness::Vescli;
use support::server::{Behaviour, Server, Setup};

/// The token, which no server here may ever see.
const TOKEN: &str = "canary-of-bad-tls";

/// A single send to this server, whose authority is trusted, is refused before anything is sent.
fn refuses(trusted: &str, setup: Setup, code: u8, class: &'static str, cause: &'static str) {
    let server = setup.start();
    let words = cause.to_owned();
    Vescli::new()
        .file("ca.pem", trusted)
        .args(["send", "--email", "a@b.co", "--tenant", "t", "--json"])
        .args(["--cacert", "ca.pem", "--retries", "0", "--timeout", "3s"])
        .env("VESCLI_TOKEN", TOKEN)
        .against(&server)
        .code(code)
        .stdout_json(move |document| {
            assert_eq!(document["outcome"], "not_sent", "{document}");
            assert_eq!(document["error"]["class"], class, "{document}");
            let told = document["error"]["cause"].as_str().unwrap();
            assert!(told.contains(&words), "{told:?} lacks {words:?}");
        })
        .stderr_contains(cause)
        .stderr_contains("\n  not sent\n")
        .stderr_lacks(TOKEN)
        .limit(Duration::from_secs(20))
        .run();
    assert_eq!((server.count(), server.bytes_received()), (0, 0), "{cause}");
    assert_eq!(server.connections().len(), 1, "{cause}");
}

fn certificate(identity: impl FnOnce(&Authority) -> Identity, cause: &'static str) {
    let authority = Authority::new();
    let setup = Server::https(identity(&authority));
    refuses(&authority.pem(), setup, 60, "certificate", cause);
}

fn handshake(behaviour: Behaviour, cause: &'static str) {
    let authority = Authority::new();
    let setup = Server::https(authority.server()).behaviours([behaviour]);
    refuses(&authority.pem(), setup, 35, "tls", cause);
}

#[test]
fn expired() {
    certificate(
        Authority::expired,
        "the server's certificate expired on 2020-01-01 00:00:00 UTC; this machine's clock says 2",
    );
}

#[test]
fn not_yet_valid() {
    certificate(
        Authority::not_yet_valid,
        "the server's certificate is valid only from 2090-01-01 00:00:00 UTC on; this machine's clock says 2",
    );
}

#[test]
fn dates_that_end_before_they_begin() {
    certificate(Authority::never_valid, "the dates of the server's certificate are over, or end before they begin");
}

#[test]
fn an_authority_that_may_not_issue_for_this_name() {
    let authority = Authority::constrained();
    refuses(
        &authority.pem(),
        Server::https(authority.server()),
        60,
        "certificate",
        "the authority of the server's certificate may issue none for 127.0.0.1 (name constraints)",
    );
}

#[test]
fn another_name() {
    certificate(
        |authority| authority.server_named(&["a.example", "*.b.example"]),
        "the server's certificate is for a.example, *.b.example, not for 127.0.0.1",
    );
}

#[test]
fn no_name_at_all() {
    certificate(
        |authority| authority.server_named(&[]),
        "the server's certificate names no host at all, so it is not for 127.0.0.1: it needs a subjectAltName",
    );
}

#[test]
fn signed_by_itself() {
    certificate(
        |_| Identity::self_signed(),
        "is signed by itself and not trusted here; if it is the right one, name it with --cacert",
    );
}

#[test]
fn an_authority_in_place_of_a_server() {
    certificate(Authority::authority_as_server, "the server's certificate is that of an authority (CA:TRUE)");
}

#[test]
fn what_openssl_makes_by_default_even_if_it_is_trusted() {
    let identity = Identity::self_signed_authority();
    let pem = identity.certificate_pem().to_owned();
    refuses(
        &pem,
        Server::https(identity),
        60,
        "certificate",
        "make it with `-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1`",
    );
}

#[test]
fn an_authority_that_nobody_knows() {
    let setup = Server::https(Authority::new().server());
    refuses(
        Identity::self_signed_authority().certificate_pem(),
        setup,
        60,
        "certificate",
        "was issued by CN=vescli test authority, which is not trusted here",
    );
}

#[test]
fn an_authority_that_only_has_the_name_of_the_trusted_one() {
    certificate(
        |_| Authority::new().server(),
        "was signed by another CN=vescli test authority than the one that is trusted here",
    );
}

#[test]
fn an_intermediate_that_is_left_out() {
    certificate(Authority::server_without_its_intermediate, "was issued by CN=vescli test intermediate");
}

#[test]
fn a_certificate_for_clients() {
    certificate(
        |authority| authority.client("somebody"),
        "the server's certificate was issued for another purpose than to be shown by a server",
    );
}

#[test]
fn tls_1_1_at_most() {
    handshake(Behaviour::alert(70), "the server speaks no version of TLS that is safe: it takes 1.2 or 1.3");
}

#[test]
fn plain_http_at_the_port_of_tls() {
    handshake(
        Behaviour::plain_http(),
        "the server does not speak TLS at this port; is it one for plain HTTP, or another service?",
    );
}

#[test]
fn garbage() {
    handshake(Behaviour::Say(vec![0x99; 64]), "the server does not speak TLS at this port");
}

#[test]
fn a_handshake_that_hangs() {
    let authority = Authority::new();
    let setup = Server::https(authority.server()).behaviours([Behaviour::Hang]);
    refuses(&authority.pem(), setup, 28, "timeout", "out of time before a connection to 127.0.0.1:");
}

#[test]
fn a_handshake_that_is_closed() {
    handshake(Behaviour::Close, "the server ended the TLS handshake: ");
}

#[test]
fn a_handshake_that_is_reset() {
    handshake(Behaviour::ReadThenReset, "the server ended the TLS handshake: ");
}

#[test]
fn a_handshake_that_fails() {
    handshake(Behaviour::alert(40), "the server ended the TLS handshake with the alert HandshakeFailure");
}

#[test]
fn an_alert_about_a_certificate_that_nobody_asked_for() {
    handshake(Behaviour::alert(42), "the server ended the TLS handshake with the alert BadCertificate");
}

#[test]
fn no_protocol_in_common() {
    let authority = Authority::new();
    let setup = Server::https(authority.server()).alpn(&["h2"]);
    refuses(&authority.pem(), setup, 35, "tls", "the server does not speak HTTP/1.1 (ALPN)");
}

/// The checks above can fail: a good server takes the request.
#[test]
#[should_panic(expected = "left: String(\"accepted\")")]
fn a_good_server_is_not_refused() {
    certificate(Authority::server, "");
}

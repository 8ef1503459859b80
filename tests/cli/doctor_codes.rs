//! The doctor against a send: whatever is wrong on the way, both end with the same code.

use crate::doctor::{dated, doctor, message, only_heads, states};
use support::certificates::Authority;
use support::harness::Vescli;
use support::proxy::{Proxy, Tunnel};
use support::server::{Answer, Behaviour, Moment, Server};
use support::sockets::{black_hole, closed_port};

/// For each way to fail, the doctor ends with the very code that a send ends with.
fn like_a_send(arguments: &[&str], files: &[(&str, &str)], code: u8, expected: &'static str) {
    let with = |mut vescli: Vescli| {
        for (name, content) in files {
            vescli = vescli.file(name, content);
        }
        let limits = ["--timeout", "2s", "--connect-timeout", "1s"];
        vescli.args(arguments).args(limits).code(code)
    };
    with(doctor(&["--json", "-q"])).stdout_json(move |document| states(document, expected)).run();
    let send = Vescli::new().args(["send", "-e", "a@example.com", "--retries", "0"]);
    with(send).env("VESCLI_TENANT", "example-corp").stderr_contains("error: ").run();
}

#[test]
fn dns_and_tcp_failures_have_the_code_of_a_send() {
    like_a_send(&["--base-url", "https://nowhere.invalid"], &[], 6, "oowofsssss");
    let closed = closed_port();
    let url = format!("https://127.0.0.1:{}", closed.port);
    like_a_send(&["--base-url", &url], &[], 7, "oowoofssss");
    let hole = black_hole();
    let url = format!("https://127.0.0.1:{}", hole.port);
    like_a_send(&["--base-url", &url], &[], 28, "oowoofssss");
}

#[test]
fn certificates_that_are_not_trusted_are_60() {
    let authority = Authority::new();
    for identity in [
        authority.expired(),
        authority.not_yet_valid(),
        authority.server_named(&["other.example"]),
        Authority::new().server(),
    ] {
        let server = Server::https(identity).start();
        let arguments = ["--cacert", "ca.pem", "--base-url", &server.url()];
        let files = [("ca.pem", authority.pem())];
        let files = files.each_ref().map(|(name, pem)| (*name, pem.as_str()));
        like_a_send(&arguments, &files, 60, "oowoooofss");
        assert_eq!(server.bytes_received(), 0);
    }
}

#[test]
fn a_handshake_that_breaks_is_35_and_one_that_hangs_28() {
    for (behaviour, code) in [(Behaviour::Close, 35), (Behaviour::Hang, 28)] {
        let server = Server::https(Authority::new().server()).behaviours([behaviour]).start();
        like_a_send(&["--base-url", &server.url()], &[], code, "oowoooofss");
    }
}

#[test]
fn a_ca_file_that_cannot_be_used_has_the_code_of_a_send() {
    let server = Server::https(Authority::new().server()).start();
    let url = server.url();
    let arguments = ["--base-url", url.as_str(), "--cacert", "ca.pem"];
    like_a_send(&arguments, &[], 66, "oowfoossss");
    like_a_send(&arguments, &[("ca.pem", "nothing")], 65, "oowfoossss");
}

#[test]
fn an_answer_that_is_not_http_fails_the_http_check() {
    for answer in [Answer::garbage(), Answer::close(Moment::Whole)] {
        let server = Server::http().answer(answer).start();
        doctor(&["--json", "-q", "--base-url", &server.url()])
            .code(8)
            .stdout_json(|document| states(document, "oowsooosfs"))
            .run();
        only_heads(&server, 1);
    }
}

#[test]
fn a_proxy_that_refuses_has_the_code_of_a_send() {
    for (tunnel, code) in [
        (Tunnel::Deny(403), 97),
        (Tunnel::Deny(407), 97),
        (Tunnel::Close, 97),
        (Tunnel::Say(b"SSH-2.0-none\r\n\r\n".to_vec()), 97),
    ] {
        let proxy = Proxy::start(tunnel);
        let arguments = ["--tenant", "example-corp", "--proxy", &proxy.url()];
        like_a_send(&arguments, &[], code, "oowooofsss");
    }
    // With a silent proxy it is unknown whether a connection was made.
    let proxy = Proxy::start(Tunnel::Hang);
    like_a_send(&["--tenant", "example-corp", "--proxy", &proxy.url()], &[], 28, "oowoosfsss");
    let closed = closed_port();
    let url = format!("http://127.0.0.1:{}", closed.port);
    let arguments = ["--tenant", "example-corp", "--proxy", &url];
    like_a_send(&arguments, &[], 7, "oowoofssss");
}

#[test]
fn a_server_that_wants_a_client_certificate_is_58_without_one_and_fine_with_it() {
    let authority = Authority::new();
    for (setup, expected) in [
        // In TLS 1.3 the refusal comes after the handshake.
        (Server::https(authority.server()).tls13_only(), "oowooooofs"),
        (Server::https(authority.server()).tls12_only(), "oowoooofss"),
    ] {
        let server = setup.clients_of(&authority).start();
        let arguments = ["--cacert", "ca.pem", "--base-url", &server.url()];
        like_a_send(&arguments, &[("ca.pem", &authority.pem())], 58, expected);
        let client = authority.client("ada");
        doctor(&["--json", "-q", "--cert", "client.pem", "--key", "client.key"])
            .args(arguments)
            .file("ca.pem", authority.pem())
            .file("client.pem", client.certificate_pem())
            .file("client.key", client.key_pem())
            .stdout_json(|document| states(document, "ooooooooow"))
            .run();
        only_heads(&server, 1);
    }
}

#[test]
fn a_credential_omitted_on_purpose_is_not_a_warning() {
    let server = dated(Server::http(), 0).start();
    let without = |origin: &'static str, states_expected: &'static str| {
        doctor(&["--json", "-q", "--tenant", "t", "--base-url", &server.url()]).stdout_json(move |document| {
            states(document, states_expected);
            let text = message(document, "credential");
            assert!(text.contains(origin), "{text}");
        })
    };
    without("none is sent (--no-auth)", "ooosooosoo").arg("--no-auth").run();
    without("none is sent (VESCLI_NO_AUTH)", "ooosooosoo").env("VESCLI_NO_AUTH", "1").run();
    without("config.toml:2:1 [profiles.lab])", "ooosooosoo").config("[profiles.lab]\nno_auth = true\n").run();
    without("none: the request is sent without one", "oowsooosoo").run();
    only_heads(&server, 4);
}

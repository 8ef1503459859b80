//! `vescli doctor`: each check provoked for real, the exit that of a send, and never a POST at the server.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::certificates::Authority;
use crate::harness::Vescli;
use crate::proxy::{Proxy, Tunnel};
use crate::server::{Answer, Behaviour, Moment, Server, Setup};
use crate::sockets::{black_hole, closed_port};

const HOST: &str = "example-corp.console.ves.volterra.io";
const NAMES: [&str; 10] = [
    "config",
    "url",
    "credential",
    "trust",
    "dns",
    "tcp",
    "proxy",
    "tls",
    "http",
    "clock",
];

fn dated(setup: Setup, offset: i64) -> Setup {
    setup.choose(move |_| {
        let shift = Duration::from_secs(offset.unsigned_abs());
        let now = SystemTime::now();
        let date = if offset < 0 { now - shift } else { now + shift };
        Answer::status(404).header("Date", httpdate::fmt_http_date(date))
    })
}

/// Checks the states in order, each by its first letter: o, w, f or s.
fn states(document: &Value, expected: &str) {
    assert_eq!(document["schema"], "vescli.doctor/1");
    let checks = document["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, NAMES);
    let states: String = checks
        .iter()
        .map(|check| &check["state"].as_str().unwrap()[..1])
        .collect();
    assert_eq!(states, expected, "{document:#}");
    let failed = checks.iter().any(|check| check["state"] == "failure");
    assert_eq!(document["ok"], !failed);
    let fields: Vec<&str> = document
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(fields.len(), 4, "{fields:?}");
    for check in checks {
        let state = check["state"].as_str().unwrap();
        let advised = check["hint"].is_string();
        assert!(
            advised || !matches!(state, "failure" | "warning"),
            "{check}"
        );
    }
}

fn message<'a>(document: &'a Value, name: &str) -> &'a str {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    check["message"].as_str().unwrap()
}

fn doctor(arguments: &[&str]) -> Vescli {
    Vescli::new().arg("doctor").args(arguments)
}

/// Nothing but heads of `/`, and no credential.
fn only_heads(server: &Server, count: usize) {
    let requests = server.requests();
    assert_eq!(requests.len(), count, "{requests:#?}");
    for request in requests {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("HEAD", "/")
        );
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.body, b"");
    }
}

#[test]
fn a_sound_machine_is_told_in_ten_lines() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server()), 0).start();
    doctor(&["--cacert", "ca.pem", "--base-url", &server.url()])
        .file("ca.pem", authority.pem())
        .file("token", "s3cret-token\n")
        .config("[profiles.prod]\ntenant = \"example-corp\"\n")
        .args(["--token-file", "token"])
        .env("SSL_CERT_FILE", "ca.pem")
        .port(server.port())
        .stdout_contains("ok       config      [FOLDER]/.config/vescli/config.toml, profile prod\n")
        .stdout_contains("ok       url         https://127.0.0.1:[PORT]/no_auth/send_password_email\n")
        .stdout_contains("ok       credential  token from token (--token-file), 12 characters, readable by its owner alone (mode 0600)\n")
        .stdout_contains("ok       trust       2 certificates from ca.pem (SSL_CERT_FILE) and ca.pem (--cacert)\n")
        .stdout_contains("ok       dns         127.0.0.1: an address, there is no name to look up\n")
        .stdout_contains("ok       tcp         127.0.0.1:[PORT] answered in N ms\n")
        .stdout_contains("ok       proxy       none is configured\n")
        .stdout_contains("ok       tls         TLS 1.3, a certificate by CN=vescli test authority, ")
        .stdout_contains("ok       http        HEAD https://127.0.0.1:[PORT]/ was answered with 404 in N ms; any status will do here\n")
        .stdout_contains("ok       clock       agrees with the server's to within a minute\n")
        .stdout_lacks("s3cret-token")
        .run();
    only_heads(&server, 1);
}

#[test]
fn the_document_lists_every_check_and_no_post_is_sent() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server_named(&[HOST])), 0).start();
    let port = server.port();
    doctor(&["--json", "--cacert", "ca.pem", "--resolve"])
        .arg(format!("{HOST}:{port}:127.0.0.1"))
        .arg(format!("--base-url=https://{HOST}:{port}/api"))
        .file("ca.pem", authority.pem())
        .env("VESCLI_TOKEN", "s3cret-token")
        .stderr_contains("warning  url         ")
        .stderr_contains("ok       clock       ")
        .stderr_lacks("s3cret")
        .stdout_lacks("s3cret")
        .stdout_json(move |document| {
            states(document, "owoooooooo");
            assert_eq!(document["exit_code"], 0);
            let url = format!("https://{HOST}:{port}/api/no_auth/send_password_email");
            assert_eq!(message(document, "url"), url);
            let dns = format!("{HOST}: 127.0.0.1, as --resolve says");
            assert_eq!(message(document, "dns"), dns);
        })
        .run();
    only_heads(&server, 1);
    let handshakes = server.connections();
    for seen in handshakes {
        let shown = seen.handshake.unwrap().unwrap();
        assert_eq!(shown.server_name.as_deref(), Some(HOST));
    }
}

#[test]
fn quiet_says_nothing_when_all_is_well_and_verbose_shows_the_handshake() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server()).tls12_only(), 0).start();
    let with = |flag: &str| {
        doctor(&[flag, "--cacert", "ca.pem", "--base-url", &server.url()])
            .file("ca.pem", authority.pem())
            .env("SSL_CERT_FILE", "ca.pem")
    };
    with("-q").run();
    with("-v")
        .stdout_contains("ok       tls         TLS 1.2, ")
        .stderr_contains("* tls: TLS 1.2, TLS_")
        .stderr_contains(
            "* certificate: CN=rcgen self signed cert, by CN=vescli test authority, from ",
        )
        .stderr_contains("> HEAD / HTTP/1.1")
        .stderr_contains("< HTTP/1.1 404 Not Found")
        .run();
    doctor(&["-q", "--color", "always"])
        .code(78)
        .stdout_contains("\u{1b}[1;31mfailure\u{1b}[0m")
        .stdout_lacks("skipped")
        .run();
    doctor(&["-q", "--json"])
        .code(78)
        .stdout_json(|document| states(document, "ofssssssss"))
        .run();
    only_heads(&server, 2);
}

#[test]
fn the_clock_is_compared_with_the_server() {
    for (offset, state, words) in [
        (0, "oowsoooso", "agrees"),
        (7200, "oowsoooso", " behind the server's"),
        (-7200, "oowsoooso", " ahead of the server's"),
    ] {
        let server = dated(Server::http(), offset).start();
        let last = if offset == 0 { "o" } else { "w" };
        doctor(&["--json", "-q", "--base-url", &server.url()])
            .stdout_json(move |document| {
                states(document, &format!("{state}{last}"));
                assert!(message(document, "clock").contains(words), "{document}");
            })
            .run();
        only_heads(&server, 1);
    }
}

#[test]
fn what_is_wrong_before_the_network_stops_there_with_its_code() {
    for (arguments, config, code, expected) in [
        (&["--config", "missing.toml"][..], "", 66, "fsssssssss"),
        (&[], "regoin = 1", 78, "fsssssssss"),
        (
            &["-p", "prd"],
            "[profiles.prod]\ntenant = \"t\"",
            78,
            "fsssssssss",
        ),
        (&["--timeout", "soon"], "", 2, "fsssssssss"),
        (&[], "", 78, "ofssssssss"),
        (&["--tenant", "a.b"], "", 2, "ofssssssss"),
        (&["--base-url", "http://192.0.2.1"], "", 2, "ofssssssss"),
    ] {
        doctor(arguments)
            .args(["--json", "-q"])
            .config(config)
            .code(code)
            .stdout_json(move |document| {
                states(document, expected);
                assert_eq!(document["exit_code"], code);
            })
            .run();
    }
}

#[test]
fn a_bad_credential_is_told_and_the_way_is_looked_at_all_the_same() {
    let server = dated(Server::http(), 0).start();
    let with = |arguments: &[&str], code: u8, words: &'static str| {
        doctor(&["--json", "-q", "--base-url", &server.url()])
            .args(arguments)
            .file_mode("open", "s3cret-token", 0o644)
            .file("empty", "")
            .code(code)
            .stdout_json(move |document| {
                states(document, "oofsooosoo");
                assert!(
                    message(document, "credential").contains(words),
                    "{document}"
                );
            })
            .run();
    };
    with(&["--token-file", "open"], 78, "mode 0644");
    with(&["--token-file", "empty"], 78, "is empty");
    with(&["--token-file", "missing"], 66, "there is no file");
    only_heads(&server, 3);
}

/// For each way to fail, the doctor ends with the very code that a send ends with.
fn like_a_send(arguments: &[&str], files: &[(&str, &str)], code: u8, expected: &'static str) {
    let with = |mut vescli: Vescli| {
        for (name, content) in files {
            vescli = vescli.file(name, content);
        }
        let limits = ["--timeout", "2s", "--connect-timeout", "1s"];
        vescli.args(arguments).args(limits).code(code)
    };
    with(doctor(&["--json", "-q"]))
        .stdout_json(move |document| states(document, expected))
        .run();
    let send = Vescli::new().args(["send", "-e", "a@example.com", "--retries", "0"]);
    with(send)
        .env("VESCLI_TENANT", "example-corp")
        .stderr_contains("error: ")
        .run();
}

#[test]
fn dns_and_tcp_failures_have_the_code_of_a_send() {
    like_a_send(
        &["--base-url", "https://nowhere.invalid"],
        &[],
        6,
        "oowofsssss",
    );
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
        let server = Server::https(Authority::new().server())
            .behaviours([behaviour])
            .start();
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
fn an_answer_that_is_no_http_fails_the_http_check() {
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
fn the_way_leads_through_the_proxy() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server_named(&[HOST])), 0).start();
    let proxy = Proxy::start_for("user", "s3cret", Tunnel::To(server.address()));
    let port = proxy.port();
    doctor(&[
        "--json",
        "--tenant",
        "example-corp",
        "--cacert",
        "ca.pem",
        "--proxy",
    ])
    .arg(format!("http://user:s3cret@127.0.0.1:{port}"))
    .file("ca.pem", authority.pem())
    .stdout_lacks("s3cret")
    .stderr_contains("ok       proxy ")
    .stderr_lacks("s3cret")
    .stdout_json(move |document| {
        states(document, "oowooooooo");
        let opened = format!("http://***@127.0.0.1:{port} (--proxy) opened a tunnel to {HOST}:443");
        assert_eq!(message(document, "proxy"), opened);
    })
    .run();
    only_heads(&server, 1);
    for asked in proxy.asked() {
        assert_eq!(asked.method, "CONNECT");
        assert_eq!(asked.path, format!("{HOST}:443"));
    }
}

#[test]
fn a_proxy_that_refuses_has_the_code_of_a_send() {
    for (tunnel, code) in [
        (Tunnel::Deny(403), 97),
        (Tunnel::Deny(407), 97),
        (Tunnel::Close, 97),
        (Tunnel::Say(b"SSH-2.0-none\r\n\r\n".to_vec()), 97),
        (Tunnel::Hang, 28),
    ] {
        let proxy = Proxy::start(tunnel);
        let arguments = ["--tenant", "example-corp", "--proxy", &proxy.url()];
        like_a_send(&arguments, &[], code, "oowooofsss");
    }
    let closed = closed_port();
    let url = format!("http://127.0.0.1:{}", closed.port);
    let arguments = ["--tenant", "example-corp", "--proxy", &url];
    like_a_send(&arguments, &[], 7, "oowoofssss");
}

#[test]
fn a_host_that_is_exempt_is_reached_directly() {
    let authority = Authority::new();
    let server = dated(Server::https(authority.server_named(&[HOST])), 0).start();
    let proxy = Proxy::start(Tunnel::Open).uncalled();
    doctor(&["--json", "-q", "--cacert", "ca.pem", "--noproxy", HOST])
        .args(["--proxy", &proxy.url(), "--resolve"])
        .arg(format!("{HOST}:{}:127.0.0.1", server.port()))
        .arg(format!("--base-url=https://{HOST}:{}", server.port()))
        .file("ca.pem", authority.pem())
        .stdout_json(|document| {
            states(document, "oowooooooo");
            assert!(message(document, "proxy").ends_with("is not used: the host is exempt"));
        })
        .run();
    only_heads(&server, 1);
}

#[test]
fn the_dates_of_a_client_certificate_are_told() {
    let authority = Authority::new();
    let server = dated(Server::http(), 0).start();
    let with = |name: &str, identity: &crate::certificates::Identity| {
        doctor(&["--json", "-q", "--base-url", &server.url()])
            .file("client.pem", identity.certificate_pem())
            .file("client.key", identity.key_pem())
            .args(["--cert", name, "--key", "client.key"])
    };
    with("client.pem", &authority.client("ada"))
        .stdout_json(|document| {
            states(document, "ooosooosoo");
            let told = message(document, "credential");
            assert!(
                told.starts_with("client certificate client.pem of CN=ada, "),
                "{told}"
            );
            assert!(told.ends_with(" left (until 4096-01-01)"), "{told}");
        })
        .run();
    with("client.pem", &authority.expired())
        .code(78)
        .stdout_json(|document| {
            states(document, "oofsooosoo");
            assert!(message(document, "credential").contains("expired on 2020-01-01"));
        })
        .run();
    only_heads(&server, 2);
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
        doctor(&[
            "--json",
            "-q",
            "--cert",
            "client.pem",
            "--key",
            "client.key",
        ])
        .args(arguments)
        .file("ca.pem", authority.pem())
        .file("client.pem", client.certificate_pem())
        .file("client.key", client.key_pem())
        .stdout_json(|document| states(document, "ooooooooow"))
        .run();
        only_heads(&server, 1);
    }
}

//! `vescli doctor`: each check provoked for real, the exit that of a send, and never a POST at the server.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use support::certificates::Authority;
use support::harness::Vescli;
use support::server::{Answer, Server, Setup};

const HOST: &str = "example-corp.console.ves.volterra.io";
const NAMES: [&str; 10] = ["config", "url", "credential", "trust", "dns", "tcp", "proxy", "tls", "http", "clock"];

pub(crate) fn dated(setup: Setup, offset: i64) -> Setup {
    setup.choose(move |_| {
        let shift = Duration::from_secs(offset.unsigned_abs());
        let now = SystemTime::now();
        let date = if offset < 0 { now - shift } else { now + shift };
        Answer::status(404).header("Date", httpdate::fmt_http_date(date))
    })
}

/// Checks the states in order, each by its first letter: o, w, f or s.
pub(crate) fn states(document: &Value, expected: &str) {
    assert_eq!(document["schema"], "vescli.doctor/1");
    let checks = document["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, NAMES);
    let states: String = checks.iter().map(|check| &check["state"].as_str().unwrap()[..1]).collect();
    assert_eq!(states, expected, "{document:#}");
    let failed = checks.iter().any(|check| check["state"] == "failure");
    assert_eq!(document["ok"], !failed);
    let fields: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields.len(), 4, "{fields:?}");
    for check in checks {
        let state = check["state"].as_str().unwrap();
        let advised = check["hint"].is_string();
        assert!(advised || !matches!(state, "failure" | "warning"), "{check}");
    }
}

pub(crate) fn message<'a>(document: &'a Value, name: &str) -> &'a str {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    check["message"].as_str().unwrap()
}

pub(crate) fn doctor(arguments: &[&str]) -> Vescli {
    Vescli::new().arg("doctor").args(arguments)
}

/// Nothing but heads of `/`, and no credential.
pub(crate) fn only_heads(server: &Server, count: usize) {
    let requests = server.requests();
    assert_eq!(requests.len(), count, "{requests:#?}");
    for request in requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("HEAD", "/"));
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.body, b"");
    }
}

#[test]
fn a_healthy_setup_is_reported_in_ten_lines() {
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
        .stdout_contains("ok       http        HEAD https://127.0.0.1:[PORT]/ was answered with 404 in N ms; any status is fine here\n")
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

/// `localhost` has two addresses, and the server listens at one of them.
#[test]
fn the_address_that_answered_is_the_one_that_is_shown() {
    let server = dated(Server::http(), 0).start();
    doctor(&["--base-url", &server.url_for("localhost"), "--tenant", "t", "--no-auth"])
        .port(server.port())
        .stdout_contains("ok       tcp         127.0.0.1:[PORT] answered in N ms\n")
        .run();
    only_heads(&server, 1);
}

#[test]
fn quiet_prints_nothing_on_success_and_verbose_shows_the_handshake() {
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
        .stderr_contains("* tls: TLS 1.2\n")
        .stderr_contains("* certificate: CN=rcgen self signed cert, by CN=vescli test authority, from ")
        .stderr_contains("> HEAD / HTTP/1.1")
        .stderr_contains("< HTTP/1.1 404 Not Found")
        .run();
    doctor(&["-q", "--color", "always"])
        .code(78)
        .stdout_contains("\u{1b}[1;31mfailure\u{1b}[0m")
        .stdout_lacks("skipped")
        .run();
    doctor(&["-q", "--json"]).code(78).stdout_json(|document| states(document, "ofssssssss")).run();
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
fn a_failure_before_the_network_stops_there_with_its_code() {
    for (arguments, config, code, expected) in [
        (&["--config", "missing.toml"][..], "", 66, "fsssssssss"),
        (&[], "regoin = 1", 78, "fsssssssss"),
        (&["-p", "prd"], "[profiles.prod]\ntenant = \"t\"", 78, "fsssssssss"),
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
fn a_bad_credential_is_reported_and_the_connection_is_still_probed() {
    let server = dated(Server::http(), 0).start();
    let with = |arguments: &[&str], code: u8, words: &'static str| {
        doctor(&["--json", "-q", "--base-url", &server.url()])
            .args(arguments)
            .file_mode("open", "s3cret-token", 0o644)
            .file("empty", "")
            .code(code)
            .stdout_json(move |document| {
                states(document, "oofsooosoo");
                assert!(message(document, "credential").contains(words), "{document}");
            })
            .run();
    };
    with(&["--token-file", "open"], 78, "mode 0644");
    with(&["--token-file", "empty"], 78, "is empty");
    with(&["--token-file", "missing"], 66, "there is no file");
    only_heads(&server, 3);
}

#[test]
fn the_dates_of_a_client_certificate_are_shown() {
    let authority = Authority::new();
    let server = dated(Server::http(), 0).start();
    let with = |name: &str, identity: &support::certificates::Identity| {
        doctor(&["--json", "-q", "--base-url", &server.url()])
            .file("client.pem", identity.certificate_pem())
            .file("client.key", identity.key_pem())
            .args(["--cert", name, "--key", "client.key"])
    };
    with("client.pem", &authority.client("ada"))
        .stdout_json(|document| {
            states(document, "ooosooosoo");
            let text = message(document, "credential");
            assert!(text.starts_with("client certificate client.pem of CN=ada, "), "{text}");
            assert!(text.ends_with(" left (until 4096-01-01)"), "{text}");
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

//! Servers that want a client certificate, each in its own way: nginx refuses over HTTP, stunnel and `openssl s_server`
//! refuse in the handshake, with TLS 1.3 only after the request was written.

use std::fs;

use tempfile::TempDir;

use crate::send_to;
use support::harness::Vescli;
use support::nginx::{Config, Nginx};
use support::peer::{Peer, find, free_ports};

/// A send to a port of this machine, with or without a client certificate.
fn send(nginx: &Nginx, port: u16, with_certificate: bool) -> Vescli {
    let ada = nginx.authority.client("ada");
    let vescli = send_to(&nginx.authority, &format!("https://localhost:{port}"))
        .file("ada.pem", ada.certificate_pem())
        .file("ada.key", ada.key_pem())
        .args(["--timeout", "20s"]);
    if with_certificate { vescli.args(["--cert", "ada.pem", "--key", "ada.key"]) } else { vescli }
}

/// The files that a server of this authority needs.
fn server_files(nginx: &Nginx) -> TempDir {
    let folder = TempDir::with_prefix("vescli-tls-").unwrap();
    let identity = nginx.authority.server();
    for (name, text) in [
        ("server.pem", identity.certificate_pem()),
        ("server.key", identity.key_pem()),
        ("ca.pem", nginx.authority.pem().as_str()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn nginx_lets_the_owner_of_a_client_certificate_in() {
    let nginx = Nginx::start(&Config {
        server: "ssl_client_certificate FOLDER/ca.pem; ssl_verify_client on;",
        ..Config::default()
    });
    send(&nginx, nginx.port, true).stdout_contains("accepted: ").run();
    send(&nginx, nginx.port, false).code(40).stderr_contains("error: refused (HTTP 400)").run();
    let statuses: Vec<_> = nginx.requests().into_iter().map(|request| request["status"].clone()).collect();
    assert_eq!(statuses, [200, 400]);
}

/// What a send reports about a certificate that was refused before its request was sent.
const NOT_SENT: &str = "  not sent\n";
/// And of one that was refused when the request was on its way, as TLS 1.3 does it.
const UNKNOWN: &str = "  unknown: may have been sent";

#[test]
fn stunnel_refuses_in_the_handshake_and_nothing_was_sent() {
    let program = find("stunnel4", "stunnel4");
    for (version, expected) in [("TLSv1.2", NOT_SENT), ("TLSv1.3", UNKNOWN)] {
        let nginx = Nginx::start(&Config::default());
        let folder = server_files(&nginx);
        let [port] = free_ports();
        let config = format!(
            "foreground = yes\npid =\n[mails]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{upstream}\n\
             cert = {path}/server.pem\nkey = {path}/server.key\nCAfile = {path}/ca.pem\nverifyChain = yes\n\
             sslVersion = {version}\n",
            upstream = nginx.upstream,
            path = folder.path().display()
        );
        fs::write(folder.path().join("stunnel.conf"), config).unwrap();
        let _stunnel = Peer::start(&program, folder, &["stunnel.conf"], port);
        send(&nginx, port, false)
            .code(58)
            .stderr_contains("error: client certificate refused for a@b.co, tenant t\n")
            .stderr_contains(expected)
            .run();
        assert_eq!(nginx.requests().len(), 0);
        send(&nginx, port, true).stdout_contains("accepted: ").run();
    }
}

#[test]
fn openssl_refuses_in_the_handshake_and_its_other_answers_are_not_http() {
    let program = find("openssl", "openssl");
    for (version, expected) in [("-tls1_2", NOT_SENT), ("-tls1_3", UNKNOWN)] {
        let nginx = Nginx::start(&Config::default());
        let folder = server_files(&nginx);
        let [port] = free_ports();
        let address = format!("127.0.0.1:{port}");
        let arguments = [
            "s_server",
            "-accept",
            &address,
            "-cert",
            "server.pem",
            "-key",
            "server.key",
            "-CAfile",
            "ca.pem",
            "-Verify",
            "1",
            "-verify_return_error",
            "-rev",
            version,
        ];
        let _openssl = Peer::start(&program, folder, &arguments, port);
        send(&nginx, port, false).code(58).stderr_contains(expected).run();
        // It turns each line around and sends it back: the request arrived, and the answer is not HTTP.
        send(&nginx, port, true).code(8).stderr_contains("may have been sent").run();
    }
}

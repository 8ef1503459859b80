//! Whose certificates are trusted: the file of `--cacert`, the variables of OpenSSL, and what is wrong with them.

use support::certificates::{Authority, Identity};
use support::harness::Vescli;
use support::server::{Server, Setup};

fn send() -> Vescli {
    Vescli::new().args(["send", "--email", "a@b.co", "--tenant", "t"])
}

/// An environment in which no certificate of the machine is trusted.
fn send_without_a_store() -> Vescli {
    send().file("empty/README", "no certificate").env("SSL_CERT_DIR", "empty")
}

fn good(authority: &Authority) -> Setup {
    Server::https(authority.server())
}

const ACCEPTED: &str = "accepted: password email for a@b.co (tenant t, cname t, N ms)\n";

#[test]
fn a_file_of_ones_own_is_trusted_besides_the_store_and_without_one() {
    let authority = Authority::new();
    let server = good(&authority).start();
    send().file("ca.pem", authority.pem()).args(["--cacert", "ca.pem"]).against(&server).stdout(ACCEPTED).run();
    send_without_a_store()
        .file("ca.pem", authority.pem())
        .args(["--cacert", "ca.pem", "-v"])
        .against(&server)
        .stdout(ACCEPTED)
        .stderr_contains("* trust: 1 certificates from empty (SSL_CERT_DIR) and ca.pem (--cacert)\n")
        .run();
    assert_eq!(server.count(), 2);
}

#[test]
fn the_variables_of_openssl_take_the_place_of_the_store() {
    let authority = Authority::new();
    let server = good(&authority).start();
    let other = Authority::new();
    let bundle = format!("{}\n# remarks\n{}", other.pem(), authority.pem());
    send()
        .file("bundle.pem", &bundle)
        .env("SSL_CERT_FILE", "bundle.pem")
        .arg("-v")
        .against(&server)
        .stdout(ACCEPTED)
        .stderr_contains("* trust: 2 certificates from bundle.pem (SSL_CERT_FILE)\n")
        .run();
    send()
        .file("one/a.pem", other.pem())
        .file("two/b.pem", authority.pem())
        .file("two/notes.txt", "nothing")
        .env("SSL_CERT_DIR", "one:two")
        .arg("-v")
        .against(&server)
        .stdout(ACCEPTED)
        .stderr_contains("* trust: 2 certificates from one (SSL_CERT_DIR), two (SSL_CERT_DIR)\n")
        .run();
    assert_eq!(server.count(), 2);
    // A store that lacks the authority does not trust it, even if the machine's own one contains it.
    send()
        .file("bundle.pem", Identity::self_signed_authority().certificate_pem())
        .env("SSL_CERT_FILE", "bundle.pem")
        .against(&server)
        .code(60)
        .stderr_contains("was issued by CN=vescli test authority")
        .run();
    assert_eq!(server.count(), 2);
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_nothing_is_sent() {
    let server = good(&Authority::new()).uncalled().start();
    let whole = Authority::new().pem();
    let cut = &whole[..whole.len() - 30];
    for (content, code, message) in [
        (None, 66, "--cacert: there is no file ca.pem"),
        (
            Some("hello"),
            65,
            "--cacert: ca.pem contains no certificate: it must be PEM, which begins with -----BEGIN CERTIFICATE-----",
        ),
        (Some(cut), 65, "--cacert: ca.pem contains a damaged certificate: its last line is missing"),
        (
            Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            65,
            "--cacert: ca.pem contains a damaged certificate: ",
        ),
    ] {
        let mut vescli = send().args(["--cacert", "ca.pem"]);
        if let Some(content) = content {
            vescli = vescli.file("ca.pem", content);
        }
        vescli.against(&server).code(code).stderr_contains(format!("error: {message}")).run();
    }
    send()
        .env("SSL_CERT_FILE", "nowhere.pem")
        .against(&server)
        .code(66)
        .stderr("error: SSL_CERT_FILE: there is no file nowhere.pem\n")
        .run();
    send_without_a_store()
        .against(&server)
        .code(78)
        .stderr(
            "error: empty (SSL_CERT_DIR) contains no certificate to trust: correct it, unset it, or name a file with --cacert\n",
        )
        .run();
}

#[test]
fn a_dry_run_detects_an_invalid_ca_file() {
    let server = good(&Authority::new()).uncalled().start();
    send()
        .args(["-n", "--cacert", "nowhere.pem"])
        .against(&server)
        .code(66)
        .stderr("error: --cacert: there is no file nowhere.pem\n")
        .run();
}

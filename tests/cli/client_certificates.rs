//! Client certificates: from PEM and PKCS#12, the password's sources, everything that is wrong with them, and servers
//! that require one or refuse it.
#![cfg(feature = "p12")]

use std::time::Duration;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};

use support::certificates::{Authority, Identity};
use support::harness::Vescli;
use support::server::{Server, Setup};

pub(crate) const ACCEPTED: &str = "accepted: password email for a@b.co (tenant t, cname t, N ms)\n";
/// The password of every PKCS#12 file here, which may never be seen.
pub(crate) const PASSWORD: &str = "p12-\"secret\\canary ä";

pub(crate) fn send(authority: &Authority) -> Vescli {
    Vescli::new()
        .file("ca.pem", authority.pem())
        .args(["send", "--email", "a@b.co", "--tenant", "t"])
        .args(["--cacert", "ca.pem", "--retries", "0"])
        .stdout_lacks(PASSWORD)
        .stderr_lacks(PASSWORD)
        .limit(Duration::from_secs(30))
}

/// Lets only clients of its authority in.
pub(crate) fn gate(authority: &Authority) -> Setup {
    Server::https(authority.server()).clients_of(authority)
}

/// A PKCS#12 file, as today or as it was made until OpenSSL 3.
pub(crate) fn pkcs12(identity: &Identity, legacy: Option<EncryptionAlgorithm>) -> Vec<u8> {
    let chain = identity.chain();
    let certificate = Certificate::from_der(&chain[0]).unwrap();
    let key = PrivateKey::from_der(identity.key().secret_der()).unwrap();
    let mut store = KeyStore::new();
    let entry = PrivateKeyChain::new("1", key, [certificate]);
    store.add_entry("client", KeyStoreEntry::PrivateKeyChain(entry));
    let writer = store.writer(PASSWORD).encryption_iterations(2048).mac_iterations(2048);
    match legacy {
        Some(algorithm) => writer.encryption_algorithm(algorithm).mac_algorithm(MacAlgorithm::HmacSha1),
        None => writer,
    }
    .write()
    .unwrap()
}

pub(crate) fn shown(server: &Server) -> Vec<u8> {
    let last = server.connections().pop().unwrap();
    last.handshake.clone().unwrap().unwrap().client_certificate.unwrap()
}

#[test]
fn pem_files_are_shown_with_the_key_apart_or_in_the_same_file() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).start();
    let both = format!("{}{}", ada.certificate_pem(), ada.key_pem());
    // A certificate is not a secret: only the file with the key has to be kept from others.
    send(&authority)
        .file_mode("ada.pem", ada.certificate_pem(), 0o644)
        .file("ada.key", ada.key_pem())
        .args(["--cert", "ada.pem", "--key", "ada.key", "-v"])
        .against(&server)
        .stdout(ACCEPTED)
        .stderr_contains("* client certificate: CN=ada\n")
        .run();
    assert_eq!(shown(&server), ada.chain()[0].to_vec());
    send(&authority).file("both.pem", &both).env("VESCLI_CERT", "both.pem").against(&server).stdout(ACCEPTED).run();
    send(&authority)
        .file("ada.pem", ada.certificate_pem())
        .file("ada.key", ada.key_pem())
        .env("VOLT_API_CERT", "ada.pem")
        .env("VOLT_API_KEY", "ada.key")
        .against(&server)
        .stdout(ACCEPTED)
        .run();
    assert_eq!(server.count(), 3);
}

#[test]
fn pkcs12_files_of_today_and_of_old_are_opened() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).start();
    for legacy in [
        None,
        Some(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc),
        Some(EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc),
    ] {
        send(&authority)
            .file("ada.p12", pkcs12(&ada, legacy))
            .args(["--p12", "ada.p12", "-vv"])
            .env("VESCLI_P12_PASSWORD", PASSWORD)
            .against(&server)
            .stdout(ACCEPTED)
            .stderr_contains("* client certificate: CN=ada\n")
            .run();
        assert_eq!(shown(&server), ada.chain()[0].to_vec());
    }
    assert_eq!(server.count(), 3);
}

#[test]
fn the_password_is_taken_from_the_strongest_source() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).start();
    let send = || {
        send(&authority)
            .file("ada.p12", pkcs12(&ada, None))
            .file("right", format!("{PASSWORD}\n"))
            .file("wrong", "wrong-password")
            .env("VESCLI_BASE_URL", server.url())
            .stdout(ACCEPTED)
    };
    let profile = |password: &str| {
        format!(
            "[profiles.a]\np12 = \"../../ada.p12\"\np12_password_file = \"../../{password}\"\nbase_url = \"{}\"\n",
            server.url()
        )
    };
    send()
        .args(["--p12-bundle", "ada.p12", "--p12-password-file", "right"])
        .env("VESCLI_P12_PASSWORD", "wrong-password")
        .run();
    send()
        .config(&profile("wrong"))
        .env("VESCLI_P12_PASSWORD", PASSWORD)
        .env("VES_P12_PASSWORD", "wrong-password")
        .run();
    send().config(&profile("wrong")).env("VESCLI_P12_PASSWORD_FILE", "right").run();
    send().config(&profile("right")).env("VES_P12_PASSWORD", "wrong-password").run();
    send().env("VOLT_API_P12_FILE", "ada.p12").env("VES_P12_PASSWORD", PASSWORD).run();
    assert_eq!(server.count(), 5);
}

#[test]
fn a_token_of_the_same_source_goes_along() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).start();
    send(&authority)
        .file("ada.p12", pkcs12(&ada, None))
        .env("VESCLI_P12", "ada.p12")
        .env("VESCLI_P12_PASSWORD", PASSWORD)
        .env("VESCLI_TOKEN", "the-token")
        .against(&server)
        .stdout(ACCEPTED)
        .run();
    assert_eq!(server.request().header("Authorization"), Some("APIToken the-token"));
}

#[test]
fn a_rejected_client_certificate_is_reported() {
    let authority = Authority::new();
    let stranger = Authority::new().client("stranger");
    // In TLS 1.3 the client hears of it when its request is on its way (RFC 8446, appendix E.1.2), so that no one can
    // know whether the server has acted on that.
    let setup = || gate(&authority);
    for (setup, outcome, text) in [
        (setup().tls12_only(), "not_sent", "\n  not sent\n"),
        (setup().tls13_only(), "unknown", "\n  unknown: may have been sent"),
    ] {
        let server = setup.start();
        let refused = |flags: &[&str], words: &'static str| {
            send(&authority)
                .file("stranger.pem", stranger.pem_with_key())
                .args(flags)
                .arg("--json")
                .against(&server)
                .code(58)
                .stdout_json(move |document| {
                    assert_eq!(document["outcome"], outcome);
                    assert_eq!(document["error"]["class"], "client_certificate");
                    let cause = document["error"]["cause"].as_str().unwrap();
                    assert!(cause.starts_with(words), "{cause}");
                })
                .stderr_contains(text)
                .run();
        };
        refused(&[], "the server asked for a client certificate, got none, and ended the connection with the alert ");
        refused(
            &["--cert", "stranger.pem"],
            "the server asked for a client certificate, refused the one that it got, and ended the connection with the alert ",
        );
        assert_eq!((server.count(), server.bytes_received()), (0, 0));
    }
}

#[test]
fn a_certificate_is_bound_to_the_host_of_its_profile() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).uncalled().start();
    send(&authority)
        .file("ada.pem", ada.pem_with_key())
        .config("[profiles.a]\ncert = \"../../ada.pem\"\nbase_url = \"https://other.example\"\n")
        .against(&server)
        .code(78)
        .stderr_contains("belongs to https://other.example, but the request goes to https://127.0.0.1:[PORT]: ")
        .run();
}

#[test]
fn explain_and_curl_name_the_files_and_never_the_password() {
    let authority = Authority::new();
    let explain = || Vescli::new().args(["config", "explain", "--tenant", "t"]);
    explain()
        .args(["--p12", "a:b.p12"])
        .env("VESCLI_P12_PASSWORD", PASSWORD)
        .stdout_contains("client certificate a:b.p12 with the password of VESCLI_P12_PASSWORD (set, 20 characters)")
        .stdout_lacks("canary")
        .run();
    explain()
        .args(["--cert", "a.pem", "--key", "a.key"])
        .stdout_contains("client certificate a.pem with the key a.key")
        .run();
    let curl = || send(&authority).arg("--show-curl").stdout_lacks("canary");
    curl()
        .args(["--p12", "a:b.p12"])
        .env("VESCLI_P12_PASSWORD", PASSWORD)
        .stdout_contains("printf 'pass = \"%s\"\\n' \"$(printf %s \"$VESCLI_P12_PASSWORD\" | sed ")
        .stdout_contains("  --cert-type P12 \\\n  --cert 'a'\\\\':b.p12' \\\n")
        .stdout_contains("  --config - \\\n")
        .run();
    curl().args(["--cert", "a.pem", "--key", "a.key"]).stdout_contains("  --cert a.pem \\\n  --key a.key \\\n").run();
}

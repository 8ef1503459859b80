//! Client certificates: from PEM and PKCS#12, the password's sources, everything that is wrong with them, and servers
//! that want one or refuse ours.

use std::time::Duration;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};

use crate::certificates::{Authority, Identity};
use crate::harness::Vescli;
use crate::proxy::{Proxy, Tunnel};
use crate::server::{Server, Setup};

const ACCEPTED: &str = "accepted: password email for a@b.co (tenant t, cname t, N ms)\n";
/// The password of every PKCS#12 file here, which may never be seen.
const PASSWORD: &str = "p12-\"secret\\canary ä";

fn send(authority: &Authority) -> Vescli {
    Vescli::new()
        .file("ca.pem", authority.pem())
        .args(["send", "--email", "a@b.co", "--tenant", "t"])
        .args(["--cacert", "ca.pem", "--retries", "0"])
        .stdout_lacks(PASSWORD)
        .stderr_lacks(PASSWORD)
        .limit(Duration::from_secs(30))
}

/// Lets only clients of its authority in.
fn gate(authority: &Authority) -> Setup {
    Server::https(authority.server()).clients_of(authority)
}

/// A PKCS#12 file, as today or as it was made until OpenSSL 3.
fn pkcs12(identity: &Identity, legacy: Option<EncryptionAlgorithm>) -> Vec<u8> {
    let chain = identity.chain();
    let certificate = Certificate::from_der(&chain[0]).unwrap();
    let key = PrivateKey::from_der(identity.key().secret_der()).unwrap();
    let mut store = KeyStore::new();
    let entry = PrivateKeyChain::new("1", key, [certificate]);
    store.add_entry("client", KeyStoreEntry::PrivateKeyChain(entry));
    let writer = store
        .writer(PASSWORD)
        .encryption_iterations(2048)
        .mac_iterations(2048);
    match legacy {
        Some(algorithm) => writer
            .encryption_algorithm(algorithm)
            .mac_algorithm(MacAlgorithm::HmacSha1),
        None => writer,
    }
    .write()
    .unwrap()
}

fn shown(server: &Server) -> Vec<u8> {
    let connections = server.connections();
    let last = connections.last().unwrap();
    last.handshake
        .clone()
        .unwrap()
        .unwrap()
        .client_certificate
        .unwrap()
}

#[test]
fn pem_files_are_shown_with_the_key_apart_or_in_the_same_file() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).start();
    let both = format!("{}{}", ada.certificate_pem(), ada.key_pem());
    // A certificate is no secret: only the file with the key has to be kept from others.
    send(&authority)
        .file_mode("ada.pem", ada.certificate_pem(), 0o644)
        .file("ada.key", ada.key_pem())
        .args(["--cert", "ada.pem", "--key", "ada.key", "-v"])
        .against(&server)
        .stdout(ACCEPTED)
        .stderr_contains("* client certificate: CN=ada\n")
        .run();
    assert_eq!(shown(&server), ada.chain()[0].to_vec());
    send(&authority)
        .file("both.pem", &both)
        .env("VESCLI_CERT", "both.pem")
        .against(&server)
        .stdout(ACCEPTED)
        .run();
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
    send()
        .config(&profile("wrong"))
        .env("VESCLI_P12_PASSWORD_FILE", "right")
        .run();
    send()
        .config(&profile("right"))
        .env("VES_P12_PASSWORD", "wrong-password")
        .run();
    send()
        .env("VOLT_API_P12_FILE", "ada.p12")
        .env("VES_P12_PASSWORD", PASSWORD)
        .run();
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
    assert_eq!(
        server.request().header("Authorization"),
        Some("APIToken the-token")
    );
}

#[test]
fn what_cannot_be_used_is_told_in_a_sentence_and_nothing_is_sent() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).uncalled().start();
    let fails = |flags: &[&str], code: u8, message: &str| {
        send(&authority)
            .file("ada.pem", ada.certificate_pem())
            .file("ada.key", ada.key_pem())
            .file_mode("open.key", ada.key_pem(), 0o640)
            .file("bob.key", authority.client("bob").key_pem())
            .file("old.pem", with_key(&authority.expired_client()))
            .file("locked.key", LOCKED)
            .file("locked-old.key", LOCKED_OLD)
            .file("text", "text")
            .file("ada.p12", pkcs12(&ada, None))
            .file_mode("open.p12", pkcs12(&ada, None), 0o644)
            .file("wrong", "wrong-password")
            .args(flags)
            .against(&server)
            .code(code)
            .stderr(format!("error: {message}\n"))
            .run();
    };
    let pem = |cert, key| ["--cert", cert, "--key", key];
    fails(&pem("none", "ada.key"), 66, "--cert: there is no file none");
    fails(&pem("ada.pem", "none"), 66, "--key: there is no file none");
    fails(
        &pem("ada.pem", "open.key"),
        78,
        "--key: open.key can be read by others (mode 0640): run `chmod 600 open.key`",
    );
    fails(
        &pem("text", "ada.key"),
        78,
        "--cert: text holds no certificate: it takes PEM, which begins with -----BEGIN CERTIFICATE-----; a .p12 or .pfx file is named with --p12",
    );
    fails(
        &["--cert", "ada.pem"],
        78,
        "--cert: ada.pem holds no private key: name the key's file with --key, or put the key into the certificate's file",
    );
    fails(
        &pem("ada.pem", "bob.key"),
        78,
        "--cert: the private key in bob.key does not belong to the certificate in ada.pem; the client's own certificate has to come first in its file",
    );
    for key in ["locked.key", "locked-old.key"] {
        fails(
            &pem("ada.pem", key),
            78,
            &format!(
                "--key: the private key in {key} is encrypted, which is not supported for PEM: decrypt it with `(umask 077; openssl pkey -in {key} -out key.pem)`, or use a PKCS#12 file with --p12"
            ),
        );
    }
    fails(
        &["--cert", "old.pem"],
        78,
        "--cert: the client certificate in old.pem expired on 2020-01-01 00:00:00 UTC: get a new one",
    );
    fails(
        &["--key", "ada.key"],
        78,
        "--key: it names a key but no certificate: name the certificate with `cert` in the same place",
    );
    fails(
        &["--cert", "ada.pem", "--p12", "ada.p12"],
        78,
        "--p12: a client certificate is given twice, here and by --cert: give --cert or --p12, not both",
    );
    fails(&["--p12", "none"], 66, "--p12: there is no file none");
    fails(
        &["--p12", "open.p12"],
        78,
        "--p12: open.p12 can be read by others (mode 0644): run `chmod 600 open.p12`",
    );
    fails(
        &["--p12", "ada.p12"],
        78,
        "--p12: ada.p12 is locked with a password: set VESCLI_P12_PASSWORD, or name a file that holds it with --p12-password-file",
    );
    fails(
        &["--p12", "ada.p12", "--p12-password-file", "wrong"],
        78,
        "--p12: the password of --p12-password-file does not open ada.p12",
    );
    fails(
        &["--p12", "ada.p12", "--p12-password-file", "none"],
        66,
        "--p12-password-file: there is no file none",
    );
    fails(
        &["--p12", "ada.pem"],
        78,
        "--p12: ada.pem is no PKCS#12 file, or a damaged one; PEM files are named with --cert and --key",
    );
    fails(
        &["--p12-password-file", "wrong"],
        78,
        "--p12-password-file: it names a password, but no PKCS#12 file is in use: name one with --p12",
    );
}

#[test]
fn a_certificate_before_its_time_is_told_with_the_clock() {
    let authority = Authority::new();
    let server = gate(&authority).uncalled().start();
    send(&authority)
        .file("new.pem", with_key(&authority.client_not_yet_valid()))
        .args(["--cert", "new.pem"])
        .against(&server)
        .code(78)
        .stderr_contains("error: --cert: the client certificate in new.pem is valid only from 2090-01-01 00:00:00 UTC on, and this machine's clock says 2")
        .run();
}

#[test]
fn a_server_that_wants_another_one_is_told_and_nothing_is_sent() {
    let authority = Authority::new();
    let stranger = Authority::new().client("stranger");
    let versions: [fn(Setup) -> Setup; 2] = [Setup::tls12_only, Setup::tls13_only];
    for version in versions {
        let server = version(gate(&authority)).start();
        let refused = |flags: &[&str], words: &'static str| {
            send(&authority)
                .file("stranger.pem", with_key(&stranger))
                .args(flags)
                .arg("--json")
                .against(&server)
                .code(58)
                .stdout_json(move |document| {
                    assert_eq!(document["outcome"], "not_sent");
                    assert_eq!(document["error"]["class"], "client_certificate");
                    let cause = document["error"]["cause"].as_str().unwrap();
                    assert!(cause.starts_with(words), "{cause}");
                })
                .stderr_contains("\n  not sent\n")
                .run();
        };
        refused(
            &[],
            "the server asked for a client certificate, got none, and ended with the alert ",
        );
        refused(
            &["--cert", "stranger.pem"],
            "the server asked for a client certificate, did not take the one that it got, and ended with the alert ",
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
        .file("ada.pem", with_key(&ada))
        .config("[profiles.a]\ncert = \"../../ada.pem\"\nbase_url = \"https://other.example\"\n")
        .against(&server)
        .code(78)
        .stderr_contains(
            "belongs to https://other.example, but the request goes to https://127.0.0.1:[PORT]: ",
        )
        .run();
}

#[test]
fn a_proxy_that_asks_is_not_shown_the_certificate() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let target = gate(&authority).uncalled().start();
    // A proxy behind TLS that wants a certificate: the handshake is all there is of it.
    let proxy = gate(&authority).start();
    send(&authority)
        .file("ada.pem", with_key(&ada))
        .args(["--cert", "ada.pem", "--base-url", "https://console.invalid"])
        .args(["--proxy", &format!("https://localhost:{}", proxy.port())])
        .code(58)
        .stderr_contains("cause: the proxy asked for a client certificate, which is shown to the service alone, and ended with the alert ")
        .stderr_contains("\n  not sent\n")
        .run();
    assert_eq!(proxy.count(), 0);
    drop(target);
}

#[test]
fn the_service_behind_a_proxy_is_shown_the_certificate() {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = Server::https(authority.server_named(&["console.invalid"]))
        .clients_of(&authority)
        .start();
    let proxy = Proxy::start(Tunnel::To(server.address()));
    send(&authority)
        .file("ada.pem", with_key(&ada))
        .args(["--cert", "ada.pem", "--base-url", "https://console.invalid"])
        .args(["--proxy", &proxy.url()])
        .stdout(ACCEPTED)
        .run();
    assert_eq!(shown(&server), ada.chain()[0].to_vec());
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
        .stdout_contains("  --cert-type P12 \\\n  --cert \"a\\\\:b.p12\" \\\n  --config <(printf 'pass = \"%s\"\\n' \"$(printf '%s\\n' \"$VESCLI_P12_PASSWORD\" | sed ")
        .run();
    curl()
        .args(["--cert", "a.pem", "--key", "a.key"])
        .stdout_contains("  --cert a.pem \\\n  --key a.key \\\n")
        .run();
}

fn with_key(identity: &Identity) -> String {
    format!("{}{}", identity.certificate_pem(), identity.key_pem())
}

/// The frames of encrypted keys; what is inside does not matter, because it is not looked at.
const LOCKED: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
const LOCKED_OLD: &str = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
    DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";

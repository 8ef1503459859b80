//! Client certificates that cannot be used: each is reported in one sentence, and nothing is sent.
#![cfg(feature = "p12")]

use crate::client_certificates::{gate, pkcs12, send};
use support::certificates::Authority;

/// Runs with these flags in a folder of good and bad files, and compares all output.
fn fails(flags: &[&str], code: u8, message: &str) {
    let authority = Authority::new();
    let ada = authority.client("ada");
    let server = gate(&authority).uncalled().start();
    send(&authority)
        .file("ada.pem", ada.certificate_pem())
        .file("ada.key", ada.key_pem())
        .file_mode("open.key", ada.key_pem(), 0o640)
        .file("bob.key", authority.client("bob").key_pem())
        .file("old.pem", authority.expired_client().pem_with_key())
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
}

#[test]
fn pem_files_that_do_not_fit() {
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
        "--cert: text contains no certificate: it must be PEM, which begins with -----BEGIN CERTIFICATE-----; name a .p12 or .pfx file with --p12",
    );
    fails(
        &["--cert", "ada.pem"],
        78,
        "--cert: ada.pem contains no private key: name the file of the key with --key, or put the key into the file of the certificate",
    );
    fails(
        &pem("ada.pem", "bob.key"),
        78,
        "--cert: the private key in bob.key does not belong to the certificate in ada.pem; the client's own certificate has to come first in its file",
    );
}

#[test]
fn keys_that_are_locked_and_certificates_that_are_old() {
    let pem = |cert, key| ["--cert", cert, "--key", key];
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
}

#[test]
fn pkcs12_files_that_do_not_open() {
    fails(
        &["--cert", "ada.pem", "--p12", "ada.p12"],
        78,
        "--p12: a client certificate is given twice, here and by --cert: give --cert or --p12, not both",
    );
    fails(&["--p12", "none"], 66, "--p12: there is no file none");
    fails(&["--p12", "open.p12"], 78, "--p12: open.p12 can be read by others (mode 0644): run `chmod 600 open.p12`");
    fails(
        &["--p12", "ada.p12"],
        78,
        "--p12: ada.p12 is protected by a password: set VESCLI_P12_PASSWORD, or name a file that contains it with --p12-password-file",
    );
    fails(
        &["--p12", "ada.p12", "--p12-password-file", "wrong"],
        78,
        "--p12: the password of --p12-password-file does not open ada.p12",
    );
    fails(&["--p12", "ada.p12", "--p12-password-file", "none"], 66, "--p12-password-file: there is no file none");
    fails(
        &["--p12", "ada.pem"],
        78,
        "--p12: ada.pem is not a PKCS#12 file, or a damaged one; name PEM files with --cert and --key",
    );
    fails(
        &["--p12-password-file", "wrong"],
        78,
        "--p12-password-file: it names a password, but no PKCS#12 file is in use: name one with --p12",
    );
}

#[test]
fn a_certificate_that_is_not_yet_valid_is_reported_with_the_clock() {
    let authority = Authority::new();
    let server = gate(&authority).uncalled().start();
    send(&authority)
        .file("new.pem", authority.client_not_yet_valid().pem_with_key())
        .args(["--cert", "new.pem"])
        .against(&server)
        .code(78)
        .stderr_contains("error: --cert: the client certificate in new.pem is valid only from 2090-01-01 00:00:00 UTC on, and this machine's clock says 2")
        .run();
}

/// The frames of encrypted keys; what is inside does not matter, because it is not read.
const LOCKED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
const LOCKED_OLD: &str = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
    DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";

//! Keys, certificates and PKCS#12 files as openssl makes them, today's kinds and the old ones, shown to nginx; and a
//! machine without any store of trusted certificates.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::harness::Vescli;
use support::nginx::{Config, Nginx};
use support::peer::find;

const PASSWORD: &str = "p12-canary \"\\ password";
const SUBJECT: &str = "O=vescli test, CN=ada";

/// nginx that answers with the subject of the client certificate, and refuses clients without one.
fn nginx() -> Nginx {
    Nginx::start(&Config {
        server: "ssl_client_certificate FOLDER/ca.pem; ssl_verify_client on;",
        location: r#"default_type application/json; return 200 '{"dn":"$ssl_client_s_dn"}';"#,
        ..Config::default()
    })
}

/// Runs openssl in the folder of a run.
fn openssl(folder: &Path, arguments: &[&str]) {
    let Output { status, stderr, .. } = Command::new(find("openssl", "openssl"))
        .args(arguments)
        .current_dir(folder)
        .env("P12_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "openssl {arguments:?}: {message}");
}

/// A send in a folder with `ada.key`, `ada.pem` and what the commands make of them.
fn send(nginx: &Nginx, commands: &[&[&str]]) -> Vescli {
    let ada = nginx.authority.client("ada");
    let vescli = Vescli::new()
        .file("ca.pem", nginx.authority.pem())
        .file("ada.pem", ada.certificate_pem())
        .file("ada.key", ada.key_pem())
        .args(["send", "--email", "a@b.co", "--tenant", "t", "-vv"])
        .args(["--cacert", "ca.pem", "--retries", "0", "--base-url", &nginx.url()])
        .stdout_lacks(PASSWORD)
        .stderr_lacks(PASSWORD);
    for command in commands {
        openssl(vescli.folder(), command);
    }
    // openssl keeps keys to their owner, and not every version does so with PKCS#12 files.
    for name in ["ada.p12", "other.key"] {
        make_private(&vescli.folder().join(name));
    }
    vescli
}

fn make_private(path: &PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    if path.exists() {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

const EXPORT: [&str; 9] = ["pkcs12", "-export", "-in", "ada.pem", "-inkey", "ada.key", "-out", "ada.p12", "-passout"];

#[test]
fn pkcs12_files_of_every_age_are_opened() {
    let nginx = nginx();
    let kinds: [&[&str]; 6] = [
        &[],
        &["-legacy"],
        &["-certfile", "ca.pem"],
        &["-keypbe", "AES-256-CBC", "-certpbe", "AES-256-CBC", "-macalg", "sha512"],
        &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
        &["-name", "a friendly name", "-iter", "100000"],
    ];
    for kind in kinds {
        let export = [&EXPORT, &["env:P12_PASSWORD"][..], kind].concat();
        send(&nginx, &[&export])
            .args(["--p12", "ada.p12"])
            .env("VESCLI_P12_PASSWORD", PASSWORD)
            .stdout_contains("accepted: ")
            .stderr_contains("CN=ada")
            .stderr_contains(r#"{"dn":"CN=ada"#)
            .run();
    }
    assert_eq!(nginx.requests().len(), kinds.len());
}

/// Letters beyond the Basic Multilingual Plane are two units each in the password that a file's MAC is made with.
#[test]
fn a_password_may_contain_any_letter() {
    let password = "a😀b";
    let nginx = nginx();
    let out = format!("pass:{password}");
    let kinds: [&[&str]; 2] = [&[], &["-certfile", "ca.pem", "-macalg", "sha512"]];
    for kind in kinds {
        let export = [&EXPORT, &[out.as_str()][..], kind].concat();
        let ada = |password: &str| {
            let vescli = send(&nginx, &[&export]).args(["--p12", "ada.p12"]);
            vescli.env("VESCLI_P12_PASSWORD", password)
        };
        ada(password).stdout_contains("accepted: ").stderr_contains(r#"{"dn":"CN=ada"#).run();
        for wrong in ["a😁b", "a😀", "ab"] {
            ada(wrong).code(78).stderr_contains("does not open ada.p12").run();
        }
    }
    let legacy = [&EXPORT, &[out.as_str(), "-legacy"][..]].concat();
    send(&nginx, &[&legacy])
        .args(["--p12", "ada.p12"])
        .env("VESCLI_P12_PASSWORD", password)
        .code(78)
        .stderr_contains("the password of VESCLI_P12_PASSWORD has a character beyond U+FFFF, which does not work with the old encryption of ada.p12: ")
        .run();
    assert_eq!(nginx.requests().len(), kinds.len());
}

#[test]
fn a_pkcs12_file_with_an_empty_password_needs_none() {
    let nginx = nginx();
    let export = [&EXPORT[..], &["pass:"]].concat();
    send(&nginx, &[&export])
        .args(["--p12", "ada.p12"])
        .stdout_contains("accepted: ")
        .stderr_contains(r#"{"dn":"CN=ada"#)
        .run();
}

#[test]
fn a_wrong_password_is_reported_for_every_age() {
    let nginx = nginx();
    for kind in [&[][..], &["-legacy"], &["-nomac"]] {
        let export = [&EXPORT, &["env:P12_PASSWORD"][..], kind].concat();
        send(&nginx, &[&export])
            .args(["--p12", "ada.p12"])
            .env("VESCLI_P12_PASSWORD", "wrong-password")
            .code(78)
            .stderr("error: --p12: the password of VESCLI_P12_PASSWORD does not open ada.p12\n")
            .run();
    }
    assert_eq!(nginx.requests().len(), 0);
}

#[test]
fn keys_in_every_form_of_pem_are_read_and_encrypted_ones_refused() {
    let nginx = nginx();
    let plain: [&[&str]; 2] =
        [&["pkey", "-in", "ada.key", "-out", "other.key"], &["ec", "-in", "ada.key", "-out", "other.key"]];
    for command in plain {
        send(&nginx, &[command])
            .args(["--cert", "ada.pem", "--key", "other.key"])
            .stdout_contains("accepted: ")
            .stderr_contains(r#"{"dn":"CN=ada"#)
            .run();
    }
    let locked: [&[&str]; 2] = [
        &["pkey", "-in", "ada.key", "-aes256", "-passout", "env:P12_PASSWORD", "-out", "other.key"],
        &["ec", "-in", "ada.key", "-aes256", "-passout", "env:P12_PASSWORD", "-out", "other.key"],
    ];
    for command in locked {
        send(&nginx, &[command])
            .args(["--cert", "ada.pem", "--key", "other.key"])
            .code(78)
            .stderr_contains("error: --key: the private key in other.key is encrypted")
            .run();
    }
    assert_eq!(nginx.requests().len(), plain.len());
}

#[test]
fn rsa_keys_are_shown_as_well() {
    let nginx = nginx();
    // Signed by itself: nginx lets it pass the handshake and refuses over HTTP, having seen it.
    let make = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "other.key",
        "-out",
        "rsa.pem",
        "-days",
        "2",
        "-subj",
        "/O=vescli test/CN=ada",
    ];
    send(&nginx, &[&make])
        .args(["--cert", "rsa.pem", "--key", "other.key"])
        .code(40)
        .stderr_contains(format!("* client certificate: {SUBJECT}\n"))
        .stderr_contains("The SSL certificate error")
        .run();
}

#[test]
fn without_a_trust_store_the_message_names_the_remedy() {
    let nginx = Nginx::start(&Config::default());
    let program = find("unshare", "util-linux");
    // A mount of its own covers the places where Linux systems keep their store.
    let script = "for place in /etc/ssl /etc/pki /usr/share/ca-certificates /var/lib/ca-certificates; do \
        if [ -d $place ]; then mount -t tmpfs none $place || exit 99; fi; done; exec \"$@\"";
    let bare = |extra: &[&str]| {
        Vescli::program(&program)
            .file("ca.pem", nginx.authority.pem())
            .args(["-rm", "sh", "-c", script, "sh", &support::program()])
            .args(["send", "--email", "a@b.co", "--tenant", "t", "--base-url", &nginx.url()])
            .args(extra)
    };
    bare(&[])
        .code(78)
        .stderr("error: this machine has no store of trusted certificates: install the package ca-certificates, or name a file with --cacert\n")
        .run();
    bare(&["--cacert", "ca.pem"]).stdout_contains("accepted: ").run();
    assert_eq!(nginx.requests().len(), 1);
}

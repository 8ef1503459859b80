//! The command that `--show-curl` prints is right in bash, zsh, fish and dash: for every source of a secret, and for
//! addresses and paths with whatever a shell takes for its own.

use crate::curl::{Given, same};
use support::certificates::{Authority, Identity};
use support::harness::Vescli;
use support::proxy::{Proxy, Tunnel};
use support::server::Server;

fn send(server: &Server, email: &str) -> Vescli {
    Vescli::new().args(["send", "--tenant", "t", "--email", email]).args(["--base-url", &server.url()])
}

/// A token with every sign that a shell, printf or curl's own files could take for its own.
const TOKEN: &str = "s3cret$(id)`id`'\"\\%s\\n!*~#{}/+=";

#[test]
fn plain_addresses_and_tokens_arrive_unchanged() {
    let server = Server::http().start();
    let plain = || send(&server, "hello@example.com");
    same(&server, plain, Given::default());
    for name in ["VESCLI_TOKEN", "F5XC_API_TOKEN"] {
        for token in ["s3cret-token/+=", TOKEN] {
            let given = Given { variables: &[(name, token)], secrets: &["s3cret"], ..Given::default() };
            same(&server, plain, given);
        }
    }
}

#[test]
fn quotes_and_other_signs_arrive_unchanged() {
    let server = Server::http().start();
    for email in [
        "o'brien@example.com",
        "\"quoted\"@example.com",
        "a\\b@example.com",
        "a\\\\b\\'c@example.com",
        "$HOME`id`!x@example.com",
        "@starts.example.com@x",
        "zoë@exämple.com",
        "a&b;c|d>e<f*g?h[i]{j}~#@example.com",
        "(a)%self=b^c@example.com",
    ] {
        let any = || send(&server, email).args(["--allow-any-email", "--cname", "o'c \"n\" \\ $x"]);
        same(&server, any, Given::default());
    }
}

#[test]
fn paths_with_spaces_and_a_private_authority_arrive_unchanged() {
    let authority = Authority::new();
    let host = "example-corp.console.ves.volterra.io";
    let server = Server::https(authority.server_named(&[host])).start();
    // Control, bidirectional and zero-width characters and a line break: right for the shell, and harmless to look at.
    for odd in ["it's", "back\\slash", "\u{1b}[31mred\u{202e}\u{200b}", "a\nb\n"] {
        let (bundle, token) = (format!("my {odd}.pem"), format!("my token {odd}"));
        let own = || {
            Vescli::new()
                .args(["send", "--tenant", "t", "-e", "hello@example.com"])
                .args(["--base-url", &format!("https://{host}:{}/Some%20Path", server.port())])
                .args(["--resolve", &format!("{host}:{}:127.0.0.1", server.port())])
                .args(["--cacert", &bundle, "--token-file", &token])
                .file(&bundle, authority.pem())
                .file(&token, "s3cret-token\r\n")
                .stdout_lacks("\u{1b}")
                .stdout_lacks("\u{202e}")
        };
        let given = Given { secrets: &["s3cret"], ..Given::default() };
        same(&server, own, given);
    }
}

#[test]
fn the_command_of_a_profile_is_run_by_the_shell() {
    let server = Server::http().start();
    let url = server.url();
    let profile = format!(
        "[profiles.p]\ntenant = \"t\"\nbase_url = \"{url}\"\ntoken_command = [\"printf\", \"%s\", \"a'b$c\\\\d\"]\n"
    );
    let own = || Vescli::new().args(["send", "-e", "hello@example.com"]).config(&profile);
    same(&server, own, Given::default());
}

#[test]
fn a_token_from_standard_input_is_read_from_there() {
    let server = Server::http().start();
    let own = || send(&server, "hello@example.com").args(["--token-file", "-"]);
    for stdin in ["s3cret-token", "s3cret-token\n", "s3cret-token\r\n"] {
        let given = Given { stdin: Some(stdin), secrets: &["s3cret"], ..Given::default() };
        same(&server, own, given);
    }
}

/// A PKCS#12 file as people get it.
#[cfg(feature = "p12")]
fn pkcs12(identity: &Identity, password: &str) -> Vec<u8> {
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};

    let certificate = Certificate::from_der(&identity.chain()[0]).unwrap();
    let key = PrivateKey::from_der(identity.key().secret_der()).unwrap();
    let mut store = KeyStore::new();
    let entry = PrivateKeyChain::new("1", key, [certificate]);
    store.add_entry("client", KeyStoreEntry::PrivateKeyChain(entry));
    store.writer(password).write().unwrap()
}

#[cfg(feature = "p12")]
#[test]
fn a_client_certificate_with_its_password_arrives_unchanged() {
    let authority = Authority::new();
    let client = authority.client("ada");
    let server = Server::https(authority.server()).clients_of(&authority).start();
    let password = "s3cret 'p\"a\\ss$w%d";
    let archive = pkcs12(&client, password);
    let own = || {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com"])
            .args(["--base-url", &server.url(), "--cacert", "authority.pem"])
            .args(["--p12", "a:b'c.p12"])
            .file("authority.pem", authority.pem())
            .file("a:b'c.p12", &archive)
            .file("the password", format!("{password}\n"))
    };
    let secrets = &["s3cret", "c4n4ry"];
    let with_variables = Given { variables: &[("VESCLI_P12_PASSWORD", password)], secrets, ..Given::default() };
    same(&server, own, with_variables);
    let with_token = Given {
        variables: &[("VES_P12_PASSWORD", password), ("F5XC_API_TOKEN", "unused")],
        secrets,
        ..Given::default()
    };
    let in_file = || own().args(["--p12-password-file", "the password"]).args(["--token-file", "-"]);
    let given = Given { stdin: Some("c4n4ry\"\\%s"), ..with_token };
    same(&server, in_file, given);
}

#[test]
fn a_proxy_password_from_a_variable_is_in_no_argument() {
    let authority = Authority::new();
    let host = "example-corp.console.ves.volterra.io";
    let server = Server::https(authority.server_named(&[host])).start();
    let proxy = Proxy::start_for("ada", "s3cret", Tunnel::To(server.address()));
    let url = proxy.url().replace("://", "://ada:s3cret@");
    let own = || {
        Vescli::new()
            .args(["send", "--tenant", "example-corp", "-e", "hello@example.com"])
            .args(["--cacert", "authority.pem"])
            .file("authority.pem", authority.pem())
    };
    for name in ["HTTPS_PROXY", "VESCLI_PROXY"] {
        let given =
            Given { variables: &[(name, &url), ("VESCLI_TOKEN", TOKEN)], secrets: &["s3cret"], ..Given::default() };
        same(&server, own, given);
    }
}

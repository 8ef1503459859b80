//! Every way to give a secret, right and wrong, and every way to look at the settings: none of them shows it.

use super::{TOKEN, borne, quiet, send};
use crate::credentials::file_for;
use crate::fault_matrix::PROXY_PASSWORD;
use support::certificates::Authority;
use support::harness::Vescli;
use support::server::{Answer, Server};

pub(super) fn rejecting() -> Server {
    Server::http()
        .choose(|request| {
            let token = borne(request);
            assert_eq!(token, TOKEN, "the request did not bear the token");
            Answer::status(401).body(serde_json::to_string(&token).unwrap())
        })
        .start()
}

#[test]
fn no_source_of_a_token_reveals_it() {
    let server = rejecting();
    for form in ["text", "json"] {
        let send = || send().against(&server).args(["--output", form]);
        quiet(send().env("VESCLI_TOKEN", TOKEN), 41);
        quiet(send().env("F5XC_API_TOKEN", TOKEN), 41);
        quiet(send().args(["--token-file", "-"]).stdin(TOKEN), 41);
        quiet(send().file("token", TOKEN).args(["--token-file", "token"]), 41);
        let config = file_for(&server, "token_file = \"token\"");
        quiet(send().config(&config).file(".config/vescli/token", TOKEN), 41);
        let config = file_for(&server, "token_command = [\"cat\", \"token\"]");
        quiet(send().config(&config).file("token", TOKEN), 41);
    }
}

#[test]
fn a_token_that_cannot_be_used_is_not_quoted() {
    let bad = [format!("{TOKEN} x"), format!("{TOKEN}\nx"), format!("APIToken {TOKEN}"), format!("{TOKEN}ä")];
    for token in &bad {
        quiet(send().env("VESCLI_TOKEN", token).args(["--tenant", "a"]), 78);
        quiet(send().file("token", token).args(["--tenant", "a", "--token-file", "token"]), 78);
        quiet(send().args(["--tenant", "a", "--token-file", "-", "--json"]).stdin(token), 78);
        let command = "[profiles.a]\ntenant = \"a\"\ntoken_command = [\"cat\", \"token\"]\n";
        quiet(send().config(command).file("token", token), 78);
        quiet(Vescli::new().args(["config", "explain", "--tenant", "a"]).env("VESCLI_TOKEN", token), 0);
    }
    // Others can read it.
    quiet(send().file_mode("token", TOKEN, 0o644).args(["--tenant", "a", "--token-file", "token"]), 78);
}

#[test]
fn a_secret_in_the_wrong_place_is_not_quoted() {
    for json in [&[][..], &["--json"]] {
        quiet(send().arg(format!("--token={TOKEN}")).args(json), 2);
        quiet(send().args(["--token", TOKEN]).args(json), 2);
        quiet(send().arg(format!("--p12-password={TOKEN}")).args(json), 2);
        for key in ["token", "api_token", "p12_password"] {
            let config = format!("[profiles.a]\ntenant = \"a\"\n{key} = '''{TOKEN}'''\n");
            quiet(send().config(&config).args(json), 78);
            quiet(Vescli::new().config(&config).args(["config", "show"]).args(json), 78);
        }
        let broken = format!("[profiles.a]\nproxy = \"http://ada:{PROXY_PASSWORD}@h\n");
        quiet(send().config(&broken).args(json), 78);
        quiet(Vescli::new().config(&broken).args(["config", "show"]).args(json), 78);
    }
}

#[test]
fn an_unusable_proxy_is_reported_without_its_password() {
    for proxy in [
        "ftp://ada:P@h",
        "socks4://ada:P@h",
        "http://ada:P@",
        "http://ada:P@h:99999",
        "ada:P@h:x",
        "http://P@",
        "https://ada:P@[::1",
    ] {
        let proxy = proxy.replace('P', PROXY_PASSWORD);
        for json in [&[][..], &["--json"]] {
            let send = || send().args(["--tenant", "a"]).args(json);
            quiet(send().args(["--proxy", &proxy]), 2);
            quiet(send().env("VESCLI_PROXY", &proxy), 78);
            quiet(send().env("https_proxy", &proxy), 78);
            quiet(send().config(&format!("[defaults]\nproxy = '{proxy}'\n")), 78);
        }
    }
    for url in ["https://ada:P@h", "http://ada:P@h", "https://ada:P@h:x", "P@h"] {
        let url = url.replace('P', PROXY_PASSWORD);
        quiet(send().args(["--base-url", &url]), 2);
        quiet(send().args(["--base-url", &url, "--json"]), 2);
    }
}

#[test]
fn what_would_be_sent_is_shown_without_secrets() {
    let proxy = format!("http://ada:{PROXY_PASSWORD}@127.0.0.1:1");
    let config = format!("[profiles.a]\ntenant = \"a\"\nproxy = \"{proxy}\" # {PROXY_PASSWORD}\n");
    let pem = Authority::new().pem();
    for json in [&[][..], &["--json"]] {
        for ways in [&["send", "--dry-run"][..], &["send", "--show-curl"], &["config", "explain"]] {
            let run = || {
                let vescli = Vescli::new().args(ways).args(["--email", "hello@example.com"]).args(json);
                vescli.file("ca.pem", &pem).env("SSL_CERT_FILE", "ca.pem")
            };
            quiet(run().config(&config).env("VESCLI_TOKEN", TOKEN), 0);
            quiet(run().args(["--tenant", "a", "--proxy", &proxy]).env("VESCLI_TOKEN", TOKEN), 0);
            quiet(run().args(["--tenant", "a"]).env("https_proxy", &proxy).env("F5XC_API_TOKEN", TOKEN), 0);
            quiet(run().args(["--tenant", "a", "--token-file", "t"]).file("t", TOKEN), 0);
        }
        for action in ["show", "check", "profiles", "path"] {
            quiet(Vescli::new().config(&config).args(["config", action]).args(json), 0);
        }
    }
}

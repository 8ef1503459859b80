//! Where a token comes from, which one wins, where it may go, and what arrives of it at the server.

use std::fs;

use support::harness::Vescli;
use support::server::{Answer, Server};

fn send() -> Vescli {
    Vescli::new().arg("send")
}

/// Sends to the server, and returns the `Authorization` that arrived.
fn arrives(server: &Server, vescli: Vescli) -> Option<String> {
    let before = server.count();
    vescli.args(["--tenant", "t", "-e", "hello@example.com"]).stdout_contains("accepted: ").against(server).run();
    let requests = server.requests();
    assert_eq!(requests.len(), before + 1);
    let request = requests.last().unwrap();
    request.header("authorization").map(str::to_owned)
}

/// A file that names the server, so that its credential may go there.
pub(crate) fn file_for(server: &Server, credential: &str) -> String {
    let url = server.url();
    format!("[profiles.p]\nbase_url = \"{url}\"\n{credential}\n")
}

#[test]
fn the_whole_credential_comes_from_the_strongest_source() {
    let server = Server::http().start();
    let from = |vescli: Vescli| arrives(&server, vescli).unwrap_or_default();
    let all = |from: usize| {
        let mut vescli = send()
            .file("flag", "t-flag\n")
            .file("file-variable", "t-file-variable\r\n")
            .file("token", "t-profile")
            .file(".config/vescli/token", "t-profile")
            .file(".config/vescli/parent", "t-parent");
        if from == 0 {
            vescli = vescli.args(["--token-file", "flag"]);
        }
        if from <= 1 {
            vescli = vescli.env("VESCLI_TOKEN", "t-variable");
        }
        if from <= 2 {
            vescli = vescli.env("VESCLI_TOKEN_FILE", "file-variable");
        }
        let line = |at, text| if from <= at { text } else { "" };
        let url = server.url();
        let toml = format!(
            "default_profile = \"p\"\n[defaults]\n{}\n[profiles.p]\nbase_url = \"{url}\"\nextends = \"q\"\n{}\n[profiles.q]\n{}\n",
            line(5, "token_command = [\"echo\", \"t-defaults\"]"),
            line(3, "token_file = \"token\""),
            line(4, "token_file = \"parent\"")
        );
        vescli.config(&toml).env("F5XC_API_TOKEN", "t-foreign")
    };
    for (level, token) in
        ["t-flag", "t-variable", "t-file-variable", "t-profile", "t-parent", "t-defaults", "t-foreign"]
            .into_iter()
            .enumerate()
    {
        assert_eq!(from(all(level)), format!("APIToken {token}"), "level {level}");
    }
}

#[test]
fn no_auth_sends_no_credential_despite_any_configuration() {
    let server = Server::http().start();
    for vescli in [
        send().env("VESCLI_NO_AUTH", "1").env("F5XC_API_TOKEN", "t"),
        send().env("VESCLI_NO_AUTH", "1").env("VESCLI_TOKEN", "t"),
        send().config(&file_for(&server, "no_auth = true")).env("F5XC_API_TOKEN", "t"),
    ] {
        assert_eq!(arrives(&server, vescli), None);
    }
}

#[test]
fn without_a_credential_the_request_is_sent_and_a_401_names_the_reason() {
    let server = Server::http().answer(Answer::status(401).body("\"no\"")).start();
    let send = || Vescli::new().args(["send", "--tenant", "t", "-e", "hello@example.com"]).against(&server).code(41);
    send().stderr_contains("hint: no credential was sent: set VESCLI_TOKEN, or name a file with --token-file\n").run();
    assert_eq!(server.request().header("authorization"), None);
    send().env("VESCLI_TOKEN", "s3cret-token").stderr_contains("hint: Check the token: ").stderr_lacks("s3cret").run();
    // No other credential is tried.
    assert_eq!(server.count(), 2);
}

#[test]
fn a_token_file_is_refused_like_ssh_refuses_a_key() {
    let server = Server::http().uncalled().start();
    let send = |path: &str| {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com"])
            .args(["--token-file", path])
            .against(&server)
            .code(78)
    };
    for (mode, shown) in [(0o644, "0644"), (0o640, "0640"), (0o604, "0604"), (0o660, "0660"), (0o601, "0601")] {
        send("token")
            .file_mode("token", "s3cret-token", mode)
            .stderr(format!("error: --token-file: token can be read by others (mode {shown}): run `chmod 600 token`\n"))
            .run();
    }
    send("missing").code(66).stderr("error: --token-file: there is no file missing\n").run();
    let folder = send("folder");
    fs::create_dir(folder.folder().join("folder")).unwrap();
    folder.stderr_contains("folder is not a regular file and not a pipe; ").run();
    for (content, reason) in [
        ("", "is empty: write the API token into the file"),
        ("\n", "is empty"),
        ("s3cret token", "contains a space"),
        ("s3cret\ntoken\n", "contains a space, a line break"),
        ("s3cret\u{e4}", "contains a space, a line break or a character that is not ASCII"),
        ("APIToken s3cret", "begins with `APIToken `"),
    ] {
        send("token")
            .file("token", content)
            .stderr_contains(format!("error: --token-file: the token in token {reason}"))
            .stderr_lacks("s3cret")
            .run();
    }
}

#[test]
fn a_private_token_file_and_standard_input_are_read() {
    let server = Server::http().start();
    for mode in [0o600, 0o400] {
        let vescli = send().file_mode("token", "s3cret-token\n", mode);
        let vescli = vescli.env("VESCLI_TOKEN_FILE", "token");
        let arrived = arrives(&server, vescli);
        assert_eq!(arrived.as_deref(), Some("APIToken s3cret-token"));
    }
    let piped = send().env("VESCLI_TOKEN_FILE", "-").stdin("from-a-pipe\n");
    let arrived = arrives(&server, piped);
    assert_eq!(arrived.as_deref(), Some("APIToken from-a-pipe"));
}

#[test]
fn a_token_command_runs_without_a_shell_and_without_our_secrets() {
    let server = Server::http().start();
    let words = "token_command = [\"printf\", \"%s\", \"$HOME;`id`|x\"]";
    let arrived = arrives(&server, send().config(&file_for(&server, words)));
    assert_eq!(arrived.as_deref(), Some("APIToken $HOME;`id`|x"));
    let shows = "token_command = [\"sh\", \"-c\", \"env >&2; echo seen\"]";
    let canaries = send()
        .config(&file_for(&server, shows))
        .env("F5XC_API_TOKEN", "canary-1")
        .env("VESCLI_P12_PASSWORD", "canary-2")
        .env("VES_P12_PASSWORD", "canary-3")
        .env("PASSES", "through")
        .stderr_contains("PASSES=through\n")
        .stderr_lacks("canary");
    let arrived = arrives(&server, canaries);
    assert_eq!(arrived.as_deref(), Some("APIToken seen"));
}

#[test]
fn a_failed_token_command_is_reported_and_nothing_is_sent() {
    let server = Server::http().uncalled().start();
    for (words, message) in [
        ("[\"false\"]", "the command `false` failed (exit status: 1)"),
        ("[\"sh\", \"-c\", \"echo s3cret; exit 3\"]", "the command `sh` failed (exit status: 3)"),
        ("[\"true\"]", "the token is empty"),
        ("[\"/no/such/command\"]", "the command `/no/such/command` cannot be run: "),
    ] {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com"])
            .config(&file_for(&server, &format!("token_command = {words}")))
            .code(78)
            .stderr_contains(format!("error: [FOLDER]/.config/vescli/config.toml:3:1 [profiles.p]: {message}"))
            .stderr_lacks("s3cret")
            .run();
    }
}

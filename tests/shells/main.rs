//! The curl command of `--show-curl`, run by real shells with a real curl: what arrives at the server is what vescli
//! itself would have sent. A target of its own, run by `cargo test --test shells`, because it needs more than Rust.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a harness that cannot go on has found a failure, and a panic is how a test says so"
)]
#![expect(
    dead_code,
    unused_imports,
    reason = "the modules are those of the other target, which uses them whole"
)]

#[path = "../cli/certificates.rs"]
mod certificates;
#[path = "../cli/harness/mod.rs"]
mod harness;
#[path = "../cli/loopback.rs"]
mod loopback;
mod scripts;
#[path = "../cli/server/mod.rs"]
mod server;

use std::process::{Command, Stdio};

use certificates::Authority;
use harness::Vescli;
use server::{Recorded, Server};

const SHELLS: [&str; 2] = ["bash", "zsh"];

/// Fails with a sentence when a program that these tests need is missing.
fn need(program: &str) {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        found.is_ok(),
        "these tests run {program}, which is not installed: install it, or leave `--test shells` out"
    );
}

/// What has to be the same, whoever sends it.
#[derive(Debug, PartialEq)]
struct Essence {
    method: String,
    path: String,
    headers: [(&'static str, Option<String>); 6],
    body: Vec<u8>,
}

fn essence(request: &Recorded) -> Essence {
    let names = [
        "accept",
        "authorization",
        "content-type",
        "content-length",
        "host",
        "user-agent",
    ];
    let headers = names.map(|name| (name, request.header(name).map(str::to_owned)));
    Essence {
        method: request.method.clone(),
        path: request.path.clone(),
        headers,
        body: request.body.clone(),
    }
}

/// Sends with vescli and with the printed command in each shell, and compares what arrived.
fn same(server: &Server, vescli: impl Fn() -> Vescli, variables: &[(&str, &str)]) {
    need("curl");
    let with = |mut run: Vescli| {
        for (name, value) in variables {
            run = run.env(name, value);
        }
        run
    };
    with(vescli()).stdout_contains("accepted: ").run();
    let own = essence(&server.requests().pop().unwrap());
    for shell in SHELLS {
        need(shell);
        let printed = with(vescli().arg("--show-curl"))
            .stdout_contains("curl --disable ")
            .run();
        for (_, value) in variables.iter().filter(|(name, _)| *name == "VESCLI_TOKEN") {
            assert!(!printed.stdout.contains(value), "{}", printed.stdout);
        }
        let before = server.count();
        let ran = Command::new(shell)
            .args(["-c", &printed.stdout])
            .envs(variables.iter().copied())
            .current_dir(&printed.folder)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{shell}: {told}\n{}", printed.stdout);
        let requests = server.requests();
        assert_eq!(requests.len(), before + 1, "{shell}: {}", printed.stdout);
        let request = requests.last().unwrap();
        assert_eq!(essence(request), own, "{shell}: {}", printed.stdout);
        for name in ["expect", "accept-encoding", "cookie", "referer"] {
            assert_eq!(request.header(name), None, "{shell}");
        }
    }
}

fn send(server: &Server, email: &str) -> Vescli {
    Vescli::new()
        .args(["send", "--tenant", "t", "--email", email])
        .args(["--base-url", &server.url()])
}

#[test]
fn plain_addresses_and_tokens_arrive_alike() {
    let server = Server::http().start();
    let plain = || send(&server, "hello@example.com");
    same(&server, plain, &[]);
    same(&server, plain, &[("VESCLI_TOKEN", "s3cret-token/+=")]);
    same(&server, plain, &[("VESCLI_TOKEN", "$(id)`id`'\"\\%s\\n")]);
    same(&server, plain, &[("F5XC_API_TOKEN", "s3cret-foreign")]);
}

#[test]
fn quotes_and_other_signs_arrive_alike() {
    let server = Server::http().start();
    for email in [
        "o'brien@example.com",
        "\"quoted\"@example.com",
        "a\\b@example.com",
        "$HOME`id`!x@example.com",
        "@starts.example.com@x",
        "zoë@exämple.com",
        "a&b;c|d>e<f*g?h[i]{j}~#@example.com",
    ] {
        let any = || send(&server, email).args(["--allow-any-email", "--cname", "o'c \"n\" $x"]);
        same(&server, any, &[]);
    }
}

#[test]
fn paths_with_spaces_and_a_private_authority_arrive_alike() {
    let authority = Authority::new();
    let host = "example-corp.console.ves.volterra.io";
    let server = Server::https(authority.server_named(&[host])).start();
    let own = || {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "hello@example.com"])
            .args([
                "--base-url",
                &format!("https://{host}:{}/Some%20Path", server.port()),
            ])
            .args(["--resolve", &format!("{host}:{}:127.0.0.1", server.port())])
            .args([
                "--cacert",
                "my authority's.pem",
                "--token-file",
                "my token's file",
            ])
            .file("my authority's.pem", authority.pem())
            .file("my token's file", "s3cret-token\n")
    };
    same(&server, own, &[]);
}

#[test]
fn the_command_of_a_profile_is_run_by_the_shell() {
    let server = Server::http().start();
    let url = server.url();
    let profile = format!(
        "[profiles.p]\ntenant = \"t\"\nbase_url = \"{url}\"\ntoken_command = [\"printf\", \"%s\", \"a'b$c\"]\n"
    );
    let own = || {
        Vescli::new()
            .args(["send", "-e", "hello@example.com"])
            .config(&profile)
    };
    same(&server, own, &[]);
}

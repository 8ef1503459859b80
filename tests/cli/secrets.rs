//! A token and a proxy's password that must never be seen: neither in what is printed, whatever goes wrong, nor in the
//! arguments or the environment of a process that vescli starts.

use std::fs;
use std::path::Path;

use crate::certificates::Authority;
use crate::fault_matrix::{self, PROXY_PASSWORD};
use crate::harness::{Output, Vescli};
use crate::server::{Answer, Moment, Recorded, Server};

/// Holds what JSON escapes, what URLs escape, and letters of both cases.
const TOKEN: &str = r#"c4n4ry-T0ken"5\e1f/A+b="#;

fn lacks(text: &str, what: &str) {
    let forms = [
        TOKEN,
        r#"c4n4ry-T0ken\"5\\e1f/A+b="#,
        "c4n4ry-T0ken%225%5Ce1f%2FA%2Bb%3D",
        PROXY_PASSWORD,
    ];
    let text = text.to_ascii_lowercase();
    for form in forms {
        let form = form.to_ascii_lowercase();
        assert!(!text.contains(&form), "{what} holds {form:?}");
    }
    // Parts that are left when a form is blotted out badly.
    for part in ["c4n4ry", "a+b=", "a%2bb"] {
        assert!(!text.contains(part), "{what} holds {part:?}");
    }
}

fn silent(output: &Output) {
    lacks(&output.stdout, "stdout");
    lacks(&output.stderr, "stderr");
}

/// Runs to whatever end and looks for the secrets.
fn quiet(vescli: Vescli, code: u8) -> Output {
    let output = vescli
        .env("RUST_BACKTRACE", "full")
        .code(code)
        .stdout_contains("")
        .stderr_contains("")
        .run();
    silent(&output);
    output
}

fn send() -> Vescli {
    Vescli::new().args([
        "send",
        "--email",
        "hello@example.com",
        "--cname",
        "example",
        "-vv",
    ])
}

#[test]
fn no_fault_of_the_matrix_tells_a_secret() {
    for group in fault_matrix::groups() {
        fault_matrix::for_each(&group.rows, |row| {
            for form in ["text", "json"] {
                let scene = (row.scene)();
                let vescli = fault_matrix::send(row, &scene)
                    .args(["-vv", "--output", form])
                    .env("VESCLI_TOKEN", TOKEN);
                quiet(vescli, row.code);
                assert!(scene.requests() <= 1);
            }
        });
    }
}

/// The token as the request bore it.
fn borne(request: &Recorded) -> String {
    let header = request.header("authorization").unwrap_or_default();
    header
        .strip_prefix("APIToken ")
        .unwrap_or_default()
        .to_owned()
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Sends the token back in every place and form.
fn echo(code: u16, request: &Recorded) -> Answer {
    let token = borne(request);
    assert_eq!(token, TOKEN, "the request did not bear the token");
    let quoted = serde_json::to_string(&token).unwrap();
    let encoded = percent_encoded(&token);
    let bodies = [
        format!(r#"{{"code":16,"message":{quoted},"details":[{{"details":{quoted}}}]}}"#),
        quoted.clone(),
        format!(
            "bad token {token}, {encoded}, {quoted}, {}",
            token.to_uppercase()
        ),
        format!("<html>{token} {quoted}</html>"),
        format!("[{quoted}, {token}"),
    ];
    let body = &bodies[request.connection % bodies.len()];
    Answer::status(code)
        .header(
            "Location",
            format!("https://login.invalid/?token={encoded}&raw={token}"),
        )
        .header("X-Echo", format!("{token} {encoded} {quoted}"))
        .header("Set-Cookie", &token)
        .header("WWW-Authenticate", &token)
        .header("X-c4n4ry-T0ken", "a name can only bear a part")
        .body(body)
}

#[test]
fn a_server_that_tells_the_token_back_is_not_repeated() {
    for (code, exits) in [
        (200, [0, 20]),
        (302, [30, 30]),
        (401, [41, 41]),
        (500, [50, 50]),
        (600, [8, 8]),
    ] {
        let server = Server::http()
            .choose(move |request| echo(code, request))
            .start();
        for form in ["text", "json"] {
            for body in 0..5 {
                let exit = exits[usize::from(body > 0)];
                let vescli = send()
                    .against(&server)
                    .args(["--output", form, "--retries", "0"]);
                let output = vescli
                    .env("VESCLI_TOKEN", TOKEN)
                    .env("RUST_BACKTRACE", "full")
                    .code(exit)
                    .stdout_contains("")
                    .stderr_contains("***")
                    .run();
                // The name of a header is no secret; what is left of it would hide one.
                let shown = |text: &str| text.replace("x-c4n4ry-t0ken: a name", "");
                lacks(&shown(&output.stdout), "stdout");
                lacks(&shown(&output.stderr), "stderr");
            }
        }
    }
}

fn rejecting() -> Server {
    Server::http()
        .choose(|request| {
            let token = borne(request);
            assert_eq!(token, TOKEN, "the request did not bear the token");
            Answer::status(401).body(serde_json::to_string(&token).unwrap())
        })
        .start()
}

#[test]
fn no_source_of_a_token_tells_it() {
    let server = rejecting();
    for form in ["text", "json"] {
        let send = || send().against(&server).args(["--output", form]);
        quiet(send().env("VESCLI_TOKEN", TOKEN), 41);
        quiet(send().env("F5XC_API_TOKEN", TOKEN), 41);
        quiet(send().args(["--token-file", "-"]).stdin(TOKEN), 41);
        quiet(
            send().file("token", TOKEN).args(["--token-file", "token"]),
            41,
        );
        let config = "[profiles.a]\ntoken_file = \"token\"\n";
        quiet(
            send().config(config).file(".config/vescli/token", TOKEN),
            41,
        );
        let config = "[profiles.a]\ntoken_command = [\"cat\", \"token\"]\n";
        quiet(send().config(config).file("token", TOKEN), 41);
    }
}

#[test]
fn a_token_that_cannot_be_used_is_not_quoted() {
    let bad = [
        format!("{TOKEN} x"),
        format!("{TOKEN}\nx"),
        format!("APIToken {TOKEN}"),
        format!("{TOKEN}ä"),
    ];
    for token in &bad {
        quiet(
            send().env("VESCLI_TOKEN", token).args(["--tenant", "a"]),
            78,
        );
        quiet(
            send()
                .file("token", token)
                .args(["--tenant", "a", "--token-file", "token"]),
            78,
        );
        quiet(
            send()
                .args(["--tenant", "a", "--token-file", "-", "--json"])
                .stdin(token),
            78,
        );
        let command = "[profiles.a]\ntenant = \"a\"\ntoken_command = [\"cat\", \"token\"]\n";
        quiet(send().config(command).file("token", token), 78);
        quiet(
            Vescli::new()
                .args(["config", "explain", "--tenant", "a"])
                .env("VESCLI_TOKEN", token),
            0,
        );
    }
    // Others can read it.
    quiet(
        send()
            .file_mode("token", TOKEN, 0o644)
            .args(["--tenant", "a", "--token-file", "token"]),
        78,
    );
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
            quiet(
                Vescli::new()
                    .config(&config)
                    .args(["config", "show"])
                    .args(json),
                78,
            );
        }
        let broken = format!("[profiles.a]\nproxy = \"http://ada:{PROXY_PASSWORD}@h\n");
        quiet(send().config(&broken).args(json), 78);
        quiet(
            Vescli::new()
                .config(&broken)
                .args(["config", "show"])
                .args(json),
            78,
        );
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_told_without_its_password() {
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
            quiet(
                send().config(&format!("[defaults]\nproxy = '{proxy}'\n")),
                78,
            );
        }
    }
    for url in [
        "https://ada:P@h",
        "http://ada:P@h",
        "https://ada:P@h:x",
        "P@h",
    ] {
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
        for ways in [
            &["send", "--dry-run"][..],
            &["send", "--show-curl"],
            &["config", "explain"],
        ] {
            let run = || {
                let vescli = Vescli::new()
                    .args(ways)
                    .args(["--email", "hello@example.com"])
                    .args(json);
                vescli.file("ca.pem", &pem).env("SSL_CERT_FILE", "ca.pem")
            };
            quiet(run().config(&config).env("VESCLI_TOKEN", TOKEN), 0);
            quiet(
                run()
                    .args(["--tenant", "a", "--proxy", &proxy])
                    .env("VESCLI_TOKEN", TOKEN),
                0,
            );
            quiet(
                run()
                    .args(["--tenant", "a"])
                    .env("https_proxy", &proxy)
                    .env("F5XC_API_TOKEN", TOKEN),
                0,
            );
            quiet(
                run()
                    .args(["--tenant", "a", "--token-file", "t"])
                    .file("t", TOKEN),
                0,
            );
        }
        for action in ["show", "check", "profiles", "path"] {
            quiet(
                Vescli::new()
                    .config(&config)
                    .args(["config", action])
                    .args(json),
                0,
            );
        }
    }
}

/// What a process says of its own arguments and environment.
const ABOUT_ITSELF: &str = "tr '\\000' '\\n' </proc/$$/environ >about; tr '\\000' '\\n' </proc/$$/cmdline >>about; \
    tr '\\000' '\\n' </proc/$PPID/cmdline >>about";

fn about(folder: &Path) -> String {
    let about = fs::read_to_string(folder.join("about")).unwrap();
    assert!(about.contains("HOME="), "nothing was told: {about}");
    about
}

#[test]
#[cfg(target_os = "linux")]
fn a_token_command_is_told_no_secret() {
    let server = rejecting();
    let script = format!("{ABOUT_ITSELF}; cat token");
    let config = format!(
        "[profiles.a]\ntoken_command = [\"/bin/sh\", \"-c\", {}]\n",
        serde_json::to_string(&script).unwrap()
    );
    let vescli = send()
        .against(&server)
        .config(&config)
        .file("token", TOKEN)
        .env("F5XC_API_TOKEN", "c4n4ry-1")
        .env("VESCLI_P12_PASSWORD", "c4n4ry-2")
        .env("VES_P12_PASSWORD", "c4n4ry-3")
        .env(
            "VESCLI_PROXY",
            format!("http://ada:{PROXY_PASSWORD}@127.0.0.1:1"),
        );
    let output = quiet(vescli, 41);
    lacks(&about(&output.folder), "the process of the command");
}

#[test]
#[cfg(target_os = "linux")]
fn a_rehearsed_command_is_told_no_secret() {
    let vescli = Vescli::new()
        .args(["sandbox", "--", "/bin/sh", "-c", ABOUT_ITSELF])
        .env("VESCLI_TOKEN", TOKEN)
        .env("VESCLI_P12_PASSWORD", "c4n4ry-2");
    let output = quiet(vescli, 0);
    let about = about(&output.folder);
    lacks(&about, "the rehearsed command");
    assert!(
        about.contains("VESCLI_TOKEN="),
        "the sandbox's own token is missing: {about}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn no_argument_of_the_program_bears_the_token() {
    let server = Server::http().answer(Answer::stall(Moment::Whole)).start();
    let running = send()
        .against(&server)
        .args(["--token-file", "-", "--timeout", "1s"])
        .stdin(TOKEN)
        .code(28)
        .stderr_contains("out of time")
        .start();
    server.wait_for(1);
    for name in ["cmdline", "environ", "comm"] {
        let bytes = fs::read(format!("/proc/{}/{name}", running.id())).unwrap();
        lacks(&String::from_utf8_lossy(&bytes), name);
    }
    silent(&running.finish());
}

#[test]
#[should_panic(expected = "stdout holds")]
fn a_secret_that_is_told_is_seen() {
    let shell = Vescli::program("/bin/sh").args(["-c", "printf %s \"$VESCLI_TOKEN\""]);
    quiet(shell.env("VESCLI_TOKEN", TOKEN), 0);
}

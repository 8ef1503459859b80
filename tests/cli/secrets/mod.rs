//! A token and a proxy's password that must never be seen: neither in what is printed, whatever goes wrong, nor in the
//! arguments or the environment of a process that vescli starts.

mod processes;
mod sources;

use crate::fault_matrix::{self, PROXY_PASSWORD};
use support::harness::{Output, Vescli};
use support::server::{Answer, Recorded, Server};

/// Contains what JSON escapes, what URLs escape, and letters of both cases.
const TOKEN: &str = r#"c4n4ry-T0ken"5\e1f/A+b="#;

fn lacks(text: &str, what: &str) {
    let forms = [TOKEN, r#"c4n4ry-T0ken\"5\\e1f/A+b="#, "c4n4ry-T0ken%225%5Ce1f%2FA%2Bb%3D", PROXY_PASSWORD];
    let text = text.to_ascii_lowercase();
    for form in forms {
        let form = form.to_ascii_lowercase();
        assert!(!text.contains(&form), "{what} contains {form:?}");
    }
    // Parts that are left when a form is redacted badly.
    for part in ["c4n4ry", "a+b=", "a%2bb"] {
        assert!(!text.contains(part), "{what} contains {part:?}");
    }
}

fn silent(output: &Output) {
    lacks(&output.stdout, "stdout");
    lacks(&output.stderr, "stderr");
}

/// Runs to any end and searches the output for the secrets.
fn quiet(vescli: Vescli, code: u8) -> Output {
    let output = vescli.env("RUST_BACKTRACE", "full").code(code).stdout_contains("").stderr_contains("").run();
    silent(&output);
    output
}

fn send() -> Vescli {
    Vescli::new().args(["send", "--email", "hello@example.com", "--cname", "example", "-vv"])
}

/// A client certificate beside the token, with a password that must not be seen either.
#[cfg(feature = "p12")]
fn with_identity(vescli: Vescli, p12: &[u8]) -> Vescli {
    use crate::client_certificates::PASSWORD;

    vescli
        .file("ada.p12", p12)
        .env("VESCLI_P12", "ada.p12")
        .env("VESCLI_P12_PASSWORD", PASSWORD)
        .stdout_lacks(PASSWORD)
        .stderr_lacks(PASSWORD)
        .stdout_lacks("canary")
        .stderr_lacks("canary")
}

#[cfg(not(feature = "p12"))]
fn with_identity(vescli: Vescli, _: &[u8]) -> Vescli {
    vescli
}

fn p12() -> Vec<u8> {
    #[cfg(feature = "p12")]
    {
        let authority = support::certificates::Authority::new();
        crate::client_certificates::pkcs12(&authority.client("ada"), None)
    }
    #[cfg(not(feature = "p12"))]
    Vec::new()
}

/// With `--json` the text is on standard error, so one run shows both.
#[test]
fn no_row_of_the_fault_matrix_reveals_a_secret() {
    let p12 = p12();
    for group in fault_matrix::groups() {
        fault_matrix::for_each(&group.rows, |row| {
            let scene = (row.scene)();
            let vescli = fault_matrix::send(row, &scene).args(["-vv", "--json"]).env("VESCLI_TOKEN", TOKEN);
            quiet(with_identity(vescli, &p12), row.code);
            assert!(scene.requests() <= 1);
        });
    }
}

/// The token as the request contained it.
fn borne(request: &Recorded) -> String {
    let header = request.header("authorization").unwrap_or_default();
    header.strip_prefix("APIToken ").unwrap_or_default().to_owned()
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
        format!("bad token {token}, {encoded}, {quoted}, {}", token.to_uppercase()),
        format!("<html>{token} {quoted}</html>"),
        format!("[{quoted}, {token}"),
    ];
    let body = &bodies[request.connection % bodies.len()];
    Answer::status(code)
        .header("Location", format!("https://login.invalid/?token={encoded}&raw={token}"))
        .header("X-Echo", format!("{token} {encoded} {quoted}"))
        .header("Set-Cookie", &token)
        .header("WWW-Authenticate", &token)
        .header("X-c4n4ry-T0ken", "a name can only bear a part")
        .body(body)
}

#[test]
fn a_token_echoed_by_the_server_is_not_printed() {
    for (code, exit) in [(200, 20), (302, 30), (401, 41), (500, 50), (600, 8)] {
        let server = Server::http().choose(move |request| echo(code, request)).start();
        for form in ["text", "json"] {
            for _ in 0..5 {
                let vescli = send().against(&server).args(["--output", form, "--retries", "0"]);
                let output = vescli
                    .env("VESCLI_TOKEN", TOKEN)
                    .env("RUST_BACKTRACE", "full")
                    .code(exit)
                    .stdout_contains("")
                    .stderr_contains("***")
                    .run();
                // The name of a header is not a secret; what is left of it would hide one.
                let shown = |text: &str| text.replace("x-c4n4ry-t0ken: a name", "");
                lacks(&shown(&output.stdout), "stdout");
                lacks(&shown(&output.stderr), "stderr");
            }
        }
    }
}

#[test]
#[should_panic(expected = "stdout contains")]
fn a_revealed_secret_is_detected() {
    let shell = Vescli::program("/bin/sh").args(["-c", "printf %s \"$VESCLI_TOKEN\""]);
    quiet(shell.env("VESCLI_TOKEN", TOKEN), 0);
}

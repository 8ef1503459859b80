//! Text that others wrote reaches the terminal without a single character that could steer it, and JSON exactly.

use std::ops::Range;

use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::harness::{Output, Vescli};
use crate::server::{Answer, Server};

/// Characters per run: fewer than the 500 at which a text is cut.
const CHUNK: usize = 300;

/// Whether a character steers a terminal or hides: written down anew, so that the program's own table is not its judge.
fn is_dangerous(c: char) -> bool {
    let ranges: [(u32, u32); 10] = [
        (0x00, 0x1f),     // C0
        (0x7f, 0x9f),     // DEL and C1
        (0xad, 0xad),     // soft hyphen
        (0x61c, 0x61c),   // Arabic letter mark
        (0x180e, 0x180e), // Mongolian vowel separator
        (0x200b, 0x200f), // zero-width characters and marks of direction
        (0x2028, 0x202e), // line and paragraph separators, embeddings and overrides
        (0x2060, 0x206f), // word joiner, isolates
        (0xfeff, 0xfeff), // byte order mark
        (0xfff9, 0xfffb), // annotations
    ];
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
}

fn clean(text: &str, name: &str) {
    for line in text.split('\n') {
        if let Some(at) = line.chars().position(is_dangerous) {
            let around: String = line.chars().skip(at.saturating_sub(20)).take(30).collect();
            panic!("{name} shows a character that steers or hides: {around:?}");
        }
    }
}

fn chunks_of(range: Range<u32>) -> Vec<String> {
    let all: Vec<char> = range
        .filter_map(char::from_u32)
        .chain(['\u{feff}', '\u{fff9}'])
        .collect();
    all.chunks(CHUNK).map(String::from_iter).collect()
}

/// Every code point below U+3000, with the byte order mark.
fn chunks() -> Vec<String> {
    chunks_of(0..0x3000)
}

/// The same without NUL, which no argument, variable or file name can hold.
fn words() -> Vec<String> {
    chunks_of(1..0x3000)
}

/// The same as file names: no slash, and not longer than a name may be.
fn names() -> Vec<String> {
    let all: Vec<char> = (1..0x3000)
        .filter_map(char::from_u32)
        .filter(|c| *c != '/')
        .collect();
    all.chunks(80).map(String::from_iter).collect()
}

fn quoted(text: &str) -> String {
    // A string of JSON is one of TOML, too, but for DEL.
    serde_json::to_string(text)
        .unwrap()
        .replace('\u{7f}', "\\u007f")
}

fn runs_cleanly(vescli: Vescli, code: u8) -> Output {
    let output = vescli
        .code(code)
        .stdout_contains("")
        .stderr_contains("")
        .run();
    clean(&output.stdout, "stdout");
    clean(&output.stderr, "stderr");
    output
}

fn in_json(vescli: Vescli, code: u8) -> Value {
    let output = runs_cleanly(vescli.arg("--json"), code);
    assert_eq!(output.stdout.lines().count(), 1, "{}", output.stdout);
    serde_json::from_str(&output.stdout).unwrap()
}

fn send() -> Vescli {
    Vescli::new().args(["send", "--cname", "example"])
}

fn to_hello() -> Vescli {
    send().args(["--email", "hello@example.com"])
}

#[test]
fn what_a_server_says_in_a_body() {
    for chunk in chunks() {
        let plain = chunk.trim().to_owned();
        let bodies = [
            (quoted(&chunk), chunk.clone()),
            (json!({"message": chunk}).to_string(), chunk.clone()),
            (
                json!({"details": [{"value": chunk}]}).to_string(),
                chunk.clone(),
            ),
            (plain.clone(), plain),
        ];
        let answers = bodies
            .iter()
            .map(|(body, _)| Answer::status(400).body(body));
        let twice = answers.flat_map(|answer| [answer.clone(), answer]);
        let server = Server::http().answers(twice).start();
        for (_, text) in &bodies {
            runs_cleanly(to_hello().against(&server).arg("-vv"), 40);
            let told = in_json(to_hello().against(&server), 40);
            let message = told["error"]["server_message"].as_str().unwrap();
            assert_eq!(message.trim_ascii(), text.trim_ascii());
        }
    }
}

#[test]
fn what_a_server_says_in_a_header() {
    // HTTP lets no other control characters through than the tab.
    let all: String = ['\t']
        .into_iter()
        .chain((0x20..0x7f).chain(0x80..0x3000).filter_map(char::from_u32))
        .collect();
    let all: Vec<char> = all.chars().collect();
    for chunk in all.chunks(CHUNK) {
        let value = format!("/x{}x", String::from_iter(chunk));
        let answer = Answer::status(302)
            .header("Location", &value)
            .header("X-Any", &value);
        let server = Server::http().answer(answer).start();
        runs_cleanly(to_hello().against(&server).arg("-vv"), 30);
        let told = in_json(to_hello().against(&server), 30);
        assert_eq!(told["error"]["location"], value);
    }
    // Bytes that are no text at all.
    let bytes: Vec<u8> = (0x80..=0xff).collect();
    let server = Server::http()
        .answer(Answer::status(302).header("Location", bytes))
        .start();
    runs_cleanly(to_hello().against(&server).arg("-vv"), 30);
}

#[test]
fn addresses_and_cnames() {
    let server = Server::http().start();
    for word in words() {
        let dangerous = word.chars().any(is_dangerous);
        let visible: String = word.chars().filter(|c| !is_dangerous(*c)).collect();
        let send = |vescli: Vescli, email: &str, cname: &str| {
            vescli
                .against(&server)
                .args(["send", "--allow-any-email", "-vv"])
                .arg(format!("--email={email}"))
                .arg(format!("--cname={cname}"))
        };
        if dangerous {
            let told = in_json(send(Vescli::new(), &word, "example"), 2);
            assert_eq!(told["email"], word);
            runs_cleanly(send(Vescli::new(), &word, "example"), 2);
            runs_cleanly(send(Vescli::new(), "a@b.co", &word), 2);
        }
        // What looks harmless may still be refused; it is what is shown that counts.
        runs_cleanly(send(whatever_the_end(), &visible, "example"), 0);
        runs_cleanly(send(whatever_the_end(), "a@b.co", &visible), 0);
    }
}

/// For what may be accepted or refused: the shell takes the code upon itself.
fn whatever_the_end() -> Vescli {
    let program = env!("CARGO_BIN_EXE_vescli");
    Vescli::program("/bin/sh").args(["-c", "\"$@\"; exit 0", "sh", program])
}

#[test]
fn arguments_that_are_not_understood() {
    for word in words() {
        let told = in_json(Vescli::new().arg(&word), 2);
        assert!(
            told["error"]["message"].as_str().unwrap().contains(&word),
            "{told}"
        );
        for vescli in [
            Vescli::new().arg(&word),
            send().arg(format!("--x{word}")),
            send().arg(&word),
            send().args(["--retries", &format!("x{word}")]),
            send().args(["--color", &format!("x{word}")]),
            send().args(["--environment", &format!("x{word}")]),
            send().arg(format!("--quiet=x{word}")),
            Vescli::new().args(["completions", &word]),
            Vescli::new().args(["explain", &format!("x{word}")]),
            Vescli::new().args(["help", &format!("x{word}")]),
            Vescli::new().args(["config", &word]),
        ] {
            runs_cleanly(vescli, 2);
        }
    }
    // A short flag of each character.
    for c in (1..0x300)
        .filter_map(char::from_u32)
        .filter(|c| is_dangerous(*c))
    {
        runs_cleanly(send().arg(format!("-{c}")), 2);
        runs_cleanly(
            send()
                .arg(format!("-{c}"))
                .args(["--color", "always"])
                .env("NO_COLOR", "1"),
            2,
        );
    }
}

#[test]
fn values_of_flags_and_variables() {
    for word in words() {
        let value = format!("x{word}");
        for flag in [
            "--tenant",
            "--base-url",
            "--region",
            "--timeout",
            "--proxy",
            "--resolve",
            "--profile",
        ] {
            let code = if flag == "--profile" { 78 } else { 2 };
            // Letters of all scripts make a good host name, so that something else has to be wrong.
            let value = match flag {
                "--proxy" => format!("ftp://{value}"),
                _ => value.clone(),
            };
            let tenant = if flag == "--tenant" { "x" } else { "a" };
            let variable = format!("VESCLI_{}", flag[2..].to_uppercase().replace('-', "_"));
            let send = || to_hello().env("VESCLI_TENANT", tenant);
            let told = in_json(send().args([flag, &value]), code);
            assert!(told["error"]["message"].is_string());
            runs_cleanly(send().args([flag, &value]), code);
            runs_cleanly(
                to_hello()
                    .env("VESCLI_TENANT", tenant)
                    .env_remove(&variable)
                    .env(&variable, &value),
                78,
            );
        }
        for variable in [
            "VESCLI_COLOR",
            "VESCLI_RETRIES",
            "VESCLI_DRY_RUN",
            "VESCLI_VERBOSE",
        ] {
            runs_cleanly(to_hello().env(variable, &value).args(["--tenant", "a"]), 78);
        }
        let name = format!("VESCLI_{}", word.replace('=', ""));
        let server = Server::http().start();
        runs_cleanly(to_hello().env(&name, "x").against(&server), 0);
        in_json(to_hello().env(&name, "x").against(&server), 0);
    }
}

#[test]
fn files_that_are_missing_or_bad() {
    let pem = Authority::new().pem();
    for name in names() {
        let name = format!("x{name}");
        for (flag, code) in [("--config", 66), ("--token-file", 66), ("--cacert", 66)] {
            let missing = to_hello().args(["--tenant", "a", flag, &name]);
            let told = in_json(missing, code);
            assert!(
                told["error"]["message"].as_str().unwrap().contains(&name),
                "{told}"
            );
            runs_cleanly(to_hello().args(["--tenant", "a", flag, &name]), code);
        }
        let there = || to_hello().file(&name, "nonsense").args(["--tenant", "a"]);
        runs_cleanly(there().args(["--config", &name]), 78);
        runs_cleanly(there().args(["--cacert", &name]), 65);
        let config = |action: &str| {
            let file = "[profiles.a]\ntenant = \"a\"\n";
            Vescli::new()
                .file(&name, file)
                .args(["config", action, "--config", &name])
        };
        for action in ["path", "show", "check", "profiles", "explain"] {
            runs_cleanly(config(action), 0);
        }
        runs_cleanly(config("init"), 2);
        runs_cleanly(Vescli::new().args(["config", "init", "--config", &name]), 0);
        let file = "[profiles.a]\ntenant = \"a\"\n";
        let trusted = to_hello()
            .file("ca.pem", &pem)
            .env("SSL_CERT_FILE", "ca.pem");
        runs_cleanly(
            trusted
                .file(&name, file)
                .args(["--config", &name, "--dry-run"]),
            0,
        );
        runs_cleanly(
            to_hello()
                .file(&name, file)
                .args(["--config", &name, "--show-curl"]),
            0,
        );
    }
}

#[test]
fn configuration_files() {
    for chunk in chunks() {
        let text = quoted(&chunk);
        let broken = [
            format!("[profiles.a]\n{text} = 1\n"),
            format!("{text} = 1\n"),
            format!("[profiles.a]\nextends = {text}\n"),
            format!("default_profile = {text}\n[profiles.a]\n"),
            format!("[profiles.a]\ntenant = {text}\n"),
            format!("[profiles.a]\nbase_url = {text}\n"),
            format!(
                "[profiles.a]\ntenant = \"a\"\nproxy = {}\n",
                quoted(&format!("ftp://{chunk}"))
            ),
            format!("[profiles.a]\ntenant = \"a\"\ntimeout = {text}\n"),
            format!("[profiles.a]\nenvironment = {text}\n"),
            format!("[profiles.a]\ntenant = \"a\"\nresolve = [{text}]\n"),
            format!("[profiles.{text}]\nregoin = 1\n"),
            format!("[profiles.a]\ntenant = {chunk}\n"),
        ];
        for config in &broken {
            runs_cleanly(to_hello().config(config), 78);
            in_json(to_hello().config(config), 78);
            runs_cleanly(Vescli::new().config(config).args(["config", "check"]), 78);
        }
        let named = format!(
            "default_profile = {text}\n[profiles.{text}]\ntenant = \"a\"\ntoken_command = [\"true\", {text}]\n"
        );
        for action in ["profiles", "check", "explain", "show"] {
            runs_cleanly(Vescli::new().config(&named).args(["config", action]), 0);
        }
        let told = in_json(Vescli::new().config(&named).args(["config", "profiles"]), 0);
        assert_eq!(told["profiles"][0], chunk);
        runs_cleanly(to_hello().config(&named).args(["--profile", "b"]), 78);
        runs_cleanly(to_hello().config(&named), 78);
        runs_cleanly(to_hello().config(&named).arg("--show-curl"), 0);
        let command = format!("[profiles.a]\ntenant = \"a\"\ntoken_command = [{text}]\n");
        runs_cleanly(to_hello().config(&command), 78);
        let cname = format!("[profiles.a]\ntenant = \"a\"\ncname = {text}\nnoproxy = {text}\n");
        runs_cleanly(Vescli::new().config(&cname).args(["config", "explain"]), 0);
    }
}

#[test]
fn a_comment_is_shown_without_what_it_hides() {
    // TOML lets none of C0 stand in a comment, but everything above.
    let all: String = (0xa0..0x3000).filter_map(char::from_u32).collect();
    let config = format!("# {all}\n[profiles.a]\n\ttenant = \"a\"\n");
    let shown = Vescli::new()
        .config(&config)
        .args(["config", "show"])
        .stdout_contains("")
        .run();
    let tabs_are_told_apart = shown.stdout.replace("\n\ttenant", "\n    tenant");
    clean(&tabs_are_told_apart, "stdout");
}

#[test]
#[should_panic(expected = "steers or hides: \"a\\u{1b}b\"")]
fn a_character_that_comes_through_is_seen() {
    runs_cleanly(
        Vescli::program("/bin/sh").args(["-c", "printf 'a\\033b'"]),
        0,
    );
}

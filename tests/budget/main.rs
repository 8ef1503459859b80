//! The budget of one send and of a list: instructions, resident memory, size of the binary. Instructions are counted by
//! valgrind and repeat from run to run, so they can be held where times cannot. Needs Debian's packages ca-certificates, nginx-light,
//! time and valgrind. Run it with `cargo test --locked --test budget`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test target: a failure has to end the test")]

mod list;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

use serde_json::Value;
use support::nginx::{Config, Nginx};
use tempfile::TempDir;

/// Most instructions in user space for one send over TLS with Debian's bundle of certificates.
const INSTRUCTIONS_MAX: u64 = 9_500_000;
/// Most resident memory for one send, in KiB.
const RESIDENT_MAX: u64 = 10 * 1024;
/// Largest binary, in bytes.
const BINARY_MAX: u64 = 5_000_000;

/// The release build, which is what users get. Cargo builds it first if the sources are newer.
#[expect(clippy::disallowed_methods, reason = "what cargo gave this test is taken away again")]
fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--release", "--bin", "vescli", "--message-format", "json"]);
        // With what cargo says of this package, ring's build script would run again, and all on top of it be compiled again.
        let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        env::vars().filter(|(name, _)| of_package(name)).for_each(|(name, _)| {
            cargo.env_remove(name);
        });
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "the release build failed");
        let messages = output.stdout.split(|byte| *byte == b'\n');
        let executable = |message: &[u8]| {
            let message: Value = serde_json::from_slice(message).ok()?;
            message["executable"].as_str().map(str::to_owned)
        };
        messages.rev().find_map(executable).unwrap()
    })
}

/// Runs a tool around vescli, in a folder, and returns what the tool wrote to standard error. The request goes to
/// nginx, and is to end with 0.
fn around(nginx: &Nginx, tool: &[&str], arguments: &[&str], folder: &Path) -> String {
    fs::write(folder.join("ca.pem"), nginx.authority.pem()).unwrap();
    let output = Command::new(support::peer::find(tool[0], tool[0]))
        .args(&tool[1..])
        .arg(program())
        .args(arguments)
        .args(["--tenant", "t", "--cacert", "ca.pem"])
        .args(["--base-url", &nginx.url()])
        .current_dir(folder)
        .env_clear()
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    text
}

/// Counts the instructions in user space.
const CALLGRIND: [&str; 3] = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
/// Tells the peak of resident memory.
const TIME: [&str; 2] = ["time", "-v"];

fn instructions(text: &str) -> u64 {
    number_after(text, "Collected")
}

/// In KiB.
fn resident(text: &str) -> u64 {
    number_after(text, "Maximum resident set size (kbytes)")
}

fn around_a_send(nginx: &Nginx, tool: &[&str]) -> String {
    let folder = TempDir::with_prefix("vescli-budget-").unwrap();
    around(nginx, tool, &["send", "--email", "a@b.co"], folder.path())
}

/// The number that follows a label.
fn number_after(text: &str, label: &str) -> u64 {
    let rest = text.split_once(label).unwrap_or_else(|| panic!("no {label:?} in {text}")).1;
    let digits: String =
        rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    digits.replace(',', "").parse().unwrap()
}

#[test]
fn one_send_takes_few_instructions() {
    let nginx = Nginx::start(&Config::default());
    let text = around_a_send(&nginx, &CALLGRIND);
    let instructions = instructions(&text);
    println!("{instructions} instructions of {INSTRUCTIONS_MAX}");
    assert!(instructions > 1_000_000, "that was no send: {text}");
    assert!(instructions <= INSTRUCTIONS_MAX, "{instructions} instructions");
    assert_eq!(nginx.requests().len(), 1);
}

#[test]
fn one_send_takes_little_memory() {
    let nginx = Nginx::start(&Config::default());
    let resident = resident(&around_a_send(&nginx, &TIME));
    println!("{resident} KiB of {RESIDENT_MAX}");
    assert!((1024..=RESIDENT_MAX).contains(&resident), "{resident} KiB");
}

#[test]
fn the_binary_is_small() {
    let size = fs::metadata(program()).unwrap().len();
    println!("{size} bytes of {BINARY_MAX}");
    assert!(size <= BINARY_MAX, "{size} bytes");
}

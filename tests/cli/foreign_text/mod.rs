//! Text that others wrote reaches the terminal without a single character that could control it, and JSON exactly.

mod files;
mod typed;

use std::ops::Range;

use serde_json::Value;

use support::harness::{Output, Vescli};

/// Characters per run: fewer than the 500 at which a text is cut.
const CHUNK: usize = 300;

/// Whether a character controls a terminal or is invisible: a second table, so that the program's own one is not its oracle.
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
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
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
    let all: Vec<char> = range.filter_map(char::from_u32).chain(['\u{feff}', '\u{fff9}']).collect();
    all.chunks(CHUNK).map(String::from_iter).collect()
}

/// Every code point below U+3000, with the byte order mark.
fn chunks() -> Vec<String> {
    chunks_of(0..0x3000)
}

/// The same without NUL, which no argument, variable or file name can contain.
fn words() -> Vec<String> {
    chunks_of(1..0x3000)
}

fn quoted(text: &str) -> String {
    // A string of JSON is one of TOML, too, but for DEL.
    serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007f")
}

fn runs_cleanly(vescli: Vescli, code: u8) -> Output {
    let output = vescli.code(code).stdout_contains("").stderr_contains("").run();
    clean(&output.stdout, "stdout");
    clean(&output.stderr, "stderr");
    output
}

/// The same in colours, which are the program's own and removed before the check.
fn runs_cleanly_in_colour(vescli: Vescli, code: u8) {
    let output = vescli.args(["--color", "always"]).code(code).stderr_contains("\u{1b}[").run();
    let mut plain = String::new();
    for part in output.stderr.split("\u{1b}[") {
        let colour = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        let behind = colour.and_then(|at| part[at..].strip_prefix('m'));
        plain.push_str(behind.unwrap_or(part));
    }
    clean(&plain, "stderr");
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
#[should_panic(expected = "steers or hides: \"a\\u{1b}b\"")]
fn an_unescaped_character_is_detected() {
    runs_cleanly(Vescli::program("/bin/sh").args(["-c", "printf 'a\\033b'"]), 0);
}

//! A server can neither fill the memory of this machine nor occupy it longer than the time-out.

#![cfg(target_os = "linux")]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use support::certificates::Authority;
use support::harness::{Running, Vescli};
use support::server::{Answer, Server, Setup};

/// Most memory that a run may use, in KiB.
const MOST_KIB: u64 = 32 * 1024;

const TIMEOUT_MS: u64 = 1_000;

/// How much the compressed body would be, unpacked or packed: it must be neither unpacked nor read to its end.
const BOMB: usize = 8 << 20;

struct Expected {
    code: u8,
    class: &'static str,
    /// Whether it is the time-out that ends it.
    runs_out: bool,
}

/// The greatest resident memory so far, in KiB; none once the process has ended.
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Checks as often as it can: the kernel keeps the peak for as long as the process lives, so the last value is the greatest,
/// and only what is allocated between the last check and the end could be missed. The first value may be that of this
/// process: its child has its own memory a moment after it was started.
fn watch(running: &Running) -> u64 {
    let mut peak = 0;
    let patience = Instant::now() + Duration::from_secs(60);
    while let Some(seen) = peak_kib(running.id())
        && Instant::now() < patience
    {
        peak = seen;
        std::thread::park_timeout(Duration::from_micros(200));
    }
    peak
}

fn is_bounded(setup: Setup, authority: Option<&Authority>, expected: &Expected) {
    let server = setup.start();
    let vescli = Vescli::new()
        .args(["send", "--email", "hello@example.com", "--cname", "example", "--json"])
        .args(["-vv", "--timeout", "1s", "--retries", "0"])
        .against(&server)
        .code(expected.code)
        .stderr_contains("")
        .stdout_json(|_| ());
    let vescli = match authority {
        None => vescli,
        Some(authority) => {
            let path = vescli.folder().join("ca.pem");
            vescli.file("ca.pem", authority.pem()).env("SSL_CERT_FILE", path)
        }
    };
    let started = Instant::now();
    let running = vescli.start();
    let peak = watch(&running);
    let output = running.finish();
    assert!(peak > 1024, "no memory was measured: {peak} KiB");
    assert!(peak < MOST_KIB, "{peak} KiB were used");
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let class = document["error"]["class"].as_str().unwrap_or("accepted");
    assert_eq!(class, expected.class);
    let elapsed = document["elapsed_ms"].as_u64().unwrap();
    let least = if expected.runs_out { TIMEOUT_MS } else { 0 };
    assert!((least..=TIMEOUT_MS + 1_000).contains(&elapsed), "{elapsed} ms");
    // Nothing happens after the result either; generous, because starting takes its time on a busy machine.
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(server.count(), 1);
}

fn plain(answer: Answer, code: u8, class: &'static str, runs_out: bool) {
    let expected = Expected { code, class, runs_out };
    is_bounded(Server::http().answer(answer), None, &expected);
}

fn endless(opening: &str, repeated: Vec<u8>) -> Answer {
    Answer::Endless { opening: opening.as_bytes().to_vec(), repeated, pause: Duration::ZERO }
}

#[test]
fn endless_bodies() {
    plain(Answer::endless_body(), 20, "not_the_api", false);
    plain(endless("HTTP/1.1 500 No\r\n\r\n", vec![b'x'; 1 << 16]), 50, "server_error", false);
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16)).into_bytes();
    plain(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk), 20, "not_the_api", false);
    // Chunks of one byte, each with an extension to read past, until hyper has read enough of them.
    let chunk = format!("1;{}\r\nx\r\n", "e".repeat(200)).repeat(100).into_bytes();
    plain(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk), 8, "broken_reply", false);
    let opening = "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n";
    let objects = endless(opening, vec![b'{'; 1 << 16]);
    plain(objects, 20, "not_the_api", false);
}

#[test]
fn endless_heads() {
    plain(Answer::endless_headers(Duration::ZERO), 8, "broken_reply", false);
    plain(Answer::endless_interim(Duration::ZERO), 28, "timeout", true);
    plain(endless("HTTP/1.1 200 ", vec![b'O'; 1 << 16]), 8, "broken_reply", false);
    plain(endless("HTTP/1.1 200 OK\r\nX: ", vec![b'x'; 1 << 16]), 8, "broken_reply", false);
    plain(endless("", vec![b'\n'; 1 << 16]), 8, "broken_reply", false);
}

#[test]
fn drips() {
    let pause = Duration::from_millis(50);
    let object = Answer::status(200).body(format!("{{{:9999}}}", ""));
    plain(object.clone().dripping(pause), 28, "timeout", true);
    plain(object.dripping_from_the_head(pause), 28, "timeout", true);
    plain(Answer::endless_headers(pause), 28, "timeout", true);
}

#[test]
fn compressed_and_deep_bodies() {
    let zeros = vec![b' '; BOMB];
    let compressed = Answer::status(200).body(zeros).gzip();
    plain(compressed, 20, "not_the_api", false);
    plain(Answer::nested_json(100_000), 20, "not_the_api", false);
    let arrays = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    plain(Answer::status(200).body(arrays), 20, "not_the_api", false);
    // The deepest that is read whole.
    plain(Answer::nested_json(9_000), 0, "accepted", false);
    let deep = format!("{{\"message\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    plain(Answer::status(403).body(deep), 43, "forbidden", false);
}

#[test]
fn the_same_through_tls() {
    let authority = Authority::new();
    let expected = Expected { code: 20, class: "not_the_api", runs_out: false };
    let setup = Server::https(authority.server()).answer(Answer::endless_body());
    is_bounded(setup, Some(&authority), &expected);
}

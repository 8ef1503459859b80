//! The fault matrix: everything that can go wrong with one request, what vescli makes of it, and the proof of each.
//! The tables are the rows; `tests/fault-matrix.md` is made of them.

mod http;
mod published;
mod row;
mod scene;
mod tls_and_proxies;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

pub(crate) use row::Row;
use row::{Group, Outcome};
pub(crate) use scene::{PROXY_PASSWORD, Scene};
use support::harness::{Output, Vescli};

/// Most rows wait rather than work, so more of them run at once than there are processors.
const AT_ONCE: usize = 6;

/// A run is killed after this: far more than any bound, because a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

pub(crate) fn groups() -> [Group; 6] {
    [
        http::statuses(),
        http::bodies(),
        http::cut_bodies(),
        wire::sockets(),
        tls_and_proxies::handshakes(),
        tls_and_proxies::proxies(),
    ]
}

/// Runs the check over all rows and names those at which it panicked.
pub(crate) fn for_each(rows: &[Row], check: impl Fn(&Row) + Sync) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if catch_unwind(AssertUnwindSafe(|| check(row))).is_err() {
                        failed.lock().unwrap().push(row.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "these rows do not hold: {failed:#?}");
}

/// The single send of a row, before it is said how it is told.
pub(crate) fn send(row: &Row, scene: &Scene) -> Vescli {
    scene
        .prepare(Vescli::new().limit(PATIENCE).arg("send"))
        .args(["--email", "hello@example.com", "--cname", "example"])
        .args(["--retries", "0"])
        .args(row.bound.flags())
}

fn holds(row: &Row) {
    in_words(row);
    as_json(row);
    explained(row);
}

fn in_words(row: &Row) {
    let scene = (row.scene)();
    let vescli = send(row, &scene).code(row.code).stderr_contains("");
    let vescli = match row.outcome {
        Outcome::accepted => vescli.stdout_contains("accepted: password email for hello@example.com"),
        Outcome::rejected => {
            vescli.arg("--quiet").stderr_contains("\n  rejected: no mail was sent").stderr_lacks("may have been sent")
        }
        Outcome::not_sent => vescli.arg("--quiet").stderr_contains("\n  not sent").stderr_lacks("may have been sent"),
        // What is doubtful is told, however quiet a run is to be.
        Outcome::unknown => vescli.arg("--quiet").stderr_contains("\n  unknown: may have been sent"),
    };
    let output = vescli.run();
    let (first, _) = output.stderr.split_once('\n').unwrap_or_default();
    match row.outcome {
        // An acceptance comes without a doubt.
        Outcome::accepted => assert_eq!(output.stderr, "", "{}", row.name),
        _ => assert!(first.starts_with("error: "), "{}: the talk begins with {first:?}", row.name),
    }
    assert_eq!(scene.requests(), row.requests, "{}: requests at the server", row.name);
}

fn as_json(row: &Row) {
    let scene = (row.scene)();
    let output = send(row, &scene).args(["--json", "--quiet"]).code(row.code).stdout_json(|_| ()).run();
    let told = document(&output);
    let class = told["error"]["class"].as_str().unwrap_or("accepted");
    let ok = row.outcome == Outcome::accepted;
    assert_eq!(told["outcome"], row.outcome.word(), "{}", row.name);
    assert_eq!(class, row.class, "{}", row.name);
    assert_eq!(told["exit_code"], row.code, "{}", row.name);
    assert_eq!(told["ok"], ok, "{}", row.name);
    assert_eq!(told["error"].is_null(), ok, "{}", row.name);
    assert_eq!(told["attempts"], 1, "{}", row.name);
    assert_eq!(told["warnings"], serde_json::json!([]), "{}", row.name);
    assert_eq!(scene.requests(), row.requests, "{}: requests at the server", row.name);
    row.bound.check(row.name, told["elapsed_ms"].as_u64().unwrap());
}

/// What `vescli explain` says of the code is what happened.
fn explained(row: &Row) {
    let output = Vescli::new().args(["explain", &row.code.to_string(), "--json"]).stdout_json(|_| ()).run();
    let told = &document(&output)["exit_codes"][0];
    assert_eq!(told["class"], row.class, "{}", row.name);
    let outcomes = told["outcome"].as_str().unwrap();
    assert!(outcomes.contains(row.outcome.word()), "{}: explained as {outcomes:?}", row.name);
}

pub(crate) fn document(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn statuses() {
    for_each(&http::statuses().rows, holds);
}

#[test]
fn bodies() {
    for_each(&http::bodies().rows, holds);
}

#[test]
fn cut_bodies() {
    for_each(&http::cut_bodies().rows, holds);
}

#[test]
fn sockets() {
    for_each(&wire::sockets().rows, holds);
}

#[test]
fn handshakes() {
    for_each(&tls_and_proxies::handshakes().rows, holds);
}

#[test]
fn proxies() {
    for_each(&tls_and_proxies::proxies().rows, holds);
}

#[test]
#[should_panic(expected = "these rows do not hold")]
fn a_row_that_is_wrong_fails() {
    let mut rows = http::statuses().rows;
    rows.truncate(1);
    holds(&rows[0]);
    rows[0].class = "conflict";
    for_each(&rows, holds);
}

#[test]
#[should_panic(expected = "these rows do not hold")]
fn a_second_request_fails() {
    let mut rows = http::statuses().rows;
    rows.truncate(1);
    holds(&rows[0]);
    for_each(&rows, |row| {
        let scene = (row.scene)();
        for _ in 0..2 {
            send(row, &scene).stdout_contains("").run();
        }
        assert_eq!(scene.requests(), row.requests);
    });
}

//! The fault matrix: everything that can go wrong with one request, what vescli makes of it, and the proof of each.
//! The tables are the rows; `tests/fault-matrix.md` is made of them.

mod http;
mod published;
mod row;
mod scene;
mod tls_and_proxies;
mod wire;

use std::collections::BTreeMap;
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
    assert!(failed.is_empty(), "these rows are wrong: {failed:#?}");
}

/// The single send of a row, before its format is chosen.
pub(crate) fn send(row: &Row, scene: &Scene) -> Vescli {
    scene
        .prepare(Vescli::new().limit(PATIENCE).arg("send"))
        .args(["--email", "hello@example.com", "--cname", "example"])
        .args(["--retries", "0"])
        .args(row.bound.flags())
}

/// Provokes the fault once and compares exit code, text, JSON and what the server counted.
fn check(row: &Row) {
    let scene = (row.scene)();
    let output = send(row, &scene).arg("--json").code(row.code).stdout_json(|_| ()).stderr_contains("").run();
    check_text(row, &output.stderr);
    check_document(row, &document(&output));
    assert_eq!(scene.requests(), row.requests, "{}: requests at the server", row.name);
    assert!(row.outcome != Outcome::not_sent || scene.is_untouched(), "{}: the server was reached", row.name);
}

fn check_text(row: &Row, text: &str) {
    let (first, doubtful) = (text.lines().next().unwrap_or_default(), text.contains("may have been sent"));
    let (start, line) = match row.outcome {
        Outcome::accepted => ("accepted: password email for hello@example.com", ""),
        Outcome::rejected => ("error: ", "\n  rejected: no mail was sent"),
        Outcome::not_sent => ("error: ", "\n  not sent"),
        Outcome::unknown => ("error: ", "\n  unknown: may have been sent"),
    };
    assert!(first.starts_with(start), "{}: the text begins with {first:?}", row.name);
    assert!(text.contains(line), "{}: no {line:?} in {text}", row.name);
    assert_eq!(doubtful, row.outcome == Outcome::unknown, "{}: {text}", row.name);
    assert!(text.contains(row.cause), "{}: no {:?} in {text}", row.name, row.cause);
}

fn check_document(row: &Row, document: &Value) {
    let class = document["error"]["class"].as_str().unwrap_or("accepted");
    let cause = document["error"]["cause"].as_str().unwrap_or_default();
    let ok = row.outcome == Outcome::accepted;
    assert_eq!(document["outcome"], row.outcome.word(), "{}", row.name);
    assert_eq!(class, row.class, "{}", row.name);
    assert_eq!(document["exit_code"], row.code, "{}", row.name);
    assert_eq!(document["ok"], ok, "{}", row.name);
    assert_eq!(document["error"].is_null(), ok, "{}", row.name);
    assert_eq!(document["attempts"], 1, "{}", row.name);
    assert_eq!(document["warnings"], serde_json::json!([]), "{}", row.name);
    assert!(cause.contains(row.cause), "{}: no {:?} in {cause:?}", row.name, row.cause);
    row.bound.check(row.name, document["elapsed_ms"].as_u64().unwrap());
}

/// What `vescli explain` says of a code is what happened in each row that ends with it.
#[test]
fn every_row_ends_as_its_code_is_explained() {
    let mut explained = BTreeMap::new();
    for row in groups().iter().flat_map(|group| &group.rows) {
        let entry = explained.entry(row.code).or_insert_with(|| {
            let output = Vescli::new().args(["explain", &row.code.to_string(), "--json"]).stdout_json(|_| ()).run();
            document(&output)["exit_codes"][0].take()
        });
        assert_eq!(entry["class"], row.class, "{}", row.name);
        let outcomes = entry["outcome"].as_str().unwrap();
        assert!(outcomes.contains(row.outcome.word()), "{}: explained as {outcomes:?}", row.name);
    }
}

pub(crate) fn document(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn statuses() {
    for_each(&http::statuses().rows, check);
}

#[test]
fn bodies() {
    for_each(&http::bodies().rows, check);
}

#[test]
fn cut_bodies() {
    for_each(&http::cut_bodies().rows, check);
}

#[test]
fn sockets() {
    for_each(&wire::sockets().rows, check);
}

#[test]
fn handshakes() {
    for_each(&tls_and_proxies::handshakes().rows, check);
}

#[test]
fn proxies() {
    for_each(&tls_and_proxies::proxies().rows, check);
}

/// The checks above can fail: each column of a row, made wrong, is found.
#[test]
fn a_row_that_is_wrong_in_any_column_fails() {
    let wrong: [fn(&mut Row); 7] = [
        |row| row.outcome = Outcome::not_sent,
        |row| row.class = "conflict",
        |row| row.code = 40,
        |row| row.requests = 0,
        |row| row.bound = row::Bound::timeout,
        |row| row.cause = "another cause",
        |row| row.scene = Box::new(|| scene::status(500)),
    ];
    let row = || http::statuses().rows.swap_remove(0);
    check(&row());
    for change in wrong {
        let mut row = row();
        change(&mut row);
        assert!(catch_unwind(AssertUnwindSafe(|| for_each(&[row], check))).is_err());
    }
}

#[test]
#[should_panic(expected = "these rows are wrong: [")]
fn a_second_request_fails() {
    for_each(&http::statuses().rows[..1], |row| {
        let scene = (row.scene)();
        for _ in 0..2 {
            send(row, &scene).stdout_contains("").run();
        }
        assert_eq!(scene.requests(), row.requests);
    });
}

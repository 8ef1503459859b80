//! A service that asks to wait: the wait does not count as an attempt, refused rows go first, and a service that
//! refuses for ever ends the run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::{address, again, bulk, each_once};
use support::server::{Answer, Server};

/// What arrived at the server: who, after how long, and whether it was accepted.
type Log = Arc<Mutex<Vec<(String, std::time::Instant, bool)>>>;

/// A server that accepts what the script says, asks all others to wait N seconds, and records both.
fn choosy(
    wait: &'static str,
    accepts: impl Fn(&str, &[(String, std::time::Instant, bool)]) -> bool + Send + Sync + 'static,
) -> (Server, Log) {
    let log = Log::default();
    let noted = Arc::clone(&log);
    let server = Server::http().choose(move |request| {
        let email = request.json()["email"].as_str().unwrap().to_owned();
        let mut log = noted.lock().unwrap();
        let accepted = accepts(&email, &log);
        log.push((email, std::time::Instant::now(), accepted));
        if accepted { Answer::accepted() } else { Answer::status(429).header("Retry-After", wait) }
    });
    (server.start(), log)
}

/// How often each was accepted.
fn accepted(log: &Log) -> std::collections::BTreeMap<String, usize> {
    let mut accepted = std::collections::BTreeMap::new();
    for (email, _, _) in log.lock().unwrap().iter().filter(|(_, _, taken)| *taken) {
        *accepted.entry(email.clone()).or_insert(0) += 1;
    }
    accepted
}

#[test]
fn at_a_rate_limit_everyone_is_mailed_once_and_refused_rows_go_first() {
    // Three a second, by the server's own clock.
    let (server, log) = choosy("1", |_, log| {
        let now = std::time::Instant::now();
        let recent = |at: &std::time::Instant| now.duration_since(*at) < Duration::from_secs(1);
        log.iter().filter(|(_, at, taken)| *taken && recent(at)).count() < 3
    });
    bulk(&server, 20).args(["--jobs", "4"]).stdout_contains("this run: 20 accepted (").run();
    assert_eq!(accepted(&log), each_once(20));
    let log = log.lock().unwrap();
    let mut refused: Vec<&String> = Vec::new();
    let mut pauses = 0;
    for (before, (email, at, taken)) in log.iter().enumerate() {
        let quiet = before.checked_sub(1).map(|before| at.duration_since(log[before].1));
        // The first one after a pause.
        if quiet.is_some_and(|quiet| quiet >= Duration::from_millis(900)) && !refused.is_empty() {
            pauses += 1;
            assert!(refused.contains(&email), "{email} went before {refused:?}");
        }
        refused.retain(|other| *other != email);
        if !taken {
            refused.push(email);
        }
    }
    assert!(pauses >= 3, "only {pauses} pauses: the check cannot fail");
}

#[test]
fn a_wait_that_the_service_asks_for_does_not_count_as_an_attempt() {
    for wait in ["0", "garbled"] {
        let (server, log) = choosy(wait, |email, log| {
            email != address(0) || log.iter().filter(|(other, ..)| other == email).count() >= 4
        });
        bulk(&server, 3)
            .args(["--jobs", "1", "--retries", "1"])
            .stdout_contains("this run: 3 accepted (7 requests")
            .run();
        assert_eq!(accepted(&log), each_once(3));
    }
}

#[test]
fn a_service_that_asks_to_wait_forever_stops_the_run_and_loses_no_one() {
    let (server, log) = choosy("0", |_, log| log.len() >= 30);
    let stopped = bulk(&server, 40)
        .args(["--jobs", "3", "--json"])
        .code(12)
        .stdout_json_lines(|documents| {
            let summary = documents.last().unwrap();
            assert_eq!(summary["error"]["class"], "rate_limited");
            assert_eq!((&summary["accepted"], &summary["due"]), (&json!(0), &json!(40)));
            let rows = &documents[..documents.len() - 1];
            for row in rows {
                assert_eq!((&row["outcome"], &row["due"]), (&json!("rejected"), &json!(true)));
            }
            assert_eq!(summary["rejected"], rows.len());
        })
        .stderr_contains("error: stopped: the service asked to wait 20 times, and accepted nothing in between")
        .run();
    let asked = server.count();
    assert!((20..=22).contains(&asked), "{asked} requests");
    assert_eq!(accepted(&log).len(), 0);
    again(&stopped, &server).run();
    assert_eq!(accepted(&log), each_once(40));
}

#[test]
fn a_row_refused_forever_does_not_delay_the_others() {
    let (server, log) = choosy("0", |email, log| email != address(0) || log.len() >= 15);
    let first = bulk(&server, 5)
        .args(["--jobs", "1"])
        .code(10)
        .stdout_contains("rejected  a0@example.com  rate limited (HTTP 429); the next run sends it\n")
        .stdout_contains("this run: 4 accepted, 1 rejected; 1 due: the next run sends it (15 requests")
        .run();
    assert_eq!(accepted(&log).len(), 4);
    again(&first, &server).run();
    assert_eq!(accepted(&log), each_once(5));
}

#[test]
fn without_retries_the_next_run_sends_the_refused_rows() {
    let (server, log) = choosy("0", |_, log| log.len() >= 2);
    let first = bulk(&server, 3).args(["--jobs", "1", "--retries", "0"]).code(10).run();
    assert_eq!(server.count(), 3);
    again(&first, &server).run();
    assert_eq!(accepted(&log), each_once(3));
}

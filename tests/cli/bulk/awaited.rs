//! `--wait-for-user` with a list: users who appear late are mailed once, not asked for too often, and delay no one
//! else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{address, again, bulk, each_once};
use support::server::{Answer, Recorded, Server};

/// At most one request per person in this time.
const GAP: Duration = Duration::from_secs(5);

fn email(request: &Recorded) -> String {
    request.json()["email"].as_str().unwrap().to_owned()
}

/// The moments of the requests for each person, by the server's clock.
fn asked(server: &Server) -> BTreeMap<String, Vec<Instant>> {
    let mut asked: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    for request in server.requests() {
        asked.entry(email(&request)).or_default().push(request.arrived);
    }
    asked
}

/// A server on which the people appear when the script says so. It counts how often each was mailed.
fn late(appears: impl Fn(&str) -> bool + Send + Sync + 'static) -> (Server, Arc<Mutex<BTreeMap<String, usize>>>) {
    let mailed = Arc::new(Mutex::new(BTreeMap::new()));
    let counted = Arc::clone(&mailed);
    let server = Server::http().choose(move |request| {
        let email = email(request);
        if !appears(&email) {
            return Answer::status(404);
        }
        *counted.lock().unwrap().entry(email).or_insert(0) += 1;
        Answer::accepted()
    });
    (server.start(), mailed)
}

fn keep_to_the_gap(server: &Server) {
    for (email, moments) in asked(server) {
        for pair in moments.windows(2) {
            assert!(pair[1] - pair[0] >= GAP, "{email} was asked for after {:?}", pair[1] - pair[0]);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the door is for the product")]
fn is_full() -> bool {
    std::env::var("VESCLI_LATE").is_ok_and(|size| size == "full")
}

/// The figure: 200 users who appear within 8 s; with `VESCLI_LATE=full` 1,000 within 120 s.
#[test]
fn users_who_appear_late_are_all_mailed_once_and_none_is_lost() {
    let (users, latest, limit) = if is_full() { (1000, 120, "2m") } else { (200, 8, "15s") };
    let step = Duration::from_secs(latest) / (users - 1);
    let created: HashMap<String, Duration> = (0..users).map(|user| (address(user as usize), step * user)).collect();
    let first = Mutex::new(None);
    let (server, mailed) = late(move |email| {
        let start = *first.lock().unwrap().get_or_insert_with(Instant::now);
        start.elapsed() >= created[email]
    });
    let rows = users as usize;
    bulk(&server, rows)
        .args(["--wait-for-user", limit, "--jobs", "8"])
        .limit(Duration::from_secs(300))
        .stdout_contains(format!("this run: {} accepted (", if is_full() { "1,000" } else { "200" }))
        .stderr_lacks("retry in")
        .run();
    assert_eq!(*mailed.lock().unwrap(), each_once(rows));
    keep_to_the_gap(&server);
    let asked = asked(&server);
    let most = asked.values().map(Vec::len).max().unwrap();
    println!("{rows} users within {latest} s: {} requests, at most {most} for a person", server.count());
    assert!(most > 1, "no one was late: the check cannot fail");
}

#[test]
fn a_row_that_waits_delays_no_other_and_uses_no_retry() {
    // The first person appears when all others were mailed: if the only worker waited, that would never happen.
    let others = Mutex::new(BTreeSet::new());
    let (server, mailed) = late(move |email| {
        let mut others = others.lock().unwrap();
        if email != address(0) {
            others.insert(email.to_owned());
        }
        email != address(0) || others.len() == 9
    });
    bulk(&server, 10)
        .args(["--wait-for-user", "1m", "--jobs", "1", "--retries", "0", "--json", "-v"])
        .stdout_json_lines(|documents| {
            let attempts: Vec<_> = documents.iter().map(|row| row["attempts"].as_u64()).collect();
            assert_eq!(attempts[..10], [vec![Some(1); 9], vec![Some(2)]].concat());
            assert_eq!(documents[10]["requests"], 11);
        })
        .stderr_contains("a0@example.com: attempt 1: not found (HTTP 404)")
        .run();
    assert_eq!(*mailed.lock().unwrap(), each_once(10));
    keep_to_the_gap(&server);
}

#[test]
fn a_user_who_is_missing_after_the_limit_is_rejected_with_the_time_and_not_due() {
    let (server, _) = late(|email| email != address(0));
    let run = bulk(&server, 2)
        .args(["--wait-for-user", "6s", "--json"])
        .code(10)
        .stdout_json_lines(|documents| {
            let row = &documents[1];
            let shown = [&row["email"], &row["outcome"], &row["exit_code"], &row["due"], &row["attempts"]];
            assert_eq!(json!(shown), json!(["a0@example.com", "rejected", 44, false, 2]));
            assert_eq!(row["error"]["message"], "not found; waited 6 s for the user to exist");
        })
        .stderr_contains("not found (HTTP 404); waited 6 s for the user to exist\n")
        .run();
    keep_to_the_gap(&server);
    again(&run, &server).code(10).run();
    assert_eq!(server.count(), 3, "it was left alone");
}

/// Other refusals in between are neither counted with the 404s nor retried sooner.
#[test]
fn a_busy_service_in_between_does_not_make_it_faster_and_takes_its_own_retries() {
    for busy in [Answer::status(408), Answer::status(429).header("Retry-After", "0")] {
        let count = AtomicUsize::new(0);
        let server = Server::http().choose(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::status(404),
            1 => busy.clone(),
            _ => Answer::accepted(),
        });
        let server = server.start();
        bulk(&server, 1)
            .args(["--wait-for-user", "10m", "--retries", "1"])
            .stdout_contains("accepted  a0@example.com")
            .run();
        assert_eq!(server.count(), 3);
        keep_to_the_gap(&server);
    }
}

#[test]
fn a_signal_ends_the_wait_at_once_and_the_next_run_sends_the_row() {
    for name in ["TERM", "KILL"] {
        let is_there = Arc::new(AtomicBool::new(false));
        let there = Arc::clone(&is_there);
        let (server, mailed) = late(move |_| there.load(Ordering::SeqCst));
        let number = if name == "KILL" { 9 } else { 15 };
        let running = bulk(&server, 1).args(["--wait-for-user", "24h", "-v"]).dies_by(number).start();
        running.wait_for_stderr("retry in");
        running.signal(name);
        let output = running.finish();
        if name == "TERM" {
            assert!(output.stdout.contains("; the next run sends it\n"), "{}", output.stdout);
        }
        is_there.store(true, Ordering::SeqCst);
        again(&output, &server).stdout_contains("accepted  a0@example.com").run();
        assert_eq!((server.count(), mailed.lock().unwrap().len()), (2, 1), "{name}");
    }
}

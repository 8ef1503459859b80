//! `--wait-for-user` of a single send: which answers are retried, how far apart, and how it ends.

use std::time::{Duration, Instant};

use super::{answers, at_once, expected, send, status};
use support::harness::Vescli;
use support::server::{Answer, Recorded, Server};

const GAP: Duration = Duration::from_secs(5);

fn keep_to_the_gap(requests: &[Recorded]) {
    for pair in requests.windows(2) {
        assert!(pair[1].arrived - pair[0].arrived >= GAP, "{:?}", pair[1].arrived - pair[0].arrived);
    }
}

#[test]
fn a_user_who_appears_late_is_mailed_and_the_wait_does_not_count_as_a_retry() {
    let requests = answers(
        [status(404), Answer::accepted()],
        &["--wait-for-user", "1m", "--retries", "0"],
        expected("accepted", 0, 2),
    );
    keep_to_the_gap(&requests);
}

#[test]
fn a_busy_service_in_between_does_not_make_it_faster() {
    let list = [at_once(429), status(404), at_once(429), Answer::accepted()];
    let requests = answers(list, &["--wait-for-user", "1m"], expected("accepted", 0, 4));
    keep_to_the_gap(&requests[1..]);
}

#[test]
fn after_the_limit_it_ends_with_the_404_and_reports_the_wait() {
    let server = Server::http().answer(status(404)).start();
    let started = Instant::now();
    Vescli::new()
        .args(["send", "--email", "hello@example.com", "--cname", "example", "--wait-for-user", "5s"])
        .against(&server)
        .code(44)
        .stderr(
            "attempt 1: not found, rejected: no mail was sent; retry in 5.0 s\n\
             error: not found (HTTP 404) for hello@example.com, after 2 attempts\n  \
             waited 5 s for the user to exist\n  \
             rejected: no mail was sent\n  \
             hint: check --email, --tenant and --base-url, or try a longer --wait-for-user; see `vescli explain 44`\n",
        )
        .run();
    assert!(started.elapsed() >= GAP);
    assert_eq!(server.count(), 2);
    keep_to_the_gap(&server.requests());
}

#[test]
fn nothing_else_is_waited_for_and_zero_turns_it_off() {
    for (code, exit) in [(400, 40), (403, 43), (409, 49), (302, 30)] {
        answers([status(code), Answer::accepted()], &["--wait-for-user", "1m"], expected("rejected", exit, 1));
    }
    answers([status(404), Answer::accepted()], &["--wait-for-user", "0s"], expected("rejected", 44, 1));
    let server = Server::http().uncalled().start();
    send()
        .against(&server)
        .args(["--wait-for-user", "4s"])
        .code(2)
        .stdout_contains("")
        .stderr_contains("`4s` is out of range: use 0s, or at least 5s and at most 24h")
        .run();
}

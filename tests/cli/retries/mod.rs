//! Which requests are retried, how often and after how long: counted and timed at the server.

mod unknown;
mod user;
mod waits;

use serde_json::{Value, json};

use support::harness::Vescli;
use support::server::{Answer, Moment, Recorded, Server, Setup};
use support::sockets::{black_hole, closed_port};

fn send() -> Vescli {
    Vescli::new().args(["send", "--json", "--email", "hello@example.com", "--cname", "example"])
}

fn status(code: u16) -> Answer {
    Answer::status(code).body("{}")
}

/// A refusal that asks for no wait, so that a test does not take one.
fn at_once(code: u16) -> Answer {
    status(code).header("Retry-After", "0")
}

/// The expected result of a run.
#[derive(Clone, Copy)]
struct Expected {
    outcome: &'static str,
    code: u8,
    attempts: usize,
}

fn expected(outcome: &'static str, code: u8, attempts: usize) -> Expected {
    Expected { outcome, code, attempts }
}

fn check(vescli: Vescli, expected: Expected) -> Value {
    let Expected { outcome, code, attempts } = expected;
    let output = vescli
        .code(code)
        .stderr_contains("")
        .stdout_json(move |value| {
            let seen = json!([value["outcome"], value["exit_code"], value["attempts"]]);
            assert_eq!(seen, json!([outcome, code, attempts]), "{value}");
        })
        .run();
    serde_json::from_str(&output.stdout).unwrap()
}

/// Runs against a server and compares the result with what the server counted.
fn against(setup: Setup, flags: &[&str], expected: Expected) -> Vec<Recorded> {
    let server = setup.start();
    let attempts = expected.attempts;
    check(send().against(&server).args(flags), expected);
    let requests = server.requests();
    assert_eq!(requests.len(), attempts, "{requests:#?}");
    requests
}

fn answers(answers: impl IntoIterator<Item = Answer>, flags: &[&str], expected: Expected) -> Vec<Recorded> {
    against(Server::http().answers(answers), flags, expected)
}

#[test]
fn temporary_refusals_are_retried_twice() {
    for (code, exit) in [(429, 42), (503, 53), (408, 40), (425, 40)] {
        answers([at_once(code)], &[], expected("rejected", exit, 3));
        answers([at_once(code), at_once(code), Answer::accepted()], &[], expected("accepted", 0, 3));
        answers([at_once(code)], &["--retries", "0"], expected("rejected", exit, 1));
        answers([at_once(code)], &["--retries", "5"], expected("rejected", exit, 6));
    }
}

#[test]
fn a_retry_is_the_same_request_on_its_own_connection() {
    let requests = answers([at_once(429)], &[], expected("rejected", 42, 3));
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(request.connection, number);
        assert_eq!(request.head, requests[0].head);
        assert_eq!(request.body, requests[0].body);
    }
}

#[test]
fn a_request_that_may_have_mailed_someone_is_never_retried() {
    for (code, exit) in [(500, 50), (502, 52), (503, 53), (504, 54), (501, 59), (599, 59)] {
        answers([status(code), Answer::accepted()], &[], expected("unknown", exit, 1));
    }
    // Not even when the server asks for it: only with 503 does that say that nothing was done.
    for (code, exit) in [(500, 50), (502, 52), (504, 54)] {
        answers([at_once(code), Answer::accepted()], &[], expected("unknown", exit, 1));
    }
    let silent = [Moment::FirstByte, Moment::Head, Moment::Whole];
    for moment in silent {
        for answer in [Answer::reset(moment), Answer::close(moment)] {
            answers([answer, Answer::accepted()], &[], expected("unknown", 8, 1));
        }
    }
    let stall = [Answer::stall(Moment::Whole), Answer::accepted()];
    answers(stall, &["--timeout", "1s"], expected("unknown", 28, 1));
    let page = Answer::status(200).body("<html></html>");
    answers([page, Answer::accepted()], &[], expected("unknown", 20, 1));
}

#[test]
fn permanent_refusals_are_not_retried() {
    for (code, exit) in [(401, 41), (403, 43), (404, 44), (409, 49), (400, 40), (422, 40), (302, 30), (307, 30)] {
        answers([at_once(code), Answer::accepted()], &[], expected("rejected", exit, 1));
    }
}

#[test]
fn a_request_that_was_not_sent_is_retried() {
    let closed = closed_port();
    let url = format!("http://127.0.0.1:{}", closed.port);
    let refused = |retries, attempts| {
        let vescli = send().args(["--base-url", &url, "--retries", retries]);
        check(vescli, expected("not_sent", 7, attempts));
    };
    refused("0", 1);
    refused("2", 3);
    let hole = black_hole();
    let url = format!("http://127.0.0.1:{}", hole.port);
    let vescli = send().args(["--base-url", &url, "--retries", "1"]).args(["--connect-timeout", "300ms"]);
    check(vescli, expected("not_sent", 28, 2));
    let vescli = send().args(["--base-url", "https://nobody.invalid", "--retries", "1"]);
    check(vescli, expected("not_sent", 6, 2));
}

#[test]
fn each_retry_is_reported() {
    let server = Server::http().answers([at_once(429), Answer::accepted()]).start();
    Vescli::new()
        .args(["send", "--email", "hello@example.com", "--cname", "example"])
        .against(&server)
        .stderr("attempt 1: rate limited, rejected: no mail was sent; the server asks to wait 0 s; retry in 0.0 s\n")
        .stdout("accepted: password email for hello@example.com (cname example, N ms, 2 attempts)\n")
        .run();
}

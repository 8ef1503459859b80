//! Which requests are repeated, how often and after how long: counted and timed at the server.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::harness::Vescli;
use crate::server::{Answer, Behaviour, Moment, Recorded, Server, Setup};
use crate::sockets::{black_hole, closed_port};

fn send() -> Vescli {
    Vescli::new().args([
        "send",
        "--json",
        "--email",
        "hello@example.com",
        "--cname",
        "example",
    ])
}

fn status(code: u16) -> Answer {
    Answer::status(code).body("{}")
}

/// A refusal that asks for no wait, so that a test does not take one.
fn at_once(code: u16) -> Answer {
    status(code).header("Retry-After", "0")
}

/// What a run is to come to.
struct Told {
    outcome: &'static str,
    code: u8,
    attempts: usize,
}

fn told(outcome: &'static str, code: u8, attempts: usize) -> Told {
    Told {
        outcome,
        code,
        attempts,
    }
}

fn check(vescli: Vescli, told: Told) -> Value {
    let Told {
        outcome,
        code,
        attempts,
    } = told;
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

/// Runs against a server and compares what is told with what the server counted.
fn against(setup: Setup, flags: &[&str], expected: Told) -> Vec<Recorded> {
    let server = setup.start();
    let attempts = expected.attempts;
    check(send().against(&server).args(flags), expected);
    let requests = server.requests();
    assert_eq!(requests.len(), attempts, "{requests:#?}");
    requests
}

fn answers(
    answers: impl IntoIterator<Item = Answer>,
    flags: &[&str],
    expected: Told,
) -> Vec<Recorded> {
    against(Server::http().answers(answers), flags, expected)
}

#[test]
fn sure_refusals_that_may_pass_are_repeated_twice() {
    for (code, exit) in [(429, 42), (503, 53), (408, 40), (425, 40)] {
        answers([at_once(code)], &[], told("rejected", exit, 3));
        answers(
            [at_once(code), at_once(code), Answer::accepted()],
            &[],
            told("accepted", 0, 3),
        );
        answers(
            [at_once(code)],
            &["--retries", "0"],
            told("rejected", exit, 1),
        );
        answers(
            [at_once(code)],
            &["--retries", "5"],
            told("rejected", exit, 6),
        );
    }
}

#[test]
fn a_repeat_is_the_same_request_on_a_connection_of_its_own() {
    let requests = answers([at_once(429)], &[], told("rejected", 42, 3));
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(request.connection, number);
        assert_eq!(request.head, requests[0].head);
        assert_eq!(request.body, requests[0].body);
    }
}

#[test]
fn what_may_have_mailed_somebody_is_never_repeated() {
    for (code, exit) in [
        (500, 50),
        (502, 52),
        (503, 53),
        (504, 54),
        (501, 59),
        (599, 59),
    ] {
        answers(
            [status(code), Answer::accepted()],
            &[],
            told("unknown", exit, 1),
        );
    }
    // Not even when the server asks for it: only with 503 does that say that nothing was done.
    for (code, exit) in [(500, 50), (502, 52), (504, 54)] {
        answers(
            [at_once(code), Answer::accepted()],
            &[],
            told("unknown", exit, 1),
        );
    }
    let silent = [Moment::FirstByte, Moment::Head, Moment::Whole];
    for moment in silent {
        for answer in [Answer::reset(moment), Answer::close(moment)] {
            answers([answer, Answer::accepted()], &[], told("unknown", 8, 1));
        }
    }
    let stall = [Answer::stall(Moment::Whole), Answer::accepted()];
    answers(stall, &["--timeout", "1s"], told("unknown", 28, 1));
    let page = Answer::status(200).body("<html></html>");
    answers([page, Answer::accepted()], &[], told("unknown", 20, 1));
}

#[test]
fn refusals_that_would_be_the_same_again_are_not_repeated() {
    for (code, exit) in [
        (401, 41),
        (403, 43),
        (404, 44),
        (409, 49),
        (400, 40),
        (422, 40),
        (302, 30),
        (307, 30),
    ] {
        answers(
            [at_once(code), Answer::accepted()],
            &[],
            told("rejected", exit, 1),
        );
    }
}

#[test]
fn what_never_left_is_tried_again() {
    let closed = closed_port();
    let url = format!("http://127.0.0.1:{}", closed.port);
    let refused = |retries, attempts| {
        let vescli = send().args(["--base-url", &url, "--retries", retries]);
        check(vescli, told("not_sent", 7, attempts));
    };
    refused("0", 1);
    refused("2", 3);
    let hole = black_hole();
    let url = format!("http://127.0.0.1:{}", hole.port);
    let vescli = send()
        .args(["--base-url", &url, "--retries", "1"])
        .args(["--connect-timeout", "300ms"]);
    check(vescli, told("not_sent", 28, 2));
    let vescli = send().args(["--base-url", "https://nobody.invalid", "--retries", "1"]);
    check(vescli, told("not_sent", 6, 2));
}

#[test]
fn seconds_of_retry_after_are_waited_for() {
    let answers_ = [429, 503].map(|code| status(code).header("Retry-After", "1"));
    let requests = answers(
        answers_.into_iter().chain([Answer::accepted()]),
        &[],
        told("accepted", 0, 3),
    );
    for pair in requests.windows(2) {
        // Measured from arrival to arrival, which is longer than from answer to arrival by the answer alone.
        let waited = pair[1].arrived - pair[0].arrived;
        assert!(waited >= Duration::from_secs(1), "came after {waited:?}");
        assert!(waited < Duration::from_secs(10), "came after {waited:?}");
    }
}

#[test]
fn a_date_of_retry_after_is_waited_for() {
    let until = SystemTime::now() + Duration::from_secs(2);
    let date = httpdate::fmt_http_date(until);
    let requests = answers(
        [status(429).header("Retry-After", date), Answer::accepted()],
        &[],
        told("accepted", 0, 2),
    );
    // A date has no parts of a second, so that up to one of the two is lost.
    let early = requests[1].arrived < Instant::now() - until_now(until - Duration::from_secs(1));
    assert!(!early, "the repeat came before the date");
}

/// How long ago a time was; nothing if it is to come.
fn until_now(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

#[test]
fn the_date_is_read_by_the_clock_of_the_server() {
    // Both lie in the past; the server's own clock says that a second is left.
    let answer = status(429)
        .header("Date", "Fri, 31 Dec 1999 23:59:58 GMT")
        .header("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT");
    let requests = answers([answer, Answer::accepted()], &[], told("accepted", 0, 2));
    assert!(requests[1].arrived - requests[0].arrived >= Duration::from_secs(1));
}

#[test]
fn a_longer_wait_than_allowed_ends_it() {
    for (wait, flags) in [
        ("301", vec![]),
        ("2", vec!["--max-retry-after", "1s"]),
        ("99999999999999999999", vec![]),
        ("Fri, 31 Dec 2100 23:59:59 GMT", vec![]),
    ] {
        for (code, exit) in [(429, 42), (503, 53)] {
            let asked = status(code).header("Retry-After", wait);
            answers(
                [asked, Answer::accepted()],
                &flags,
                told("rejected", exit, 1),
            );
        }
    }
}

#[test]
fn a_garbled_or_past_retry_after_counts_as_none() {
    for wait in ["soon", "-1", "1.5", "", "Fri, 31 Dec 1999 23:59:59 GMT"] {
        let asked = |code| status(code).header("Retry-After", wait);
        answers(
            [asked(429), Answer::accepted()],
            &[],
            told("accepted", 0, 2),
        );
        answers(
            [asked(503), Answer::accepted()],
            &[],
            told("unknown", 53, 1),
        );
    }
}

#[test]
fn the_unknown_is_repeated_only_when_asked_for() {
    let flags = ["--retry-unknown"];
    answers(
        [status(500), Answer::accepted()],
        &flags,
        told("accepted", 0, 2),
    );
    answers(
        [Answer::reset(Moment::Whole), Answer::accepted()],
        &flags,
        told("accepted", 0, 2),
    );
    answers([status(504)], &flags, told("unknown", 54, 3));
    // What is sure stays as it is.
    answers(
        [status(401), Answer::accepted()],
        &flags,
        told("rejected", 41, 1),
    );
}

#[test]
fn a_later_refusal_does_not_take_back_what_may_have_been_mailed() {
    let flags = ["--retry-unknown"];
    answers([status(504), status(401)], &flags, told("unknown", 54, 2));
    answers(
        [status(500), at_once(429), status(403)],
        &flags,
        told("unknown", 50, 3),
    );
    // Two requests got through to the server; the third met a closed door and was not one.
    let server = Server::http()
        .answers([status(502)])
        .behaviours([Behaviour::Speak, Behaviour::Close])
        .start();
    check(
        send()
            .against(&server)
            .args(["--retry-unknown", "--retries", "1"]),
        told("unknown", 8, 2),
    );
    assert_eq!(server.count(), 1);
}

#[test]
fn an_attempt_that_was_refused_a_connection_leaves_the_unknown_as_it_was() {
    let server = Server::http().answer(Answer::reset(Moment::Whole)).start();
    let port = server.port();
    let running = send()
        .against(&server)
        .args(["--retry-unknown", "--retries", "4"])
        .code(8)
        .stderr_contains("no connection, not sent")
        .stderr_contains("  may have been sent")
        .stdout_json(|value| {
            assert_eq!(
                (&value["outcome"], &value["exit_code"]),
                (&json!("unknown"), &json!(8))
            );
            assert_eq!(value["attempts"], 5);
            assert_eq!(value["error"]["class"], "broken_reply");
        })
        .start();
    // Once it is gone, every further attempt is refused.
    running.wait_for_stderr("attempt 1: broken reply");
    server.wait_for(1);
    drop(server);
    running.finish();
    // Nobody else may have been given the port meanwhile, or the proof would be another one.
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn each_repeat_is_told() {
    let server = Server::http()
        .answers([at_once(429), Answer::accepted()])
        .start();
    Vescli::new()
        .args(["send", "--email", "hello@example.com", "--cname", "example"])
        .against(&server)
        .stderr("attempt 1: rate limited, not sent; the server asks to wait 0 s; again in 0.0 s\n")
        .stdout(
            "accepted: password email for hello@example.com (cname example, N ms, 2 attempts)\n",
        )
        .run();
}

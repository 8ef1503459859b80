//! What may have been sent, and what another attempt can make of it.

use serde_json::json;

use super::{answers, at_once, check, expected, send, status};
use support::server::{Answer, Behaviour, Moment, Server};

#[test]
fn unknown_results_are_retried_only_when_requested() {
    let flags = ["--retry-unknown"];
    answers([status(500), Answer::accepted()], &flags, expected("accepted", 0, 2));
    answers([Answer::reset(Moment::Whole), Answer::accepted()], &flags, expected("accepted", 0, 2));
    answers([status(504)], &flags, expected("unknown", 54, 3));
    // A certain outcome stays as it is.
    answers([status(401), Answer::accepted()], &flags, expected("rejected", 41, 1));
}

#[test]
fn a_later_refusal_does_not_undo_an_unknown() {
    let flags = ["--retry-unknown"];
    answers([status(504), status(401)], &flags, expected("unknown", 54, 2));
    answers([status(500), at_once(429), status(403)], &flags, expected("unknown", 50, 3));
    // Two requests got through to the server; the third was refused a connection and is not counted.
    let server = Server::http().answers([status(502)]).behaviours([Behaviour::Speak, Behaviour::Close]).start();
    check(send().against(&server).args(["--retry-unknown", "--retries", "1"]), expected("unknown", 8, 2));
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
        .stderr_contains("  unknown: may have been sent")
        .stdout_json(|value| {
            assert_eq!((&value["outcome"], &value["exit_code"]), (&json!("unknown"), &json!(8)));
            assert_eq!(value["attempts"], 5);
            assert_eq!(value["error"]["class"], "broken_reply");
        })
        .start();
    // Once it is gone, every further attempt is refused.
    running.wait_for_stderr("attempt 1: broken reply");
    server.wait_for(1);
    drop(server);
    running.finish();
    // No other process may have got the port meanwhile, or this would prove nothing.
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

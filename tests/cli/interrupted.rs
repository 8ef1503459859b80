//! A signal in a single `send`: the program dies by it at once, and says whether the request may have been sent. What was sent is
//! counted at the server.

use std::cell::Cell;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use support::harness::{Running, Vescli};
use support::server::{Answer, Behaviour, End, Moment, Server};
use support::sockets::black_hole;

const MAY_HAVE_LEFT: &str = "the request may have been sent: someone may have been mailed\n";
const NOTHING_SENT: &str = "nothing was sent\n";
/// Far below every time-out and wait that would end the runs below by themselves.
const AT_ONCE: Duration = Duration::from_secs(20);

fn send() -> Vescli {
    Vescli::new()
        .args(["send", "--email", "a@b.co", "--tenant", "t"])
        .args(["--timeout", "50s", "--connect-timeout", "50s"])
        .limit(AT_ONCE)
}

/// A server that reads the request and never answers.
fn silent() -> Server {
    let silence = Answer::Silence { after: Moment::Whole, end: End::Stall };
    Server::http().answer(silence).start()
}

fn document(outcome: &'static str, exit_code: u8) -> impl Fn(&Value) {
    move |document| {
        assert_eq!(document["outcome"], outcome);
        assert_eq!(document["ok"], false);
        assert_eq!(document["exit_code"], exit_code);
        assert_eq!(document["email"], "a@b.co");
        assert_eq!(document["error"]["class"], "interrupted");
        assert_eq!(document["error"]["safe_to_retry"], outcome == "not_sent");
    }
}

#[test]
fn an_interrupted_request_that_may_have_left_is_reported_as_unknown() {
    for (name, long, number) in [("INT", "SIGINT", 2), ("TERM", "SIGTERM", 15), ("HUP", "SIGHUP", 1)] {
        let server = silent();
        let text = format!("error: ended by {long}: {MAY_HAVE_LEFT}");
        let running = send().against(&server).dies_by(number).stderr_contains(text.clone());
        let running =
            running.stderr_contains("; then record the answer for later lists: `vescli journal resolve ").start();
        server.wait_for(1);
        running.signal(name);
        running.finish();

        let server = silent();
        let running = send()
            .against(&server)
            .arg("--json")
            .dies_by(number)
            .stderr_contains(text)
            .stdout_json(document("unknown", 128 + u8::try_from(number).unwrap()))
            .start();
        server.wait_for(1);
        running.signal(name);
        running.finish();
        assert_eq!(server.count(), 1);
    }
}

#[test]
fn with_json_and_q_only_the_document_is_printed() {
    let server = silent();
    let running =
        send().against(&server).args(["--json", "-q"]).dies_by(15).stdout_json(document("unknown", 143)).start();
    server.wait_for(1);
    running.signal("TERM");
    running.finish();
}

/// Ends a run that mailed no one, once as text and once with JSON. `ready` waits until it is where it is to be.
fn nothing_is_sent(vescli: impl Fn() -> Vescli, ready: impl Fn(&Running)) {
    let running = vescli().dies_by(2).stderr_contains(format!("error: ended by SIGINT: {NOTHING_SENT}")).start();
    ready(&running);
    running.signal("INT");
    running.finish();
    let running = vescli()
        .arg("--json")
        .dies_by(15)
        .stdout_json(document("not_sent", 143))
        .stderr_contains(format!("error: ended by SIGTERM: {NOTHING_SENT}"))
        .start();
    ready(&running);
    running.signal("TERM");
    running.finish();
}

#[test]
fn a_signal_ends_a_hanging_handshake_at_once_and_nothing_is_sent() {
    let server = Server::https(support::certificates::Authority::new().server()).behaviours([Behaviour::Hang]).start();
    let connected = Cell::new(0);
    nothing_is_sent(
        || send().against(&server),
        |_| {
            connected.set(connected.get() + 1);
            server.wait_for_connections(connected.get());
        },
    );
    assert_eq!(server.count(), 0);
}

#[test]
fn a_signal_ends_a_pending_connect_at_once() {
    let hole = black_hole();
    let url = format!("http://127.0.0.1:{}", hole.port);
    nothing_is_sent(|| send().args(["-v", "--base-url", &url]), |running| drop(running.wait_for_stderr("> POST ")));
}

#[test]
fn a_wait_for_the_next_attempt_ends_at_once() {
    let server = Server::http().answer(Answer::status(429).header("Retry-After", "200")).start();
    nothing_is_sent(|| send().against(&server), |running| drop(running.wait_for_stderr("retry in 200.0 s")));
    let server = Server::http().answer(Answer::status(404)).start();
    let waiting = || send().against(&server).args(["--wait-for-user", "1h"]);
    nothing_is_sent(waiting, |running| {
        drop(running.wait_for_stderr("not found, rejected: no mail was sent; retry in"));
    });
    // What an earlier attempt left open stays open.
    let server =
        Server::http().answers([Answer::status(503), Answer::status(429).header("Retry-After", "200")]).start();
    let running = send()
        .against(&server)
        .args(["--retry-unknown", "--json"])
        .dies_by(2)
        .stdout_json(document("unknown", 130))
        .stderr_contains(MAY_HAVE_LEFT)
        .start();
    running.wait_for_stderr("retry in 200.0 s");
    running.signal("INT");
    running.finish();
    assert_eq!(server.count(), 2);
}

#[test]
fn a_signal_ends_a_waiting_token_command_at_once() {
    let server = Server::http().uncalled().start();
    // It ends with its reader, and keeps nothing open that the test reads.
    let script = "echo asking >&2; exec 2>/dev/null; while printf x; do sleep 0.1; done";
    let url = server.url();
    let config = format!("[profiles.a]\nbase_url = \"{url}\"\ntoken_command = [\"sh\", \"-c\", \"{script}\"]\n");
    nothing_is_sent(|| send().config(&config), |running| drop(running.wait_for_stderr("asking")));
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let server = Server::http().answers([Answer::status(429).header("Retry-After", "1"), Answer::accepted()]).start();
    let program = support::program();
    let script = format!("trap '' INT TERM; exec {program} send --email a@b.co --tenant t");
    let running = Vescli::program("/bin/sh")
        .against(&server)
        .args(["-c", &script])
        .stdout_contains("accepted: ")
        .stderr_contains("")
        .start();
    running.wait_for_stderr("retry in 1.0 s");
    running.signal("INT");
    running.signal("TERM");
    running.finish();
    assert_eq!(server.count(), 2);
}

/// Whatever the moment: what is called not sent has not been seen by the server, and what was accepted is never called
/// not sent.
#[test]
fn at_no_moment_is_a_request_called_not_sent_that_the_server_saw() {
    let server = Server::http().start();
    for trial in 0..60 {
        let before = server.count();
        let child = Command::new(support::program())
            .args(["send", "--email", "a@b.co", "--tenant", "t", "--json"])
            .args(["--config", "none", "--base-url", &server.url()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The test waits for no particular moment: the check is valid at each.
        thread::sleep(Duration::from_micros(trial * 400));
        // One that has ended already is not signalled: it has not been waited for, so its number is still its own.
        let signalled = Command::new("kill").arg("-INT").arg(child.id().to_string()).stderr(Stdio::null()).status();
        assert!(signalled.is_ok());
        let output = child.wait_with_output().unwrap();
        let seen = server.count() - before;
        let outcome =
            serde_json::from_slice::<Value>(&output.stdout).map_or(Value::Null, |document| document["outcome"].clone());
        match outcome.as_str() {
            Some("not_sent") | None => assert_eq!(seen, 0, "{output:?}"),
            Some("accepted") => assert_eq!(seen, 1, "{output:?}"),
            Some(outcome) => assert_eq!(outcome, "unknown", "{output:?}"),
        }
    }
}

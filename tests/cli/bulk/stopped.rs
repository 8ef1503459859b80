//! What stops a run before its end, and what the next run makes of it.

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{again, again_on, bulk, each_once, lines, mailed};
use support::certificates::Authority;
use support::harness::Vescli;
use support::server::{Answer, Server};

/// Answers the first requests like that, and accepts all others.
fn at_first(times: usize, answer: Answer) -> impl Fn(&support::server::Recorded) -> Answer {
    let count = AtomicUsize::new(0);
    move |_| {
        if count.fetch_add(1, Ordering::Relaxed) < times { answer.clone() } else { Answer::accepted() }
    }
}

#[test]
fn a_failure_that_every_row_would_have_stops_the_run_and_loses_no_one() {
    for (answer, text) in [
        (Answer::status(401), "not authorized"),
        (Answer::status(403), "forbidden"),
        (Answer::status(302).header("Location", "/login"), "redirected"),
        (Answer::status(307).header("Location", "/again"), "redirected"),
    ] {
        let server = Server::http().choose(at_first(1, answer)).start();
        let first = bulk(&server, 10)
            .args(["--jobs", "1"])
            .code(12)
            .stdout_contains("rejected  a0@example.com")
            .stderr_contains(format!("error: stopped: {text}; every other row would fail the same way"))
            .stderr_contains("next: vescli bulk list.txt --yes --rate none --jobs 1\n")
            .run();
        assert_eq!(server.count(), 1);
        again(&first, &server).run();
        let mut expected = each_once(10);
        expected.insert("a0@example.com".to_owned(), 2);
        assert_eq!(mailed(&server), expected, "{text}");
    }
}

#[test]
fn an_untrusted_certificate_stops_the_run_before_the_first_mail() {
    let server = Server::https(Authority::new().server()).start();
    bulk(&server, 10)
        .env("VESCLI_BASE_URL", server.url_for("localhost"))
        .args(["--jobs", "1"])
        .code(12)
        .stdout_contains("not_sent  a0@example.com  certificate not trusted")
        .run();
    assert_eq!(server.bytes_received(), 0);
}

#[test]
fn consecutive_failures_stop_the_run_and_scattered_ones_do_not() {
    let server = Server::http().answer(Answer::status(404)).start();
    let stopped = bulk(&server, 30)
        .args(["--jobs", "1"])
        .code(12)
        .stderr_contains("error: stopped: 10 consecutive rows were not accepted (--max-failures)")
        .run();
    assert_eq!(server.count(), 10);
    again(&stopped, &server).args(["--jobs", "1", "--max-failures", "3"]).code(12).run();
    assert_eq!(server.count(), 13);
    again(&stopped, &server).args(["--jobs", "1", "--max-failures", "0"]).code(10).run();
    assert_eq!(server.count(), 30);

    let count = AtomicUsize::new(0);
    let every_other = move |_: &support::server::Recorded| match count.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Answer::status(404),
        _ => Answer::accepted(),
    };
    let server = Server::http().choose(every_other).start();
    bulk(&server, 30).args(["--jobs", "1", "--max-failures", "2"]).code(10).run();
    assert_eq!(server.count(), 30);
}

#[test]
fn a_wait_longer_than_allowed_stops_the_run_and_loses_no_one() {
    let answer = Answer::status(429).header("Retry-After", "3600");
    let server = Server::http().choose(at_first(1, answer)).start();
    let first = bulk(&server, 5)
        .args(["--jobs", "1"])
        .code(12)
        .stderr_contains("the server asks to wait 1 h 0 min, longer than --max-retry-after")
        .run();
    assert_eq!(server.count(), 1);
    again(&first, &server).run();
    assert_eq!(server.count(), 6);
}

#[test]
fn a_reader_that_goes_away_stops_nothing_and_changes_no_code() {
    let server = Server::http().start();
    let program = support::program();
    let script = format!("{program} bulk list.txt --yes --rate none --jobs 1 | head -n 1; exit ${{PIPESTATUS[0]}}");
    Vescli::program("/bin/bash")
        .file("list.txt", lines(300))
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["-c", &script])
        .stdout("accepted  a0@example.com\n")
        .stderr_contains("")
        .stderr_lacks("standard output")
        .run();
    assert_eq!(mailed(&server), each_once(300));
}

#[test]
fn a_full_standard_output_is_reported_and_does_not_stop_the_run() {
    if File::open("/dev/full").is_err() {
        return;
    }
    for (answer, code) in [(Answer::accepted(), 74), (Answer::status(404), 10)] {
        let server = Server::http().answer(answer).start();
        let program = support::program();
        let script = format!("exec {program} bulk list.txt --yes --rate none > /dev/full");
        let output = Vescli::program("/bin/sh")
            .file("list.txt", lines(9))
            .against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .args(["-c", &script])
            .code(code)
            .stderr_contains("standard output could not be written")
            .stderr_contains("the journal has every row")
            .stderr_contains("this run: ")
            .run();
        assert_eq!(mailed(&server), each_once(9));
        again(&output, &server).code(code % 74).run();
        assert_eq!(server.count(), 9);
    }
}

#[test]
fn a_journal_that_cannot_be_written_sends_nothing() {
    let server = Server::http().uncalled().start();
    let vescli = Vescli::new().file("list.txt", lines(2));
    again_on(vescli, &server)
        .args(["--journal", "/proc/nowhere/journal"])
        .code(74)
        .stdout("")
        .stderr_contains("error: the journal /proc/nowhere/journal cannot be written")
        .run();
}

#[test]
fn a_journal_write_error_stops_the_run_and_loses_no_one() {
    let server = Server::http().start();
    // Longer than the room that is reserved for a row, so that the limit is reached during the run and not before.
    let long = |row: usize| format!("{}{row}@example.com\n", "x".repeat(900));
    let list: String = (0..12).map(long).collect();
    let program = support::program();
    let script = format!("trap '' XFSZ; ulimit -f 8; exec {program} bulk list.txt --yes --rate none --jobs 2");
    let failed = Vescli::program("/bin/bash")
        .file("list.txt", list)
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["-c", &script])
        .code(74)
        .stdout_contains("this run: ")
        .stderr_contains("error: stopped: the journal ")
        .stderr_contains("; no request was sent after that")
        .run();
    let sent = server.count();
    assert!((1..12).contains(&sent), "{sent} requests");
    // What was under way may be unknown now, so that the code depends on which record met the limit.
    let script = format!("{program} bulk list.txt --yes --rate none || [ $? = 11 ]");
    failed
        .again_with("/bin/sh")
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["-c", &script])
        .stdout_contains("")
        .stderr_contains("")
        .run();
    let mailed = mailed(&server);
    assert!(mailed.values().all(|count| *count == 1), "somebody twice");
    assert!(mailed.len() >= 12 - 2, "more than what was under way is missing");
}

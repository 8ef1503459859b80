//! Signals: the first one ends the run in order, the second one at once, and neither loses a row.

use super::{again, bulk, each_once, holding, mailed};
use support::server::{Answer, Server};

#[test]
fn the_first_signal_waits_for_running_requests_and_sends_nothing_more() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let (server, hold) = holding();
        let running = bulk(&server, 10)
            .args(["--jobs", "3"])
            .dies_by(number)
            .stdout_contains("this run: 3 accepted (3 requests, 0 s)\n")
            .stdout_contains("the list: 3 accepted, 7 not_sent of 10 rows\n")
            .stderr_contains("next: vescli bulk list.txt --yes --rate none --jobs 3\n")
            .start();
        hold.wait_for(3);
        running.signal(name);
        running.wait_for_stderr("no new requests; waiting for those under way");
        hold.release();
        let output = running.finish();
        assert_eq!(server.count(), 3, "{name}");
        again(&output, &server).stderr_lacks("unknown").run();
        assert_eq!(mailed(&server), each_once(10), "{name}");
    }
}

#[test]
fn the_second_signal_ends_at_once_and_running_requests_are_unknown() {
    for (first, second, number) in [("INT", "INT", 2), ("TERM", "INT", 2), ("HUP", "TERM", 15)] {
        let (server, hold) = holding();
        let running = bulk(&server, 10).args(["--jobs", "3"]).dies_by(number).stdout_lacks("this run").start();
        hold.wait_for(3);
        running.signal(first);
        running.wait_for_stderr("no new requests");
        running.signal(second);
        let output = running.finish();
        hold.release();
        again(&output, &server).code(11).stderr_contains("3 rows may have been mailed").run();
        assert_eq!(mailed(&server), each_once(10));
    }
}

#[test]
fn a_signal_ends_a_wait_for_a_turn_and_for_a_pause() {
    for (rate, answer) in [("1/h", Answer::accepted()), ("none", Answer::status(429).header("Retry-After", "200"))] {
        let server = Server::http().answer(answer).start();
        let running = bulk(&server, 10).args(["--jobs", "3", "--rate", rate]).dies_by(15).start();
        server.wait_for(1);
        running.signal("TERM");
        let output = running.finish();
        assert!(output.elapsed.as_secs() < 20, "{:?}", output.elapsed);
        assert!(server.count() <= 3);
    }
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let (server, hold) = holding();
    let program = support::program();
    let script = format!("trap '' HUP; exec {program} bulk list.txt --yes --rate none --jobs 2");
    let running = support::harness::Vescli::program("/bin/sh")
        .file("list.txt", super::lines(6))
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["-c", &script])
        .stdout_contains("this run: 6 accepted")
        .stderr_contains("")
        .start();
    hold.wait_for(2);
    running.signal("HUP");
    hold.release();
    running.finish();
    assert_eq!(mailed(&server), each_once(6));
}

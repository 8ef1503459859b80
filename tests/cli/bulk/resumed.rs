//! The same command again: no one is mailed twice, and no one is lost.

use std::fs;

use super::{address, again, again_on, bulk, each_once, holding, lines, mailed};
use support::harness::Vescli;
use support::server::{Answer, End, Moment, Recorded, Server};
use support::sockets::closed_port;

/// Answers by the address: `a3` gets the given answer, everyone else is accepted.
fn but_for(index: usize, answer: Answer) -> impl Fn(&Recorded) -> Answer + Send + Sync {
    let special = address(index);
    move |request| {
        if request.json()["email"] == special.as_str() { answer.clone() } else { Answer::accepted() }
    }
}

#[test]
fn the_same_list_twice_mails_no_one_twice() {
    let server = Server::http().start();
    let first = bulk(&server, 20).run();
    assert_eq!(mailed(&server), each_once(20));
    again(&first, &server)
        .stdout_contains("nothing left to send: everybody on the list (20 rows) was accepted earlier, ")
        .stdout_contains("--fresh")
        .stderr("")
        .run();
    assert_eq!(mailed(&server), each_once(20));
}

#[test]
fn an_edited_list_sends_only_new_people_in_any_order() {
    let server = Server::http().start();
    let first = bulk(&server, 5).run();
    let edited = "# new order\nA4@EXAMPLE.COM\na6@example.com\na1@example.com\na5@example.com\n";
    again_on(first.again().file("list.txt", edited), &server).run();
    assert_eq!(mailed(&server), each_once(7));
}

#[test]
fn rejected_rows_are_not_sent_unless_requested() {
    let server = Server::http().choose(but_for(3, Answer::status(404).body("\"no such user\""))).start();
    let first = bulk(&server, 5)
        .code(10)
        .stdout_contains("rejected  a3@example.com  not found (HTTP 404): \"no such user\"\n")
        .run();
    let second = again(&first, &server)
        .code(10)
        .stdout_contains("1 rejected")
        .stderr_contains("to send again: --retry-rejected")
        .run();
    assert_eq!(mailed(&server), each_once(5));
    again(&second, &server).arg("--retry-rejected").code(10).run();
    assert_eq!(mailed(&server)[&address(3)], 2);
    assert_eq!(server.count(), 6);
}

#[test]
fn unknown_rows_are_not_sent_unless_requested() {
    let server = Server::http().choose(but_for(2, Answer::status(500).body("\"oops\""))).start();
    let first = bulk(&server, 4).code(11).stdout_contains("unknown   a2@example.com").run();
    again(&first, &server).code(11).stderr_contains("line 3: a2@example.com").run();
    assert_eq!(mailed(&server), each_once(4));
    let second = again(&first, &server).arg("--resend-unknown").code(11).run();
    assert_eq!(mailed(&server)[&address(2)], 2);
    assert_eq!(server.count(), 5);
    again(&second, &server).code(11).run();
    assert_eq!(server.count(), 5);
}

#[test]
fn a_refusal_does_not_undo_an_unknown_of_an_earlier_run() {
    let server = Server::http().answers([Answer::status(500), Answer::status(404), Answer::accepted()]).start();
    let first = bulk(&server, 1).code(11).run();
    let second =
        again(&first, &server).arg("--resend-unknown").code(11).stdout_contains("unknown   a0@example.com").run();
    let third = again(&second, &server).arg("--retry-rejected").code(11).run();
    assert_eq!(server.count(), 2);
    let last = again(&third, &server).arg("--resend-unknown").run();
    again(&last, &server).run();
    assert_eq!(server.count(), 3);
}

#[test]
fn after_a_kill_running_requests_are_unknown_and_the_rest_is_sent() {
    let (server, hold) = holding();
    let running = bulk(&server, 10).args(["--jobs", "3"]).dies_by(9).start();
    hold.wait_for(3);
    running.signal("KILL");
    let killed = running.finish();
    hold.release();
    let resumed = again(&killed, &server).code(11).stderr_contains("3 rows may have been mailed").run();
    assert_eq!(mailed(&server), each_once(10));
    again(&resumed, &server).code(11).run();
    assert_eq!(mailed(&server), each_once(10));
}

#[test]
fn a_second_run_on_the_same_journal_is_refused_at_once() {
    let (server, hold) = holding();
    let vescli = bulk(&server, 2);
    let journal = vescli.folder().join("journal");
    let running = vescli.arg("--journal").arg(&journal).start();
    hold.wait_for(2);
    let other = Vescli::new().file("list.txt", lines(2));
    let second = again_on(other, &server)
        .arg("--journal")
        .arg(&journal)
        .code(75)
        .stdout("")
        .stderr_contains("error: another run uses the journal")
        .run();
    assert!(second.elapsed.as_secs() < 5);
    hold.release();
    running.finish();
    assert_eq!(mailed(&server), each_once(2));
}

#[test]
fn a_limit_leaves_the_rest_for_later_runs() {
    let server = Server::http().start();
    let mut output = bulk(&server, 5)
        .args(["--limit", "2"])
        .stdout_contains("the list: 2 accepted, 3 not_sent of 5 rows; 3 left for later by --limit\n")
        .stderr_contains("next: vescli bulk list.txt --yes --rate none --limit 2\n")
        .run();
    assert_eq!(mailed(&server), each_once(2));
    output = again(&output, &server)
        .args(["--limit", "2", "--json"])
        .stdout_json_lines(|documents| {
            let summary = documents.last().unwrap();
            assert_eq!(
                (&summary["ok"], &summary["exit_code"], &summary["beyond_limit"]),
                (&true.into(), &0.into(), &1.into())
            );
            assert_eq!(summary["go_on"], "vescli bulk list.txt --yes --rate none --limit 2 --json");
        })
        .run();
    assert_eq!(mailed(&server), each_once(4));
    again(&output, &server).args(["--limit", "2"]).run();
    assert_eq!(mailed(&server), each_once(5));
}

#[test]
fn a_limit_does_not_hide_rejected_rows() {
    let server = Server::http().choose(but_for(1, Answer::status(404))).start();
    let first = bulk(&server, 5).args(["--limit", "2"]).code(10).run();
    // The rejected row stays rejected when others are accepted.
    again(&first, &server).args(["--limit", "2"]).code(10).run();
}

#[test]
fn a_fresh_run_mails_every_row_and_keeps_the_old_journal() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    again(&first, &server).arg("--fresh").stderr_contains("new: people already mailed will be mailed again").run();
    assert_eq!(server.count(), 6);
    let journals = first.folder.join(".local/state/vescli");
    assert_eq!(fs::read_dir(journals).unwrap().count(), 2);
}

#[test]
fn every_request_has_an_intent_in_the_journal_before_it_is_sent() {
    // The server reads the journal as each request arrives.
    let journal = tempfile::TempDir::with_prefix("vescli-journal-").unwrap();
    let path = journal.path().join("run.ndjson");
    let looked_at = path.clone();
    let server = Server::http()
        .choose(move |request| {
            let email = request.json()["email"].as_str().unwrap().to_owned();
            let text = fs::read_to_string(&looked_at).unwrap();
            let intent = text.lines().any(|line| line.contains("\"t\":\"intent\"") && line.contains(&email));
            if intent { Answer::accepted() } else { Answer::status(418) }
        })
        .start();
    bulk(&server, 50).arg("--journal").arg(&path).args(["--jobs", "8"]).run();
    assert_eq!(mailed(&server), each_once(50));
}

#[test]
fn a_broken_connection_is_unknown_and_a_failed_connect_is_not_sent() {
    let silence = Answer::Silence { after: Moment::Whole, end: End::Reset };
    let server = Server::http().choose(but_for(1, silence)).start();
    bulk(&server, 3).code(11).stdout_contains("unknown   a1@example.com").run();
    assert_eq!(mailed(&server), each_once(3));

    let nobody = closed_port();
    again_on(Vescli::new().file("list.txt", lines(2)), &server)
        .env("VESCLI_BASE_URL", format!("http://127.0.0.1:{}", nobody.port))
        .args(["--retries", "0"])
        .code(10)
        .stdout_contains("not_sent  a0@example.com  no connection")
        .run();
    assert_eq!(server.count(), 3);
}

//! Unusual use of lists and journals: no one is mailed twice unless requested, and no one is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{again, again_on, bulk, each_once, holding, lines, mailed};
use support::harness::Vescli;
use support::server::{Answer, Server};

#[test]
fn the_same_command_sends_rows_that_a_busy_service_refused() {
    for answer in [Answer::status(429), Answer::status(408)] {
        let count = AtomicUsize::new(0);
        let server = Server::http()
            .choose(move |_| match count.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => answer.clone(),
                _ => Answer::accepted(),
            })
            .start();
        let first = bulk(&server, 2)
            .args(["--retries", "0"])
            .code(10)
            .stdout_contains("this run: 0 accepted, 2 rejected; 2 due: the next run sends them (2 requests")
            .stderr_contains("next: ")
            .run();
        again(&first, &server).stdout_contains("this run: 2 accepted").run();
        assert_eq!(server.count(), 4);
    }
}

#[test]
fn standard_input_with_new_rows_sends_only_those() {
    let server = Server::http().start();
    let piped = |vescli: Vescli, count: usize| {
        vescli
            .stdin(lines(count))
            .against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .args(["bulk", "-", "--yes", "--rate", "none"])
            .stdout_contains("")
            .stderr_contains("")
            .run()
    };
    let first = piped(Vescli::new(), 3);
    piped(first.again(), 5);
    assert_eq!(mailed(&server), each_once(5));
}

#[test]
fn unknown_rows_beyond_a_limit_stay_unknown() {
    let server = Server::http().answer(Answer::status(500)).start();
    let first = bulk(&server, 4).code(11).run();
    let second = again(&first, &server)
        .args(["--resend-unknown", "--limit", "1"])
        .code(11)
        .stdout_contains("the list: 0 accepted, 4 unknown of 4 rows; 3 left for later by --limit\n")
        .run();
    again(&second, &server).code(11).run();
    assert_eq!(server.count(), 5);
}

#[test]
fn a_list_with_only_invalid_rows_is_refused() {
    let server = Server::http().uncalled().start();
    let list = "email\nnope\nalso nope\n";
    again_on(Vescli::new().file("list.txt", list), &server)
        .arg("--skip-invalid")
        .code(65)
        .stderr_contains("line 2")
        .run();
}

#[test]
fn a_journal_removed_during_a_run_is_reported() {
    let (server, hold) = holding();
    let vescli = bulk(&server, 2).code(74);
    let journal = vescli.folder().join("journal");
    let running = vescli.arg("--journal").arg(&journal).stderr_contains("was removed during the run").start();
    hold.wait_for(2);
    fs::remove_file(&journal).unwrap();
    hold.release();
    running.finish();
    assert_eq!(mailed(&server), each_once(2));
}

#[test]
fn the_list_is_never_used_as_its_journal() {
    let server = Server::http().uncalled().start();
    for (fresh, mode) in [(&["--fresh"][..], 0o600), (&[], 0o600), (&[], 0o644)] {
        let vescli = Vescli::new().file("list.txt", lines(2));
        let list = vescli.folder().join("list.txt");
        fs::set_permissions(list, fs::Permissions::from_mode(mode)).unwrap();
        let refused = again_on(vescli, &server)
            .args(["--journal", "list.txt"])
            .args(fresh)
            .code(65)
            .stderr_contains("list.txt is the list itself: name another file with --journal")
            .run();
        let list = fs::read_to_string(refused.folder.join("list.txt"));
        assert_eq!(list.unwrap(), lines(2));
    }
}

#[test]
fn a_pipe_in_place_of_a_journal_is_refused_at_once() {
    let server = Server::http().uncalled().start();
    let vescli = bulk(&server, 2);
    let pipe = vescli.folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    vescli.arg("--journal").arg(&pipe).code(65).stderr_contains("is not a regular file").run();
}

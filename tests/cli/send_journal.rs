//! The journal of single sends: people whom `send` has mailed are known to the next list.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use support::harness::{Output, Vescli};
use support::server::{Answer, End, Moment, Server};
use support::sockets::{black_hole, closed_port};

const WARNING: &str = "warning: this send is not recorded: ";

/// A send to one of the list's people.
fn send_in(vescli: Vescli, server: &Server, email: &str) -> Vescli {
    vescli.against(server).args(["send", "-q", "--retries", "0", "--tenant", "t", "-e", email])
}

fn send(server: &Server) -> Vescli {
    send_in(Vescli::new(), server, "ada@example.com")
}

/// A list with her and another, in the folder of a send.
fn list(sent: &Output, server: &Server) -> Vescli {
    let vescli = sent.again().file("list.txt", "ada@example.com\nbob@example.com\n");
    let bulk = ["bulk", "list.txt", "--tenant", "t", "--yes", "--rate", "none"];
    vescli.against(server).args(bulk).stdout_contains("").stderr_contains("")
}

fn state(folder: &Path) -> PathBuf {
    folder.join(".local/state/vescli")
}

/// The journals of single sends in a folder.
fn journals(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    let mut paths: Vec<PathBuf> = entries.unwrap_or_default();
    let is_meant = |path: &PathBuf| path.to_string_lossy().ends_with(".ndjson");
    paths.retain(|path| is_meant(path) && path.file_name().unwrap().to_string_lossy().starts_with("send-"));
    paths
}

fn the_journal(sent: &Output) -> PathBuf {
    let journals = journals(&state(&sent.folder));
    assert_eq!(journals.len(), 1, "{journals:?}");
    journals[0].clone()
}

/// A command on the only journal of single sends.
fn on_journal(sent: &Output, command: &[&str]) -> Vescli {
    let (journal, vescli) = (the_journal(sent), sent.again().arg("journal"));
    vescli.arg(command[0]).arg(journal).args(&command[1..])
}

/// What is exported of everybody: address, outcome and attempts.
fn people(sent: &Output) -> Vec<(String, String, u64)> {
    let exported = on_journal(sent, &["export", "--json"]).stdout_contains("").run().stdout;
    let person = |line: &str| {
        let person: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| person[name].as_str().unwrap().to_owned();
        (text("email"), text("outcome"), person["attempts"].as_u64().unwrap())
    };
    exported.lines().map(person).collect()
}

fn outcome(sent: &Output) -> String {
    let people = people(sent);
    assert_eq!(people.len(), 1, "{people:?}");
    people[0].1.clone()
}

#[test]
fn a_person_mailed_by_send_is_known_to_the_next_list() {
    let server = Server::http().start();
    let sent = send(&server).run();
    let known = "1 of these 2 people is known from other lists: 1 accepted (single sends, the last 20";
    list(&sent, &server).code(65).stderr_contains(known).run();
    assert_eq!(server.count(), 1);
    list(&sent, &server)
        .args(["--known", "skip", "--json"])
        .stdout_contains(r#""known":{"accepted":1,"unknown":0,"choice":"skip","lists":[{"list":"send","#)
        .run();
    assert_eq!(server.count(), 2);
    // A send is not refused because the journal knows the person.
    send_in(sent.again(), &server, "bob@example.com").run();
    assert_eq!(server.count(), 3);
}

#[test]
fn another_service_or_cname_does_not_know_the_person() {
    let server = Server::http().start();
    let sent = send(&server).run();
    send_in(sent.again(), &server, "ada@example.com").args(["--cname", "other"]).run();
    let elsewhere = Server::http().start();
    list(&sent, &elsewhere).run();
    assert_eq!((server.count(), elsewhere.count()), (2, 2));
    list(&sent, &server).args(["--cname", "third"]).run();
    assert_eq!(server.count(), 4);
}

#[test]
fn unknown_people_are_known_until_resolved_and_rejected_people_are_not() {
    let server = Server::http().answers([Answer::status(500), Answer::accepted()]).start();
    let sent = send(&server).code(50).stderr_contains("may have been sent").run();
    list(&sent, &server).code(65).stderr_contains(": 1 unknown (single sends, the last 20").run();
    let resolve = ["resolve", "-e", "ada@example.com", "--as", "not-sent"];
    on_journal(&sent, &resolve).stdout_contains("resolved: ada@example.com (cname t) as not_sent").run();
    list(&sent, &server).run();
    assert_eq!(server.count(), 3);

    let server = Server::http().answers([Answer::status(409), Answer::accepted()]).start();
    let sent = send(&server).code(49).stderr_contains("rejected").run();
    assert_eq!(outcome(&sent), "rejected");
    list(&sent, &server).run();
    assert_eq!(server.count(), 3);
}

/// The command that a message names between backticks.
fn named(text: &str) -> String {
    let command = text.split('`').find(|part| part.starts_with("vescli journal resolve "));
    command.expect("a command").to_owned()
}

#[test]
fn the_command_that_an_unknown_send_names_records_the_answer() {
    let drop = Answer::Silence { after: Moment::Whole, end: End::Close };
    let server = Server::http().answers([Answer::status(500), drop, Answer::status(502)]).start();
    let sent = send(&server).code(50).stderr_contains("sending again. Then record the answer").run();
    let other = ["--cname", "o'neil & co"];
    let again = || send_in(sent.again(), &server, "ada+x@example.com").args(other);
    let with_json = again().code(8).arg("--json").stdout_json(|document| {
        let hint = document["error"]["hint"].as_str().unwrap();
        assert!(hint.ends_with(" --as accepted`, or with `--as not-sent`"), "{hint}");
    });
    let document: Value = serde_json::from_str(&with_json.run().stdout).unwrap();
    // Another cname of the same address makes it ambiguous to the journal, but not to the command.
    send_in(sent.again(), &server, "ada@example.com").args(other).code(52).stderr_contains("Then record").run();
    for (message, cname) in [(&*sent.stderr, "t"), (document["error"]["hint"].as_str().unwrap(), "o'neil & co")] {
        let bash = sent.again_with("/bin/bash").args(["-c", &named(message)]);
        let bash = bash.env("PATH", format!("{}:/usr/bin:/bin", support::program_folder()));
        bash.stdout_contains(format!("(cname {cname}) as accepted; left alone from now on\n")).run();
    }
    let outcomes = people(&sent).into_iter().map(|(_, outcome, _)| outcome);
    assert_eq!(outcomes.collect::<Vec<_>>(), ["accepted", "accepted", "unknown"]);
}

#[test]
fn a_send_that_the_journal_does_not_call_unknown_names_no_command() {
    let server = Server::http().answers([Answer::accepted(), Answer::status(500)]).start();
    let sent = send(&server).run();
    send_in(sent.again(), &server, "ada@example.com")
        .code(50)
        .stderr_contains("unknown:")
        .stderr_lacks("resolve")
        .run();
    let server = Server::http().answer(Answer::status(500)).start();
    send(&server).arg("--no-journal").code(50).stderr_contains("unknown:").stderr_lacks("resolve").run();
}

#[test]
fn no_later_failure_takes_back_what_an_earlier_send_came_to() {
    for (first, code, known) in [(Answer::accepted(), 0, "accepted"), (Answer::status(500), 50, "unknown")] {
        let server = Server::http().answers([first, Answer::status(409), Answer::status(429)]).start();
        let sent = send(&server).code(code).stderr_contains("").run();
        let again = || send_in(sent.again(), &server, "ada@example.com").stderr_contains("rejected");
        again().code(49).run();
        assert_eq!(outcome(&sent), known);
        again().code(42).run();
        assert_eq!(outcome(&sent), known);
        list(&sent, &server).code(65).stderr_contains(format!(": 1 {known} (single sends")).run();
        on_journal(&sent, &["check"]).stdout_contains("valid, ").run();
    }
}

#[test]
fn retries_are_recorded_as_attempts_of_one_send() {
    let server = Server::http().answers([Answer::status(429).header("Retry-After", "0"), Answer::accepted()]).start();
    let sent = send(&server).args(["--retries", "1"]).run();
    assert_eq!(people(&sent), [("ada@example.com".to_owned(), "accepted".to_owned(), 2)]);
    on_journal(&sent, &["show"]).stdout_contains("sends     1, the first 20").run();
}

#[test]
fn what_sends_nothing_and_what_is_not_to_be_recorded_leaves_no_journal() {
    let server = Server::http().start();
    let none = |vescli: Vescli| {
        let output = vescli.stdout_contains("").stderr_contains("").run();
        assert!(!state(&output.folder).exists());
    };
    none(send(&server).arg("--dry-run"));
    none(send(&server).arg("--show-curl"));
    let https = format!("https://127.0.0.1:{}", server.port());
    none(send(&server).args(["--base-url", &https, "--cacert", "missing.pem"]).code(66));
    assert_eq!(server.count(), 0);
    none(send(&server).arg("--no-journal"));
    none(send(&server).env("VESCLI_NO_JOURNAL", "1"));
    none(send(&server).env_remove("HOME").env_remove("XDG_STATE_HOME"));
    assert_eq!(server.count(), 3);
}

#[test]
fn a_send_that_cannot_be_recorded_goes_out_with_one_warning() {
    let server = Server::http().start();
    let loud = |vescli: Vescli| {
        let send = ["send", "--tenant", "t", "-e", "ada@example.com", "--retries", "0"];
        vescli.against(&server).file("file", "").args(send).stdout_contains("accepted: ")
    };
    let nowhere = || Vescli::new().env("XDG_STATE_HOME", "/dev/null/state");
    let warning = format!(
        "{WARNING}the journal /dev/null/state/vescli/send-localhost_[PORT]-[MONTH].ndjson cannot be read: Not a directory; no list will know this person (to send without a record: --no-journal)\n"
    );
    let month = |output: &Output| {
        let name = output.stderr.split_once("-20").unwrap().1;
        format!("20{}", name.split_once(".ndjson").unwrap().0)
    };
    let output = loud(nowhere()).stderr_contains(WARNING).run();
    let text = output.stderr.replace(&month(&output), "[MONTH]").replace(&server.port().to_string(), "[PORT]");
    assert_eq!(text, warning);
    loud(nowhere()).arg("-q").stdout("").stderr("").run();
    loud(nowhere())
        .arg("--json")
        .stdout_json(|document| {
            let warnings = document["warnings"].as_array().unwrap();
            assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().starts_with("this send is not recorded: "));
        })
        .stderr_lacks("warning")
        .stderr_contains("accepted: ")
        .run();
    assert_eq!(server.count(), 3);
}

#[test]
fn a_journal_that_stays_locked_delays_a_send_only_briefly() {
    let server = Server::http().start();
    let sent = send(&server).run();
    let held = File::open(the_journal(&sent)).unwrap();
    held.lock().unwrap();
    let to_bob = ["send", "--tenant", "t", "-e", "bob@example.com"];
    let again = || sent.again().against(&server).args(to_bob).stdout_contains("").limit(Duration::from_secs(30));
    again().stderr_contains("another run uses the journal").run();
    // A signal ends the wait, and then nothing is sent.
    let waiting = again().dies_by(15).stderr_contains("ended by SIGTERM: nothing was sent").start();
    let is_waiting = || {
        fs::read_dir(format!("/proc/{}/fd", waiting.id()))
            .unwrap()
            .any(|entry| fs::read_link(entry.unwrap().path()).is_ok_and(|path| path == the_journal(&sent)))
    };
    while !is_waiting() {
        std::thread::yield_now();
    }
    waiting.signal("TERM");
    waiting.finish();
    assert_eq!(server.count(), 2);
    held.unlock().unwrap();
    assert_eq!(people(&sent).len(), 1);
}

#[test]
fn sends_at_the_same_time_take_turns_and_none_is_lost() {
    const SENDS: usize = 20;
    let server = Server::http().start();
    let first = send(&server).run();
    let start = |index: usize| send_in(first.again(), &server, &format!("a{index}@example.com")).start();
    let running: Vec<_> = (0..SENDS).map(start).collect();
    for running in running {
        running.finish();
    }
    let people = people(&first);
    assert_eq!(people.len(), SENDS + 1);
    assert!(people.iter().all(|(_, outcome, _)| outcome == "accepted"), "{people:?}");
    on_journal(&first, &["check"]).stdout_contains(", 21 runs\n").run();
    // The very first ones too: none of them finds a journal, and one creates it.
    let folder = Vescli::new().args(["config", "path"]).stdout_contains("").run();
    let start = |index: usize| send_in(folder.again(), &server, &format!("a{index}@example.com")).start();
    let running: Vec<_> = (0..SENDS).map(start).collect();
    for running in running {
        running.finish();
    }
    on_journal(&folder, &["check"]).stdout_contains(", 20 runs\n").run();
}

#[test]
fn a_signal_leaves_what_is_reported() {
    let silence = || Server::http().answer(Answer::Silence { after: Moment::Whole, end: End::Stall }).start();
    let server = silence();
    let running = send(&server).dies_by(15).stderr_contains("the request may have been sent").start();
    server.wait_for(1);
    running.signal("TERM");
    assert_eq!(outcome(&running.finish()), "unknown");

    // Killed on the spot: the intent alone means unknown.
    let server = silence();
    let running = send(&server).dies_by(9).start();
    server.wait_for(1);
    running.signal("KILL");
    let killed = running.finish();
    on_journal(&killed, &["show"]).stdout_contains("no answer in the journal\n").run();

    // Killed while it waits to retry: what the first attempt came to is on the disk by then.
    let server = Server::http().answer(Answer::status(429).header("Retry-After", "50")).start();
    let vescli = Vescli::new();
    let journal = state(vescli.folder());
    let running = send_in(vescli, &server, "ada@example.com").args(["--retries", "1"]).dies_by(9).start();
    let start = Instant::now();
    while !journals(&journal).iter().any(|path| fs::read_to_string(path).unwrap().contains("rejected")) {
        assert!(start.elapsed() < Duration::from_secs(40), "the outcome is not recorded before the wait");
        std::thread::yield_now();
    }
    running.signal("KILL");
    assert_eq!(outcome(&running.finish()), "rejected");

    let hole = black_hole();
    let url = format!("http://127.0.0.1:{}", hole.port);
    let vescli = Vescli::new();
    let journal = state(vescli.folder());
    let running = vescli
        .args(["send", "--tenant", "t", "-e", "ada@example.com", "--base-url", &url])
        .dies_by(15)
        .stderr_contains("nothing was sent")
        .start();
    while journals(&journal).is_empty() || !fs::read_to_string(&journals(&journal)[0]).unwrap().contains("synced") {
        std::thread::yield_now();
    }
    running.signal("TERM");
    assert_eq!(outcome(&running.finish()), "not_sent");
}

#[test]
fn no_decision_takes_back_an_acceptance_that_a_later_send_hides() {
    let server =
        Server::http().answers([Answer::accepted(), Answer::Silence { after: Moment::Whole, end: End::Stall }]).start();
    let sent = send(&server).run();
    let running = send_in(sent.again(), &server, "ada@example.com").dies_by(9).start();
    server.wait_for(2);
    running.signal("KILL");
    running.finish();
    assert_eq!(outcome(&sent), "unknown");
    for who in [&["-e", "ADA@example.com"][..], &["--all-unknown"]] {
        on_journal(&sent, &["resolve", "--as", "not-sent"])
            .args(who)
            .code(2)
            .stderr_contains("error: ada@example.com was accepted before the request that is unknown")
            .stderr_contains("hint: use --as accepted for ada@example.com")
            .run();
    }
    list(&sent, &server).code(65).stderr_contains(": 1 unknown (single sends").run();
    on_journal(&sent, &["resolve", "-e", "ada@example.com", "--as", "accepted"]).stdout_contains("resolved: ").run();
    list(&sent, &server).code(65).stderr_contains(": 1 accepted (single sends").run();
    assert_eq!(server.count(), 2);
}

#[test]
fn an_unfinished_end_is_cut_and_damage_elsewhere_is_not_searched_for() {
    let server = Server::http().start();
    let sent = send(&server).run();
    let path = the_journal(&sent);
    let add = |text: &str| OpenOptions::new().append(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
    add("{\"t\":\"intent\",\"key\"");
    send_in(sent.again(), &server, "bob@example.com").run();
    assert_eq!(people(&sent).len(), 2);
    on_journal(&sent, &["check"]).stdout_contains("valid, ").run();
    // Its last record is whole, and lacks its line break.
    fs::write(&path, fs::read_to_string(&path).unwrap().trim_end()).unwrap();
    send_in(sent.again(), &server, "dee@example.com").run();
    assert_eq!(people(&sent).len(), 3);
    on_journal(&sent, &["check"]).stdout_contains("valid, ").run();
    // Only a list reads all of it, and reports what it cannot read.
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("ada@", "eve@", 1)).unwrap();
    send_in(sent.again(), &server, "cy@example.com").run();
    assert!(fs::read_to_string(&path).unwrap().contains("cy@example.com"));
    list(&sent, &server).code(65).stderr_contains("some of its lines are damaged").run();
    // No list is needed to repair it: the addresses are in it.
    on_journal(&sent, &["repair"]).stdout_contains("repaired: ").run();
    assert_eq!(server.count(), 4);
}

#[test]
fn journal_commands_take_it_by_name_and_ignore_it_without_one() {
    let server = Server::http().start();
    let sent = send(&server).run();
    sent.again().args(["journal", "show"]).code(66).stderr_contains("there is no journal of a list in").run();
    list(&sent, &server).args(["--known", "skip"]).run();
    sent.again().args(["journal", "show"]).stdout_contains("runs      1, the first 20").run();
    sent.again().args(["journal", "list"]).stdout_contains("  single sends, last 20").run();
    sent.again()
        .args(["journal", "list", "--json"])
        .stdout_json(|document| {
            let single = |journal: &Value| journal["single_sends"].as_bool().unwrap();
            let journals = document["journals"].as_array().unwrap();
            assert_eq!(journals.iter().map(single).collect::<Vec<_>>(), [false, true]);
        })
        .run();
    let path = the_journal(&sent);
    on_journal(&sent, &["rm", "--yes"]).stdout_contains("removed: ").run();
    assert!(!path.exists());
}

#[test]
fn prune_keeps_who_is_unknown_and_removes_who_was_not_mailed() {
    let prune = |sent: &Output, says: &str| {
        let prune = sent.again().args(["journal", "prune", "--older-than", "0s", "--yes"]);
        prune.stdout_contains(says).run();
        journals(&state(&sent.folder)).len()
    };
    let server = Server::http().answer(Answer::status(500)).start();
    let sent = send(&server).code(50).stderr_contains("may have been sent").run();
    assert_eq!(prune(&sent, "nothing was removed"), 1);
    let closed = closed_port();
    let refused = format!("http://127.0.0.1:{}", closed.port);
    let args = ["send", "-q", "--retries", "0", "--tenant", "t", "-e", "ada@example.com", "--base-url", &refused];
    let sent = Vescli::new().args(args).code(7).stderr_contains("no connection for ada@example.com").run();
    assert_eq!(outcome(&sent), "not_sent");
    assert_eq!(prune(&sent, "removed: "), 0);
}

#[test]
fn a_rehearsal_is_recorded_apart() {
    let script = "vescli send -q -e ada@example.com; printf 'ada@example.com\\n' | vescli bulk - --yes --rate none";
    let output = Vescli::new()
        .args(["sandbox", "--", "sh", "-c", script])
        .code(65)
        .stderr_contains("1 of these 1 people is known from other lists: 1 accepted (single sends")
        .run();
    assert!(journals(&state(&output.folder)).is_empty());
    let rehearsals = journals(&state(&output.folder).join("rehearsals"));
    assert!(rehearsals.len() == 1 && rehearsals[0].to_string_lossy().contains("send-sandbox-20"), "{rehearsals:?}");
}

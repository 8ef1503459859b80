//! `vescli journal merge`: journals of several shards, machines and lists become one that a run continues with.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

const ROWS: usize = 20;

fn lines(count: usize) -> String {
    (0..count).map(|index| format!("a{index}@example.com")).collect::<Vec<_>>().join("\n")
}

fn bulk(vescli: Vescli, server: &Server, more: &[&str]) -> Vescli {
    vescli
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", "list.txt", "--yes", "--rate", "none"])
        .args(more)
        .stdout_contains("")
        .stderr_contains("")
}

/// Two shards that have sent, each with a journal in the folder.
fn two_shards(server: &Server) -> Output {
    let first = Vescli::new().file("list.txt", lines(ROWS));
    let output = bulk(first, server, &["--journal", "j.ndjson", "--shard", "1/2"]).run();
    bulk(output.again(), server, &["--journal", "j.ndjson", "--shard", "2/2"]).run();
    output
}

const SHARDS: [&str; 2] = ["j.shard-1-of-2.ndjson", "j.shard-2-of-2.ndjson"];

fn merge(output: &Output, into: &str, journals: &[&str]) -> Vescli {
    output.again().args(["journal", "merge", "--into", into]).args(journals)
}

#[test]
fn a_run_continues_with_the_merged_journal_and_mails_no_one_again() {
    let server = Server::http().start();
    let output = two_shards(&server);
    assert_eq!(server.count(), ROWS);
    merge(&output, "all.ndjson", &SHARDS)
        .stdout("merged: all.ndjson\n  2 journals: 20 accepted, 0 rejected, 0 not_sent, 0 unknown\n")
        .run();
    bulk(output.again(), &server, &["--journal", "all.ndjson"]).stdout_contains("nothing left to send").run();
    for shard in ["1/3", "2/3", "3/3"] {
        bulk(output.again(), &server, &["--journal", "all.ndjson", "--shard", shard])
            .stdout_contains("nothing left to send")
            .run();
    }
    assert_eq!(server.count(), ROWS);
    output.again().args(["journal", "check", "all.ndjson"]).stdout_contains("all.ndjson: valid").run();
    output
        .again()
        .args(["journal", "show", "all.ndjson", "--json"])
        .stdout_json(|shown| assert_eq!(shown["runs"].as_array().unwrap().last().unwrap()["rows"], 20))
        .run();
    output.again().args(["journal", "show", "all.ndjson"]).stdout_contains("rows      20 accepted").run();
    let exported = output.again().args(["journal", "export", "all.ndjson"]).stdout_contains("a19@example.com").run();
    assert_eq!(exported.stdout.lines().count(), ROWS + 1);
    // It is one of the whole list, and knows everyone who comes to that list.
    let longer = output.again().file("list.txt", lines(ROWS + 1));
    bulk(longer, &server, &["--journal", "all.ndjson"]).run();
    assert_eq!(server.count(), ROWS + 1);
}

#[test]
fn a_machine_with_one_shard_and_the_merged_journal_has_all_it_needs() {
    let server = Server::http().start();
    let output = two_shards(&server);
    merge(&output, "j.ndjson", &SHARDS).stdout_contains("20 accepted").run();
    fs::remove_file(output.folder.join(SHARDS[0])).unwrap();
    bulk(output.again().file("list.txt", lines(ROWS + 5)), &server, &["--journal", "j.ndjson", "--shard", "1/1"]).run();
    assert_eq!(server.count(), ROWS + 5);
}

/// With its own record damaged, the last run in the merged journal is one of a shard.
#[test]
fn a_merged_journal_that_was_repaired_is_still_that_of_the_whole_list() {
    let server = Server::http().start();
    let output = two_shards(&server);
    merge(&output, "all.ndjson", &SHARDS).stdout_contains("20 accepted").run();
    // Two people, one of each shard, of whom every line becomes unreadable.
    let first_of = |shard: &str| {
        let journal = fs::read_to_string(output.folder.join(shard)).unwrap();
        let intent = journal.lines().find(|line| line.contains("\"intent\"")).unwrap();
        serde_json::from_str::<Value>(intent).unwrap()["email"].as_str().unwrap().to_owned()
    };
    let hidden = SHARDS.map(first_of);
    let path = output.folder.join("all.ndjson");
    let damaged = fs::read_to_string(&path).unwrap().lines().fold(String::new(), |text, line| {
        let is_hidden = line.contains("\"merged\":") || hidden.iter().any(|email| line.contains(email));
        text + &if is_hidden { "#".repeat(line.len()) } else { line.to_owned() } + "\n"
    });
    fs::write(&path, damaged).unwrap();
    output
        .again()
        .args(["journal", "repair", "all.ndjson", "--list", "list.txt"])
        .stdout_contains(&hidden[0])
        .stdout_contains(&hidden[1])
        .run();
    bulk(output.again(), &server, &["--journal", "all.ndjson"]).code(11).run();
    assert_eq!(server.count(), ROWS);
}

#[test]
fn unknown_people_of_a_merged_journal_are_resolved_there() {
    let server = Server::http().answer(Answer::status(500)).start();
    let first = Vescli::new().file("list.txt", "a0@example.com\n");
    let output = bulk(first, &server, &["--journal", "one.ndjson"]).code(11).run();
    merge(&output, "all.ndjson", &["one.ndjson"]).stdout_contains("1 unknown").run();
    output
        .again()
        .args(["journal", "resolve", "all.ndjson", "--email", "a0@example.com", "--as", "not-sent"])
        .stdout_contains("the next run sends it again")
        .run();
    // The decision is about the request that the other journal has too.
    merge(&output, "again.ndjson", &["one.ndjson", "all.ndjson"]).stdout_contains("1 not_sent, 0 unknown").run();
    bulk(output.again(), &server, &["--journal", "again.ndjson"]).code(11).run();
    assert_eq!(server.count(), 2);
}

#[test]
fn a_list_stands_for_all_its_journals_and_a_missing_shard_is_named() {
    let server = Server::http().start();
    let output = bulk(Vescli::new().file("list.txt", lines(ROWS)), &server, &["--shard", "1/3"]).run();
    bulk(output.again(), &server, &["--shard", "3/3"]).run();
    merge(&output, "all.ndjson", &["list.txt"])
        .stdout_contains("2 journals: ")
        .stderr_contains("warning: the journals of some shards are not among them (2/3): people whom only these know")
        .run();
    merge(&output, "two.ndjson", &["list.txt", "list.txt", "all.ndjson"])
        .arg("--json")
        .stderr_contains("2/3")
        .stdout_json(|document| {
            assert_eq!(document["schema"], "vescli.journal-merge/1");
            assert_eq!(document["journals"].as_array().unwrap().len(), 3);
            assert_eq!(document["missing_shards"][0], "2/3");
            assert_eq!(document["rows"]["unknown"], 0);
            assert_eq!(document["exit_code"], 0);
        })
        .run();
}

#[test]
fn a_merged_journal_knows_which_shards_were_run_without_people() {
    let server = Server::http().start();
    let output = bulk(Vescli::new().file("list.txt", lines(1)), &server, &["--shard", "1/4"]).run();
    for shard in ["2/4", "3/4", "4/4"] {
        bulk(output.again(), &server, &["--shard", shard]).run();
    }
    merge(&output, "all.ndjson", &["list.txt"]).stdout_contains("4 journals: 1 accepted").run();
    merge(&output, "again.ndjson", &["all.ndjson"]).stdout_contains("1 journal: 1 accepted").run();
}

#[test]
fn what_cannot_be_merged_is_refused_with_its_own_code() {
    let server = Server::http().start();
    let output = two_shards(&server);
    let journal = |name: &str| -> PathBuf { output.folder.join(name) };
    output.again().args(["journal", "merge", SHARDS[0]]).code(2).stderr_contains("error: --into is missing").run();
    merge(&output, SHARDS[1], &[SHARDS[0]])
        .code(2)
        .stderr_contains("is there already, and is not overwritten: name another file with --into")
        .run();
    merge(&output, "all.shard-1-of-2.ndjson", &SHARDS)
        .code(2)
        .stderr_contains(
            "all.shard-1-of-2.ndjson is the name of a shard's journal, and a merged journal is of the whole list: ",
        )
        .run();
    assert!(!journal("all.shard-1-of-2.ndjson").exists());
    merge(&output, "all.ndjson", &["gone.ndjson"]).code(66).stderr_contains("is not there").run();
    let held = fs::File::open(journal(SHARDS[0])).unwrap();
    held.lock().unwrap();
    merge(&output, "all.ndjson", &SHARDS).code(75).stderr_contains(SHARDS[0]).run();
    drop(held);
    let sound = fs::read_to_string(journal(SHARDS[0])).unwrap();
    fs::write(journal(SHARDS[0]), sound.replacen("example.com", "example.net", 1)).unwrap();
    merge(&output, "all.ndjson", &SHARDS).code(65).stderr_contains("is damaged at line 3").run();
    fs::write(journal(SHARDS[0]), sound).unwrap();
    let elsewhere = Server::http().start();
    bulk(output.again(), &elsewhere, &["--journal", "elsewhere.ndjson"]).run();
    merge(&output, "all.ndjson", &["elsewhere.ndjson", SHARDS[0]])
        .code(65)
        .stderr_contains("journals of different services cannot be merged")
        .run();
    assert!(!journal("all.ndjson").exists());
}

#[cfg(unix)]
#[test]
fn journals_that_can_only_be_read_are_merged() {
    use std::os::unix::fs::PermissionsExt;

    let server = Server::http().start();
    let output = two_shards(&server);
    for name in SHARDS {
        fs::set_permissions(output.folder.join(name), fs::Permissions::from_mode(0o400)).unwrap();
    }
    merge(&output, "all.ndjson", &SHARDS).stdout_contains("20 accepted").run();
}

#[test]
fn a_concatenation_of_journals_is_detected() {
    // One machine was refused for everyone; meanwhile another one was accepted for everyone.
    let refusals = 100;
    let count = AtomicUsize::new(0);
    let server = Server::http().choose(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        request if request < refusals => Answer::status(408),
        _ => Answer::accepted(),
    });
    let server = server.start();
    let first = Vescli::new().file("list.txt", lines(100));
    let refused = ["--journal", "stale.ndjson", "--retries", "0", "--max-failures", "0"];
    let output = bulk(first, &server, &refused).code(10).run();
    bulk(output.again(), &server, &["--journal", "good.ndjson"]).run();
    let planned = |journal: &str| {
        let plan = bulk(output.again(), &server, &["--journal", journal, "--dry-run", "--json"]).run();
        let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
        plan["to_send"].as_u64().unwrap()
    };
    // The planted fault: the last line in a file that `cat` made counts.
    let text = |name: &str| fs::read_to_string(output.folder.join(name)).unwrap();
    let cat = output.folder.join("cat.ndjson");
    fs::copy(output.folder.join("good.ndjson"), &cat).unwrap();
    fs::write(&cat, text("good.ndjson") + &text("stale.ndjson")).unwrap();
    assert_eq!(planned("cat.ndjson"), 100, "the check cannot fail");
    merge(&output, "all.ndjson", &["good.ndjson", "stale.ndjson"]).stdout_contains("100 accepted").run();
    assert_eq!(planned("all.ndjson"), 0);
}

//! `vescli journal rm` and `prune`, what killed runs leave behind, and the journals of rehearsals.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use vescli::api::outcome::Outcome;
use vescli::bulk::journal::{End, Intent, Journal, OpenMode, Person, key};

use crate::journal::{at, header, journal, rows, usual};
use support::harness::{Output, Vescli};

const ACCEPTED: Option<(Outcome, Option<u16>)> = Some((Outcome::Accepted, Some(200)));

fn names(output: &Output, folder: &str) -> Vec<String> {
    let Ok(files) = fs::read_dir(at(&output.folder, folder)) else {
        return Vec::new();
    };
    let files = files.map(|entry| entry.unwrap());
    let files = files.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn one_journal_is_removed_when_that_is_confirmed_and_no_run_uses_it() {
    let output = journal(&["rm", "a.ndjson"], |folder| {
        usual(&folder.join("a.ndjson"));
        fs::write(folder.join("a.index"), "").unwrap();
    })
    .code(2)
    .stderr("error: cannot ask for confirmation: standard input is not a terminal\n  hint: add --yes\n")
    .run();
    let path = output.folder.join("a.ndjson");
    let (held, _) = Journal::open(&path, OpenMode::Resume, &header(0)).unwrap();
    let remove = || output.again().args(["journal", "rm", "a.ndjson", "--yes"]);
    remove().code(75).stderr_contains("another run uses the journal").run();
    drop(held);
    assert!(path.exists());
    remove().stdout("removed: a.ndjson\n").run();
    assert!(!path.exists() && !path.with_extension("index").exists());
    remove()
        .code(66)
        .stderr("error: the journal a.ndjson is not there\n  hint: `vescli journal list` shows the journals\n")
        .run();
}

/// A record whose time is long ago, with a new checksum.
fn age(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let year = &text[text.find("\"at\":\"").unwrap() + 6..][..4].to_owned();
    let old = text.lines().map(|line| {
        let line = line.replace(&format!("\"at\":\"{year}"), "\"at\":\"2020");
        let (record, _) = line.rsplit_once(",\"crc\"").unwrap();
        let crc = crc32fast::hash(record.as_bytes());
        format!("{record},\"crc\":\"{crc:08x}\"}}\n")
    });
    fs::write(path, old.collect::<String>()).unwrap();
}

/// A journal of a run that was stopped by a refusal which is not the row's own.
fn refused(path: &Path) {
    let (journal, _) = Journal::open(path, OpenMode::Resume, &header(1)).unwrap();
    let person =
        Person { key: key(&header(1).service, "acme", "ada@example.com"), email: "ada@example.com", cname: "acme" };
    let (row, attempt) = (1, 1);
    let (writer, handle) = journal.write::<()>().unwrap();
    handle.intend(&Intent { person, row, attempt }).unwrap();
    handle.conclude(&person, &End { attempt, outcome: Outcome::Rejected, status: Some(401), due: true }, None);
    writer.close().unwrap();
}

#[test]
fn finished_journals_are_pruned_by_their_age_and_others_stay() {
    let output = journal(&["prune"], |folder| {
        let done = [("ada", "acme", ACCEPTED)];
        for name in ["old.ndjson", "new.ndjson", "rehearsals/old.ndjson"] {
            rows(&at(folder, name), &done);
        }
        usual(&at(folder, "unfinished.ndjson"));
        let (partly, _) = Journal::open(
            &at(folder, "partly.ndjson"),
            OpenMode::Resume,
            &header(2),
        )
        .unwrap();
        drop(partly);
        rows(&at(folder, "damaged.ndjson"), &done);
        refused(&at(folder, "due.ndjson"));
        for name in ["old", "unfinished", "partly", "damaged", "due", "rehearsals/old"] {
            age(&at(folder, &format!("{name}.ndjson")));
        }
        let damaged = fs::read_to_string(at(folder, "damaged.ndjson")).unwrap();
        let damaged = damaged.replacen("ada", "bda", 1);
        fs::write(at(folder, "damaged.ndjson"), damaged).unwrap();
        let left = at(folder, ".old.ndjson.new-0123456789abcdef");
        fs::write(&left, "half").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o600)).unwrap();
    })
    .args(["--older-than", "30d", "--dry-run"])
    .stdout("would remove: [FOLDER]/.local/state/vescli/old.ndjson\nwould remove: [FOLDER]/.local/state/vescli/rehearsals/old.ndjson\nwould remove: [FOLDER]/.local/state/vescli/.old.ndjson.new-0123456789abcdef\n")
    .run();
    output
        .again()
        .args(["journal", "list"])
        .stdout_contains("1 file of killed runs: `vescli journal prune` removes them\n")
        .stdout_lacks("rehearsals")
        .run();
    output
        .again()
        .args(["journal", "prune", "--older-than", "long"])
        .code(2)
        .stderr_contains("`long` is not a time")
        .run();
    output.again().args(["journal", "prune", "--older-than", "30d", "--yes"]).stdout_contains("removed: ").run();
    let left = ["damaged.ndjson", "due.ndjson", "new.ndjson", "partly.ndjson", "unfinished.ndjson"];
    assert_eq!(names(&output, ""), left);
    assert_eq!(names(&output, "rehearsals"), [""; 0]);
    output.again().args(["journal", "prune", "--yes"]).stdout("nothing was removed\n").run();
}

#[test]
fn a_resume_is_rehearsed_with_two_sandboxes_and_leaves_the_real_journals_alone() {
    let rehearsal = |vescli: Vescli, more: &str| {
        let script = format!("vescli bulk list.txt --yes --rate none {more}; vescli journal show");
        vescli.args(["sandbox", "--", "sh", "-c", &script]).stdout_contains("").stderr_contains("")
    };
    let list = "a@example.com\nb@example.com\nc@example.com\n";
    let first = Vescli::new().file("list.txt", list);
    let first = rehearsal(first, "--limit 1").stdout_contains("this run: 1 accepted").run();
    rehearsal(first.again(), "")
        .stdout_contains("this run: 2 accepted")
        .stdout_contains("3 accepted, 0 rejected")
        .run();
    rehearsal(first.again(), "").stdout_contains("nothing left to send").run();
    assert_eq!(names(&first, ""), [""; 0]);
    assert_eq!(names(&first, "rehearsals").len(), 1);
    first.again().args(["journal", "show"]).code(66).stderr_contains("there is no journal in").run();
}

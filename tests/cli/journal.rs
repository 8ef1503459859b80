//! `vescli journal`: list, show and check, on journals that the library itself wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vescli::api::outcome::Outcome;
use vescli::bulk::journal::{Author, End, Intent, Journal, OpenMode, Person, RunHeader, key, service_of};

use support::harness::Vescli;

pub(crate) const URL: &str = "https://acme.console.ves.volterra.io/no_auth/send_password_email";
const TIMES: [&str; 3] = ["first_run", "last_run", "accepted_first"];

/// The arguments of `vescli journal`, in a folder whose journals are made by `write`.
pub(crate) fn journal(args: &[&str], write: impl FnOnce(&Path)) -> Vescli {
    let vescli = Vescli::new().arg("journal").args(args);
    write(vescli.folder());
    vescli
}

pub(crate) fn at(folder: &Path, name: &str) -> PathBuf {
    folder.join(".local/state/vescli").join(name)
}

/// A journal with two rows accepted, one rejected, one not sent, and two unknown.
pub(crate) fn usual(path: &Path) {
    rows(
        path,
        &[
            ("ada", "acme", Some((Outcome::Accepted, Some(200)))),
            ("bob", "acme", Some((Outcome::Rejected, Some(409)))),
            ("cy", "acme", Some((Outcome::NotSent, None))),
            ("dee", "acme", Some((Outcome::Unknown, Some(502)))),
            ("eve", "acme", None),
            ("fay", "acme", Some((Outcome::Accepted, Some(200)))),
        ],
    );
}

pub(crate) type Row<'a> = (&'a str, &'a str, Option<(Outcome, Option<u16>)>);

/// A run over the list `/lists/users.csv`.
pub(crate) fn header(rows: u64) -> RunHeader {
    RunHeader {
        url: URL.to_owned(),
        service: service_of(URL),
        tenant: Some("acme".to_owned()),
        cname: "acme".to_owned(),
        list: "/lists/users.csv".to_owned(),
        input_sha256: "0".repeat(64),
        rows,
        shard: None,
        author: Author::default(),
    }
}

pub(crate) fn rows(path: &Path, rows: &[Row]) {
    let header = header(rows.len() as u64);
    let (journal, _) = Journal::open(path, OpenMode::Resume, &header).unwrap();
    let (writer, handle) = journal.write::<()>().unwrap();
    for (index, (name, cname, end)) in rows.iter().enumerate() {
        let email = format!("{name}@example.com");
        let person = Person { key: key(&service_of(URL), cname, &email), email: &email, cname };
        let intent = Intent { person, row: index as u64 + 2, attempt: 1 };
        handle.intend(&intent).unwrap();
        if let Some((outcome, status)) = end {
            let end = End { attempt: 1, outcome: *outcome, status: *status, due: false };
            handle.conclude(&person, &end, None);
        }
    }
    writer.close().unwrap();
}

#[test]
fn without_journals_there_is_nothing_to_list_or_choose() {
    let output = journal(&["list"], |_| ()).stdout("no journals in [FOLDER]/.local/state/vescli\n").run();
    output
        .again()
        .args(["journal", "list", "--json"])
        .stdout_json(|list| {
            assert_eq!(list["schema"], "vescli.journals/1");
            assert_eq!(list["journals"], serde_json::json!([]));
        })
        .run();
    let none = "error: there is no journal in [FOLDER]/.local/state/vescli\n  hint: name the file of the journal\n";
    output.again().args(["journal", "show"]).code(66).stderr(none).run();
    output
        .again()
        .args(["journal", "check", "none.ndjson"])
        .code(66)
        .stderr("error: the journal none.ndjson is not there\n  hint: `vescli journal list` shows the journals\n")
        .run();
}

#[test]
fn all_journals_are_listed_with_their_rows() {
    let output = journal(&["list"], |folder| {
        usual(&at(folder, "a.ndjson"));
        rows(&at(folder, "b.ndjson"), &[]);
        fs::write(at(folder, "c.ndjson"), "no journal\n").unwrap();
        fs::write(at(folder, "notes.txt"), "no journal either\n").unwrap();
    })
    .stdout_contains("[FOLDER]/.local/state/vescli/a.ndjson  last run ")
    .stdout_contains("  2 accepted, 1 rejected, 1 not_sent, 2 unknown\n")
    .stdout_contains("b.ndjson  last run ")
    .stdout_contains("  0 accepted, 0 rejected, 0 not_sent, 0 unknown\n")
    .stdout_contains("c.ndjson  ")
    .stdout_lacks("notes.txt")
    .run();
    output
        .again()
        .args(["journal", "list", "--json"])
        .stdout_json(|list| {
            let journals = list["journals"].as_array().unwrap();
            assert_eq!(journals.len(), 3);
            assert_eq!(
                journals[0]["rows"],
                serde_json::json!({"accepted": 2, "rejected": 1, "not_sent": 1, "unknown": 2, "due": 1})
            );
            assert_eq!((&journals[0]["url"], &journals[0]["runs"]), (&URL.into(), &1.into()));
            assert!(TIMES.iter().all(|time| journals[0][time].as_str().unwrap().ends_with('Z')));
            assert!(journals[0]["error"].is_null() && journals[2]["error"].is_string());
        })
        .run();
    output
        .again()
        .args(["journal", "show"])
        .code(2)
        .stderr("error: there are 3 journals in [FOLDER]/.local/state/vescli\n  hint: name one of them, or its list: `vescli journal list` shows them\n")
        .run();
}

#[test]
fn a_journal_is_shown_with_the_rows_that_need_a_decision() {
    let output = journal(&["show"], |folder| usual(&at(folder, "a.ndjson")))
        .stdout_contains("journal   [FOLDER]/.local/state/vescli/a.ndjson\n")
        .stdout_contains("tenant    acme\n")
        .stdout_contains("rows      2 accepted, 1 rejected, 1 not_sent, 2 unknown\n")
        .stdout_contains("rows that need a decision (2):\n")
        .stdout_contains("  unknown  dee@example.com  cname acme, line 5, attempt 1, ")
        .stdout_contains(", HTTP 502\n  unknown  eve@example.com  cname acme, line 6, attempt 1, ")
        .stdout_contains(", no answer in the journal\n")
        .stdout_lacks("ada@example.com")
        .run();
    output
        .again()
        .args(["journal", "show", ".local/state/vescli/a.ndjson", "--json"])
        .stdout_json(|shown| {
            assert_eq!((&shown["schema"], &shown["ok"]), (&"vescli.journal/1".into(), &true.into()));
            let unknown = shown["unknown"].as_array().unwrap();
            let emails: Vec<&str> = unknown.iter().map(|row| row["email"].as_str().unwrap()).collect();
            assert_eq!(emails, ["dee@example.com", "eve@example.com"]);
            assert_eq!((&unknown[0]["status"], &unknown[0]["ended"]), (&502.into(), &true.into()));
            assert_eq!(unknown[1]["ended"], false);
            assert_eq!(shown["runs"][0]["rows"], 6);
        })
        .run();
}

#[test]
fn an_intact_journal_is_reported_as_such_and_so_is_a_torn_end() {
    let output = journal(&["check"], |folder| usual(&at(folder, "a.ndjson")))
        .stdout("[FOLDER]/.local/state/vescli/a.ndjson: valid, 20 lines, 1 run\n")
        .run();
    let path = at(&output.folder, "a.ndjson");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"{\"t\":\"intent\",\"k");
    fs::write(&path, &bytes).unwrap();
    output
        .again()
        .args(["journal", "check"])
        .stdout("[FOLDER]/.local/state/vescli/a.ndjson: valid, 21 lines, 1 run\nline 21 is unfinished: nothing was sent because of it, and the next run removes its 16 bytes\n")
        .run();
    output
        .again()
        .args(["journal", "check", "--json"])
        .stdout_json(|check| {
            assert_eq!(
                (&check["ok"], &check["unfinished_bytes"], &check["exit_code"]),
                (&true.into(), &16.into(), &0.into())
            );
        })
        .run();
    assert_eq!(fs::read(&path).unwrap(), bytes, "a check changes nothing");
}

#[test]
fn damage_is_reported_with_a_remedy_and_foreign_text_is_escaped() {
    let output = journal(&["check"], |folder| {
        let path = at(folder, "a.ndjson");
        usual(&path);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("eve@example.com", "e\u{1b}]0;@example.com")).unwrap();
    })
    .code(65)
    .stdout_contains("a.ndjson: 1 damaged line\n  line 15, byte ")
    .stdout_contains(": its checksum is wrong: it was changed after it was written\n    {\"t\":\"intent\",")
    .stdout_contains("\"email\":\"e\\u{1b}]0;@example.com\"")
    .stdout_contains("What you can do:\n")
    .stdout_lacks("\u{1b}")
    .run();
    output
        .again()
        .args(["journal", "check", "--json"])
        .code(65)
        .stdout_json(|check| {
            assert_eq!(
                (&check["ok"], &check["damaged_lines"], &check["exit_code"]),
                (&false.into(), &1.into(), &65.into())
            );
            assert!(check["damage"][0]["holds"].as_str().unwrap().contains("e\u{1b}]0;"));
        })
        .stdout_lacks("\u{1b}")
        .run();
    for action in [&["show"][..], &["resolve", "--email", "dee@example.com", "--as", "accepted"]] {
        output
            .again()
            .arg("journal")
            .args(action)
            .code(65)
            .stderr("error: the journal [FOLDER]/.local/state/vescli/a.ndjson is damaged at line 15: its checksum is wrong: it was changed after it was written; continuing could mail someone twice: see `vescli journal check` and `vescli journal repair`\n")
            .run();
    }
}

#[test]
fn a_file_that_is_not_a_journal_is_refused() {
    let output = journal(&["check", "fifo"], |folder| {
        assert!(Command::new("mkfifo").arg(folder.join("fifo")).status().unwrap().success());
    })
    .code(65)
    .stderr("error: fifo is not a regular file: a journal has to be one\n")
    .run();
    output
        .again()
        .file_mode("open.ndjson", "", 0o644)
        .args(["journal", "show", "open.ndjson", "--json"])
        .code(65)
        .stderr("error: open.ndjson is open to others (mode 0644): run `chmod 600` on it, if no one else wrote to it\n")
        .stdout_json(|result| {
            assert_eq!((&result["exit_code"], &result["error"]["class"]), (&65.into(), &"bad_input".into()));
        })
        .run();
}

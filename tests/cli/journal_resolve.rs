//! `vescli journal resolve`: what it writes, and what it asks for first; and what may be done while a run uses the
//! journal.

use std::path::Path;

use vescli::bulk::journal::{Journal, OpenMode};

use crate::journal::{at, header, journal, rows, usual};
use support::harness::Vescli;

#[test]
fn an_unknown_row_is_resolved_once() {
    let output = journal(&["resolve", "--email", "DEE@example.com", "--as", "accepted"], |folder| {
        usual(&at(folder, "a.ndjson"));
    })
    .stdout("resolved: dee@example.com (cname acme) as accepted; left alone from now on\n")
    .run();
    let again = || output.again().args(["journal", "resolve"]);
    again()
        .args(["--email", "dee@example.com", "--as", "not-sent"])
        .code(2)
        .stderr("error: dee@example.com is not unknown but accepted, so there is nothing to resolve\n  hint: `vescli journal show [FOLDER]/.local/state/vescli/a.ndjson` lists the rows that are unknown\n")
        .run();
    again()
        .args(["--email", "bob@example.com", "--as", "accepted"])
        .code(2)
        .stderr_contains("bob@example.com is not unknown but rejected")
        .run();
    again()
        .args(["--email", "hal@example.com", "--as", "accepted"])
        .code(2)
        .stderr_contains("hal@example.com is not in this journal")
        .run();
    again()
        .env("VESCLI_EMAIL", "eve@example.com")
        .env("VESCLI_AS", "not-sent")
        .arg("--json")
        .stdout_json(|resolved| {
            assert_eq!(resolved["schema"], "vescli.journal-resolve/1");
            assert_eq!((&resolved["email"], &resolved["as"]), (&"eve@example.com".into(), &"not_sent".into()));
        })
        .run();
    output
        .again()
        .args(["journal", "show"])
        .stdout_contains("rows      3 accepted, 1 rejected, 2 not_sent, 0 unknown\n")
        .stdout_contains("no row needs a decision\n")
        .run();
}

#[test]
fn resolve_asks_for_its_required_arguments() {
    let path = |folder: &Path| at(folder, "a.ndjson");
    let output = journal(&["resolve", "--email", "dee@example.com"], |folder| usual(&path(folder)))
        .code(2)
        .stderr("error: --as is missing\n  hint: use --as accepted if the people were mailed, --as not-sent if no one was\n")
        .run();
    // The address of a smoke check in the configuration is not a row to resolve.
    output
        .again()
        .config("[defaults]\nemail = \"dee@example.com\"\n")
        .args(["journal", "resolve", "--as", "accepted"])
        .code(2)
        .stderr("error: --email is missing\n  hint: name the addresses, or take --all-unknown; `vescli journal show` lists them\n")
        .run();
    output
        .again()
        .args(["journal", "resolve", "--email", "dee@example.com", "--as", "sent"])
        .code(2)
        .stderr_contains("accepted, not-sent")
        .run();
}

#[test]
fn an_address_with_two_cnames_needs_the_cname() {
    let output = journal(&["resolve", "--email", "ada@example.com", "--as", "accepted"], |folder| {
        rows(&at(folder, "a.ndjson"), &[("ada", "one", None), ("ada", "two", None)]);
    })
    .code(2)
    .stderr("error: ada@example.com has rows with more than one cname: one, two\n  hint: choose one with --cname\n")
    .run();
    output
        .again()
        .args(["journal", "resolve", "--email", "ada@example.com", "--as", "accepted", "--cname", "two"])
        .stdout("resolved: ada@example.com (cname two) as accepted; left alone from now on\n")
        .run();
}

#[test]
fn a_journal_in_use_can_be_shown_but_not_resolved() {
    let vescli = Vescli::new();
    let path = at(vescli.folder(), "a.ndjson");
    usual(&path);
    let header = header(0);
    let (held, _) = Journal::open(&path, OpenMode::Resume, &header).unwrap();
    let output = vescli.args(["journal", "show"]).stdout_contains("rows that need a decision (2)").run();
    output
        .again()
        .args(["journal", "resolve", "--email", "dee@example.com", "--as", "accepted"])
        .code(75)
        .stderr("error: another run uses the journal [FOLDER]/.local/state/vescli/a.ndjson: wait until it ends\n")
        .run();
    drop(held);
}

/// Other tools read it as well: that is why it is text.
#[test]
fn jq_reads_a_journal_while_it_is_open() {
    let vescli = Vescli::program("/bin/sh").args(["-c", "jq -r 'select(.t == \"unknown\") | .status' a.ndjson"]);
    usual(&vescli.folder().join("a.ndjson"));
    let header = header(1000);
    let (held, _) = Journal::open(&vescli.folder().join("a.ndjson"), OpenMode::Resume, &header).unwrap();
    vescli.stdout("502\n").run();
    drop(held);
}

#[test]
fn several_rows_are_resolved_together_or_not_at_all() {
    let output =
        journal(&["resolve", "-e", "dee@example.com", "-e", "ada@example.com", "--as", "not_sent"], |folder| {
            usual(&at(folder, "a.ndjson"));
        })
        .code(2)
        .stderr_contains("ada@example.com is not unknown but accepted")
        .run();
    let show = |counts: &str| {
        output.again().args(["journal", "show"]).stdout_contains(counts).run();
    };
    show("2 accepted, 1 rejected, 1 not_sent, 2 unknown");
    let resolve = || output.again().args(["journal", "resolve"]);
    resolve()
        .env("VESCLI_EMAIL", "ada@example.com")
        .args(["--all-unknown", "--as", "not_sent"])
        .stdout("resolved: dee@example.com (cname acme) as not_sent; the next run sends it again\nresolved: eve@example.com (cname acme) as not_sent; the next run sends it again\n")
        .run();
    show("2 accepted, 1 rejected, 3 not_sent, 0 unknown");
    resolve().args(["--all-unknown", "--as", "accepted"]).code(2).stderr_contains("no row is unknown").run();
    resolve()
        .args(["--undo", "-e", "dee@example.com", "--json"])
        .stdout_json(|document| {
            assert_eq!(document["as"], "unknown");
            assert_eq!(document["email"], "dee@example.com");
            assert_eq!(document["rows"].as_array().unwrap().len(), 1);
        })
        .run();
    show("2 accepted, 1 rejected, 2 not_sent, 1 unknown");
    for email in ["dee@example.com", "ada@example.com"] {
        resolve().args(["--undo", "-e", email]).code(2).stderr_contains("so there is nothing to take back").run();
    }
    resolve()
        .args(["--email", "dee@example.com", "--as", "accepted"])
        .stdout_contains("as accepted; left alone from now on")
        .run();
}

#[test]
fn a_list_selects_its_journal_and_other_files_are_named_as_such() {
    let output = journal(&["show", "/lists/users.csv"], |folder| {
        usual(&at(folder, "a.ndjson"));
        rows(&at(folder, "b.ndjson"), &[]);
    })
    .code(2)
    .stderr_contains("/lists/users.csv has 2 journals, one for each URL, cname and shard")
    .run();
    std::fs::remove_file(at(&output.folder, "b.ndjson")).unwrap();
    output.again().args(["journal", "show", "/lists/users.csv"]).stdout_contains("rows that need a decision (2)").run();
    output
        .again()
        .file_mode("other.csv", "email\n", 0o644)
        .args(["journal", "show", "other.csv"])
        .code(65)
        .stderr("error: other.csv is not a journal, and [FOLDER]/.local/state/vescli has no journal of a list with that name\n  hint: `vescli journal list` shows the journals\n")
        .run();
}

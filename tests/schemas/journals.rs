//! `journal`: each of its commands on the journals of real runs, and on damaged ones.

use std::fs;
use std::path::Path;

use support::harness::{Output, Vescli};

use super::collection::Collection;
use super::lists::{journals, mixed};

pub(crate) fn collect(all: &mut Collection) {
    all.run(Vescli::new(), "journal list", 0);
    all.run(Vescli::new().file("state/vescli", "").env("XDG_STATE_HOME", "/dev/null"), "journal list", 74);
    for action in ["show", "check", "export"] {
        all.run(Vescli::new(), &format!("journal {action}"), 66);
    }
    usual(all);
    damaged(all);
}

fn usual(all: &mut Collection) {
    let (_server, output) = mixed(all);
    leave_behind(&output);
    for (line, code) in [
        ("journal list", 0),
        ("journal show list.csv", 0),
        ("journal check list.csv", 0),
        ("journal export list.csv", 0),
        ("journal resolve list.csv --email cy@example.com", 2),
        ("journal resolve list.csv --email cy@example.com --as accepted", 0),
        ("journal resolve list.csv --email cy@example.com --undo", 0),
        ("journal resolve list.csv --all-unknown --as not-sent", 0),
        ("journal merge list.csv", 2),
        ("journal merge list.csv --into all.ndjson", 0),
        ("journal repair list.csv", 2),
        ("journal repair list.csv --list list.csv", 0),
        ("journal prune --older-than nonsense", 2),
        ("journal prune --older-than 0s --dry-run", 0),
        ("journal prune --yes", 0),
    ] {
        all.run(output.again(), line, code);
    }
    all.add_lines("vescli.journal-record-2", &journals(&output.folder)[0]);
    all.add_lines("vescli.journal-record-2", &output.folder.join("all.ndjson"));
    all.run(output.again(), "journal rm list.csv", 2);
    all.run(output.again(), "journal rm list.csv --yes", 0);
}

/// A file of the kind that a run leaves when it is killed while it makes its journal.
fn leave_behind(output: &Output) {
    let journal = &journals(&output.folder)[0];
    let name = format!(".{}.new-0123456789abcdef", journal.file_name().unwrap().to_str().unwrap());
    fs::write(journal.with_file_name(name), "").unwrap();
}

fn damaged(all: &mut Collection) {
    let (_server, output) = mixed(all);
    let journal = journals(&output.folder).remove(0);
    damage(&journal);
    fs::write(output.folder.join("others.txt"), "cy@example.com\ndee@example.com\n").unwrap();
    for (line, code) in [
        ("journal list", 0),
        ("journal show list.csv", 65),
        ("journal check list.csv", 65),
        ("journal export list.csv", 65),
        ("journal repair list.csv --list others.txt", 0),
        ("journal show list.csv", 0),
    ] {
        all.run(output.again(), line, code);
    }
    all.add_lines("vescli.journal-record-2", &journal);
}

/// Breaks all of the last line about a request.
fn damage(journal: &Path) {
    let text = fs::read_to_string(journal).unwrap();
    let last = text.lines().rfind(|line| line.contains("\"intent\"")).unwrap();
    fs::write(journal, text.replace(last, &"x".repeat(last.len()))).unwrap();
}

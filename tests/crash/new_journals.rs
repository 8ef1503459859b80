//! A journal that is repaired, or merged from others, takes its place only when all of it is on the disk, with the record
//! that says so; its name follows. A kill cannot show a sync that is missing, so the order of the calls is checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::fixtures::{Case, Fixture, wait};
use crate::trace::call;
use support::peer::find;

/// The records, the one that says how far they are on the disk, and the new name.
const IN_ORDER: [&str; 6] = ["write", "sync", "mark", "sync", "place", "sync the folder"];

/// What was done to the file that becomes the journal at `path`, in order.
fn steps(trace: &str, path: &Path) -> Vec<&'static str> {
    let beside = format!(".{}.new-", path.file_name().unwrap().to_str().unwrap());
    let folder = format!("<{}>", path.parent().unwrap().display());
    let mut open = BTreeMap::new();
    let calls = trace.lines().map(|line| call(line, &mut open)).filter(|call| call.ends);
    let step = calls.filter_map(|call| {
        let (name, text) = (call.name.as_str(), call.whole.as_str());
        let is_beside = text.contains(&beside);
        Some(match name {
            "write" if is_beside && text.contains("\\\"synced\\\"") => "mark",
            "write" if is_beside => "write",
            "fsync" | "fdatasync" if is_beside => "sync",
            "fsync" | "fdatasync" if text.contains(&folder) => "sync the folder",
            name if is_beside && (name.starts_with("link") || name.starts_with("rename")) => "place",
            _ => return None,
        })
    });
    let mut steps: Vec<&str> = step.collect();
    let placed = steps.iter().position(|step| *step == "place").unwrap_or(steps.len());
    let mut place = 0..;
    // Before the new name, only what is in the file matters.
    steps.retain(|step| place.next() > Some(placed) || *step != "sync the folder");
    steps.dedup();
    steps
}

/// Two people in a journal.
fn journal(fixture: &Fixture, name: &str) -> Case {
    let case = fixture.case(name, 2);
    fixture.finish(&case);
    case
}

fn trace(fixture: &Fixture, arguments: &[&str]) -> String {
    let mut command = fixture.command(find("strace", "strace"));
    command
        .args(["-f", "-y", "-qq", "-s", "65536", "-o", "trace", "-e", "trace=%file,write,fsync,fdatasync"])
        .arg(support::program())
        .args(arguments);
    assert_eq!(wait(&mut command.spawn().unwrap()), Some(0));
    fs::read_to_string(fixture.path("trace")).unwrap()
}

/// The steps without one line of the trace: the last that has all of these texts.
fn without(trace: &str, texts: &[&str], path: &Path) -> Vec<&'static str> {
    let lines: Vec<&str> = trace.lines().collect();
    let last = lines.iter().rposition(|line| texts.iter().all(|text| line.contains(text))).unwrap();
    steps(&[&lines[..last], &lines[last + 1..]].concat().join("\n"), path)
}

#[test]
fn a_repaired_journal_is_on_the_disk_before_it_takes_its_place() {
    let fixture = Fixture::new();
    let case = journal(&fixture, "damaged");
    let text = fs::read_to_string(&case.journal).unwrap();
    let damaged = text.lines().rfind(|line| line.contains("\"intent\"")).unwrap();
    fs::write(&case.journal, text.replace(damaged, &"x".repeat(damaged.len()))).unwrap();
    let (journal, list) = (case.journal.to_str().unwrap(), case.list.to_str().unwrap());
    let trace = trace(&fixture, &["journal", "repair", journal, "--list", list]);
    assert_eq!(steps(&trace, &case.journal), IN_ORDER);
    // The planted fault: the record of how far it is on the disk is not itself there.
    let unsynced = without(&trace, &["sync(", ".new-"], &case.journal);
    assert_eq!(unsynced, ["write", "sync", "mark", "place", "sync the folder"]);
}

#[test]
fn a_joined_journal_is_on_the_disk_before_it_takes_its_place() {
    let fixture = Fixture::new();
    let cases = ["one", "two"].map(|name| journal(&fixture, name));
    let [one, two] = cases.each_ref().map(|case| case.journal.to_str().unwrap());
    let into = fixture.path("all.ndjson");
    let trace = trace(&fixture, &["journal", "merge", "--into", into.to_str().unwrap(), one, two]);
    assert_eq!(steps(&trace, &into), IN_ORDER);
    // The planted faults: its end, or its name, is lost in a power failure.
    let unsynced = without(&trace, &["sync(", ".new-"], &into);
    assert_eq!(unsynced, ["write", "sync", "mark", "place", "sync the folder"]);
    let folder = format!("<{}>", into.parent().unwrap().display());
    assert_eq!(without(&trace, &["sync(", &folder], &into), ["write", "sync", "mark", "sync", "place"]);
}

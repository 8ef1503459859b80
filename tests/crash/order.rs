//! The order of system calls: every intent is synced before the first byte of its request. A kill cannot show a sync
//! that is missing, because what was written survives in the page cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::ground::{Ground, wait};
use crate::peer::find;

const ROWS: usize = 60;
const WORKERS: usize = 8;

/// What the trace shows of one call.
#[derive(Debug)]
enum Event {
    /// Bytes were written into the journal.
    Wrote(Vec<String>),
    SyncBegan,
    /// It ended, and was not made up by strace.
    Synced,
    /// The first bytes of the TLS record that holds a request are about to leave: some request of this many.
    Sent(String),
}

/// The addresses in the intents of a traced text.
fn intents(text: &str) -> Vec<String> {
    let text = text.replace("\\\"", "\"");
    text.split("\"t\":\"intent\"")
        .skip(1)
        .filter_map(|rest| rest.split_once("\"email\":\""))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(email, _)| email.to_owned())
        .collect()
}

/// Reads a trace of `strace -f -y`: `-y` names the file or socket behind each number. `journal` is how the path ends.
fn events(trace: &str, journal: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut open: BTreeMap<String, String> = BTreeMap::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        let (name, is_end, whole) = match call.strip_prefix("<... ") {
            Some(rest) => {
                let begun = open.remove(thread).unwrap_or_default();
                (
                    rest.split(' ').next().unwrap().to_owned(),
                    true,
                    begun + rest,
                )
            }
            None => (
                call.split('(').next().unwrap().to_owned(),
                false,
                call.to_owned(),
            ),
        };
        let unfinished = whole.ends_with("<unfinished ...>");
        if unfinished {
            open.insert(thread.to_owned(), whole.clone());
        }
        let on_journal = whole.contains(journal);
        match name.as_str() {
            // Only when it has ended is it written.
            "write" if on_journal && !unfinished => events.push(Event::Wrote(intents(&whole))),
            "fdatasync" | "fsync" if on_journal => {
                if !is_end {
                    events.push(Event::SyncBegan);
                }
                if !unfinished && whole.ends_with("= 0") && !whole.contains("INJECTED") {
                    events.push(Event::Synced);
                }
            }
            // When it begins, the bytes may leave.
            "write" | "writev" | "sendto" if !is_end && whole.contains("POST /") => {
                let text = whole.replace("\\\"", "\"");
                let email = text
                    .split_once("\"email\":\"")
                    .and_then(|(_, rest)| rest.split_once('"'))
                    .map(|(email, _)| email.to_owned());
                let email = email.unwrap_or_else(|| panic!("head and body apart: {whole}"));
                events.push(Event::Sent(email));
            }
            _ => {}
        }
    }
    events
}

/// Whoever was sent to before the intent was on the disk, and how many were sent to at all.
fn early(events: &[Event]) -> (Vec<String>, usize) {
    let (mut written, mut syncing, mut safe) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (mut early, mut sent) = (Vec::new(), 0);
    for event in events {
        match event {
            Event::Wrote(emails) => written.extend(emails.iter().cloned()),
            // Only what was written before it began is covered.
            Event::SyncBegan => syncing.clone_from(&written),
            Event::Synced => safe.extend(syncing.drain(..)),
            Event::Sent(email) => {
                sent += 1;
                if !safe.contains(email) {
                    early.push(email.clone());
                }
            }
        }
    }
    (early, sent)
}

/// The trace of a run over plain http, where requests can be read.
fn trace(name: &str, inject: &[&str]) -> Vec<Event> {
    let strace = find("strace", "strace");
    let ground = Ground::new();
    let case = ground.case(name, ROWS);
    let mut command = ground.command(strace);
    command
        .env("VESCLI_BASE_URL", ground.plain_url())
        .args(["-f", "-y", "-qq", "-s", "65536", "-o", "trace"])
        .args(["-e", "trace=write,writev,sendto,fdatasync,fsync"])
        .args(inject)
        .arg(env!("CARGO_BIN_EXE_vescli"))
        .args(Ground::arguments(&case, WORKERS));
    assert_eq!(wait(&mut command.spawn().unwrap()), Some(0));
    let text = fs::read_to_string(case.list.with_file_name("trace")).unwrap();
    events(&text, &format!("{name}.ndjson>"))
}

#[test]
fn every_intent_is_synced_before_the_first_byte_of_its_request() {
    let (early, sent) = early(&trace("order", &[]));
    assert_eq!((early, sent), (Vec::new(), ROWS));
}

#[test]
fn a_sync_that_is_left_out_is_found_out() {
    // The planted fault: strace makes every fdatasync return at once, without doing it.
    let (early, sent) = early(&trace("planted", &["-e", "inject=fdatasync:retval=0"]));
    assert_eq!((early.len(), sent), (ROWS, ROWS));
}

#[test]
fn a_sync_that_comes_after_the_request_is_found_out() {
    let mut events = trace("late", &[]);
    let sent = events
        .iter()
        .position(|event| matches!(event, Event::Sent(_)))
        .unwrap();
    let moved = events.remove(sent);
    events.insert(0, moved);
    assert_eq!(early(&events).0.len(), 1);
}

//! The order of system calls: every intent is synced before the first byte of its request, and every end is written
//! before it is shown. A kill cannot show a sync that is missing, because what was written survives in the page cache.

use std::collections::BTreeSet;
use std::fs;

use crate::ground::{Ground, wait};
use crate::trace::{Event, events};
use support::peer::find;

const ROWS: usize = 60;
const WORKERS: usize = 8;

/// What went wrong in a trace, and how much there was of it at all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Whose request left before the intent was on the disk.
    sent_early: Vec<String>,
    /// Whose end was written before the intent was on the disk.
    ended_early: Vec<String>,
    /// Whose end was shown before it was written.
    told_early: Vec<String>,
    sent: usize,
    told: usize,
}

fn seen(events: &[Event]) -> Seen {
    let (mut written, mut syncing, mut safe) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut ended = BTreeSet::new();
    let mut seen = Seen::default();
    for event in events {
        match event {
            Event::Wrote(records) => {
                written.extend(records.intents.iter().cloned());
                let early = records.ends.iter().filter(|email| !safe.contains(*email));
                seen.ended_early.extend(early.cloned());
                ended.extend(records.ends.iter().cloned());
            }
            // Only what was written before it began is covered.
            Event::SyncBegan => syncing.clone_from(&written),
            Event::Synced => safe.extend(syncing.drain(..)),
            Event::Failed => panic!("nothing fails here"),
            Event::Sent(email) => {
                seen.sent += 1;
                if !safe.contains(email) {
                    seen.sent_early.push(email.clone());
                }
            }
            Event::Told(emails) => {
                seen.told += emails.len();
                let early = emails.iter().filter(|email| !ended.contains(*email));
                seen.told_early.extend(early.cloned());
            }
        }
    }
    seen
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
fn every_intent_is_synced_before_its_request_and_every_end_is_written_before_it_is_shown() {
    let expected = Seen { sent: ROWS, told: ROWS, ..Seen::default() };
    assert_eq!(seen(&trace("order", &[])), expected);
}

#[test]
fn a_sync_that_is_left_out_is_found_out() {
    // The planted fault: strace makes every fdatasync return at once, without doing it.
    let seen = seen(&trace("planted", &["-e", "inject=fdatasync:retval=0"]));
    let early = (seen.sent_early.len(), seen.ended_early.len());
    assert_eq!((early, seen.sent), ((ROWS, ROWS), ROWS));
}

#[test]
fn whatever_comes_too_early_is_found_out() {
    let sound = trace("early", &[]);
    let moved_to_the_front = |is_moved: fn(&Event) -> bool| {
        let mut events = sound.clone();
        let place = events.iter().position(is_moved).unwrap();
        let moved = events.remove(place);
        events.insert(0, moved);
        let seen = seen(&events);
        [seen.sent_early, seen.ended_early, seen.told_early].map(|early| !early.is_empty())
    };
    let request = moved_to_the_front(|event| matches!(event, Event::Sent(_)));
    assert_eq!(request, [true, false, false]);
    let is_end = |event: &Event| matches!(event, Event::Wrote(records) if !records.ends.is_empty());
    assert!(moved_to_the_front(is_end)[1], "an end before its intent");
    let is_told = |event: &Event| matches!(event, Event::Told(emails) if !emails.is_empty());
    assert_eq!(moved_to_the_front(is_told), [false, false, true]);
}

//! The order of system calls: every intent is synced before the first byte of its request, and every end is written
//! before it is shown, of a list and of a single send. A kill cannot show a sync that is missing, because what was written survives in the page cache.

use std::collections::BTreeSet;
use std::fs;

use crate::fixtures::{Fixture, wait};
use crate::trace::{Event, events};
use support::peer::find;

const ROWS: usize = 60;
const WORKERS: usize = 8;

/// What went wrong in a trace, and how much there was of it at all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    /// Whose request left before the intent was on the disk.
    sent_early: Vec<String>,
    /// Whose end was written before the intent was on the disk.
    ended_early: Vec<String>,
    /// Whose end was shown before it was written.
    shown_early: Vec<String>,
    sent: usize,
    shown: usize,
}

fn examine(events: &[Event]) -> Findings {
    let (mut written, mut syncing, mut safe) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut ended = BTreeSet::new();
    let mut findings = Findings::default();
    for event in events {
        match event {
            Event::Wrote(records) => {
                written.extend(records.intents.iter().cloned());
                let early = records.ends.iter().filter(|email| !safe.contains(*email));
                findings.ended_early.extend(early.cloned());
                ended.extend(records.ends.iter().cloned());
            }
            // Only what was written before it began is covered.
            Event::SyncBegan => syncing.clone_from(&written),
            Event::Synced => safe.extend(syncing.drain(..)),
            Event::Failed => panic!("nothing fails here"),
            Event::Sent(email) => {
                findings.sent += 1;
                if !safe.contains(email) {
                    findings.sent_early.push(email.clone());
                }
            }
            Event::Shown(emails) => {
                findings.shown += emails.len();
                let early = emails.iter().filter(|email| !ended.contains(*email));
                findings.shown_early.extend(early.cloned());
            }
        }
    }
    findings
}

/// The trace of a run over plain http, where requests can be read.
fn trace(name: &str, inject: &[&str]) -> Vec<Event> {
    let fixture = Fixture::new();
    let case = fixture.case(name, ROWS);
    traced(&fixture, inject, &Fixture::arguments(&case, WORKERS), &format!("{name}.ndjson>"))
}

/// The same of a single send.
fn trace_of_send(inject: &[&str]) -> Vec<Event> {
    let arguments = ["send", "--email", "ada@example.com"].map(str::to_owned);
    traced(&Fixture::new(), inject, &arguments, "/send-localhost_")
}

fn traced(fixture: &Fixture, inject: &[&str], arguments: &[String], journal: &str) -> Vec<Event> {
    let mut command = fixture.command(find("strace", "strace"));
    command
        .env("VESCLI_BASE_URL", fixture.plain_url())
        .args(["-f", "-y", "-qq", "-s", "65536", "-o", "trace"])
        .args(["-e", "trace=write,writev,sendto,fdatasync,fsync"])
        .args(inject)
        .arg(support::program())
        .args(arguments);
    assert_eq!(wait(&mut command.spawn().unwrap()), Some(0));
    let text = fs::read_to_string(fixture.path("trace")).unwrap();
    events(&text, journal)
}

#[test]
fn every_intent_is_synced_before_its_request_and_every_end_is_written_before_it_is_shown() {
    let expected = Findings { sent: ROWS, shown: ROWS, ..Findings::default() };
    assert_eq!(examine(&trace("order", &[])), expected);
}

#[test]
fn a_single_send_has_the_same_order_and_a_missing_sync_is_detected() {
    let expected = Findings { sent: 1, shown: 1, ..Findings::default() };
    assert_eq!(examine(&trace_of_send(&[])), expected);
    // The planted fault, as below.
    let findings = examine(&trace_of_send(&["-e", "inject=fsync:retval=0"]));
    assert_eq!((findings.sent_early.len(), findings.ended_early.len(), findings.sent), (1, 1, 1));
}

#[test]
fn a_missing_sync_is_detected() {
    // The planted fault: strace makes every fdatasync return at once, without doing it.
    let findings = examine(&trace("planted", &["-e", "inject=fdatasync:retval=0"]));
    let early = (findings.sent_early.len(), findings.ended_early.len());
    assert_eq!((early, findings.sent), ((ROWS, ROWS), ROWS));
}

#[test]
fn a_request_or_output_before_its_record_is_detected() {
    let intact = trace("early", &[]);
    let moved_to_the_front = |is_moved: fn(&Event) -> bool| {
        let mut events = intact.clone();
        let place = events.iter().position(is_moved).unwrap();
        let moved = events.remove(place);
        events.insert(0, moved);
        let findings = examine(&events);
        [findings.sent_early, findings.ended_early, findings.shown_early].map(|early| !early.is_empty())
    };
    let request = moved_to_the_front(|event| matches!(event, Event::Sent(_)));
    assert_eq!(request, [true, false, false]);
    let is_end = |event: &Event| matches!(event, Event::Wrote(records) if !records.ends.is_empty());
    assert!(moved_to_the_front(is_end)[1], "an end before its intent");
    let is_shown = |event: &Event| matches!(event, Event::Shown(emails) if !emails.is_empty());
    assert_eq!(moved_to_the_front(is_shown), [false, false, true]);
}

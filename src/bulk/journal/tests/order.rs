//! The order in which the one thread writes and syncs, seen from behind: by a file that notes what is asked of it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use super::super::file::Store;
use super::super::writer::Writer;
use super::noting::{Event, Log, fault, note, start};
use super::*;

fn intend(handle: &JournalHandle, name: &str) -> Result<(), JournalStopped> {
    let email = format!("{name}@x.de");
    handle.intend(&Intent { person: person(name, &email), row: 1, attempt: 1 })
}

/// What came of a row, written.
fn conclude(handle: &JournalHandle, name: &str, outcome: Outcome) -> Result<(), JournalStopped> {
    let email = format!("{name}@x.de");
    handle.written(handle.conclude(&person(name, &email), 1, outcome, None))
}

/// Eight workers with twenty rows each, as a run has them; gives back how many rows were let go.
fn work(handle: &JournalHandle, log: &Log) -> usize {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                scope.spawn(move || {
                    for row in 0..20 {
                        let name = format!("w{worker}r{row}");
                        if intend(handle, &name).is_err() {
                            assert!(conclude(handle, &name, Outcome::Unknown).is_err());
                            return row;
                        }
                        note(log, Event::Released(key_of(&name).to_string()));
                        let email = format!("{name}@x.de");
                        let person = person(&name, &email);
                        let ticket = handle.conclude(&person, 1, Outcome::Accepted, Some(200));
                        // Every other one is waited for.
                        if row % 2 == 0 && handle.written(ticket).is_err() {
                            return row + 1;
                        }
                    }
                    20
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

#[test]
fn no_row_is_let_go_before_its_intent_is_on_the_disk() {
    let (writer, log) = start(None, None);
    assert_eq!(work(&writer.handle(), &log), 160);
    let summary = writer.close().unwrap();
    assert_eq!(summary.records, 320);
    let events = log.lock().unwrap().clone();
    assert_eq!(fault(&events), None);
    // The last ends are synced too.
    assert_eq!(events.iter().rfind(|event| !matches!(event, Event::Released(_))), Some(&Event::Marked));
}

#[test]
fn the_check_turns_red_for_each_fault_that_it_is_to_find() {
    let written = |line: String| Event::Written(line);
    let key = key_of("ada").to_string();
    let end = end_line("ada", 1, Outcome::Accepted, None);
    let sound = [
        written(intent_line("ada", 1)),
        Event::Synced,
        Event::Marked,
        Event::Released(key.clone()),
        written(end.clone()),
        Event::Synced,
    ];
    assert_eq!(fault(&sound), None);
    let unsynced = [written(intent_line("ada", 1)), Event::Released(key.clone())];
    assert!(fault(&unsynced).unwrap().starts_with("a row is sent before"));
    let unmarked = [written(intent_line("ada", 1)), Event::Synced, Event::Released(key.clone())];
    assert!(fault(&unmarked).unwrap().starts_with("a row is sent before"));
    let synced_first = [Event::Synced, written(intent_line("ada", 1)), Event::Released(key)];
    assert!(fault(&synced_first).unwrap().starts_with("a row is sent before"));
    let early = [written(intent_line("ada", 1) + &end), Event::Synced];
    assert!(fault(&early).unwrap().starts_with("an end before"));
    let again = [Event::Failed, Event::Synced];
    assert!(fault(&again).unwrap().starts_with("a call after"));
}

#[test]
fn intents_that_come_while_the_disk_is_busy_share_one_sync() {
    let (open, gate) = channel();
    let (writer, log) = start(None, Some(gate));
    let handle = writer.handle();
    thread::scope(|scope| {
        for worker in 0..8 {
            let (handle, log) = (handle.clone(), Arc::clone(&log));
            scope.spawn(move || {
                let name = format!("w{worker}");
                intend(&handle, &name).unwrap();
                note(&log, Event::Released(key_of(&name).to_string()));
            });
        }
        // The disk is held until all are in the queue, so that the rest of them has to share the second sync.
        while writer.queued() < 8 {
            thread::yield_now();
        }
        open.send(()).unwrap();
        open.send(()).unwrap();
    });
    drop(open);
    let summary = writer.close().unwrap();
    assert_eq!(summary.records, 8);
    assert_eq!(fault(&log.lock().unwrap()), None);
    assert!((1..=2).contains(&summary.syncs), "{summary:?}");
}

#[test]
fn after_the_first_failure_nothing_is_let_go_and_nothing_is_tried_again() {
    for stage in [Stage::Write, Stage::Sync] {
        for nth in 1..=12 {
            let (writer, log) = start(Some((stage, nth)), None);
            let handle = writer.handle();
            let released = work(&handle, &log);
            assert!(released < 160, "{stage} {nth}");
            let error = intend(&handle, "late").unwrap_err();
            assert!(
                matches!(&error, JournalStopped::Failed { stage: at, kind: io::ErrorKind::StorageFull, .. } if *at == stage)
            );
            assert_eq!(conclude(&handle, "late", Outcome::Unknown), Err(error.clone()));
            assert_eq!(writer.close(), Err(error));
            let events = log.lock().unwrap().clone();
            assert_eq!(fault(&events), None, "{stage} {nth}");
            assert_eq!(events.iter().filter(|event| **event == Event::Failed).count(), 1);
        }
    }
}

#[test]
fn a_handle_that_outlives_its_journal_is_told_so() {
    let (writer, log) = start(None, None);
    let handle = writer.handle();
    writer.close().unwrap();
    assert!(matches!(intend(&handle, "ada"), Err(JournalStopped::Closed { .. })));
    assert_eq!(*log.lock().unwrap(), []);
    let (writer, _) = start(None, None);
    let handle = writer.handle();
    drop(writer);
    assert!(matches!(intend(&handle, "ada"), Err(JournalStopped::Closed { .. })));
}

#[test]
fn a_thread_that_dies_leaves_nobody_waiting() {
    struct Panicking;
    impl Store for Panicking {
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            panic!("on purpose")
        }
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn check(&mut self) -> Result<(), Loss> {
            Ok(())
        }
        fn mark(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn trim(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn release(&mut self) {}
    }
    let writer = Writer::start(Path::new("j"), Panicking).unwrap();
    assert!(intend(&writer.handle(), "ada").is_err());
    assert!(conclude(&writer.handle(), "ada", Outcome::Accepted).is_err());
}

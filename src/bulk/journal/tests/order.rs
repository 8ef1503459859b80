//! The order in which the thread writes, syncs, wakes workers and delivers events. A store logs all calls, can wait,
//! and can fail at the Nth call. A check then reads the log.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::super::file::Store;
use super::super::writer::{JournalHandle, Writer};
use super::*;

/// All events, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Bytes were passed to the store.
    Written(String),
    /// A sync returned.
    Synced,
    /// A `synced` record was written.
    Marked,
    /// A call failed.
    Failed,
    /// A worker was woken and sends the row of this key.
    Released(String),
    /// An event of this key was shown.
    ConfirmedPlan(String),
}

pub(super) type Log = Arc<Mutex<Vec<Event>>>;

pub(super) fn note(log: &Log, event: Event) {
    log.lock().unwrap_or_else(PoisonError::into_inner).push(event);
}

/// A store that logs all calls.
#[derive(Default)]
pub(super) struct Noting {
    pub(super) log: Log,
    /// The kind of call that fails, and how many of these succeed before.
    pub(super) fails: Option<(Stage, u32)>,
    /// If set, each sync waits for a message.
    pub(super) gate: Option<Receiver<()>>,
    /// Gives other threads time to run ahead.
    pub(super) pause: Option<fn()>,
}

impl Noting {
    fn call(&mut self, stage: Stage, event: Event) -> io::Result<()> {
        if let Some((fails, left)) = &mut self.fails
            && *fails == stage
        {
            *left -= 1;
            if *left == 0 {
                note(&self.log, Event::Failed);
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        note(&self.log, event);
        Ok(())
    }
}

impl Store for Noting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.call(Stage::Write, Event::Written(String::from_utf8(bytes.to_vec()).unwrap()))
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        if let Some(pause) = self.pause {
            pause();
        }
        self.call(Stage::Sync, Event::Synced)
    }

    fn check(&mut self) -> Result<(), JournalChange> {
        Ok(())
    }

    fn write_synced(&mut self) -> io::Result<()> {
        note(&self.log, Event::Marked);
        Ok(())
    }

    fn trim(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first event in a wrong order: a row is sent before its intent is on the disk, an end is written before its
/// intent is on the disk, an event is shown before its batch is finished, or there is a call after one that failed.
pub(super) fn fault(events: &[Event]) -> Option<String> {
    let (mut written, mut synced, mut failed) = (HashSet::new(), HashSet::new(), false);
    let mut marked = HashSet::new();
    let (mut showable, mut unsynced) = (HashSet::new(), HashSet::new());
    for event in events {
        match event {
            Event::Written(_) | Event::Synced | Event::Failed if failed => {
                return Some("a call after one that failed".to_owned());
            }
            Event::Written(text) => {
                let has_intent = text.contains("\"t\":\"intent\"");
                for line in text.lines() {
                    let record: serde_json::Value = serde_json::from_str(line).unwrap();
                    let key = record["key"].as_str().unwrap().to_owned();
                    if record["t"] == "intent" {
                        written.insert(key);
                    } else if !synced.contains(&key) {
                        return Some(format!("an end before its intent is synced: {key}"));
                    } else if has_intent {
                        unsynced.insert(key);
                    } else {
                        showable.insert(key);
                    }
                }
            }
            Event::Synced => synced.extend(written.iter().cloned()),
            Event::Marked => {
                marked.clone_from(&synced);
                showable.extend(unsynced.drain());
            }
            Event::Failed => {
                failed = true;
                // They are written; only a power failure can lose them.
                showable.extend(unsynced.drain());
            }
            Event::Released(key) if !marked.contains(key) => {
                return Some(format!("a row is sent before its intent is synced and marked: {key}"));
            }
            Event::ConfirmedPlan(key) if !showable.contains(key) => {
                return Some(format!("an event is shown before its batch is done: {key}"));
            }
            Event::Released(_) | Event::ConfirmedPlan(_) => {}
        }
    }
    None
}

type Started = (Writer<String>, JournalHandle<String>);

fn start(fails: Option<(Stage, u32)>, gate: Option<Receiver<()>>) -> (Started, Log) {
    let log = Log::default();
    // Slow enough that a worker which is woken too early runs ahead.
    let pause = Some((|| (0..200).for_each(|_| thread::yield_now())) as fn());
    let store = Noting { log: Arc::clone(&log), fails, gate, pause };
    (Writer::start(PathBuf::from("j.ndjson"), store).unwrap(), log)
}

fn intend(handle: &JournalHandle<String>, name: &str) -> Result<(), JournalStopped> {
    let email = format!("{name}@x.de");
    handle.intend(&Intent { person: person(name, &email), row: 1, attempt: 1 })
}

fn conclude(handle: &JournalHandle<String>, name: &str) {
    let end = End { attempt: 1, outcome: Outcome::Accepted, status: Some(200), due: false };
    handle.conclude(&person(name, &format!("{name}@x.de")), &end, [key_of(name).to_string()]);
}

/// Runs eight workers with twenty rows each, and a screen. Returns how many rows were sent, how many of their ends were
/// written, and how many were not.
fn work((writer, handle): &Started, log: &Log) -> (usize, [usize; 2]) {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let handle = handle.clone();
                scope.spawn(move || {
                    for row in 0..20 {
                        let name = format!("w{worker}r{row}");
                        if intend(&handle, &name).is_err() {
                            return row;
                        }
                        note(log, Event::Released(key_of(&name).to_string()));
                        conclude(&handle, &name);
                    }
                    20
                })
            })
            .collect();
        let mut shown = [0, 0];
        while workers.iter().any(|worker| !worker.is_finished()) {
            take(writer, log, &mut shown);
        }
        let released = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        while released > shown.iter().sum() {
            take(writer, log, &mut shown);
        }
        (released, shown)
    })
}

fn take(writer: &Writer<String>, log: &Log, shown: &mut [usize; 2]) {
    for Delivered { event, is_written } in writer.events(Duration::from_millis(1)).unwrap() {
        shown[usize::from(!is_written)] += 1;
        if is_written {
            note(log, Event::ConfirmedPlan(event));
        }
    }
}

#[test]
fn no_row_is_sent_before_its_intent_is_on_the_disk_and_none_is_shown_before_its_end_is_written() {
    let (journal, log) = start(None, None);
    assert_eq!(work(&journal, &log), (160, [160, 0]));
    journal.0.close().unwrap();
    let events = log.lock().unwrap().clone();
    assert_eq!(fault(&events), None);
    // The last ends are synced too.
    let is_shown = |event: &&Event| matches!(event, Event::Released(_) | Event::ConfirmedPlan(_));
    assert_eq!(events.iter().rfind(|event| !is_shown(event)), Some(&Event::Marked));
}

#[test]
fn the_check_finds_each_planted_fault() {
    let written = |line: String| Event::Written(line);
    let key = key_of("ada").to_string();
    let end = end_line("ada", 1, Outcome::Accepted, None);
    let intact = [
        written(intent_line("ada", 1)),
        Event::Synced,
        Event::Marked,
        Event::Released(key.clone()),
        written(end.clone()),
        Event::Synced,
    ];
    assert_eq!(fault(&intact), None);
    let unsynced = [written(intent_line("ada", 1)), Event::Released(key.clone())];
    assert!(fault(&unsynced).unwrap().starts_with("a row is sent before"));
    let unmarked = [written(intent_line("ada", 1)), Event::Synced, Event::Released(key.clone())];
    assert!(fault(&unmarked).unwrap().starts_with("a row is sent before"));
    let synced_first = [Event::Synced, written(intent_line("ada", 1)), Event::Released(key)];
    assert!(fault(&synced_first).unwrap().starts_with("a row is sent before"));
    let early = [written(intent_line("ada", 1) + &end), Event::Synced];
    assert!(fault(&early).unwrap().starts_with("an end before"));
    let shown = Event::ConfirmedPlan(key_of("ada").to_string());
    let unrecorded = [&intact[..4], std::slice::from_ref(&shown)].concat();
    assert!(fault(&unrecorded).unwrap().starts_with("an event is shown"));
    let with_intent = written(end.clone() + &intent_line("bob", 1));
    let unsynced = [&intact[..4], &[with_intent, shown]].concat();
    assert!(fault(&unsynced).unwrap().starts_with("an event is shown"));
    let again = [Event::Failed, Event::Synced];
    assert!(fault(&again).unwrap().starts_with("a call after"));
}

#[test]
fn intents_that_come_while_the_disk_is_busy_share_one_sync() {
    let (open, gate) = channel();
    let ((writer, handle), log) = start(None, Some(gate));
    // The first sync waits until all intents are in the queue, so that all that are not in the first batch share the
    // second one.
    let names: Vec<String> = (0..8).map(|worker| format!("w{worker}")).collect();
    let queue = |name: &String| {
        let email = format!("{name}@x.de");
        handle.queue(&Intent { person: person(name, &email), row: 1, attempt: 1 })
    };
    let waiting: Vec<Receiver<()>> = names.iter().map(queue).collect();
    open.send(()).unwrap();
    open.send(()).unwrap();
    for (name, is_synced) in names.iter().zip(waiting) {
        is_synced.recv().unwrap();
        note(&log, Event::Released(key_of(name).to_string()));
    }
    drop(open);
    writer.close().unwrap();
    let events = log.lock().unwrap().clone();
    assert_eq!(fault(&events), None);
    let syncs = events.iter().filter(|event| **event == Event::Synced).count();
    assert!((1..=2).contains(&syncs), "{syncs}");
}

#[test]
fn after_the_first_failure_nothing_is_sent_and_nothing_is_retried() {
    for stage in [Stage::Write, Stage::Sync] {
        for nth in 1..=12 {
            let (journal, log) = start(Some((stage, nth)), None);
            let (released, shown) = work(&journal, &log);
            assert!(released < 160 && shown.iter().sum::<usize>() == released, "{stage} {nth}");
            let error = intend(&journal.1, "late").unwrap_err();
            assert!(
                matches!(&error, JournalStopped::Failed { stage: at, kind: io::ErrorKind::StorageFull, .. } if *at == stage)
            );
            conclude(&journal.1, "late");
            let late = journal.0.events(Duration::from_secs(60)).unwrap();
            assert!(late.len() == 1 && !late[0].is_written);
            assert_eq!(journal.0.close(), Err(error));
            let events = log.lock().unwrap().clone();
            assert_eq!(fault(&events), None, "{stage} {nth}");
            assert_eq!(events.iter().filter(|event| **event == Event::Failed).count(), 1);
        }
    }
}

#[test]
fn a_handle_that_outlives_its_journal_is_refused() {
    let ((writer, handle), log) = start(None, None);
    writer.close().unwrap();
    assert!(matches!(intend(&handle, "ada"), Err(JournalStopped::Closed { .. })));
    assert_eq!(*log.lock().unwrap(), []);
    let ((writer, handle), _) = start(None, None);
    drop(writer);
    assert!(matches!(intend(&handle, "ada"), Err(JournalStopped::Closed { .. })));
}

#[test]
fn an_event_whose_record_was_written_earlier_counts_as_written() {
    let ((writer, handle), _) = start(Some((Stage::Write, 3)), None);
    intend(&handle, "ada").unwrap();
    conclude(&handle, "ada");
    let shown = writer.events(Duration::from_secs(60)).unwrap();
    assert!(shown.iter().all(|event| event.is_written) && shown.len() == 1);
    assert!(intend(&handle, "bob").is_err());
    handle.report(key_of("ada"), "again".to_owned());
    conclude(&handle, "bob");
    handle.report(key_of("bob"), "again".to_owned());
    let mut shown = Vec::new();
    while shown.len() < 3 {
        shown.extend(writer.events(Duration::from_secs(60)).unwrap());
    }
    assert_eq!(shown.iter().map(|event| event.is_written).collect::<Vec<_>>(), [true, false, false]);
    drop(handle);
    assert_eq!(writer.events(Duration::from_secs(60)), None);
}

#[test]
fn no_worker_waits_for_a_thread_that_has_ended() {
    struct Panicking;
    impl Store for Panicking {
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            panic!("on purpose")
        }
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn check(&mut self) -> Result<(), JournalChange> {
            Ok(())
        }
        fn write_synced(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn trim(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (writer, handle) = Writer::start(PathBuf::from("j"), Panicking).unwrap();
    assert!(intend(&handle, "ada").is_err());
    conclude(&handle, "ada");
    assert!(!writer.events(Duration::from_secs(60)).unwrap()[0].is_written);
}

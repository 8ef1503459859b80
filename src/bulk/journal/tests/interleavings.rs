//! The writer under `shuttle`: it is compiled a second time with the primitives of that scheduler, which runs it in
//! thousands of interleavings. This finds every deadlock, and each fault that is planted here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shuttle::thread;

use super::super::{error, file, key, record};
use super::order::{Event, Log, Noting, fault, note};
use super::{End, Intent, Outcome, Stage, person};

mod sync {
    pub(super) use shuttle::sync::mpsc::{Receiver, Sender, channel};
    pub(super) use shuttle::sync::{Arc, Weak};
    pub(super) use shuttle::thread::{Builder, JoinHandle};
    pub(super) use std::sync::mpsc::RecvTimeoutError;
}

#[path = "../writer.rs"]
#[expect(
    clippy::duplicate_mod,
    dead_code,
    unreachable_pub,
    reason = "the same code with other primitives, for the tests here"
)]
mod writer;

use writer::{JournalHandle, Loop, Writer};

const WORKERS: usize = 2;
const ROWS: usize = 2;
const SCHEDULES: usize = 200;

type Key = String;

/// Writes and syncs a batch, as in the program or with a fault.
type Commit = writer::Commit<Key, Noting>;

fn usual(write_loop: &mut Loop<Key, Noting>) -> Result<(), error::JournalStopped> {
    write_loop.write()?;
    if !write_loop.waiting.is_empty() {
        write_loop.sync()?;
    }
    write_loop.wake();
    Ok(())
}

fn without_sync(write_loop: &mut Loop<Key, Noting>) -> Result<(), error::JournalStopped> {
    write_loop.write()?;
    write_loop.wake();
    Ok(())
}

fn woken_early(write_loop: &mut Loop<Key, Noting>) -> Result<(), error::JournalStopped> {
    write_loop.write()?;
    let waits = !write_loop.waiting.is_empty();
    write_loop.wake();
    if waits { write_loop.sync() } else { Ok(()) }
}

fn shown_early(write_loop: &mut Loop<Key, Noting>) -> Result<(), error::JournalStopped> {
    write_loop.write()?;
    write_loop.show();
    if !write_loop.waiting.is_empty() {
        write_loop.sync()?;
    }
    write_loop.wake();
    Ok(())
}

/// A worker is forgotten: it gets no message, and its channel stays open.
fn lost_wake_up(write_loop: &mut Loop<Key, Noting>) -> Result<(), error::JournalStopped> {
    write_loop.write()?;
    if !write_loop.waiting.is_empty() {
        write_loop.sync()?;
    }
    write_loop.waiting.drain(..).for_each(std::mem::forget);
    Ok(())
}

fn work(handle: &JournalHandle<Key>, worker: usize, log: &Log) -> usize {
    for row in 0..ROWS {
        let name = format!("w{worker}r{row}");
        let email = format!("{name}@x.de");
        let person = person(&name, &email);
        if handle.intend(&Intent { person, row: 1, attempt: 1 }).is_err() {
            assert!(handle.stopped().is_some());
            return row;
        }
        note(log, Event::Released(person.key.to_string()));
        let end = End { attempt: 1, outcome: Outcome::Accepted, status: Some(200), due: false };
        handle.conclude(&person, &end, [person.key.to_string()]);
    }
    ROWS
}

/// A run of few workers and rows. Its screen takes events at once or, with `is_stuck`, after the last worker has ended.
fn scenario(commit: Commit, fails: Option<(Stage, u32)>, is_stuck: bool) {
    let log = Log::default();
    let store = Noting { log: Arc::clone(&log), fails, gate: None, pause: Some(thread::yield_now) };
    let (writer, handle) = Writer::start_with(PathBuf::from("j.ndjson"), store, commit).unwrap();
    let start = |worker| {
        let (handle, log) = (handle.clone(), Arc::clone(&log));
        thread::spawn(move || work(&handle, worker, &log))
    };
    let workers: Vec<_> = (0..WORKERS).map(start).collect();
    drop(handle);
    let join = |workers: Vec<thread::JoinHandle<usize>>| workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    let (mut workers, mut released) = (Some(workers), 0);
    if is_stuck {
        released = workers.take().map_or(0, join);
    }
    let mut shown = 0;
    while let Some(events) = writer.events(Duration::ZERO) {
        for delivered in events {
            shown += 1;
            if delivered.is_written {
                note(&log, Event::ConfirmedPlan(delivered.event));
            }
        }
    }
    released += workers.take().map_or(0, join);
    assert_eq!((shown, writer.close().is_err()), (released, fails.is_some()));
    let events = log.lock().unwrap().clone();
    assert_eq!(fault(&events), None);
    assert!(fails.is_some() || released == WORKERS * ROWS);
}

fn check(commit: Commit, fails: Option<(Stage, u32)>, is_stuck: bool) {
    shuttle::check_random(move || scenario(commit, fails, is_stuck), SCHEDULES);
    shuttle::check_pct(move || scenario(commit, fails, is_stuck), SCHEDULES, 3);
}

#[test]
fn no_interleaving_breaks_the_order_or_leaves_a_worker_waiting() {
    check(Loop::commit, None, false);
    check(Loop::commit, None, true);
    check(usual, None, false);
}

#[test]
fn no_interleaving_hides_a_failure() {
    for stage in [Stage::Write, Stage::Sync] {
        for nth in 1..=2 {
            check(Loop::commit, Some((stage, nth)), nth == 2);
        }
    }
}

#[test]
fn each_planted_fault_is_found() {
    let faults: [(Commit, &str); 4] = [
        (without_sync, "a row is sent before its intent is synced"),
        (woken_early, "a row is sent before its intent is synced"),
        (shown_early, "an event is shown before its batch is done"),
        (lost_wake_up, "deadlock"),
    ];
    for (commit, text) in faults {
        let found = catch_unwind(AssertUnwindSafe(|| check(commit, None, false))).unwrap_err();
        let found = found.downcast_ref::<String>().unwrap();
        assert!(found.contains(text), "{text}: {found}");
    }
}

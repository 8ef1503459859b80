//! A file that notes what is asked of it, that waits, and that fails at the Nth call; and the check of what it noted.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::super::file::Store;
use super::super::writer::Writer;
use super::*;

/// What happened, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Bytes were given to the file.
    Written(String),
    /// A sync came back.
    Synced,
    /// It was written down that everything is on the disk.
    Marked,
    /// A call failed.
    Failed,
    /// A worker was let go to send the row of this key.
    Released(String),
}

pub(super) type Log = Arc<Mutex<Vec<Event>>>;

pub(super) fn note(log: &Log, event: Event) {
    log.lock().unwrap_or_else(PoisonError::into_inner).push(event);
}

/// A file that notes what is asked of it.
struct Noting {
    log: Log,
    /// Which call fails, and how many are left before it.
    fails: Option<(Stage, u32)>,
    /// Each sync waits for a word, if there is anybody to give it.
    gate: Option<Receiver<()>>,
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
        // Slow enough for a worker to run ahead that was let go too early.
        (0..200).for_each(|_| thread::yield_now());
        self.call(Stage::Sync, Event::Synced)
    }

    fn check(&mut self) -> Result<(), Loss> {
        Ok(())
    }

    fn mark(&mut self) -> io::Result<()> {
        note(&self.log, Event::Marked);
        Ok(())
    }

    fn trim(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn release(&mut self) {}
}

/// What breaks the promise: a row that was let go without its intent on the disk, an end that stands before its intent is
/// there, or a call after one that failed.
pub(super) fn fault(events: &[Event]) -> Option<String> {
    let (mut written, mut synced, mut failed) = (HashSet::new(), HashSet::new(), false);
    let mut marked = HashSet::new();
    for event in events {
        match event {
            Event::Written(_) | Event::Synced | Event::Failed if failed => {
                return Some("a call after one that failed".to_owned());
            }
            Event::Written(text) => {
                for line in text.lines() {
                    let record: serde_json::Value = serde_json::from_str(line).unwrap();
                    let key = record["key"].as_str().unwrap().to_owned();
                    if record["t"] == "intent" {
                        written.insert(key);
                    } else if !synced.contains(&key) {
                        return Some(format!("an end before its intent is synced: {key}"));
                    }
                }
            }
            Event::Synced => synced.extend(written.iter().cloned()),
            Event::Marked => marked.clone_from(&synced),
            Event::Failed => failed = true,
            Event::Released(key) if !marked.contains(key) => {
                return Some(format!("a row is sent before its intent is synced and marked: {key}"));
            }
            Event::Released(_) => {}
        }
    }
    None
}

pub(super) fn start(fails: Option<(Stage, u32)>, gate: Option<Receiver<()>>) -> (Writer, Log) {
    let log = Log::default();
    let store = Noting { log: Arc::clone(&log), fails, gate };
    (Writer::start(Path::new("j.ndjson"), store).unwrap(), log)
}

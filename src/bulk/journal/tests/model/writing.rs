//! What the journal's writer does with a batch, call by call: its own loop, with a file that notes each call and which
//! workers were released meanwhile.

use std::io;
use std::sync::{Arc, Mutex};

use super::super::super::error::{JournalChange, JournalStopped};
use super::super::super::file::Store;
use super::super::super::writer::Loop;
use super::super::super::writer::stepwise::{Queue, Waiter, is_awake, queue, shown, waiter, write_loop};
use super::disk::{Line, Lines};
use super::{key_of, record};

/// What happens to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Op {
    /// Its lines are in the file, as far as processes see it.
    Write,
    Sync,
    /// The record of how far the file was synced is written.
    Mark(Line),
    /// The waiting workers continue.
    Wake,
    /// The events of the records are on the screen.
    Show,
}

pub(super) struct Noting {
    ops: Arc<Mutex<Vec<Op>>>,
    queue: Arc<Queue<()>>,
    waiters: Vec<Arc<Waiter>>,
    lines: Arc<Lines>,
    records: Vec<u8>,
    length: u64,
}

impl Noting {
    /// What has become visible since the last call.
    fn look(&self) {
        let mut ops = self.ops.lock().unwrap();
        if !ops.contains(&Op::Wake) && self.waiters.iter().any(|waiter| is_awake(waiter)) {
            ops.push(Op::Wake);
        }
        if !ops.contains(&Op::Show) && shown(&self.queue) > 0 {
            ops.push(Op::Show);
        }
    }

    fn note(&self, op: Op) {
        self.look();
        self.ops.lock().unwrap().push(op);
    }
}

impl Store for Noting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(bytes, self.records);
        self.length += bytes.len() as u64;
        self.note(Op::Write);
        Ok(())
    }

    fn check(&mut self) -> Result<(), JournalChange> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.note(Op::Sync);
        Ok(())
    }

    fn write_synced(&mut self) -> io::Result<()> {
        let mark = self.lines.number(record::synced(self.length).as_bytes());
        self.note(Op::Mark(mark));
        Ok(())
    }

    fn trim(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How the thread handles a batch.
pub(super) type Steps = fn(&mut Loop<(), Noting>) -> Result<(), JournalStopped>;

/// As the writer does it: a batch is delivered before the next one is taken.
pub(super) fn commit(write_loop: &mut Loop<(), Noting>) -> Result<(), JournalStopped> {
    write_loop.commit()?;
    write_loop.show();
    Ok(())
}

pub(super) fn woken_before_the_sync(write_loop: &mut Loop<(), Noting>) -> Result<(), JournalStopped> {
    write_loop.write()?;
    let waits = !write_loop.waiting.is_empty();
    write_loop.wake();
    if waits {
        write_loop.sync()?;
    }
    write_loop.show();
    Ok(())
}

pub(super) fn shown_before_the_write(write_loop: &mut Loop<(), Noting>) -> Result<(), JournalStopped> {
    write_loop.show();
    write_loop.commit()
}

/// The calls for a batch of these records, with this many waiting workers and events. `length` is that of the file
/// before.
pub(super) fn ops(
    lines: &Arc<Lines>,
    records: &[Line],
    (waiting, events): (usize, usize),
    length: u64,
    steps: Steps,
) -> Vec<Op> {
    let (queue, ops) = (queue(), Arc::default());
    let records = lines.bytes(records);
    let waiters: Vec<Arc<Waiter>> = (0..waiting).map(|_| waiter()).collect();
    let store = || Noting {
        ops: Arc::clone(&ops),
        queue: Arc::clone(&queue),
        waiters: waiters.clone(),
        lines: Arc::clone(lines),
        records: records.clone(),
        length,
    };
    let events = (0..events).map(|_| (key_of("ada"), ())).collect();
    let mut write_loop = write_loop(&queue, store(), records.clone(), events, &waiters);
    steps(&mut write_loop).unwrap();
    store().look();
    drop(write_loop);
    ops.lock().unwrap().clone()
}

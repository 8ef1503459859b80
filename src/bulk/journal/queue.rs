//! The queue between the workers and the one thread that writes. A worker that leaves an intent waits until it is on the
//! disk; what came of an attempt is left with a ticket, by which it can be waited for later. Only those are woken whose
//! records are done: a worker that is woken for nothing costs as much as one that goes on.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use super::error::{JournalStopped, Loss, Stage};
use super::writer::Summary;

/// A record's place in the queue: they are written in the order of their tickets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

impl Ticket {
    /// That of a record which was not taken any more.
    pub(super) const NEVER: Self = Self(u64::MAX);
}

/// What the thread takes out of the queue in one go.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<u8>,
    /// Whether it has to be synced.
    pub(super) sync: bool,
    /// The ticket of its last record.
    pub(super) reached: Ticket,
    /// Whether nothing comes after it.
    pub(super) last: bool,
}

/// What workers and the thread share.
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write, or the end has come.
    work: Condvar,
    /// The last record that was written, and the last that was synced.
    written: AtomicU64,
    synced: AtomicU64,
    /// Nothing more is going to be written.
    over: AtomicBool,
    path: Arc<PathBuf>,
}

#[derive(Default)]
struct State {
    records: Vec<u8>,
    /// Whether they hold an intent, which has to be synced.
    urgent: bool,
    /// How many records were ever put in.
    queued: u64,
    syncs: u64,
    waiting: Vec<Waiting>,
    /// Whether the thread waits for work.
    idle: bool,
    closing: bool,
    stopped: Option<JournalStopped>,
}

/// Somebody who waits for a record.
struct Waiting {
    ticket: Ticket,
    stage: Stage,
    thread: Thread,
}

impl Queue {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            state: Mutex::default(),
            work: Condvar::new(),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            over: AtomicBool::new(false),
            path: Arc::new(path.to_owned()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record in. With `wait_for`, whoever puts it in is woken at that stage.
    pub(super) fn put(&self, record: &str, wait_for: Option<Stage>) -> Result<Ticket, JournalStopped> {
        let mut state = self.lock();
        if let Some(stopped) = &state.stopped {
            return Err(stopped.clone());
        }
        if state.closing {
            return Err(self.closed());
        }
        state.records.extend_from_slice(record.as_bytes());
        state.queued += 1;
        let ticket = Ticket(state.queued);
        if let Some(stage) = wait_for {
            state.urgent |= stage == Stage::Sync;
            state.wait(ticket, stage);
        }
        let idle = mem::take(&mut state.idle);
        drop(state);
        if idle {
            self.work.notify_one();
        }
        Ok(ticket)
    }

    /// Whether a record has come to a stage.
    pub(super) fn has_reached(&self, ticket: Ticket, stage: Stage) -> bool {
        let reached = match stage {
            Stage::Write => &self.written,
            Stage::Sync => &self.synced,
        };
        Ticket(reached.load(Ordering::SeqCst)) >= ticket
    }

    /// Sleeps until a record has come to a stage. Whoever calls it stands in the line of those who wait.
    pub(super) fn sleep(&self, ticket: Ticket, stage: Stage) -> Result<(), JournalStopped> {
        loop {
            // Looked at first: what the thread had reached before it went counts.
            let over = self.over.load(Ordering::SeqCst);
            if self.has_reached(ticket, stage) {
                return Ok(());
            }
            if over {
                return Err(self.why());
            }
            thread::park();
        }
    }

    /// Why nothing more is written, if that is so.
    pub(super) fn stopped(&self) -> Option<JournalStopped> {
        self.over.load(Ordering::SeqCst).then(|| self.why())
    }

    fn why(&self) -> JournalStopped {
        let stopped = self.lock().stopped.clone();
        stopped.unwrap_or_else(|| self.closed())
    }

    fn closed(&self) -> JournalStopped {
        JournalStopped::Closed { path: Arc::clone(&self.path) }
    }

    /// Takes everything that is in the queue, and waits for something if there is nothing.
    pub(super) fn take(&self, batch: &mut Batch) {
        let mut state = self.lock();
        while state.records.is_empty() && !state.closing {
            state.idle = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        batch.records.clear();
        mem::swap(&mut batch.records, &mut state.records);
        batch.reached = Ticket(state.queued);
        batch.last = state.closing && batch.records.is_empty();
        let unsynced = batch.last && !self.has_reached(batch.reached, Stage::Sync);
        batch.sync = mem::take(&mut state.urgent) || unsynced;
    }

    /// Says how far the thread has come, and wakes those who waited for that.
    pub(super) fn advance(&self, stage: Stage, ticket: Ticket) {
        let mut inner = self.lock();
        match stage {
            Stage::Write => self.written.store(ticket.0, Ordering::SeqCst),
            Stage::Sync => {
                self.synced.store(ticket.0, Ordering::SeqCst);
                inner.syncs += 1;
            }
        }
        let done = |waiting: &mut Waiting| waiting.stage == stage && waiting.ticket <= ticket;
        let woken: Vec<Waiting> = inner.waiting.extract_if(.., done).collect();
        drop(inner);
        wake(woken);
    }

    /// Says that a write or sync has failed: nothing is tried again.
    pub(super) fn fail(&self, stage: Stage, error: &io::Error) {
        self.stop(JournalStopped::Failed {
            path: Arc::clone(&self.path),
            stage,
            kind: error.kind(),
            cause: error.to_string().into(),
        });
    }

    /// Says that the journal is not where it was, or not what it was.
    pub(super) fn lose(&self, loss: Loss) {
        self.stop(JournalStopped::Lost { path: Arc::clone(&self.path), loss });
    }

    /// Takes a place in the line of those who wait.
    pub(super) fn line_up(&self, ticket: Ticket, stage: Stage) {
        let mut inner = self.lock();
        if inner.stopped.is_none() {
            inner.wait(ticket, stage);
        }
    }

    /// Says that the thread has gone.
    pub(super) fn end(&self) {
        self.stop(self.closed());
    }

    fn stop(&self, reason: JournalStopped) {
        let mut state = self.lock();
        state.stopped.get_or_insert(reason);
        self.over.store(true, Ordering::SeqCst);
        let woken = mem::take(&mut state.waiting);
        drop(state);
        wake(woken);
    }

    /// Takes no more records; what is in the queue is still written and synced.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_all();
    }

    /// What was taken in, once the thread has gone.
    pub(super) fn summary(&self) -> Result<Summary, JournalStopped> {
        let state = self.lock();
        match &state.stopped {
            Some(stopped @ (JournalStopped::Failed { .. } | JournalStopped::Lost { .. })) => Err(stopped.clone()),
            Some(JournalStopped::Closed { .. }) | None => {
                Ok(Summary { records: self.written.load(Ordering::SeqCst), syncs: state.syncs })
            }
        }
    }

    #[cfg(test)]
    pub(super) fn queued(&self) -> u64 {
        self.lock().queued
    }
}

impl State {
    fn wait(&mut self, ticket: Ticket, stage: Stage) {
        self.waiting.push(Waiting { ticket, stage, thread: thread::current() });
    }
}

fn wake(woken: Vec<Waiting>) {
    for waiting in woken {
        waiting.thread.unpark();
    }
}

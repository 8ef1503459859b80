//! The one thread that writes a journal. Workers leave their records in a queue; the thread takes all of them, writes
//! once, syncs once and lets all of them go, so that eight workers share one trip to the disk.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::error::{JournalStopped, Stage};
use super::key::RowKey;
use super::record::{self, Intent};
use crate::api::outcome::Fate;

/// Where records end up.
pub(super) trait Store: Send + 'static {
    /// Writes all of the bytes behind what is there.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything that was written survives a power failure.
    fn sync(&mut self) -> io::Result<()>;
    /// Gives back the room that was not used.
    fn trim(&mut self) -> io::Result<()>;
    /// Lets go of the lock.
    fn release(&mut self);
}

impl Store for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn trim(&mut self) -> io::Result<()> {
        let end = self.stream_position()?;
        self.set_len(end)
    }

    fn release(&mut self) {
        // By hand: a child process that is being started this very moment still has the file, and with it the lock.
        let _ = self.unlock();
    }
}

/// What a journal took in while it was open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many records.
    pub records: u64,
    /// How many times they were brought to the disk.
    pub syncs: u64,
}

/// What workers and the thread share.
struct Shared {
    state: Mutex<State>,
    /// There is something to write, or the end has come.
    work: Condvar,
    /// Something was written, or nothing will be any more.
    done: Condvar,
    path: Arc<PathBuf>,
}

#[derive(Default)]
struct State {
    queue: Vec<u8>,
    /// Whether the queue holds an intent, which has to be synced.
    urgent: bool,
    /// How many records were ever put into the queue, were written, and were synced.
    queued: u64,
    written: u64,
    synced: u64,
    syncs: u64,
    closing: bool,
    stopped: Option<JournalStopped>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record into the queue and waits until `until` has reached it.
    fn submit(
        &self,
        record: &str,
        urgent: bool,
        until: fn(&State) -> u64,
    ) -> Result<(), JournalStopped> {
        let mut state = self.lock();
        if let Some(stopped) = &state.stopped {
            return Err(stopped.clone());
        }
        if state.closing {
            return Err(self.closed());
        }
        state.queue.extend_from_slice(record.as_bytes());
        state.urgent |= urgent;
        state.queued += 1;
        let ticket = state.queued;
        self.work.notify_one();
        loop {
            // First of all: a record that was written is written, even if the next one failed.
            if until(&state) >= ticket {
                return Ok(());
            }
            if let Some(stopped) = &state.stopped {
                return Err(stopped.clone());
            }
            state = self
                .done
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn closed(&self) -> JournalStopped {
        JournalStopped::Closed {
            path: Arc::clone(&self.path),
        }
    }

    fn failed(&self, stage: Stage, error: &io::Error) -> JournalStopped {
        JournalStopped::Failed {
            path: Arc::clone(&self.path),
            stage,
            kind: error.kind(),
            cause: error.to_string().into(),
        }
    }

    /// Nobody waits for a thread that has gone, however it went.
    fn end(&self) {
        let mut state = self.lock();
        if state.stopped.is_none() {
            state.stopped = Some(self.closed());
        }
        self.done.notify_all();
    }
}

/// Writes down what a worker is about to do and what came of it. Clones share one journal.
#[derive(Clone)]
pub struct JournalHandle {
    shared: Arc<Shared>,
}

impl JournalHandle {
    /// Writes an intent down and returns when it is on the disk: only then may its request be sent.
    ///
    /// # Errors
    /// [`JournalStopped`] when it is not surely there, because this or an earlier write or sync failed: the request must
    /// not be sent, and no other either.
    pub fn intend(&self, intent: &Intent<'_>) -> Result<(), JournalStopped> {
        self.shared
            .submit(&record::intent(intent), true, |state| state.synced)
    }

    /// Writes down what came of an attempt, and returns when it is written: it survives the end of the program. It
    /// survives a power failure from the next group of intents on, or from the end of the run; until then the row would
    /// come back as unknown, which mails nobody.
    ///
    /// The last record of a row decides. A row that may have been mailed by an earlier attempt stays unknown when a later
    /// one was refused or never left: give the fate of all attempts together.
    ///
    /// # Errors
    /// [`JournalStopped`] when it could not be written. The row comes back as unknown.
    pub fn conclude(
        &self,
        key: RowKey,
        attempt: u64,
        fate: Fate,
        status: Option<u16>,
    ) -> Result<(), JournalStopped> {
        let record = record::end(key, attempt, fate, status);
        self.shared.submit(&record, false, |state| state.written)
    }
}

/// The thread and what it shares with the handles.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn start(path: &Path, store: impl Store) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            path: Arc::new(path.to_owned()),
        });
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let _end = EndOnDrop(&own);
            write_all(&own, store);
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    pub(super) fn handle(&self) -> JournalHandle {
        JournalHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// How many records were ever put into the queue.
    #[cfg(test)]
    pub(super) fn queued(&self) -> u64 {
        self.shared.lock().queued
    }

    pub(super) fn close(mut self) -> Result<Summary, JournalStopped> {
        self.finish();
        let state = self.shared.lock();
        match &state.stopped {
            Some(stopped @ JournalStopped::Failed { .. }) => Err(stopped.clone()),
            Some(JournalStopped::Closed { .. }) | None => Ok(Summary {
                records: state.written,
                syncs: state.syncs,
            }),
        }
    }

    fn finish(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in there was told by itself, and every handle has been let go.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}

struct EndOnDrop<'a>(&'a Shared);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The loop of the thread: until the journal is closed, or the first write or sync fails.
fn write_all(shared: &Shared, mut store: impl Store) {
    let mut batch = Vec::new();
    loop {
        let mut state = shared.lock();
        while state.queue.is_empty() && !state.closing {
            state = shared
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        batch.clear();
        mem::swap(&mut batch, &mut state.queue);
        let last = state.closing && batch.is_empty();
        let sync = mem::take(&mut state.urgent) || (last && state.synced < state.written);
        let reached = state.queued;
        drop(state);
        let ended = carry_out(shared, &mut store, &batch, sync, reached);
        if last || ended.is_err() {
            if ended.is_ok() {
                // Room that is not given back is taken by the next run of this journal.
                let _ = store.trim();
            }
            store.release();
            return;
        }
    }
}

fn carry_out(
    shared: &Shared,
    store: &mut impl Store,
    batch: &[u8],
    sync: bool,
    reached: u64,
) -> Result<(), ()> {
    let stop = |stage, error: &io::Error| {
        shared.lock().stopped = Some(shared.failed(stage, error));
        shared.done.notify_all();
    };
    if !batch.is_empty() {
        store
            .write(batch)
            .map_err(|error| stop(Stage::Write, &error))?;
        shared.lock().written = reached;
        // Whoever brought an end goes on now; an intent waits for the sync.
        shared.done.notify_all();
    }
    if sync {
        store.sync().map_err(|error| stop(Stage::Sync, &error))?;
        let mut state = shared.lock();
        state.synced = reached;
        state.syncs += 1;
        drop(state);
        shared.done.notify_all();
    }
    Ok(())
}

//! The one thread that writes a journal: it takes all records that are in the queue, writes once, syncs once and lets
//! those go who waited for them, so that eight workers share one trip to the disk.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::error::{JournalStopped, Stage};
use super::file::Store;
use super::handle::JournalHandle;
use super::queue::{Batch, Queue};

/// What a journal took in while it was open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many records.
    pub records: u64,
    /// How many times they were brought to the disk.
    pub syncs: u64,
}

/// The thread and what it shares with the handles.
pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn start(path: &Path, store: impl Store) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(path));
        let own = Arc::clone(&queue);
        let thread = thread::Builder::new().spawn(move || {
            let _end = EndOnDrop(&own);
            write_all(&own, store);
        })?;
        Ok(Self { queue, thread: Some(thread) })
    }

    pub(super) fn handle(&self) -> JournalHandle {
        JournalHandle::new(&self.queue)
    }

    /// How many records were ever put into the queue.
    #[cfg(test)]
    pub(super) fn queued(&self) -> u64 {
        self.queue.queued()
    }

    pub(super) fn close(mut self) -> Result<Summary, JournalStopped> {
        self.finish();
        self.queue.summary()
    }

    fn finish(&mut self) {
        self.queue.close();
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

/// Nobody waits for a thread that has gone, however it went.
struct EndOnDrop<'a>(&'a Queue);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The loop of the thread: until the journal is closed, or the first write or sync fails.
fn write_all(queue: &Queue, mut store: impl Store) {
    let mut batch = Batch::default();
    loop {
        queue.take(&mut batch);
        let ended = carry_out(queue, &mut store, &batch);
        if batch.last || ended.is_err() {
            if ended.is_ok() {
                // Room that is not given back is taken by the next run of this journal.
                let _ = store.trim();
            }
            store.release();
            return;
        }
    }
}

fn carry_out(queue: &Queue, store: &mut impl Store, batch: &Batch) -> Result<(), ()> {
    let stop = |stage, error: &io::Error| queue.fail(stage, error);
    if !batch.records.is_empty() {
        store.write(&batch.records).map_err(|error| stop(Stage::Write, &error))?;
        queue.advance(Stage::Write, batch.reached);
    }
    if batch.sync {
        store.check().map_err(|loss| queue.lose(loss))?;
        store.sync().map_err(|error| stop(Stage::Sync, &error))?;
        // Before anybody is let go: an intent whose request may have left has a mark behind it, whatever ends the program.
        store.mark().map_err(|error| stop(Stage::Write, &error))?;
        queue.advance(Stage::Sync, batch.reached);
    }
    Ok(())
}

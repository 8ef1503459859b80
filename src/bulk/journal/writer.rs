//! The one thread that writes a journal: it takes all records that are in the queue, writes once, syncs once and lets
//! those go who waited for them, so that eight workers share one trip to the disk.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::error::{JournalStopped, Stage};
use super::handle::JournalHandle;
use super::queue::{Batch, Queue};

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
    pub(super) fn start(path: &Path, store: impl Store) -> Self {
        let queue = Arc::new(Queue::new(path));
        let own = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            let _end = EndOnDrop(&own);
            write_all(&own, store);
        });
        Self {
            queue,
            thread: Some(thread),
        }
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
        store
            .write(&batch.records)
            .map_err(|error| stop(Stage::Write, &error))?;
        queue.advance(Stage::Write, batch.reached);
    }
    if batch.sync {
        store.sync().map_err(|error| stop(Stage::Sync, &error))?;
        queue.advance(Stage::Sync, batch.reached);
    }
    Ok(())
}

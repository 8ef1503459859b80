//! The writer of the journal. Workers pass records to it, together with the events that report them. One thread writes
//! and syncs the records in batches, wakes the workers whose intents are on the disk, and then passes the events on to
//! the screen. So no request is sent before its intent is synced, and no event is shown before its record is written.
//!
//! With eight workers, one sync is enough for eight intents. The thread does not wait for the screen: events that the
//! screen has not read yet are queued.

use std::io;
use std::iter;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use super::error::{JournalStopped, Stage};
use super::file::Store;
use super::key::RowKey;
use super::record::{self, End, Intent, Person};
use super::sync::{Arc, Builder, JoinHandle, Receiver, RecvTimeoutError, Sender, Weak, channel};

/// An event, after the journal has handled its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered<E> {
    pub event: E,
    /// Whether its record is written, so that it survives if the program is killed. It survives a power failure only
    /// after the next intent or the end of the run. After a power failure before that, the row is unknown, and is not
    /// sent.
    pub is_written: bool,
}

/// A message from a worker to the thread.
enum Message<E> {
    /// The thread sends to `synced` when the intent is on the disk. If it drops `synced` instead, the intent may not be
    /// there.
    Intent {
        record: String,
        synced: Sender<()>,
    },
    /// Events, with their record if it was not passed earlier.
    Events {
        key: RowKey,
        record: Option<String>,
        events: Vec<E>,
    },
    Close,
}

/// The state of the thread, which workers and screen can see.
struct Status {
    path: Arc<PathBuf>,
    /// Why the thread writes no more. Nothing is written after it is set.
    stopped: OnceLock<JournalStopped>,
}

impl Status {
    fn closed(&self) -> JournalStopped {
        JournalStopped::Closed { path: Arc::clone(&self.path) }
    }

    fn failed(&self, stage: Stage) -> impl Fn(io::Error) -> JournalStopped {
        let path = Arc::clone(&self.path);
        move |error| {
            let (path, cause) = (Arc::clone(&path), error.to_string().into());
            JournalStopped::Failed { path, stage, kind: error.kind(), cause }
        }
    }
}

struct Shared<E> {
    messages: Sender<Message<E>>,
    events: Sender<Delivered<E>>,
    status: Arc<Status>,
}

/// A worker's access to a journal. When the last handle is dropped, the journal is closed.
pub struct JournalHandle<E>(Arc<Shared<E>>);

impl<E> JournalHandle<E> {
    /// Records an intent. On return it is on the disk, with all records that were passed before it, and its request may
    /// be sent.
    ///
    /// # Errors
    /// [`JournalStopped`] when it may not be on the disk, because this or an earlier write or sync failed. Then no
    /// request may be sent any more.
    pub fn intend(&self, intent: &Intent<'_>) -> Result<(), JournalStopped> {
        let Shared { status, .. } = &*self.0;
        self.queue(intent).recv().map_err(|_| self.stopped().unwrap_or_else(|| status.closed()))
    }

    /// Passes an intent. The receiver gets a message when it is on the disk.
    pub(super) fn queue(&self, intent: &Intent<'_>) -> Receiver<()> {
        let (synced, is_synced) = channel();
        // If the thread has ended, this drops `synced`.
        let _ = self.0.messages.send(Message::Intent { record: record::intent(intent), synced });
        is_synced
    }

    /// Passes the outcome of an attempt, and the events to show when it is written.
    ///
    /// The last record of a row decides, so pass the outcome of all attempts together: if an earlier attempt may have
    /// mailed the person, the row stays unknown after a later one that was rejected or not sent.
    pub fn conclude(&self, person: &Person<'_>, end: &End, events: impl IntoIterator<Item = E>) {
        self.put(person.key, Some(record::end(person, end)), events.into_iter().collect());
    }

    /// Passes an event whose record was passed earlier.
    pub fn report(&self, key: RowKey, event: E) {
        self.put(key, None, vec![event]);
    }

    fn put(&self, key: RowKey, record: Option<String>, events: Vec<E>) {
        let Shared { messages, events: shown, .. } = &*self.0;
        if let Err(unsent) = messages.send(Message::Events { key, record, events })
            && let Message::Events { events, .. } = unsent.0
        {
            // The thread has ended, but the screen may still show events.
            for event in events {
                let _ = shown.send(Delivered { event, is_written: false });
            }
        }
    }

    /// Why the journal has stopped, if it has. Then no request may be sent, even if its intent is on the disk.
    pub fn stopped(&self) -> Option<JournalStopped> {
        self.0.status.stopped.get().cloned()
    }
}

impl<E> Clone for JournalHandle<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The thread that writes, and its events.
pub struct Writer<E> {
    handles: Weak<Shared<E>>,
    events: Receiver<Delivered<E>>,
    status: Arc<Status>,
    thread: Option<JoinHandle<()>>,
}

impl<E: Send + 'static> Writer<E> {
    pub(super) fn start(path: PathBuf, store: impl Store) -> io::Result<(Self, JournalHandle<E>)> {
        Self::start_with(path, store, Loop::commit)
    }

    /// The same with another way to write and sync a batch, for tests.
    pub(super) fn start_with<S: Store>(
        path: PathBuf,
        store: S,
        commit: Commit<E, S>,
    ) -> io::Result<(Self, JournalHandle<E>)> {
        let status = Arc::new(Status { path: Arc::new(path), stopped: OnceLock::new() });
        let ((messages, taken), (shown, events)) = (channel(), channel());
        let write_loop = Loop::new(taken, shown.clone(), &status, store);
        let thread = Some(Builder::new().spawn(move || write_loop.run(commit))?);
        let shared = Arc::new(Shared { messages, events: shown, status: Arc::clone(&status) });
        Ok((Self { handles: Arc::downgrade(&shared), events, status, thread }, JournalHandle(shared)))
    }
}

impl<E> Writer<E> {
    /// Waits for events, at most this long, and returns all that there are. Returns `None` when the last handle was
    /// dropped and all events were read.
    pub fn events(&self, longest: Duration) -> Option<Vec<Delivered<E>>> {
        match self.events.recv_timeout(longest) {
            Ok(first) => Some(iter::once(first).chain(self.events.try_iter()).collect()),
            Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Why the thread writes no more, if it has stopped.
    pub fn stopped(&self) -> Option<JournalStopped> {
        self.status.stopped.get().cloned()
    }

    /// Writes and syncs the rest, frees the space that was not used, and releases the lock.
    ///
    /// # Errors
    /// [`JournalStopped`] when this or an earlier write or sync failed, or the journal is no longer at its path.
    pub fn close(mut self) -> Result<(), JournalStopped> {
        self.finish();
        match self.stopped() {
            Some(JournalStopped::Closed { .. }) | None => Ok(()),
            Some(stopped) => Err(stopped),
        }
    }

    fn finish(&mut self) {
        if let Some(shared) = self.handles.upgrade() {
            let _ = shared.messages.send(Message::Close);
        }
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already reported.
            let _ = thread.join();
        }
    }
}

impl<E> Drop for Writer<E> {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Writes and syncs a batch.
pub(super) type Commit<E, S> = fn(&mut Loop<E, S>) -> Result<(), JournalStopped>;

/// The loop of the thread, until the journal is closed. After the first write or sync that fails it writes no more, and
/// only refuses intents and passes events on.
pub(super) struct Loop<E, S> {
    messages: Receiver<Message<E>>,
    shown: Sender<Delivered<E>>,
    status: Arc<Status>,
    store: S,
    // The next four fields are the present batch.
    records: Vec<u8>,
    /// The people whose ends are in the batch.
    ends: Vec<RowKey>,
    /// The events to show after their records, which may be in an earlier batch.
    events: Vec<(RowKey, E)>,
    pub(super) waiting: Vec<Sender<()>>,
    is_written: bool,
    is_synced: bool,
    is_closing: bool,
    /// The people whose last record could not be written.
    unrecorded: Vec<RowKey>,
}

impl<E, S: Store> Loop<E, S> {
    fn new(messages: Receiver<Message<E>>, shown: Sender<Delivered<E>>, status: &Arc<Status>, store: S) -> Self {
        Self {
            messages,
            shown,
            status: Arc::clone(status),
            store,
            records: Vec::new(),
            ends: Vec::new(),
            events: Vec::new(),
            waiting: Vec::new(),
            is_written: true,
            is_synced: true,
            is_closing: false,
            unrecorded: Vec::new(),
        }
    }

    fn run(mut self, commit: Commit<E, S>) {
        while self.take_batch() {
            self.unless_stopped(commit);
            self.deliver();
        }
        self.unless_stopped(Self::end);
        let _ = self.status.stopped.set(self.status.closed());
    }

    fn unless_stopped(&mut self, step: Commit<E, S>) {
        if self.status.stopped.get().is_none()
            && let Err(stopped) = step(self)
        {
            let _ = self.status.stopped.set(stopped);
        }
    }

    /// Waits for messages, and takes all that there are. Returns false when no more can come.
    fn take_batch(&mut self) -> bool {
        let first = if self.is_closing { self.messages.try_recv().ok() } else { self.messages.recv().ok() };
        let Some(first) = first else {
            return false;
        };
        for message in iter::once(first).chain(self.messages.try_iter()) {
            match message {
                Message::Intent { record, synced } => {
                    self.records.extend_from_slice(record.as_bytes());
                    self.waiting.push(synced);
                }
                Message::Events { key, record, events } => {
                    if let Some(record) = record {
                        self.records.extend_from_slice(record.as_bytes());
                        self.ends.push(key);
                    }
                    self.events.extend(events.into_iter().map(|event| (key, event)));
                }
                Message::Close => self.is_closing = true,
            }
        }
        self.is_written = self.records.is_empty();
        true
    }

    /// Writes a batch. Syncs it if a worker waits for that, and wakes the workers.
    pub(super) fn commit(&mut self) -> Result<(), JournalStopped> {
        self.write()?;
        if !self.waiting.is_empty() {
            self.sync()?;
            self.wake();
        }
        Ok(())
    }

    pub(super) fn wake(&mut self) {
        for waiting in self.waiting.drain(..) {
            // The worker is waiting for this message, so the channel is open.
            let _ = waiting.send(());
        }
    }

    /// Ends a batch, whether it was written or not, and passes its events on.
    fn deliver(&mut self) {
        self.records.clear();
        self.waiting.clear();
        if self.is_written {
            self.ends.clear();
        }
        self.unrecorded.append(&mut self.ends);
        self.show();
    }

    pub(super) fn show(&mut self) {
        for (key, event) in self.events.drain(..) {
            let is_written = !self.unrecorded.contains(&key);
            // Without a screen, the event is dropped.
            let _ = self.shown.send(Delivered { event, is_written });
        }
    }

    fn end(&mut self) -> Result<(), JournalStopped> {
        if !self.is_synced {
            self.sync()?;
        }
        // If this fails, the next run of this journal uses the space.
        let _ = self.store.trim();
        Ok(())
    }

    pub(super) fn write(&mut self) -> Result<(), JournalStopped> {
        if !self.records.is_empty() {
            self.is_synced = false;
            self.store.write(&self.records).map_err(self.status.failed(Stage::Write))?;
            self.is_written = true;
        }
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), JournalStopped> {
        let Self { status, store, .. } = self;
        store.check().map_err(|change| JournalStopped::Lost { path: Arc::clone(&status.path), change })?;
        store.sync().map_err(status.failed(Stage::Sync))?;
        // Before a worker is woken: even if the program is killed, a `synced` follows each intent whose request may
        // have been sent.
        store.write_synced().map_err(status.failed(Stage::Write))?;
        self.is_synced = true;
        Ok(())
    }
}

/// The parts of a loop that a test takes step by step, without a thread.
#[cfg(test)]
pub(super) mod stepwise {
    use super::{Arc, Delivered, Loop, OnceLock, PathBuf, Receiver, RowKey, Sender, Status, Store, channel};
    use std::sync::Mutex;

    /// A channel, and how much has come through it.
    pub(in super::super) struct Seen<T> {
        sender: Sender<T>,
        receiver: Mutex<(Receiver<T>, usize)>,
    }

    pub(in super::super) type Queue<E> = Seen<Delivered<E>>;
    pub(in super::super) type Waiter = Seen<()>;

    fn seen<T>() -> Arc<Seen<T>> {
        let (sender, receiver) = channel();
        Arc::new(Seen { sender, receiver: Mutex::new((receiver, 0)) })
    }

    pub(in super::super) fn queue<E>() -> Arc<Queue<E>> {
        seen()
    }

    pub(in super::super) fn waiter() -> Arc<Waiter> {
        seen()
    }

    pub(in super::super) fn is_awake(waiter: &Waiter) -> bool {
        shown_by(waiter) > 0
    }

    pub(in super::super) fn shown<E>(queue: &Queue<E>) -> usize {
        shown_by(queue)
    }

    fn shown_by<T>(seen: &Seen<T>) -> usize {
        let (receiver, count) = &mut *seen.receiver.lock().unwrap();
        *count += receiver.try_iter().count();
        *count
    }

    /// A loop that has just taken a batch: the lines of its records, its events, and the workers that wait for it.
    pub(in super::super) fn write_loop<E, S: Store>(
        queue: &Queue<E>,
        store: S,
        records: Vec<u8>,
        events: Vec<(RowKey, E)>,
        waiting: &[Arc<Waiter>],
    ) -> Loop<E, S> {
        let status = Arc::new(Status { path: Arc::new(PathBuf::from("j.ndjson")), stopped: OnceLock::new() });
        let mut write_loop = Loop::new(channel().1, queue.sender.clone(), &status, store);
        let waiting = waiting.iter().map(|waiter| waiter.sender.clone()).collect();
        (write_loop.records, write_loop.events, write_loop.waiting) = (records, events, waiting);
        write_loop
    }
}

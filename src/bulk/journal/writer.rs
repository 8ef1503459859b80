//! The journal's writer. Workers hand over records together with the events that report them; one thread writes and
//! syncs them in batches, wakes the workers whose intents are on the disk, and then passes the events on to the screen. So
//! no request is sent before its intent is synced, and nothing is shown before it is written.
//!
//! Eight workers share one sync that way. Nothing waits for the screen: events that it has not read yet are kept for it.

use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use super::error::{JournalStopped, Stage};
use super::file::Store;
use super::key::RowKey;
use super::record::{self, End, Intent, Person};
use super::sync::{
    Arc, AtomicBool, AtomicU8, Builder, Condvar, JoinHandle, Mutex, MutexGuard, Ordering, Thread, current, park,
};

/// An event that has passed the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered<E> {
    pub event: E,
    /// Whether its record survives the end of the program. It survives a power failure only after the next intent, or the
    /// end of the run; until then its row would become unknown, which mails no one.
    pub is_written: bool,
}

/// A worker that waits until its intent is on the disk.
pub(super) struct Waiter {
    pub(super) thread: Thread,
    pub(super) state: AtomicU8,
}

const WAITING: u8 = 0;
pub(super) const SYNCED: u8 = 1;
const FAILED: u8 = 2;

impl Waiter {
    pub(super) fn wake(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// What the thread takes at once.
pub(super) struct Batch<E> {
    records: Vec<u8>,
    /// The people of the records that end an attempt.
    ends: Vec<RowKey>,
    /// Each event follows its record, which may be in an earlier batch.
    events: Vec<(RowKey, E)>,
    pub(super) waiting: Vec<Arc<Waiter>>,
}

impl<E> Default for Batch<E> {
    fn default() -> Self {
        Self { records: Vec::new(), ends: Vec::new(), events: Vec::new(), waiting: Vec::new() }
    }
}

pub(super) struct State<E> {
    queued: Batch<E>,
    delivered: Vec<Delivered<E>>,
    /// The people whose last record could not be written.
    unrecorded: Vec<RowKey>,
    handles: usize,
    closing: bool,
    /// Why the thread has ended. It is set last: nothing is written from then on.
    stopped: Option<JournalStopped>,
    thread_waits: bool,
    screen_waits: bool,
}

impl<E> State<E> {
    fn deliver(&mut self, events: impl IntoIterator<Item = (RowKey, E)>) {
        let Self { delivered, unrecorded, .. } = self;
        let events = events.into_iter();
        delivered.extend(events.map(|(key, event)| Delivered { event, is_written: !unrecorded.contains(&key) }));
    }
}

/// What workers, thread and screen share.
pub(super) struct Queue<E> {
    state: Mutex<State<E>>,
    /// For the thread: there is something to write, or the end has come.
    work: Condvar,
    /// For the screen: there is something to show, or the end has come.
    news: Condvar,
    /// Whether the thread has ended: read before every request, without the lock.
    is_over: AtomicBool,
    path: Arc<PathBuf>,
}

impl<E> Queue<E> {
    fn new(path: &Arc<PathBuf>) -> Self {
        let state = State {
            queued: Batch::default(),
            delivered: Vec::new(),
            unrecorded: Vec::new(),
            handles: 0,
            closing: false,
            stopped: None,
            thread_waits: false,
            screen_waits: false,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            news: Condvar::new(),
            is_over: AtomicBool::new(false),
            path: Arc::clone(path),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> JournalStopped {
        JournalStopped::Closed { path: Arc::clone(&self.path) }
    }

    fn failed(&self, stage: Stage, error: &io::Error) -> JournalStopped {
        JournalStopped::Failed {
            path: Arc::clone(&self.path),
            stage,
            kind: error.kind(),
            cause: error.to_string().into(),
        }
    }

    fn why(&self) -> JournalStopped {
        self.lock().stopped.clone().unwrap_or_else(|| self.closed())
    }

    /// Notifying costs a system call also when no one waits, so that is remembered.
    fn wake_thread(&self, mut state: MutexGuard<'_, State<E>>) {
        let waits = mem::take(&mut state.thread_waits);
        drop(state);
        if waits {
            self.work.notify_one();
        }
    }

    fn wake_screen(&self, state: &mut State<E>) {
        if mem::take(&mut state.screen_waits) {
            self.news.notify_one();
        }
    }

    fn put(&self, key: RowKey, record: Option<&str>, events: impl IntoIterator<Item = E>) {
        let events = events.into_iter().map(|event| (key, event));
        let mut state = self.lock();
        if state.stopped.is_some() {
            state.unrecorded.extend(record.map(|_| key));
            state.deliver(events);
            self.wake_screen(&mut state);
            return;
        }
        if let Some(record) = record {
            state.queued.records.extend_from_slice(record.as_bytes());
            state.queued.ends.push(key);
        }
        state.queued.events.extend(events);
        self.wake_thread(state);
    }

    pub(super) fn deliver(&self, batch: &mut Batch<E>) -> MutexGuard<'_, State<E>> {
        let mut state = self.lock();
        if !batch.events.is_empty() {
            state.deliver(batch.events.drain(..));
            self.wake_screen(&mut state);
        }
        state
    }

    /// Delivers the events of a batch that is done, and waits for the next one. False when there will be none.
    pub(super) fn exchange(&self, batch: &mut Batch<E>) -> bool {
        let mut state = self.deliver(batch);
        while state.queued.records.is_empty() && state.queued.events.is_empty() && !state.closing {
            state.thread_waits = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.thread_waits = false;
        batch.records.clear();
        batch.ends.clear();
        mem::swap(batch, &mut state.queued);
        !(batch.records.is_empty() && batch.events.is_empty())
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        self.wake_screen(&mut state);
        self.wake_thread(state);
    }
}

/// A worker's access to a journal. When the last handle is dropped, the journal is closed.
pub struct JournalHandle<E>(Arc<Queue<E>>);

impl<E> JournalHandle<E> {
    fn new(queue: &Arc<Queue<E>>) -> Self {
        queue.lock().handles += 1;
        Self(Arc::clone(queue))
    }

    /// Records an intent and returns when it is on the disk, with everything that was passed before it: only then may its
    /// request be sent.
    ///
    /// # Errors
    /// [`JournalStopped`] when it may not be on the disk, because this or an earlier write or sync failed: neither this
    /// request nor any other may be sent.
    pub fn intend(&self, intent: &Intent<'_>) -> Result<(), JournalStopped> {
        let record = record::intent(intent);
        let waiter = Arc::new(Waiter { thread: current(), state: AtomicU8::new(WAITING) });
        let mut state = self.0.lock();
        if let Some(stopped) = &state.stopped {
            return Err(stopped.clone());
        }
        state.queued.records.extend_from_slice(record.as_bytes());
        state.queued.waiting.push(Arc::clone(&waiter));
        self.0.wake_thread(state);
        loop {
            match waiter.state.load(Ordering::SeqCst) {
                SYNCED => return Ok(()),
                FAILED => return Err(self.0.why()),
                _ => park(),
            }
        }
    }

    /// Passes the outcome of an attempt, and the events to show when it is written.
    ///
    /// The last record of a row decides. A row that may have been mailed by an earlier attempt stays unknown when a later
    /// one was refused or not sent: pass the outcome of all attempts together.
    pub fn conclude(&self, person: &Person<'_>, end: &End, events: impl IntoIterator<Item = E>) {
        self.0.put(person.key, Some(&record::end(person, end)), events);
    }

    /// Passes an event whose record the journal already has.
    pub fn report(&self, key: RowKey, event: E) {
        self.0.put(key, None, [event]);
    }

    /// Why the journal has stopped, if it has: then no request may be sent, whatever is on the disk.
    pub fn stopped(&self) -> Option<JournalStopped> {
        self.0.is_over.load(Ordering::SeqCst).then(|| self.0.why())
    }
}

impl<E> Clone for JournalHandle<E> {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl<E> Drop for JournalHandle<E> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.handles -= 1;
        let is_last = state.handles == 0;
        drop(state);
        if is_last {
            self.0.close();
        }
    }
}

/// The thread that writes, and the events that it has passed.
pub struct Writer<E> {
    queue: Arc<Queue<E>>,
    thread: Option<JoinHandle<()>>,
}

impl<E: Send + 'static> Writer<E> {
    pub(super) fn start(path: PathBuf, store: impl Store) -> io::Result<(Self, JournalHandle<E>)> {
        Self::start_loop(path, store, Loop::run)
    }

    pub(super) fn start_loop<S: Store>(
        path: PathBuf,
        store: S,
        run: impl FnOnce(Loop<E, S>) + Send + 'static,
    ) -> io::Result<(Self, JournalHandle<E>)> {
        let queue = Arc::new(Queue::new(&Arc::new(path)));
        let handle = JournalHandle::new(&queue);
        let write_loop = Loop::new(&queue, store);
        let thread = Builder::new().spawn(move || run(write_loop))?;
        Ok((Self { queue, thread: Some(thread) }, handle))
    }
}

impl<E> Writer<E> {
    /// What can be shown by now; after the given time perhaps nothing. `None` when the last handle was dropped and everything
    /// was read.
    pub fn events(&self, longest: Duration) -> Option<Vec<Delivered<E>>> {
        let mut state = self.queue.lock();
        let is_over = |state: &State<E>| state.stopped.is_some() && state.handles == 0;
        if state.delivered.is_empty() && !is_over(&state) {
            state.screen_waits = true;
            state = self.queue.news.wait_timeout(state, longest).unwrap_or_else(PoisonError::into_inner).0;
            state.screen_waits = false;
        }
        let events = mem::take(&mut state.delivered);
        (!events.is_empty() || !is_over(&state)).then_some(events)
    }

    /// Why the thread has ended, if it has.
    pub fn stopped(&self) -> Option<JournalStopped> {
        self.queue.lock().stopped.clone()
    }

    /// Writes and syncs what is left, frees the space that was not used, and releases the lock.
    ///
    /// # Errors
    /// [`JournalStopped`] when this or anything before it failed, or the journal is no longer where the next run looks for
    /// it.
    pub fn close(mut self) -> Result<(), JournalStopped> {
        self.finish();
        match self.stopped() {
            Some(JournalStopped::Closed { .. }) | None => Ok(()),
            Some(stopped) => Err(stopped),
        }
    }

    fn finish(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has reported itself, and the loop ends in order.
            let _ = thread.join();
        }
    }

    /// How many intents wait to be taken over by the thread.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.lock().queued.waiting.len()
    }
}

impl<E> Drop for Writer<E> {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The loop of the thread: until the journal is closed, or the first write or sync fails.
pub(super) struct Loop<E, S> {
    pub(super) queue: Arc<Queue<E>>,
    store: S,
    pub(super) batch: Batch<E>,
    is_batch_written: bool,
    is_synced: bool,
    stopped: Option<JournalStopped>,
}

impl<E, S: Store> Loop<E, S> {
    fn new(queue: &Arc<Queue<E>>, store: S) -> Self {
        Self {
            queue: Arc::clone(queue),
            store,
            batch: Batch::default(),
            is_batch_written: true,
            is_synced: true,
            stopped: None,
        }
    }

    pub(super) fn run(mut self) {
        self.stopped = self.write_all().err();
    }

    fn write_all(&mut self) -> Result<(), JournalStopped> {
        while self.queue.exchange(&mut self.batch) {
            self.commit()?;
        }
        self.end()
    }

    /// Brings a batch to the disk as far as somebody waits for that, and lets them go.
    pub(super) fn commit(&mut self) -> Result<(), JournalStopped> {
        self.write()?;
        if !self.batch.waiting.is_empty() {
            self.sync()?;
            self.batch.waiting.drain(..).for_each(|waiter| waiter.wake(SYNCED));
        }
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<(), JournalStopped> {
        if !self.is_synced {
            self.sync()?;
        }
        // Space that is not freed is used by the next run of this journal.
        let _ = self.store.trim();
        Ok(())
    }

    pub(super) fn write(&mut self) -> Result<(), JournalStopped> {
        if !self.batch.records.is_empty() {
            (self.is_batch_written, self.is_synced) = (false, false);
            self.store.write(&self.batch.records).map_err(|error| self.queue.failed(Stage::Write, &error))?;
            self.is_batch_written = true;
        }
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), JournalStopped> {
        let Self { queue, store, .. } = self;
        store.check().map_err(|loss| JournalStopped::Lost { path: Arc::clone(&queue.path), loss })?;
        store.sync().map_err(|error| queue.failed(Stage::Sync, &error))?;
        // Before a worker is woken: an intent whose request may have been sent is followed by a `synced`, whatever ends the
        // program.
        store.mark().map_err(|error| queue.failed(Stage::Write, &error))?;
        self.is_synced = true;
        Ok(())
    }
}

/// When the thread has ended for any reason, no one waits for it, and every event reaches the screen.
impl<E, S> Drop for Loop<E, S> {
    fn drop(&mut self) {
        let batch = mem::take(&mut self.batch);
        let mut state = self.queue.lock();
        let queued = mem::take(&mut state.queued);
        if !self.is_batch_written {
            state.unrecorded.extend(batch.ends);
        }
        state.deliver(batch.events);
        state.unrecorded.extend(queued.ends);
        state.deliver(queued.events);
        state.stopped = Some(self.stopped.take().unwrap_or_else(|| self.queue.closed()));
        self.queue.is_over.store(true, Ordering::SeqCst);
        self.queue.wake_screen(&mut state);
        drop(state);
        batch.waiting.iter().chain(&queued.waiting).for_each(|waiter| waiter.wake(FAILED));
    }
}

/// The parts of a loop that a test takes step by step, without a thread.
#[cfg(test)]
pub(super) mod stepwise {
    use super::{
        Arc, AtomicU8, Batch, Loop, Ordering, PathBuf, Queue, RowKey, SYNCED, Store, WAITING, Waiter, current,
    };

    pub(in super::super) fn queue<E>() -> Arc<Queue<E>> {
        Arc::new(Queue::new(&Arc::new(PathBuf::from("j.ndjson"))))
    }

    pub(in super::super) fn waiter() -> Arc<Waiter> {
        Arc::new(Waiter { thread: current(), state: AtomicU8::new(WAITING) })
    }

    pub(in super::super) fn is_awake(waiter: &Waiter) -> bool {
        waiter.state.load(Ordering::SeqCst) == SYNCED
    }

    pub(in super::super) fn shown<E>(queue: &Queue<E>) -> usize {
        queue.lock().delivered.len()
    }

    /// A loop that has just taken over a batch: the lines of its records, its events, and who waits for it.
    pub(in super::super) fn write_loop<E, S: Store>(
        queue: &Arc<Queue<E>>,
        store: S,
        records: Vec<u8>,
        events: Vec<(RowKey, E)>,
        waiting: Vec<Arc<Waiter>>,
    ) -> Loop<E, S> {
        let mut write_loop = Loop::new(queue, store);
        write_loop.batch = Batch { records, events, waiting, ..Batch::default() };
        write_loop
    }
}

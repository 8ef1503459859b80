//! Work that a signal can end. The main thread waits both for the work and for signals. So even while the work is blocked (by
//! a name server, a handshake, an answer), the program can report what it knows and end by the signal. On systems without
//! signals, Ctrl-C ends the process at once.

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Waits for signals while some work is done. The handlers stay when it is dropped.
#[derive(Debug)]
pub(super) struct Interrupts {
    /// Receives a byte for each signal and for the end of the work.
    reader: PipeReader,
    writer: Arc<PipeWriter>,
    /// The last signal that came, 0 for none.
    signal: Arc<AtomicUsize>,
}

impl Interrupts {
    /// Catches signals from now on. A signal that was ignored when the program started, as with `nohup`, stays ignored. A
    /// second Ctrl-C or SIGTERM ends the process at once.
    pub(super) fn watch() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let signal = Arc::new(AtomicUsize::new(0));
        #[cfg(unix)]
        catch(&signal, &writer)?;
        Ok(Self { reader, writer: Arc::new(writer), signal })
    }

    /// The last signal that came, if any.
    pub(super) fn signal(&self) -> Option<i32> {
        i32::try_from(self.signal.load(Ordering::SeqCst)).ok().filter(|number| *number != 0)
    }

    /// Does work on a thread of its own and waits for its result. If a signal comes first, the thread continues, because the
    /// process is about to end.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<ControlFlow<i32, T>> {
        if let Some(signal) = self.signal() {
            return Ok(ControlFlow::Break(signal));
        }
        let done = Arc::clone(&self.writer);
        let (sender, result) = sync_channel(1);
        thread::Builder::new().spawn(move || {
            // Both may fail after a signal, when no one waits any more.
            let _ = sender.send(work());
            let _ = (&*done).write_all(&[1]);
        })?;
        self.wait()?;
        match (result.try_recv(), self.signal()) {
            (Ok(result), _) => Ok(ControlFlow::Continue(result)),
            (Err(_), Some(signal)) => Ok(ControlFlow::Break(signal)),
            // A byte and no signal: the work has ended.
            (Err(_), None) => result.recv().map(ControlFlow::Continue).map_err(|_| ErrorKind::BrokenPipe.into()),
        }
    }

    /// Waits for this time, or until a signal comes.
    pub(super) fn sleep(&self, time: Duration) -> ControlFlow<i32> {
        self.run(move || thread::sleep(time)).unwrap_or_else(|_| {
            // No thread could be started: waits here, and a signal does not end the wait.
            thread::sleep(time);
            self.signal().map_or(ControlFlow::Continue(()), ControlFlow::Break)
        })
    }

    /// Calls `work` for each signal, on a thread that lives as long as the process: it keeps the pipe open for the handlers.
    pub(super) fn act(self, work: impl Fn(i32) + Send + 'static) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().spawn(move || {
            while self.wait().is_ok() {
                if let Some(signal) = self.signal() {
                    work(signal);
                }
            }
        })
    }

    /// Waits for one byte.
    fn wait(&self) -> io::Result<()> {
        (&self.reader).read_exact(&mut [0])
    }
}

#[cfg(unix)]
fn catch(signal: &Arc<AtomicUsize>, writer: &PipeWriter) -> io::Result<()> {
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;
    use signal_hook::low_level::pipe;

    let armed = Arc::new(AtomicBool::new(false));
    let ignored = ignored();
    for (number, value) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
        if ignored & (1 << (number - 1)) != 0 {
            continue;
        }
        // The order matters: the first signal arms the default action, but only after it was asked for; it wakes the reader
        // last.
        if number != SIGHUP {
            flag::register_conditional_default(number, Arc::clone(&armed))?;
        }
        flag::register_usize(number, Arc::clone(signal), value)?;
        flag::register(number, Arc::clone(&armed))?;
        pipe::register(number, writer.try_clone()?)?;
    }
    Ok(())
}

/// The signals that this process ignores, as a mask (proc(5), `SigIgn`). On systems without this file the mask is empty: the
/// standard library has no other way to ask.
#[cfg(unix)]
pub(super) fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0)
}

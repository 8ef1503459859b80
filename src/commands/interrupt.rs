//! Work that a signal can end. The thread that reports waits for the work and for signals alike: whatever the work is
//! blocked in (a name server, a handshake, an answer), the program can report what it knows and end by the signal.

#[cfg(unix)]
pub(super) use caught::{Interrupts, ignored};
#[cfg(not(unix))]
pub(super) use uncaught::Interrupts;

#[cfg(unix)]
mod caught {
    use std::io::{self, ErrorKind, Read, Write};
    use std::ops::ControlFlow;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::sync_channel;
    use std::thread::{self, JoinHandle};
    use std::time::{Duration, Instant};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;
    use signal_hook::low_level::pipe;

    /// Waits for signals while some work is done. The handlers stay when it is dropped.
    #[derive(Debug)]
    pub(in crate::commands) struct Interrupts {
        /// Gets a byte from each signal and from the end of the work.
        reader: UnixStream,
        writer: Arc<UnixStream>,
        /// The last signal that came, 0 for none.
        signal: Arc<AtomicUsize>,
    }

    impl Interrupts {
        /// From now on signals are caught. One that was ignored when the program started, as under `nohup`, stays
        /// ignored; a second Ctrl-C or SIGTERM ends the process at once.
        pub(in crate::commands) fn watch() -> io::Result<Self> {
            let (reader, writer) = UnixStream::pair()?;
            let signal = Arc::new(AtomicUsize::new(0));
            let armed = Arc::new(AtomicBool::new(false));
            let ignored = ignored();
            for (number, value) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
                if ignored & (1 << (number - 1)) != 0 {
                    continue;
                }
                // In this order: the default action is armed only after the first signal, which wakes the reader last.
                if number != SIGHUP {
                    flag::register_conditional_default(number, Arc::clone(&armed))?;
                }
                flag::register_usize(number, Arc::clone(&signal), value)?;
                flag::register(number, Arc::clone(&armed))?;
                pipe::register(number, writer.try_clone()?)?;
            }
            Ok(Self { reader, writer: Arc::new(writer), signal })
        }

        /// The signal that has come, if one has.
        pub(in crate::commands) fn signal(&self) -> Option<i32> {
            i32::try_from(self.signal.load(Ordering::SeqCst)).ok().filter(|number| *number != 0)
        }

        /// Does work on a thread of its own and waits for its result. When a signal comes first, the work is left
        /// alone: the process is about to end.
        ///
        /// # Errors
        /// The work could not be started: the system has no room for another thread or descriptor.
        pub(in crate::commands) fn run<T: Send + 'static>(
            &self,
            work: impl FnOnce() -> T + Send + 'static,
        ) -> io::Result<ControlFlow<i32, T>> {
            if let Some(signal) = self.signal() {
                return Ok(ControlFlow::Break(signal));
            }
            let done = Arc::clone(&self.writer);
            let (sender, result) = sync_channel(1);
            thread::Builder::new().spawn(move || {
                // After a signal the receiver may be gone, and the other end when the process is about to end.
                let _ = sender.send(work());
                let _ = (&*done).write_all(&[1]);
            })?;
            self.reader.set_read_timeout(None)?;
            self.wait()?;
            match (result.try_recv(), self.signal()) {
                (Ok(result), _) => Ok(ControlFlow::Continue(result)),
                (Err(_), Some(signal)) => Ok(ControlFlow::Break(signal)),
                // A byte and no signal: the work has ended.
                (Err(_), None) => result.recv().map(ControlFlow::Continue).map_err(|_| ErrorKind::BrokenPipe.into()),
            }
        }

        /// Waits for some time, or until a signal comes.
        pub(in crate::commands) fn sleep(&self, time: Duration) -> ControlFlow<i32> {
            let end = Instant::now() + time;
            loop {
                let left = end.saturating_duration_since(Instant::now());
                match self.signal() {
                    Some(signal) => return ControlFlow::Break(signal),
                    None if left.is_zero() => return ControlFlow::Continue(()),
                    None => {}
                }
                let waited = self.reader.set_read_timeout(Some(left));
                if waited.and_then(|()| self.wait()).is_err() {
                    // Then there is only the wait.
                    thread::sleep(left);
                }
            }
        }

        /// Does something at the first signal, on a thread of its own, until what is returned is dropped.
        pub(in crate::commands) fn act(self, work: impl FnOnce(i32) + Send + 'static) -> io::Result<Watch> {
            let interrupts = Arc::new(self);
            let watched = Arc::clone(&interrupts);
            let thread = thread::Builder::new().spawn(move || {
                // A byte without a signal is the end.
                if let (Ok(()), Some(signal)) = (watched.wait(), watched.signal()) {
                    work(signal);
                }
            })?;
            Ok(Watch { interrupts, thread: Some(thread) })
        }

        /// Waits for one byte, or as long as the stream's time-out allows.
        fn wait(&self) -> io::Result<()> {
            match (&self.reader).read_exact(&mut [0]) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
                waited => waited,
            }
        }
    }

    /// Waits for a signal until it is dropped.
    pub(in crate::commands) struct Watch {
        interrupts: Arc<Interrupts>,
        thread: Option<JoinHandle<()>>,
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            // If the byte cannot be written, the thread ends with the process.
            let is_sent = (&*self.interrupts.writer).write_all(&[1]).is_ok();
            if let Some(thread) = self.thread.take().filter(|_| is_sent) {
                let _ = thread.join();
            }
        }
    }

    /// The signals that this process ignores, as a mask (proc(5), `SigIgn`). Where there is no such file, none: the
    /// standard library has no way to ask.
    pub(in crate::commands) fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
        mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0)
    }
}

#[cfg(not(unix))]
mod uncaught {
    use std::io;
    use std::ops::ControlFlow;
    use std::time::Duration;

    /// Nothing is caught: Ctrl-C ends the process at once.
    #[derive(Debug)]
    pub(in crate::commands) struct Interrupts;

    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the Unix twin can fail")]
    impl Interrupts {
        pub(in crate::commands) fn watch() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in crate::commands) fn signal(&self) -> Option<i32> {
            None
        }

        pub(in crate::commands) fn run<T>(&self, work: impl FnOnce() -> T) -> io::Result<ControlFlow<i32, T>> {
            Ok(ControlFlow::Continue(work()))
        }

        pub(in crate::commands) fn act(self, _: impl FnOnce(i32)) -> io::Result<Self> {
            Ok(self)
        }

        pub(in crate::commands) fn sleep(&self, time: Duration) -> ControlFlow<i32> {
            std::thread::sleep(time);
            ControlFlow::Continue(())
        }
    }
}

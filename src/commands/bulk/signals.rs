//! Signals during a run: the first one stops it in order, a second Ctrl-C or SIGTERM ends the process at once.

#[cfg(unix)]
pub(super) use caught::Signals;
#[cfg(not(unix))]
pub(super) use uncaught::Signals;

#[cfg(unix)]
mod caught {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread::{self, JoinHandle};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;
    use signal_hook::iterator::{Handle, Signals as Incoming};

    use crate::bulk::gate::Gate;
    use crate::bulk::stop::Stop;
    use crate::commands::interrupt::ignored;

    /// Watches for signals until it is dropped.
    #[derive(Debug)]
    pub(in crate::commands::bulk) struct Signals {
        handle: Handle,
        thread: Option<JoinHandle<()>>,
    }

    impl Signals {
        /// From now on the first signal stops the run at the gate. One that was ignored when the program started, as
        /// under `nohup`, stays ignored.
        ///
        /// # Errors
        /// What the system says when a handler cannot be set, or no thread be started.
        pub(in crate::commands::bulk) fn watch(gate: &Arc<Gate>) -> io::Result<Self> {
            let ignored = ignored();
            let heeded: Vec<i32> =
                [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).collect();
            let armed = Arc::new(AtomicBool::new(false));
            for signal in &heeded {
                // A terminal that goes away may send several hang-ups: only a person's second word ends it at once.
                if *signal != SIGHUP {
                    flag::register_conditional_default(*signal, Arc::clone(&armed))?;
                }
                flag::register(*signal, Arc::clone(&armed))?;
            }
            let mut incoming = Incoming::new(&heeded)?;
            let handle = incoming.handle();
            let gate = Arc::clone(gate);
            let thread = thread::Builder::new().spawn(move || {
                for signal in &mut incoming {
                    gate.stop(Stop::Signal(signal));
                }
            })?;
            Ok(Self { handle, thread: Some(thread) })
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            self.handle.close();
            if let Some(thread) = self.thread.take() {
                // It only hands signals on.
                let _ = thread.join();
            }
        }
    }
}

#[cfg(not(unix))]
mod uncaught {
    use std::io;
    use std::sync::Arc;

    use crate::bulk::gate::Gate;

    /// Nothing: Ctrl-C ends the process at once, and the journal knows what was under way.
    #[derive(Debug)]
    pub(in crate::commands::bulk) struct Signals;

    impl Signals {
        /// Watches for nothing.
        ///
        /// # Errors
        /// None.
        #[expect(clippy::unnecessary_wraps, reason = "one shape on all platforms")]
        pub(in crate::commands::bulk) fn watch(_: &Arc<Gate>) -> io::Result<Self> {
            Ok(Self)
        }
    }
}

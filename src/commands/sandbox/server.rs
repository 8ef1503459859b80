//! The sandbox's HTTP server: a thread of its own that listens on a loopback port and hands every request to the desk.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

use super::exchange::{Desk, Rules};

/// How long to wait when no connection can be taken, mostly because the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What clients may take up, so that some that hang cannot keep out all others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Most connections at a time; more wait until one of them ends.
    pub(super) connections: usize,
    /// Longest time for the head of a request, and then for its body. A connection that is kept open without a
    /// request lasts as long.
    pub(super) patience: Duration,
}

impl Default for Limits {
    /// Twice as many connections as a bulk run can have, and half of the descriptors that most systems allow.
    fn default() -> Self {
        Self { connections: 512, patience: Duration::from_secs(10) }
    }
}

/// A running server. It stops, and its port is closed, when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    failures: Receiver<io::Error>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to serve by `rules`, on 127.0.0.1 and a port that the system chooses. Connections are taken from when this
    /// returns.
    ///
    /// # Errors
    /// What the system says when the port cannot be bound, or the thread or its event loop cannot be made.
    pub(super) fn start(rules: Rules) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (report, failures) = channel();
        let (stop, stopped) = oneshot::channel();
        let limits = rules.limits;
        let desk = Arc::new(Desk::new(rules, report));
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            runtime.spawn(accept(listener, desk, limits));
            // The sender is only ever dropped, so the error is the signal to stop.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { address, failures, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first error of the log so far, if there was one.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failures.try_recv().ok()
    }

    /// Waits, for ever if need be, until the log fails; `None` when the server itself is gone.
    pub(super) fn wait_for_failure(&self) -> Option<io::Error> {
        self.failures.recv().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so itself, and there is nothing left of it to stop.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>, limits: Limits) {
    let room = Arc::new(Semaphore::new(limits.connections));
    // It is never closed, so there is always room in the end.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    converse(stream, desk, limits.patience).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, desk: Arc<Desk>, patience: Duration) {
    let service = service_fn(|request| desk.respond(request));
    // A conversation that breaks off concerns the client, which sees it at its own end; `drop@…` ends here too.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

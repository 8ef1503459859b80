//! Listens on a loopback port and gives every connection a thread of its own.
//! Nothing outlives it: when it is dropped, every socket is shut and every thread joined.

use std::collections::HashSet;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

/// How long a count waits for clients that have not hung up yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection as it is handed to its thread.
///
/// The thread holds the only strong reference to the socket, so that dropping it really closes.
pub struct Connection {
    pub number: usize,
    pub arrived: Instant,
    pub stream: Arc<TcpStream>,
    pub keeper: Arc<Keeper>,
}

pub struct Loopback {
    address: SocketAddr,
    keeper: Arc<Keeper>,
    accepting: Option<JoinHandle<()>>,
}

impl Loopback {
    pub fn start(address: IpAddr, serve: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let keeper = Arc::new(Keeper::default());
        let kept = Arc::clone(&keeper);
        let accepting = thread::spawn(move || accept(&listener, &kept, &Arc::new(serve)));
        Self { address, keeper, accepting: Some(accepting) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until everything that clients have sent so far is taken in.
    ///
    /// A connection is accepted by the kernel before this process hears of it, and a killed
    /// client leaves bytes behind: a count taken without waiting could be too low. It comes back
    /// when every connection has ended or is stalled on purpose, or after two seconds.
    pub fn settle(&self) {
        self.pass_a_marker();
        let state = self.keeper.lock();
        let _ = self.keeper.changed.wait_timeout_while(state, PATIENCE, |state| state.busy > 0);
    }

    /// Connects once and waits until it is accepted: earlier connections are accepted too.
    fn pass_a_marker(&self) {
        let domain = Domain::for_address(self.address);
        let socket = Socket::new(domain, Type::STREAM, None).unwrap();
        let any = SocketAddr::new(self.address.ip(), 0);
        socket.bind(&SockAddr::from(any)).unwrap();
        let marker = socket.local_addr().unwrap().as_socket().unwrap();
        self.keeper.lock().markers.insert(marker);
        socket.connect(&SockAddr::from(self.address)).unwrap();
        let state = self.keeper.lock();
        let _ = self.keeper.changed.wait_timeout_while(state, PATIENCE, |state| state.markers.contains(&marker));
    }

    pub fn accepted(&self) -> usize {
        self.keeper.lock().accepted
    }

    /// Ends every thread and says whether one of them panicked.
    pub fn stop(&mut self) -> bool {
        let Some(accepting) = self.accepting.take() else {
            return false;
        };
        self.keeper.close();
        self.pass_a_marker();
        let mut panicked = accepting.join().is_err();
        let threads = std::mem::take(&mut self.keeper.lock().threads);
        for thread in threads {
            panicked |= thread.join().is_err();
        }
        panicked
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept<F>(listener: &TcpListener, keeper: &Arc<Keeper>, serve: &Arc<F>)
where
    F: Fn(Connection) + Send + Sync + 'static,
{
    loop {
        let (stream, peer) = listener.accept().unwrap();
        let arrived = Instant::now();
        let mut state = keeper.lock();
        if state.markers.remove(&peer) {
            keeper.changed.notify_all();
            if state.stopping {
                return;
            }
            continue;
        }
        let number = state.accepted;
        state.accepted += 1;
        if state.stopping {
            continue;
        }
        stream.set_nodelay(true).unwrap();
        let stream = Arc::new(stream);
        state.streams.push(Arc::downgrade(&stream));
        state.busy += 1;
        let connection = Connection { number, arrived, stream, keeper: Arc::clone(keeper) };
        let busy = Busy(Arc::clone(keeper));
        let serve = Arc::clone(serve);
        state.threads.push(thread::spawn(move || {
            let _busy = busy;
            serve(connection);
        }));
    }
}

/// What the threads of one listener share: the request to stop, and the means to wait for it.
#[derive(Default)]
pub struct Keeper {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    accepted: usize,
    /// Connections that may still take something in.
    busy: usize,
    markers: HashSet<SocketAddr>,
    streams: Vec<Weak<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
}

impl Keeper {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a socket shut together with the others, for one that was not accepted but opened.
    pub fn watch(&self, stream: &Arc<TcpStream>) {
        let mut state = self.lock();
        state.streams.push(Arc::downgrade(stream));
        if state.stopping {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Does nothing until the listener is dropped.
    pub fn stall(&self) {
        self.rest(None);
    }

    /// Waits; returns whether to continue afterwards.
    pub fn pause(&self, length: Duration) -> bool {
        self.rest(Some(length))
    }

    fn rest(&self, length: Option<Duration>) -> bool {
        let mut state = self.lock();
        state.busy -= 1;
        self.changed.notify_all();
        let running = |state: &mut State| !state.stopping;
        let mut state = if let Some(length) = length {
            let waited = self.changed.wait_timeout_while(state, length, running);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            let waited = self.changed.wait_while(state, running);
            waited.unwrap_or_else(PoisonError::into_inner)
        };
        state.busy += 1;
        !state.stopping
    }

    fn close(&self) {
        let mut state = self.lock();
        state.stopping = true;
        for stream in state.streams.drain(..).filter_map(|weak| weak.upgrade()) {
            // One that the client has closed already says so with an error.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }
}

/// Counts a connection as busy until its thread ends, by a panic too.
struct Busy(Arc<Keeper>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
        self.0.changed.notify_all();
    }
}

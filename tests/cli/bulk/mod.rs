//! `vescli bulk` from the outside. What was mailed is counted at the server, never taken from what the program says.

mod awaited;
mod cnames;
mod due;
mod known;
mod leftovers;
mod listed;
mod lost;
mod machine;
mod next_step;
mod output;
mod paced;
mod reports;
mod resumed;
mod shards;
mod signalled;
mod stopped;
mod throttled;
mod unusual_use;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

/// How long a test waits for something that has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Addresses `a0@example.com` and so on.
fn address(index: usize) -> String {
    format!("a{index}@example.com")
}

/// A list of N addresses, one per line.
fn lines(count: usize) -> String {
    (0..count).map(|index| address(index) + "\n").collect()
}

/// `vescli bulk list.txt --yes --rate none` with a list of N addresses.
fn bulk(server: &Server, count: usize) -> Vescli {
    again_on(Vescli::new().file("list.txt", lines(count)), server)
}

/// The same command in the folder of an earlier run.
fn again(output: &Output, server: &Server) -> Vescli {
    again_on(output.again(), server)
}

/// The same command with whatever is in the folder. Any output is accepted, unless the test says otherwise.
fn again_on(vescli: Vescli, server: &Server) -> Vescli {
    vescli
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", "list.txt", "--yes", "--rate", "none"])
        .stdout_contains("")
        .stderr_contains("")
}

/// How often each address was mailed, as the server counted.
fn mailed(server: &Server) -> BTreeMap<String, usize> {
    let mut mailed = BTreeMap::new();
    for request in server.requests().iter().filter(|request| request.complete) {
        let email = request.json()["email"].as_str().unwrap().to_owned();
        *mailed.entry(email).or_insert(0) += 1;
    }
    mailed
}

/// Every address of a list of N, each once.
fn each_once(count: usize) -> BTreeMap<String, usize> {
    (0..count).map(|index| (address(index), 1)).collect()
}

/// Holds requests back at the server until the test lets them go.
#[derive(Clone, Default)]
struct Hold(Arc<(Mutex<Held>, Condvar)>);

#[derive(Default)]
struct Held {
    arrived: usize,
    released: bool,
}

impl Hold {
    /// For the server: a request is here, and waits.
    fn here(&self) {
        let (held, changed) = &*self.0;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.arrived += 1;
        changed.notify_all();
        let waited = changed.wait_timeout_while(held, PATIENCE, |held| !held.released);
        assert!(!waited.unwrap().1.timed_out(), "no one released the requests");
    }

    /// For the test: waits until N requests are here.
    fn wait_for(&self, count: usize) {
        let (held, changed) = &*self.0;
        let held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(held, PATIENCE, |held| held.arrived < count);
        assert!(!waited.unwrap().1.timed_out(), "the requests never came");
    }

    fn release(&self) {
        let (held, changed) = &*self.0;
        held.lock().unwrap_or_else(PoisonError::into_inner).released = true;
        changed.notify_all();
    }
}

/// A server that holds every request back.
fn holding() -> (Server, Hold) {
    let hold = Hold::default();
    let requests = hold.clone();
    let server = Server::http().choose(move |_| {
        requests.here();
        Answer::accepted()
    });
    (server.start(), hold)
}

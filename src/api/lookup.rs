//! Looks names up as the system does, and remembers the one that was not found: SOCKS errors hide their cause, and
//! with a proxy it matters whose name it was.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::watch;

use super::io_error::{in_words, lack};
use super::observer::Observer;

/// What the resolver said; nothing as long as it has not.
type Answer = Option<Arc<io::Result<Vec<SocketAddr>>>>;

/// The system's resolver with a observer.
///
/// It knows no time-out and cannot be called off, and a runtime waits at its end for every blocking call that it made.
/// So the call has a thread of its own, which nobody waits for: it ends with the process if the resolver never answers.
/// An attempt that meets such a call still at work joins it, so that repeats do not pile up threads.
#[derive(Debug)]
pub(super) struct Lookup {
    observer: Arc<Observer>,
    latest: Mutex<Option<(String, watch::Receiver<Answer>)>>,
}

impl Lookup {
    pub(super) fn new(observer: Arc<Observer>) -> Self {
        Self { observer, latest: Mutex::default() }
    }

    /// The answer to come, of a new call unless one for the name is at work.
    fn ask(&self, name: &str) -> io::Result<watch::Receiver<Answer>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, answer)) = latest.as_ref()
            && asked == name
            && answer.has_changed().is_ok()
            && answer.borrow().is_none()
        {
            return Ok(answer.clone());
        }
        let (sender, answer) = watch::channel(None);
        let asked = name.to_owned();
        thread::Builder::new().spawn(move || {
            let found = (asked.as_str(), 0).to_socket_addrs();
            // Nobody listens any more when the time is up.
            let _ = sender.send(Some(Arc::new(found.map(Iterator::collect))));
        })?;
        *latest = Some((name.to_owned(), answer.clone()));
        Ok(answer)
    }
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let observer = Arc::clone(&self.observer);
        let asked = self.ask(name.as_str());
        Box::pin(async move {
            let mut answer = asked.inspect_err(|error| {
                let error = in_words(error);
                observer.lacks(format!("no name can be looked up, for no thread could be started: {error}"));
            })?;
            let answer = answer.wait_for(Option::is_some).await?.clone();
            match answer.as_deref() {
                Some(Ok(found)) => Ok(Box::new(found.clone().into_iter()) as Addrs),
                Some(Err(error)) => {
                    match lack(error) {
                        Some(lack) => observer.lacks(lack.to_owned()),
                        None => observer.not_found(name.as_str(), error),
                    }
                    Err(io::Error::new(error.kind(), error.to_string()).into())
                }
                None => Err("the resolver gave no answer".into()),
            }
        })
    }
}

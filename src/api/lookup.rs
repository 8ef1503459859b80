//! From a host to its addresses: `--resolve`, `localhost`, an address itself, or the system's resolver.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::watch;
use url::Url;

use super::failure::{machine_limit, without_number};
use super::observer::{AddressSource, Observer};
use crate::settings::network::Network;
use crate::settings::target::without_brackets;

/// A host and a port; an IPv6 address without its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    pub fn of(url: &Url) -> Self {
        let host = without_brackets(url.host_str().unwrap_or_default());
        Self { host: host.to_owned(), port: url.port_or_known_default().unwrap_or_default() }
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The addresses that are known without a resolver: those of `--resolve`, and this machine's for `localhost`. A
    /// resolver is never asked for `localhost`.
    pub(super) fn fixed_addresses(&self, network: &Network) -> Option<(AddressSource, Vec<SocketAddr>)> {
        let overrides = network.resolve.iter().filter(|entry| entry.host == self.host && entry.port == self.port);
        let overrides: Vec<SocketAddr> = overrides.map(|entry| SocketAddr::new(entry.address, self.port)).collect();
        if !overrides.is_empty() {
            return Some((AddressSource::Override, overrides));
        }
        let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        let loopback = loopback.map(|address| SocketAddr::new(address, self.port));
        (self.host == "localhost").then(|| (AddressSource::Localhost, loopback.to_vec()))
    }
}

/// `None` until the resolver has answered.
type Answer = Option<Arc<io::Result<Vec<SocketAddr>>>>;

/// Looks names up for reqwest, which asks for those that are not addresses. Names that were not found are noted: SOCKS
/// errors hide their cause, and with a proxy it matters whose name it was.
///
/// The system's resolver has no time-out and cannot be cancelled, and a runtime that ends waits for every blocking call
/// that it made. So the call has its own thread, which no one waits for: it ends with the process if the resolver never
/// answers. An attempt that finds such a call still running waits for it, so that retries do not add threads.
#[derive(Debug)]
pub(super) struct Lookup {
    /// Addresses that need no look-up, for all names that are asked for.
    fixed: Option<(AddressSource, Vec<SocketAddr>)>,
    observer: Arc<Observer>,
    latest: Mutex<Option<(String, watch::Receiver<Answer>)>>,
}

impl Lookup {
    pub(super) fn new(fixed: Option<(AddressSource, Vec<SocketAddr>)>, observer: Arc<Observer>) -> Self {
        Self { fixed, observer, latest: Mutex::default() }
    }

    /// The answer to come: of a new call, unless one for the name is still running.
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
            // No one listens any more when the time is up.
            let _ = sender.send(Some(Arc::new(found.map(Iterator::collect))));
        })?;
        *latest = Some((name.to_owned(), answer.clone()));
        Ok(answer)
    }
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let observer = Arc::clone(&self.observer);
        let found = move |source, mut addresses: Vec<SocketAddr>| {
            addresses.dedup();
            observer.found(source, addresses.iter().map(SocketAddr::ip).collect());
            Ok(Box::new(addresses.into_iter()) as Addrs)
        };
        if let Some((source, addresses)) = self.fixed.clone() {
            return Box::pin(async move { found(source, addresses) });
        }
        let asked = self.ask(name.as_str());
        let observer = Arc::clone(&self.observer);
        Box::pin(async move {
            let limit = |limit: String| observer.note(|observed| observed.limit = Some(limit));
            let not_found = |why: String| {
                observer.note(|observed| observed.not_found = Some((name.as_str().to_owned(), why.clone())));
                Err(why.into())
            };
            let mut answer = asked.inspect_err(|error| {
                let error = without_number(&error.to_string());
                limit(format!("names cannot be looked up, because no thread could be started: {error}"));
            })?;
            let answer = answer.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
            match answer.as_deref() {
                Some(Ok(addresses)) if !addresses.is_empty() => found(AddressSource::Resolver, addresses.clone()),
                Some(Ok(_)) => not_found("it has no address".to_owned()),
                Some(Err(error)) => match machine_limit(error) {
                    Some(reached) => {
                        limit(reached.to_owned());
                        Err(reached.into())
                    }
                    None => not_found(without_number(&error.to_string())),
                },
                None => not_found("the resolver gave no answer".to_owned()),
            }
        })
    }
}

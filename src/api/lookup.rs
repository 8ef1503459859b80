//! From a host to its addresses: `--resolve`, `localhost`, an address itself, or the system's resolver.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::watch;
use url::Url;

use super::failure::Fault;
use super::observer::AddressSource;
use crate::settings::network::Network;

/// A host and a port; an IPv6 address without its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    pub fn of(url: &Url) -> Self {
        Self::new(url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
    }

    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self { host: host.to_owned(), port }
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The addresses that are known without a resolver: those of `--resolve`, and this machine's for `localhost`,
    /// whatever a resolver says of it.
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

/// The system's resolver. It knows no time-out and cannot be cancelled, and a runtime waits at its end for every
/// blocking call that it made. So the call has a thread of its own, which nobody waits for: it ends with the process if
/// the resolver never answers. An attempt that finds such a call still at work joins it, so that retries do not pile up
/// threads.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    latest: Mutex<Option<(String, watch::Receiver<Answer>)>>,
}

impl Resolver {
    pub(super) async fn addresses(&self, endpoint: &Endpoint) -> Result<(AddressSource, Vec<SocketAddr>), Fault> {
        if let Ok(address) = endpoint.host.parse::<IpAddr>() {
            return Ok((AddressSource::Literal, vec![SocketAddr::new(address, endpoint.port)]));
        }
        let not_found = |error| Fault::NotFound { name: endpoint.host.clone(), error };
        let mut answer = self.ask(&endpoint.host).map_err(Fault::NoThread)?;
        let answer = answer.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        match answer.as_deref() {
            Some(Ok(found)) if !found.is_empty() => {
                let mut addresses: Vec<_> =
                    found.iter().map(|found| SocketAddr::new(found.ip(), endpoint.port)).collect();
                addresses.dedup();
                Ok((AddressSource::Resolver, addresses))
            }
            Some(Ok(_)) => Err(not_found(io::Error::other("it has no address"))),
            // The error is shared with later attempts, so it is made anew: with its number, which tells what it was.
            Some(Err(error)) => Err(not_found(match error.raw_os_error() {
                Some(number) => io::Error::from_raw_os_error(number),
                None => io::Error::new(error.kind(), error.to_string()),
            })),
            None => Err(not_found(io::Error::other("the resolver gave no answer"))),
        }
    }

    /// The answer to come: of a new call, unless one for the name is at work.
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

//! The first step: from a name to addresses, in the way that the transport goes.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::{Hop, failure, in_words, left};
use crate::api::outcome::{Failure, FailureKind};
use crate::settings::network::Network;

/// Who said which addresses a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The host is an address.
    Literal,
    /// `--resolve`.
    Override,
    /// `localhost`, which is this machine whatever a resolver says.
    Pinned,
    /// The system's resolver.
    Resolver,
}

/// Finds the addresses of the host that a request goes to.
///
/// # Errors
/// A [`Failure`] when the name is not found or the deadline comes first.
pub fn of_target(hop: &Hop, network: &Network, deadline: Instant) -> Result<(Source, Vec<SocketAddr>), Failure> {
    let given: Vec<SocketAddr> = network
        .resolve
        .iter()
        .filter(|given| given.host == hop.host && given.port == hop.port)
        .map(|given| SocketAddr::new(given.address, hop.port))
        .collect();
    if !given.is_empty() {
        return Ok((Source::Override, given));
    }
    if hop.host == "localhost" {
        let both =
            [SocketAddr::from(([127, 0, 0, 1], hop.port)), SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], hop.port))];
        return Ok((Source::Pinned, both.to_vec()));
    }
    of_proxy(hop, deadline)
}

/// Finds the addresses of a proxy, for which `--resolve` does not hold.
///
/// # Errors
/// A [`Failure`] when the name is not found or the deadline comes first.
pub fn of_proxy(hop: &Hop, deadline: Instant) -> Result<(Source, Vec<SocketAddr>), Failure> {
    if let Ok(address) = hop.host.parse::<IpAddr>() {
        return Ok((Source::Literal, vec![SocketAddr::new(address, hop.port)]));
    }
    // The resolver knows no time-out: a thread waits for it, and ends with the process if it never answers.
    let (sender, answer) = mpsc::channel();
    let asked = (hop.host.clone(), hop.port);
    let started = thread::Builder::new().spawn(move || {
        let found = asked.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody listens any more when the deadline has passed.
        let _ = sender.send(found);
    });
    started.map_err(|error| {
        let cause = format!("no name can be looked up, for no thread could be started: {}", in_words(&error));
        failure(FailureKind::Connect, cause)
    })?;
    match answer.recv_timeout(left(deadline)) {
        Ok(Ok(mut addresses)) if !addresses.is_empty() => {
            addresses.dedup();
            Ok((Source::Resolver, addresses))
        }
        Ok(Ok(_)) => Err(failure(FailureKind::Dns, format!("the name {} has no address", hop.host))),
        Ok(Err(error)) => {
            Err(failure(FailureKind::Dns, format!("the name {} was not found: {}", hop.host, in_words(&error))))
        }
        Err(_) => Err(failure(FailureKind::Timeout, "the resolver did not answer in time")),
    }
}

//! The way to the service, one step at a time, for `doctor`: names, TCP, tunnel, TLS. A request is never sent from here;
//! [`super::transport`] sends those, and goes the whole way by itself.

pub mod handshake;
pub mod names;
pub mod tunnel;
mod wire;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use hyper::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;

use super::io_error;
use super::outcome::{Failure, FailureKind};
use crate::settings::network::Network;
pub use wire::Wire;

/// A host and a port; an IPv6 address without its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    pub host: String,
    pub port: u16,
}

impl Hop {
    /// The host and port of a URL.
    pub fn of(url: &Url) -> Self {
        Self::new(url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
    }

    fn new(host: &str, port: u16) -> Self {
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
}

/// A proxy on the way, as reqwest would use it.
#[derive(Debug)]
pub struct Via {
    intercept: Intercept,
    /// The proxy's own host and port.
    pub hop: Hop,
}

impl Via {
    /// The proxy that a request to the URL goes through. The decision is that of hyper-util, which reqwest asks too.
    pub fn of(network: &Network, url: &Url) -> Option<Self> {
        let setting = network.proxy_for(url)?;
        let matcher = Matcher::builder().all(setting.url.expose().to_owned()).build();
        let uri: Uri = url.as_str().parse().ok()?;
        let intercept = matcher.intercept(&uri)?;
        let proxy = intercept.uri();
        let usual = match proxy.scheme_str() {
            Some("https") => 443,
            Some("socks5h") => 1080,
            _ => 80,
        };
        let hop = Hop::new(proxy.host().unwrap_or_default(), proxy.port_u16().unwrap_or(usual));
        Some(Self { intercept, hop })
    }

    /// Whether it speaks SOCKS and not HTTP.
    pub fn is_socks(&self) -> bool {
        self.scheme().starts_with("socks")
    }

    fn scheme(&self) -> &str {
        self.intercept.uri().scheme_str().unwrap_or_default()
    }
}

/// A connection with the address that was reached, and those that were not.
#[derive(Debug)]
pub struct Reached {
    /// The connection.
    pub stream: TcpStream,
    /// Its other end.
    pub address: SocketAddr,
    /// Addresses that were tried before, and why each did not answer.
    pub missed: Vec<(SocketAddr, io::Error)>,
}

/// Connects to the first address that answers. The time left is shared out among the addresses.
///
/// # Errors
/// The [`Failure`] of the last address.
pub fn connect(addresses: &[SocketAddr], deadline: Instant) -> Result<Reached, Failure> {
    let mut missed = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let rest = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let share = left(deadline) / rest;
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => {
                return Ok(Reached { stream, address: *address, missed });
            }
            Err(error) => missed.push((*address, error)),
        }
    }
    let kind = match missed.last() {
        Some((_, error)) if is_timeout(error) => FailureKind::Timeout,
        _ => FailureKind::Connect,
    };
    let causes: Vec<String> = missed.iter().map(|(address, error)| format!("{address}: {}", in_words(error))).collect();
    Err(failure(kind, causes.join("; ")))
}

/// An error of a socket, without the name that each system has for a time-out.
pub fn in_words(error: &io::Error) -> String {
    if is_timeout(error) { "out of time".to_owned() } else { io_error::in_words(error) }
}

fn failure(kind: FailureKind, cause: impl Into<String>) -> Failure {
    Failure { kind, connected: false, cause: cause.into() }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

//! The tunnel through an HTTP proxy: `CONNECT`, and what the proxy says to it (RFC 9110, section 9.3.6).

use std::io;
use std::time::Instant;

use super::handshake::{self, Trusting};
use super::wire::{Timed, Wire};
use super::{Hop, Reached, Via, failure, in_words, is_timeout};
use crate::api::outcome::{Failure, FailureKind};

/// Longest answer of a proxy that is read, as in hyper-util.
const ANSWER_MAX: usize = 8 * 1024;

/// The bare connection, when there is no proxy on the way.
pub fn none(reached: Reached, deadline: Instant) -> Box<dyn Wire> {
    Box::new(Timed::new(reached.stream, deadline))
}

/// Asks the proxy at the other end for a tunnel. `trust` is for a proxy that itself is reached through TLS.
///
/// # Errors
/// A [`Failure`]: of kind `Proxy` when it says no.
pub fn open(
    reached: Reached,
    via: &Via,
    target: &Hop,
    trust: &Trusting,
    deadline: Instant,
) -> Result<Box<dyn Wire>, Failure> {
    let mut wire: Box<dyn Wire> = Box::new(Timed::new(reached.stream, deadline));
    if via.scheme() == "https" {
        wire = handshake::through(wire, trust, &via.hop)?.1;
    }
    let authority = target.authority();
    let mut ask = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    if let Some(credential) = via.intercept.basic_auth() {
        ask.extend_from_slice(b"Proxy-Authorization: ");
        ask.extend_from_slice(credential.as_bytes());
        ask.extend_from_slice(b"\r\n");
    }
    ask.extend_from_slice(b"\r\n");
    let answer = exchange(&mut *wire, &ask).map_err(|error| {
        if is_timeout(&error) {
            failure(FailureKind::Timeout, "the proxy did not answer in time")
        } else {
            let cause = format!("the proxy broke off: {}", in_words(&error));
            failure(FailureKind::Proxy, cause)
        }
    })?;
    match status(&answer) {
        Some(200) => Ok(wire),
        Some(407) => Err(failure(FailureKind::Proxy, "the proxy answered 407: it wants a user name and a password")),
        Some(status) => Err(failure(FailureKind::Proxy, format!("the proxy answered {status} to CONNECT {authority}"))),
        None => Err(failure(FailureKind::Proxy, "what answered is no HTTP proxy")),
    }
}

/// Byte by byte, so as not to take anything that belongs into the tunnel.
fn exchange(wire: &mut dyn Wire, ask: &[u8]) -> io::Result<Vec<u8>> {
    wire.write_all(ask)?;
    wire.flush()?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < ANSWER_MAX {
        if wire.read(&mut byte)? == 0 {
            break;
        }
        answer.push(byte[0]);
    }
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer)
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn the_status_of_a_proxy_is_read_from_its_first_line() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\nX: y\r\n\r\n"), Some(407));
        for bad in [&b"SSH-2.0-x\r\n"[..], b"", b"HTTP/1.1 2", b"HTTP/2 200\r\n"] {
            assert_eq!(status(bad), None);
        }
    }
}

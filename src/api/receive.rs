//! Takes an answer in: its headers as they came, and its body, bounded and read against the deadline of the attempt.

use std::io::Read;
use std::time::{Instant, SystemTime};

use reqwest::blocking::Response;
use reqwest::header::{CONTENT_ENCODING, DATE, HeaderMap, LOCATION, RETRY_AFTER};

use super::answer::{BODY_MAX, Body, Cut, Reply, read_retry_after};
use super::outcome::{AttemptResult, Received};
use super::transport::{Attempt, Exchange};

/// Reads an answer to its end, or until the deadline.
pub(super) fn read(response: Response, deadline: Instant) -> Attempt {
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let retry_after = text(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| read_retry_after(&value, text(DATE).as_deref(), SystemTime::now()));
    let encoded =
        headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let location = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let status = response.status().as_u16();
    let mut exchange = Exchange {
        status_line: format!("{:?} {}", response.version(), response.status()),
        headers: shown(headers),
        body: Vec::new(),
    };
    let body = read_body(response, deadline);
    exchange.body = body.bytes().to_vec();
    // Bytes that cannot be decoded here prove nothing about what was said.
    let body = match body {
        body if encoded && !body.bytes().is_empty() => Body::Encoded(body.cut()),
        body => body,
    };
    let reply = Reply { status, retry_after, location, body };
    Attempt { result: AttemptResult::of(Received::Reply(reply)), exchange: Some(exchange) }
}

pub(super) fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

/// Reads a body up to [`BODY_MAX`]. The request's own time-out already ends a single read at the deadline; between
/// reads the clock is looked at here, because reqwest's blocking body starts its time anew with each.
fn read_body(mut response: Response, deadline: Instant) -> Body {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 8 * 1024];
    loop {
        if bytes.len() > BODY_MAX {
            bytes.truncate(BODY_MAX);
            return Body::Cut(bytes, Cut::TooLong);
        }
        if Instant::now() >= deadline {
            return Body::Cut(bytes, Cut::OutOfTime);
        }
        match response.read(&mut chunk) {
            Ok(0) => return Body::Complete(bytes),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                let cut = if is_timeout(&error) { Cut::OutOfTime } else { Cut::BrokenOff };
                return Body::Cut(bytes, cut);
            }
        }
    }
}

/// reqwest's own time-out comes as an error of its own within the `io::Error`.
fn is_timeout(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::TimedOut
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_timeout)
}

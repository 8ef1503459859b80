//! Reads what a server answered: the body in each of the forms that were seen (a JSON string, the gateway's JSON
//! object, plain text, an HTML page), and `Retry-After`. Pure: bytes and a clock go in, values come out.

mod object;

use std::time::{Duration, SystemTime};

use serde::de::IgnoredAny;

/// Most bytes of a body that are read.
pub const BODY_MAX: usize = 64 * 1024;

/// The bytes of a body and whether they are all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Complete(Vec<u8>),
    /// What came before its end.
    Cut(Vec<u8>, Cut),
    /// In a `Content-Encoding` that was never asked for.
    Encoded(Option<Cut>),
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The connection broke.
    BrokenOff,
    /// The time ran out.
    OutOfTime,
    /// It is longer than [`BODY_MAX`].
    TooLong,
}

impl Body {
    /// The bytes that were read.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Complete(bytes) | Self::Cut(bytes, _) => bytes,
            Self::Encoded(_) => &[],
        }
    }

    /// Why it was not read to its end, if it was not.
    pub const fn cut(&self) -> Option<Cut> {
        match self {
            Self::Complete(_) => None,
            Self::Cut(_, cut) => Some(*cut),
            Self::Encoded(cut) => *cut,
        }
    }
}

/// An HTTP answer, as far as the outcome depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// How long the server asks to wait, if it says so in a form that can be read.
    pub retry_after: Option<Duration>,
    /// The `Location` header, exactly as sent.
    pub location: Option<String>,
    /// The body.
    pub body: Body,
}

/// What a body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerSays {
    /// Nothing.
    Nothing,
    /// A JSON object, with the message and the gRPC code that the live service puts there.
    Object {
        /// The gRPC number (7: permission denied, ...).
        code: Option<i64>,
        /// The message, the details appended, exactly as sent.
        message: Option<String>,
        /// Whether it has a `code` other than 0, or an `error`.
        is_error: bool,
    },
    /// A JSON string or plain text, exactly as sent.
    Text(String),
    /// An HTML page: not the API.
    Html,
    /// JSON that is neither an object nor a string, or bytes that are no text.
    Other,
    /// A body that broke off before it showed what it is, or that is encoded.
    Unreadable,
}

impl ServerSays {
    /// Whether the API says this of a request that it took: nothing, or an object that is no error.
    pub const fn is_acceptance(&self) -> bool {
        matches!(self, Self::Nothing | Self::Object { is_error: false, .. })
    }

    /// The message as the server wrote it, if there is one.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
            Self::Object { message, .. } => message.as_deref(),
            Self::Nothing | Self::Html | Self::Other | Self::Unreadable => None,
        }
    }

    /// The gRPC number that came with it, if there is one.
    pub const fn code(&self) -> Option<i64> {
        match self {
            Self::Object { code, .. } => *code,
            _ => None,
        }
    }
}

/// Why a 2xx is no acceptance: only a body that arrived whole can prove one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The connection broke within the body.
    BrokenOff,
    /// The time ran out within the body.
    OutOfTime,
    /// It is none that the API sends, with the cause where what the server says does not show it.
    NotTheApi(Option<&'static str>),
}

impl Doubt {
    /// The doubt that a body leaves; none if it proves an acceptance.
    pub fn of(body: &Body, says: &ServerSays) -> Option<Self> {
        match (body.cut(), says) {
            (Some(Cut::BrokenOff), _) => Some(Self::BrokenOff),
            (Some(Cut::OutOfTime), _) => Some(Self::OutOfTime),
            (Some(Cut::TooLong), _) => {
                Some(Self::NotTheApi(Some("the answer's body is longer than 64 KiB, and the API's answers are not")))
            }
            (None, says) if says.is_acceptance() => None,
            (None, ServerSays::Unreadable) => {
                Some(Self::NotTheApi(Some("the answer's body is encoded (Content-Encoding), which was not asked for")))
            }
            (None, ServerSays::Object { .. }) => {
                Some(Self::NotTheApi(Some("the answer is a JSON object with an `error`, or a `code` other than 0")))
            }
            (None, ServerSays::Text(text)) if text.trim().is_empty() => {
                Some(Self::NotTheApi(Some("the answer is an empty JSON string, and not an object")))
            }
            (None, _) => Some(Self::NotTheApi(None)),
        }
    }

    /// The cause in words.
    pub const fn cause(self) -> Option<&'static str> {
        match self {
            Self::BrokenOff => Some("the connection broke before the end of the answer's body"),
            Self::OutOfTime => Some("out of time before the end of the answer's body"),
            Self::NotTheApi(cause) => cause,
        }
    }
}

/// Finds out what a body says.
pub fn read_body(body: &Body) -> ServerSays {
    let trimmed = body.bytes().trim_ascii();
    let looks_like_object = trimmed.first() == Some(&b'{');
    match body {
        Body::Encoded(_) => ServerSays::Unreadable,
        Body::Cut(..) if trimmed.is_empty() || looks_like_object => ServerSays::Unreadable,
        _ if trimmed.is_empty() => ServerSays::Nothing,
        Body::Complete(_) if looks_like_object && is_json(trimmed) => read_object(trimmed),
        _ => read_text(trimmed),
    }
}

/// Whether it is JSON. Values are skipped, not built, which takes neither memory nor stack however deep they nest.
fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

fn read_object(bytes: &[u8]) -> ServerSays {
    let object = object::read(bytes);
    ServerSays::Object { code: object.code, message: object.message, is_error: object.is_error }
}

fn read_text(bytes: &[u8]) -> ServerSays {
    if let Ok(text) = serde_json::from_slice::<String>(bytes) {
        return ServerSays::Text(text);
    }
    if is_html(bytes) {
        return ServerSays::Html;
    }
    if is_json(bytes) {
        return ServerSays::Other;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => ServerSays::Text(text.to_owned()),
        // A cut may fall inside a character; anything else is no text.
        Err(error) if error.error_len().is_none() => {
            ServerSays::Text(String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned())
        }
        Err(_) => ServerSays::Other,
    }
}

fn is_html(bytes: &[u8]) -> bool {
    let start: Vec<u8> = bytes.iter().take(1024).map(u8::to_ascii_lowercase).collect();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let holds = |tag: &[u8]| start.windows(tag.len()).any(|window| window == tag);
    start.starts_with(b"<") && (holds(b"<!doctype html") || holds(b"<html") || holds(b"<head") || holds(b"<body"))
}

/// Reads `Retry-After`: seconds, or an HTTP-date (RFC 9110, section 10.2.3).
///
/// `date` is the answer's own `Date` header, so that a wrong clock here does not matter; without one, `now` serves.
/// A date that is not in the future and anything garbled count as not said.
pub fn read_retry_after(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are as good as for ever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))).min(FOREVER));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let from = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    until.duration_since(from).ok().filter(|wait| !wait.is_zero()).map(|wait| wait.min(FOREVER))
}

/// The longest wait that is told: nobody waits a century, and sums of it cannot overflow.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

#[cfg(test)]
mod tests;

//! Reads what a server answered: the body in each of the forms that were seen (a JSON string, the gateway's JSON
//! object, plain text, an HTML page), and `Retry-After`. Pure: bytes and a clock go in, values come out.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Most bytes of a body that are read.
pub const BODY_MAX: usize = 64 * 1024;

/// The bytes of a body and whether they are all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Complete(Vec<u8>),
    /// What came before it broke off, ran out of time, or went past [`BODY_MAX`].
    Cut(Vec<u8>),
    /// In a `Content-Encoding` that was never asked for.
    Encoded,
}

impl Body {
    /// The bytes that were read.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Complete(bytes) | Self::Cut(bytes) => bytes,
            Self::Encoded => &[],
        }
    }

    /// Whether the whole body was read.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete(_))
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
    },
    /// A JSON string or plain text, exactly as sent.
    Text(String),
    /// An HTML page: not the API.
    Html,
    /// JSON that is neither an object nor a string, or bytes that are no text.
    Other,
    /// A body that broke off before it showed what it is.
    Unreadable,
}

impl ServerSays {
    /// Whether the API could have said this with a 2xx: an object or nothing, or too little to tell.
    #[must_use]
    pub const fn shape_is_api(&self) -> bool {
        matches!(self, Self::Nothing | Self::Object { .. } | Self::Unreadable)
    }

    /// The message as the server wrote it, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object { message, .. } => message.as_deref(),
            Self::Nothing | Self::Html | Self::Other | Self::Unreadable => None,
        }
    }

    /// The gRPC number that came with it, if there is one.
    #[must_use]
    pub const fn code(&self) -> Option<i64> {
        match self {
            Self::Object { code, .. } => *code,
            _ => None,
        }
    }
}

/// The error object of the live service. Every field may be missing or of another type.
#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: serde_json::Value,
    #[serde(default)]
    details: serde_json::Value,
}

/// Finds out what a body says.
#[must_use]
pub fn read_body(body: &Body) -> ServerSays {
    let trimmed = body.bytes().trim_ascii();
    let looks_like_object = trimmed.first() == Some(&b'{');
    match body {
        Body::Encoded => ServerSays::Unreadable,
        Body::Cut(_) if trimmed.is_empty() || looks_like_object => ServerSays::Unreadable,
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
    // Fails for an object nested deeper than serde_json builds; it is an object all the same.
    let Ok(object) = serde_json::from_slice::<ErrorObject>(bytes) else {
        return ServerSays::Object {
            code: None,
            message: None,
        };
    };
    let mut message = object.message.as_str().unwrap_or_default().to_owned();
    for detail in object.details.as_array().into_iter().flatten() {
        // One shape bears `details`, the other `value`.
        let text = detail
            .get("details")
            .or_else(|| detail.get("value"))
            .and_then(|value| value.as_str());
        if let Some(text) = text.filter(|text| !text.is_empty() && !message.contains(text)) {
            let separator = if message.is_empty() { "" } else { ": " };
            message = format!("{message}{separator}{text}");
        }
    }
    ServerSays::Object {
        code: object.code.as_i64(),
        message: (!message.is_empty()).then_some(message),
    }
}

fn read_text(bytes: &[u8]) -> ServerSays {
    if let Ok(text) = serde_json::from_slice::<String>(bytes) {
        return if text.trim().is_empty() {
            ServerSays::Nothing
        } else {
            ServerSays::Text(text)
        };
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
    let start: Vec<u8> = bytes
        .iter()
        .take(1024)
        .map(u8::to_ascii_lowercase)
        .collect();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let holds = |tag: &[u8]| start.windows(tag.len()).any(|window| window == tag);
    start.starts_with(b"<")
        && (holds(b"<!doctype html") || holds(b"<html") || holds(b"<head") || holds(b"<body"))
}

/// Reads `Retry-After`: seconds, or an HTTP-date (RFC 9110, section 10.2.3).
///
/// `date` is the answer's own `Date` header, so that a wrong clock here does not matter; without one, `now` serves.
/// A date that is not in the future and anything garbled count as not said.
#[must_use]
pub fn read_retry_after(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are as good as for ever.
        return Some(
            Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))).min(FOREVER),
        );
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let from = date
        .and_then(|date| httpdate::parse_http_date(date.trim()).ok())
        .unwrap_or(now);
    until
        .duration_since(from)
        .ok()
        .filter(|wait| !wait.is_zero())
        .map(|wait| wait.min(FOREVER))
}

/// The longest wait that is told: nobody waits a century, and sums of it cannot overflow.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

#[cfg(test)]
mod tests;

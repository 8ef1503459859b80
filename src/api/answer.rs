//! Reads an answer: the body in each form that servers send (a JSON string, the gateway's JSON object, plain text, an HTML
//! page), and `Retry-After`. Pure: bytes and a time go in, values come out.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// How many bytes of a body are read at most.
pub const BODY_MAX: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub bytes: Vec<u8>,
    /// Why it was not read to its end; None if it was.
    pub cut: Option<Cut>,
    /// Whether it has a `Content-Encoding`, which was not asked for.
    pub is_encoded: bool,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    BrokenOff,
    OutOfTime,
    /// It is longer than [`BODY_MAX`].
    TooLong,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// How long the server asks to wait; None also if the header cannot be read.
    pub retry_after: Option<Duration>,
    /// The `Location` header, exactly as sent.
    pub location: Option<String>,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyContent {
    Nothing,
    /// A JSON object, with the message and the gRPC code that the live service puts there.
    Object {
        /// The gRPC number (7: permission denied, ...).
        code: Option<i64>,
        /// With the details appended, exactly as sent.
        message: Option<String>,
        /// Whether it has a `code` other than 0, or an `error`.
        is_error: bool,
    },
    /// A JSON string or plain text, exactly as sent.
    Text(String),
    /// An HTML page: not the API.
    Html,
    /// JSON that is neither an object nor a string, or bytes that are not text.
    Other,
    /// A body that was cut before it showed what it is, or that is encoded.
    Unreadable,
}

impl BodyContent {
    /// Whether it proves that the API accepted the request: nothing, or an object that is not an error.
    pub const fn is_acceptance(&self) -> bool {
        matches!(self, Self::Nothing | Self::Object { is_error: false, .. })
    }

    /// As the server wrote it.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
            Self::Object { message, .. } => message.as_deref(),
            Self::Nothing | Self::Html | Self::Other | Self::Unreadable => None,
        }
    }

    /// The gRPC number in the object, if there is one.
    pub const fn code(&self) -> Option<i64> {
        match self {
            Self::Object { code, .. } => *code,
            _ => None,
        }
    }
}

pub fn read_body(body: &Body) -> BodyContent {
    let trimmed = body.bytes.trim_ascii();
    let looks_like_object = trimmed.first() == Some(&b'{');
    match body.cut {
        // Bytes that cannot be decoded here prove nothing about the answer.
        _ if body.is_encoded => BodyContent::Unreadable,
        Some(_) if trimmed.is_empty() || looks_like_object => BodyContent::Unreadable,
        _ if trimmed.is_empty() => BodyContent::Nothing,
        None if looks_like_object && is_json(trimmed) => read_object(trimmed),
        _ => read_text(trimmed),
    }
}

/// Whether it is JSON. Values are skipped, not built, so that even deep nesting takes neither memory nor stack.
fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

fn read_object(bytes: &[u8]) -> BodyContent {
    // An object that cannot be parsed as a `Fault` does not prove that there is no error. Examples: a code that is not a
    // number or is too large for one, or two codes.
    let is_fine = |fault: Fault| fault.error.is_none() && fault.code.is_none_or(|code| code == 0.0);
    let is_error = !serde_json::from_slice::<Fault>(bytes).is_ok_and(is_fine);
    // Fails for an object nested deeper than serde_json builds; it is still an object.
    let fields = serde_json::from_slice::<Fields>(bytes).unwrap_or_default();
    BodyContent::Object { code: fields.code.as_i64(), message: fields.message(), is_error }
}

fn read_text(bytes: &[u8]) -> BodyContent {
    if let Ok(text) = serde_json::from_slice::<String>(bytes) {
        return BodyContent::Text(text);
    }
    if is_html(bytes) {
        return BodyContent::Html;
    }
    if is_json(bytes) {
        return BodyContent::Other;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => BodyContent::Text(text.to_owned()),
        // A cut may fall inside a character; anything else is not text.
        Err(error) if error.error_len().is_none() => {
            BodyContent::Text(String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned())
        }
        Err(_) => BodyContent::Other,
    }
}

fn is_html(bytes: &[u8]) -> bool {
    let start: Vec<u8> = bytes.iter().take(1024).map(u8::to_ascii_lowercase).collect();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let contains = |tag: &[u8]| start.windows(tag.len()).any(|window| window == tag);
    start.starts_with(b"<") && [&b"<!doctype html"[..], b"<html", b"<head", b"<body"].into_iter().any(contains)
}

/// Reads `Retry-After`: seconds, or an HTTP-date (RFC 9110, section 10.2.3).
///
/// `date` is the answer's own `Date` header, so that a wrong clock here does not matter; without one, `now` is used.
/// A date that is not in the future and a value that cannot be read are ignored.
pub fn read_retry_after(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // If the seconds do not fit into the number, it is the longest wait.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))).min(FOREVER));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let from = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    until.duration_since(from).ok().filter(|wait| !wait.is_zero()).map(|wait| wait.min(FOREVER))
}

/// The longest wait that is returned: no one waits for a century, and sums of it cannot overflow.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// The error object of the live service. Every field may be missing or of another type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    code: Value,
    message: Value,
    details: Value,
    error: Value,
}

impl Fields {
    fn message(&self) -> Option<String> {
        let mut message = self.message.as_str().unwrap_or_default().to_owned();
        for detail in self.details.as_array().into_iter().flatten() {
            // One form has `details`, the other `value`.
            let text = detail.get("details").or_else(|| detail.get("value")).and_then(|value| value.as_str());
            if let Some(text) = text.filter(|text| !text.is_empty() && !message.contains(text)) {
                let separator = if message.is_empty() { "" } else { ": " };
                message = format!("{message}{separator}{text}");
            }
        }
        if message.is_empty() {
            let error = self.error.get("message").unwrap_or(&self.error);
            error.as_str().unwrap_or_default().clone_into(&mut message);
        }
        (!message.is_empty()).then_some(message)
    }
}

/// The fields that make an object an error. Their values are not built, so that one with deep nesting cannot hide another. In
/// protobuf's JSON, null means that a field is not set.
#[derive(Deserialize)]
struct Fault {
    /// Anything but a number fails, even "0": then there may be an error.
    code: Option<f64>,
    error: Option<IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> BodyContent {
        read_body(&Body { bytes: text.as_bytes().to_vec(), cut: None, is_encoded: false })
    }

    fn text(text: &str) -> BodyContent {
        BodyContent::Text(text.to_owned())
    }

    #[test]
    fn a_body_is_read_in_each_of_its_forms() {
        assert_eq!(content("\"too many requests\""), text("too many requests"));
        assert_eq!(content("upstream connect error\n"), text("upstream connect error"));
        assert_eq!(content("<html><body>502</body></html>"), BodyContent::Html);
        assert_eq!(content("\u{feff}<!DOCTYPE HTML>"), BodyContent::Html);
        assert_eq!(content(""), BodyContent::Nothing);
        assert_eq!(content("\"\""), text(""));
        assert_eq!(content("[1]"), BodyContent::Other);
        assert_eq!(content("{\"a\":"), text("{\"a\":"));
        let read = |bytes: &[u8], cut| read_body(&Body { bytes: bytes.to_vec(), cut, is_encoded: false });
        assert_eq!(read(b"\xff\xfex", None), BodyContent::Other);
        assert_eq!(read(&"ü".as_bytes()[..1], Some(Cut::BrokenOff)), text(""));
    }

    fn object(code: Option<i64>, message: Option<&str>, is_error: bool) -> BodyContent {
        BodyContent::Object { code, message: message.map(str::to_owned), is_error }
    }

    #[test]
    fn the_object_of_the_live_service_is_read_in_both_shapes_of_its_details() {
        assert_eq!(
            content(r#"{"code":5,"details":[],"message":"no such user"}"#),
            object(Some(5), Some("no such user"), true)
        );
        assert_eq!(
            content(
                r#"{"code":7,"details":[{"code":"UNKNOWN","details":"no role","timestamp":"x"}],"message":"denied"}"#
            ),
            object(Some(7), Some("denied: no role"), true)
        );
        assert_eq!(
            content(r#"{"code":3,"details":[{"type_url":"t","value":"bad\u0001"}],"message":""}"#),
            object(Some(3), Some("bad\u{1}"), true)
        );
        assert_eq!(content("{}"), object(None, None, false));
        assert_eq!(content(r#"{"code":"7","details":{},"message":[1]}"#), object(None, None, true));
        assert_eq!(content(r#"{"error":"login required"}"#), object(None, Some("login required"), true));
        assert_eq!(content(r#"{"error":{"message":"login required"}}"#), object(None, Some("login required"), true));
    }

    #[test]
    fn an_object_is_an_error_unless_its_code_is_zero_and_its_error_null() {
        for fine in [
            "{}",
            r#"{"code":0}"#,
            r#"{"code":-0.0}"#,
            r#"{"code":null}"#,
            r#"{"error":null,"code":0}"#,
            r#"{"a":{"code":7,"error":1}}"#,
        ] {
            assert!(content(fine).is_acceptance(), "{fine}");
        }
        for unproven in [
            r#"{"code":7}"#,
            r#"{"code":-1}"#,
            r#"{"code":0.1}"#,
            r#"{"code":1e999}"#,
            r#"{"code":18446744073709551615}"#,
            r#"{"code":"0"}"#,
            r#"{"code":false}"#,
            r#"{"code":[0]}"#,
            r#"{"code":{}}"#,
            r#"{"code":0,"code":0}"#,
            r#"{"code":7,"code":0}"#,
            r#"{"code":0,"code":7}"#,
            r#"{"\u0063ode":7}"#,
            r#"{"error":""}"#,
            r#"{"error":false}"#,
            r#"{"error":"x","error":null}"#,
        ] {
            assert!(!content(unproven).is_acceptance(), "{unproven}");
        }
    }

    #[test]
    fn an_object_nested_too_deep_to_build_is_still_an_object() {
        let deep = format!("{}1{}", "{\"a\":".repeat(9000), "}".repeat(9000));
        assert_eq!(content(&deep), object(None, None, false));
        for (error, code) in [("\"code\":7", Some(7)), ("\"error\":1", None)] {
            let behind = format!("{{\"a\":{deep},{error}}}");
            assert_eq!(content(&behind), object(code, None, true));
        }
        let within = format!("{{\"error\":{deep}}}");
        assert_eq!(content(&within), object(None, None, true));
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_nothing_else() {
        let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:00 GMT").unwrap();
        let read = |value| read_retry_after(value, None, now);
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read(" 0 "), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999"), Some(FOREVER));
        assert_eq!(read("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::from_secs(59)));
        for ignored in
            ["", "-1", "+5", "1.5", "soon", "Fri, 31 Dec 1999 23:58:59 GMT", "Fri, 31 Dec 1999 23:59:00 GMT", "３"]
        {
            assert_eq!(read(ignored), None, "{ignored}");
        }
        let server_date = Some("Fri, 31 Dec 1999 23:59:50 GMT");
        assert_eq!(read_retry_after("Fri, 31 Dec 1999 23:59:59 GMT", server_date, now), Some(Duration::from_secs(9)));
    }
}

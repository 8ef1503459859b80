//! The exchange as `-v` and `-vv` show it, in the manner of curl, with the secrets hidden.

use url::Url;

use crate::api::request::ApiRequest;
use crate::api::transport::Exchange;
use crate::report::safe_text::SafeText;

/// Headers of an answer that hold secrets.
const SECRET_HEADERS: [&str; 3] = ["set-cookie", "www-authenticate", "proxy-authenticate"];

/// The lines of a request.
pub fn request(request: &ApiRequest, bodies: bool, safe: &SafeText) -> Vec<String> {
    let mut lines = vec![format!("> POST {} HTTP/1.1", request.url.path()), format!("> host: {}", host(&request.url))];
    if request.token.is_some() {
        lines.push("> authorization: APIToken ***".to_owned());
    }
    lines.extend(request.headers.iter().map(|(name, value)| format!("> {name}: {value}")));
    if bodies {
        lines.push(format!("> {}", safe.shown_bytes(request.body.as_bytes())));
    }
    lines
}

/// The host as it is sent: with its port, unless that is the scheme's own (RFC 9110, section 7.2).
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// The lines of an answer.
pub fn answer(exchange: &Exchange, bodies: bool, safe: &SafeText) -> Vec<String> {
    let mut lines = vec![format!("< {}", safe.shown(&exchange.status_line))];
    for (name, value) in &exchange.headers {
        let value = if SECRET_HEADERS.contains(&name.as_str()) { "***".to_owned() } else { safe.shown(value) };
        lines.push(format!("< {name}: {value}"));
    }
    if bodies && !exchange.body.is_empty() {
        lines.push(format!("< {}", safe.shown_bytes(&exchange.body)));
    }
    lines
}

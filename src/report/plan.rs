//! A dry run: the request as it would be sent, for people and as JSON, without the secret.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::request::ApiRequest;
use crate::report::safe_text::SafeText;
use crate::settings::network::Network;

/// The name and the version of the shape.
const REQUEST_SCHEMA: &str = "vescli.request/1";

/// The request of a dry run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestDocument {
    pub schema: &'static str,
    pub ok: bool,
    pub outcome: &'static str,
    pub method: &'static str,
    pub url: String,
    pub headers: Map<String, Value>,
    pub body: Value,
    pub proxy: Option<String>,
    pub exit_code: u8,
    pub warnings: Vec<String>,
}

/// The headers in order, the secret hidden.
fn headers(request: &ApiRequest) -> Vec<(&'static str, &'static str)> {
    let token = request.token.as_ref().map(|_| ("authorization", "APIToken ***"));
    token.into_iter().chain(request.headers).collect()
}

impl RequestDocument {
    /// The document of a request.
    pub fn new(request: &ApiRequest, network: &Network, warnings: Vec<String>) -> Self {
        Self {
            schema: REQUEST_SCHEMA,
            ok: true,
            outcome: "not_sent",
            method: "POST",
            url: request.url.to_string(),
            headers: headers(request).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            body: serde_json::from_str(&request.body).unwrap_or_default(),
            proxy: network.proxy_for(&request.url).map(|proxy| proxy.shown.clone()),
            exit_code: 0,
            warnings,
        }
    }
}

/// The request in words.
pub fn text(request: &ApiRequest, network: &Network, safe: &SafeText) -> String {
    let mut text = format!("POST {}\n", request.url);
    for (name, value) in headers(request) {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push_str(&format!("\n{}\n", safe.shown_bytes(request.body.as_bytes())));
    if let Some(proxy) = network.proxy_for(&request.url) {
        let proxy = format!("{} ({})", proxy.shown, proxy.origin);
        text.push_str(&format!("\nthrough the proxy {}\n", safe.shown(&proxy)));
    }
    text
}

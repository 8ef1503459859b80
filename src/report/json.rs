//! The JSON documents about one request. The order of the fields is fixed, and fields are only ever added.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::escape::Redactor;
use super::exit::Exit;
use super::{ErrorReport, Interruption, RequestInfo, SendResult, text};
use crate::api::answer::BodyContent;
use crate::api::operation::ApiRequest;
use crate::api::outcome::Outcome;
use crate::api::retry::is_repeatable;
use crate::settings::network::Network;

/// A result: one shape for success, failure and usage errors.
#[derive(Debug, Serialize)]
pub(super) struct ResultDocument<'a> {
    schema: &'static str,
    ok: bool,
    outcome: &'static str,
    #[serde(flatten)]
    values: Values<'a>,
    tenant: Option<&'a str>,
    url: Option<&'a str>,
    #[serde(flatten)]
    end: EndFields<'a>,
}

/// A field for each of the operation's.
#[derive(Debug)]
struct Values<'a>(&'a RequestInfo);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.values())
    }
}

/// How a request ended; a row of a list has the same fields.
#[derive(Debug, Default, Serialize)]
pub(super) struct EndFields<'a> {
    status: Option<u16>,
    attempts: u64,
    elapsed_ms: u64,
    exit_code: u8,
    error: Option<ErrorDocument>,
    warnings: &'a [String],
}

#[derive(Debug, Default, Serialize)]
pub struct ErrorDocument {
    class: &'static str,
    message: String,
    server_code: Option<i64>,
    server_message: Option<String>,
    safe_to_retry: bool,
    retry_after_s: Option<u64>,
    hint: Option<String>,
    cause: Option<String>,
    location: Option<String>,
}

pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl<'a> ResultDocument<'a> {
    fn new(info: &'a RequestInfo, outcome: Outcome, end: EndFields<'a>) -> Self {
        Self {
            schema: "vescli.result/1",
            ok: outcome == Outcome::Accepted,
            outcome: outcome.word(),
            values: Values(info),
            tenant: info.tenant.as_deref(),
            url: info.url.as_deref(),
            end,
        }
    }

    /// A request that was made.
    pub(super) fn of_result(
        info: &'a RequestInfo,
        sent: &SendResult,
        redactor: &Redactor,
        warnings: &'a [String],
    ) -> Self {
        Self::new(info, sent.result.outcome, EndFields::new(info, sent, redactor, warnings))
    }

    /// An error that kept the request from being made. `exit_code` is that of the process: the sandbox has the shell's own
    /// code for a command that it cannot run, which is not in the table of exits.
    pub(super) fn of_error(info: &'a RequestInfo, report: &ErrorReport, exit_code: u8, redactor: &Redactor) -> Self {
        let error = Some(ErrorDocument::of_report(report, redactor));
        let end = EndFields { exit_code, error, ..EndFields::default() };
        Self::new(info, Outcome::NotSent, end)
    }

    /// A request that a signal ended. Its class is not in the table of exits: the process dies by the signal.
    pub(super) fn of_interruption(info: &'a RequestInfo, ended: &Interruption, redactor: &Redactor) -> Self {
        let error = ErrorDocument {
            class: "interrupted",
            message: ended.message(info.operation),
            safe_to_retry: !ended.may_have_been_sent,
            hint: Some(redactor.redact(&ended.hint(info))),
            ..ErrorDocument::default()
        };
        let end = EndFields {
            attempts: ended.attempts,
            elapsed_ms: milliseconds(ended.elapsed),
            exit_code: u8::try_from(128 + ended.signal).unwrap_or(u8::MAX),
            error: Some(error),
            ..EndFields::default()
        };
        Self::new(info, ended.outcome(), end)
    }
}

impl<'a> EndFields<'a> {
    pub(super) fn new(info: &RequestInfo, sent: &SendResult, redactor: &Redactor, warnings: &'a [String]) -> Self {
        let accepted = sent.result.outcome == Outcome::Accepted;
        Self {
            status: sent.result.status,
            attempts: sent.attempts,
            elapsed_ms: milliseconds(sent.elapsed),
            exit_code: sent.exit().code(),
            error: (!accepted).then(|| ErrorDocument::of_result(info, sent, redactor)),
            warnings,
        }
    }
}

impl ErrorDocument {
    fn of_result(info: &RequestInfo, sent: &SendResult, redactor: &Redactor) -> Self {
        let result = &sent.result;
        let content = result.content.as_ref();
        let row = sent.exit().row();
        Self {
            class: row.name,
            message: match text::waited(result) {
                Some(waited) => format!("{}; {waited}", row.title),
                None => row.title.to_owned(),
            },
            server_code: content.and_then(BodyContent::code),
            server_message: content.and_then(|content| content.message()).map(|text| redactor.redact(text)),
            safe_to_retry: is_repeatable(result),
            retry_after_s: result.retry_after.map(|wait| wait.as_secs()),
            hint: Some(redactor.redact(&text::hint(info, result))),
            cause: result.cause.as_deref().map(|text| redactor.redact(text)),
            location: result.location.as_deref().map(|text| redactor.redact(text)),
        }
    }

    /// An error of this machine, which no server has seen.
    pub fn of_report(report: &ErrorReport, redactor: &Redactor) -> Self {
        Self {
            class: report.exit.row().name,
            message: redactor.redact(&report.message),
            safe_to_retry: matches!(report.exit, Exit::Locked | Exit::OsError),
            hint: report.hint.clone(),
            ..Self::default()
        }
    }
}

/// The request of a dry run.
#[derive(Debug, Serialize)]
pub struct RequestDocument<'a> {
    schema: &'static str,
    ok: bool,
    outcome: &'static str,
    method: &'static str,
    url: &'a str,
    headers: Map<String, Value>,
    body: Value,
    proxy: Option<&'a str>,
    exit_code: u8,
    warnings: &'a [String],
}

impl<'a> RequestDocument<'a> {
    pub fn new(request: &'a ApiRequest, network: &'a Network, warnings: &'a [String]) -> Self {
        Self {
            schema: "vescli.request/1",
            ok: true,
            outcome: Outcome::NotSent.word(),
            method: "POST",
            url: request.url.as_str(),
            headers: text::headers(request).map(|(name, value)| (name.to_owned(), value.into())).collect(),
            body: serde_json::from_str(&request.body).unwrap_or_default(),
            proxy: network.proxy_for(&request.url).map(|proxy| proxy.shown.as_str()),
            exit_code: 0,
            warnings,
        }
    }
}

/// The version, and which of the optional features are built in.
#[derive(Debug, Serialize)]
pub struct VersionDocument {
    version: &'static str,
    features: &'static [&'static str],
}

pub const VERSION: VersionDocument = VersionDocument {
    version: env!("CARGO_PKG_VERSION"),
    features: if cfg!(feature = "p12") { &["p12"] } else { &[] },
};

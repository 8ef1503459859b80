//! The JSON documents about one request, and about a list: the plan, each row, the summary. The order of the fields is fixed.
//! Fields may be added, but never removed or renamed.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::bulk_text::{PlanFacts, sample};
use super::escape::{Redactor, json_line, success};
use super::exit::{Ending, Exit};
use super::{ErrorReport, Interruption, RequestInfo, SendResult, text};
use crate::api::answer::BodyContent;
use crate::api::operation::ApiRequest;
use crate::api::outcome::Outcome;
use crate::api::retry::is_safe_to_retry;
use crate::bulk::list::Row;
use crate::bulk::results::{RowEnd, Tally};
use crate::settings::bulk::OnKnown;
use crate::settings::network::Network;

/// A document with these fields in this order. The macro makes an unnamed type for it: a struct written by hand would list every
/// field twice.
macro_rules! document {
    ($($(#[$attribute:meta])* $field:ident: $value:expr),+ $(,)?) => {{
        #[expect(non_camel_case_types, reason = "the type of each field has the field's name")]
        mod document {
            #[derive(serde::Serialize)]
            pub(super) struct Document<$($field),+> {
                $($(#[$attribute])* pub(super) $field: $field),+
            }
        }
        document::Document { $($field: $value),+ }
    }};
}
pub(crate) use document;

/// The operation's own fields.
struct Values<'a>(&'a RequestInfo);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.values.iter().map(|(name, value)| (name, value)))
    }
}

/// The fields about the end of a request, also used for a row of a list.
#[derive(Default, Serialize)]
struct EndFields<'a> {
    status: Option<u16>,
    attempts: u64,
    elapsed_ms: u64,
    exit_code: u8,
    error: Option<ErrorDocument>,
    warnings: &'a [String],
}

#[derive(Default, Serialize)]
struct ErrorDocument {
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

/// The result document, with the same fields for success, failure and usage errors.
fn result_document(info: &RequestInfo, outcome: Outcome, end: EndFields) -> String {
    json_line(&document! {
        schema: "vescli.result/1",
        ok: outcome == Outcome::Accepted,
        outcome: outcome.word(),
        #[serde(flatten)]
        values: Values(info),
        tenant: info.tenant.as_deref(),
        url: info.url.as_deref(),
        #[serde(flatten)]
        end: end,
    })
}

pub(super) fn result(info: &RequestInfo, sent: &SendResult, redactor: &Redactor, warnings: &[String]) -> String {
    result_document(info, sent.result.outcome, EndFields::new(info, sent, redactor, warnings))
}

/// An error before the request. `exit_code` is that of the process: if the sandbox cannot run its command, that is the code of
/// shells, which is not in the table of exits.
pub(super) fn error(info: &RequestInfo, report: &ErrorReport, exit_code: u8, redactor: &Redactor) -> String {
    let error = Some(ErrorDocument::of_report(report, redactor));
    result_document(info, Outcome::NotSent, EndFields { exit_code, error, ..EndFields::default() })
}

/// A request that a signal ended. Its class is not in the table of exits: the process dies by the signal.
pub(super) fn interruption(info: &RequestInfo, ended: &Interruption, redactor: &Redactor) -> String {
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
        exit_code: Ending::Signal(ended.signal).code(),
        error: Some(error),
        ..EndFields::default()
    };
    result_document(info, ended.outcome(), end)
}

impl<'a> EndFields<'a> {
    fn new(info: &RequestInfo, sent: &SendResult, redactor: &Redactor, warnings: &'a [String]) -> Self {
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
        let entry = sent.exit().entry();
        let redact = |text: &str| redactor.redact(text);
        Self {
            class: entry.name,
            message: format!("{}{}", entry.title, text::waited(result, "; ")),
            server_code: result.content.as_ref().and_then(BodyContent::code),
            server_message: result.content.as_ref().and_then(BodyContent::message).map(redact),
            safe_to_retry: is_safe_to_retry(result),
            retry_after_s: result.retry_after.map(|wait| wait.as_secs()),
            hint: Some(redact(&text::hint(info, result))),
            cause: result.cause.as_deref().map(redact),
            location: result.location.as_deref().map(redact),
        }
    }

    /// An error on this machine: nothing was sent.
    fn of_report(report: &ErrorReport, redactor: &Redactor) -> Self {
        Self {
            class: report.exit.entry().name,
            message: redactor.redact(&report.message),
            safe_to_retry: matches!(report.exit, Exit::Locked | Exit::OsError),
            hint: report.hint.clone(),
            ..Self::default()
        }
    }
}

/// The request of a dry run.
pub fn request(request: &ApiRequest, network: &Network, warnings: &[String]) -> String {
    json_line(&document! {
        schema: "vescli.request/1",
        ok: true,
        outcome: Outcome::NotSent.word(),
        method: "POST",
        url: request.url.as_str(),
        headers: text::headers(request).map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>(),
        body: serde_json::from_str::<Value>(&request.body).unwrap_or_default(),
        proxy: network.proxy_for(&request.url).map(|proxy| proxy.shown.as_str()),
        exit_code: 0,
        warnings: warnings,
    })
}

/// The version, and which optional features are built in.
pub fn version() -> String {
    let features: &[&str] = if cfg!(feature = "p12") { &["p12"] } else { &[] };
    success("vescli.version/1", document! { version: env!("CARGO_PKG_VERSION"), features: features })
}

/// The people who are known from other lists, and these lists.
fn known(facts: &PlanFacts) -> impl Serialize {
    let (accepted, unknown) = facts.elsewhere.counts();
    let lists = facts.elsewhere.lists.iter().map(|list| {
        document! {
            list: list.list.clone(),
            journal: list.journal.to_string_lossy().into_owned(),
            at: list.at.clone(),
            accepted: list.accepted,
            unknown: list.unknown,
        }
    });
    document! {
        accepted: accepted,
        unknown: unknown,
        choice: facts.bulk.known.map(OnKnown::word),
        lists: lists.collect::<Vec<_>>(),
    }
}

/// The plan of a list, in a dry run.
pub fn plan(facts: &PlanFacts, warnings: &[String]) -> String {
    let (list, plan) = (facts.list, facts.plan);
    let unknown = plan.unknown.iter().filter_map(|index| list.rows.get(*index as usize));
    json_line(&document! {
        schema: "vescli.plan/1",
        ok: true,
        outcome: Outcome::NotSent.word(),
        tenant: &facts.settings.tenant,
        url: facts.url,
        cname: facts.cname,
        list: facts.name,
        format: list.format.word(),
        rows: list.rows.len(),
        repeats: list.repeats,
        invalid: list.bad.len(),
        ignored_columns: &list.ignored_columns,
        journal: facts.journal,
        accepted: plan.left_alone.accepted,
        accepted_at: &facts.accepted_at,
        rejected: plan.left_alone.rejected,
        unknown: unknown.map(|row| document! { row: row.line, email: &*row.email }).collect::<Vec<_>>(),
        to_send: plan.count(),
        beyond_limit: plan.beyond_limit.total(),
        rate: facts.bulk.rate.map(|rate| rate.to_string()),
        jobs: facts.bulk.jobs,
        seconds: facts.time().map(|time| time.as_secs()),
        sample: sample(list, plan, &Redactor::default()),
        exit_code: 0,
        warnings: warnings,
        known: known(facts),
        other_cname: list.other_cname,
        shard: facts.bulk.shard.map(|shard| shard.to_string()),
    })
}

/// The document of a row that has ended, as one line.
pub fn row(row: &Row, cname: &str, info: &RequestInfo, end: RowEnd, redactor: &Redactor) -> String {
    let RowEnd { due, unrecorded, .. } = end;
    let sent = SendResult { result: end.result, attempts: end.attempts, elapsed: end.elapsed };
    let warning = ["the end of this row could not be written into the journal".to_owned()];
    json_line(&document! {
        schema: "vescli.row/1",
        ok: sent.result.outcome == Outcome::Accepted,
        outcome: sent.result.outcome.word(),
        row: row.line,
        email: &*row.email,
        cname: cname,
        #[serde(flatten)]
        end: EndFields::new(info, &sent, redactor, if unrecorded { &warning } else { &[] }),
        due: due,
    })
}

/// How a run of a list ended.
pub struct RunEnd<'a> {
    pub exit: Exit,
    pub tally: &'a Tally,
    pub elapsed: Duration,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The command to run next.
    pub next: Option<&'a str>,
    pub error: Option<&'a ErrorReport>,
}

pub fn summary(facts: &PlanFacts, end: &RunEnd, warnings: &[String], redactor: &Redactor) -> String {
    let RunEnd { exit, tally, .. } = end;
    json_line(&document! {
        schema: "vescli.summary/1",
        ok: *exit == Exit::Accepted,
        rows: facts.list.rows.len(),
        #[serde(flatten)]
        list: tally.of_list(facts.plan),
        this_run: tally.ended,
        requests: tally.requests,
        repeats: facts.list.repeats,
        invalid: facts.list.bad.len(),
        elapsed_ms: milliseconds(end.elapsed),
        tenant: &facts.settings.tenant,
        url: facts.url,
        cname: facts.cname,
        input: facts.name,
        journal: facts.journal,
        signal: end.signal,
        go_on: end.next,
        exit_code: end.signal.map_or(exit.code(), |signal| Ending::Signal(signal).code()),
        error: end.error.map(|error| ErrorDocument::of_report(error, redactor)),
        warnings: warnings,
        known: known(facts),
        due: tally.of_list(facts.plan).due(),
        beyond_limit: facts.plan.beyond_limit.total(),
        shard: facts.bulk.shard.map(|shard| shard.to_string()),
    })
}

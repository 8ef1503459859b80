//! The JSON document of a result: one shape for success, failure and usage errors. The order of the fields is fixed,
//! and fields are only ever added.

use serde::Serialize;

use super::{ErrorReport, SendResult, Subject, words};
use crate::api::outcome::Outcome;
use crate::api::retry::is_repeatable;
use crate::report::exit::Exit;
use crate::report::safe_text::SafeText;

/// The name and the version of the shape.
pub const RESULT_SCHEMA: &str = "vescli.result/1";

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultDocument {
    pub schema: &'static str,
    pub ok: bool,
    pub outcome: &'static str,
    pub email: Option<String>,
    pub cname: Option<String>,
    pub tenant: Option<String>,
    pub url: Option<String>,
    pub status: Option<u16>,
    pub attempts: u64,
    pub elapsed_ms: u64,
    pub exit_code: u8,
    pub error: Option<ErrorDocument>,
    pub warnings: Vec<String>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorDocument {
    pub class: &'static str,
    pub message: String,
    pub server_code: Option<i64>,
    pub server_message: Option<String>,
    pub safe_to_retry: bool,
    pub retry_after_s: Option<u64>,
    pub hint: Option<String>,
    pub cause: Option<String>,
    pub location: Option<String>,
}

impl ResultDocument {
    /// The document of a request that was made.
    pub fn of_sent(subject: &Subject, sent: &SendResult, safe: &SafeText, warnings: Vec<String>) -> Self {
        let exit = sent.exit();
        let ok = sent.result.outcome == Outcome::Accepted;
        Self {
            status: sent.result.status,
            attempts: sent.attempts,
            elapsed_ms: u64::try_from(sent.elapsed.as_millis()).unwrap_or(u64::MAX),
            error: (!ok).then(|| ErrorDocument::of_sent(subject, sent, safe)),
            warnings,
            ..Self::blank(subject, sent.result.outcome.word(), exit)
        }
    }

    /// The document of something that kept the request from being made.
    pub fn of_trouble(subject: &Subject, exit: Exit, error: ErrorDocument) -> Self {
        Self { error: Some(error), ..Self::blank(subject, Outcome::NotSent.word(), exit) }
    }

    /// The document of a request of which nothing else is known yet.
    pub(super) fn about(subject: &Subject) -> Self {
        Self::blank(subject, Outcome::NotSent.word(), Exit::Internal)
    }

    fn blank(subject: &Subject, outcome: &'static str, exit: Exit) -> Self {
        Self {
            schema: RESULT_SCHEMA,
            ok: exit == Exit::Accepted,
            outcome,
            email: subject.email.clone(),
            cname: subject.cname.clone(),
            tenant: subject.tenant.clone(),
            url: subject.url.clone(),
            status: None,
            attempts: 0,
            elapsed_ms: 0,
            exit_code: exit.code(),
            error: None,
            warnings: Vec::new(),
        }
    }
}

impl ErrorDocument {
    pub(super) fn of_sent(subject: &Subject, sent: &SendResult, safe: &SafeText) -> Self {
        let result = &sent.result;
        let says = result.says.as_ref();
        let row = sent.exit().row();
        Self {
            class: row.name,
            message: row.title.to_owned(),
            server_code: says.and_then(crate::api::answer::ServerSays::code),
            server_message: says.and_then(|says| says.message()).map(|text| safe.exact(text)),
            safe_to_retry: is_repeatable(result),
            retry_after_s: result.retry_after.map(|wait| wait.as_secs()),
            hint: Some(words::hint(subject, result)),
            cause: result.cause.as_deref().map(|text| safe.exact(text)),
            location: result.location.as_deref().map(|text| safe.exact(text)),
        }
    }

    /// The part of the document that tells of something local.
    pub fn of_trouble(trouble: &ErrorReport, safe: &SafeText) -> Self {
        Self {
            class: trouble.exit.row().name,
            message: safe.exact(&trouble.message),
            server_code: None,
            server_message: None,
            safe_to_retry: matches!(trouble.exit, Exit::Locked | Exit::OsError),
            retry_after_s: None,
            hint: trouble.hint.clone(),
            cause: None,
            location: None,
        }
    }
}

//! The result of a request: what an answer or a failure means for the recipient. An [`AttemptResult`] is made from a
//! [`Reply`] or a [`Failure`]. There is no I/O here, so that tests can list all inputs.

use std::time::Duration;

use super::answer::{self, Body, BodyContent, Cut, Reply};
pub use super::exit::Class;

/// What it means for the recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The service took the request.
    Accepted,
    /// The service refused the request: no one was mailed.
    Rejected,
    /// The request was not sent: no one was mailed.
    NotSent,
    /// The request was sent, and no answer shows its outcome: the person may have been mailed.
    Unknown,
}

impl Outcome {
    /// The word that JSON, the journal and the help use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

impl Class {
    /// The class of an HTTP status; that of a 2xx also depends on the body. None for 1xx, which is not a final answer, and
    /// above 599, which is not HTTP (RFC 9110, section 15).
    pub const fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            200..=299 => Self::Accepted,
            300..=399 => Self::Redirected,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 => Self::Conflict,
            429 => Self::RateLimited,
            400..=499 => Self::ClientError,
            500 => Self::ServerError,
            502 => Self::BadGateway,
            503 => Self::Unavailable,
            504 => Self::ServerTimeout,
            500..=599 => Self::ServerErrorOther,
            _ => return None,
        })
    }
}

/// A request that got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class that the error shows; [`Class::BrokenReply`] for anything that has no class of its own.
    pub class: Class,
    /// Whether a connection (TCP, TLS and tunnel) was established, so that the request may have been sent.
    pub connected: bool,
    /// A text from the libraries below; never contains a secret.
    pub cause: String,
}

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptResult {
    pub outcome: Outcome,
    pub class: Class,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    pub content: Option<BodyContent>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// Where a 3xx points to, exactly as sent.
    pub location: Option<String>,
    /// A text: the cause of a failure, or why a 2xx does not prove that the request was accepted.
    pub cause: Option<String>,
    /// How long vescli waited for the user, if the user did not appear.
    pub waited: Option<Duration>,
}

impl AttemptResult {
    /// The result of an attempt that got no answer.
    pub fn without_answer(outcome: Outcome, class: Class, cause: impl Into<String>) -> Self {
        Self {
            outcome,
            class,
            status: None,
            content: None,
            retry_after: None,
            location: None,
            cause: Some(cause.into()),
            waited: None,
        }
    }
}

impl From<Reply> for AttemptResult {
    fn from(reply: Reply) -> Self {
        let Reply { status, retry_after, location, body } = reply;
        let content = answer::read_body(&body);
        let fault = if matches!(status, 200..=299) { fault(&body, &content) } else { None };
        let (outcome, class) = match (fault, Class::of_status(status)) {
            (Some((class, _)), _) => (Outcome::Unknown, class),
            (None, None) => (Outcome::Unknown, Class::BrokenReply),
            (None, Some(Class::Accepted)) => (Outcome::Accepted, Class::Accepted),
            (None, Some(class)) if status < 500 => (Outcome::Rejected, class),
            (None, Some(Class::Unavailable)) if retry_after.is_some() => (Outcome::Rejected, Class::Unavailable),
            (None, Some(class)) => (Outcome::Unknown, class),
        };
        // The body of a 2xx that was cut is not shown: the cause says enough.
        let is_part = fault.is_some() && body.cut.is_some();
        let content = (class != Class::Accepted && !is_part).then_some(content);
        let cause = fault.and_then(|(_, cause)| cause).map(str::to_owned);
        Self { outcome, class, status: Some(status), content, retry_after, location, cause, waited: None }
    }
}

/// The class and the cause of a 2xx whose body does not prove that the request was accepted. Only a complete body can prove
/// it. Without a cause, the content itself shows it.
fn fault(body: &Body, content: &BodyContent) -> Option<(Class, Option<&'static str>)> {
    let (class, cause) = match (body.cut, content) {
        // A broken connection or a time-out within the body has the same class as one before the answer.
        (Some(Cut::BrokenOff), _) => (Class::BrokenReply, "the connection broke before the end of the answer's body"),
        (Some(Cut::OutOfTime), _) => (Class::Timeout, "out of time before the end of the answer's body"),
        (Some(Cut::TooLong), _) => {
            (Class::NotTheApi, "the answer's body is longer than 64 KiB, and the API's answers are not")
        }
        (None, content) if content.is_acceptance() => return None,
        (None, BodyContent::Unreadable) => {
            (Class::NotTheApi, "the answer's body is encoded (Content-Encoding), which was not asked for")
        }
        (None, BodyContent::Object { .. }) => {
            (Class::NotTheApi, "the answer is a JSON object with an `error`, or a `code` other than 0")
        }
        (None, BodyContent::Text(text)) if text.trim().is_empty() => {
            (Class::NotTheApi, "the answer is an empty JSON string, and not an object")
        }
        (None, _) => return Some((Class::NotTheApi, None)),
    };
    Some((class, Some(cause)))
}

impl From<Failure> for AttemptResult {
    fn from(failure: Failure) -> Self {
        let class = match (failure.class, failure.connected) {
            (class @ (Class::Timeout | Class::ClientCertificate), _) => class,
            (_, true) => Class::BrokenReply,
            // Without a connection nothing broke "after the request was sent": it is a failure to connect.
            (Class::BrokenReply, false) => Class::Connect,
            (class, false) => class,
        };
        // Also unknown when the server refuses the client's certificate: in TLS 1.3 the client sends its request before it
        // learns of the refusal, and a server may act on the request before it checks the certificate.
        let outcome = if failure.connected { Outcome::Unknown } else { Outcome::NotSent };
        Self::without_answer(outcome, class, failure.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str, cut: Option<Cut>) -> Body {
        Body { bytes: text.as_bytes().to_vec(), cut, is_encoded: false }
    }

    fn reply(status: u16, body: Body, retry_after: Option<u64>) -> AttemptResult {
        AttemptResult::from(Reply { status, retry_after: retry_after.map(Duration::from_secs), location: None, body })
    }

    #[test]
    fn every_status_has_its_outcome_and_class() {
        for status in 100..=999_u16 {
            let result = reply(status, body("{}", None), None);
            let expected = match status {
                200..=299 => (Outcome::Accepted, Class::Accepted),
                300..=399 => (Outcome::Rejected, Class::Redirected),
                401 => (Outcome::Rejected, Class::Unauthorized),
                403 => (Outcome::Rejected, Class::Forbidden),
                404 => (Outcome::Rejected, Class::NotFound),
                409 => (Outcome::Rejected, Class::Conflict),
                429 => (Outcome::Rejected, Class::RateLimited),
                400 | 402 | 405..=408 | 410..=428 | 430..=499 => (Outcome::Rejected, Class::ClientError),
                500 => (Outcome::Unknown, Class::ServerError),
                502 => (Outcome::Unknown, Class::BadGateway),
                503 => (Outcome::Unknown, Class::Unavailable),
                504 => (Outcome::Unknown, Class::ServerTimeout),
                501 | 505..=599 => (Outcome::Unknown, Class::ServerErrorOther),
                _ => (Outcome::Unknown, Class::BrokenReply),
            };
            assert_eq!((result.outcome, result.class), expected, "{status}");
            assert_eq!(result.status, Some(status));
        }
    }

    #[test]
    fn retry_after_turns_an_unavailable_service_into_a_rejection_and_changes_no_other_outcome() {
        for status in 100..=999_u16 {
            let without = reply(status, body("", None), None);
            let with = reply(status, body("", None), Some(1));
            assert_eq!(with.class, without.class);
            let expected = if status == 503 { Outcome::Rejected } else { without.outcome };
            assert_eq!(with.outcome, expected, "{status}");
        }
    }

    #[test]
    fn a_success_counts_only_with_a_whole_body_of_the_api() {
        let complete = |text| body(text, None);
        let encoded = |cut| Body { is_encoded: true, ..body("{}", cut) };
        let of = |body: &Body| {
            let result = reply(200, body.clone(), None);
            (result.outcome, result.class)
        };
        for text in ["", " \r\n", "{}", " {\"a\":[1]}\n", "{\"code\":0,\"message\":\"\"}"] {
            assert_eq!(of(&complete(text)), (Outcome::Accepted, Class::Accepted), "{text}");
            for (cut, class) in [
                (Cut::BrokenOff, Class::BrokenReply),
                (Cut::OutOfTime, Class::Timeout),
                (Cut::TooLong, Class::NotTheApi),
            ] {
                assert_eq!(of(&body(text, Some(cut))), (Outcome::Unknown, class), "{text}");
                assert_eq!(of(&encoded(Some(cut))), (Outcome::Unknown, class));
            }
        }
        let unknown = (Outcome::Unknown, Class::NotTheApi);
        assert_eq!(of(&encoded(None)), unknown);
        for text in [
            "<html></html>",
            "\"accepted\"",
            "\"\"",
            "[]",
            "null",
            "{",
            "{}{}",
            "ok",
            "{\"code\":7}",
            "{\"error\":\"login required\"}",
        ] {
            assert_eq!(of(&complete(text)), unknown, "{text}");
        }
    }

    #[test]
    fn the_fault_of_a_body_is_a_cause_only_for_a_success() {
        let cut = body("{", Some(Cut::BrokenOff));
        let result = reply(200, cut.clone(), None);
        assert!(result.cause.unwrap().starts_with("the connection broke "));
        assert_eq!(result.content, None);
        for status in [302, 401, 429, 500, 503] {
            let result = reply(status, cut.clone(), None);
            assert_eq!(result.cause, None, "{status}");
            assert!(result.content.is_some(), "{status}");
        }
        assert_eq!(reply(200, body("{}", None), None).cause, None);
    }

    #[test]
    fn a_failure_is_not_sent_exactly_when_no_connection_was_up() {
        use Class::{BrokenReply, Certificate, ClientCertificate, Connect, Dns, Proxy, Timeout, Tls};
        let of = |class, connected| {
            let result = AttemptResult::from(Failure { class, connected, cause: String::new() });
            (result.outcome, result.class)
        };
        for class in [Dns, Connect, Timeout, Tls, ClientCertificate, Certificate, Proxy] {
            assert_eq!(of(class, false), (Outcome::NotSent, class));
        }
        assert_eq!(of(BrokenReply, false), (Outcome::NotSent, Connect));
        for class in [Dns, Connect, Tls, Certificate, Proxy, BrokenReply] {
            assert_eq!(of(class, true), (Outcome::Unknown, BrokenReply));
        }
        assert_eq!(of(Timeout, true), (Outcome::Unknown, Timeout));
        assert_eq!(of(ClientCertificate, true), (Outcome::Unknown, ClientCertificate));
    }
}

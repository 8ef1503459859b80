//! What every status and every failure means, listed.

use super::*;
use crate::api::answer::{Body, Cut};

fn reply(status: u16, body: Body, retry_after: Option<u64>) -> AttemptResult {
    AttemptResult::of(Received::Reply(Reply {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        location: None,
        body,
    }))
}

#[test]
fn every_status_has_its_fate_and_class() {
    for status in 100..=999_u16 {
        let result = reply(status, Body::Complete(b"{}".to_vec()), None);
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
fn retry_after_turns_an_unavailable_service_into_a_rejection_and_changes_no_other_fate() {
    for status in 100..=999_u16 {
        let without = reply(status, Body::Complete(Vec::new()), None);
        let with = reply(status, Body::Complete(Vec::new()), Some(1));
        assert_eq!(with.class, without.class);
        let expected = if status == 503 { Outcome::Rejected } else { without.outcome };
        assert_eq!(with.outcome, expected, "{status}");
    }
}

#[test]
fn a_success_counts_only_with_a_whole_body_of_the_api() {
    let complete = |text: &str| Body::Complete(text.as_bytes().to_vec());
    let of = |body: &Body| {
        let result = reply(200, body.clone(), None);
        (result.outcome, result.class)
    };
    for text in ["", " \r\n", "{}", " {\"a\":[1]}\n", "{\"code\":0,\"message\":\"\"}"] {
        assert_eq!(of(&complete(text)), (Outcome::Accepted, Class::Accepted), "{text}");
        for (cut, class) in
            [(Cut::BrokenOff, Class::BrokenReply), (Cut::OutOfTime, Class::Timeout), (Cut::TooLong, Class::NotTheApi)]
        {
            let bytes = text.as_bytes().to_vec();
            assert_eq!(of(&Body::Cut(bytes, cut)), (Outcome::Unknown, class), "{text}");
            assert_eq!(of(&Body::Encoded(Some(cut))), (Outcome::Unknown, class));
        }
    }
    let doubtful = (Outcome::Unknown, Class::NotTheApi);
    assert_eq!(of(&Body::Encoded(None)), doubtful);
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
        assert_eq!(of(&complete(text)), doubtful, "{text}");
    }
}

#[test]
fn a_doubt_is_told_in_words_and_only_of_a_success() {
    let cut = Body::Cut(b"{".to_vec(), Cut::BrokenOff);
    let told = reply(200, cut.clone(), None);
    assert!(told.cause.unwrap().starts_with("the connection broke "));
    assert_eq!(told.says, None);
    for status in [302, 401, 429, 500, 503] {
        let told = reply(status, cut.clone(), None);
        assert_eq!(told.cause, None, "{status}");
        assert!(told.says.is_some(), "{status}");
    }
    assert_eq!(reply(200, Body::Complete(b"{}".to_vec()), None).cause, None);
}

#[test]
fn a_failure_is_not_sent_exactly_when_no_connection_was_up() {
    use FailureKind::{Broken, Certificate, ClientCertificate, Connect, Dns, Proxy, Timeout, Tls};
    let of = |kind, connected| {
        let result = AttemptResult::of(Received::Failure(Failure { kind, connected, cause: String::new() }));
        (result.outcome, result.class)
    };
    for (kind, class) in [
        (Dns, Class::Dns),
        (Connect, Class::Connect),
        (Timeout, Class::Timeout),
        (Tls, Class::Tls),
        (ClientCertificate, Class::ClientCertificate),
        (Certificate, Class::Certificate),
        (Proxy, Class::Proxy),
        (Broken, Class::Connect),
    ] {
        assert_eq!(of(kind, false), (Outcome::NotSent, class));
    }
    for kind in [Dns, Connect, Tls, Certificate, Proxy, Broken] {
        assert_eq!(of(kind, true), (Outcome::Unknown, Class::BrokenReply));
    }
    assert_eq!(of(Timeout, true), (Outcome::Unknown, Class::Timeout));
    assert_eq!(of(ClientCertificate, true), (Outcome::Unknown, Class::ClientCertificate));
}

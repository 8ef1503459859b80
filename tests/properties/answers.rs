//! Bodies and `Retry-After` values as no server should send them.

use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use vescli::api::answer::{Body, BodyContent, Cut, Reply, read_body, read_retry_after};
use vescli::api::outcome::{AttemptResult, Class, Outcome};

use crate::{config, in_time};

/// Random bytes, and pieces of JSON and HTML in any order, which get further than random bytes do.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "null",
        "true",
        "-1",
        "1e999",
        "\"code\"",
        "\"error\"",
        "0",
        "\"message\"",
        "\"details\"",
        "\"value\"",
        "{}",
        "\"a\"",
        "<html>",
        "<",
        "<!doctype html",
        " ",
        "\n",
        "\0",
        "\u{feff}",
        "é",
        "\u{202e}",
    ]);
    let joined = vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes());
    let deep = (1..2000_usize, prop::bool::ANY).prop_map(|(depth, object)| {
        let (open, close) = if object { ("{\"details\":", "}") } else { ("[", "]") };
        format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes()
    });
    let object = vec((".{0,20}", ".{0,40}"), 0..5).prop_map(|fields| {
        let fields: serde_json::Map<String, Value> = fields.into_iter().map(|(k, v)| (k, Value::from(v))).collect();
        Value::Object(fields).to_string().into_bytes()
    });
    prop_oneof![vec(any::<u8>(), 0..200), joined, deep, object]
}

fn whole(bytes: Vec<u8>) -> Body {
    Body { bytes, cut: None, is_encoded: false }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_whole_body_proves_an_acceptance_exactly_when_it_is_nothing_or_an_object_without_an_error(
        body in bodies(), status in 200..300_u16,
    ) {
        let content = in_time(|| read_body(&whole(body.clone())));
        let trimmed = body.trim_ascii();
        let object = trimmed.first() == Some(&b'{') && is_json(&body);
        // No escape can spell these words in what is made here, so that a look at the bytes finds every error.
        let holds = |word: &[u8]| trimmed.windows(word.len()).any(|window| window == word);
        let may_be_error = holds(b"code") || holds(b"error");
        if trimmed.is_empty() || (object && !may_be_error) {
            prop_assert!(content.is_acceptance(), "{content:?}");
        } else if !object {
            prop_assert!(!content.is_acceptance(), "{content:?}");
        }
        if let Ok(Value::Object(fields)) = serde_json::from_slice(trimmed) {
            let zero = |value: &Value| value.is_null() || value.as_f64() == Some(0.0);
            let error = fields.get("error").is_some_and(|error| !error.is_null())
                || fields.get("code").is_some_and(|code| !zero(code));
            prop_assert!(!(error && content.is_acceptance()), "{content:?}");
        }
        let reply = Reply { status, retry_after: None, location: None, body: whole(body) };
        let outcome = AttemptResult::from(reply);
        let expected = if content.is_acceptance() { (Outcome::Accepted, Class::Accepted) } else { (Outcome::Unknown, Class::NotTheApi) };
        prop_assert_eq!((outcome.outcome, outcome.class), expected);
    }

    #[test]
    fn a_body_that_was_cut_is_read_without_a_guess_and_proves_nothing(body in bodies(), status in 200..300_u16) {
        for cut in [Cut::BrokenOff, Cut::OutOfTime, Cut::TooLong] {
            let part = Body { cut: Some(cut), ..whole(body.clone()) };
            let content = in_time(|| read_body(&part));
            if body.trim_ascii().first() == Some(&b'{') {
                prop_assert_eq!(&content, &BodyContent::Unreadable);
            }
            let encoded = |cut| Body { cut, is_encoded: true, ..whole(body.clone()) };
            for body in [part, encoded(Some(cut)), encoded(None)] {
                let reply = Reply { status, retry_after: None, location: None, body };
                prop_assert_eq!(AttemptResult::from(reply).outcome, Outcome::Unknown);
            }
        }
    }

    #[test]
    fn a_refusal_remains_a_refusal_with_any_body(body in bodies(), status in 300..500_u16) {
        let reply = Reply { status, retry_after: None, location: None, body: whole(body) };
        let outcome = in_time(|| AttemptResult::from(reply));
        prop_assert_eq!(outcome.outcome, Outcome::Rejected);
    }

    #[test]
    fn seconds_are_read_as_they_are(value in "[ \t]{0,3}[0-9]{1,30}[ \t]{0,3}") {
        let read = read_retry_after(&value, None, SystemTime::now()).unwrap();
        let most = u64::from(u32::MAX);
        let expected = value.trim().parse::<u64>().unwrap_or(most).min(most);
        prop_assert_eq!(read, Duration::from_secs(expected));
    }

    #[test]
    fn dates_are_read_against_the_clock(at in 0..4_000_000_000_u64, now in 0..4_000_000_000_u64, own in any::<bool>()) {
        let time = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let date = own.then(|| httpdate::fmt_http_date(time(now)));
        let clock = if own { time(now / 2) } else { time(now) };
        let read = read_retry_after(&httpdate::fmt_http_date(time(at)), date.as_deref(), clock);
        prop_assert_eq!(read, at.checked_sub(now).filter(|wait| *wait > 0).map(Duration::from_secs));
    }

    #[test]
    fn any_other_value_gives_no_wait_or_a_bounded_one(value in ".{0,60}", date in prop::option::of(".{0,40}"), now in any::<u32>()) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(now));
        let read = in_time(|| read_retry_after(&value, date.as_deref(), now));
        prop_assert!(read.is_none_or(|wait| wait <= Duration::from_secs(u64::from(u32::MAX))));
    }

    #[test]
    fn dates_that_are_almost_right_do_no_harm(
        day in "(Mon|Fri|Monday|Xyz)", number in 0..40_u8, month in "(Jan|Dec|Foo)", year in 0..20_000_u32,
        clock in "[0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}", zone in "(GMT|UTC|\\+0100)?",
    ) {
        let values = [
            format!("{day}, {number:02} {month} {year} {clock} {zone}"),
            format!("{day}, {number:02}-{month}-{:02} {clock} {zone}", year % 100),
            format!("{day} {month} {number:>2} {clock} {year}"),
        ];
        for value in values {
            let now = SystemTime::now();
            let read = in_time(|| read_retry_after(&value, Some(&value), now));
            prop_assert_eq!(read, None, "a date is not after itself");
            in_time(|| read_retry_after(&value, None, now));
        }
    }
}

/// Whether it is JSON, found without building or recursing.
fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body.trim_ascii()).is_ok()
}

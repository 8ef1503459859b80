//! How long vescli waits before a retry, measured by the arrivals at the server.

use std::time::{Duration, SystemTime};

use super::{answers, expected, status};
use support::server::Answer;

#[test]
fn seconds_of_retry_after_are_waited_for() {
    let answers_ = [429, 503].map(|code| status(code).header("Retry-After", "1"));
    let requests = answers(answers_.into_iter().chain([Answer::accepted()]), &[], expected("accepted", 0, 3));
    for pair in requests.windows(2) {
        // Measured from arrival to arrival, which is longer than from answer to arrival by the answer alone.
        let waited = pair[1].arrived - pair[0].arrived;
        assert!(waited >= Duration::from_secs(1), "came after {waited:?}");
        assert!(waited < Duration::from_secs(10), "came after {waited:?}");
    }
}

#[test]
fn a_date_of_retry_after_is_waited_for() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let until = httpdate::parse_http_date(&date).unwrap();
    let requests =
        answers([status(429).header("Retry-After", date), Answer::accepted()], &[], expected("accepted", 0, 2));
    let arrived = SystemTime::now() - requests[1].arrived.elapsed();
    assert!(arrived >= until, "the repeat came before the date");
}

#[test]
fn the_date_is_read_by_the_clock_of_the_server() {
    // Both lie in the past; the server's own clock says that a second is left.
    let answer = status(429)
        .header("Date", "Fri, 31 Dec 1999 23:59:58 GMT")
        .header("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT");
    let requests = answers([answer, Answer::accepted()], &[], expected("accepted", 0, 2));
    assert!(requests[1].arrived - requests[0].arrived >= Duration::from_secs(1));
}

#[test]
fn a_longer_wait_than_allowed_ends_it() {
    for (wait, flags) in [
        ("301", vec![]),
        ("2", vec!["--max-retry-after", "1s"]),
        ("99999999999999999999", vec![]),
        ("Fri, 31 Dec 2100 23:59:59 GMT", vec![]),
    ] {
        for (code, exit) in [(429, 42), (503, 53)] {
            let asked = status(code).header("Retry-After", wait);
            answers([asked, Answer::accepted()], &flags, expected("rejected", exit, 1));
        }
    }
}

#[test]
fn an_invalid_or_past_retry_after_is_ignored() {
    for wait in ["soon", "-1", "1.5", "", "Fri, 31 Dec 1999 23:59:59 GMT"] {
        let asked = |code| status(code).header("Retry-After", wait);
        answers([asked(429), Answer::accepted()], &[], expected("accepted", 0, 2));
        answers([asked(503), Answer::accepted()], &[], expected("unknown", 53, 1));
    }
}

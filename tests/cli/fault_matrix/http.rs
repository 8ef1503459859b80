//! The rows in which HTTP itself is valid: every status that matters, and every body that a status came with.

use std::time::Duration;

use super::row::{Group, table};
use super::scene::{answers, body, raw, status};
use support::server::{Answer, End};

const TICK: Duration = Duration::from_millis(5);
const LOGIN_PAGE: &str = "<!DOCTYPE html><html><body><form>Log in</form></body></html>";

fn with(code: u16, name: &str, value: &str) -> super::Scene {
    answers(Answer::status(code).header(name, value).body("{}"))
}

fn says(code: u16, body: &str) -> super::Scene {
    answers(Answer::status(code).body(body))
}

pub(super) fn statuses() -> Group {
    table! { "Statuses";
        "200", status(200) => accepted accepted 0, 1 request, at_once;
        "201", status(201) => accepted accepted 0, 1 request, at_once;
        "202", status(202) => accepted accepted 0, 1 request, at_once;
        "204 without a body", says(204, "") => accepted accepted 0, 1 request, at_once;
        "299", status(299) => accepted accepted 0, 1 request, at_once;
        "103 ahead of a 200", answers(Answer::accepted().after_interim(103)) => accepted accepted 0, 1 request, at_once;
        "100 ahead of a 200", answers(Answer::accepted().after_interim(100)) => accepted accepted 0, 1 request, at_once;
        "101", raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n") => unknown broken_reply 8, 1 request, at_once;
        "102 for ever", answers(Answer::endless_interim(TICK)) => unknown timeout 28, 1 request, timeout;
        "300", status(300) => rejected redirected 30, 1 request, at_once;
        "301", with(301, "Location", "/elsewhere") => rejected redirected 30, 1 request, at_once;
        "302 to a login page", with(302, "Location", "https://login.invalid/") => rejected redirected 30, 1 request, at_once;
        "303", with(303, "Location", "/elsewhere") => rejected redirected 30, 1 request, at_once;
        "304", answers(Answer::status(304)) => rejected redirected 30, 1 request, at_once;
        "307 to itself", with(307, "Location", "/no_auth/send_password_email") => rejected redirected 30, 1 request, at_once;
        "308 to itself", with(308, "Location", "/no_auth/send_password_email") => rejected redirected 30, 1 request, at_once;
        "302 without a Location", status(302) => rejected redirected 30, 1 request, at_once;
        "400", says(400, r#"{"code":3,"details":[],"message":"bad email"}"#) => rejected client_error 40, 1 request, at_once;
        "401", says(401, "\"not authorized\"") => rejected unauthorized 41, 1 request, at_once;
        "402", status(402) => rejected client_error 40, 1 request, at_once;
        "403", says(403, r#"{"code":7,"details":[{"code":"UNKNOWN","details":"no role","timestamp":"x"}],"message":"denied"}"#) => rejected forbidden 43, 1 request, at_once;
        "404", says(404, r#"{"code":5,"details":[{"type_url":"t","value":"v"}],"message":"no such user"}"#) => rejected not_found 44, 1 request, at_once;
        "405", status(405) => rejected client_error 40, 1 request, at_once;
        "407 by the server itself", with(407, "Proxy-Authenticate", "Basic") => rejected client_error 40, 1 request, at_once;
        "408", status(408) => rejected client_error 40, 1 request, at_once;
        "409", says(409, "\"conflicting with current value\"") => rejected conflict 49, 1 request, at_once;
        "410", status(410) => rejected client_error 40, 1 request, at_once;
        "418", says(418, "short and stout") => rejected client_error 40, 1 request, at_once;
        "422", status(422) => rejected client_error 40, 1 request, at_once;
        "425", status(425) => rejected client_error 40, 1 request, at_once;
        "429", says(429, "\"too many requests\"") => rejected rate_limited 42, 1 request, at_once;
        "429 with Retry-After in seconds", with(429, "Retry-After", "30") => rejected rate_limited 42, 1 request, at_once;
        "429 with a garbled Retry-After", with(429, "Retry-After", "soon") => rejected rate_limited 42, 1 request, at_once;
        "499", status(499) => rejected client_error 40, 1 request, at_once;
        "500", says(500, "\"server encountered an error\"") => unknown server_error 50, 1 request, at_once;
        "500 with Retry-After", with(500, "Retry-After", "1") => unknown server_error 50, 1 request, at_once;
        "501", status(501) => unknown server_error_other 59, 1 request, at_once;
        "502 with a gateway's HTML", says(502, "<html><head><title>502</title></head></html>") => unknown bad_gateway 52, 1 request, at_once;
        "503", says(503, "upstream connect error") => unknown unavailable 53, 1 request, at_once;
        "503 with Retry-After in seconds", with(503, "Retry-After", "30") => rejected unavailable 53, 1 request, at_once;
        "503 with Retry-After as a date to come", with(503, "Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT") => rejected unavailable 53, 1 request, at_once;
        "503 with Retry-After as a date gone by", with(503, "Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT") => unknown unavailable 53, 1 request, at_once;
        "503 with a garbled Retry-After", with(503, "Retry-After", "-1") => unknown unavailable 53, 1 request, at_once;
        "504", says(504, "\"server timed out\"") => unknown server_timeout 54, 1 request, at_once;
        "505", status(505) => unknown server_error_other 59, 1 request, at_once;
        "599", status(599) => unknown server_error_other 59, 1 request, at_once;
        "600", status(600) => unknown broken_reply 8, 1 request, at_once;
        "999", status(999) => unknown broken_reply 8, 1 request, at_once;
        "99", raw("HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\n{}") => unknown broken_reply 8, 1 request, at_once;
        "a status in letters", raw("HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\n{}") => unknown broken_reply 8, 1 request, at_once;
        "a status of four digits", raw("HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}") => unknown broken_reply 8, 1 request, at_once;
        "HTTP/1.0", raw("HTTP/1.0 200 OK\r\n\r\n{}") => accepted accepted 0, 1 request, at_once;
    }
}

pub(super) fn bodies() -> Group {
    table! { "200, and a body";
        "an object with fields", body(r#"{"a":[1,{"b":null}]}"#) => accepted accepted 0, 1 request, at_once;
        "an object between blanks", body(" \r\n{}\r\n") => accepted accepted 0, 1 request, at_once;
        "an object as HTML by its type", answers(Answer::accepted().header("Content-Type", "text/html")) => accepted accepted 0, 1 request, at_once;
        "a code of 0 and an error that is null", body(r#"{"code":0,"details":[],"message":"","error":null}"#) => accepted accepted 0, 1 request, at_once;
        "in chunks", answers(Answer::accepted().chunked()) => accepted accepted 0, 1 request, at_once;
        "until the connection closes", answers(Answer::accepted().until_close()) => accepted accepted 0, 1 request, at_once;
        "empty", body("") => accepted accepted 0, 1 request, at_once;
        "empty, as HTML by its type and as gzip by its encoding", answers(Answer::status(200).header("Content-Type", "text/html").header("Content-Encoding", "gzip")) => accepted accepted 0, 1 request, at_once;
        "blanks", body(" \r\n") => accepted accepted 0, 1 request, at_once;
        "an error object with a code", body(r#"{"code":7,"details":[],"message":"permission denied"}"#) => unknown not_the_api 20, 1 request, at_once;
        "an error object with an error", body(r#"{"error":"login required"}"#) => unknown not_the_api 20, 1 request, at_once;
        "an error that is an object", body(r#"{"error":{"code":7}}"#) => unknown not_the_api 20, 1 request, at_once;
        "an error that is empty", body(r#"{"error":""}"#) => unknown not_the_api 20, 1 request, at_once;
        "a code as text", body(r#"{"code":"7"}"#) => unknown not_the_api 20, 1 request, at_once;
        "a code with a fraction", body(r#"{"code":0.5}"#) => unknown not_the_api 20, 1 request, at_once;
        "a code beyond all numbers", body(r#"{"code":1e999}"#) => unknown not_the_api 20, 1 request, at_once;
        "a code that is taken back", body(r#"{"code":7,"code":0}"#) => unknown not_the_api 20, 1 request, at_once;
        "a code spelled in escapes", body(r#"{"\u0063ode":7}"#) => unknown not_the_api 20, 1 request, at_once;
        "a code behind objects 10,000 deep", body(&format!("{{\"a\":{}{},\"code\":7}}", "{\"a\":".repeat(10_000) + "1", "}".repeat(10_000))) => unknown not_the_api 20, 1 request, at_once;
        "a login page", answers(Answer::status(200).header("Content-Type", "text/html").body(LOGIN_PAGE)) => unknown not_the_api 20, 1 request, at_once;
        "HTML as JSON by its type", body(LOGIN_PAGE) => unknown not_the_api 20, 1 request, at_once;
        "a JSON string", body("\"accepted\"") => unknown not_the_api 20, 1 request, at_once;
        "an empty JSON string", body("\"\"") => unknown not_the_api 20, 1 request, at_once;
        "a JSON array", body("[]") => unknown not_the_api 20, 1 request, at_once;
        "null", body("null") => unknown not_the_api 20, 1 request, at_once;
        "a number", body("200") => unknown not_the_api 20, 1 request, at_once;
        "plain text", body("ok") => unknown not_the_api 20, 1 request, at_once;
        "JSON that is not closed", body("{\"a\":") => unknown not_the_api 20, 1 request, at_once;
        "two objects", body("{}{}") => unknown not_the_api 20, 1 request, at_once;
        "bytes that are no text", answers(Answer::status(200).body([0xff, 0xfe, 0x00])) => unknown not_the_api 20, 1 request, at_once;
        "objects 10,000 deep", answers(Answer::nested_json(10_000)) => accepted accepted 0, 1 request, at_once;
        "arrays 100,000 deep", body(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))) => unknown not_the_api 20, 1 request, at_once;
        "a 500 that stalls after its head", answers(Answer::status(500).body("{}").cut_after(0, End::Stall)) => unknown server_error 50, 1 request, timeout;
        "a 429 whose body never ends", answers(Answer::Endless { opening: b"HTTP/1.1 429 No\r\n\r\n".to_vec(), repeated: vec![b'a'; 4096], pause: Duration::ZERO }) => rejected rate_limited 42, 1 request, at_once;
        "a 401 that breaks off", answers(Answer::status(401).body("\"no\"").cut_after(2, End::Reset)) => rejected unauthorized 41, 1 request, at_once;
    }
}

pub(super) fn cut_bodies() -> Group {
    table! { "200, and a body that is cut, encoded or too long";
        "an object shorter than its Content-Length", answers(Answer::accepted().cut_after(1, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "blanks shorter than their Content-Length", answers(Answer::status(200).body("  ").cut_after(1, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "nothing, against its Content-Length", answers(Answer::accepted().cut_after(0, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "a whole object, against its Content-Length", answers(Answer::status(200).body("{}  ").cut_after(2, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "a reset in the middle of an object", answers(Answer::accepted().cut_after(1, End::Reset)) => unknown broken_reply 8, 1 request, at_once;
        "HTML shorter than its Content-Length", answers(Answer::status(200).header("Content-Type", "text/html").body(LOGIN_PAGE).cut_after(20, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "chunks that break off", answers(Answer::accepted().chunked().cut_after(4, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "chunks without an end", answers(Answer::accepted().chunked().cut_after(7, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "a chunk whose length is none", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n") => unknown broken_reply 8, 1 request, at_once;
        "a chunk of 16 exabytes", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}") => unknown broken_reply 8, 1 request, at_once;
        "gzip without being asked", answers(Answer::accepted().gzip()) => unknown not_the_api 20, 1 request, at_once;
        "a login page in gzip", answers(Answer::status(200).header("Content-Type", "text/html").body(LOGIN_PAGE).gzip()) => unknown not_the_api 20, 1 request, at_once;
        "gzip longer than is read", answers(Answer::status(200).body(" ".repeat(200_000)).gzip()) => unknown not_the_api 20, 1 request, at_once;
        "gzip that breaks off", answers(Answer::accepted().gzip().cut_after(9, End::Close)) => unknown broken_reply 8, 1 request, at_once;
        "an unknown encoding", answers(Answer::accepted().header("Content-Encoding", "x")) => unknown not_the_api 20, 1 request, at_once;
        "an encoding named in a second header", answers(Answer::accepted().header("Content-Encoding", "identity").header("Content-Encoding", "br")) => unknown not_the_api 20, 1 request, at_once;
        "an object longer than is read", answers(Answer::status(200).body(format!("{{{}}}", " ".repeat(70_000)))) => unknown not_the_api 20, 1 request, at_once;
        "an endless object", answers(Answer::endless_body()) => unknown not_the_api 20, 1 request, at_once;
        "endless HTML", answers(Answer::Endless { opening: b"HTTP/1.1 200 OK\r\n\r\n<html>".to_vec(), repeated: vec![b' '; 4096], pause: Duration::ZERO }) => unknown not_the_api 20, 1 request, at_once;
        "an object, a byte at a time", answers(Answer::status(200).body(format!("{{{:999}}}", "")).dripping(TICK * 20)) => unknown timeout 28, 1 request, timeout;
        "a JSON string, a byte at a time", answers(Answer::status(200).body(format!("\"{:999}\"", "")).dripping(TICK * 20)) => unknown timeout 28, 1 request, timeout;
        "nothing more after the head", answers(Answer::accepted().cut_after(0, End::Stall)) => unknown timeout 28, 1 request, timeout;
        "nothing more within the object", answers(Answer::accepted().cut_after(1, End::Stall)) => unknown timeout 28, 1 request, timeout;
        "objects 100,000 deep, which are longer than is read", answers(Answer::nested_json(100_000)) => unknown not_the_api 20, 1 request, at_once;
    }
}

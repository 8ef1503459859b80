//! The sandbox from outside: raw bytes over TCP against the running server, and real commands under `run`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::exchange::Rules;
use super::server::{Limits, Server};

#[cfg(unix)]
#[path = "command_tests.rs"]
mod command_tests;
#[path = "limit_tests.rs"]
mod limit_tests;
#[path = "log_tests.rs"]
mod log_tests;

const PATH: &str = "/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email";

/// How long a test waits for the server before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(10);

fn rules() -> Rules {
    Rules { rate: None, token: None, log: None, slow: super::SLOW, limits: Limits::default() }
}

fn server(rules: Rules) -> Server {
    Server::start(rules).unwrap()
}

/// One request over a connection of its own; everything that came back, as text.
fn exchange(server: &Server, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(stream, "{head}Connection: close\r\nContent-Length: {length}\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn head(more: &str) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\n{more}"
    )
}

fn mail_with(server: &Server, email: &str, more: &str) -> Event {
    let body = json!({"email": email, "cname": "example"}).to_string();
    Event::read(&exchange(server, &head(more), body.as_bytes()))
}

fn mail(server: &Server, email: &str) -> Event {
    mail_with(server, email, "")
}

/// An answer taken apart.
#[derive(Debug, PartialEq)]
struct Event {
    status: u16,
    head: String,
    body: String,
}

impl Event {
    fn read(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let (version, rest) = head.split_once(' ').unwrap();
        assert_eq!(version, "HTTP/1.1");
        Self { status: rest[..3].parse().unwrap(), head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(prefix.as_str()))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[test]
fn it_listens_on_loopback_only() {
    assert!(server(rules()).address().ip().is_loopback());
}

#[test]
fn any_other_recipient_is_accepted_on_both_paths() {
    let server = server(rules());
    let told = mail(&server, "ada@example.com");
    assert_eq!((told.status, told.body.as_str()), (200, "{}"));
    assert_eq!(told.header("content-type"), Some("application/json"));
    let short = head("").replace(PATH, "/no_auth/send_password_email");
    let answer = exchange(&server, &short, br#"{"email":"ada@example.com"}"#);
    assert_eq!(Event::read(&answer).status, 200);
}

#[test]
fn a_status_is_answered_in_the_form_of_its_class() {
    let server = server(rules());
    let told = mail(&server, "status-429@example.com");
    assert_eq!(told.status, 429);
    assert_eq!(told.header("retry-after"), Some("1"));
    assert_eq!(told.json(), json!({"code": 8, "details": [], "message": "too many requests"}));
    let told = mail(&server, "Status-503@example.com");
    assert_eq!((told.status, told.header("retry-after")), (503, Some("1")));
    assert_eq!(told.json(), json!("service unavailable"));
    let told = mail(&server, "status-500@example.com");
    assert_eq!((told.status, told.header("retry-after")), (500, None));
    let told = mail(&server, "status-204@example.com");
    assert_eq!((told.status, told.body.as_str()), (204, ""));
    let told = mail(&server, "status-599@example.com");
    assert_eq!(told.json(), json!("status 599"));
    let told = mail(&server, "status-199@example.com");
    assert_eq!(told.status, 400);
    assert!(told.body.contains("200 to 599"), "{}", told.body);
}

#[test]
fn a_flaky_recipient_fails_once_per_address() {
    let server = server(rules());
    for (email, status) in [
        ("flaky-503@example.com", 503),
        ("flaky-503@example.com", 200),
        ("FLAKY-503@Example.com", 200),
        ("flaky-503@example.org", 503),
        ("flaky-429@example.com", 429),
        ("flaky-429@example.com", 200),
    ] {
        assert_eq!(mail(&server, email).status, status, "{email}");
    }
}

#[test]
fn a_drop_reads_everything_and_answers_nothing() {
    let server = server(rules());
    let body = br#"{"email":"drop@example.com"}"#;
    assert_eq!(exchange(&server, &head(""), body), "");
    assert_eq!(mail(&server, "ada@example.com").status, 200);
}

#[test]
fn a_slow_recipient_holds_up_nobody_else() {
    let slow = Duration::from_secs(1);
    let server = server(Rules { slow, ..rules() });
    let start = Instant::now();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let body = r#"{"email":"slow@example.com"}"#;
    let length = body.len();
    write!(stream, "{}Content-Length: {length}\r\n\r\n{body}", head("")).unwrap();
    assert_eq!(mail(&server, "ada@example.com").status, 200);
    let others = start.elapsed();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    assert!(start.elapsed() >= slow);
    assert!(others < slow, "{others:?}");
}

#[test]
fn login_pages_come_as_a_200_and_behind_a_302() {
    let server = server(rules());
    let told = mail(&server, "html@example.com");
    assert_eq!(told.status, 200);
    assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(told.body.starts_with("<!doctype html>") || told.body.starts_with("<!DOCTYPE html>"));
    let told = mail(&server, "redirect@example.com");
    assert_eq!((told.status, told.header("location")), (302, Some("/login")));
    let told = mail(&server, "status-308@example.com");
    assert_eq!((told.status, told.header("location")), (308, Some("/login")));
    let answer = exchange(&server, "GET /login HTTP/1.1\r\nHost: localhost\r\n", b"");
    let told = Event::read(&answer);
    assert_eq!(told.status, 400);
    assert!(told.body.contains("followed the redirect"), "{}", told.body);
}

#[test]
fn a_broken_contract_is_a_400_that_says_why() {
    let server = server(rules());
    let told = Event::read(&exchange(&server, &head(""), br#"{"mail":"a@b.co"}"#));
    assert_eq!(told.status, 400);
    assert_eq!(told.json(), json!({"code": 3, "details": [], "message": "the body has no email"}));
    let told = mail_with(&server, "ada@example.com", "Authorization: Bearer x\r\n");
    assert_eq!(told.status, 400);
    let absolute = head("").replace(PATH, &format!("http://localhost{PATH}"));
    let told = Event::read(&exchange(&server, &absolute, b"{}"));
    assert!(told.body.contains("no operation at"), "{}", told.body);
}

#[test]
fn a_body_is_read_up_to_64_kib() {
    let server = server(rules());
    let mut body = br#"{"email":"ada@example.com"}"#.to_vec();
    body.resize(64 * 1024, b' ');
    assert_eq!(Event::read(&exchange(&server, &head(""), &body)).status, 200);
    body.push(b' ');
    let told = Event::read(&exchange(&server, &head(""), &body));
    assert_eq!(told.status, 413);
    assert!(told.body.contains("65536 bytes"), "{}", told.body);
}

#[test]
fn require_auth_takes_one_token_only() {
    let server = server(Rules { token: Some("right".to_owned()), ..rules() });
    for (more, status) in [
        ("", 401),
        ("Authorization: APIToken wrong\r\n", 401),
        ("Authorization: APIToken right\r\n", 200),
        ("Authorization: Bearer right\r\n", 400),
    ] {
        let told = mail_with(&server, "ada@example.com", more);
        assert_eq!(told.status, status, "{more}");
        if status == 401 {
            assert_eq!(told.json()["code"], json!(16));
        }
    }
}

#[test]
fn beyond_the_rate_it_answers_429_and_the_wait() {
    let server = server(Rules { rate: Some("2/h".parse().unwrap()), ..rules() });
    let broken = exchange(&server, &head(""), b"{}");
    assert_eq!(Event::read(&broken).status, 400);
    assert_eq!(mail(&server, "ada@example.com").status, 200);
    assert_eq!(mail(&server, "bob@example.com").status, 200);
    let told = mail(&server, "eve@example.com");
    assert_eq!((told.status, told.header("retry-after")), (429, Some("3600")));
}

#[test]
fn a_connection_carries_several_requests_and_a_stopped_server_none() {
    let server = server(rules());
    let address = server.address();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for _ in 0..3 {
        let body = r#"{"email":"ada@example.com"}"#;
        let length = body.len();
        write!(stream, "{}Content-Length: {length}\r\n\r\n{body}", head("")).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n{}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
    }
    drop(server);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert!(TcpStream::connect(address).is_err());
}

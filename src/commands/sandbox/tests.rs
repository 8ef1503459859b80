//! Tests of the running server with raw bytes over TCP: its answers, its limits, its log.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::server::{Rules, Server, open_log};

const PATH: &str = "/api/v1/api/production/us-east-1/namespaces/default/no_auth/send_password_email";

/// How long a test waits for the server before it fails instead of hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

fn server(rules: Rules) -> Server {
    Server::start(Server::listen(0).unwrap(), rules).unwrap()
}

/// Sends one request on a connection of its own, and returns everything that came back, as text.
fn exchange(server: &Server, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
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

fn mail_with(server: &Server, email: &str, more: &str) -> Reply {
    let body = json!({"email": email, "cname": "example"}).to_string();
    Reply::read(&exchange(server, &head(more), body.as_bytes()))
}

fn mail(server: &Server, email: &str) -> Reply {
    mail_with(server, email, "")
}

/// The parts of an answer.
#[derive(Debug, PartialEq)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
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
    assert!(server(Rules::default()).address.ip().is_loopback());
}

#[test]
fn any_other_recipient_is_accepted_on_both_paths() {
    let server = server(Rules::default());
    let reply = mail(&server, "ada@example.com");
    assert_eq!((reply.status, reply.body.as_str()), (200, "{}"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let short = head("").replace(PATH, "/no_auth/send_password_email");
    let answer = exchange(&server, &short, br#"{"email":"ada@example.com"}"#);
    assert_eq!(Reply::read(&answer).status, 200);
}

#[test]
fn a_status_is_answered_in_the_form_of_its_class() {
    let server = server(Rules::default());
    let reply = mail(&server, "status-429@example.com");
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.json(), json!({"code": 8, "details": [], "message": "too many requests"}));
    let reply = mail(&server, "Status-503@example.com");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert_eq!(reply.json(), json!("service unavailable"));
    let reply = mail(&server, "status-500@example.com");
    assert_eq!((reply.status, reply.header("retry-after")), (500, None));
    let reply = mail(&server, "status-204@example.com");
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    let reply = mail(&server, "status-599@example.com");
    assert_eq!(reply.json(), json!("status 599"));
    let reply = mail(&server, "status-199@example.com");
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("200 to 599"), "{}", reply.body);
}

#[test]
fn a_flaky_recipient_fails_once_per_address() {
    let server = server(Rules::default());
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
fn a_late_recipient_is_not_found_for_its_time_from_its_own_first_request_on() {
    let server = server(Rules::default());
    let start = Instant::now();
    assert_eq!(mail(&server, "late-200ms@example.com").status, 404);
    while mail(&server, "LATE-200ms@example.com").status == 404 {}
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(mail(&server, "late-200ms@example.com").status, 200);
    assert_eq!(mail(&server, "late-10m@example.org").status, 404);
    assert_eq!(mail(&server, "late-10m@example.org").status, 404);
}

#[test]
fn a_drop_reads_everything_and_answers_nothing() {
    let server = server(Rules::default());
    let body = br#"{"email":"drop@example.com"}"#;
    assert_eq!(exchange(&server, &head(""), body), "");
    assert_eq!(mail(&server, "ada@example.com").status, 200);
}

#[test]
fn a_slow_recipient_delays_no_one_else() {
    let slow = Duration::from_secs(1);
    let server = server(Rules { slow, ..Rules::default() });
    let start = Instant::now();
    let mut stream = TcpStream::connect(server.address).unwrap();
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
    let server = server(Rules::default());
    let reply = mail(&server, "html@example.com");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(reply.body.starts_with("<!doctype html>") || reply.body.starts_with("<!DOCTYPE html>"));
    let reply = mail(&server, "redirect@example.com");
    assert_eq!((reply.status, reply.header("location")), (302, Some("/login")));
    let reply = mail(&server, "status-308@example.com");
    assert_eq!((reply.status, reply.header("location")), (308, Some("/login")));
    let answer = exchange(&server, "GET /login HTTP/1.1\r\nHost: localhost\r\n", b"");
    let reply = Reply::read(&answer);
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("followed the redirect"), "{}", reply.body);
}

#[test]
fn a_broken_contract_is_a_400_that_says_why() {
    let server = server(Rules::default());
    let reply = Reply::read(&exchange(&server, &head(""), br#"{"mail":"a@b.co"}"#));
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json(), json!({"code": 3, "details": [], "message": "the body has no email"}));
    let reply = mail_with(&server, "ada@example.com", "Authorization: Bearer x\r\n");
    assert_eq!(reply.status, 400);
    let absolute = head("").replace(PATH, &format!("http://localhost{PATH}"));
    let reply = Reply::read(&exchange(&server, &absolute, b"{}"));
    assert!(reply.body.contains("no operation at"), "{}", reply.body);
}

#[test]
fn a_body_is_read_up_to_64_kib() {
    let server = server(Rules::default());
    let mut body = br#"{"email":"ada@example.com"}"#.to_vec();
    body.resize(64 * 1024, b' ');
    assert_eq!(Reply::read(&exchange(&server, &head(""), &body)).status, 200);
    body.push(b' ');
    let reply = Reply::read(&exchange(&server, &head(""), &body));
    assert_eq!(reply.status, 413);
    assert!(reply.body.contains("65536 bytes"), "{}", reply.body);
}

#[test]
fn require_auth_takes_one_token_only() {
    let server = server(Rules { token: Some("right".to_owned()), ..Rules::default() });
    for (more, status) in [
        ("", 401),
        ("Authorization: APIToken wrong\r\n", 401),
        ("Authorization: APIToken right\r\n", 200),
        ("Authorization: Bearer right\r\n", 400),
    ] {
        let reply = mail_with(&server, "ada@example.com", more);
        assert_eq!(reply.status, status, "{more}");
        if status == 401 {
            assert_eq!(reply.json()["code"], json!(16));
        }
    }
}

#[test]
fn beyond_the_rate_it_answers_429_and_the_wait() {
    let server = server(Rules { rate: Some("2/h".parse().unwrap()), ..Rules::default() });
    let broken = exchange(&server, &head(""), b"{}");
    assert_eq!(Reply::read(&broken).status, 400);
    assert_eq!(mail(&server, "ada@example.com").status, 200);
    assert_eq!(mail(&server, "bob@example.com").status, 200);
    let reply = mail(&server, "eve@example.com");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3600")));
}

#[test]
fn a_connection_carries_several_requests_and_a_stopped_server_none() {
    let server = server(Rules::default());
    let address = server.address;
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

/// A connection that has sent only this text.
fn hanging(server: &Server, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

#[test]
fn a_request_that_does_not_come_to_its_end_is_hung_up_on() {
    let patience = Duration::from_millis(300);
    let server = server(Rules { patience, ..Rules::default() });
    let body = head("Content-Length: 100\r\n\r\n{\"email\":");
    for begun in ["", "POST /x HTTP/1.1\r\nHost: x\r\nA: ", &body] {
        let start = Instant::now();
        let mut stream = hanging(&server, begun);
        let mut rest = String::new();
        // The server may answer with a reason, or close the connection with bytes unread: both are fine.
        let _ = stream.read_to_string(&mut rest);
        assert!(start.elapsed() < PATIENCE, "{begun:?} was not hung up on");
        assert!(!rest.contains("200 OK"), "{rest}");
    }
}

#[test]
fn connections_that_hang_block_no_one_for_ever() {
    let server = server(Rules { connections: 2, patience: Duration::from_millis(300), ..Rules::default() });
    let _hung = [hanging(&server, "POST "), hanging(&server, "POST ")];
    assert_eq!(mail(&server, "ada@example.com").status, 200);
}

#[test]
fn no_more_connections_are_served_at_a_time_than_allowed() {
    let slow = Duration::from_millis(300);
    let server = server(Rules { slow, connections: 1, ..Rules::default() });
    let start = Instant::now();
    let requests = ["slow@example.com", "slow@example.org"].map(|email| {
        let body = json!({"email": email, "cname": "example"}).to_string();
        let length = body.len();
        let head = head("Connection: close\r\n");
        hanging(&server, &format!("{head}Content-Length: {length}\r\n\r\n{body}"))
    });
    for mut request in requests {
        let mut answer = String::new();
        request.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    // If both ran at the same time, it would take half as long.
    assert!(start.elapsed() >= 2 * slow);
}

/// The lines of a log. The last one must be complete.
pub(super) fn log_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_request_has_its_line_before_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let server = server(Rules { log: Some(open_log(&path).unwrap()), ..Rules::default() });
    let secret = "Authorization: APIToken hunter2\r\nCookie: hunter2\r\n";
    mail_with(&server, "ada@example.com", secret);
    let first = &log_lines(&path)[0];
    let keys = ["at", "method", "path", "headers", "body", "violation", "status"];
    let raw = std::fs::read_to_string(&path).unwrap();
    let places: Vec<_> = keys.map(|key| raw.find(&format!("\"{key}\":")).unwrap()).into();
    assert!(places.is_sorted(), "{raw}");
    assert!(humantime::parse_rfc3339(first["at"].as_str().unwrap()).is_ok());
    assert_eq!((&first["method"], &first["path"]), (&json!("POST"), &json!(PATH)));
    assert_eq!(first["headers"]["authorization"], json!("APIToken ***"));
    assert_eq!(first["headers"]["cookie"], json!("***"));
    assert_eq!(first["headers"]["accept"], json!("application/json"));
    assert_eq!(first["body"], json!({"email": "ada@example.com", "cname": "example"}));
    assert_eq!((&first["violation"], &first["status"]), (&Value::Null, &json!(200)));

    mail_with(&server, "ada@example.com", "Authorization: hunter2\r\n");
    exchange(&server, &head(""), b"{hunter");
    exchange(&server, &head(""), br#"{"email":"drop@example.com"}"#);
    let mut slow = TcpStream::connect(server.address).unwrap();
    let body = br#"{"email":"slow@example.com"}"#;
    write!(slow, "{}Content-Length: {}\r\n\r\n", head(""), body.len()).unwrap();
    slow.write_all(body).unwrap();
    drop(slow.shutdown(Shutdown::Both));
    let start = Instant::now();
    while log_lines(&path).len() < 5 {
        assert!(start.elapsed() < Duration::from_secs(5), "no fifth line");
        std::thread::sleep(Duration::from_millis(5));
    }
    let lines = log_lines(&path);
    let statuses: Vec<_> = lines.iter().map(|line| &line["status"]).collect();
    assert_eq!(json!(statuses), json!([200, 400, 400, null, 200]));
    assert_eq!(lines[1]["headers"]["authorization"], json!("***"));
    assert_eq!(lines[2]["body"], json!("{hunter"));
    let violation = lines[2]["violation"].as_str().unwrap();
    assert!(violation.starts_with("the body is not JSON"), "{violation}");
    assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"));
}

#[test]
fn the_log_is_made_for_its_owner_and_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for count in 1..=2 {
        let server = server(Rules { log: Some(open_log(&path).unwrap()), ..Rules::default() });
        mail(&server, "ada@example.com");
        assert_eq!(log_lines(&path).len(), count);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

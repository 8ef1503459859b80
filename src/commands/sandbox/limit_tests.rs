//! Clients that hang: they are hung up on in time, and do not keep out others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::exchange::Rules;
use super::super::server::{Limits, Server};
use super::{PATIENCE, head, mail, rules, server};

/// A connection that has sent this and nothing more.
fn hanging(server: &Server, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

#[test]
fn a_request_that_does_not_come_to_its_end_is_hung_up_on() {
    let patience = Duration::from_millis(300);
    let limits = Limits { connections: 512, patience };
    let server = server(Rules { limits, ..rules() });
    let body = head("Content-Length: 100\r\n\r\n{\"email\":");
    for begun in ["", "POST /x HTTP/1.1\r\nHost: x\r\nA: ", &body] {
        let start = Instant::now();
        let mut stream = hanging(&server, begun);
        let mut rest = String::new();
        // Whether it is told why, or cut off with bytes unread, is all the same.
        let _ = stream.read_to_string(&mut rest);
        assert!(start.elapsed() < PATIENCE, "{begun:?} was not hung up on");
        assert!(!rest.contains("200 OK"), "{rest}");
    }
}

#[test]
fn connections_that_hang_keep_nobody_out_for_ever() {
    let limits = Limits { connections: 2, patience: Duration::from_millis(300) };
    let server = server(Rules { limits, ..rules() });
    let _hung = [hanging(&server, "POST "), hanging(&server, "POST ")];
    assert_eq!(mail(&server, "ada@example.com").status, 200);
}

#[test]
fn no_more_connections_are_served_at_a_time_than_allowed() {
    let slow = Duration::from_millis(300);
    let limits = Limits { connections: 1, ..Limits::default() };
    let server = server(Rules { slow, limits, ..rules() });
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
    // At the same time they would take half as long.
    assert!(start.elapsed() >= 2 * slow);
}

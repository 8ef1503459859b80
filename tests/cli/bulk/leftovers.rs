//! A server that sends more than it was asked for: what is ready on a kept connection before the next request is not an
//! answer to it, and proves nothing about its row.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{again_on, each_once, lines, mailed};
use support::certificates::Authority;
use support::harness::Vescli;
use support::server::{Answer, End, Server, Setup};

const ACCEPTED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// A second acceptance in one piece with the first, and one that comes after it by itself, again and again.
fn leftovers() -> [Answer; 3] {
    [
        Answer::Raw { bytes: ACCEPTED.repeat(2).into_bytes(), end: End::KeepAlive },
        Answer::Raw { bytes: format!("{ACCEPTED}\r\n").into_bytes(), end: End::KeepAlive },
        unasked(),
    ]
}

fn unasked() -> Answer {
    Answer::Endless {
        opening: ACCEPTED.as_bytes().to_vec(),
        repeated: ACCEPTED.as_bytes().to_vec(),
        pause: Duration::from_millis(2),
    }
}

#[test]
fn no_row_is_accepted_by_an_answer_that_was_there_before_its_request() {
    let authority = Authority::new();
    let servers: [&dyn Fn() -> Setup; 2] = [&Server::http, &|| Server::https(authority.server())];
    for setup in servers {
        for answer in leftovers() {
            let server = setup().answer(answer).start();
            let vescli = Vescli::new().file("list.txt", lines(3)).file("ca.pem", authority.pem());
            again_on(vescli, &server)
                .args(["--keep-alive", "--jobs", "1", "--rate", "3/s"])
                .args(["--cacert", "ca.pem"])
                .stdout_contains("this run: 3 accepted (3 requests")
                .run();
            assert_eq!(mailed(&server), each_once(3));
            assert_eq!(server.connections().len(), 3);
        }
    }
}

/// The count above detects a client that takes what is ready for its answer.
#[test]
fn an_answer_sent_before_its_request_is_not_counted() {
    let server = Server::http().answer(unasked()).start();
    let mut client = TcpStream::connect(server.address()).unwrap();
    let mut accepted = 0;
    for email in ["a0@example.com", "a1@example.com"] {
        let body = format!("{{\"email\":\"{email}\"}}");
        let length = body.len();
        write!(client, "POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = vec![0; ACCEPTED.len()];
        client.read_exact(&mut answer).unwrap();
        accepted += usize::from(answer == ACCEPTED.as_bytes());
    }
    assert_eq!(accepted, 2);
    assert_eq!(mailed(&server), each_once(1));
}

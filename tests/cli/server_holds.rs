//! Holds the scripted server to its promises: what it writes down, what it counts, how strict it is.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use support::server::{Answer, Behaviour, Recorded, Server};

pub(crate) const POST: &str = "POST /path HTTP/1.1\r\nHost: here\r\nX-Twice: a\r\nX-Twice: b\r\n\
    Content-Length: 7\r\n\r\n{\"a\":1}";

/// A connection whose reads fail rather than hang for ever.
pub(crate) fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends a request and reads all that comes, hanging up our side after the request.
pub(crate) fn exchange(server: &Server, request: &str) -> io::Result<Vec<u8>> {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_request_is_written_down() {
    let before = Instant::now();
    let server = Server::http().start();
    exchange(&server, POST).unwrap();
    let request = server.request();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/path"));
    assert_eq!(request.headers[0], ("Host".to_owned(), "here".to_owned()));
    assert_eq!(request.headers.len(), 4);
    assert_eq!(request.header("content-length"), Some("7"));
    assert_eq!(request.header("absent"), None);
    assert_eq!(request.json()["a"], 1);
    assert_eq!([request.head, request.body].concat(), POST.as_bytes());
    assert!(request.complete && request.arrived > before && request.connection == 0);
    let connections = server.connections();
    assert!(connections[0].arrived > before && connections[0].handshake.is_none());
    assert_eq!(connections[0].bytes, POST.len() as u64);
    assert_eq!(server.bytes_received(), POST.len() as u64);
    assert_eq!(server.raw_bytes_received(), POST.len() as u64);
}

#[test]
#[should_panic(expected = "X-Twice came more than once")]
fn a_header_that_came_twice_is_no_single_value() {
    let server = Server::http().start();
    exchange(&server, POST).unwrap();
    server.request().header("X-Twice");
}

#[test]
fn half_a_request_is_counted_and_not_complete() {
    for half in ["POST /path HT", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"] {
        let server = Server::http().start();
        assert_eq!(exchange(&server, half).unwrap(), b"");
        let request = server.request();
        assert!(!request.complete);
        assert_eq!([request.head, request.body].concat(), half.as_bytes());
    }
}

#[test]
fn a_chunked_request_is_read_to_its_end() {
    let server = Server::http().start();
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    exchange(&server, &format!("{head}2\r\nab\r\n0\r\n\r\n")).unwrap();
    assert_eq!(server.request().body, b"2\r\nab\r\n0\r\n\r\n");
}

#[test]
fn a_connection_is_kept_and_the_answers_are_taken_one_by_one() {
    let answers = [Answer::status(429).header("Retry-After", "1"), Answer::accepted()];
    let server = Server::http().answers(answers).start();
    let last = POST.replace("Host", "Connection: close\r\nHost");
    let answer = exchange(&server, &format!("{POST}{POST}{last}{POST}")).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let codes: Vec<&str> = answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
    assert_eq!(codes, ["429", "200", "200"]);
    exchange(&server, POST).unwrap();
    let connections: Vec<usize> = server.requests().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 0, 1]);
    assert_eq!(server.count_so_far(), 4);
    server.wait_for(4);
}

#[test]
fn an_answer_is_chosen_by_the_request() {
    let script = |request: &Recorded| Answer::status(200).body(&request.path);
    let server = Server::http().choose(script).start();
    assert!(exchange(&server, POST).unwrap().ends_with(b"\r\n\r\n/path"));
}

#[test]
fn connections_behave_one_by_one() {
    let behaviours = [Behaviour::Close, Behaviour::Reset, Behaviour::plain_http(), Behaviour::Speak];
    let server = Server::http().behaviours(behaviours).start();
    assert_eq!(exchange(&server, POST).unwrap(), b"");
    assert!(exchange(&server, POST).is_err());
    assert!(exchange(&server, POST).unwrap().starts_with(b"HTTP/1.1 400"));
    assert!(exchange(&server, POST).unwrap().starts_with(b"HTTP/1.1 200"));
    assert_eq!((server.connections().len(), server.count()), (4, 1));
}

#[test]
fn a_server_that_hangs_still_counts_the_bytes() {
    let server = Server::http().behaviours([Behaviour::Hang]).start();
    let mut stream = connect(&server);
    stream.write_all(POST.as_bytes()).unwrap();
    drop(stream);
    assert_eq!((server.count(), server.raw_bytes_received()), (0, POST.len() as u64));
}

#[test]
fn a_server_listens_on_ipv6_too() {
    let server = Server::http().ipv6().start();
    exchange(&server, POST).unwrap();
    assert_eq!(server.url(), format!("http://[::1]:{}", server.port()));
    assert_eq!(server.url_for("name"), format!("http://name:{}", server.port()));
}

#[test]
fn bytes_of_a_client_that_is_gone_are_counted() {
    for _ in 0..50 {
        let server = Server::http().start();
        let mut stream = connect(&server);
        stream.write_all(POST.as_bytes()).unwrap();
        drop(stream);
        assert_eq!(server.count(), 1);
    }
}

#[test]
#[should_panic(expected = "nobody called the server")]
fn a_server_that_nobody_calls_fails() {
    let _server = Server::http().start();
}

#[test]
fn a_server_that_nobody_is_to_call_is_not_called() {
    let _server = Server::http().uncalled().start();
}

#[test]
#[should_panic(expected = "was not to be")]
fn a_server_that_nobody_was_to_call_fails_when_called() {
    let server = Server::http().uncalled().start();
    exchange(&server, POST).unwrap();
}

#[test]
#[should_panic(expected = "a thread of the server panicked")]
fn a_script_that_panics_fails_the_test() {
    let server = Server::http().choose(|_| panic!("as planned")).start();
    let _ = exchange(&server, POST);
}

#[test]
#[should_panic(expected = "not one request")]
fn one_request_is_not_two() {
    let server = Server::http().start();
    exchange(&server, &format!("{POST}{POST}")).unwrap();
    server.request();
}

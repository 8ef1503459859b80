//! Holds every answer of the scripted server to what it promises, with a client on a bare socket.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::server_holds::{POST, connect, exchange};
use support::harness::Vescli;
use support::server::{Answer, End, Moment, Server};

fn told(answer: Answer) -> String {
    let server = Server::http().answer(answer).start();
    let answer = exchange(&server, POST).unwrap();
    assert_eq!(server.count(), 1);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request and reads until so many bytes came, with our side left open.
fn opening(server: &Server, length: usize) -> Vec<u8> {
    let mut stream = connect(server);
    stream.write_all(POST.as_bytes()).unwrap();
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn replies_are_as_they_were_made() {
    let head = "HTTP/1.1 200 \r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n";
    assert_eq!(told(Answer::accepted()), format!("{head}{{}}"));
    assert_eq!(told(Answer::accepted().after_interim(103)), format!("HTTP/1.1 103 \r\n\r\n{head}{{}}"));
    assert_eq!(told(Answer::accepted().then(End::Close)), format!("{head}{{}}"));
    assert_eq!(told(Answer::accepted().cut_after(1, End::Close)), format!("{head}{{"));
    let pause = Duration::from_millis(1);
    assert_eq!(told(Answer::accepted().dripping(pause)), format!("{head}{{}}"));
    assert_eq!(told(Answer::accepted().dripping_from_the_head(pause)), format!("{head}{{}}"));
    assert_eq!(
        told(Answer::status(404).header("content-type", "text/html").body("no")),
        "HTTP/1.1 404 \r\nContent-Length: 2\r\ncontent-type: text/html\r\n\r\nno"
    );
    assert!(
        told(Answer::accepted().chunked())
            .ends_with("chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    );
    assert!(told(Answer::accepted().chunked().cut_after(4, End::Close)).ends_with("\r\n\r\n2\r\n{"));
    assert!(told(Answer::accepted().until_close()).starts_with("HTTP/1.1 200 \r\nConnection: close\r\n"));
    assert!(told(Answer::nested_json(2)).ends_with("\r\n\r\n{\"a\":{\"a\":{}}}"));
    assert_eq!(told(Answer::raw("any")), "any");
    assert!(told(Answer::garbage()).contains("this is not HTTP"));
    assert_eq!(told(Answer::http_0_9()), "<html>hello</html>");
    assert!(told(Answer::huge_status_line(100_000)).len() > 100_000);
}

#[test]
#[should_panic(expected = "only an answer with a status")]
fn silence_has_no_headers() {
    let _ = Answer::close(Moment::Head).header("a", "b");
}

#[test]
fn gzip_can_be_read_by_gzip() {
    let server = Server::http().answer(Answer::status(200).body("plain".repeat(20_000)).gzip()).start();
    let answer = exchange(&server, POST).unwrap();
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    Vescli::program("gzip").arg("-dc").stdin(&answer[start..]).stdout("plain".repeat(20_000)).run();
    assert!(String::from_utf8_lossy(&answer[..start]).contains("Content-Encoding: gzip\r\n"));
}

#[test]
fn a_close_is_an_orderly_end_at_each_moment() {
    for moment in [Moment::FirstByte, Moment::Head, Moment::Whole] {
        let server = Server::http().answer(Answer::close(moment)).start();
        assert_eq!(exchange(&server, POST).unwrap(), b"");
        let request = server.request();
        assert_eq!(!request.head.is_empty(), moment >= Moment::Head);
        assert_eq!(!request.body.is_empty(), moment == Moment::Whole);
    }
}

#[test]
fn a_close_stays_orderly_however_much_is_left_unread() {
    let server = Server::http().answer(Answer::close(Moment::Head)).start();
    let length = 4 << 20;
    let head = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
    let request = head + &"x".repeat(length);
    assert_eq!(exchange(&server, &request).unwrap(), b"");
}

#[test]
fn a_reset_is_a_reset_at_each_moment() {
    let silent = [Moment::FirstByte, Moment::Head, Moment::Whole].map(Answer::reset);
    for answer in silent.into_iter().chain([Answer::accepted().cut_after(1, End::Reset)]) {
        let server = Server::http().answer(answer).start();
        let error = exchange(&server, POST).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(server.count(), 1);
    }
}

#[test]
fn a_stall_lasts_until_the_server_is_dropped() {
    let silent = [Moment::FirstByte, Moment::Head, Moment::Whole].map(Answer::stall);
    for answer in silent.into_iter().chain([Answer::accepted().cut_after(0, End::Stall)]) {
        let server = Server::http().answer(answer).start();
        let mut stream = connect(&server);
        stream.write_all(POST.as_bytes()).unwrap();
        server.wait_for(1);
        assert_eq!(server.count(), 1);
        stream.set_nonblocking(true).unwrap();
        let mut bytes = [0; 1024];
        let open = |stream: &mut TcpStream, bytes: &mut [u8]| match stream.read(bytes) {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        assert!(open(&mut stream, &mut bytes) && open(&mut stream, &mut bytes));
        drop(server);
        stream.set_nonblocking(false).unwrap();
        assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap_or(0), 0);
    }
}

#[test]
fn what_is_endless_goes_on_until_somebody_leaves() {
    let pause = Duration::from_millis(1);
    let body = Server::http().answer(Answer::endless_body()).start();
    assert!(opening(&body, 1 << 20).ends_with(b"aaaa"));
    let headers = Server::http().answer(Answer::endless_headers(pause)).start();
    assert!(String::from_utf8(opening(&headers, 100)).unwrap().contains("X-More: and more\r\nX-More"));
    let interim = Server::http().answer(Answer::endless_interim(pause)).start();
    assert!(opening(&interim, 100).starts_with(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102"));
}

#[test]
fn a_drip_pauses_between_its_bytes() {
    let pause = Duration::from_millis(20);
    let started = Instant::now();
    told(Answer::status(200).body("12345").dripping(pause));
    assert!(started.elapsed() >= 5 * pause);
}

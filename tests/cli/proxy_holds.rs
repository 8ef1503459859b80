//! Holds the proxy, and the ports at which nobody answers, to their promises.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use support::proxy::{Proxy, Tunnel};
use support::server::Server;
use support::sockets::{black_hole, closed_port};

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(local(proxy.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Asks for a tunnel to the target, sends a request into it, and reads all that comes.
fn through(proxy: &Proxy, target: &str, headers: &str) -> String {
    let mut stream = connect(proxy);
    write!(stream, "CONNECT {target} HTTP/1.1\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        answer.push(byte[0]);
    }
    if answer.starts_with(b"HTTP/1.1 200") {
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    }
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_tunnel_leads_to_the_server() {
    let server = Server::http().start();
    let proxy = Proxy::start(Tunnel::Open);
    assert!(through(&proxy, &server.address().to_string(), "").ends_with("\r\n\r\n{}"));
    assert_eq!(proxy.asked()[0].path, server.address().to_string());
    assert_eq!(proxy.url(), format!("http://127.0.0.1:{}", proxy.port()));
    assert_eq!(server.count(), 1);
}

#[test]
fn a_tunnel_may_lead_elsewhere() {
    let server = Server::http().start();
    let proxy = Proxy::start(Tunnel::To(server.address()));
    assert!(through(&proxy, "no.such.host:443", "").ends_with("\r\n\r\n{}"));
    assert_eq!(proxy.asked()[0].path, "no.such.host:443");
}

#[test]
fn a_password_opens_the_tunnel() {
    let server = Server::http().start();
    for (user, password, encoded) in
        [("user", "pass", "dXNlcjpwYXNz"), ("a", "b", "YTpi"), ("a", "bc", "YTpiYw=="), ("a", "bcd", "YTpiY2Q=")]
    {
        let proxy = Proxy::start_for(user, password, Tunnel::To(server.address()));
        assert!(through(&proxy, "a:443", "").starts_with("HTTP/1.1 407"));
        let wrong = "Proxy-Authorization: Basic d3Jvbmc=\r\n";
        assert!(through(&proxy, "a:443", wrong).starts_with("HTTP/1.1 407"));
        let right = format!("Proxy-Authorization: Basic {encoded}\r\n");
        assert!(through(&proxy, "a:443", &right).starts_with("HTTP/1.1 200"));
        let asked = proxy.asked();
        assert_eq!(asked.len(), 3);
        assert_eq!(asked[0].header("Proxy-Authorization"), None);
    }
}

#[test]
fn a_proxy_refuses_and_misbehaves() {
    let proxy = Proxy::start(Tunnel::Deny(403));
    assert!(through(&proxy, "a:443", "").starts_with("HTTP/1.1 403"));
    let proxy = Proxy::start(Tunnel::Close);
    assert_eq!(through(&proxy, "a:443", ""), "");
    let proxy = Proxy::start(Tunnel::Say(b"garbage".to_vec()));
    assert_eq!(through(&proxy, "a:443", ""), "garbage");
}

#[test]
fn a_proxy_hangs_until_it_is_dropped() {
    let proxy = Proxy::start(Tunnel::Hang);
    let mut stream = connect(&proxy);
    stream.write_all(b"CONNECT a:443 HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(proxy.asked().len(), 1);
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(proxy);
    stream.set_nonblocking(false).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn an_open_tunnel_ends_with_the_proxy() {
    let server = Server::http().start();
    let proxy = Proxy::start(Tunnel::To(server.address()));
    let mut stream = connect(&proxy);
    stream.write_all(b"CONNECT a:443 HTTP/1.1\r\n\r\n").unwrap();
    assert!(stream.read(&mut [0]).unwrap() > 0);
    drop(proxy);
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!((server.connections().len(), server.count()), (1, 0));
}

#[test]
#[should_panic(expected = "nobody called the proxy")]
fn a_proxy_that_nobody_calls_fails() {
    let _proxy = Proxy::start(Tunnel::Open);
}

#[test]
fn a_proxy_that_nobody_is_to_call_is_not_called() {
    let _proxy = Proxy::start(Tunnel::Open).uncalled();
}

#[test]
#[should_panic(expected = "was not to be")]
fn a_proxy_that_nobody_was_to_call_fails_when_called() {
    let proxy = Proxy::start(Tunnel::Close).uncalled();
    through(&proxy, "a:443", "");
}

#[test]
fn a_closed_port_refuses() {
    let closed = closed_port();
    let error = TcpStream::connect(local(closed.port)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn connecting_to_a_black_hole_hangs() {
    let hole = black_hole();
    let wait = Duration::from_millis(500);
    let error = TcpStream::connect_timeout(&local(hole.port), wait).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

//! Faults planted for the harness, the scripted server and the proxy: a test that relies on them fails when it should.
//! Where a test of vescli would notice by itself that support is broken, there is nothing here.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::catch_unwind;
use std::time::Duration;

use support::harness::Vescli;
use support::proxy::{Proxy, Tunnel};
use support::server::{Answer, Behaviour, End, Moment, Server};

const POST: &str =
    "POST /path HTTP/1.1\r\nHost: here\r\nX-Twice: a\r\nX-Twice: b\r\nContent-Length: 7\r\n\r\n{\"a\":1}";

fn shell(script: &str) -> Vescli {
    Vescli::program("/bin/sh").args(["-c", script])
}

/// Sends these bytes to a port and reads all that comes back. Reads fail rather than wait for ever.
fn exchange(port: u16, request: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A message, and what has to end with it.
type Fault = (&'static str, fn());

fn are_found(faults: &[Fault]) {
    for (expected, fault) in faults {
        let panic = catch_unwind(fault).expect_err(expected);
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    }
}

#[test]
fn the_harness_reports_unexpected_results() {
    are_found(&[
        ("stdout is to be exactly", || drop(shell("echo out").run())),
        ("stderr is to be exactly", || drop(shell("echo err >&2").stderr_lacks("other").run())),
        ("the end is to be Code(0)", || drop(shell("exit 1").run())),
        ("the end is to be Code(0)", || drop(shell("kill -KILL $$").run())),
        ("the end is to be Signal(15)", || drop(shell("exit 15").dies_by(15).run())),
        ("stdout is to contain: \"four\"", || {
            shell("echo one").stdout_contains("one").stdout_contains("four").run();
        }),
        ("stderr is not to contain: \"secret\"", || {
            shell("echo a secret >&2").stderr_contains("").stderr_lacks("secret").run();
        }),
        ("not one document but 2", || drop(shell("echo 1; echo 2").stdout_json(|_| ()).run())),
        ("stdout is to be JSON", || drop(shell("echo no").stdout_json(|_| ()).run())),
        ("\"never\" never came", || {
            shell("echo other").start().wait_for_stdout("never");
        }),
    ]);
}

#[test]
fn a_run_that_takes_too_long_is_ended_even_if_it_closes_its_output() {
    are_found(&[
        ("the end is to be Code(0) within", || {
            shell("exec sleep 50").limit(Duration::from_millis(100)).run();
        }),
        ("the end is to be Code(0) within", || {
            shell("exec sleep 50 >&- 2>&-").limit(Duration::from_millis(100)).run();
        }),
    ]);
}

#[test]
fn a_run_inherits_no_environment_and_does_not_outlive_its_test() {
    shell("env | cut -d= -f1 | grep -v -e _ -e PWD -e SHLVL | sort").stdout("HOME\nPATH\n").run();
    let running = shell("echo $$; exec sleep 50").start();
    let id = running.wait_for_stdout("\n");
    drop(running);
    shell(&format!("kill -0 {id}")).code(1).stderr_contains("No such process").run();
}

#[test]
fn a_server_detects_missing_and_unexpected_requests() {
    are_found(&[
        ("no one called the server", || drop(Server::http().start())),
        ("was not to be", || {
            let server = Server::http().uncalled().start();
            exchange(server.port(), POST).unwrap();
        }),
        ("not one request", || {
            let server = Server::http().start();
            exchange(server.port(), &format!("{POST}{POST}")).unwrap();
            server.request();
        }),
        ("X-Twice came more than once", || {
            let server = Server::http().start();
            exchange(server.port(), POST).unwrap();
            server.request().header("X-Twice");
        }),
        ("a thread of the server panicked", || {
            let server = Server::http().choose(|_| panic!("as planned")).start();
            let _ = exchange(server.port(), POST);
        }),
        ("no one called the proxy", || drop(Proxy::start(Tunnel::Open))),
        ("was not to be", || {
            let proxy = Proxy::start(Tunnel::Close).uncalled();
            exchange(proxy.port(), "CONNECT a:443 HTTP/1.1\r\n\r\n").unwrap();
        }),
    ]);
}

/// A count that is too low would hide a second mail.
#[test]
fn requests_are_counted_even_if_only_a_part_arrives() {
    for half in ["POST /path HT", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"] {
        let server = Server::http().start();
        assert_eq!(exchange(server.port(), half).unwrap(), b"");
        let request = server.request();
        assert!(!request.complete);
        assert_eq!([request.head, request.body].concat(), half.as_bytes());
        assert_eq!(server.bytes_received(), half.len() as u64);
    }
}

#[test]
fn requests_of_a_client_that_is_gone_are_counted() {
    for _ in 0..50 {
        let server = Server::http().start();
        TcpStream::connect(server.address()).unwrap().write_all(POST.as_bytes()).unwrap();
        assert_eq!(server.count(), 1);
    }
    let server = Server::http().behaviours([Behaviour::Hang]).start();
    TcpStream::connect(server.address()).unwrap().write_all(POST.as_bytes()).unwrap();
    assert_eq!((server.count(), server.raw_bytes_received()), (0, POST.len() as u64));
}

/// vescli gives both the same exit code, so its own tests would not notice the difference.
#[test]
fn a_close_is_orderly_and_a_reset_is_not_at_each_moment() {
    for moment in [Moment::FirstByte, Moment::Head, Moment::Whole] {
        let server = Server::http().answer(Answer::close(moment)).start();
        assert_eq!(exchange(server.port(), POST).unwrap(), b"");
        let request = server.request();
        assert_eq!(!request.head.is_empty(), moment >= Moment::Head);
        assert_eq!(!request.body.is_empty(), moment == Moment::Whole);
    }
    let resets = [Moment::FirstByte, Moment::Head, Moment::Whole].map(Answer::reset);
    for answer in resets.into_iter().chain([Answer::accepted().cut_after(1, End::Reset)]) {
        let server = Server::http().answer(answer).start();
        assert_eq!(exchange(server.port(), POST).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(server.count(), 1);
    }
}

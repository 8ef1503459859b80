//! TLS sessions that a list resumes: no certificate is shown in them, so none is resumed when it would be refused.

use std::thread;
use std::time::{Duration, SystemTime};

use support::certificates::Authority;
use support::harness::Vescli;
use support::server::{Answer, Server, Setup};

/// Long enough for the first handshake of a run, on a busy machine too.
const VALIDITY: Duration = Duration::from_secs(8);

fn bulk(authority: &Authority, server: &Server) -> Vescli {
    Vescli::new()
        .file("ca.pem", authority.pem())
        .file("list.txt", "a@b.co\nb@b.co\nc@b.co\n")
        .args(["bulk", "list.txt", "--yes", "--rate", "none", "--jobs", "1"])
        .args(["--cname", "c", "--cacert", "ca.pem", "--retries", "0"])
        .against(server)
        .stdout_contains("")
        .stderr_contains("")
}

/// The first two requests are sent while the certificate is good, and the second is answered when it is over.
fn expires(version: fn(Setup) -> Setup) {
    let authority = Authority::new();
    let end = SystemTime::now() + VALIDITY;
    let server = version(Server::https(authority.valid_until(end)))
        .choose(move |request| {
            // The client reads the clock; there is no event to wait for.
            while request.connection == 1 && SystemTime::now() <= end + Duration::from_secs(1) {
                thread::sleep(Duration::from_millis(50));
            }
            Answer::accepted()
        })
        .start();
    bulk(&authority, &server)
        .code(12)
        .stdout_contains("accepted  b@b.co")
        .stdout_contains("not_sent  c@b.co  certificate not trusted")
        .stdout_contains("the server's certificate expired on ")
        .run();
    assert_eq!(server.count(), 2);
    // The check can fail: while the certificate was good, its session was resumed.
    let resumed: Vec<bool> = server
        .connections()
        .iter()
        .map(|seen| matches!(&seen.handshake, Some(Ok(handshake)) if handshake.resumed))
        .collect();
    assert_eq!(resumed, [false, true, false]);
}

#[test]
fn a_session_of_tls_1_2_is_not_resumed_when_the_certificate_has_expired() {
    expires(Setup::tls12_only);
}

#[test]
fn a_session_of_tls_1_3_is_not_resumed_when_the_certificate_has_expired() {
    expires(Setup::tls13_only);
}

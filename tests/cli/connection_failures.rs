//! Messages of failed connections: they name host and port and no error number of the system, and a limit of this machine
//! is not reported as a fault of the server.

use support::certificates::Authority;
use support::harness::Vescli;
use support::server::{Answer, Moment, Server};
use support::sockets::closed_port;

fn send(url: &str) -> Vescli {
    Vescli::new()
        .args(["send", "--email", "a@b.co", "--cname", "c", "--retries", "0"])
        .args(["--base-url", url])
        .stderr_lacks("os error")
}

#[test]
fn a_refused_connection_names_host_and_port() {
    let closed = closed_port();
    let place = format!("127.0.0.1:{}", closed.port);
    let url = format!("http://{place}");
    let cause = format!("no connection to {place} could be made: Connection refused");
    send(&url).code(7).stderr_contains(format!("\n  cause: {cause}")).run();
    let expected = cause.clone();
    send(&url)
        .arg("--json")
        .code(7)
        .stdout_json(move |document| {
            assert_eq!(document["error"]["cause"], expected.as_str());
        })
        .stderr_contains("")
        .run();
    Vescli::new()
        .file("list.txt", "a@b.co\n")
        .args(["bulk", "list.txt", "--yes", "--cname", "c", "--retries", "0"])
        .args(["--base-url", &url])
        .code(10)
        .stdout_contains(&cause)
        .stdout_lacks("os error")
        .stderr_contains("")
        .stderr_lacks("os error")
        .run();
    let doctor = Vescli::new().args(["doctor", "--base-url", &url]);
    doctor
        .code(7)
        .stdout_contains(format!("failure  tcp         {cause}"))
        .stdout_lacks("os error")
        .stderr_contains("")
        .run();
    let proxy = send("https://service.example");
    proxy
        .args(["--proxy", &url])
        .code(7)
        .stderr_contains(format!("no connection to the proxy {url} could be made: "))
        .run();
}

#[test]
fn a_connection_that_breaks_names_host_and_port() {
    for (answer, word) in
        [(Answer::close(Moment::Whole), "connection closed"), (Answer::reset(Moment::Whole), "Connection reset")]
    {
        let server = Server::http().answer(answer).start();
        let cause = format!("the connection to {} broke: {word}", server.address());
        send(&server.url()).code(8).stderr_contains(cause).run();
    }
}

#[test]
fn a_name_that_is_not_found_is_reported_without_numbers() {
    let hint = "hint: Check the name for a typing error (--tenant, --base-url, --proxy), then the network; ";
    let service = "the name service.invalid was not found: ";
    send("https://service.invalid").code(6).stderr_contains(service).stderr_contains(hint).run();
}

/// Tries every limit from one that is too low for anything to one that is enough.
#[test]
fn without_descriptors_the_message_names_the_limit_of_this_machine() {
    let authority = Authority::new();
    let server = Server::https(authority.server()).start();
    let script = "for limit in $(seq 6 30); do (
        ulimit -n $limit
        \"$@\"
        echo \"limit $limit: $?\"
    ); done";
    let output = Vescli::program("/bin/sh")
        .file("ca.pem", authority.pem())
        .env("SSL_CERT_FILE", "ca.pem")
        .args(["-c", script, "sh", &support::program(), "send"])
        .args(["--email", "a@b.co", "--cname", "c", "--retries", "0"])
        .args(["--base-url", &server.url()])
        .stdout_contains(": 0\n")
        .stderr_contains(format!(
            "cause: no connection to {} could be opened: vescli cannot open more files and sockets: its limit is \
             reached (`ulimit -n` shows and raises it)\n  not sent\n",
            server.address()
        ))
        .run();
    assert!(output.stdout.contains(": 7\n"), "{}", output.stdout);
    assert!(!output.stdout.contains(": 35\n"), "{}", output.stdout);
}

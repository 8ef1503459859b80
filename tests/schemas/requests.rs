//! `send`: what it prints without sending, each kind of answer, and each kind of failure.

use std::time::Duration;

use support::certificates::{Authority, Identity};
use support::harness::Vescli;
use support::proxy::{Proxy, Tunnel};
use support::server::{Answer, Behaviour, Moment, Server};
use support::sockets::closed_port;

use super::collection::{Collection, prepared};
use super::lists::journals;

const SEND: &str = "send --email hello@example.com --tenant example-corp --retries 0";

pub(crate) fn collect(all: &mut Collection) {
    without_sending(all);
    answers(all);
    failures(all);
    tls(all);
    signalled(all);
}

fn without_sending(all: &mut Collection) {
    let token = || Vescli::new().env("VESCLI_TOKEN", "c4n4ry-t0k3n");
    all.run(token(), &format!("{SEND} --dry-run --proxy http://127.0.0.1:1"), 0);
    all.run(token(), &format!("{SEND} --show-curl"), 0);
    all.run(Vescli::new(), "send --email hello@example.com", 78);
    all.run(Vescli::new(), "send --tenant example-corp", 2);
    all.run(Vescli::new(), &format!("{SEND} --timeout nonsense"), 2);
    all.run(Vescli::new(), &format!("{SEND} --cacert missing.pem"), 66);
    all.run(Vescli::new().file("junk.pem", "junk"), &format!("{SEND} --cacert junk.pem"), 65);
}

fn answers(all: &mut Collection) {
    let json = r#"{"code":3,"details":[],"message":"bad email"}"#;
    for (answer, code) in [
        (Answer::accepted(), 0),
        (Answer::close(Moment::Whole), 8),
        (Answer::status(200).body("<html></html>"), 20),
        (Answer::stall(Moment::Whole), 28),
        (Answer::status(302).header("Location", "https://login.invalid/"), 30),
        (Answer::status(400).body(json), 40),
        (Answer::status(401).body("\"not authorized\""), 41),
        (Answer::status(429).header("Retry-After", "30"), 42),
        (Answer::status(403), 43),
        (Answer::status(404), 44),
        (Answer::status(409), 49),
        (Answer::status(500), 50),
        (Answer::status(502), 52),
        (Answer::status(503), 53),
        (Answer::status(503).header("Retry-After", "30"), 53),
        (Answer::status(504), 54),
        (Answer::status(501), 59),
    ] {
        let server = Server::http().answer(answer).start();
        let timeout = if code == 28 { "300ms" } else { "30s" };
        let output = all.run(Vescli::new().against(&server), &format!("{SEND} --timeout {timeout}"), code);
        let journal = &journals(&output.folder)[0];
        all.add_lines("vescli.journal-record-2", journal);
        all.run(output.again(), &format!("journal show {}", journal.display()), 0);
    }
}

fn failures(all: &mut Collection) {
    let closed = closed_port();
    let proxy = Proxy::start(Tunnel::Deny(403));
    // A warning, and a name that does not exist (RFC 6761, section 6.4).
    all.run(Vescli::new(), &format!("{SEND} --base-url https://nobody.invalid/api"), 6);
    all.run(Vescli::new(), &format!("{SEND} --base-url http://127.0.0.1:{}", closed.port), 7);
    all.run(Vescli::new(), &format!("{SEND} --base-url https://nobody.invalid --proxy {}", proxy.url()), 97);
    let server = Server::http().uncalled().start();
    let script = format!("ulimit -n 5 && exec {} --json {SEND}", support::program());
    let output = Vescli::program("/bin/sh")
        .args(["-c", &script])
        .against(&server)
        .any_ending()
        .stdout_contains("")
        .stderr_contains("")
        .run();
    all.add(SEND, &output, 71);
}

fn tls(all: &mut Collection) {
    let authority = Authority::new();
    let refusing = Server::https(authority.server()).clients_of(&authority).tls12_only().start();
    let not_tls = Server::http().behaviours([Behaviour::plain_http()]).start();
    let unknown = Server::https(Identity::self_signed()).start();
    for (port, code) in [(refusing.port(), 58), (not_tls.port(), 35), (unknown.port(), 60)] {
        let vescli = Vescli::new().file("ca.pem", authority.pem());
        all.run(vescli, &format!("{SEND} --cacert ca.pem --base-url https://127.0.0.1:{port}"), code);
    }
}

fn signalled(all: &mut Collection) {
    let server = Server::http().answer(Answer::stall(Moment::Whole)).start();
    let running = prepared(Vescli::new().against(&server), SEND).limit(Duration::from_secs(60)).start();
    server.wait_for(1);
    running.signal("TERM");
    all.add(SEND, &running.finish(), 143);
}

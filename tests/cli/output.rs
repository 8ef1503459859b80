//! What is printed where: quiet, verbose, colours of each stream, and streams that are closed, broken or full.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use support::harness::Vescli;
use support::server::{Answer, Server};

fn send(server: &Server) -> Vescli {
    Vescli::new()
        .args(["send", "--tenant", "t", "-e", "hello@example.com"])
        .against(server)
        .env("VESCLI_TOKEN", "s3cret-token")
}

#[test]
fn quiet_prints_nothing_on_success_and_everything_about_a_failure() {
    let server = Server::http().answers([Answer::accepted(), Answer::accepted(), Answer::status(403)]).start();
    send(&server).arg("-q").run();
    send(&server).args(["-q", "--json"]).stdout_json(|document| assert_eq!(document["outcome"], "accepted")).run();
    send(&server)
        .args(["-q"])
        .code(43)
        .stderr_contains("error: forbidden (HTTP 403) for hello@example.com, tenant t\n")
        .run();
    send(&server)
        .args(["-q", "--json"])
        .code(43)
        .stdout_json(|document| assert_eq!(document["error"]["class"], "forbidden"))
        .run();
}

#[test]
fn verbose_shows_headers_and_twice_the_bodies_too() {
    let server = Server::http().start();
    let accepted = "accepted: password email for hello@example.com (tenant t, cname t, N ms)\n";
    let headers = [
        "> POST /no_auth/send_password_email HTTP/1.1\n",
        "> authorization: APIToken ***\n",
        "> content-type: application/json\n",
        "< HTTP/1.1 200 OK\n",
        "< content-type: application/json\n",
    ];
    let bodies = ["> {\"cname\":\"t\",\"email\":\"hello@example.com\"}\n", "< {}\n"];
    let mut once = send(&server).arg("-v").stdout(accepted);
    let mut twice = send(&server).arg("-vv").stdout(accepted);
    for line in headers {
        once = once.stderr_contains(line);
        twice = twice.stderr_contains(line);
    }
    for line in bodies {
        once = once.stderr_lacks(line);
        twice = twice.stderr_contains(line);
    }
    once.stderr_lacks("s3cret").run();
    twice.stderr_lacks("s3cret").run();
}

#[test]
fn colour_is_decided_by_flag_then_variables() {
    const GREEN: &str = "\u{1b}[1;32maccepted:\u{1b}[0m";
    let server = Server::http().start();
    for (flags, variables, coloured) in [
        (&[][..], &[][..], false),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
        (&["--color=never"], &[("FORCE_COLOR", "1")], false),
        (&[], &[("VESCLI_COLOR", "always")], true),
        (&[], &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], false),
        (&[], &[("NO_COLOR", ""), ("FORCE_COLOR", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
        (&[], &[("FORCE_COLOR", "0")], false),
        (&[], &[("TERM", "dumb")], false),
    ] {
        let mut vescli = send(&server).args(flags);
        for (name, value) in variables {
            vescli = vescli.env(name, value);
        }
        let expected = if coloured { GREEN } else { "accepted: " };
        let vescli = vescli.stdout_contains(expected);
        if coloured {
            vescli.run();
        } else {
            vescli.stdout_lacks("\u{1b}").run();
        }
    }
    Vescli::new()
        .args(["send", "--color", "always", "--tenant", "a.b", "-e", "x@example.com"])
        .code(2)
        .stderr_contains("\u{1b}[1;31merror:\u{1b}[0m ")
        .run();
    // A document is never coloured.
    send(&server)
        .args(["--color", "always", "--json", "-q"])
        .stdout_lacks("\u{1b}")
        .stdout_json(|document| assert_eq!(document["ok"], true))
        .run();
}

/// The code and standard error of a run whose standard output is something that cannot be written to.
fn into(stdout: Stdio, arguments: &[&str], server: Option<&Server>) -> (Option<i32>, String) {
    let mut command = Command::new(support::program());
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    if let Some(server) = server {
        command.env("VESCLI_BASE_URL", server.url());
    }
    let mut child = command.spawn().unwrap();
    let mut message = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut message).unwrap();
    let code = child.wait().unwrap().code();
    assert!(!message.contains("panicked"), "{arguments:?}: {message}");
    (code, message)
}

fn broken_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

const SEND: [&str; 7] = ["send", "--config", "none", "--tenant", "t", "-e", "hello@example.com"];

#[test]
fn a_broken_pipe_changes_no_code() {
    let server = Server::http()
        .choose(|request| {
            let refused = request.body.windows(3).any(|part| part == b"bad");
            Answer::status(if refused { 403 } else { 200 }).body("{}")
        })
        .start();
    for more in [&[][..], &["--json"], &["-n"], &["--show-curl"]] {
        let arguments = [SEND.as_slice(), more].concat();
        let (code, message) = into(broken_pipe(), &arguments, Some(&server));
        assert_eq!(code, Some(0), "{arguments:?}: {message}");
    }
    let refused = [&SEND[..6], &["bad@example.com", "--json"]].concat();
    assert_eq!(into(broken_pipe(), &refused, Some(&server)).0, Some(43));
    let local: [&[&str]; 6] = [
        &["help"],
        &["--version"],
        &["explain"],
        &["config", "explain", "--config", "none"],
        &["completions", "zsh"],
        &["help", "json"],
    ];
    for arguments in local {
        let (code, message) = into(broken_pipe(), arguments, None);
        assert_eq!((code, message.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_74_but_a_send_keeps_its_code() {
    // Linux has a device that is always full.
    if !Path::new("/dev/full").exists() {
        return;
    }
    let full = || -> Stdio {
        let device = OpenOptions::new().write(true).open("/dev/full");
        device.unwrap().into()
    };
    let local: [&[&str]; 7] = [
        &["help"],
        &["--version"],
        &["explain"],
        &["config", "explain", "--config", "none"],
        &["completions", "zsh"],
        &["send", "--config", "none", "--tenant", "t", "-e", "a@b.co", "-n"],
        &["send", "--config", "none", "--tenant", "t", "-e", "a@b.co", "--show-curl"],
    ];
    for arguments in local {
        let (code, message) = into(full(), arguments, None);
        assert_eq!(code, Some(74), "{arguments:?}: {message}");
        assert!(message.starts_with("error: standard output cannot be written: "), "{message}");
    }
    let server = Server::http().start();
    for more in [&[][..], &["--json"]] {
        let arguments = [SEND.as_slice(), more].concat();
        let (code, message) = into(full(), &arguments, Some(&server));
        assert_eq!(code, Some(0), "{message}");
        assert!(message.contains("warning: the result could not be written to standard output: "), "{message}");
        assert!(message.ends_with("; the request: accepted\n"), "{message}");
    }
    let refused = Server::http().answer(Answer::status(409)).start();
    let arguments = [SEND.as_slice(), &["--json"]].concat();
    assert_eq!(into(full(), &arguments, Some(&refused)).0, Some(49));
    let (code, message) = into(full(), &["doctor", "--config", "none"], Some(&server));
    assert_eq!(code, Some(74), "{message}");
    let (code, message) = into(full(), &["doctor", "--config", "none"], None);
    assert_eq!(code, Some(78), "the first failure keeps its code: {message}");
}

#[test]
fn closed_streams_cause_no_panic() {
    let server = Server::http().start();
    for (redirect, code) in [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), ("<&- >&- 2>&-", 0)] {
        let script = format!("exec \"$0\" \"$@\" {redirect}");
        let program = support::program();
        let arguments = [&["-c", &script, &program][..], &SEND].concat();
        let status = Command::new("/bin/sh")
            .args(arguments)
            .env_clear()
            .env("VESCLI_BASE_URL", server.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{redirect}");
    }
    assert_eq!(server.count(), 4);
}

#[test]
fn an_acceptance_is_printed_as_text_beside_the_document() {
    let server = Server::http().start();
    let accepted = "accepted: password email for hello@example.com (tenant t, cname t, N ms)\n";
    send(&server)
        .arg("--json")
        .stderr(accepted)
        .stdout_json(|document| assert_eq!(document["outcome"], "accepted"))
        .run();
    send(&server).stdout(accepted).run();
    send(&server).args(["--json", "-q"]).stdout_json(|document| assert_eq!(document["outcome"], "accepted")).run();
}

#[test]
fn the_host_is_shown_as_it_arrives() {
    let server = Server::http().start();
    let output = send(&server).arg("-v").stdout_contains("accepted").stderr_contains("> host: ").run();
    let request = server.request();
    let host = request.header("host").unwrap();
    assert!(output.stderr.contains(&format!("> host: {host}\n")), "{}", output.stderr);
}

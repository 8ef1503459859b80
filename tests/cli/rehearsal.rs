//! `vescli sandbox` from end to end: each name gives its code, and the options do what they say.

use std::fs;

use support::harness::Vescli;
use support::server::Server;

/// One send against the sandbox, with the given options of each.
fn rehearse(options: &[&str], email: &str, send: &[&str]) -> Vescli {
    Vescli::new()
        .arg("sandbox")
        .args(options)
        .args(["--", "vescli", "send", "--retries", "0", "--email", email])
        .args(send)
        .stderr_contains("sandbox: http://127.0.0.1:")
}

#[test]
fn every_name_gives_its_code() {
    for (name, code, expected) in [
        ("hello", 0, ""),
        ("html", 20, "an HTML page, not the API"),
        ("redirect", 30, "redirects to: "),
        ("drop", 8, "may have been sent"),
        ("status-200", 0, ""),
        ("status-400", 40, "rejected: no mail was sent"),
        ("status-401", 41, "rejected: no mail was sent"),
        ("status-403", 43, "rejected: no mail was sent"),
        ("status-404", 44, "rejected: no mail was sent"),
        ("status-408", 40, "rejected: no mail was sent"),
        ("status-409", 49, "rejected: no mail was sent"),
        ("status-422", 40, "rejected: no mail was sent"),
        ("status-429", 42, "the server asks to wait 1 s"),
        ("status-500", 50, "may have been sent"),
        ("status-502", 52, "may have been sent"),
        ("status-503", 53, "the server asks to wait 1 s"),
        ("status-504", 54, "may have been sent"),
        ("status-599", 59, "may have been sent"),
    ] {
        let run = rehearse(&[], &format!("{name}@example.com"), &[]).code(code);
        if code == 0 {
            run.stdout_contains("accepted: password email for ").run();
        } else {
            run.stderr_contains(expected).run();
        }
    }
    rehearse(&[], "slow@example.com", &["--timeout", "1s"]).code(28).stderr_contains("may have been sent").run();
}

#[test]
fn a_flaky_recipient_is_accepted_at_the_second_try() {
    rehearse(&[], "flaky-429@example.com", &["--retries", "1", "--json"])
        .stdout_json(|document| {
            assert_eq!(document["outcome"], "accepted");
            assert_eq!(document["attempts"], 2);
        })
        .run();
    // A 500 may have mailed someone, and so it is not retried.
    rehearse(&[], "flaky-500@example.com", &["--retries", "1"]).code(50).run();
}

#[test]
fn a_late_recipient_is_accepted_when_the_user_is_waited_for() {
    rehearse(&[], "late-2s@example.com", &["--wait-for-user", "5s"]).stdout_contains(", 2 attempts)").run();
    rehearse(&[], "late-2s@example.com", &[]).code(44).stderr_contains("not found (HTTP 404)").run();
}

#[test]
fn the_credential_is_asked_for_when_it_is_required() {
    let required = ["--require-auth"];
    rehearse(&required, "a@example.com", &[]).stdout_contains("accepted: ").run();
    rehearse(&required, "a@example.com", &["--no-auth"]).code(41).stderr_contains("no credential was sent").run();
    rehearse(&required, "a@example.com", &["--token-file", "wrong"]).file("wrong", "another-token").code(41).run();
}

#[test]
fn the_rate_is_kept_and_every_request_is_logged() {
    let twice = "vescli send -q --retries 0 -e a@example.com; echo $?; \
                 vescli send -q --retries 0 -e b@example.com; echo $?";
    let run = Vescli::new()
        .args(["sandbox", "--rate", "1/h", "--log", "log", "--", "sh", "-c", twice])
        .stdout("0\n42\n")
        .stderr_contains("error: rate limited (HTTP 429) for b@example.com, tenant sandbox")
        .run();
    let log = fs::read_to_string(run.folder.join("log")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<_> = lines.iter().map(|line| &line["status"]).collect();
    assert_eq!(statuses, [200, 429], "{log}");
}

#[test]
fn the_exit_code_of_the_command_is_passed_on() {
    for (script, code) in [("exit 0", 0), ("exit 77", 77)] {
        Vescli::new().args(["sandbox", "--", "sh", "-c", script]).code(code).stderr_contains("sandbox: ").run();
    }
    Vescli::new().args(["sandbox", "--", "sh", "-c", "kill -TERM $$"]).dies_by(15).stderr_contains("sandbox: ").run();
    Vescli::new().args(["-q", "sandbox", "--", "true"]).run();
}

/// Sends with the variables that a sandbox printed.
pub(crate) fn sends_with(exports: &str) {
    let mut send = Vescli::new()
        .args(["send", "-e", "a@example.com"])
        .stdout_contains("accepted: password email for a@example.com (tenant sandbox, ");
    for line in exports.lines() {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        send = send.env(name, value.trim_matches('\''));
    }
    send.run();
}

#[test]
fn without_a_command_it_serves_until_a_signal_and_prints_the_variables() {
    let sandbox = Vescli::new()
        .args(["sandbox", "--require-auth"])
        .stdout_contains("export VESCLI_BASE_URL='http://127.0.0.1:")
        .stderr_contains("Ctrl-C here stops it\n")
        .dies_by(2)
        .start();
    sandbox.wait_for_stdout("export VESCLI_TOKEN='");
    sandbox.wait_for_stderr("stops it\n");
    let lines = sandbox.wait_for_stdout("'\nexport VESCLI_TOKEN='");
    sends_with(&lines);
    sandbox.signal("INT");
    sandbox.finish();
}

#[test]
fn a_sandbox_that_cannot_start_reports_the_cause() {
    for (options, code, message) in [
        (&["--rate", "often"][..], 2, "error: --rate: "),
        (&["--log", "no/such/folder"], 74, "error: "),
        (&["--", "no-such-command"], 127, "error: "),
    ] {
        Vescli::new().arg("sandbox").args(options).code(code).stderr_contains(message).run();
    }
}

#[test]
fn the_rate_of_a_list_is_not_the_sandbox_s() {
    let twice = "vescli send -q -e a@example.com && vescli send -q -e b@example.com";
    let run = |options: &[&str]| {
        Vescli::new()
            .arg("sandbox")
            .args(options)
            .args(["--", "sh", "-c", twice])
            .env("VESCLI_RETRIES", "0")
            .env("VESCLI_RATE", "1/h")
            .stderr_contains("sandbox: http://127.0.0.1:")
    };
    run(&[]).run();
    run(&["--rate", "1/h"]).code(42).stderr_contains("rate limited (HTTP 429) for b@example.com").run();
}

#[test]
fn a_profile_with_a_proxy_can_be_rehearsed() {
    Vescli::new()
        .config("[profiles.prod]\ntenant = \"t\"\nproxy = \"http://127.0.0.1:1\"\n")
        .args(["sandbox", "--", "vescli", "send", "-e", "a@b.co"])
        .stdout_contains("accepted: password email for a@b.co")
        .stderr_contains("sandbox: http://127.0.0.1:")
        .run();
}

/// As many at a time as a run can have: the sandbox's own limits are above that.
#[test]
fn a_list_can_be_rehearsed_with_the_most_workers() {
    let lines = (0..600).fold(String::new(), |lines, index| lines + &format!("a{index}@example.com\n"));
    for flags in [&["--keep-alive"][..], &[]] {
        Vescli::new()
            .file("list.txt", &lines)
            .args(["sandbox", "--", "vescli", "bulk", "list.txt", "--yes"])
            .args(["--rate", "none", "--jobs", "256"])
            .args(flags)
            .stdout_contains("this run: 600 accepted (600 requests")
            .stderr_contains("")
            .run();
    }
}

#[test]
fn a_rehearsal_never_replaces_a_journal_of_real_mails() {
    let server = Server::http().start();
    let real = Vescli::new()
        .file("list.txt", "a@example.com\n")
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", "list.txt", "--yes", "--journal", "own.ndjson"])
        .stdout_contains("")
        .stderr_contains("")
        .run();
    let before = fs::read(real.folder.join("own.ndjson")).unwrap();
    for fresh in [&[][..], &["--fresh"]] {
        real.again()
            .args(["sandbox", "--", "vescli", "bulk", "list.txt", "--yes"])
            .args(["--journal", "own.ndjson"])
            .args(fresh)
            .code(65)
            .stderr_contains("the journal own.ndjson belongs to http://127.0.0.1:")
            .stderr_contains("use another file")
            .run();
        assert_eq!(fs::read(real.folder.join("own.ndjson")).unwrap(), before);
    }
    assert_eq!(server.count(), 1);
}

//! What can be asked of `vescli sandbox`: a port, https, and failures.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use crate::rehearsal::sends_with;
use support::harness::Vescli;

/// A port that nothing uses: below those that the system hands out by itself, so that no other test is given it meanwhile.
fn free_port() -> TcpListener {
    let first = 20_000 + u16::try_from(std::process::id() % 8_000).unwrap();
    (first..first + 4_000).find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()).unwrap()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// A sandbox with TLS, whose temporary files are in the folder `tmp`.
fn tls() -> Vescli {
    let vescli = Vescli::new().args(["sandbox", "--tls"]);
    let tmp = vescli.folder().join("tmp");
    fs::create_dir(&tmp).unwrap();
    vescli.env("TMPDIR", tmp)
}

#[test]
fn the_port_is_the_one_that_was_asked_for() {
    let listener = free_port();
    let port = listener.local_addr().unwrap().port();
    let with_flag = |text: String| Vescli::new().args(["sandbox", "--port", &text, "--", "true"]).port(port);
    with_flag(port.to_string())
        .code(71)
        .stderr_contains("error: cannot listen on 127.0.0.1:[PORT]: Address already in use\n")
        .stderr_contains("hint: choose another --port, or leave it out for any free port\n")
        .run();
    drop(listener);
    with_flag(port.to_string()).stderr("sandbox: http://127.0.0.1:[PORT]\n").run();
    let with_variable = Vescli::new().args(["sandbox", "--", "true"]).env("VESCLI_PORT", port.to_string());
    with_variable.port(port).stderr("sandbox: http://127.0.0.1:[PORT]\n").run();
    with_flag("0".to_owned()).stderr_contains("sandbox: http://127.0.0.1:").run();
    for bad in ["70000", "-1", "http", ""] {
        Vescli::new()
            .args(["sandbox", &format!("--port={bad}"), "--", "true"])
            .code(2)
            .stderr_contains(format!("--port: `{bad}` is not a port: write a number from 1 to 65535"))
            .run();
    }
}

#[test]
fn over_tls_only_a_client_that_trusts_the_authority_sends() {
    let send = "vescli send --retries 0 -e a@example.com";
    let log = "log.ndjson";
    let run = tls()
        .args(["--log", log, "--", "sh", "-c"])
        .arg(format!(
            "{send}; echo $?; \
             (unset VESCLI_CACERT; {send} -q; echo $?; {send} -q --cacert tmp/*/ca.pem; echo $?); \
             vescli send --retries 0 -q -e drop@example.com; echo $?; \
             ls tmp/*; vescli doctor -q; echo $?"
        ))
        .stdout_contains("accepted: password email for a@example.com")
        .stdout_contains("\n0\n60\n0\n8\nca.pem\n0\n")
        .stderr_contains("sandbox: https://127.0.0.1:")
        .stderr_contains("certificate")
        .run();
    assert!(is_empty(&run.folder.join("tmp")));
    // Without trust nothing was sent.
    let requests = fs::read_to_string(run.folder.join(log)).unwrap();
    assert_eq!(requests.lines().filter(|line| line.contains("POST")).count(), 3, "{requests}");
}

#[test]
fn a_list_is_rehearsed_over_tls() {
    let lines = (0..50).fold(String::new(), |lines, index| lines + &format!("a{index}@example.com\n"));
    let first = tls()
        .file("list.txt", &lines)
        .args(["--", "vescli", "bulk", "list.txt", "--yes", "--rate", "none", "--keep-alive", "--limit", "30"])
        .stdout_contains("this run: 30 accepted")
        .stderr_contains("")
        .run();
    // Without TLS it is the same rehearsal.
    first
        .again()
        .args(["sandbox", "--", "vescli", "bulk", "list.txt", "--yes", "--rate", "none"])
        .stdout_contains("this run: 20 accepted")
        .stderr_contains("")
        .run();
}

/// `nohup` makes the command and all below it ignore a hang-up.
#[test]
fn a_hang_up_that_is_ignored_stays_ignored_for_the_command() {
    let script = "trap '' HUP; exec vescli sandbox -q -- sh -c 'kill -HUP $PPID $$; exit 3'";
    let outer = Vescli::new().args(["sandbox", "-q", "--", "sh", "-c", script]);
    outer.code(3).run();
}

/// The file of the authority is gone however the sandbox ends.
#[test]
fn the_file_of_the_authority_does_not_outlive_the_sandbox() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let sandbox = tls()
            .stdout_contains("export VESCLI_BASE_URL='https://127.0.0.1:")
            .stdout_contains("\nexport VESCLI_CACERT='")
            .stderr_contains("Ctrl-C here stops it\n")
            .dies_by(number)
            .start();
        sandbox.wait_for_stdout("VESCLI_CACERT='");
        let lines = sandbox.wait_for_stdout("/ca.pem'\n");
        sandbox.wait_for_stderr("stops it\n");
        sends_with(&lines);
        sandbox.signal(signal);
        let ended = sandbox.finish();
        assert!(is_empty(&ended.folder.join("tmp")), "{signal}");
    }
    for (script, code) in [("exit 3", 3), ("kill -TERM $PPID; exec sleep 20", 0), ("kill -HUP $PPID; exec sleep 20", 0)]
    {
        let run = tls().args(["--", "sh", "-c", script]).stderr_contains("sandbox: https://");
        let run = match script.split_once("kill -") {
            Some((_, rest)) => run.dies_by(if rest.starts_with("TERM") { 15 } else { 1 }).run(),
            None => run.code(code).run(),
        };
        assert!(is_empty(&run.folder.join("tmp")), "{script}");
    }
    let run = tls().args(["--", "no-such-command"]).code(127).stderr_contains("command not found").run();
    assert!(is_empty(&run.folder.join("tmp")));
    let missing = Vescli::new().args(["sandbox", "--tls", "--", "true"]).env("TMPDIR", "/no/such/folder");
    missing.code(74).stderr_contains("error: cannot write the certificate").stderr_contains("TMPDIR").run();
}

#[test]
fn the_share_that_was_asked_for_fails_and_is_the_same_again() {
    let lines = (0..40).fold(String::new(), |lines, index| lines + &format!("a{index}@example.com\n"));
    let run = |flags: [&str; 2]| {
        let run = Vescli::new()
            .file("list.txt", &lines)
            .args(["sandbox", "--fail-rate", flags[0], "--", "vescli", "bulk", "list.txt", "--yes", "--rate", "none"])
            .args(["--max-failures", "0", "--retries", flags[1]])
            .stderr_contains("");
        if flags[1] == "0" { run.code(10).stdout_contains("rejected") } else { run.stdout_contains("40 accepted") }
            .run()
    };
    let rejected = |output: &str| -> Vec<String> {
        let mut lines: Vec<_> =
            output.lines().filter(|line| line.starts_with("rejected  ")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let first = rejected(&run(["10%", "0"]).stdout);
    assert!((1..12).contains(&first.len()), "{first:?}");
    assert_eq!(first, rejected(&run(["0.1", "0"]).stdout));
    // No one was mailed, and that is known: a retry is safe.
    run(["10%", "5"]);
}

#[test]
fn a_failure_proves_that_no_one_was_mailed_and_names_keep_their_answer() {
    let rehearse = |share: &str, email: &str| {
        Vescli::new()
            .args(["sandbox", "--fail-rate", share, "--", "vescli", "send", "--retries", "0", "--json", "-e", email])
            .stderr_contains("")
    };
    rehearse("100%", "a@example.com")
        .code(53)
        .stdout_json(|document| {
            assert_eq!(document["outcome"], "rejected");
            assert_eq!(document["error"]["retry_after_s"], 1);
        })
        .run();
    rehearse("100%", "status-409@example.com").code(49).stdout_contains("conflict").run();
    rehearse("0%", "a@example.com").stdout_contains("accepted").run();
    for bad in ["5", "1", "101%", "-5%", "often", ""] {
        Vescli::new()
            .args(["sandbox", &format!("--fail-rate={bad}"), "--", "true"])
            .code(2)
            .stderr_contains(format!("--fail-rate: `{bad}` is not a share: write a percentage from 0% to 100%"))
            .run();
    }
}

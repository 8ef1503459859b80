//! A machine without descriptors, or where files may not grow. vescli never panics and never reports a bug of its own
//! (1), it ends, and what it reports of the request is what the server saw.

use std::process::Command;

use serde_json::Value;

use support::harness::{Output, Vescli};
use support::server::Server;

/// A command under limits of the shell, such as `ulimit -n 8`.
fn under(limits: &str, command: &str) -> Vescli {
    let script = format!("{limits} && exec {} {command}", support::program());
    Vescli::program("/bin/sh").args(["-c", &script]).stdout_contains("").stderr_lacks("panicked").stderr_contains("")
}

/// The exit code, which must not be that of an internal error; `None` when the system could not even start the program.
fn code_of(output: &Output, what: &str) -> Option<i32> {
    assert_eq!(output.signal, None, "{what}: {output:?}");
    let code = output.code.unwrap();
    assert!(![1, 101].contains(&code), "{what}: {output:?}");
    (!output.stderr.contains("shared libraries")).then_some(code)
}

#[test]
fn with_few_descriptors_a_send_reports_it_and_ends() {
    let server = Server::http().start();
    let mut codes = Vec::new();
    for limit in 3..=40 {
        let before = server.count();
        let command = "send --email a@b.co --tenant t --retries 0 --json";
        let output = under(&format!("ulimit -n {limit}"), command).against(&server).any_ending().run();
        let Some(code) = code_of(&output, command) else {
            continue;
        };
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        let sent = server.count() - before;
        match document["outcome"].as_str() {
            Some("accepted") => assert_eq!((sent, code), (1, 0), "{output:?}"),
            Some("not_sent") => assert_eq!(sent, 0, "{output:?}"),
            _ => panic!("neither: {output:?}"),
        }
        assert_eq!(document["exit_code"], code);
        codes.push(code);
    }
    // The limits that were tried begin too low and end high enough.
    assert_eq!(codes.first(), Some(&71), "{codes:?}");
    assert_eq!(codes.last(), Some(&0), "{codes:?}");
}

#[test]
fn with_few_descriptors_doctor_and_sandbox_end_and_report_the_cause() {
    let server = Server::http().start();
    for command in ["doctor --tenant t", "sandbox -- true"] {
        let mut codes = Vec::new();
        for limit in 3..=40 {
            let output = under(&format!("ulimit -n {limit}"), command)
                .against(&server)
                .any_ending()
                .stderr_lacks("(os error")
                .run();
            codes.extend(code_of(&output, command));
        }
        assert!(codes.contains(&71), "{command}: {codes:?}");
        assert_eq!(codes.last(), Some(&0), "{command}: {codes:?}");
    }
}

#[test]
fn a_journal_that_may_not_grow_is_an_error_before_the_first_mail() {
    let server = Server::http().uncalled().start();
    for command in
        ["bulk list.txt --tenant t --yes --rate none", "bulk list.txt --tenant t --yes --rate none --journal j.ndjson"]
    {
        under("ulimit -f 0", command)
            .file("list.txt", "a@b.co\nb@b.co\n")
            .against(&server)
            .code(74)
            .stderr_contains("error: ")
            .stderr_lacks("(os error")
            .run();
    }
}

#[test]
fn a_result_that_may_not_grow_does_not_take_back_the_acceptance() {
    let server = Server::http().start();
    for flags in ["", "--json"] {
        under("ulimit -f 0", &format!("send --email a@b.co --tenant t {flags} >out"))
            .against(&server)
            .stderr_contains("the result could not be written to standard output: ")
            .stderr_contains("the request: accepted\n")
            .stderr_lacks("(os error")
            .run();
    }
    assert_eq!(server.count(), 2);
}

/// The process of the test below: any program with a thread that panics while another one still works.
const PANICS: &str = "VESCLI_TEST_PANICS";

#[test]
#[expect(clippy::disallowed_methods, reason = "by its own environment it knows which of the two processes it is")]
fn a_panic_of_any_thread_ends_the_process_with_the_code_of_the_table() {
    let test = "machine::a_panic_of_any_thread_ends_the_process_with_the_code_of_the_table";
    if std::env::var_os(PANICS).is_some() {
        vescli::end_at_panic();
        let _ = std::thread::spawn(|| panic!("as planned")).join();
        return;
    }
    let this_program = std::env::current_exe().unwrap();
    let mut command = Command::new(this_program);
    let child = command.args([test, "--exact", "--nocapture"]).env(PANICS, "1").output().unwrap();
    let stderr = String::from_utf8(child.stderr).unwrap();
    assert_eq!(child.status.code(), Some(1), "{stderr}");
    for part in ["as planned", "error: internal error: this is a bug in vescli\n  hint: Report the message"] {
        assert!(stderr.contains(part), "{part:?} is missing: {stderr}");
    }
}

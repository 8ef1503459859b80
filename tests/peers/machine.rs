//! Limits of a machine that this process cannot set for itself: a clock before 1970 (`faketime`), and no more
//! threads, which the system refuses only to users other than root (`setpriv`, `prlimit`).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use support::certificates::Authority;
use support::harness::Vescli;
use support::peer::find;
use support::server::Server;

/// A user that runs nothing else, so that no other process counts against its limit.
const UNUSED_USER: &str = "61234";

/// vescli with a clock in 1969.
fn in_1969() -> Vescli {
    Vescli::program(find("faketime", "faketime"))
        // Waits are measured by the other clock, which is as it should be.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .args(["-f", "@1969-06-01 00:00:00", &support::program()])
        .stdout_contains("")
        .stderr_contains("")
        .stderr_lacks("panicked")
}

#[test]
fn a_clock_before_1970_stops_nothing_but_certificates() {
    let server = Server::http().start();
    in_1969().against(&server).args(["send", "--email", "a@b.co", "--tenant", "t"]).stdout_contains("accepted: ").run();
    let listed = in_1969()
        .file("list.txt", "b@b.co\nc@b.co\n")
        .against(&server)
        .args(["bulk", "list.txt", "--tenant", "t", "--yes", "--rate", "none"])
        .stdout_contains("this run: 2 accepted")
        .run();
    assert_eq!(server.count(), 3);
    // The journal can be read by that clock and by another one.
    for vescli in [listed.again(), listed.again_with(find("env", "coreutils")).arg(support::program())] {
        vescli.args(["journal", "show"]).stdout_contains("2 accepted").run();
    }
    in_1969()
        .args(["sandbox", "--", "true"])
        .code(71)
        .stderr_contains("error: this machine's clock is before 1970")
        .stderr_contains("hint: set the clock")
        .run();
}

#[test]
fn a_clock_before_1970_is_named_when_a_certificate_is_not_yet_valid() {
    let authority = Authority::new();
    let server = Server::https(authority.server()).start();
    for command in [&["send", "--email", "a@b.co", "--retries", "0"][..], &["doctor"]] {
        let output = in_1969()
            .file("ca.pem", authority.pem())
            .against(&server)
            .args(command)
            .args(["--tenant", "t", "--cacert", "ca.pem"])
            .code(60)
            .run();
        let text = output.stdout + &output.stderr;
        assert!(text.contains("valid only from"), "{text}");
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn without_threads_a_command_reports_it_and_ends() {
    let server = Server::http().start();
    // Where the program lies, another user may not be let in.
    let folder = tempfile::TempDir::with_prefix("vescli-nobody-").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("vescli");
    fs::copy(support::program(), &program).unwrap();
    let user = Command::new(find("id", "coreutils")).arg("-u").output().unwrap();
    let is_root = user.stdout == b"0\n";
    let setpriv = find("setpriv", "util-linux");
    for command in [
        &["send", "--email", "a@b.co", "--retries", "0", "--json"][..],
        &["doctor", "--json"],
        &["sandbox", "--", "true"],
    ] {
        let mut codes = Vec::new();
        for limit in 1..=8 {
            let before = server.count();
            let vescli = if is_root {
                Vescli::program(&setpriv)
            } else {
                Vescli::program(find("sudo", "sudo"))
                    .args(["--preserve-env=VESCLI_BASE_URL,VESCLI_TENANT"])
                    .arg(&setpriv)
            };
            let output = vescli
                .against(&server)
                .env("VESCLI_TENANT", "t")
                .env("VESCLI_CONFIG", "none")
                .args(["--reuid", UNUSED_USER, "--regid", UNUSED_USER, "--clear-groups"])
                .args(["prlimit", &format!("--nproc={limit}")])
                .arg(&program)
                .args(command)
                .any_ending()
                .stdout_contains("")
                .stderr_contains("")
                .stderr_lacks("panicked")
                .run();
            let code = output.code.unwrap();
            assert!(![1, 101].contains(&code), "{command:?}: {output:?}");
            if command[0] == "send" {
                let document: Value = serde_json::from_str(&output.stdout).unwrap();
                let sent = server.count() - before;
                let expected = if code == 0 { ("accepted", 1) } else { ("not_sent", 0) };
                assert_eq!((document["outcome"].as_str().unwrap(), sent), expected);
            }
            codes.push(code);
        }
        // The limits that were tried begin too low and end high enough.
        assert_eq!(codes.first(), Some(&71), "{command:?}: {codes:?}");
        assert_eq!(codes.last(), Some(&0), "{command:?}: {codes:?}");
    }
}

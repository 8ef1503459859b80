//! What the processes that vescli starts, and vescli itself, show of a secret to others.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::sources::rejecting;
use super::{TOKEN, lacks, quiet, send, silent};
use crate::credentials::file_for;
use crate::fault_matrix::PROXY_PASSWORD;
use support::harness::Vescli;
use support::server::{Answer, Moment, Server};

/// What a process shows of its own arguments and environment.
const ABOUT_ITSELF: &str = "tr '\\000' '\\n' </proc/$$/environ >about; tr '\\000' '\\n' </proc/$$/cmdline >>about; \
    tr '\\000' '\\n' </proc/$PPID/cmdline >>about";

fn about(folder: &Path) -> String {
    let about = fs::read_to_string(folder.join("about")).unwrap();
    assert!(about.contains("HOME="), "the environment cannot be read: {about}");
    about
}

#[test]
fn a_token_command_gets_no_secret() {
    let server = rejecting();
    let script = format!("{ABOUT_ITSELF}; cat token");
    let config = file_for(
        &server,
        &format!("token_command = [\"/bin/sh\", \"-c\", {}]", serde_json::to_string(&script).unwrap()),
    );
    let vescli = send()
        .against(&server)
        .config(&config)
        .file("token", TOKEN)
        .env("F5XC_API_TOKEN", "c4n4ry-1")
        .env("VESCLI_P12_PASSWORD", "c4n4ry-2")
        .env("VES_P12_PASSWORD", "c4n4ry-3")
        .env("VESCLI_PROXY", format!("http://ada:{PROXY_PASSWORD}@127.0.0.1:1"))
        .env("VESCLI_NOPROXY", "127.0.0.1");
    let output = quiet(vescli, 41);
    lacks(&about(&output.folder), "the process of the command");
}

#[test]
fn a_rehearsed_command_gets_no_secret() {
    let mut vescli = Vescli::new()
        .args(["sandbox", "--", "/bin/sh", "-c", ABOUT_ITSELF])
        .env("VESCLI_TOKEN", TOKEN)
        .env("HTTP_PROXY", "http://proxy.example:3128")
        .env("VESCLI_RATE", "30/m");
    for name in [
        "VESCLI_P12_PASSWORD",
        "F5XC_API_TOKEN",
        "VES_P12_PASSWORD",
        "VESCLI_TOKEN_FILE",
        "VESCLI_CERT",
        "VESCLI_KEY",
        "VESCLI_P12_PASSWORD_FILE",
        "VOLT_API_CERT",
        "VOLT_API_KEY",
        "VOLT_API_P12_FILE",
        "VOLT_API_CA_CERT",
    ] {
        vescli = vescli.env(name, format!("c4n4ry-{name}"));
    }
    for name in ["VESCLI_PROXY", "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"] {
        vescli = vescli.env(name, format!("http://ada:{PROXY_PASSWORD}@proxy.example:3128"));
    }
    let output = quiet(vescli, 0);
    let about = about(&output.folder);
    lacks(&about, "the rehearsed command");
    assert!(about.contains("VESCLI_TOKEN="), "the sandbox's own token is missing: {about}");
    // What is not a secret is left alone: a runbook is rehearsed as it runs.
    for kept in ["HTTP_PROXY=http://proxy.example:3128\n", "VESCLI_RATE=30/m\n"] {
        assert!(about.contains(kept), "{about}");
    }
}

#[test]
fn no_argument_of_the_program_contains_the_token() {
    let server = Server::http().answer(Answer::stall(Moment::Whole)).start();
    let running = send()
        .against(&server)
        .args(["--token-file", "-", "--timeout", "1s"])
        .stdin(TOKEN)
        .code(28)
        .stderr_contains("out of time")
        .start();
    server.wait_for(1);
    for name in ["cmdline", "environ", "comm"] {
        match fs::read(format!("/proc/{}/{name}", running.id())) {
            Ok(bytes) => lacks(&String::from_utf8_lossy(&bytes), name),
            // A process with a secret shows its environment to root alone.
            Err(error) => assert_eq!((error.kind(), name), (ErrorKind::PermissionDenied, "environ")),
        }
    }
    silent(&running.finish());
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_with_a_secret_leaves_no_core_file() {
    let server = Server::http().answer(Answer::stall(Moment::Whole)).start();
    let running = Vescli::program("/bin/sh")
        .args(["-c", "ulimit -S -c \"$(ulimit -H -c)\"; exec \"$0\" send --email a@b.co --cname c"])
        .arg(support::program())
        .against(&server)
        .env("VESCLI_TOKEN", TOKEN)
        .dies_by(3)
        .start();
    server.wait_for(1);
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().nth(4), Some("0"), "{line}");
    running.signal("QUIT");
    let output = running.finish();
    let files = fs::read_dir(&output.folder).unwrap();
    let cores = files.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("core"));
    assert_eq!(cores.count(), 0);
}

/// A core pattern that is a pipe ignores the limit, so the kernel has to know that the process may not be dumped: what it
/// shows below `/proc` belongs to root then. As root there is nothing to see, and so another user is taken.
#[test]
fn a_process_with_a_secret_cannot_be_dumped_or_read_by_its_own_user() {
    let nobody = 65534;
    let as_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    for (token, owner_is_root) in [(Some(TOKEN), true), (None, false)] {
        let server = Server::http().answer(Answer::stall(Moment::Whole)).start();
        let mut vescli = Vescli::new()
            .args(["send", "--email", "a@b.co", "--cname", "c"])
            // The other user cannot write into the folder of the test.
            .args(["--config", "none", "--no-journal"])
            .against(&server)
            .dies_by(9);
        if let Some(token) = token {
            vescli = vescli.env("VESCLI_TOKEN", token);
        }
        let running = if as_root { vescli.of_user(nobody).start() } else { vescli.start() };
        server.wait_for(1);
        let own = fs::metadata(format!("/proc/{}/environ", running.id())).unwrap();
        assert_eq!(own.uid() == 0, owner_is_root);
        running.signal("KILL");
        silent(&running.finish());
    }
}

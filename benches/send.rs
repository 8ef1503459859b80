//! One send against curl, with its journal and without, and the start of the program against one that only prints a line: medians of interleaved
//! runs, reported as ratios. Needs Debian's packages curl and nginx-light. Run it with `cargo bench --locked --bench send`.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: a failure has to end it, and it prints what it saw"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::nginx::{Config, Nginx};
use tempfile::TempDir;

/// Runs of each program. They take turns, so that whatever else the machine does hits all alike.
const RUNS: usize = 80;

fn main() {
    let nginx = Nginx::start(&Config::default());
    let folder = TempDir::with_prefix("vescli-bench-").unwrap();
    // Both read Debian's bundle, with the authority of this run at its end.
    let bundle = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    fs::write(folder.path().join("bundle.pem"), bundle + &nginx.authority.pem()).unwrap();
    let url = nginx.url();
    let curl = support::peer::find("curl", "curl");
    let full = format!("{url}/no_auth/send_password_email");
    let vescli = support::program();
    let programs = programs(&vescli, curl.to_str().unwrap(), &url, &full);
    let medians = medians(&programs, folder.path());
    for ((name, _), median) in programs.iter().zip(&medians) {
        println!("{name:<18} {median:>7.2} ms");
    }
    println!("curl / vescli send         {:>7.1}", medians[1] / medians[0]);
    println!("the same without a journal {:>7.1}", medians[1] / medians[2]);
    println!("vescli --version - a line  {:>7.2} ms", medians[3] - medians[4]);
    assert_eq!(nginx.requests().len(), 3 * RUNS, "every run was one request");
}

/// What is compared: names and command lines.
fn programs<'a>(vescli: &'a str, curl: &'a str, url: &'a str, full: &'a str) -> [(&'static str, Vec<&'a str>); 5] {
    let body = r#"{"cname":"t","email":"a@b.co"}"#;
    let send = vec![vescli, "send", "-q", "--email", "a@b.co", "--tenant", "t", "--base-url", url];
    let unrecorded = [&send[..], &["--no-journal"]].concat();
    [
        ("vescli send", send),
        ("curl", vec![curl, "-q", "-sS", "-o", "/dev/null", "--http1.1", "--json", body, full]),
        ("without a journal", unrecorded),
        ("vescli --version", vec![vescli, "--version"]),
        ("a line (echo)", vec!["/bin/echo", "vescli"]),
    ]
}

/// The median of each program's times, in milliseconds.
fn medians(programs: &[(&str, Vec<&str>)], folder: &Path) -> Vec<f64> {
    let mut times = vec![Vec::new(); programs.len()];
    for _ in 0..RUNS {
        for ((_, words), times) in programs.iter().zip(&mut times) {
            times.push(run(words, folder));
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1000.0
    };
    times.into_iter().map(median).collect()
}

fn run(words: &[&str], folder: &Path) -> Duration {
    let start = Instant::now();
    let status = Command::new(words[0])
        .args(&words[1..])
        .env_clear()
        .env("SSL_CERT_FILE", folder.join("bundle.pem"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let elapsed = start.elapsed();
    assert!(status.success(), "{words:?} failed: {status}");
    elapsed
}

//! A name server that never answers: no run outlives its time-out, whatever the system's resolver does.
//!
//! glibc asks port 53 of the servers in `/etc/resolv.conf` and nothing else, so the runs get namespaces of their own
//! (`unshare`), in which that file is another one and whatever is sent to its server is lost.

use std::time::Duration;

use support::harness::{Output, Vescli};
use support::peer::find;

/// What the resolver takes until it gives up: two rounds of 5 s.
const RESOLVER: Duration = Duration::from_secs(10);
/// A second of time-out, the second of grace, and what a busy machine takes to start a process.
const MOST: Duration = Duration::from_secs(5);

/// Without a route back, packets that leave by the loopback device are dropped silently.
const SCRIPT: &str = "set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
ip route add default dev lo
mount --bind resolv.conf /etc/resolv.conf
exec \"$@\"";

/// A program whose only name server never answers.
fn without_dns(program: &str) -> Vescli {
    find("ip", "iproute2");
    find("mount", "mount");
    Vescli::program(find("unshare", "util-linux"))
        .file("resolv.conf", "nameserver 192.0.2.53\noptions timeout:5 attempts:2\n")
        .file("list.txt", "a@b.co\nb@b.co\nc@b.co\n")
        .args(["--map-root-user", "--mount", "--net", "sh", "-c", SCRIPT, "sh"])
        .arg(program)
        .stdout_contains("")
        .stderr_contains("")
}

fn vescli(args: &[&str]) -> Vescli {
    without_dns(&support::program()).args(args).args(["--base-url", "https://service.example", "--no-auth"])
}

fn in_time(output: &Output) {
    assert!(output.elapsed < MOST, "{:?}", output.elapsed);
}

#[test]
fn a_send_ends_by_its_time_out() {
    for flags in [
        &["--timeout", "1s"][..],
        &["--connect-timeout", "1s"],
        &["--timeout", "1s", "--proxy", "http://proxy.example:3128"],
        &["--timeout", "1s", "--proxy", "https://proxy.example:3128"],
        &["--timeout", "1s", "--proxy", "socks5h://proxy.example:1080"],
    ] {
        let output = vescli(&["send", "--email", "a@b.co", "--cname", "c", "--json", "--retries", "0"])
            .args(flags)
            .code(28)
            .stdout_json(|document| {
                assert_eq!(document["outcome"], "not_sent");
                assert_eq!(document["attempts"], 1);
                let elapsed = document["elapsed_ms"].as_u64().unwrap();
                assert!((1000..2000).contains(&elapsed), "{elapsed}");
            })
            .run();
        in_time(&output);
    }
}

#[test]
fn a_retried_send_does_not_wait_for_an_older_lookup() {
    let output = vescli(&["send", "--email", "a@b.co", "--cname", "c", "--json", "--retries", "2"])
        .args(["--timeout", "700ms"])
        .code(28)
        .stdout_json(|document| {
            assert_eq!(document["attempts"], 3);
            // Three time-outs, and random waits of at most 0.5 and 1 s between them.
            let elapsed = document["elapsed_ms"].as_u64().unwrap();
            assert!((2100..4600).contains(&elapsed), "{elapsed}");
        })
        .run();
    assert!(output.elapsed < MOST + Duration::from_secs(3));
}

#[test]
fn a_list_and_doctor_end_in_time_too() {
    let output = vescli(&["bulk", "list.txt", "--yes", "--rate", "none", "--jobs", "2"])
        .args(["--cname", "c", "--timeout", "500ms", "--retries", "0"])
        .code(10)
        .stdout_contains("not_sent  c@b.co")
        .run();
    in_time(&output);
    let doctor = vescli(&["doctor", "--timeout", "1s"]).code(28).run();
    in_time(&doctor);
}

/// The checks above can fail: the resolver does not answer, and takes its time.
#[test]
fn the_name_server_is_silent() {
    let output = without_dns("getent").args(["ahosts", "service.example"]).code(2).run();
    assert!(output.elapsed >= RESOLVER, "{:?}", output.elapsed);
}

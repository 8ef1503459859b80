//! `kill -9` at every system call of a small run and of single sends, by strace.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::fixtures::{Case, Fixture, wait};
use crate::oracle::{Faults, State, states};
use support::peer::find;

const ROWS: usize = 4;
const WORKERS: usize = 2;
/// The calls that write, sync, send, receive or open: where a kill could lose something.
const CALLS: &str =
    "openat,write,writev,sendto,fdatasync,fsync,ftruncate,fallocate,flock,connect,recvfrom,rename,close";
/// No thread of such a small run makes more calls of one kind.
const MOST: usize = 3000;

fn calls() -> Vec<String> {
    match crate::asked("VESCLI_CALLS").as_deref() {
        Some("all") => seen(),
        _ => CALLS.split(',').map(str::to_owned).collect(),
    }
}

/// Every system call that a small run makes.
fn seen() -> Vec<String> {
    let fixture = Fixture::new();
    let case = fixture.case("seen", ROWS);
    let mut strace = fixture.command(find("strace", "strace"));
    strace.args(["-f", "-qq", "-c", "-U", "name", "-o", "calls"]);
    run(strace, &case);
    let table = fs::read_to_string(case.list.with_file_name("calls")).unwrap();
    let word = |line: &str| line.trim().to_owned();
    table
        .lines()
        .map(word)
        .filter(|line| !line.is_empty() && line.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .filter(|call| call != "syscall" && call != "total")
        .collect()
}

/// Runs vescli below strace; the code is none when it was killed.
fn run(mut strace: Command, case: &Case) -> Option<i32> {
    strace.arg(support::program());
    strace.args(Fixture::arguments(case, WORKERS));
    wait(&mut strace.spawn().unwrap())
}

#[test]
fn a_kill_at_any_system_call_mails_no_one_twice_and_loses_no_one() {
    let strace = find("strace", "strace");
    let fixture = Fixture::new();
    let (mut cases, mut kills) = (Vec::new(), 0);
    for call in calls() {
        for nth in 1..=MOST {
            assert!(nth < MOST, "{call}: the run never comes to its end");
            let case = fixture.case(&format!("{}{nth}", call.replace('_', "")), ROWS);
            let mut command = fixture.command(&strace);
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let trace = format!("trace={call}");
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
            let ended = run(command, &case);
            kills += usize::from(ended.is_none());
            assert!(case.unknown() <= WORKERS, "{call} {nth}");
            fixture.finish(&case);
            cases.push((format!("{call} {nth}"), case));
            if ended == Some(0) {
                break;
            }
        }
    }
    let mailed = fixture.mailed();
    for (at, case) in &cases {
        assert_eq!(Fixture::faults(case, &mailed), Faults::default(), "{at}");
    }
    assert!(kills > 30, "only {kills} kills");
    println!("{kills} kills, one at each call: none twice, none lost");
}

#[test]
fn a_kill_at_any_system_call_of_a_send_leaves_no_mailed_person_unrecorded() {
    let strace = find("strace", "strace");
    let fixture = Fixture::new();
    let (mut emails, mut kills) = (Vec::new(), 0);
    for call in CALLS.split(',') {
        for nth in 1..=MOST {
            assert!(nth < MOST, "{call}: the send never comes to its end");
            let email = format!("{call}{nth}@example.com");
            let mut command = fixture.command(&strace);
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let trace = format!("trace={call}");
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
            command.arg(support::program()).args(["send", "--cacert", "ca.pem", "-e", &email]);
            let ended = wait(&mut command.spawn().unwrap());
            emails.push(email);
            kills += usize::from(ended.is_none());
            if ended == Some(0) {
                break;
            }
        }
    }
    let entries = fs::read_dir(fixture.path(".local/state/vescli")).unwrap();
    let mut known = BTreeMap::new();
    // Two of them if a month has just ended.
    for journal in entries.map(|entry| entry.unwrap().path()) {
        let mut check = fixture.command(support::program());
        assert!(check.args(["journal", "check"]).arg(&journal).status().unwrap().success());
        known.extend(states(&String::from_utf8_lossy(&fs::read(&journal).unwrap())));
    }
    let mailed = fixture.mailed();
    for email in &emails {
        let (count, state) = (mailed.get(email).copied().unwrap_or(0), known.get(email));
        let is_known = matches!(state, Some(State::Accepted | State::Unknown));
        assert!(count <= 1 && (count == 0 || is_known), "{email}: mailed {count} times, {state:?}");
        assert!(count == 1 || state != Some(&State::Accepted), "{email} was not mailed");
    }
    assert!(kills > 30, "only {kills} kills");
    println!("{kills} kills, one at each call of a send: no one mailed who is not known");
}

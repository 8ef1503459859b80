//! A machine without enough descriptors or threads: fewer workers do the work, and a warning says so; without room for a
//! single one no one is mailed.

use super::{each_once, lines, mailed};
use support::harness::Vescli;
use support::server::Server;

/// The command behind a shell's limits.
fn limited(server: &Server, rows: usize, limits: &str) -> Vescli {
    let program = support::program();
    let script = format!("{limits}; exec {program} bulk list.txt --yes --rate none --jobs 256");
    Vescli::program("/bin/bash")
        .file("list.txt", lines(rows))
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["-c", &script])
        .stdout_contains("")
        .stderr_contains("")
}

#[test]
fn the_workers_fit_the_limit_on_descriptors() {
    for limit in [64, 128, 1024] {
        let server = Server::http().start();
        limited(&server, 600, &format!("ulimit -n {limit}"))
            .stdout_contains("this run: 600 accepted (600 requests")
            .stderr_contains(format!(" workers instead of 256: the limit on open files is {limit} (`ulimit -n`)\n"))
            .run();
        assert_eq!(mailed(&server), each_once(600));
    }
}

#[test]
fn a_soft_limit_is_raised_as_far_as_it_is_needed() {
    let server = Server::http().start();
    limited(&server, 300, "ulimit -Sn 64; ulimit -Hn 4096")
        .stdout_contains("this run: 300 accepted (300 requests")
        .stderr_lacks("instead of")
        .run();
    assert_eq!(mailed(&server), each_once(300));
}

#[test]
fn without_memory_for_a_worker_no_one_is_mailed() {
    let server = Server::http().uncalled().start();
    limited(&server, 5, "ulimit -n 14")
        .code(71)
        .stdout("")
        .stderr_contains("error: no worker can be started: ")
        .stderr_contains("the limit on open files is 14 (`ulimit -n`)")
        .run();
}

#[test]
fn with_few_threads_fewer_workers_do_all_of_the_work() {
    // Each thread takes a gibibyte of addresses, of which there are eight.
    let server = Server::http().start();
    limited(&server, 60, "ulimit -v 12582912; export RUST_MIN_STACK=1073741824")
        .stdout_contains("this run: 60 accepted (60 requests")
        .stderr_contains(" instead of 60: the system starts no more threads\n")
        .run();
    assert_eq!(mailed(&server), each_once(60));
}

#[test]
fn without_a_thread_no_one_is_mailed() {
    for gibibytes in 1..8 {
        let server = Server::http().start();
        let kibibytes = gibibytes << 20;
        let program = support::program();
        // With the first of these there is no thread at all, with the last of these enough for a worker.
        let script = format!(
            "ulimit -v {kibibytes}; export RUST_MIN_STACK=1073741824; \
             {program} bulk list.txt --yes --rate none; code=$?; \
             case $code in 0|71) ;; *) exit $code ;; esac; ulimit -v unlimited 2>/dev/null; exit 0"
        );
        let output = Vescli::program("/bin/bash")
            .file("list.txt", lines(5))
            .against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .args(["-c", &script])
            .stdout_contains("")
            .stderr_lacks("panicked")
            .stderr_contains("")
            .run();
        let requests = server.requests().len();
        let has_failed = output.stderr.contains("the system starts no more threads\n");
        assert_eq!(requests, if output.stdout.is_empty() { 0 } else { 5 }, "{}", output.stderr);
        assert!(has_failed || requests == 5, "{}", output.stderr);
        super::again_on(output.again(), &server).run();
        assert_eq!(mailed(&server), each_once(5));
    }
}

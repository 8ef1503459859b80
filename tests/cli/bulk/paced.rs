//! The rate, as the server sees it, and the pauses that it asks for.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{again_on, bulk, each_once, lines, mailed};
use support::harness::Vescli;
use support::server::{Answer, Server};

/// When the requests arrived, in order.
pub(super) fn arrivals(server: &Server) -> Vec<Instant> {
    let mut arrivals: Vec<Instant> = server.requests().iter().map(|seen| seen.arrived).collect();
    arrivals.sort();
    arrivals
}

/// The most requests that arrived within any period of this length.
pub(super) fn densest(arrivals: &[Instant], length: Duration) -> usize {
    let within = |first: usize| {
        let rest = arrivals[first..].iter();
        rest.take_while(|at| **at - arrivals[first] <= length).count()
    };
    (0..arrivals.len()).map(within).max().unwrap_or(0)
}

#[test]
fn no_second_has_more_than_one_request_over_the_rate_even_with_an_unsteady_server() {
    for rate in [5_usize, 20, 100] {
        let count = AtomicUsize::new(0);
        // Every third answer takes its time.
        let server = Server::http()
            .choose(move |_| match count.fetch_add(1, Ordering::Relaxed) % 3 {
                0 => Answer::accepted().dripping_from_the_head(Duration::from_millis(3)),
                _ => Answer::accepted(),
            })
            .start();
        let rows = rate * 2 + 5;
        let started = Instant::now();
        bulk(&server, rows).args(["--jobs", "8", "--rate", &format!("{rate}/s")]).run();
        let took = started.elapsed();
        assert_eq!(mailed(&server), each_once(rows));
        let most = densest(&arrivals(&server), Duration::from_secs(1));
        assert!(most <= rate + 1, "{most} requests in a second at {rate}/s");
        assert!(took >= Duration::from_secs(2), "{rate}/s took {took:?}");
        assert!(took <= Duration::from_secs(5), "{rate}/s took {took:?}");
    }
}

#[test]
fn retries_count_against_the_rate() {
    let known = Mutex::new(HashSet::new());
    // Each address is refused once: by turns, one could meet refusals only.
    let server = Server::http()
        .choose(move |request| {
            let new = known.lock().unwrap().insert(request.json().to_string());
            if new { Answer::status(408) } else { Answer::accepted() }
        })
        .start();
    bulk(&server, 15).args(["--rate", "10/s", "--retries", "5"]).run();
    let most = densest(&arrivals(&server), Duration::from_secs(1));
    assert_eq!(server.count(), 30);
    assert!(most <= 11, "{most} requests in a second");
}

/// No rate of these tests leaves so long a time between two requests.
const SILENCE: Duration = Duration::from_secs(1);

#[test]
fn a_wait_that_the_server_asks_for_applies_to_all_workers() {
    for status in [429, 503] {
        let count = AtomicUsize::new(0);
        let server = Server::http()
            .choose(move |_| match count.fetch_add(1, Ordering::Relaxed) {
                10 => Answer::status(status).header("Retry-After", "2"),
                _ => Answer::accepted(),
            })
            .start();
        let jobs = 4;
        bulk(&server, 30).args(["--jobs", "4", "--rate", "50/s"]).stderr_contains("retry in 2.0 s").run();
        let arrivals = arrivals(&server);
        assert_eq!(arrivals.len(), 31);
        let before = 1 + arrivals.windows(2).position(|pair| pair[1] - pair[0] >= SILENCE).expect("no one waited");
        // On a busy machine the other workers have requests under way when the refusal comes.
        assert!((11..11 + jobs).contains(&before), "{status}: a silence after {before} requests");
        let gap = arrivals[before] - arrivals[10];
        assert!(gap >= Duration::from_secs(2), "{status}: only {gap:?}");
        let mut expected = each_once(30);
        let repeated = mailed(&server).into_iter().find(|(_, count)| *count == 2);
        expected.insert(repeated.unwrap().0, 2);
        assert_eq!(mailed(&server), expected);
    }
}

#[test]
fn without_a_rate_all_requests_not_yet_sent_wait_too() {
    let rows = 400;
    let count = AtomicUsize::new(0);
    let server = Server::http()
        .choose(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            20 => Answer::status(429).header("Retry-After", "2"),
            _ => Answer::accepted(),
        })
        .start();
    bulk(&server, rows).args(["--jobs", "8"]).run();
    let arrivals = arrivals(&server);
    assert_eq!(arrivals.len(), rows + 1);
    // How many leave before the refusal is read only the machine's load says. If the others did not wait, everyone
    // but the one who was refused would have come before the silence.
    let before = 1 + arrivals.windows(2).position(|pair| pair[1] - pair[0] >= SILENCE).expect("no one waited");
    assert!(before >= 21, "a silence after {before} requests");
    assert!(before < rows / 2, "a silence after {before} requests only");
}

#[test]
fn an_outage_is_not_multiplied_by_retries() {
    let server = Server::http().answer(Answer::status(408)).start();
    bulk(&server, 60).args(["--retries", "3", "--max-failures", "0", "--jobs", "8"]).code(10).run();
    // 60 rows, 20 retries, and one more for every ten rows.
    assert_eq!(server.count(), 60 + 20 + 6);
}

#[test]
fn the_default_rate_is_sixty_a_minute_and_the_file_can_change_it() {
    let plan = |config: &str, flags: &[&str], text: &str| {
        let server = Server::http().uncalled().start();
        let vescli = Vescli::new().file("list.txt", lines(61)).config(config);
        vescli
            .against(&server)
            .args(["bulk", "list.txt", "--dry-run", "--tenant", "example-corp"])
            .args(flags)
            .stdout_contains(text)
            .run();
    };
    plan("", &[], "61 rows at 60/m, about 1 min 0 s, 4 jobs");
    plan("[defaults]\nrate = \"30/m\"\njobs = 2\n", &[], "at 30/m, about 2 min 0 s, 2 jobs");
    plan("[defaults]\nrate = 30\n", &[], "at 30/m, about 2 min 0 s");
    plan("[defaults]\nrate = \"30/min\"\n", &[], "at 30/m, about 2 min 0 s");
    plan("[defaults]\nrate = 0.5\n", &[], "at 0.5/m, about 2 h 0 min");
    plan("[defaults]\nrate = \"30/m\"\n", &["--rate", "2/s"], "at 2/s, about 30 s");
    plan("", &["--rate", "30"], "at 30/m, about 2 min 0 s");
    plan("", &["--rate", "0.5/s"], "at 0.5/s, about 2 min 0 s");
    plan("", &["--rate", "none"], "without a limit on the rate");
}

#[test]
fn a_connection_is_used_again_only_when_that_is_asked_for() {
    for (flags, connections) in [(&[][..], 20), (&["--keep-alive"][..], 1)] {
        let server = Server::http().start();
        let vescli = Vescli::new().file("list.txt", lines(20));
        again_on(vescli, &server).args(["--jobs", "1"]).args(flags).run();
        assert_eq!(mailed(&server), each_once(20));
        assert_eq!(server.connections().len(), connections, "{flags:?}");
    }
}

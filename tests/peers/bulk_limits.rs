//! How fast a list is sent, by nginx's own clock, and what happens when it meets nginx's own limit: everyone is mailed
//! in the end, each once, never faster than asked for, and no one while nginx has asked to wait.

use std::collections::BTreeMap;

use serde_json::Value;

use support::harness::Vescli;
use support::nginx::{Config, Nginx};

/// Rows of the list: more than nginx lets through at once.
const ROWS: usize = 500;
/// nginx's log has whole milliseconds, so the time between two of them may be up to one shorter than it looks.
const ROUNDING: u64 = 2;

fn people(rows: usize) -> Vec<String> {
    (0..rows).map(|row| format!("person{row}@example.com")).collect()
}

fn bulk(nginx: &Nginx, people: &[String]) -> Vescli {
    Vescli::new()
        .file("ca.pem", nginx.authority.pem())
        .file("list.txt", people.join("\n"))
        .args(["bulk", "list.txt", "--yes", "--tenant", "t", "--cacert", "ca.pem", "-q"])
        .args(["--base-url", &nginx.url()])
        .stdout_contains("")
        .stderr_contains("")
}

/// How long a request may be under way, in milliseconds, on a slow machine.
const UNDER_WAY: u64 = 500;

/// A request as nginx saw it, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    arrived: u64,
    answered: u64,
    status: u64,
}

/// The requests by their arrival.
fn seen(nginx: &Nginx) -> Vec<Seen> {
    let milliseconds = |value: &Value| {
        let text = value.to_string();
        let (seconds, rest) = text.split_once('.').unwrap_or((&text, "0"));
        let fraction: u64 = format!("{rest:0<3}").parse().unwrap();
        seconds.parse::<u64>().unwrap() * 1000 + fraction
    };
    let mut seen: Vec<Seen> = nginx
        .requests()
        .iter()
        .map(|request| {
            let answered = milliseconds(&request["at"]);
            Seen {
                arrived: answered - milliseconds(&request["took"]),
                answered,
                status: request["status"].as_u64().unwrap(),
            }
        })
        .collect();
    seen.sort();
    seen
}

/// The most requests that arrived within any second.
fn densest(seen: &[Seen]) -> usize {
    let within = |first: &Seen| {
        let end = first.arrived + 1000 - ROUNDING;
        let there = |one: &&Seen| (first.arrived..end).contains(&one.arrived);
        seen.iter().filter(there).count()
    };
    seen.iter().map(within).max().unwrap_or(0)
}

/// The most requests that arrived in the two seconds after any 429, but for those that had left already.
fn in_a_pause(seen: &[Seen]) -> usize {
    let refusals = seen.iter().filter(|one| one.status == 429);
    let within = |refusal: &Seen| {
        let pause = refusal.answered + UNDER_WAY..refusal.answered + 2000 - ROUNDING;
        let late = |one: &&Seen| pause.contains(&one.arrived);
        seen.iter().filter(late).count()
    };
    refusals.map(within).max().expect("a refusal")
}

#[test]
fn no_second_has_more_than_one_request_over_the_rate_and_an_unlimited_run_is_detected() {
    let unsteady = Nginx::start(&Config {
        http: "limit_req_zone $binary_remote_addr zone=slow:1m rate=18r/s;",
        location: "limit_req zone=slow burst=200; proxy_pass http://127.0.0.1:UPSTREAM;",
        ..Config::default()
    });
    bulk(&unsteady, &people(60)).args(["--jobs", "8", "--rate", "20/s"]).run();
    let paced = seen(&unsteady);
    assert_eq!(paced.len(), 60);
    assert!(densest(&paced) <= 21, "{paced:?}");
    let nginx = Nginx::start(&Config::default());
    bulk(&nginx, &people(60)).args(["--jobs", "8", "--rate", "none"]).run();
    assert!(densest(&seen(&nginx)) > 21, "the check cannot fail");
}

#[test]
fn while_nginx_asks_one_worker_to_wait_no_other_sends() {
    // Only long requests are limited: the worker of a short one is not refused, and still has to wait.
    let nginx = Nginx::start(&Config {
        http: "map $http_content_length $long { default ''; '~^[6-9].$' long; } \
               limit_req_zone $long zone=mails:1m rate=30r/m; limit_req_status 429;",
        server: "error_page 429 @slow; location @slow { default_type application/json; \
                 add_header Retry-After 2 always; return 429 '{}'; }",
        location: "limit_req zone=mails; proxy_pass http://127.0.0.1:UPSTREAM;",
        ..Config::default()
    });
    let mut people = people(60);
    for row in [10, 20] {
        people[row] = format!("{}{row}@example.com", "long".repeat(15));
    }
    bulk(&nginx, &people).args(["--jobs", "4", "--rate", "20/s"]).run();
    let mut seen = seen(&nginx);
    assert_eq!(in_a_pause(&seen), 0, "{seen:?}");
    assert_eq!(seen.iter().filter(|one| one.status == 200).count(), 60);
    assert!(seen.len() > 60, "no one was refused");
    // The planted fault: a second after the refusal one worker does not wait.
    let refusal = *seen.iter().find(|one| one.status == 429).unwrap();
    let early = Seen { arrived: refusal.answered + 1000, ..refusal };
    seen.push(early);
    assert_eq!(in_a_pause(&seen), 1, "the check cannot fail");
}

#[test]
fn a_rate_limit_in_the_middle_of_a_list_omits_no_one_and_mails_no_one_twice() {
    let nginx = Nginx::start(&Config {
        http: "limit_req_zone $binary_remote_addr zone=mails:1m rate=100r/s; limit_req_status 429;",
        server: "error_page 429 @slow; location @slow { default_type application/json; \
                 add_header Retry-After 1 always; return 429 '\"too many requests\"'; }",
        location: "limit_req zone=mails burst=100 nodelay; proxy_pass http://127.0.0.1:UPSTREAM;",
        ..Config::default()
    });
    bulk(&nginx, &people(ROWS)).args(["--rate", "none"]).run();
    let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
    let mut refused = 0;
    for request in nginx.requests() {
        if request["status"] == 200 {
            *accepted.entry(request["body"].as_str().unwrap().to_owned()).or_default() += 1;
        } else {
            assert_eq!(request["status"], 429);
            refused += 1;
        }
    }
    assert_eq!(accepted.len(), ROWS, "everybody was mailed");
    assert!(accepted.values().all(|times| *times == 1), "no one was mailed twice");
    assert!(refused > 0, "the limit was met");
}

//! A list that meets nginx's own limit on the rate: everybody is mailed in the end, each once.

use std::collections::BTreeMap;

use crate::harness::Vescli;
use crate::nginx::{Config, Nginx};

/// Rows of the list: more than nginx lets through at once.
const ROWS: usize = 500;

#[test]
fn a_limit_in_the_middle_of_a_list_leaves_nobody_out_and_mails_nobody_twice() {
    let nginx = Nginx::start(&Config {
        http: "limit_req_zone $binary_remote_addr zone=mails:1m rate=100r/s; limit_req_status 429;",
        server: "error_page 429 @slow; location @slow { default_type application/json; \
                 add_header Retry-After 1 always; return 429 '\"too many requests\"'; }",
        location: "limit_req zone=mails burst=100 nodelay; proxy_pass http://127.0.0.1:UPSTREAM;",
        ..Config::default()
    });
    let people: Vec<String> = (0..ROWS)
        .map(|row| format!("person{row}@example.com"))
        .collect();
    let list = people.join("\n");
    Vescli::new()
        .file("ca.pem", nginx.authority.pem())
        .file("list.txt", list)
        .args([
            "bulk", "list.txt", "--yes", "--rate", "none", "--tenant", "t", "--cacert", "ca.pem",
            "-q",
        ])
        .args(["--base-url", &nginx.url()])
        .stdout_contains("")
        .stderr_contains("")
        .run();
    let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
    let mut refused = 0;
    for request in nginx.requests() {
        if request["status"] == 200 {
            *accepted
                .entry(request["body"].as_str().unwrap().to_owned())
                .or_default() += 1;
        } else {
            assert_eq!(request["status"], 429);
            refused += 1;
        }
    }
    assert_eq!(accepted.len(), ROWS, "everybody was mailed");
    assert!(
        accepted.values().all(|times| *times == 1),
        "nobody was mailed twice"
    );
    assert!(refused > 0, "the limit was met");
}

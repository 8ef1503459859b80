//! One address with several cnames: each is a mail of its own, and the same pair is sent once.

use std::collections::BTreeMap;

use serde_json::json;

use super::again_on;
use support::harness::Vescli;
use support::server::Server;

/// Two people; one of them with three cnames, in different letters, and with one of these twice.
const LIST: &str = "email,cname\nada@example.com,acme\nADA@example.com,other\nAda@Example.com,ACME\nada@example.com,\n\
                    bob@example.com,Example-Corp\nbob@example.com,\n";

/// How often each address was mailed with each cname, both in lower case.
fn mailed(server: &Server) -> BTreeMap<(String, String), usize> {
    let mut mailed = BTreeMap::new();
    for request in server.requests() {
        let text = |name: &str| request.json()[name].as_str().unwrap().to_lowercase();
        *mailed.entry((text("email"), text("cname"))).or_insert(0) += 1;
    }
    mailed
}

fn expected() -> BTreeMap<(String, String), usize> {
    [
        ("ada@example.com", "acme"),
        ("ada@example.com", "example-corp"),
        ("ada@example.com", "other"),
        ("bob@example.com", "example-corp"),
    ]
    .map(|(email, cname)| ((email.to_owned(), cname.to_owned()), 1))
    .into()
}

#[test]
fn each_cname_of_an_address_is_mailed_once() {
    let server = Server::http().start();
    let first = again_on(Vescli::new().file("list.txt", LIST), &server)
        .args(["--jobs", "1"])
        .stderr_contains("repeats   2 rows dropped\n")
        .stderr_contains(
            "cnames    2 rows have the address of another row but another cname: each is a separate mail\n",
        )
        .stdout_contains("accepted  ada@example.com (cname acme)\n")
        .stdout_contains("accepted  ADA@example.com (cname other)\n")
        .stdout_contains("accepted  ada@example.com (cname example-corp)\n")
        .run();
    assert_eq!(mailed(&server), expected());
    again_on(first.again(), &server).stdout_contains("nothing left to send: everybody on the list (4 rows)").run();
    assert_eq!(mailed(&server), expected());
}

#[test]
fn the_documents_count_them() {
    let server = Server::http().start();
    let list = || Vescli::new().file("list.txt", LIST);
    again_on(list(), &server)
        .args(["--json", "--dry-run"])
        .stdout_json(|plan| {
            assert_eq!((&plan["rows"], &plan["repeats"], &plan["other_cname"]), (&json!(4), &json!(2), &json!(2)));
        })
        .run();
    again_on(list(), &server)
        .args(["--json", "--jobs", "1"])
        .stdout_json_lines(|documents| {
            let cnames: Vec<_> = documents.iter().map(|row| &row["cname"]).take(4).collect();
            assert_eq!(cnames, ["acme", "other", "example-corp", "Example-Corp"]);
            let summary = documents.last().unwrap();
            assert_eq!((&summary["accepted"], &summary["repeats"]), (&json!(4), &json!(2)));
        })
        .run();
    assert_eq!(mailed(&server), expected());
}

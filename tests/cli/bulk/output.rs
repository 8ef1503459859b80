//! What a run prints: the plan, the rows, the summary, as text and as JSON.

use serde_json::{Value, json};

use super::{again, bulk, lines};
use support::harness::Vescli;
use support::server::{Answer, Server};

const ROW_FIELDS: &[&str] = &[
    "schema",
    "ok",
    "outcome",
    "row",
    "email",
    "cname",
    "status",
    "attempts",
    "elapsed_ms",
    "exit_code",
    "error",
    "warnings",
    "due",
];

const SUMMARY_FIELDS: &[&str] = &[
    "schema",
    "ok",
    "rows",
    "accepted",
    "rejected",
    "not_sent",
    "unknown",
    "this_run",
    "requests",
    "repeats",
    "invalid",
    "elapsed_ms",
    "tenant",
    "url",
    "cname",
    "input",
    "journal",
    "signal",
    "go_on",
    "exit_code",
    "error",
    "warnings",
    "known",
    "due",
    "beyond_limit",
    "shard",
];

/// Checks the fields of a document and their order.
fn assert_fields(line: &str, fields: &[&str]) {
    let document: Value = serde_json::from_str(line).unwrap();
    assert_eq!(document.as_object().unwrap().len(), fields.len(), "{line}");
    let mut from = 0;
    for field in fields {
        let name = format!("\"{field}\":");
        let at = line[from..].find(&name);
        from += at.unwrap_or_else(|| panic!("{field} is not where it belongs: {line}"));
    }
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_no_file() {
    let server = Server::http().uncalled().start();
    let output = Vescli::new()
        .file("users.csv", "\u{feff}EMail,Name,CName\r\na@b.co,A,\r\nb@b.co,B,own\r\nA@B.CO,C,\r\n")
        .against(&server)
        .args(["bulk", "users.csv", "--tenant", "example-corp", "-n", "--journal", "j"])
        .stdout(
            "tenant    example-corp\n\
             url       http://127.0.0.1:[PORT]/no_auth/send_password_email\n\
             cname     example-corp, unless the row has its own\n\
             list      users.csv (csv), 2 rows; ignored: Name\n\
             repeats   1 row dropped\n\
             journal   j\n\
             to send   2 rows at 60/m, about 1 s, 4 jobs\n\
             such as   a@b.co, b@b.co\n",
        )
        .run();
    assert!(!output.folder.join("j").exists());
    assert!(!output.folder.join(".local").exists());
}

#[test]
fn a_run_as_text() {
    let server = Server::http()
        .answers([Answer::accepted(), Answer::status(404).body("\"no\\u001b[31m\""), Answer::accepted()])
        .start();
    bulk(&server, 3)
        .args(["--jobs", "1", "--journal", "j"])
        .code(10)
        .stdout(
            "accepted  a0@example.com\n\
             rejected  a1@example.com  not found (HTTP 404): \"no\\u{1b}[31m\"\n\
             accepted  a2@example.com\n\
             this run: 2 accepted, 1 rejected (3 requests, 0 s)\n",
        )
        .stderr(
            "tenant    example-corp\n\
             url       http://127.0.0.1:[PORT]/no_auth/send_password_email\n\
             cname     example-corp\n\
             list      list.txt (lines), 3 rows\n\
             journal   j\n\
             to send   3 rows without a limit on the rate, 1 job\n\
             such as   a0@example.com, a1@example.com, a2@example.com\n\
             next: vescli bulk list.txt --yes --rate none --jobs 1 --journal j --retry-rejected\n",
        )
        .run();
}

#[test]
fn quiet_prints_failures_only() {
    let server = Server::http().start();
    let first = bulk(&server, 3).arg("-q").stdout("").stderr("").run();
    again(&first, &server).arg("-q").stdout("").stderr("").run();
    let server = Server::http().answers([Answer::accepted(), Answer::status(404)]).start();
    bulk(&server, 2)
        .args(["-q", "--jobs", "1"])
        .code(10)
        .stdout("rejected  a1@example.com  not found (HTTP 404)\nthis run: 1 accepted, 1 rejected (2 requests, 0 s)\n")
        .stderr("next: vescli bulk list.txt --yes --rate none -q --jobs 1 --retry-rejected\n")
        .run();
}

#[test]
fn a_run_as_json() {
    let server = Server::http().answers([Answer::accepted(), Answer::status(404)]).start();
    let output = bulk(&server, 2)
        .args(["--json", "--jobs", "1", "--journal", "j"])
        .code(10)
        .stdout_json_lines(|documents| {
            let [accepted, rejected, summary] = documents else {
                panic!("not three documents: {documents:?}");
            };
            assert_eq!(accepted["schema"], "vescli.row/1");
            assert_eq!(accepted["outcome"], "accepted");
            assert_eq!(accepted["row"], 1);
            assert_eq!(accepted["exit_code"], 0);
            assert_eq!(rejected["ok"], false);
            assert_eq!(rejected["email"], "a1@example.com");
            assert_eq!(rejected["error"]["class"], "not_found");
            assert_eq!(summary["schema"], "vescli.summary/1");
            assert_eq!((&summary["exit_code"], &summary["ok"]), (&json!(10), &json!(false)));
            let this_run = json!({"accepted": 1, "rejected": 1, "not_sent": 0, "unknown": 0});
            assert_eq!(summary["this_run"], this_run);
            assert_eq!(summary["rows"], 2);
        })
        .stderr_contains("rejected  a1@example.com  not found (HTTP 404)\n")
        .stderr_contains("this run: 1 accepted, 1 rejected")
        .run();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_fields(lines[0], ROW_FIELDS);
    assert_fields(lines[2], SUMMARY_FIELDS);
    again(&output, &server)
        .args(["--json", "-q", "--journal", "j"])
        .code(10)
        .stdout_json(|summary| {
            assert_eq!(summary["schema"], "vescli.summary/1");
            assert_eq!((&summary["accepted"], &summary["rejected"]), (&json!(1), &json!(1)));
        })
        .stderr("")
        .run();
}

#[test]
fn a_stop_as_json_has_its_class_and_the_resume_command() {
    let server = Server::http().answer(Answer::status(401)).start();
    bulk(&server, 5)
        .args(["--json", "--jobs", "1"])
        .code(12)
        .stdout_json_lines(|documents| {
            let summary = documents.last().unwrap();
            assert_eq!(summary["error"]["class"], "unauthorized");
            assert_eq!(summary["exit_code"], 12);
            assert_eq!((&summary["rejected"], &summary["not_sent"]), (&json!(1), &json!(4)));
            assert_eq!(summary["due"], 5);
            assert_eq!(documents[0]["outcome"], "rejected");
            assert_eq!(documents[0]["due"], true);
            assert_eq!(summary["go_on"], "vescli bulk list.txt --yes --rate none --json --jobs 1");
        })
        .run();
}

#[test]
fn a_plan_as_json() {
    let server = Server::http().uncalled().start();
    let output = Vescli::new()
        .file("list.txt", lines(61))
        .against(&server)
        .args(["bulk", "list.txt", "--tenant", "example-corp", "-n", "--json"])
        .stdout_json(|plan| {
            assert_eq!((&plan["to_send"], &plan["seconds"]), (&json!(61), &json!(60)));
            assert_eq!(plan["rate"], "60/m");
        })
        .run();
    assert_fields(
        output.stdout.trim_end(),
        &[
            "schema",
            "ok",
            "outcome",
            "tenant",
            "url",
            "cname",
            "list",
            "format",
            "rows",
            "repeats",
            "invalid",
            "ignored_columns",
            "journal",
            "accepted",
            "accepted_at",
            "rejected",
            "unknown",
            "to_send",
            "beyond_limit",
            "rate",
            "jobs",
            "seconds",
            "sample",
            "exit_code",
            "warnings",
            "known",
            "other_cname",
            "shard",
        ],
    );
}

#[test]
fn verbose_shows_each_exchange_without_the_token() {
    let server = Server::http().start();
    bulk(&server, 2)
        .env("VESCLI_TOKEN", "canary-4711")
        .arg("-vv")
        .stderr_contains("> authorization: APIToken ***\n")
        .stderr_contains("> {\"cname\":\"example-corp\",\"email\":\"a1@example.com\"}\n")
        .stderr_contains("< HTTP/1.1 200 OK\n")
        .stderr_lacks("canary-4711")
        .run();
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("APIToken canary-4711"));
    }
}

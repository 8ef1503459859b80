//! One outcome of a person, everywhere; and whether the next run sends it is shown beside it.

use serde_json::json;

use super::{again, bulk};
use support::server::{Answer, Server};

#[test]
fn row_summary_and_journal_agree_on_each_outcome() {
    for (answer, flags, code) in [
        (Answer::status(401), &["--jobs", "1"][..], 12),
        (Answer::status(403), &["--jobs", "1"], 12),
        (Answer::status(429).header("Retry-After", "3600"), &["--jobs", "1"], 12),
        (Answer::status(429), &["--jobs", "1", "--retries", "0", "--limit", "1"], 10),
        (Answer::status(503).header("Retry-After", "1"), &["--jobs", "1", "--retries", "0", "--limit", "1"], 10),
    ] {
        let server = Server::http().answers([answer, Answer::accepted()]).start();
        let stopped = bulk(&server, 3)
            .args(flags)
            .code(code)
            .stdout_contains("rejected  a0@example.com  ")
            .stdout_contains("; the next run sends it\nthis run: 0 accepted, 1 rejected; 1 due: the next run sends it (1 request, 0 s)\n")
            .stdout_contains("the list: 0 accepted, 1 rejected, 2 not_sent of 3 rows; 3 due: the next run sends them")
            .run();
        let show = || stopped.again().args(["journal", "show"]);
        show()
            .stdout_contains("rows      0 accepted, 1 rejected, 0 not_sent, 0 unknown; 1 due: the next run sends it\n")
            .run();
        show()
            .arg("--json")
            .stdout_json(|shown| {
                let rows = json!({"accepted": 0, "rejected": 1, "not_sent": 0, "unknown": 0, "due": 1});
                assert_eq!(shown["rows"], rows);
            })
            .run();
        again(&stopped, &server).arg("--dry-run").stdout_contains("to send   3 rows ").run();
        again(&stopped, &server).stdout_contains("this run: 3 accepted (3 requests").run();
        show().stdout_contains("rows      3 accepted, 0 rejected, 0 not_sent, 0 unknown\n").run();
    }
}

#[test]
fn a_journal_with_a_row_that_is_due_is_not_pruned() {
    let server = Server::http().answers([Answer::status(401)]).start();
    let output = bulk(&server, 1).code(12).run();
    output.again().args(["journal", "prune", "--older-than", "0s", "--dry-run"]).stdout("nothing was removed\n").run();
}

//! The matrix for readers, `tests/fault-matrix.md`: made of the rows, committed, and compared.

use std::fs;
use std::path::Path;

use super::groups;

const HEAD: &str = "# What can go wrong, and what vescli makes of it

Every row is run once against a real server, proxy or socket on this machine, with `--retries 0`; exit code, text, `--json`
and the requests that the server counted are compared. Run them with `cargo test --test cli fault_matrix`.

* *outcome*: `accepted`; `rejected` (the service said no) and `not_sent` (it never left): no one was mailed;
  `unknown`: someone may have been mailed.
* *requests*: how many requests reached the server. It is never more than one.
* *ends*: `at once`, or how long after its start at the latest. No send outlives its time-out by more than a second.
";

fn text() -> String {
    let groups = groups();
    let kinds: usize = groups.iter().map(|group| group.rows.len()).sum();
    let mut text = format!("{HEAD}\n{kinds} kinds. A test writes this file from its rows and compares it.\n");
    for group in groups {
        text.push_str(&format!("\n## {}\n\n", group.title));
        text.push_str("| what happens | outcome | class | exit code | requests | ends |\n");
        text.push_str("| --- | --- | --- | ---: | ---: | --- |\n");
        for row in group.rows {
            text.push_str(&format!(
                "| {} | {} | `{}` | {} | {} | {} |\n",
                row.name,
                row.outcome.word(),
                row.class,
                row.code,
                row.requests,
                row.bound.words()
            ));
        }
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is rewritten by hand, and the program has no part in it")]
fn the_published_matrix_is_the_tested_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fault-matrix.md");
    let text = text();
    if std::env::var_os("VESCLI_REWRITE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == text,
        "tests/fault-matrix.md is stale: VESCLI_REWRITE=1 cargo test --test cli fault_matrix rewrites it"
    );
}

#[test]
fn no_request_is_sent_twice_and_every_row_has_a_name_of_its_own() {
    for group in groups() {
        let mut names: Vec<_> = group.rows.iter().map(|row| row.name).collect();
        assert!(group.rows.iter().all(|row| row.requests <= 1));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), group.rows.len(), "{}", group.title);
    }
}

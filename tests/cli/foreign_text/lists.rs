//! The cells of a list, and the name of a column, as a bulk run prints them.

use super::clean;
use support::harness::Vescli;

/// A list in which each code point below U+3000 is in a cell of its own, as JSON: no separator, quote or line break
/// of a CSV can hide one.
fn every_code_point() -> String {
    let cell = |c: char| serde_json::json!({ "email": format!("a{c}b@example.com") }).to_string();
    let rows: Vec<String> = (0..0x3000).filter_map(char::from_u32).map(cell).collect();
    rows.join("\n")
}

fn bulk(list: &str) -> Vescli {
    Vescli::new()
        .args(["bulk", list, "--yes", "--tenant", "t", "--allow-any-email"])
        .args(["--base-url", "http://127.0.0.1:1", "--retries", "0"])
        .code(65)
        .stdout_contains("")
        .stderr_contains("")
}

#[test]
fn cells_of_a_list() {
    let output = bulk("list.ndjson").file("list.ndjson", every_code_point()).run();
    let line_break = "  line 11: the address `a\\nb@example.com` holds";
    assert!(output.stderr.contains(line_break), "{}", output.stderr);
    clean(&output.stdout, "stdout");
    clean(&output.stderr, "stderr");
}

#[test]
fn cells_and_columns_of_a_csv() {
    for c in (1..0x3000).filter_map(char::from_u32).filter(|c| super::is_dangerous(*c)) {
        let csv = format!("email,\"x{c}y\"\n\"a{c}b@example.com\"\n\"a\u{1b}[2Jb\"\n");
        let output = bulk("list.csv").file("list.csv", csv).run();
        clean(&output.stdout, "stdout");
        clean(&output.stderr, "stderr");
    }
}

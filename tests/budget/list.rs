//! What a list costs: memory for a million rows, and growth that keeps to the number of rows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use support::lists;
use support::nginx::{Config, Nginx};
use vescli::bulk::journal::{key, service_of};

use crate::{CALLGRIND, TIME, around, instructions, resident};

const MILLION: usize = 1_000_000;
/// Most resident memory for a million rows, in KiB.
const RESIDENT_MAX: u64 = 200 * 1024;

/// What a run that mailed the first `rows` of a list leaves behind.
fn journal_of(url: &str, rows: usize) -> String {
    let service = service_of(url);
    lists::journal(url, &service, |email| key(&service, "t", email), rows)
}

/// Runs a tool around a run that sends to one person of a list, of whom `known` were mailed by an earlier run.
fn around_a_list(tool: &[&str], rows: usize, known: usize) -> String {
    let nginx = Nginx::start(&Config::default());
    let folder = TempDir::with_prefix("vescli-budget-").unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("list.csv"), lists::table(rows)).unwrap();
    if known > 0 {
        let url = format!("{}/no_auth/send_password_email", nginx.url());
        fs::write(path("journal"), journal_of(&url, known)).unwrap();
        fs::set_permissions(path("journal"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let run = ["bulk", "list.csv", "--journal", "journal", "--limit", "1", "--yes"];
    let text = around(&nginx, tool, &run, folder.path());
    assert_eq!(nginx.requests().len(), 1, "one person was mailed");
    text
}

#[test]
fn a_million_people_known_from_another_list_take_little_memory() {
    let nginx = Nginx::start(&Config::default());
    let folder = TempDir::with_prefix("vescli-budget-").unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("list.csv"), lists::table(MILLION + 1)).unwrap();
    let url = format!("{}/no_auth/send_password_email", nginx.url());
    let state = path("state/vescli");
    fs::create_dir_all(&state).unwrap();
    let other = state.join("other.csv-0123456789abcdef.ndjson");
    fs::write(&other, journal_of(&url, MILLION)).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let run = ["bulk", "list.csv", "--known", "skip", "--yes"];
    // The first run makes the index, and the second uses it.
    for sent in [1, 1] {
        let text = around(&nginx, &TIME, &run, folder.path());
        let resident = resident(&text);
        println!("{resident} KiB of {RESIDENT_MAX} for a million people on another list");
        assert!((1024..=RESIDENT_MAX).contains(&resident), "{resident} KiB");
        assert_eq!(nginx.requests().len(), sent, "one person was mailed");
    }
}

#[test]
fn a_million_rows_take_little_memory() {
    let resident = resident(&around_a_list(&TIME, MILLION, 0));
    println!("{resident} KiB of {RESIDENT_MAX} for a million rows");
    assert!((1024..=RESIDENT_MAX).contains(&resident), "{resident} KiB");
}

#[test]
fn a_million_rows_that_were_mailed_before_take_little_memory() {
    let resident = resident(&around_a_list(&TIME, MILLION + 1, MILLION));
    println!("{resident} KiB of {RESIDENT_MAX} for a million rows and their journal");
    assert!((1024..=RESIDENT_MAX).contains(&resident), "{resident} KiB");
}

#[test]
fn twice_the_rows_take_twice_the_instructions() {
    for known in [0, 1] {
        let cost = |rows: usize| instructions(&around_a_list(&CALLGRIND, rows + 1, rows * known));
        let (none, half, whole) = (cost(0), cost(20_000), cost(40_000));
        let (half, whole) = (half - none, whole - none);
        println!("{half} instructions for 20,000 rows, {whole} for 40,000 (known: {known})");
        // In thousandths, for an integer.
        let growth = whole * 1000 / half;
        assert!((1800..=2200).contains(&growth), "{growth} thousandths");
    }
}

//! Faults that other tools have, made on purpose: the oracle detects each, and none when vescli does the same work.

use std::collections::BTreeSet;

use crate::fixtures::{Case, Fixture, wait};
use crate::oracle::Faults;

fn run(fixture: &Fixture, case: &Case, url: Option<&str>, more: &[&str]) -> Option<i32> {
    let mut command = fixture.command(support::program());
    command.args(Fixture::arguments(case, 4)).args(more);
    if let Some(url) = url {
        command.env("VESCLI_BASE_URL", url);
    }
    wait(&mut command.spawn().unwrap())
}

fn people<'a>(emails: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    emails.into_iter().map(str::to_owned).collect()
}

/// Sends half of a list, edits it, and resumes in some way. The new row comes first, so that all rows move.
fn edited(name: &str, go_on: fn(&Fixture, &Case)) -> (Faults, Case) {
    let fixture = Fixture::new();
    let mut case = fixture.case(name, 4);
    assert_eq!(run(&fixture, &case, None, &["--limit", "2"]), Some(0));
    case.emails.insert(0, format!("{name}-new@example.com"));
    case.write();
    go_on(&fixture, &case);
    (Fixture::faults(&case, &fixture.mailed()), case)
}

/// Resumes as GNU parallel does: N rows are done, even if they now name other people.
fn by_row_number(fixture: &Fixture, case: &Case) {
    let rest = fixture.case_of("rest", case.emails[2..].to_vec());
    fixture.finish(&rest);
}

#[test]
fn an_edited_list_is_resumed_by_person() {
    let (faults, _) = edited("people", Fixture::finish);
    assert_eq!(faults, Faults::default());
}

#[test]
fn resuming_by_row_number_is_detected() {
    let (faults, case) = edited("number", by_row_number);
    // The list is now new, 0, 1, 2, 3: row 3 is someone who was mailed, and row 1 is never sent.
    assert_eq!(faults.twice, people([case.emails[2].as_str()]));
    assert_eq!(faults.lost, people([case.emails[0].as_str()]));
}

/// Sends to a service that mails and answers with an error, and resumes once. Returns how many are unknown in the end.
fn unanswered(name: &str, more: &[&str]) -> (Faults, Case, usize) {
    let fixture = Fixture::new();
    let case = fixture.case(name, 5);
    let url = fixture.failing_url();
    for _ in 0..2 {
        assert_eq!(run(&fixture, &case, Some(&url), more), Some(11), "{more:?}");
    }
    let unknown = case.unknown();
    (Fixture::faults(&case, &fixture.mailed()), case, unknown)
}

#[test]
fn unknown_rows_are_not_sent_again() {
    let (faults, _, unknown) = unanswered("unanswered", &[]);
    assert_eq!((faults, unknown), (Faults::default(), 5));
}

#[test]
fn a_retry_of_unknown_rows_is_detected() {
    // What happens only on demand, as if it happened by itself: in the next run, and within one.
    for more in [&["--resend-unknown"][..], &["--retry-unknown"]] {
        let (faults, case, _) = unanswered("repeated", more);
        assert_eq!(faults.twice, people(case.emails.iter().map(String::as_str)));
    }
}

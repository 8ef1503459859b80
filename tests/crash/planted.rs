//! Faults that other tools have, made on purpose: the judge finds each, and finds none when vescli does the same work.

use std::collections::BTreeSet;

use crate::ground::{Case, Ground, wait};
use crate::judge::Faults;

fn run(ground: &Ground, case: &Case, url: Option<&str>, more: &[&str]) -> Option<i32> {
    let mut command = ground.command(env!("CARGO_BIN_EXE_vescli"));
    command.args(Ground::arguments(case, 4)).args(more);
    if let Some(url) = url {
        command.env("VESCLI_BASE_URL", url);
    }
    wait(&mut command.spawn().unwrap())
}

fn people<'a>(emails: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    emails.into_iter().map(str::to_owned).collect()
}

/// Sends half of a list, edits it, and goes on in some way. The new one stands in front, so that all rows move.
fn edited(name: &str, go_on: fn(&Ground, &Case)) -> (Faults, Case) {
    let ground = Ground::new();
    let mut case = ground.case(name, 4);
    assert_eq!(run(&ground, &case, None, &["--limit", "2"]), Some(0));
    case.emails.insert(0, format!("{name}-new@example.com"));
    case.write();
    go_on(&ground, &case);
    (Ground::faults(&case, &ground.mailed()), case)
}

/// Goes on as GNU parallel does: so many rows are done, whoever stands in them now.
fn by_row_number(ground: &Ground, case: &Case) {
    let rest = ground.case_of("rest", case.emails[2..].to_vec());
    ground.finish(&rest);
}

#[test]
fn an_edited_list_goes_on_by_people() {
    let (faults, _) = edited("people", Ground::finish);
    assert_eq!(faults, Faults::default());
}

#[test]
fn going_on_by_row_number_is_found_out() {
    let (faults, case) = edited("number", by_row_number);
    // The list is now new, 0, 1, 2, 3: row 3 holds somebody who was mailed, and row 1 nobody ever looks at again.
    assert_eq!(faults.twice, people([case.emails[2].as_str()]));
    assert_eq!(faults.lost, people([case.emails[0].as_str()]));
}

/// Sends to a service that mails and answers with an error, and goes on once. Tells how many are unknown in the end.
fn unanswered(name: &str, more: &[&str]) -> (Faults, Case, usize) {
    let ground = Ground::new();
    let case = ground.case(name, 5);
    let url = ground.failing_url();
    for _ in 0..2 {
        assert_eq!(run(&ground, &case, Some(&url), more), Some(11), "{more:?}");
    }
    let unknown = case.unknown();
    (Ground::faults(&case, &ground.mailed()), case, unknown)
}

#[test]
fn what_is_unknown_is_left_alone() {
    let (faults, _, unknown) = unanswered("unanswered", &[]);
    assert_eq!((faults, unknown), (Faults::default(), 5));
}

#[test]
fn a_repeat_of_what_is_unknown_is_found_out() {
    // What happens only on demand, as if it happened by itself: in the next run, and within one.
    for more in [&["--resend-unknown"][..], &["--retry-unknown"]] {
        let (faults, case, _) = unanswered("repeated", more);
        assert_eq!(faults.twice, people(case.emails.iter().map(String::as_str)));
    }
}

//! Tests of the journal: its bytes, damage, the order of writes and syncs, and files that it refuses.

mod files;
#[cfg(unix)]
mod indexed;
mod interleavings;
mod merged;
#[cfg(unix)]
mod model;
mod order;
mod paths;
mod records;
mod recovery;
mod resume;
mod single;

use std::collections::HashMap;
use std::time::SystemTime;

use super::record::{self, End, Intent, Resolution};
use super::*;
use crate::api::outcome::Outcome;
use crate::settings::clock::Timestamp;

const URL: &str = "https://acme.console.ves.volterra.io/no_auth/send_password_email";

fn header() -> RunHeader {
    RunHeader {
        url: URL.to_owned(),
        service: service_of(URL),
        tenant: Some("acme".to_owned()),
        cname: "acme".to_owned(),
        list: "/lists/users.csv".to_owned(),
        input_sha256: "00".repeat(32),
        rows: 9,
        shard: None,
        author: Author::default(),
    }
}

fn key_of(name: &str) -> RowKey {
    key(&service_of(URL), "acme", &format!("{name}@x.de"))
}

fn is_unfit(error: &JournalError, why: &str) -> bool {
    matches!(error, JournalError::Unfit(text) if text.contains(why))
}

fn intent_line(name: &str, attempt: u64) -> String {
    record::intent(&Intent { person: person(name, &format!("{name}@x.de")), row: 2, attempt })
}

fn person<'a>(name: &str, email: &'a str) -> Person<'a> {
    Person { key: key_of(name), email, cname: "acme" }
}

fn end_line(name: &str, attempt: u64, outcome: Outcome, status: Option<u16>) -> String {
    let end = End { attempt, outcome, status, due: false };
    record::end(&person(name, &format!("{name}@x.de")), &end)
}

/// The lines of a journal with every kind of record, every state of a row, several runs, and a row that was sent twice.
/// Its runs are of version 1, which has no `synced` records: all damage of finished lines counts as real.
fn sample() -> Vec<String> {
    vec![
        record::run_of_version_1("a1", &header()),
        intent_line("ada", 1),
        intent_line("bob", 1),
        end_line("ada", 1, Outcome::Accepted, Some(200)),
        end_line("bob", 1, Outcome::NotSent, None),
        intent_line("bob", 2),
        intent_line("cy", 1),
        end_line("cy", 1, Outcome::Unknown, Some(502)),
        end_line("bob", 2, Outcome::Rejected, Some(409)),
        record::resolved(key_of("cy"), Resolution::Accepted, SystemTime::now()),
        record::run_of_version_1("a2", &header()),
        intent_line("dee", 1),
        end_line("dee", 1, Outcome::Unknown, None),
        intent_line("eve", 1),
        end_line("eve", 1, Outcome::Accepted, Some(200)),
        intent_line("fay", 1),
        intent_line("gus", 1),
    ]
}

/// The outcomes of the rows on these lines, read line by line in the slow and obvious way.
fn outcomes(lines: &[String]) -> HashMap<String, Outcome> {
    let mut outcomes = HashMap::new();
    for line in lines {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = match record["t"].as_str().unwrap() {
            "run" | "synced" => continue,
            "resolved" => record["as"].as_str().unwrap(),
            word => word,
        };
        let outcome = match word {
            "accepted" => Outcome::Accepted,
            "rejected" => Outcome::Rejected,
            "not_sent" => Outcome::NotSent,
            "unknown" | "intent" => Outcome::Unknown,
            other => panic!("{other}"),
        };
        outcomes.insert(record["key"].as_str().unwrap().to_owned(), outcome);
    }
    outcomes
}

fn fates_of(recovered: &Recovered) -> HashMap<String, Outcome> {
    let pair = |(key, state): (&RowKey, &RowState)| (key.to_string(), state.effective());
    recovered.states.iter().map(pair).collect()
}

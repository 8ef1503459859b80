//! What a server counted against what a journal says: who was mailed twice, lost, or accepted without being mailed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What the journal says last of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Accepted,
    /// Rejected or not sent: no one was mailed.
    Free,
    /// An intent without an end, or an end that proves nothing.
    Unknown,
}

/// Reads a journal; a last line that is not JSON was cut by a kill, and rubbish was left by a power failure.
pub(crate) fn states(journal: &str) -> BTreeMap<String, State> {
    let mut emails: BTreeMap<String, String> = BTreeMap::new();
    let mut states = BTreeMap::new();
    for line in journal.lines() {
        // Rubbish within a text leaves it JSON.
        if line.contains(char::REPLACEMENT_CHARACTER) {
            continue;
        }
        let Ok(record) = serde_json::from_str::<Value>(line.trim_matches('\0')) else {
            continue;
        };
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let key = text("key");
        let state = match text("t").as_str() {
            "run" | "synced" => continue,
            "intent" => {
                emails.insert(key.clone(), text("email"));
                State::Unknown
            }
            "accepted" => State::Accepted,
            "resolved" if text("as") == "accepted" => State::Accepted,
            "unknown" => State::Unknown,
            _ => State::Free,
        };
        states.insert(emails[&key].clone(), state);
    }
    states
}

/// Everything that went wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) twice: BTreeSet<String>,
    pub(crate) lost: BTreeSet<String>,
    pub(crate) falsely_accepted: BTreeSet<String>,
}

/// Compares. `everyone` is whom a run that came to its end had on its list.
pub(crate) fn compare<'a>(
    everybody: impl IntoIterator<Item = &'a String>,
    mailed: &BTreeMap<String, usize>,
    states: &BTreeMap<String, State>,
) -> Faults {
    let mut faults = Faults::default();
    for email in everybody {
        let count = mailed.get(email).copied().unwrap_or(0);
        let state = states.get(email).copied();
        if count > 1 {
            faults.twice.insert(email.clone());
        }
        if count == 0 && state != Some(State::Unknown) {
            faults.lost.insert(email.clone());
        }
        if count == 0 && state == Some(State::Accepted) {
            faults.falsely_accepted.insert(email.clone());
        }
    }
    faults
}

#[test]
fn the_oracle_detects_each_kind_of_fault() {
    let everybody = ["a", "b", "c"].map(str::to_owned);
    let mailed = |counts: [usize; 3]| everybody.iter().cloned().zip(counts).collect();
    let said = |said: [State; 3]| everybody.iter().cloned().zip(said).collect();
    let good = [State::Accepted, State::Accepted, State::Unknown];
    let faults = |counts, states| compare(&everybody, &mailed(counts), &said(states));
    assert_eq!(faults([1, 1, 1], good), Faults::default());
    assert_eq!(faults([1, 1, 0], good), Faults::default());
    assert!(faults([2, 1, 0], good).twice.contains("a"));
    assert!(faults([1, 0, 0], good).falsely_accepted.contains("b"));
    let free = [State::Accepted, State::Free, State::Unknown];
    assert!(faults([1, 0, 0], free).lost.contains("b"));
}

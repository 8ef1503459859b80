//! `kill -9` at random moments, with eight workers.

use std::fs;
use std::time::Duration;

use crate::fixtures::{Case, Fixture};
use crate::oracle::Faults;

const WORKERS: usize = 8;
const ROWS: usize = 300;

fn kills() -> usize {
    crate::asked("VESCLI_KILLS").map_or(40, |count| count.parse().expect("a number"))
}

/// Starts a run and kills it after a random while; says whether the kill was in time.
fn kill_once(fixture: &Fixture, case: &Case, random: &mut fastrand::Rng) -> bool {
    let mut child = fixture.start(case, WORKERS);
    std::thread::sleep(Duration::from_micros(random.u64(5_000..150_000)));
    let over = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    !over
}

#[test]
fn kills_at_random_moments_mail_no_one_twice_and_lose_no_one() {
    let fixture = Fixture::new();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut killed, mut list, mut unknown, mut cases) = (0, 0, 0, Vec::new());
    while killed < kills() {
        let case = fixture.case(&format!("list{list}"), ROWS);
        list += 1;
        while killed < kills() {
            let before = case.unknown();
            if !kill_once(&fixture, &case, &mut random) {
                break;
            }
            killed += 1;
            let more = case.unknown() - before;
            unknown += more;
            assert!(more <= WORKERS, "one kill left {more} unknown (seed {seed})");
        }
        fixture.finish(&case);
        cases.push(case);
    }
    let mailed = fixture.mailed();
    for case in &cases {
        assert_eq!(Fixture::faults(case, &mailed), Faults::default(), "seed {seed}");
    }
    let people = cases.len() * ROWS;
    println!("{killed} kills, {people} people: none twice, none lost, {unknown} unknown (seed {seed})");
}

#[test]
fn a_journal_without_its_last_intents_is_detected() {
    // The planted fault: what a missing sync would do after a power failure, done to the journal by hand.
    let fixture = Fixture::new();
    let mut random = fastrand::Rng::with_seed(7);
    for attempt in 0.. {
        assert!(attempt < 50, "no kill fell between an intent and its end");
        let case = fixture.case(&format!("planted{attempt}"), ROWS);
        if !kill_once(&fixture, &case, &mut random) || case.unknown() == 0 {
            continue;
        }
        let journal = fs::read_to_string(&case.journal).unwrap_or_default();
        let text = journal.trim_end_matches('\0');
        // All intents without an end go, and with them the knowledge of what was under way.
        let kept: Vec<&str> =
            text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).collect();
        let keys: Vec<String> = unended(&kept);
        let kept: Vec<&str> =
            kept.into_iter().filter(|line| !keys.iter().any(|key| line.contains(key.as_str()))).collect();
        fs::write(&case.journal, kept.join("\n") + "\n").unwrap();
        fixture.finish(&case);
        if !Fixture::faults(&case, &fixture.mailed()).twice.is_empty() {
            return;
        }
    }
}

/// The keys of intents that have no end.
fn unended(lines: &[&str]) -> Vec<String> {
    let key = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["key"].as_str().map(str::to_owned)
    };
    let is_intent = |line: &&&str| line.contains("\"t\":\"intent\"");
    let ended: Vec<String> = lines.iter().filter(|line| !is_intent(line)).filter_map(|line| key(line)).collect();
    lines.iter().filter(is_intent).filter_map(|line| key(line)).filter(|key| !ended.contains(key)).collect()
}

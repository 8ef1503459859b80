//! A list in shards that are killed and started again, whose number changes, and whose journals are merged in the end: no
//! one twice, no one lost, and all of them together never faster than asked for. nginx counts, by its own clock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::fixtures::{Case, Fixture, wait};
use crate::oracle::{Faults, State, compare, states};

const SHARDS: usize = 4;
/// Requests in a second, of all shards together.
const RATE: usize = 40;
/// Changes of the number of shards.
const CHANGES: usize = 20;
/// nginx's log has whole milliseconds, so the time between two of them may be up to one shorter than it looks.
const ROUNDING: u64 = 2;

fn kills() -> usize {
    crate::asked("VESCLI_KILLS").map_or(20, |count| count.parse().expect("a number"))
}

/// Starts a run of one shard, or of the whole list.
fn start(fixture: &Fixture, case: &Case, shard: Option<(usize, usize)>, more: &[&str]) -> std::process::Child {
    let mut command = fixture.command(support::program());
    command.args(Fixture::arguments(case, 4)).args(more);
    if let Some((number, count)) = shard {
        command.args(["--shard", &format!("{number}/{count}")]);
    }
    command.spawn().unwrap()
}

/// All journals of a case, by name.
fn journals(case: &Case) -> Vec<PathBuf> {
    let stem = case.journal.file_stem().unwrap().to_string_lossy().into_owned();
    let files = std::fs::read_dir(case.journal.parent().unwrap()).unwrap();
    let mut found: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    found.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name == format!("{stem}.ndjson") || name.starts_with(&format!("{stem}.shard-"))
    });
    found.sort();
    found
}

/// What the journals say of everyone. An acceptance in one of them counts; so does a doubt, unless someone was accepted.
fn states_of(journals: &[PathBuf]) -> BTreeMap<String, State> {
    let mut all: BTreeMap<String, State> = BTreeMap::new();
    for path in journals {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        for (email, state) in states(&text) {
            let known = all.entry(email).or_insert(state);
            *known = match (*known, state) {
                (State::Accepted, _) | (_, State::Accepted) => State::Accepted,
                (State::Unknown, _) | (_, State::Unknown) => State::Unknown,
                _ => State::Free,
            };
        }
    }
    all
}

/// The most requests that arrived within any second.
fn densest(arrivals: &[u64]) -> usize {
    let within = |first: &u64| arrivals.iter().filter(|at| (*first..*first + 1000 - ROUNDING).contains(*at)).count();
    arrivals.iter().map(within).max().unwrap_or(0)
}

#[test]
fn shards_that_are_killed_and_started_again_keep_to_the_rate_and_mail_everyone_once() {
    let fixture = Fixture::new();
    let kills = kills();
    let case = fixture.case("killed", 60 + 4 * kills);
    let rate = format!("{RATE}/s");
    let (left, killed) = (AtomicUsize::new(kills), AtomicUsize::new(0));
    let seed = fastrand::u64(..);
    thread::scope(|scope| {
        for number in 1..=SHARDS {
            let (fixture, case, rate, left, killed) = (&fixture, &case, &rate, &left, &killed);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed + number as u64);
                let start = || start(fixture, case, Some((number, SHARDS)), &["--rate", rate]);
                while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    let mut child = start();
                    thread::sleep(Duration::from_millis(random.u64(20..500)));
                    let is_over = child.try_wait().unwrap().is_some();
                    child.kill().unwrap();
                    child.wait().unwrap();
                    if is_over {
                        break;
                    }
                    killed.fetch_add(1, Ordering::SeqCst);
                }
                let code = wait(&mut start());
                assert!(matches!(code, Some(0 | 11)), "shard {number} ended with {code:?}, seed {seed}");
            });
        }
    });
    let killed = killed.load(Ordering::SeqCst);
    assert!(killed * 4 >= kills * 3, "only {killed} kills were in time");
    let journals = journals(&case);
    assert_eq!(journals.len(), SHARDS);
    let (mailed, states) = (fixture.mailed(), states_of(&journals));
    assert_eq!(compare(&case.emails, &mailed, &states), Faults::default(), "seed {seed}");
    let arrivals = fixture.arrivals(&case);
    let most = densest(&arrivals);
    assert!(most <= RATE + 1, "{most} requests in a second at {rate}, seed {seed}");
    let unknown = states.values().filter(|state| **state == State::Unknown).count();
    let (people, sent) = (case.emails.len(), arrivals.len());
    println!(
        "{killed} kills of {SHARDS} shards, {people} people, {sent} requests: none twice, none lost, {unknown} unknown, at most {most} in a second at {rate} (seed {seed})"
    );
    // The planted fault: as if a second's worth of requests had come with the first.
    let mut early = arrivals.clone();
    early.extend(std::iter::repeat_n(arrivals[0], RATE));
    assert!(densest(&early) > RATE + 1, "the check cannot fail");
}

#[test]
fn the_number_of_shards_changes_often_and_the_joined_journal_knows_everyone() {
    let fixture = Fixture::new();
    let mut case = fixture.case("divided", 300);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut killed = 0;
    for change in 0..CHANGES {
        let count = random.usize(1..=6);
        for number in 1..=count {
            // Some are killed, and started again for one person more.
            if random.u8(..4) == 0 {
                let mut child = start(&fixture, &case, Some((number, count)), &[]);
                thread::sleep(Duration::from_micros(random.u64(5_000..80_000)));
                killed += usize::from(child.try_wait().unwrap().is_none());
                child.kill().unwrap();
                child.wait().unwrap();
            }
            let code = wait(&mut start(&fixture, &case, Some((number, count)), &["--limit", "1"]));
            assert!(matches!(code, Some(0 | 11)), "shard {number}/{count} ended with {code:?}, seed {seed}");
        }
        // The list is edited meanwhile.
        case.emails.insert(random.usize(..case.emails.len()), format!("divided-new{change}@example.com"));
        case.write();
    }
    let code = wait(&mut start(&fixture, &case, None, &[]));
    assert!(matches!(code, Some(0 | 11)), "the whole list ended with {code:?}, seed {seed}");
    let journals = journals(&case);
    let joined = Case { journal: case.journal.with_file_name("joined-all.ndjson"), ..case };
    let mut merge = fixture.command(support::program());
    merge.args(["journal", "merge", "--into"]).arg(&joined.journal).args(&journals);
    assert_eq!(wait(&mut merge.spawn().unwrap()), Some(0));
    let before = fixture.mailed();
    fixture.finish(&joined);
    let mailed = fixture.mailed();
    let faults = Fixture::faults(&joined, &mailed);
    assert_eq!(faults, Faults::default(), "seed {seed}");
    assert!(
        joined.emails.iter().all(|email| mailed.get(email) == before.get(email)),
        "the merged journal forgot someone"
    );
    let (people, journals) = (joined.emails.len(), journals.len());
    println!(
        "{CHANGES} changes of the number of shards, {killed} kills, {people} people, {journals} journals: none twice, none lost (seed {seed})"
    );
}

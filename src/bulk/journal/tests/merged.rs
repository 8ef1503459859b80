//! Merged journals: whatever their content, and in any order, each person has the same outcome, and no one who may have
//! been mailed is planned again.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::files::{folder, put, resume};
use super::*;

const NAMES: [&str; 4] = ["ada", "bob", "cy", "dee"];

/// A journal whose lines the test writes. All journals use the same clock.
#[derive(Clone, Default)]
struct Story {
    text: String,
}

/// Gives each run and each record its own number and time.
#[derive(Default)]
struct Clock(u64);

impl Clock {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    fn time(&mut self) -> String {
        let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + self.next());
        humantime::format_rfc3339_millis(time).to_string()
    }
}

impl Story {
    fn run(mut self, clock: &mut Clock) -> Self {
        self.text.push_str(&record::run(&format!("{:016x}", clock.next()), &header()));
        self
    }

    /// Adds a request; without an outcome it has no end.
    fn sent(mut self, name: &str, outcome: Option<Outcome>, clock: &mut Clock) -> Self {
        let key = key_of(name);
        self.text.push_str(&record::with_crc(format!(
            r#"{{"t":"intent","key":"{key}","row":2,"email":"{name}@x.de","cname":"acme","attempt":1,"at":"{}""#,
            clock.time()
        )));
        if let Some(outcome) = outcome {
            self.text.push_str(&record::with_crc(format!(
                r#"{{"t":"{}","key":"{key}","attempt":1,"status":null,"at":"{}","email":"{name}@x.de","cname":"acme""#,
                outcome.word(),
                clock.time()
            )));
        }
        self
    }

    fn resolved(mut self, name: &str, resolution: Resolution, clock: &mut Clock) -> Self {
        let (key, word) = (key_of(name), resolution.word());
        self.text.push_str(&record::with_crc(format!(
            r#"{{"t":"resolved","key":"{key}","as":"{word}","at":"{}""#,
            clock.time()
        )));
        self
    }

    fn state(&self, name: &str) -> Option<RowState> {
        let scan = scan(self.text.as_bytes()).unwrap();
        assert!(scan.damage.is_empty(), "{:?}\n{}", scan.damage, self.text);
        scan.recovered.state(key_of(name))
    }

    fn outcomes(&self) -> BTreeMap<&'static str, &'static str> {
        let outcome = |name: &'static str| Some((name, self.state(name)?.effective().word()));
        NAMES.into_iter().filter_map(outcome).collect()
    }
}

/// A folder in which journals are merged.
struct Bench {
    folder: tempfile::TempDir,
    count: u32,
}

impl Bench {
    fn new() -> Self {
        Self { folder: folder(), count: 0 }
    }

    fn path(&mut self) -> PathBuf {
        self.count += 1;
        self.folder.path().join(format!("{}.ndjson", self.count))
    }

    fn file(&mut self, story: &Story) -> PathBuf {
        let path = self.path();
        put(&path, story.text.as_bytes());
        path
    }

    fn merge_all(&mut self, stories: &[&Story]) -> Story {
        let paths: Vec<PathBuf> = stories.iter().map(|story| self.file(story)).collect();
        let into = self.path();
        merge(&into, &paths, |_, _| header()).unwrap();
        Story { text: fs::read_to_string(&into).unwrap() }
    }
}

/// Adds something that a run or an operator may do next.
fn go_on(story: Story, random: &mut fastrand::Rng, clock: &mut Clock) -> Story {
    let name = NAMES[random.usize(..NAMES.len())];
    let outcome = story.state(name).map(RowState::effective);
    match (random.u8(..10), outcome) {
        (0, _) => story.run(clock),
        (1..=3, Some(Outcome::Unknown)) => {
            let word = [Resolution::Accepted, Resolution::NotSent, Resolution::Unknown][random.usize(..3)];
            story.resolved(name, word, clock)
        }
        (4, Some(_)) if matches!(story.state(name), Some(RowState::Resolved(_))) => {
            story.resolved(name, Resolution::Unknown, clock)
        }
        (_, Some(Outcome::Accepted)) => story,
        // The end of a person who may have been mailed before is at least unknown.
        (_, Some(Outcome::Unknown)) => {
            let end = [None, Some(Outcome::Accepted), Some(Outcome::Unknown)][random.usize(..3)];
            story.sent(name, end, clock)
        }
        (_, None | Some(Outcome::Rejected | Outcome::NotSent)) => {
            let ends = [Outcome::Accepted, Outcome::Rejected, Outcome::NotSent, Outcome::Unknown];
            let end = ends.get(random.usize(..5)).copied();
            story.sent(name, end, clock)
        }
    }
}

#[test]
fn merging_is_commutative_associative_and_idempotent_and_one_journal_keeps_its_outcomes() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..30 {
        let (mut bench, mut clock) = (Bench::new(), Clock::default());
        // Three copies that diverged at random times, one of them merged from two.
        let mut stories = vec![Story::default().run(&mut clock)];
        while stories.len() < 3 || random.u8(..4) > 0 {
            let at = random.usize(..stories.len());
            let story = stories[at].clone();
            match random.u8(..8) {
                0 if stories.len() < 3 => stories.push(story),
                1 if stories.len() < 3 => stories.push(Story::default().run(&mut clock)),
                2 if stories.len() > 1 => {
                    let other = stories[random.usize(..stories.len())].clone();
                    stories[at] = bench.merge_all(&[&story, &other]);
                }
                _ => stories[at] = go_on(story, &mut random, &mut clock),
            }
        }
        let [a, b, c] = &stories[..] else { unreachable!("three of them") };
        let what = || format!("seed {seed}, round {round}\n{}\n{}\n{}", a.text, b.text, c.text);
        for one in [a, b, c] {
            assert_eq!(bench.merge_all(&[one]).outcomes(), one.outcomes(), "alone: {}", what());
            assert_eq!(bench.merge_all(&[one, one]).outcomes(), one.outcomes(), "twice: {}", what());
        }
        let ab = bench.merge_all(&[a, b]);
        assert_eq!(ab.outcomes(), bench.merge_all(&[b, a]).outcomes(), "commutative: {}", what());
        assert_eq!(ab.outcomes(), bench.merge_all(&[&ab, a]).outcomes(), "idempotent: {}", what());
        let all = bench.merge_all(&[a, b, c]).outcomes();
        let bc = bench.merge_all(&[b, c]);
        assert_eq!(all, bench.merge_all(&[&ab, c]).outcomes(), "associative: {}", what());
        assert_eq!(all, bench.merge_all(&[a, &bc]).outcomes(), "associative: {}", what());
        assert_eq!(all, bench.merge_all(&[c, b, a]).outcomes(), "in any order: {}", what());
        for name in NAMES {
            let accepted = |story: &Story| matches!(story.state(name), Some(RowState::Accepted { .. }));
            if [a, b, c].into_iter().any(accepted) {
                assert_eq!(all[name], "accepted", "{}", what());
            }
            assert_eq!(all.contains_key(name), [a, b, c].iter().any(|story| story.state(name).is_some()));
        }
    }
}

#[test]
fn accepted_counts_over_unknown_that_over_rejected_that_over_not_sent() {
    let order = [Outcome::NotSent, Outcome::Rejected, Outcome::Unknown, Outcome::Accepted];
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    for (index, lower) in order.into_iter().enumerate() {
        for higher in &order[index..] {
            let one = Story::default().run(&mut clock).sent("ada", Some(lower), &mut clock);
            let other = Story::default().run(&mut clock).sent("ada", Some(*higher), &mut clock);
            assert_eq!(bench.merge_all(&[&one, &other]).outcomes()["ada"], higher.word());
            assert_eq!(bench.merge_all(&[&other, &one]).outcomes()["ada"], higher.word());
        }
    }
}

#[test]
fn a_resolution_counts_only_for_the_requests_above_it() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let before = Story::default().run(&mut clock).sent("ada", None, &mut clock);
    let not_sent = before.clone().resolved("ada", Resolution::NotSent, &mut clock);
    // A copy that was made before the resolution has the same request.
    assert_eq!(bench.merge_all(&[&before, &not_sent]).outcomes()["ada"], "not_sent");
    // Another machine has sent another request meanwhile, which the operator did not know.
    let other = Story::default().run(&mut clock).sent("ada", Some(Outcome::Unknown), &mut clock);
    let both = bench.merge_all(&[&not_sent, &other]);
    assert_eq!(both.outcomes()["ada"], "unknown");
    // Now the operator resolves both.
    let decided = both.resolved("ada", Resolution::NotSent, &mut clock);
    assert_eq!(bench.merge_all(&[&before, &other, &decided]).outcomes()["ada"], "not_sent");
    // The operator takes it back.
    let undone = decided.clone().resolved("ada", Resolution::Unknown, &mut clock);
    assert_eq!(bench.merge_all(&[&undone, &decided]).outcomes()["ada"], "unknown");
}

#[test]
fn a_resolution_can_be_taken_back_after_the_clock_was_set_back() {
    let (mut bench, mut clock) = (Bench::new(), Clock(1 << 41));
    let before = Story::default().run(&mut clock).sent("ada", None, &mut clock);
    let decided = before.resolved("ada", Resolution::NotSent, &mut clock);
    let path = bench.file(&decided);
    let back = |_: &Recovered| Ok::<_, JournalError>(vec![(key_of("ada"), Resolution::Unknown)]);
    Journal::resolve(&path, back).unwrap();
    let undone = Story { text: fs::read_to_string(&path).unwrap() };
    assert_eq!(undone.outcomes()["ada"], "unknown");
    for journals in [&[&undone][..], &[&undone, &decided], &[&decided, &undone]] {
        assert_eq!(bench.merge_all(journals).outcomes()["ada"], "unknown");
    }
}

#[test]
fn requests_below_a_damaged_record_of_a_run_stay_unknown_after_repair_and_merge() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let other = Story::default().run(&mut clock).sent("ada", Some(Outcome::NotSent), &mut clock);
    let own = Story::default().run(&mut clock).sent("ada", Some(Outcome::NotSent), &mut clock);
    let own = own.sent("ada", Some(Outcome::Unknown), &mut clock);
    let merged = bench.merge_all(&[&other, &own]);
    for number in 1..=merged.text.lines().count() {
        let damage = |(index, line): (usize, &str)| {
            let line = if index + 1 == number { line.replacen('"', "'", 4) } else { line.to_owned() };
            line + "\n"
        };
        let path = bench.file(&Story { text: merged.text.lines().enumerate().map(damage).collect() });
        let Ok(Some(damaged)) = DamagedJournal::open(&path) else {
            continue;
        };
        damaged.repair(&header(), &[]).unwrap();
        let repaired = Story { text: fs::read_to_string(&path).unwrap() };
        assert_eq!(repaired.outcomes()["ada"], "unknown", "line {number}");
        assert_eq!(bench.merge_all(&[&repaired]).outcomes()["ada"], "unknown", "line {number}\n{}", repaired.text);
    }
}

#[test]
fn a_resolution_counts_when_the_line_of_its_request_is_lost() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let one = Story::default().run(&mut clock).sent("ada", Some(Outcome::NotSent), &mut clock);
    let one = one.sent("ada", None, &mut clock);
    let mut merged = bench.merge_all(&[&one]).resolved("ada", Resolution::Accepted, &mut clock);
    // A repair removes a damaged line. The request of ada that is left was superseded by the lost one.
    let lost = merged.text.lines().rfind(|line| line.contains("\"intent\"")).unwrap().to_owned() + "\n";
    merged.text = merged.text.replace(&lost, "");
    assert_eq!(merged.outcomes()["ada"], "accepted");
    assert_eq!(bench.merge_all(&[&merged]).outcomes()["ada"], "accepted");
}

#[test]
fn a_resolution_does_not_count_for_a_later_request_even_of_the_same_millisecond() {
    let mut bench = Bench::new();
    // Two requests that look the same: a repair may have removed the record of the second one's run.
    let intent = intent_line("ada", 1);
    let ended = |outcome| end_line("ada", 1, outcome, None);
    let decided = record::resolved(key_of("ada"), Resolution::NotSent, SystemTime::UNIX_EPOCH);
    let decided = [record::run("1", &header()), intent.clone(), ended(Outcome::Unknown), decided].concat();
    for (end, expected) in
        [("", "unknown"), (&*ended(Outcome::Unknown), "unknown"), (&ended(Outcome::Accepted), "accepted")]
    {
        let story = Story { text: [&decided, &intent, end].concat() };
        assert_eq!(story.outcomes()["ada"], expected);
        assert_eq!(bench.merge_all(&[&story]).outcomes()["ada"], expected);
    }
    let accepted = [&decided, &ended(Outcome::Accepted), &intent].map(String::as_str).concat();
    assert_eq!(bench.merge_all(&[&Story { text: accepted }]).outcomes()["ada"], "accepted");
    // The same with the resolution in one journal and the later request in another.
    let begun = record::run("1", &header()) + &intent;
    let later = Story { text: [&*begun, &intent, &ended(Outcome::Unknown)].concat() };
    let decided = Story { text: decided };
    for journals in [[&decided, &later], [&later, &decided]] {
        assert_eq!(bench.merge_all(&journals).outcomes()["ada"], "unknown");
    }
}

#[test]
fn a_damaged_request_is_not_taken_for_that_of_an_earlier_run() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let begun = Story::default().run(&mut clock).sent("ada", None, &mut clock);
    let decided = Story { text: begun.text.clone() }.resolved("ada", Resolution::NotSent, &mut clock);
    let again = begun.run(&mut clock);
    // With its end, which is left, and without one.
    for end in [Some(Outcome::Unknown), None] {
        let again = Story { text: again.text.clone() }.sent("ada", end, &mut clock);
        let mut lines: Vec<String> = again.text.lines().map(|line| line.to_owned() + "\n").collect();
        let lost = lines.iter().rposition(|line| line.contains("\"intent\"")).unwrap();
        lines[lost] = lines[lost].replacen('"', "'", 4);
        let path = bench.file(&Story { text: lines.concat() });
        let repaired = DamagedJournal::open(&path).unwrap().unwrap().repair(&header(), &[]).unwrap();
        assert_eq!(repaired.unknown, [], "she was unknown before");
        let repaired = Story { text: fs::read_to_string(&path).unwrap() };
        for journals in [[&decided, &repaired], [&repaired, &decided]] {
            assert_eq!(bench.merge_all(&journals).outcomes()["ada"], "unknown", "{end:?}");
        }
    }
}

#[test]
fn a_resolution_in_a_copy_does_not_replace_an_acceptance() {
    let mut bench = Bench::new();
    let begun = record::run("1", &header()) + &intent_line("ada", 1);
    let decided = record::resolved(key_of("ada"), Resolution::NotSent, SystemTime::UNIX_EPOCH);
    let decided = Story { text: begun.clone() + &decided };
    let accepted = Story { text: begun + &end_line("ada", 1, Outcome::Accepted, Some(200)) };
    for copies in [[&decided, &accepted], [&accepted, &decided]] {
        let merged = bench.merge_all(&copies);
        assert_eq!(merged.outcomes()["ada"], "accepted");
        // In the new journal, the last line about a person counts, as in any other.
        assert_eq!(bench.merge_all(&[&merged, &decided]).outcomes()["ada"], "accepted");
    }
}

#[test]
fn a_later_request_supersedes_those_in_its_journal() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let stale = Story::default().run(&mut clock).sent("ada", Some(Outcome::Rejected), &mut clock);
    let again = stale.clone().run(&mut clock).sent("ada", Some(Outcome::NotSent), &mut clock);
    assert_eq!(bench.merge_all(&[&stale, &again]).outcomes()["ada"], "not_sent");
    let merged = bench.merge_all(&[&again, &stale]);
    let later = merged.run(&mut clock).sent("ada", Some(Outcome::Accepted), &mut clock);
    assert_eq!(bench.merge_all(&[&stale, &later, &again]).outcomes()["ada"], "accepted");
}

#[test]
fn a_run_can_continue_a_merged_journal() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let one = Story::default().run(&mut clock).sent("ada", Some(Outcome::Accepted), &mut clock);
    let two = Story::default().run(&mut clock).sent("bob", Some(Outcome::Rejected), &mut clock);
    let torn = Story { text: two.text.clone() + "{\"t\":\"intent\",\"key\":\"" };
    let paths = [bench.file(&one), bench.file(&torn)];
    let into = bench.path();
    let merged = merge(&into, &paths, |_, _| header()).unwrap();
    assert_eq!((merged.counts.accepted, merged.counts.rejected, merged.counts.total()), (1, 1, 2));
    let (journal, known) = resume(&into).unwrap();
    assert_eq!(known.runs.len(), 3, "two runs and the merge");
    drop(journal.write::<()>().unwrap());
    assert!(fs::read_to_string(&into).unwrap().contains(r#","merged":[""#));
    let people: Vec<PersonState> = People::of(&into).unwrap().map(Result::unwrap).collect();
    let of_run = |person: &PersonState| (person.email.clone(), known.runs[person.run].id.clone());
    assert_eq!(
        people.iter().map(of_run).collect::<Vec<_>>(),
        [("ada@x.de".to_owned(), format!("{:016x}", 1)), ("bob@x.de".to_owned(), format!("{:016x}", 4))]
    );
    // The old journals are not changed.
    assert_eq!(fs::read_to_string(&paths[1]).unwrap(), torn.text);
}

#[test]
fn a_last_record_without_its_line_break_is_merged_also_with_zeros_after_it() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let one = Story::default().run(&mut clock).sent("ada", Some(Outcome::Accepted), &mut clock);
    for zeros in ["", "\0", "\0\0\0\0"] {
        let path = bench.file(&Story { text: one.text.trim_end().to_owned() + zeros });
        let into = bench.path();
        assert_eq!(merge(&into, &[path], |_, _| header()).unwrap().counts.accepted, 1);
        assert!(!fs::read(&into).unwrap().contains(&0));
        let (journal, known) = resume(&into).unwrap();
        assert_eq!(known.counts().accepted, 1);
        drop(journal);
    }
}

#[test]
fn journals_that_cannot_be_merged_are_refused_and_no_file_is_left() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let sound = Story::default().run(&mut clock).sent("ada", Some(Outcome::Accepted), &mut clock);
    let path = bench.file(&sound);
    let into = bench.path();
    let mut refused = |text: &str| {
        let other = bench.file(&Story { text: text.to_owned() });
        let before = fs::read_dir(bench.folder.path()).unwrap().count();
        let error = merge(&into, &[path.clone(), other], |_, _| header()).unwrap_err();
        assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), before, "{error}");
        assert!(!into.exists());
        error
    };
    assert!(matches!(refused(&sound.text.replacen("ada", "bob", 1)), JournalError::Damaged { .. }));
    let elsewhere = RunHeader { service: "other:443".to_owned(), ..header() };
    assert!(is_unfit(&refused(&record::run("b", &elsewhere)), "journals of different services"));
    let other_path = RunHeader { url: URL.replace("/no_auth", "/x"), ..header() };
    assert!(is_unfit(&refused(&record::run("b", &other_path)), "journals of different services"));
    assert!(is_unfit(&refused(&record::run_of_version_1("b", &header())), "an older vescli wrote"));
    let held = resume(&path).unwrap();
    assert!(matches!(merge(&into, std::slice::from_ref(&path), |_, _| header()), Err(JournalError::Locked { .. })));
    drop(held);
    let exists = merge(Path::new(&path), std::slice::from_ref(&path), |_, _| header());
    assert!(matches!(exists, Err(JournalError::Exists { .. })));
}

#[test]
fn no_run_writes_to_a_journal_while_it_is_merged_and_no_file_is_replaced() {
    let (mut bench, mut clock) = (Bench::new(), Clock::default());
    let path = bench.file(&Story::default().run(&mut clock).sent("ada", None, &mut clock));
    let into = bench.path();
    let made_meanwhile = merge(&into, std::slice::from_ref(&path), |_, _| {
        assert!(matches!(resume(&path), Err(JournalError::Locked { .. })));
        fs::write(&into, "another file").unwrap();
        header()
    });
    assert!(matches!(made_meanwhile, Err(JournalError::Exists { .. })));
    assert_eq!(fs::read_to_string(&into).unwrap(), "another file");
    fs::remove_file(&into).unwrap();
    merge(&into, std::slice::from_ref(&path), |_, _| header()).unwrap();
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 2, "nothing is left beside them");
}

#[test]
fn a_concatenation_is_detected() {
    // The planted fault: `cat` instead of a merge. The last lines count, and 100 accepted people are due again.
    let mut clock = Clock::default();
    let (mut accepted, mut stale) = (Story::default().run(&mut clock), Story::default().run(&mut clock));
    let names: Vec<String> = (0..100).map(|index| format!("p{index}")).collect();
    for name in &names {
        stale = stale.sent(name, Some(Outcome::NotSent), &mut clock);
        accepted = accepted.sent(name, Some(Outcome::Accepted), &mut clock);
    }
    let due = |story: &Story| {
        let scan = scan(story.text.as_bytes()).unwrap();
        scan.recovered.counts().due
    };
    assert_eq!(due(&Story { text: accepted.text.clone() + &stale.text }), 100, "the check cannot fail");
    assert_eq!(due(&Bench::new().merge_all(&[&accepted, &stale])), 0);
}

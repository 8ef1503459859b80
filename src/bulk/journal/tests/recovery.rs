//! Journals that were truncated, filled with zeros, or damaged: no intent that was on the disk is lost, no accepted row
//! is read as new, and nothing panics.

use proptest::prelude::*;

use super::*;

/// The offset of each line, and the total length.
fn ends(lines: &[String]) -> Vec<usize> {
    let mut end = 0;
    let mut ends = vec![0];
    ends.extend(lines.iter().map(|line| {
        end += line.len();
        end
    }));
    ends
}

fn scanned(bytes: &[u8]) -> Scan {
    let scan = scan(bytes).unwrap();
    assert_eq!(scan.length, bytes.len() as u64);
    assert!(scan.valid <= scan.length);
    scan
}

#[test]
fn every_state_of_a_valid_journal_is_read() {
    let lines = sample();
    let scan = scanned(lines.concat().as_bytes());
    assert_eq!((scan.damage.as_slice(), scan.tail, scan.valid), (&[][..], Tail::None, scan.length));
    assert_eq!(fates_of(&scan.recovered), outcomes(&lines));
    let state = |name| scan.recovered.state(key_of(name));
    assert!(matches!(state("ada"), Some(RowState::Accepted { .. })));
    assert_eq!(state("bob"), Some(RowState::Rejected { status: Some(409), due: false }));
    assert_eq!(state("cy"), Some(RowState::Resolved(Resolution::Accepted)));
    assert_eq!(state("dee"), Some(RowState::Unknown { status: None }));
    assert_eq!(state("gus"), Some(RowState::Intended { attempt: 1 }));
    assert_eq!(state("hal"), None);
    assert_eq!(scan.recovered.counts(), Counts { accepted: 3, rejected: 1, not_sent: 0, unknown: 3, due: 0 });
    let runs: Vec<&str> = scan.recovered.runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(runs, ["a1", "a2"]);
    assert!(scan.recovered.accepted.is_some_and(|(first, last)| first <= last));
    let intents = intents_of(lines.concat().as_bytes(), |key| key == key_of("bob"), |_| true).unwrap();
    assert_eq!(intents.len(), 1);
    assert_eq!((intents[&key_of("bob")].email.as_str(), intents[&key_of("bob")].attempt), ("bob@x.de", 2));
}

#[test]
fn truncated_at_any_byte_or_filled_with_zeros_a_journal_keeps_all_finished_records() {
    let lines = sample();
    let whole = lines.concat().into_bytes();
    let ends = ends(&lines);
    for cut in 0..=whole.len() {
        let finished = ends.iter().rposition(|end| *end <= cut).unwrap();
        // A whole record without its line break is kept.
        let kept = finished + usize::from(ends.get(finished + 1) == Some(&(cut + 1)));
        let many = if cut % 50 == 0 { 200_000 } else { 0 };
        for zeros in [0, 1, 7, 600, many] {
            let mut bytes = whole[..cut].to_vec();
            bytes.resize(cut + zeros, 0);
            let scan = scanned(&bytes);
            assert_eq!(scan.damage, [], "cut at {cut}, {zeros} zeros");
            assert!(!scan.is_foreign, "cut at {cut}, {zeros} zeros");
            assert_eq!(fates_of(&scan.recovered), outcomes(&lines[..kept]), "cut at {cut}, {zeros} zeros");
            let valid = if kept > finished { cut } else { ends[finished] };
            assert_eq!(scan.valid, valid as u64, "cut at {cut}, {zeros} zeros");
        }
    }
}

#[test]
fn with_any_bit_changed_a_journal_is_refused_or_read_as_before() {
    let lines = sample();
    // Each line is the last one once, so that each kind of record is.
    for count in 1..=lines.len() {
        let whole = lines[..count].concat().into_bytes();
        let expected = outcomes(&lines[..count]);
        let last = lines[count - 1].len();
        let from = if count == lines.len() { 0 } else { whole.len() - last };
        for at in from..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                let scan = scanned(&bytes);
                if scan.damage.is_empty() {
                    assert_eq!(fates_of(&scan.recovered), expected, "bit {bit} of byte {at}");
                }
            }
        }
    }
}

#[test]
fn damage_is_reported_with_its_line_and_kind() {
    let lines = sample();
    let damage_of = |text: String| {
        let damage = scanned(text.as_bytes()).damage;
        let places: Vec<(u64, LineFault)> = damage.iter().map(|damage| (damage.line, damage.fault)).collect();
        places
    };
    let with = |line: usize, text: &str| {
        let mut lines = lines.clone();
        lines[line] = text.to_owned();
        lines.concat()
    };
    assert_eq!(damage_of(with(1, &lines[1].replace("ada@", "eda@"))), [(2, LineFault::Crc), (4, LineFault::NoIntent)]);
    assert_eq!(damage_of(with(4, "hello\n")), [(5, LineFault::NoRecord)]);
    assert_eq!(damage_of(with(4, "\n")), [(5, LineFault::NoRecord)]);
    assert_eq!(damage_of(with(16, &format!("{}\n", "\0".repeat(50)))), [(17, LineFault::Zeros)]);
    assert_eq!(damage_of(with(16, &"x".repeat(70_000))), [(17, LineFault::TooLong)]);
    assert_eq!(damage_of(with(3, &format!("{}\n", "x".repeat(70_000)))), [(4, LineFault::TooLong)]);
    assert_eq!(damage_of(lines[16].trim_end().to_owned() + "\u{b}"), [(1, LineFault::NoLineBreak)]);
    assert_eq!(damage_of(lines[1..3].concat()), [(1, LineFault::NoRun), (2, LineFault::NoRun)]);
    // A missing intent is detected, because its end is left.
    assert_eq!(damage_of(with(1, "")), [(3, LineFault::NoIntent)]);
    let scan = scanned(with(4, "hello\n").as_bytes());
    assert_eq!(scan.damage[0].offset, lines[..4].concat().len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_bytes_make_it_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        scanned(&bytes);
        intents_of(bytes.as_slice(), |_| true, |_| true).unwrap();
    }

    /// Whatever is overwritten, an accepted row never becomes one that may be sent again.
    #[test]
    fn overwritten_anywhere_no_accepted_row_becomes_new(
        at in any::<proptest::sample::Index>(),
        length in 1_usize..600,
        fill in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let lines = sample();
        let mut bytes = lines.concat().into_bytes();
        let at = at.index(bytes.len());
        let end = (at + length).min(bytes.len());
        bytes[at..end].fill(fill);
        if cut {
            bytes.truncate(end);
        }
        let scan = scanned(&bytes);
        let durable = &lines[..ends(&lines).iter().filter(|line_end| **line_end <= at).count() - 1];
        if scan.damage.is_empty() {
            let found = fates_of(&scan.recovered);
            for (key, outcome) in outcomes(durable) {
                prop_assert!(found.contains_key(&key));
                if outcome == Outcome::Accepted {
                    prop_assert_eq!(found[&key], Outcome::Accepted);
                }
            }
        }
    }
}

#[test]
fn a_rejected_row_that_is_due_is_counted_as_both() {
    let due = End { attempt: 1, outcome: Outcome::Rejected, status: Some(429), due: true };
    let lines = [
        record::run("a1", &header()),
        intent_line("ada", 1),
        record::end(&person("ada", "ada@x.de"), &due),
        intent_line("bob", 1),
        end_line("bob", 1, Outcome::NotSent, Some(429)),
    ];
    let scan = scan(lines.concat().as_bytes()).unwrap();
    assert_eq!(scan.damage, []);
    let ada = RowState::Rejected { status: Some(429), due: true };
    assert_eq!(scan.recovered.state(key_of("ada")), Some(ada));
    // The form of earlier versions.
    assert_eq!(scan.recovered.state(key_of("bob")), Some(RowState::NotSent));
    let counts = scan.recovered.counts();
    assert_eq!((counts.rejected, counts.not_sent, counts.due), (1, 1, 2));
}

#[test]
fn a_synced_record_covers_everything_before_it_also_in_a_merged_journal() {
    let one = [record::run("a1", &header()), intent_line("ada", 1)].concat();
    let one = format!("{one}{}", record::synced(one.len() as u64));
    let two = [record::run("a2", &header()), intent_line("bob", 1)].concat();
    let two = format!("{two}{}", record::synced(two.len() as u64));
    let together = format!("{one}{}{two}", record::run("a0", &header()).repeat(4));
    assert!(scanned(together.as_bytes()).damage.is_empty());
    // The damage is before the last `synced`, although after the offset that it names.
    let damaged = together.replace("bob@", "bab@");
    assert_eq!(scanned(damaged.as_bytes()).damage.len(), 1);
}

#[test]
fn a_new_journal_is_on_the_disk_up_to_its_first_synced_record() {
    let run = record::run("a1", &header());
    let rest = [record::synced(run.len() as u64), intent_line("ada", 1), intent_line("bob", 1)].concat();
    // A power failure may leave any part of the first `synced` and of the intents after it, because of which nothing
    // was sent.
    for (from, to) in [(0, 20), (0, 60), (30, rest.len() - 1)] {
        for fill in [0, 0xff] {
            let mut bytes = [run.as_bytes(), rest.as_bytes()].concat();
            bytes[run.len() + from..run.len() + to].fill(fill);
            let scan = scanned(&bytes);
            assert_eq!((scan.damage.as_slice(), scan.tail), (&[][..], Tail::Torn));
            assert_eq!(scan.valid, run.len() as u64);
            assert!(scan.recovered.states.is_empty());
        }
    }
    // A journal of version 1 has no `synced` records.
    let old = record::run_of_version_1("a1", &header());
    let damaged = [old.as_bytes(), b"rubbish\n", intent_line("ada", 1).as_bytes()].concat();
    assert_eq!(scanned(&damaged).damage.len(), 1);
}

#[test]
fn the_first_synced_record_may_be_that_of_a_later_run() {
    // The first run was killed before it wrote its `synced`. A power failure left zeros in place of that of the second
    // run.
    let runs = record::run("a1", &header()) + &record::run("a2", &header());
    let mark = "\0".repeat(record::synced(runs.len() as u64).len() - 1) + "\n";
    let scan = scanned(format!("{runs}{mark}{}", intent_line("ada", 1)).as_bytes());
    assert_eq!((scan.damage.as_slice(), scan.tail, scan.valid), (&[][..], Tail::Torn, runs.len() as u64));
    // A request may have been sent because of the lines before the damage.
    let sent = record::run("a1", &header()) + &intent_line("ada", 1);
    assert_eq!(scanned(format!("{sent}{mark}{}", intent_line("bob", 1)).as_bytes()).damage.len(), 1);
}

#[test]
fn a_damaged_first_synced_record_above_ends_is_damage() {
    let run = record::run("a1", &header());
    let ends = [intent_line("ada", 1), end_line("ada", 1, Outcome::Accepted, Some(200))];
    let text = format!("{run}rubbish\n{}", ends.concat());
    assert_eq!(scanned(text.as_bytes()).damage.len(), 1);
}

//! Power failures: what was synced is there, and of what was written after that any part may be missing. A run continues
//! from each such state by itself, and mails no one whose request may have left before the failure.
//!
//! The calls of a real run are taken from strace. At each of them, the states that a disk may be left in are made from the
//! journal: cut at any byte behind the last sync, with any sector of it zero or rubbish, or all but one. Rubbish has no
//! line breaks in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::damage::run_with;
use crate::fixtures::{Case, Fixture, wait};
use crate::oracle::{State, states};
use crate::trace::call;
use support::peer::find;

const ROWS: usize = 12;
const WORKERS: usize = 3;
const SECTOR: usize = 512;
const THREADS: usize = 4;
/// In the small size, one of this many cuts is tried.
const STEP: usize = 23;

/// The journal of a run, and how far it was synced and written at each moment.
struct Timeline {
    case: Case,
    journal: Vec<u8>,
    moments: Vec<(usize, usize)>,
}

/// Runs over a list below strace, with a journal of which `before` bytes are known to be on the disk.
fn timeline(fixture: &Fixture, case: Case, before: usize) -> Timeline {
    let mut strace = fixture.command(find("strace", "strace"));
    strace
        .args(["-f", "-y", "-qq", "-s", "0", "-o", "calls"])
        .args(["-e", "trace=write,fdatasync,fsync"])
        .arg(support::program())
        .args(Fixture::arguments(&case, WORKERS));
    let written_before = fs::metadata(&case.journal).map_or(0, |metadata| metadata.len());
    let mut written = usize::try_from(written_before).unwrap();
    let ended = wait(&mut strace.spawn().unwrap());
    assert!(matches!(ended, Some(0 | 11)), "{ended:?}");
    let calls = fs::read_to_string(case.list.with_file_name("calls")).unwrap();
    let name = format!("{}>", case.journal.file_name().unwrap().to_str().unwrap());
    let (mut synced, mut moments, mut open) = (before, vec![(before, written)], BTreeMap::new());
    for line in calls.lines() {
        let call = call(line, &mut open);
        if !call.ends || !call.whole.contains(&name) {
            continue;
        }
        match call.name.as_str() {
            "write" => {
                let (_, result) = call.whole.rsplit_once(" = ").unwrap();
                written += result.trim().parse::<usize>().unwrap();
            }
            _ => synced = written,
        }
        moments.push((synced, written));
    }
    let journal = fs::read(&case.journal).unwrap();
    assert_eq!(journal.len(), written, "nothing else writes into it");
    Timeline { case, journal, moments }
}

/// A list that is sent in one run.
fn whole(fixture: &Fixture) -> Timeline {
    timeline(fixture, fixture.case("whole", ROWS), 0)
}

/// A journal whose first run was stopped half way, and which the second run continues.
fn continued(fixture: &Fixture) -> Timeline {
    let case = fixture.case("continued", ROWS);
    let mut first = fixture.command(support::program());
    first.args(Fixture::arguments(&case, WORKERS)).args(["--limit", "5"]);
    assert!(wait(&mut first.spawn().unwrap()).is_some());
    // It was closed, and so synced but for its last mark.
    let length = fs::metadata(&case.journal).unwrap().len();
    timeline(fixture, case, usize::try_from(length).unwrap())
}

struct Cut {
    what: String,
    journal: Vec<u8>,
    synced: usize,
}

fn cuts(timeline: &Timeline) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for &(synced, written) in &timeline.moments {
        let whole = &timeline.journal[..written];
        let mut add = |what: String, journal: Vec<u8>| {
            cuts.push(Cut { what: format!("synced to {synced} of {written}: {what}"), journal, synced });
        };
        for length in synced..=written {
            add(format!("cut at {length}"), whole[..length].to_vec());
        }
        let sectors: Vec<(usize, usize)> = (synced / SECTOR * SECTOR..written)
            .step_by(SECTOR)
            .map(|start| (start.max(synced), (start + SECTOR).min(written)))
            .collect();
        // Rubbish in the very first record would make it a file of another program, which is not repaired.
        let fills: &[u8] = if synced == 0 { &[0] } else { &[0, 0xff] };
        for &fill in fills {
            for &(from, to) in &sectors {
                let mut one = whole.to_vec();
                one[from..to].fill(fill);
                add(format!("{fill} from {from} to {to}"), one);
                let mut others = whole.to_vec();
                others[synced..from].fill(fill);
                others[to..].fill(fill);
                add(format!("{fill} but for {from} to {to}"), others);
            }
        }
    }
    cuts
}

/// Whether something else is in place of what was written; there are far fewer of these than of cuts.
fn is_filled(cut: &Cut) -> bool {
    !cut.what.contains(": cut at ")
}

/// What is wrong with a run that continues from a state, if anything.
fn check(fixture: &Fixture, case: &Case, cut: &Cut) -> Result<(), String> {
    let (code, sent) = run_with(fixture, &case.emails, None, &cut.journal);
    let known = |bytes: &[u8]| -> BTreeSet<String> {
        let states = states(&String::from_utf8_lossy(bytes));
        let mailed = states.into_iter().filter(|(_, state)| *state != State::Free);
        mailed.map(|(email, _)| email).collect()
    };
    let wrong = |what: String| Err(format!("{}: {what}; code {code:?}", cut.what));
    if !matches!(code, Some(0 | 11)) {
        return wrong("the run did not continue".to_owned());
    }
    let again: Vec<_> = known(&cut.journal[..cut.synced]).intersection(&sent).cloned().collect();
    if !again.is_empty() {
        return wrong(format!("mailed again: {again:?}"));
    }
    let left = known(&cut.journal);
    let lost: Vec<_> = case.emails.iter().filter(|email| !left.contains(*email) && !sent.contains(*email)).collect();
    if lost.is_empty() { Ok(()) } else { wrong(format!("forgotten: {lost:?}")) }
}

/// Tries every n-th of the selected states, beginning with a random one; returns how many were tried and what went wrong.
fn try_each(
    fixture: &Fixture,
    timelines: &[Timeline],
    step: usize,
    is_meant: impl Fn(&Cut) -> bool,
) -> (usize, Vec<String>) {
    let tasks: Vec<(&Case, Cut)> = timelines
        .iter()
        .flat_map(|timeline| {
            let cuts = cuts(timeline).into_iter();
            cuts.map(move |cut| (&timeline.case, cut))
        })
        .filter(|(_, cut)| is_meant(cut))
        .skip(fastrand::usize(..step))
        .step_by(step)
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some((case, cut)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(check(fixture, case, cut).err());
        }
        wrong
    };
    let wrong = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        ended.flatten().collect()
    });
    (tasks.len(), wrong)
}

#[test]
fn a_run_continues_from_every_state_that_a_power_failure_leaves() {
    let fixture = Fixture::new();
    let timelines = [whole(&fixture), continued(&fixture)];
    let all = crate::asked("VESCLI_POWER_CUTS").as_deref() == Some("all");
    let (tried, wrong) = try_each(&fixture, &timelines, 1, is_filled);
    let step = if all { 1 } else { STEP };
    let (cut, cut_wrong) = try_each(&fixture, &timelines, step, |cut| !is_filled(cut));
    let (tried, wrong) = (tried + cut, [wrong, cut_wrong].concat());
    assert!(wrong.is_empty(), "{} of {tried}: {:#?}", wrong.len(), wrong);
    assert!(tried > 200, "{tried}");
    println!("{tried} states that a power failure leaves: none refused, no one mailed again, no one forgotten");
}

#[test]
fn a_journal_without_sync_records_is_detected() {
    // The planted fault: no record says how far the journal was synced, as in version 1.
    let fixture = Fixture::new();
    let mut timeline = whole(&fixture);
    let text = String::from_utf8(timeline.journal.clone()).unwrap();
    let mut unmarked = String::new();
    let mut shorter = vec![0; timeline.journal.len() + 1];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_mark = line.starts_with("{\"t\":\"synced\"");
        for (index, byte) in (at..at + line.len()).enumerate() {
            shorter[byte] = unmarked.len() + if is_mark { 0 } else { index };
        }
        at += line.len();
        if !is_mark {
            unmarked.push_str(line);
        }
    }
    shorter[at] = unmarked.len();
    timeline.journal = unmarked.into_bytes();
    for (synced, written) in &mut timeline.moments {
        (*synced, *written) = (shorter[*synced], shorter[*written]);
    }
    // A journal that is only cut off is continued without marks too, and would fill up the sample.
    let (_, wrong) = try_each(&fixture, &[timeline], 1, is_filled);
    assert!(wrong.iter().any(|wrong| wrong.contains("did not continue")), "{wrong:#?}");
}

#[test]
fn damage_before_the_last_mark_is_refused_and_not_cut() {
    let fixture = Fixture::new();
    let timeline = whole(&fixture);
    let text = String::from_utf8_lossy(&timeline.journal).into_owned();
    let last = text.rfind("{\"t\":\"synced\"").unwrap();
    for at in (0..last - SECTOR).step_by(SECTOR) {
        let mut journal = timeline.journal.clone();
        journal[at..at + SECTOR].fill(0);
        let (code, sent) = run_with(&fixture, &timeline.case.emails, None, &journal);
        assert_eq!((code, sent), (Some(65), BTreeSet::new()), "zeros at {at}");
    }
}

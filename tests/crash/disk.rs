//! A disk that fails: a write or sync of the journal that ends in `ENOSPC` or `EIO`, by strace, at each place in a run.
//! nginx counts who was mailed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::fixtures::{Case, Fixture, wait};
use crate::oracle::Faults;
use crate::trace::{Event, events};
use support::peer::find;

const ROWS: usize = 8;
const WORKERS: usize = 4;
/// No run of this size writes or syncs as often.
const MOST: usize = 100;

/// A run whose journal failed, or came to its end.
struct Run {
    case: Case,
    code: Option<i32>,
    events: Vec<Event>,
}

/// Lets the `nth` call of each thread on the journal fail.
fn run(fixture: &Fixture, name: &str, call: &str, error: &str, nth: usize) -> Run {
    let case = fixture.case(name, ROWS);
    let mut command = fixture.command(find("strace", "strace"));
    command
        .args(["-f", "-y", "-qq", "-s", "65536", "-o", "trace", "-P"])
        .arg(&case.journal)
        .args(["-e", "trace=write,fdatasync,fsync", "-e"])
        .arg(format!("inject={call}:error={error}:when={nth}"))
        .arg(support::program())
        .args(Fixture::arguments(&case, WORKERS));
    let code = wait(&mut command.spawn().unwrap());
    let text = fs::read_to_string(case.list.with_file_name("trace")).unwrap();
    let events = events(&text, &format!("{name}.ndjson>"));
    Run { case, code, events }
}

impl Run {
    /// Whose intents were on the disk before anything failed.
    fn safe(&self) -> BTreeSet<&String> {
        let (mut written, mut safe) = (Vec::new(), BTreeSet::new());
        for event in &self.events {
            match event {
                Event::Wrote(records) => written.extend(&records.intents),
                Event::Synced => safe.extend(written.drain(..)),
                Event::Failed => break,
                Event::SyncBegan | Event::Sent(_) | Event::Shown(_) => {}
            }
        }
        safe
    }

    /// Who was mailed although the journal had failed before it knew of them.
    fn mailed_after(&self, mailed: &BTreeMap<String, usize>) -> Vec<String> {
        let safe = self.safe();
        let people = self.case.emails.iter();
        people.filter(|email| mailed.contains_key(*email) && !safe.contains(email)).cloned().collect()
    }

    /// Whether the journal was written or synced again after it had failed.
    fn was_tried_again(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|event| matches!(event, Event::Failed)) && events.next().is_some()
    }
}

#[test]
fn after_the_first_journal_error_no_one_is_mailed_and_the_next_run_loses_no_one() {
    let fixture = Fixture::new();
    let mut runs = Vec::new();
    for call in ["write", "fdatasync", "fsync"] {
        for error in ["ENOSPC", "EIO"] {
            for nth in 1.. {
                assert!(nth < MOST, "{call}: the run never comes to its end");
                let run = run(&fixture, &format!("{call}{error}{nth}"), call, error, nth);
                let whole = run.code == Some(0);
                runs.push(run);
                if whole {
                    break;
                }
            }
        }
    }
    let mailed = fixture.mailed();
    let mut failed = 0;
    for run in &runs {
        let list = run.case.list.display();
        assert_eq!(run.mailed_after(&mailed), Vec::<String>::new(), "{list}");
        assert!(!run.was_tried_again(), "{list}: {:?}", run.events);
        if run.code != Some(0) {
            assert_eq!(run.code, Some(74), "{list}");
            failed += 1;
        }
        fixture.finish(&run.case);
    }
    let mailed = fixture.mailed();
    for run in &runs {
        let faults = Fixture::faults(&run.case, &mailed);
        assert_eq!(faults, Faults::default(), "{}", run.case.list.display());
    }
    assert!(failed > 12, "only {failed} failures");
    println!("{failed} failures of the journal: no one mailed after, no one twice, no one lost");
}

#[test]
fn continuing_after_an_error_is_detected() {
    let fixture = Fixture::new();
    let mut run = run(&fixture, "planted", "fdatasync", "EIO", 2);
    assert!(run.safe().len() < ROWS && run.mailed_after(&fixture.mailed()).is_empty());
    // The planted fault: someone is mailed whose intent the journal could not record.
    let late = run.case.emails.last().unwrap().clone();
    assert!(!run.safe().contains(&late));
    fixture.send(&late);
    assert_eq!(run.mailed_after(&fixture.mailed()), [late]);
    // And a sync that is tried again, which may lie.
    assert!(!run.was_tried_again());
    run.events.push(Event::Synced);
    assert!(run.was_tried_again());
}

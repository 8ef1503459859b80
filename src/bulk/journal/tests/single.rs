//! Single sends to one person that overlap: the last record must not replace the outcome of another send.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::files::folder;
use super::*;

const WAIT: fn(Duration) -> bool = |_| panic!("no one else has the lock");

fn ada() -> Person<'static> {
    person("ada", "ada@x.de")
}

fn begin(path: &Path) -> SingleSend {
    let header = RunHeader { list: SINGLE_SENDS.to_owned(), rows: 1, ..header() };
    SingleSend::begin(path, &header, &Intent { person: ada(), row: 1, attempt: 1 }, WAIT).unwrap()
}

fn conclude(send: &mut SingleSend, outcome: Outcome) -> Result<bool, JournalError> {
    send.conclude(&ada(), &End { attempt: 1, outcome, status: None, due: false })
}

fn known(path: &Path) -> Outcome {
    let scan = inspect(path).unwrap();
    assert!(scan.damage.is_empty() && scan.tail == Tail::None, "{scan:?}");
    scan.recovered.state(ada().key).unwrap().effective()
}

#[test]
fn of_overlapping_sends_accepted_counts_over_unknown_and_that_over_others() {
    use Outcome::{Accepted, NotSent, Rejected, Unknown};
    for (first, second, between, end) in [
        (Accepted, Rejected, Accepted, Accepted),
        // The other send is under way, and may be accepted.
        (Rejected, Accepted, Unknown, Accepted),
        (NotSent, Accepted, Unknown, Accepted),
        (Unknown, Accepted, Unknown, Accepted),
        (Accepted, Unknown, Accepted, Accepted),
        (Unknown, Rejected, Unknown, Unknown),
        // The first send ended while the second was under way, and its record stays.
        (Rejected, Rejected, Unknown, Unknown),
    ] {
        let folder = folder();
        let path = folder.path().join("j.ndjson");
        let (mut one, mut other) = (begin(&path), begin(&path));
        assert_eq!(known(&path), Unknown);
        conclude(&mut one, first).unwrap();
        assert_eq!(known(&path), between, "{first:?} {second:?}");
        conclude(&mut other, second).unwrap();
        assert_eq!(known(&path), end, "{first:?} {second:?}");
    }
}

#[test]
fn accepted_counts_over_an_earlier_unknown() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let mut sends = [begin(&path), begin(&path), begin(&path)];
    for (send, outcome) in sends.iter_mut().zip([Outcome::Unknown, Outcome::Accepted, Outcome::Rejected]) {
        conclude(send, outcome).unwrap();
    }
    assert_eq!(known(&path), Outcome::Accepted);
}

#[test]
fn a_journal_that_lost_its_beginning_is_not_continued() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let mut send = begin(&path);
    conclude(&mut send, Outcome::Accepted).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    // All lines of the rest are valid, and the last one is a `synced`.
    fs::write(&path, rest).unwrap();
    assert!(conclude(&mut send, Outcome::Accepted).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), rest);
}

#[test]
fn an_end_is_written_only_to_the_file_of_its_intent() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let mut removed = begin(&path);
    fs::remove_file(&path).unwrap();
    assert!(matches!(conclude(&mut removed, Outcome::Accepted), Err(JournalError::Missing { .. })));
    let mut other = begin(&path);
    assert!(matches!(conclude(&mut removed, Outcome::Accepted), Err(JournalError::Missing { .. })));
    conclude(&mut other, Outcome::NotSent).unwrap();
    assert_eq!(known(&path), Outcome::NotSent);
}

#[test]
fn a_resolution_counts_over_a_later_failure() {
    for (resolution, after) in [
        (Resolution::Accepted, Outcome::Accepted),
        (Resolution::NotSent, Outcome::Rejected),
        (Resolution::Unknown, Outcome::Unknown),
    ] {
        let folder = folder();
        let path = folder.path().join("j.ndjson");
        drop(begin(&path));
        Journal::resolve(&path, |_| Ok::<_, JournalError>(vec![(ada().key, resolution)])).unwrap();
        let mut later = begin(&path);
        conclude(&mut later, Outcome::Rejected).unwrap();
        assert_eq!(known(&path), after, "{resolution:?}");
    }
}

#[test]
fn each_service_and_month_has_a_file_whose_name_needs_no_quotes() {
    let name = |service: &str| {
        let path = path_of_single_sends(Path::new("/state"), service);
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    let now = Timestamp::from(SystemTime::now()).to_string();
    assert_eq!(name("acme.example:443"), format!("send-acme.example_443-{}.ndjson", &now[..7]));
    assert!(name("[2001:db8::1]:443").starts_with("send-_2001_db8__1__443-20"));
    assert_ne!(name(&("a".repeat(60) + ":443")), name(&("a".repeat(60) + ":444")));
}

fn in_turn<T>(mut work: impl FnMut() -> Result<T, JournalError>) -> T {
    loop {
        match work() {
            Err(JournalError::Locked { .. }) => {}
            done => return done.unwrap(),
        }
    }
}

#[test]
fn sends_of_many_threads_take_turns_and_each_leaves_its_records() {
    const THREADS: usize = 8;
    const SENDS: usize = 10;
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let wait = |time| {
        std::thread::sleep(time);
        true
    };
    let send = |name: &str| {
        let email = format!("{name}@x.de");
        let intent = Intent { person: person(name, &email), row: 1, attempt: 1 };
        let end = End { attempt: 1, outcome: Outcome::Accepted, status: Some(200), due: false };
        // On a slow disk, the other sends may take longer than a send waits.
        let mut send = in_turn(|| SingleSend::begin(&path, &header(), &intent, wait));
        in_turn(|| send.conclude(&intent.person, &end));
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || (0..SENDS).for_each(|number| send(&format!("{thread}-{number}"))));
        }
    });
    let scan = inspect(&path).unwrap();
    assert!(scan.damage.is_empty(), "{:?}", scan.damage);
    assert_eq!(scan.recovered.runs.len(), THREADS * SENDS);
    assert_eq!(scan.recovered.counts().accepted, (THREADS * SENDS) as u64);
}

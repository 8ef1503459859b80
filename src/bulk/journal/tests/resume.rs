//! What a later run or an operator finds in a journal and changes in it: unfinished ends, damage, resolutions.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::files::{folder, intend, nothing, put, refusal, resume, writing};
use super::*;

#[test]
fn an_unfinished_end_is_removed_and_the_journal_continues_there() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let lines = sample();
    let whole = lines.concat();
    let last = lines.last().unwrap().len();
    for cut in whole.len() - last..=whole.len() {
        for zeros in ["", "\0\0\0", &"\0".repeat(5000)] {
            put(&path, format!("{}{zeros}", &whole[..cut]).as_bytes());
            let (journal, recovered) = resume(&path).unwrap();
            let kept = if cut + 1 >= whole.len() { lines.len() } else { lines.len() - 1 };
            assert_eq!(fates_of(&recovered), outcomes(&lines[..kept]), "{cut}");
            let torn = cut + 1 < whole.len() && cut + zeros.len() > whole.len() - last;
            assert_eq!(recovered.cut > 0, torn || (cut == whole.len() && !zeros.is_empty()), "{cut} {zeros:?}");
            let journal = journal.write().unwrap();
            intend(&journal, "new");
            journal.0.close().unwrap();
            let scan = inspect(&path).unwrap();
            assert_eq!((scan.damage.as_slice(), scan.tail), (&[][..], Tail::None), "{cut}");
            assert_eq!(scan.lines, kept as u64 + 4);
        }
    }
}

#[test]
fn a_damaged_journal_is_refused_and_not_changed() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let damaged = sample().concat().replace("bob@x.de", "rob@x.de");
    put(&path, damaged.as_bytes());
    let error = refusal(&path);
    assert!(matches!(error, JournalError::Damaged { damage: DamagedLine { line: 3, fault: LineFault::Crc, .. }, .. }));
    assert!(error.to_string().contains("vescli journal check"));
    assert!(matches!(Journal::resolve(&path, nothing), Err(JournalError::Damaged { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
}

#[test]
fn a_resolution_decides() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    put(&path, sample().concat().trim_end().as_bytes());
    let before = fs::read(&path).unwrap();
    assert!(Journal::resolve(&path, nothing).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    Journal::resolve(&path, |recovered| {
        assert_eq!(recovered.state(key_of("gus")), Some(RowState::Intended { attempt: 1 }));
        Ok::<_, JournalError>(vec![(key_of("gus"), Resolution::NotSent)])
    })
    .unwrap();
    let scan = inspect(&path).unwrap();
    assert_eq!((scan.damage.as_slice(), scan.tail), (&[][..], Tail::None));
    assert_eq!(scan.recovered.state(key_of("gus")), Some(RowState::Resolved(Resolution::NotSent)));
    assert_eq!(scan.recovered.runs.len(), 2);
}

/// The outcomes that a run reads if `happens` changes the journal after its snapshot.
fn known_after(path: &Path, happens: impl FnOnce()) -> HashMap<String, Outcome> {
    let seen = take_snapshot(path).unwrap();
    happens();
    let opened = Journal::open_with_snapshot(path, OpenMode::Resume, &header(), seen);
    fates_of(&opened.unwrap().1)
}

#[test]
fn a_journal_that_changed_after_the_snapshot_is_read_again() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let (whole, lines) = (sample().concat(), sample());
    put(&path, whole.as_bytes());
    // Unchanged, it is not read again.
    let file = fs::File::open(&path).unwrap();
    assert!(take_snapshot(&path).unwrap().if_unchanged(&file).is_some());
    assert_eq!(known_after(&path, || {}), outcomes(&lines));
    let other_run = || {
        let journal = writing(&path);
        intend(&journal, "hal");
        journal.0.close().unwrap();
    };
    assert!(known_after(&path, other_run).contains_key(&key_of("hal").to_string()));
    // An operator changes it with an editor, and the length stays.
    put(&path, whole.as_bytes());
    let mut shorter = lines.clone();
    shorter.pop();
    let edited = format!("{:>length$}", "\n", length = lines.last().unwrap().len());
    let edited = shorter.concat() + &edited;
    assert_eq!(edited.len(), whole.len());
    // A time long ago, because two writes may have the same time.
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let seen = take_snapshot(&path).unwrap();
    put(&path, edited.as_bytes());
    let opened = Journal::open_with_snapshot(&path, OpenMode::Resume, &header(), seen);
    assert!(matches!(opened, Err(JournalError::Damaged { .. })));
    // Another file at its path, with an unfinished end.
    put(&path, whole.as_bytes());
    let elsewhere = folder.path().join("other");
    put(&elsewhere, &whole.as_bytes()[..whole.len() - 5]);
    let replace = || fs::rename(&elsewhere, &path).unwrap();
    assert_eq!(known_after(&path, replace), outcomes(&shorter));
}

#[test]
fn a_journal_that_had_an_unfinished_end_is_read_again() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let lines = sample();
    let whole = lines.concat();
    put(&path, &whole.as_bytes()[..whole.len() - 5]);
    assert_eq!(known_after(&path, || {}), outcomes(&lines[..lines.len() - 1]));
    let scan = inspect(&path).unwrap();
    assert_eq!((scan.damage.as_slice(), scan.tail), (&[][..], Tail::None));
}

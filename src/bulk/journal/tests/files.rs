//! The file of a journal: its path, its lock, which files are refused, and what a later run reads from it.
#![cfg(unix)]

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

pub(super) fn folder() -> TempDir {
    TempDir::with_prefix("vescli-journal-").unwrap()
}

pub(super) fn resume(path: &Path) -> Result<(Journal, Recovered), JournalError> {
    Journal::open(path, OpenMode::Resume, &header())
}

pub(super) fn refusal(path: &Path) -> JournalError {
    resume(path).map(|_| ()).unwrap_err()
}

pub(super) fn put(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
    file.set_permissions(Permissions::from_mode(0o600)).unwrap();
    file.write_all(bytes).unwrap();
}

pub(super) type Open = (Writer<()>, JournalHandle<()>);

pub(super) fn writing(path: &Path) -> Open {
    resume(path).unwrap().0.write().unwrap()
}

pub(super) fn intend((_, handle): &Open, name: &str) {
    let email = format!("{name}@x.de");
    handle.intend(&Intent { person: person(name, &email), row: 1, attempt: 1 }).unwrap();
}

/// An operator who resolves no row.
pub(super) fn nothing(_: &Recovered) -> Result<Vec<(RowKey, Resolution)>, JournalError> {
    Err(JournalError::NoHome)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

#[test]
fn a_new_journal_is_for_its_owner_alone_and_a_later_run_finds_everything() {
    let folder = folder();
    let path = folder.path().join("state/vescli/j.ndjson");
    let (journal, recovered) = resume(&path).unwrap();
    assert_eq!(recovered, Recovered::default());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(mode(&folder.path().join("state")), 0o700);
    let journal = journal.write().unwrap();
    intend(&journal, "ada");
    intend(&journal, "bob");
    let end = End { attempt: 1, outcome: Outcome::Accepted, status: Some(200), due: false };
    journal.1.conclude(&person("ada", "ada@x.de"), &end, [()]);
    assert!(journal.0.events(Duration::from_secs(60)).unwrap()[0].is_written);
    // While it is open, others see only whole lines, and not the reserved space.
    assert_eq!(inspect(&path).unwrap().lines, 7);
    journal.0.close().unwrap();
    let (journal, recovered) = resume(&path).unwrap();
    assert_eq!(recovered.runs.len(), 1);
    assert_eq!(recovered.state(key_of("bob")), Some(RowState::Intended { attempt: 1 }));
    assert_eq!(recovered.counts(), Counts { accepted: 1, unknown: 1, ..Counts::default() });
    drop(journal);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert_eq!(text.lines().count(), 10);
}

#[test]
fn one_run_at_a_time_has_the_lock() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let (journal, _) = resume(&path).unwrap();
    assert!(matches!(refusal(&path), JournalError::Locked { .. }));
    let fresh = Journal::open(&path, OpenMode::Fresh, &header()).map(|_| ());
    assert!(matches!(fresh, Err(JournalError::Locked { .. })));
    let resolution = Journal::resolve(&path, nothing);
    assert!(matches!(resolution, Err(JournalError::Locked { .. })));
    drop(journal);
    resume(&path).unwrap();
}

#[test]
fn a_file_that_is_not_our_journal_is_refused_and_not_changed() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    put(&at("real"), b"");
    symlink(at("real"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    assert!(is_unfit(&refusal(&at("link")), "is a symbolic link"));
    assert!(is_unfit(&refusal(&at("dangling")), "is a symbolic link"));
    assert!(!at("nowhere").exists());
    assert!(is_unfit(&refusal(&at("folder")), "is not a regular file"));
    assert!(is_unfit(&refusal(&at("fifo")), "is not a regular file"));
    assert!(is_unfit(&refusal(Path::new("/dev/null")), "is not a regular file"));
    for foreign in [0o640, 0o604, 0o660, 0o620] {
        put(&at("open"), b"");
        fs::set_permissions(at("open"), Permissions::from_mode(foreign)).unwrap();
        assert!(is_unfit(&refusal(&at("open")), &format!("is open to others (mode {foreign:04o})")));
        assert_eq!(at("open").metadata().unwrap().len(), 0);
    }
    put(&at("text"), b"email\nada@x.de\n");
    assert!(is_unfit(&refusal(&at("text")), "is not a journal"));
    assert_eq!(fs::read(at("text")).unwrap(), b"email\nada@x.de\n");
    assert!(matches!(inspect(&at("none")), Err(JournalError::Missing { .. })));
    assert!(matches!(Journal::resolve(&at("none"), nothing), Err(JournalError::Missing { .. })));
    assert!(!at("none").exists());
}

#[test]
fn a_journal_of_another_url_is_not_mixed_with_this_one() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    drop(resume(&path).unwrap());
    let other = RunHeader { url: "https://other".to_owned(), ..header() };
    let error = Journal::open(&path, OpenMode::Resume, &other).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::OtherTarget { url, .. } if url == URL));
    Journal::open(&path, OpenMode::Fresh, &other).unwrap();
}

#[test]
fn a_fresh_journal_keeps_the_old_one_under_another_name() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let journal = writing(&path);
    intend(&journal, "ada");
    journal.0.close().unwrap();
    let before = fs::read(&path).unwrap();
    let mut old: Vec<PathBuf> = Vec::new();
    for _ in 0..3 {
        let (_, recovered) = Journal::open(&path, OpenMode::Fresh, &header()).unwrap();
        assert_eq!((recovered.states.len(), recovered.runs.len()), (0, 0));
        old.push(recovered.set_aside.unwrap());
    }
    assert_eq!(fs::read(&old[0]).unwrap(), before);
    old.dedup();
    assert_eq!(old.len(), 3);
    // A missing journal is not set aside.
    let new = folder.path().join("n.ndjson");
    let (_, recovered) = Journal::open(&new, OpenMode::Fresh, &header()).unwrap();
    assert_eq!(recovered.set_aside, None);
    // A damaged journal is set aside, too.
    put(&new, b"rubbish\n");
    Journal::open(&new, OpenMode::Fresh, &header()).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn space_is_reserved_before_the_first_row_and_freed_at_the_end() {
    let folder = folder();
    let path = folder.path().join("j.ndjson");
    let large = RunHeader { rows: 1 << 44, ..header() };
    let error = Journal::open(&path, OpenMode::Resume, &large).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::NoSpace { .. }), "{error}");
    // Without space for a new journal, the old one stays, and no temporary file is left.
    let old = sample().concat();
    put(&path, old.as_bytes());
    let names = || fs::read_dir(folder.path()).unwrap().count();
    let before = names();
    let error = Journal::open(&path, OpenMode::Fresh, &large).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::NoSpace { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), old);
    assert_eq!(names(), before);
    fs::remove_file(&path).unwrap();
    let room = || path.metadata().unwrap().blocks() * 512;
    let usual = RunHeader { rows: 10_000, ..header() };
    let (journal, _) = Journal::open(&path, OpenMode::Resume, &usual).unwrap();
    assert!(room() >= 10_000 * 512, "{}", room());
    let journal = journal.write().unwrap();
    intend(&journal, "ada");
    assert!(path.metadata().unwrap().len() < 1024);
    journal.0.close().unwrap();
    assert!(room() < 64 * 1024, "{}", room());
}

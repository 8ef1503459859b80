//! A journal that is removed, replaced or cut during a run stops it before the next request.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{again_on, lines, mailed};
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

const ROWS: usize = 200;
const JOBS: usize = 2;

/// Runs over a list while `happens` to its journal at the tenth request, and returns the server and the text of the end.
fn during_a_run(words: &'static str, happens: impl Fn(&Path) + Send + Sync + 'static) -> (Server, Output, PathBuf) {
    let vescli = Vescli::new().file("list.txt", lines(ROWS));
    let journal = vescli.folder().join("journal");
    let (path, count) = (journal.clone(), Arc::new(AtomicUsize::new(0)));
    let server = Server::http()
        .choose(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == 9 {
                happens(&path);
            }
            Answer::accepted()
        })
        .start();
    let output = again_on(vescli, &server)
        .args(["--journal", "journal", "--jobs", &JOBS.to_string()])
        .code(74)
        .stderr_contains(words)
        .stderr_contains("no request was sent after that")
        .run();
    // These were released before. Nothing may follow, because the next sync notices it.
    let sent = server.count();
    assert!((10..=9 + 2 * JOBS).contains(&sent), "{sent} requests");
    (server, output, journal)
}

#[test]
fn a_removed_journal_stops_the_run() {
    during_a_run("was removed during the run", |journal| {
        fs::remove_file(journal).unwrap();
    });
}

#[test]
fn a_moved_journal_stops_the_run_and_restored_it_resumes() {
    let (server, output, journal) = during_a_run("was moved or replaced during the run", |journal| {
        fs::rename(journal, journal.with_extension("away")).unwrap();
    });
    fs::rename(journal.with_extension("away"), &journal).unwrap();
    // Those under way when it was noticed are unknown: their ends were not written down, whether they were sent or not.
    again_on(output.again(), &server).args(["--journal", "journal"]).code(11).run();
    let mailed = mailed(&server);
    assert!((ROWS - JOBS..=ROWS).contains(&mailed.len()));
    assert!(mailed.values().all(|count| *count == 1));
}

#[test]
fn a_replaced_journal_stops_the_run() {
    during_a_run("was moved or replaced during the run", |journal| {
        let copy = journal.with_extension("copy");
        fs::copy(journal, &copy).unwrap();
        fs::rename(copy, journal).unwrap();
    });
}

#[test]
fn a_truncated_journal_stops_the_run() {
    during_a_run("was changed by another program during the run", |journal| {
        let file = OpenOptions::new().write(true).open(journal).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    });
}

#[test]
fn a_journal_that_another_process_writes_stops_the_run() {
    during_a_run("was changed by another program during the run", |journal| {
        use std::io::Write as _;
        let mut file = OpenOptions::new().append(true).open(journal).unwrap();
        file.write_all(b"x\n").unwrap();
    });
}

#[test]
fn a_second_name_for_the_journal_does_not_matter() {
    let count = AtomicUsize::new(0);
    let vescli = Vescli::new();
    let journal = vescli.folder().join("journal");
    let server = Server::http()
        .choose(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == 1 {
                fs::hard_link(&journal, journal.with_extension("backup")).unwrap();
            }
            Answer::accepted()
        })
        .start();
    again_on(vescli.file("list.txt", lines(20)), &server).args(["--journal", "journal"]).run();
    assert_eq!(server.count(), 20);
}

//! The screen of `vescli bulk` on a real terminal: that of tmux. The bar and the rows share it.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::harness::Vescli;
use support::server::Server;

use crate::terminal::{Terminal, people};

const PATIENCE: Duration = Duration::from_secs(60);

/// Each row once and in one piece, and nothing left of the bar.
fn check(history: &str, rows: usize) {
    let is_row = |line: &&str| line.starts_with("accepted  a");
    let whole = history.lines().filter(is_row).filter(|line| line.trim_end().ends_with("@example.com")).count();
    assert_eq!((whole, history.lines().filter(is_row).count()), (rows, rows), "{history}");
    for remains in ["=>", ">  ", "to go", &format!("/{rows}, ")] {
        assert!(!history.contains(remains), "{remains:?} was left behind:\n{history}");
    }
}

#[test]
fn the_bar_never_mixes_with_rows_at_40_80_and_120_columns() {
    let server = Server::http().start();
    for columns in [40, 80, 120] {
        let vescli = Vescli::new().file("list.txt", people(30));
        let terminal = Terminal::start(&vescli, &server);
        terminal.resize(columns);
        terminal.types("vescli bulk list.txt --yes --known send --rate 20/s; echo code $?", "code 0");
        check(&terminal.history(), 30);
        drop(terminal);
        drop(vescli);
    }
}

#[test]
fn the_bar_survives_a_window_that_changes_its_width() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("list.txt", people(60));
    let terminal = Terminal::start(&vescli, &server);
    terminal.types("vescli bulk list.txt --yes --rate 12/s; echo code $?", "/60, ");
    let start = Instant::now();
    for (number, columns) in [40, 100, 34, 61, 120, 28, 80, 50, 90, 38].into_iter().enumerate() {
        // Between two changes some rows are written, and the bar is drawn at the new width.
        while server.count() < 5 * number + 5 {
            assert!(start.elapsed() < PATIENCE, "{}", terminal.history());
            sleep(Duration::from_millis(5));
        }
        terminal.resize(columns);
    }
    terminal.wait_for("code 0");
    terminal.resize(120);
    check(&terminal.history(), 60);
    drop(terminal);
    drop(vescli);
}

#[test]
fn the_terminal_itself_is_asked_when_the_list_comes_from_standard_input() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("list.txt", people(2));
    let terminal = Terminal::start(&vescli, &server);
    let line = "cat list.txt | vescli bulk - ; echo code $?";
    terminal.types(line, "Mail 2 people? [y/N]");
    terminal.types("n", "code 12");
    assert_eq!(server.count(), 0);
    let detached = "cat list.txt | setsid --wait vescli bulk - ; echo code $?";
    let screen = terminal.types(detached, "code 2");
    assert!(screen.contains("cannot ask for confirmation"), "{screen}");
    terminal.types(line, "Mail 2 people? [y/N]");
    terminal.types("y", "code 0");
    assert_eq!(server.count(), 2);
    drop(terminal);
    drop(vescli);
}

#[test]
fn no_one_is_asked_without_input_or_where_the_question_would_not_be_seen() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("list.txt", people(2));
    let terminal = Terminal::start(&vescli, &server);
    for line in [
        "vescli bulk list.txt --no-input",
        "cat list.txt | vescli bulk - --no-input",
        "vescli bulk list.txt 2>seen",
        "cat list.txt | vescli bulk - 2>seen",
    ] {
        terminal.types(&format!("{line}; echo code $?"), "code 2");
    }
    // A shard that was declined was not run, and has no journal.
    terminal.types("vescli bulk list.txt --shard 1/1; echo code $?", "Mail 2 people? [y/N]");
    let screen = terminal.types("n", "code 12");
    assert!(screen.contains("next: vescli bulk list.txt --shard 1/1\n"), "{screen}");
    terminal.types("vescli journal list", "no journals");
    terminal.types("vescli bulk list.txt; echo code $?", "Mail 2 people? [y/N]");
    terminal.types("Y", "code 0");
    assert_eq!(server.count(), 2);
    drop(terminal);
    drop(vescli);
}

#[test]
fn there_is_no_bar_with_quiet_or_on_a_terminal_that_cannot_move_its_cursor() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("list.txt", people(4));
    let terminal = Terminal::start(&vescli, &server);
    for (number, (flag, term, has_bar)) in
        [("", "xterm", true), ("-q", "xterm", false), ("", "dumb", false)].into_iter().enumerate()
    {
        let run =
            format!("TERM={term} vescli bulk list.txt --journal {number}.ndjson --yes --known send --rate none {flag}");
        terminal.types(&format!("script -qec '{run}' written >shown; echo code $?"), "code 0");
        let written = fs::read_to_string(vescli.folder().join("written")).unwrap();
        assert_eq!(written.contains("\u{1b}[J"), has_bar, "{run}: {written:?}");
    }
    drop(terminal);
    drop(vescli);
}

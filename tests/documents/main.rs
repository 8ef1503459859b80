//! Every command of the README, the man pages and the help is run as it is printed, in a fresh home, and ends with the code
//! that is expected. A target of its own, run by `cargo test --test documents`, because it needs bash, zsh, fish and jq.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot continue has found a failure, and a panic is how a test says so"
)]

mod extract;
mod home;
mod runbook;
mod table;

use extract::Printed;
use home::World;
use support::harness::Vescli;
use vescli::args::command_help::entries;

use table::{NOT_RUN, ROWS, Row};

/// The rows that no command uses any more, and the faults of the commands that were run.
fn faults(printed: &[Printed], mut run: impl FnMut(&Printed, &Row) -> Option<String>) -> Vec<String> {
    let (mut rows_used, mut exceptions_used) = (vec![false; ROWS.len()], vec![false; NOT_RUN.len()]);
    let mut faults = Vec::new();
    for command in printed {
        if let Some(index) = NOT_RUN.iter().position(|(begin, _)| command.text.starts_with(begin)) {
            exceptions_used[index] = true;
            continue;
        }
        let index = ROWS.iter().position(|row| command.text.contains(row.command));
        if let Some(index) = index {
            rows_used[index] = true;
        }
        faults.extend(run(command, index.map_or(&table::ANY, |index| &ROWS[index])));
    }
    let rows = ROWS.iter().map(|row| row.command).zip(rows_used);
    let exceptions = NOT_RUN.iter().map(|(begin, _)| *begin).zip(exceptions_used);
    let unused = rows.chain(exceptions).filter(|(_, used)| !used);
    faults.extend(unused.map(|(row, _)| format!("no document has `{row}` any more: take it out of the table")));
    faults
}

#[test]
fn every_printed_command_runs_unchanged() {
    let printed = extract::all();
    assert!(printed.len() > 50, "the commands are found: {printed:#?}");
    let world = World::new();
    let faults = faults(&printed, |command, row| world.run(command, row));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What is pasted from the help runs in other shells too.
#[test]
fn the_examples_of_the_help_run_in_zsh_and_fish() {
    let world = World::new();
    let mut faults = Vec::new();
    for (row, shell) in entries().flat_map(|row| ["zsh", "fish"].map(|shell| (row, shell))) {
        for text in row.examples.iter().map(|text| (*text).to_owned()) {
            let printed = Printed { text, place: format!("vescli {} -h, in {shell}", row.command) };
            let row = ROWS.iter().find(|row| printed.text.contains(row.command)).unwrap_or(&table::ANY);
            faults.extend(world.run_in(shell, &printed, row));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_failing_command_and_an_unused_row_are_detected() {
    let world = World::new();
    let printed = [Printed { text: "vescli send --no-such-flag".into(), place: "nowhere".into() }];
    let faults = faults(&printed, |command, row| world.run(command, row));
    assert!(faults[0].contains("ended with 2, not 0"), "{faults:#?}");
    assert_eq!(faults.len(), 1 + ROWS.len() + NOT_RUN.len());
    world.call();
}

/// The checks that the README names are not run here, but a name that no longer exists is found.
#[test]
fn the_checks_that_the_readme_names_exist() {
    let printed = extract::all();
    let checks =
        printed.iter().filter(|command| command.text.contains("cargo test") || command.text.contains("cargo bench"));
    let mut filters = 0;
    for check in checks {
        let words: Vec<&str> = check.text.split(' ').collect();
        let Some(at) = words.iter().position(|word| ["--test", "--bench", "--lib"].contains(word)) else { continue };
        let (folder, filters_at) = match words[at] {
            "--test" => (format!("tests/{}", words[at + 1]), at + 2),
            "--bench" => (format!("benches/{}", words[at + 1]), at + 2),
            _ => ("src".to_owned(), at + 1),
        };
        let sources = extract::sources(&folder);
        assert!(!sources.is_empty(), "there is no {folder}: {}", check.text);
        for name in words[filters_at..].iter().filter(|word| !word.starts_with('-')).flat_map(|word| word.split("::")) {
            let names = |line: &str| {
                let line = line.trim_start();
                (line.starts_with("fn ") || line.starts_with("mod ") || line.starts_with("pub mod "))
                    && line.contains(name)
            };
            assert!(sources.lines().any(names), "no test is named like `{name}`: {}", check.text);
            filters += 1;
        }
    }
    assert!(filters > 15, "the filters are found: {filters}");
}

#[test]
fn the_configurations_that_are_shown_are_valid() {
    let shown = extract::configurations();
    assert_eq!(shown.len(), 2, "{shown:#?}");
    for toml in shown {
        Vescli::new().config(&toml).args(["config", "check"]).stdout_contains(": valid, ").run();
    }
}

//! The help fits the terminal it is read on: `-h` one screen, with examples first and the flags that matter, and the topics
//! its width.

use support::harness::Vescli;
use vescli::args::command_help::{CommandHelp, entries, help_of};
use vescli::args::commands::{TOPICS, command};

const COLUMNS: usize = 80;
/// A small terminal has 24 lines, and the prompt takes one of them.
const LINES: usize = 23;

fn output(arguments: &[&str], columns: &str) -> String {
    Vescli::new().args(arguments).env("COLUMNS", columns).stdout_contains("").run().stdout
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// The words after `vescli` of every command.
fn commands(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
    found.push((path.to_owned(), command.clone()));
    for sub in command.get_subcommands() {
        commands(sub, format!("{path} {}", sub.get_name()).trim(), found);
    }
}

fn all() -> Vec<(String, clap::Command)> {
    let mut root = command();
    root.build();
    let mut found = Vec::new();
    commands(&root, "", &mut found);
    found
}

fn faults_of_short(path: &str, text: &str, row: &CommandHelp) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut faults = Vec::new();
    let mut check = |holds: bool, fault: String| {
        if !holds {
            faults.push(format!("vescli {path} -h: {fault}\n{text}"));
        }
    };
    check(widest(text) <= COLUMNS, format!("{} columns", widest(text)));
    check(lines.len() <= LINES, format!("{} lines", lines.len()));
    check(lines.get(1..4).is_some_and(|lines| lines[..2] == ["", "Examples:"]), "the examples are not first".into());
    for example in row.examples {
        check(lines.contains(&format!("  {example}").as_str()), format!("no `{example}`"));
    }
    for flag in row.main_flags {
        check(text.contains(&format!("--{flag}")), format!("no --{flag}"));
    }
    let last = lines.last().copied().unwrap_or_default();
    check(last.ends_with(format!("vescli {path} --help").replace("  ", " ").as_str()), "does not name --help".into());
    faults
}

#[test]
fn the_short_help_of_every_command_fits_a_small_screen() {
    let all = all();
    assert!(all.len() > 20 && entries().count() == all.len(), "{} commands, {} entries", all.len(), entries().count());
    let mut faults = Vec::new();
    for (path, command) in &all {
        let row = help_of(path).unwrap_or_else(|| panic!("`{path}` has no entry in src/args/command_help.rs"));
        assert!(!row.examples.is_empty() && row.main_flags.len() <= 6, "{path}");
        for flag in row.main_flags {
            assert!(command.get_arguments().any(|arg| arg.get_long() == Some(flag)), "{path} has no --{flag}");
        }
        let arguments: Vec<&str> = path.split_whitespace().chain(["-h"]).collect();
        faults.extend(faults_of_short(path, &output(&arguments, ""), row));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_short_help_that_is_too_large_is_detected() {
    let row = help_of("explain").unwrap();
    let good = output(&["explain", "-h"], "");
    assert_eq!(faults_of_short("explain", &good, row), <Vec<String>>::new());
    let long = output(&["bulk", "--help"], "");
    for (what, text) in [
        ("the examples", good.replace("Examples:", "Usage:")),
        ("columns", good.clone() + &"x".repeat(81)),
        ("lines", long),
        ("no --json", good.replace("--json", "")),
        ("does not name", good.clone() + "end\n"),
    ] {
        assert!(faults_of_short("explain", &text, row).concat().contains(what), "{what}");
    }
}

#[test]
fn the_long_help_has_every_flag_and_is_that_of_the_command_help() {
    for (path, command) in all() {
        let words: Vec<&str> = path.split_whitespace().collect();
        let text = output(&[&words[..], &["--help"]].concat(), "");
        assert!(widest(&text) <= COLUMNS, "{path}: {text}");
        for flag in command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(clap::Arg::get_long) {
            assert!(text.contains(&format!("--{flag}")), "{path} --{flag}: {text}");
        }
        for paragraph in help_of(&path).unwrap().notes.lines() {
            let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(shown.contains(paragraph), "{path}: {paragraph}");
        }
        // `config` and `bulk` are topics too, which come first.
        if !TOPICS.contains(&path.as_str()) {
            assert_eq!(output(&[&["help"], &words[..]].concat(), ""), text, "{path}");
        }
    }
}

#[test]
fn topics_are_wrapped_to_the_terminal_and_to_80_columns_when_it_is_not_known() {
    for topic in TOPICS {
        for (columns, expected) in [("", 80), ("0", 80), ("wide", 80), ("60", 60), ("1000", 100)] {
            let text = output(&["help", topic], columns);
            // A command stays one line, so that it can be pasted.
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("vescli ")).collect();
            let width = widest(&lines.join("\n"));
            assert!(width <= expected, "{topic} with COLUMNS={columns:?}: {width}\n{text}");
            let is_used = expected > 80 || width + 12 > expected;
            assert!(is_used || *topic == "exit-codes", "{topic} with COLUMNS={columns:?}: {width}");
        }
    }
}

#[test]
fn a_command_that_is_missing_gets_the_short_help() {
    for arguments in [&[][..], &["journal"], &["config"]] {
        let short = output(&[arguments, &["-h"]].concat(), "");
        Vescli::new().args(arguments).env("COLUMNS", "").code(2).stderr(&short).run();
    }
}

#[test]
fn the_table_of_exit_codes_has_one_line_for_each_in_a_pipe() {
    assert_eq!(output(&["explain"], "40"), output(&["explain"], "200"));
}

//! Finds the commands in the documents.

use std::fs;
use std::path::{Path, PathBuf};

use vescli::args::commands::command;

use support::harness::Vescli;

/// A command, or the lines of a block that belong together, and where it is printed.
#[derive(Clone, Debug)]
pub(crate) struct Printed {
    pub(crate) text: String,
    pub(crate) place: String,
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// All of them, each once.
pub(crate) fn all() -> Vec<Printed> {
    let mut all = readme();
    let mut command = command();
    command.build();
    of_help(&command, &mut Vec::new(), &mut all);
    for topic in ["exit-codes", "environment", "config", "bulk", "json"] {
        let text = output(&["help", topic]);
        add_commands(&text, &format!("vescli help {topic}"), &mut all);
    }
    of_man_pages(&mut all);
    let mut distinct: Vec<Printed> = Vec::new();
    for printed in all {
        if !distinct.iter().any(|other| other.text == printed.text) {
            distinct.push(printed);
        }
    }
    distinct
}

/// The blocks for a shell, each as a whole, and the commands within sentences that are complete.
fn readme() -> Vec<Printed> {
    let text = fs::read_to_string(root("README.md")).unwrap();
    let (mut blocks, mut prose) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            prose.push_str(line);
            prose.push(' ');
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if language == "sh" {
            blocks.push(Printed { text: block.join("\n"), place: "README.md".into() });
        } else {
            assert_ne!(language, "console", "README.md: blocks of commands are `sh` here");
        }
    }
    let spans = prose.split('`').skip(1).step_by(2);
    let begins = ["vescli ", "cargo ", ".ci/", "VESCLI_", "pass ", "man "];
    let is_command = |span: &&str| begins.iter().any(|begin| span.starts_with(begin)) && span.contains([' ', '/']);
    let complete = spans.filter(is_command).filter(|span| !is_pattern(span));
    blocks.extend(complete.map(|span| Printed { text: span.to_owned(), place: "README.md".into() }));
    blocks
}

/// Whether a word stands for something else, as in `sandbox -- COMMAND`.
fn is_pattern(command: &str) -> bool {
    let stands_for = |word: &str| word.contains('…') || word.len() > 1 && word.chars().all(char::is_uppercase);
    command.ends_with("--") || command.split(' ').any(stands_for)
}

fn output(arguments: &[&str]) -> String {
    Vescli::new().args(arguments).stdout_contains("").run().stdout
}

/// The examples of a command and all below it, from the help as it is printed.
fn of_help(command: &clap::Command, path: &mut Vec<String>, all: &mut Vec<Printed>) {
    for flag in ["--help", "-h"] {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain([flag]).collect();
        let place = format!("vescli {}", arguments.join(" "));
        let text = output(&arguments);
        let mut lines = text.lines();
        if lines.by_ref().any(|line| line == "Examples:") {
            let examples = lines.take_while(|line| line.starts_with("  "));
            all.extend(examples.map(|line| Printed { text: line.trim().to_owned(), place: place.clone() }));
        }
        add_commands(&text, &place, all);
    }
    for sub in command.get_subcommands() {
        path.push(sub.get_name().to_owned());
        of_help(sub, path, all);
        path.pop();
    }
}

/// Lines that are a command, and nothing else.
fn add_commands(text: &str, place: &str, all: &mut Vec<Printed>) {
    let is_command = |line: &&str| line.starts_with("  vescli ") || line.starts_with("    vescli ");
    let commands = text.lines().filter(is_command).map(str::trim).filter(|line| !is_pattern(line));
    all.extend(commands.map(|line| Printed { text: line.to_owned(), place: place.to_owned() }));
}

/// The examples of the man pages, and lines of their own elsewhere. The runbook is run as a whole.
fn of_man_pages(all: &mut Vec<Printed>) {
    for entry in fs::read_dir(root("man")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "vescli.7" {
            continue;
        }
        let page = fs::read_to_string(&path).unwrap();
        for (section, line) in verbatim(&page) {
            let line = line.trim().to_owned();
            if section.contains("EXAMPLES") || line.starts_with("vescli ") {
                all.push(Printed { text: line, place: format!("man/{name}") });
            }
        }
    }
}

/// The lines of a page that are shown as they stand, each with the title of its section.
pub(crate) fn verbatim(page: &str) -> Vec<(&str, String)> {
    let (mut section, mut inside) = ("", false);
    let mut found = Vec::new();
    for line in page.lines() {
        match line {
            ".nf" => inside = true,
            ".fi" => inside = false,
            line if inside => found.push((section, plain(line))),
            line => section = line.strip_prefix(".SH ").unwrap_or(section),
        }
    }
    found
}

/// What a line of roff shows.
fn plain(line: &str) -> String {
    let mut shown = line.strip_prefix("\\&").unwrap_or(line).to_owned();
    for (roff, character) in
        [("\\-", "-"), ("\\(aq", "'"), ("\\*(Aq", "'"), ("\\(ga", "`"), ("\\(ti", "~"), ("\\(ha", "^")]
    {
        shown = shown.replace(roff, character);
    }
    assert!(!shown.replace("\\e", "").contains('\\'), "an escape that is not known here: {line}");
    shown.replace("\\e", "\\")
}

/// All of the Rust below a folder, or a file of that name.
pub(crate) fn sources(path: &str) -> String {
    let folder = root(path);
    if !folder.is_dir() {
        return fs::read_to_string(root(&format!("{path}.rs"))).unwrap_or_default();
    }
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.map(|name| sources(&format!("{path}/{}", name.trim_end_matches(".rs")))).collect()
}

/// The configuration files that the README and `vescli-config(5)` show.
pub(crate) fn configurations() -> Vec<String> {
    let readme = fs::read_to_string(root("README.md")).unwrap();
    let blocks = readme.split("\n```toml\n").skip(1).filter_map(|block| block.split("```").next());
    let page = fs::read_to_string(root("man/vescli-config.5")).unwrap();
    let lines = verbatim(&page).into_iter().filter(|(section, _)| section.contains("DESCRIPTION"));
    let of_page = lines.fold(String::new(), |toml, (_, line)| toml + &line + "\n");
    blocks.map(str::to_owned).chain([of_page]).collect()
}

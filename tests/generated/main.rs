//! What is generated from the code is committed, and held here: completions, man pages, and the table of exit codes in
//! the README. `VESCLI_REWRITE=1 cargo test --test generated` writes it again.
#![expect(clippy::expect_used, clippy::panic, reason = "a test target: a failure has to end the test")]

mod man_page;
mod markup;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;
use vescli::args::command_help::entries as help_entries;
use vescli::args::settings_table::specs;
use vescli::commands::completion;
use vescli::commands::help::{BULK, JSON};
use vescli::report::exit::{ExitEntry, entries};

/// Whether to write instead of to compare.
#[expect(clippy::disallowed_methods, reason = "the door is for the product")]
fn rewrites() -> bool {
    std::env::var_os("VESCLI_REWRITE").is_some()
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares the files of a folder with what they should be, by name and to the byte, or writes them.
fn hold(folder: &str, expected: &BTreeMap<String, String>) {
    let folder = root(folder);
    if rewrites() {
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("the folder can be made");
        for (name, text) in expected {
            fs::write(folder.join(name), text).expect("the file can be written");
        }
    }
    let found: BTreeMap<String, String> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| {
            let path = entry.expect("the entry can be read").path();
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("the file can be read"))
        })
        .collect();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(expected), "{}", folder.display());
    for (name, text) in expected {
        assert!(
            found[name] == *text,
            "{}/{name} is not what the code makes of it: run VESCLI_REWRITE=1 cargo test --test generated",
            folder.display()
        );
    }
}

#[test]
fn completions_are_those_of_the_code() {
    let files = [
        ("_vescli", Shell::Zsh),
        ("_vescli.ps1", Shell::PowerShell),
        ("vescli.bash", Shell::Bash),
        ("vescli.elv", Shell::Elvish),
        ("vescli.fish", Shell::Fish),
    ];
    let expected = files.map(|(name, shell)| (name.to_owned(), completion::script(shell))).into_iter().collect();
    hold("completions", &expected);
}

#[test]
fn man_pages_are_those_of_the_code() {
    let pages = man_page::all();
    for (name, text) in &pages {
        let sections: &[&str] = match name.rsplit('.').next() {
            Some("1") => &["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"],
            Some("5") => &["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO", "KEYS"],
            _ => &["EXIT STATUS", "FILES", "SEE ALSO", "RUNBOOK"],
        };
        for section in sections {
            assert!(
                text.contains(&format!(".SH \"{section}\"")) || text.contains(&format!(".SH {section}")),
                "{name}: {section}"
            );
        }
    }
    references_lead_to_pages(&pages);
    hold("man", &pages);
}

/// Every page that a SEE ALSO names is there, and is another one.
fn references_lead_to_pages(pages: &BTreeMap<String, String>) {
    for (name, text) in pages {
        let (_, others) = text.split_once(".SH \"SEE ALSO\"\n").expect("the section is there");
        let others: Vec<String> = others
            .lines()
            .map(|line| {
                let page = line.replace("\\fB", "").replace("\\fR(", ".").replace("\\-", "-");
                page.trim_end_matches([')', ',']).to_owned()
            })
            .collect();
        assert!(others.len() > 1, "{name}: {others:?}");
        for other in others {
            assert!(pages.contains_key(&other) && other != *name, "{name} leads to {other}");
        }
    }
}

/// One test, because all of it is about one file, which may be written here.
#[test]
fn the_readme_is_that_of_the_code_and_can_be_pasted() {
    let row = |row: &ExitEntry| {
        let (meaning, _) = in_two(row.meaning);
        format!("| {} | `{}` | {meaning} | {} | {} |\n", row.exit.code(), row.name, row.outcome, row.again)
    };
    let table = format!(
        "| code | class | meaning | outcome | safe to run again |\n| --- | --- | --- | --- | --- |\n{}\nIn more detail:\n\n{}",
        entries().map(row).collect::<String>(),
        entries().map(detail).collect::<String>()
    );
    hold_between("README.md", "exit-codes", &table);
    let flags: Vec<String> =
        specs().filter(|spec| spec.is_flag() && !spec.in_file()).map(|spec| format!("`--{}`", spec.flag)).collect();
    hold_between("README.md", "no-keys", &format!("{}.\n", flags.join(", ")));
    no_comment_is_to_be_pasted();
}

/// A meaning that makes the table wide, as what the table says and what the list below it adds.
fn in_two(meaning: &str) -> (&str, Option<&str>) {
    let ends = [". ", ": "].iter().filter_map(|end| meaning.find(end));
    match ends.min() {
        Some(end) if meaning.chars().count() > 100 => (&meaning[..end], Some(&meaning[end + 2..])),
        _ => (meaning.trim_end_matches('.'), None),
    }
}

/// The line of the list below the table, wrapped like the rest of the README.
fn detail(row: &ExitEntry) -> String {
    let Some(text) = in_two(row.meaning).1 else { return String::new() };
    let mut lines = vec![format!("- {}:", row.exit.code())];
    for word in text.split(' ') {
        if lines.last().is_some_and(|line| line.len() + 1 + word.len() > 125) {
            lines.push(" ".to_owned());
        }
        lines.last_mut().into_iter().for_each(|line| line.push_str(&format!(" {word}")));
    }
    lines.join("\n") + "\n"
}

/// The lines of all blocks of the README that are for a shell.
fn shell_lines(readme: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_shell = false;
    for line in readme.lines() {
        match line.strip_prefix("```") {
            Some(language) => is_shell = language == "sh",
            None if is_shell => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

/// A prompt of zsh takes no comments, unless it is configured to: what is to be pasted contains none.
fn no_comment_is_to_be_pasted() {
    let readme = fs::read_to_string(root("README.md")).expect("the file can be read");
    let mut lines = shell_lines(&readme);
    lines.extend(help_entries().flat_map(|row| row.examples).map(|example| (*example).to_owned()));
    let prose = [BULK, JSON].concat();
    let pasted = prose.lines().filter(|line| line.starts_with("  vescli "));
    lines.extend(pasted.map(str::to_owned));
    assert!(lines.len() > 40, "the lines are found: {}", lines.len());
    let is_comment = |line: &&String| line.starts_with('#') || line.contains(" #");
    let comments: Vec<&String> = lines.iter().filter(is_comment).collect();
    assert!(comments.is_empty(), "{comments:#?}");
}

/// Compares the part of a file between two marks.
fn hold_between(file: &str, mark: &str, expected: &str) {
    let path = root(file);
    let text = fs::read_to_string(&path).expect("the file can be read");
    let (begin, end) = (format!("<!-- {mark}: made by tests/generated -->\n"), format!("<!-- /{mark} -->"));
    let Some((before, rest)) = text.split_once(&begin) else { panic!("{file} has no mark {begin}") };
    let Some((found, after)) = rest.split_once(&end) else { panic!("{file} has no mark {end}") };
    if rewrites() {
        fs::write(&path, format!("{before}{begin}{expected}{end}{after}")).expect("the file can be written");
    } else {
        assert_eq!(found, expected, "{file}: run VESCLI_REWRITE=1 cargo test --test generated");
    }
}

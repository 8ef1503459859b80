//! Makes the man pages of the commands: clap's own sections, and EXIT STATUS, ENVIRONMENT, FILES and EXAMPLES from the
//! same tables as the rest. The pages of other sections, and what `vescli-bulk`(1) says of resuming, come from `pages/`.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use vescli::args::command_help::{CommandHelp, entries as help_entries};
use vescli::args::commands::command;
use vescli::args::settings_table::{Kind, SettingSpec, specs};
use vescli::commands::help::BULK;
use vescli::commands::help::{FOREIGN_VARIABLES, SECRET_VARIABLES};
use vescli::report::exit::{Exit, ExitEntry, entries as exits};

use crate::markup::{self, Block, escape, inline};

/// The date that the pages bear: mandoc asks for one. It is changed by hand with a release, so that the pages change only
/// when the code does.
const DATE: &str = "2026-11-25";

/// Exits of the commands that send nothing.
const LOCAL: [Exit; 9] = [
    Exit::Accepted,
    Exit::Internal,
    Exit::Usage,
    Exit::BadInput,
    Exit::NoInput,
    Exit::OsError,
    Exit::Io,
    Exit::Locked,
    Exit::Config,
];

/// The pages that the reader of a page may want next.
const SEE_ALSO: &[(&str, &str)] = &[
    ("vescli.1", "vescli-send-password-email.1 vescli-bulk.1 vescli-doctor.1 vescli-help.1 vescli-config.5 vescli.7"),
    ("vescli-send-password-email.1", "vescli-bulk.1 vescli-doctor.1 vescli-explain.1 vescli-config.5 vescli.7"),
    (
        "vescli-bulk.1",
        "vescli-journal.1 vescli-journal-resolve.1 vescli-journal-repair.1 vescli-sandbox.1 vescli-config.5 vescli.7",
    ),
    ("vescli-journal.1", "vescli-bulk.1 vescli-sandbox.1 vescli.7"),
    ("vescli-journal-list.1", "vescli-journal-show.1 vescli-journal-prune.1 vescli-bulk.1"),
    ("vescli-journal-show.1", "vescli-journal-list.1 vescli-journal-resolve.1 vescli-bulk.1"),
    ("vescli-journal-export.1", "vescli-journal-show.1 vescli-journal-check.1 vescli-bulk.1"),
    ("vescli-journal-merge.1", "vescli-journal-show.1 vescli-journal-check.1 vescli-bulk.1"),
    ("vescli-journal-check.1", "vescli-journal-repair.1 vescli-journal-show.1 vescli-bulk.1"),
    ("vescli-journal-resolve.1", "vescli-journal-show.1 vescli-bulk.1 vescli.7"),
    ("vescli-journal-repair.1", "vescli-journal-check.1 vescli-journal-resolve.1 vescli-bulk.1"),
    ("vescli-journal-rm.1", "vescli-journal-list.1 vescli-journal-prune.1 vescli-bulk.1"),
    ("vescli-journal-prune.1", "vescli-journal-list.1 vescli-journal-rm.1 vescli-bulk.1"),
    ("vescli-config.1", "vescli-config.5 vescli-doctor.1 vescli.7"),
    ("vescli-config-path.1", "vescli-config-show.1 vescli-config.5"),
    ("vescli-config-init.1", "vescli-config-explain.1 vescli-doctor.1 vescli-config.5 vescli.7"),
    ("vescli-config-show.1", "vescli-config-explain.1 vescli-config-path.1 vescli-config.5"),
    ("vescli-config-explain.1", "vescli-config-check.1 vescli-doctor.1 vescli-config.5"),
    ("vescli-config-check.1", "vescli-config-explain.1 vescli-doctor.1 vescli-config.5"),
    ("vescli-config-profiles.1", "vescli-config-explain.1 vescli-config.5"),
    ("vescli-doctor.1", "vescli-config-explain.1 vescli-explain.1 vescli-config.5 vescli.7"),
    ("vescli-explain.1", "vescli-send-password-email.1 vescli-bulk.1 vescli-help.1"),
    ("vescli-sandbox.1", "vescli-send-password-email.1 vescli-bulk.1 vescli-journal.1 vescli.7"),
    ("vescli-completions.1", "vescli.1 vescli-help.1"),
    ("vescli-help.1", "vescli.1 vescli-explain.1 vescli.7"),
    ("vescli-config.5", "vescli-config.1 vescli-config-explain.1 vescli-doctor.1 vescli.7"),
    ("vescli.7", "vescli.1 vescli-bulk.1 vescli-journal.1 vescli-doctor.1 vescli-sandbox.1 vescli-config.5"),
];

/// All pages by file name.
pub(crate) fn all() -> BTreeMap<String, String> {
    let mut root = command();
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, "vescli", &mut pages);
    for (name, section, about, source) in [
        ("vescli-config", 5, "configuration file of vescli", include_str!("pages/vescli-config.5.md")),
        ("vescli", 7, "on-boarding people with vescli: a runbook", include_str!("pages/vescli.7.md")),
    ] {
        let mut text = format!(
            ".TH {} {section} {DATE} \"vescli {}\" vescli\n.SH NAME\n{} \\- {about}\n",
            name.to_uppercase(),
            env!("CARGO_PKG_VERSION"),
            escape(name)
        );
        text.push_str(&markup::roff(&markup::blocks(source), &table));
        text.push_str(&see_also(&format!("{name}.{section}")));
        pages.insert(format!("{name}.{section}"), settle(&text));
    }
    pages
}

/// The tables that pages written by hand contain.
fn table(name: &str) -> String {
    match name.split_once(' ') {
        None if name == "keys" => specs().filter(|row| row.in_file()).map(key).collect(),
        Some(("exits", names)) => names.split(' ').fold(String::new(), |text, name| {
            let row = exits().find(|row| row.name == name);
            let row = row.unwrap_or_else(|| panic!("there is no exit {name}"));
            text + &format!(".TP\n\\fB{}\\fR\n{}\n", row.exit.code(), escape(row.meaning))
        }),
        _ => panic!("there is no table {name}"),
    }
}

/// One key of the configuration file.
fn key(row: &SettingSpec) -> String {
    let takes = match row.kind {
        Kind::Text(name) => format!("= \"*{name}*\""),
        Kind::File => "= \"*FILE*\"".to_owned(),
        Kind::Choice(words) => format!("= \"{}\"", words.join("\" | \"")),
        Kind::Switch => "= true | false".to_owned(),
        Kind::Count | Kind::Level => "= *N*".to_owned(),
        Kind::Duration => "= \"*TIME*\"".to_owned(),
        Kind::List(name) => format!("= [\"*{name}*\", …]"),
    };
    let default = row.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
    let foreign = row.f5_variable.map(|name| format!(" F5's own variable: `{name}`.")).unwrap_or_default();
    format!(
        ".TP\n{}\n{}{}.{}\n",
        inline(&format!("`{}` {takes}", row.name())),
        inline(row.help),
        escape(&default),
        inline(&foreign)
    )
}

fn add(command: &Command, name: &str, pages: &mut BTreeMap<String, String>) {
    pages.insert(format!("{name}.1"), page(command, name));
    for sub in command.get_subcommands() {
        add(sub, &format!("{name}-{}", sub.get_name()), pages);
    }
}

fn page(command: &Command, name: &str) -> String {
    // The name of a page has hyphens both within the name of a command and between two.
    let of_page = |row: &&CommandHelp| format!("vescli {}", row.command).trim_end().replace(' ', "-") == name;
    let help =
        help_entries().find(of_page).unwrap_or_else(|| panic!("{name} has no entry in src/args/command_help.rs"));
    let plain = command.clone().name(name.to_owned());
    let man = Man::new(plain)
        .title(name.to_uppercase())
        .date(DATE)
        .source(format!("vescli {}", env!("CARGO_PKG_VERSION")))
        .manual("vescli");
    let mut text = Vec::new();
    let written = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| write!(text, "{}", synopsis(command)))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| write!(text, "{}", resuming(name)))
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| if command.has_subcommands() { man.render_subcommands_section(&mut text) } else { Ok(()) });
    written.expect("memory can be written");
    let mut roff = Roff::new();
    // The page of `bulk` has all of its topic in their place.
    if !help.notes.is_empty() && name != "vescli-bulk" {
        text.extend(format!(".SH NOTES\n{}", notes(help)).into_bytes());
    }
    exit_status(&mut roff, name);
    environment(&mut roff, command);
    files(&mut roff);
    heading(&mut roff, "EXAMPLES");
    let examples = help.examples.iter().fold(String::new(), |lines, example| lines + "  " + example + "\n");
    verbatim(&mut roff, &examples);
    text.extend(roff.render().into_bytes());
    text.extend(see_also(&format!("{name}.1")).into_bytes());
    settle(&String::from_utf8(text).expect("man pages are text"))
}

/// The usage line alone: `clap_mangen` would list every flag twice.
fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines().map(|line| format!("{}\n", escape(line.trim())));
    format!(".SH SYNOPSIS\n{}", usage.collect::<Vec<_>>().join(".br\n"))
}

/// What makes `vescli-bulk`(1) stand alone: the topic, without its list of exit codes, which has a section of its own.
fn resuming(name: &str) -> String {
    if name != "vescli-bulk" {
        return String::new();
    }
    let topic = BULK.split("\nExit codes\n").next().unwrap_or_default();
    let mut blocks = markup::blocks_of_topic(topic);
    blocks.extend(markup::blocks(include_str!("pages/vescli-bulk.1.md")));
    assert!(blocks.iter().filter(|block| matches!(block, Block::Subsection(_))).count() > 6, "the topic is found");
    markup::roff(&blocks, &table)
}

/// Puts the title right, breaks long lines of text, and drops what `clap_mangen` repeats.
fn settle(text: &str) -> String {
    // Line breaks around an empty line do nothing.
    let text = text.replace(".br\n\n.br\n", ".sp\n").replace("\n\n.br\n", "\n");
    let preamble = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let text = text.replace(preamble, "").replace("\\*(Aq", "\\(aq");
    let mut settled = String::new();
    let (mut as_it_stands, mut after_tag) = (false, false);
    for line in text.lines().map(str::trim_end) {
        as_it_stands = (as_it_stands || line == ".nf") && line != ".fi";
        let is_text = !(as_it_stands || after_tag || line.starts_with(".SH") || line.starts_with(".TH"));
        after_tag = line == ".TP";
        if is_text {
            settled.push_str(&broken(line));
        } else {
            settled.push_str(line);
        }
        settled.push('\n');
    }
    settled
}

/// A line of text in lines of at most 80 bytes, none of which begins like a request.
fn broken(line: &str) -> String {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last_mut().expect("there is a line");
        let is_request = word.starts_with(['.', '\'']);
        if last.is_empty() {
            last.push_str(word);
        } else if last.len() + 1 + word.len() <= 80 || is_request || last.starts_with('.') {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// The pages that a reader of this one may want next.
fn see_also(page: &str) -> String {
    let row = SEE_ALSO.iter().find(|(name, _)| *name == page);
    let (_, others) = row.unwrap_or_else(|| panic!("{page} has no SEE ALSO: say which pages its reader may want next"));
    // By section, then by name, as man-pages(7) asks.
    let mut others: Vec<_> = others.split(' ').filter_map(|page| page.rsplit_once('.')).collect();
    others.sort_by_key(|(name, section)| (*section, *name));
    let others: Vec<String> =
        others.iter().map(|(name, section)| format!("\\fB{}\\fR({section})", escape(name))).collect();
    format!(".SH \"SEE ALSO\"\n{}\n", others.join(",\n"))
}

/// The paragraphs of `--help` behind the flags.
fn notes(help: &CommandHelp) -> String {
    let paragraphs: Vec<String> = help.notes.lines().map(|line| format!("{}\n", inline(line))).collect();
    paragraphs.join(".PP\n")
}

fn heading(roff: &mut Roff, title: &str) {
    roff.control("SH", [title]);
}

fn verbatim(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn entry(roff: &mut Roff, term: Vec<Inline>, text: &str) {
    roff.control("TP", []);
    roff.text(term);
    roff.text([roman(text)]);
}

fn exit_status(roff: &mut Roff, name: &str) {
    heading(roff, "EXIT STATUS");
    let of_rows = [Exit::BulkFailed, Exit::BulkUnknown, Exit::BulkStopped];
    let sends = ["vescli", "vescli-send-password-email", "vescli-doctor"].contains(&name);
    let is_bulk = name == "vescli-bulk";
    let is_listed = |row: &&ExitEntry| sends || LOCAL.contains(&row.exit) || is_bulk && of_rows.contains(&row.exit);
    for row in exits().filter(is_listed) {
        let status = if row.statuses.is_empty() { String::new() } else { format!(" (HTTP {})", row.statuses) };
        let text = format!(
            "{}{status}: {} Outcome: {}. Safe to run again: {}.",
            row.name, row.meaning, row.outcome, row.again
        );
        entry(roff, vec![bold(row.exit.code().to_string())], &text);
    }
    if is_bulk {
        roff.control("PP", []);
        let rows = "With --json, each row names the code that a send of it alone would have ended with.";
        roff.text([roman(rows)]);
    }
    if sends || is_bulk {
        roff.control("PP", []);
        roff.text([roman("After SIGINT or SIGTERM the process dies by the signal (130, 143 in the shell).")]);
    }
}

fn environment(roff: &mut Roff, command: &Command) {
    heading(roff, "ENVIRONMENT");
    roff.text([roman("Every flag is also a variable; a variable that is empty counts as not set.")]);
    let takes = |spec: &&SettingSpec| command.get_arguments().any(|argument| argument.get_long() == Some(spec.flag));
    for spec in specs().filter(takes) {
        entry(roff, vec![bold(spec.variable())], spec.help);
    }
    if command.get_arguments().any(|argument| argument.get_long() == Some("token-file")) {
        for (name, help) in SECRET_VARIABLES.iter().chain(&FOREIGN_VARIABLES) {
            entry(roff, vec![bold(*name)], help);
        }
        for spec in specs().filter(takes) {
            if let Some(foreign) = spec.f5_variable {
                entry(
                    roff,
                    vec![bold(foreign)],
                    &format!("The same as {}, when nothing stronger gives it", spec.variable()),
                );
            }
        }
    }
}

fn files(roff: &mut Roff) {
    heading(roff, "FILES");
    entry(
        roff,
        vec![italic("$XDG_CONFIG_HOME/vescli/config.toml"), roman(", else "), italic("~/.config/vescli/config.toml")],
        "The configuration; see `vescli help config`.",
    );
    entry(
        roff,
        vec![italic("$XDG_STATE_HOME/vescli/"), roman(", else "), italic("~/.local/state/vescli/")],
        "Journals of bulk runs, and of single sends for each service and month.",
    );
}

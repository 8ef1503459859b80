//! `vescli help`: the help of a command, or one of the topics. Needs neither configuration nor network. The help of a command
//! has the examples first, then the usage and the flags. `-h` fits a screen, `--help` has everything. It is wrapped to the width
//! of the terminal, and longer than a screen it goes through a pager, by the conventions of git and man.

mod topics;

use std::io::{self, stdout};

use clap::builder::StyledStr;
use terminal_size::{Height, Width, terminal_size_of};

use super::error::CommandError;
use super::explain;
use crate::args::command_help::help_of;
use crate::args::commands::{HelpRequest, TOPICS, command};
use crate::args::did_you_mean;
use crate::args::environment::Environment;
use crate::report::text::Style;
use crate::report::{ErrorReport, Reporter};
pub use topics::{BULK, FOREIGN_VARIABLES, JSON, SECRET_VARIABLES};

/// The text for a command with its subcommands, for a topic, or for vescli as a whole.
pub fn help(topic: &[String], layout: Layout) -> Result<String, CommandError> {
    let words: Vec<&str> = topic.iter().map(String::as_str).collect();
    let text = match words[..] {
        ["exit-codes", ..] => &explain::table(layout.style),
        ["environment", ..] => &topics::environment(layout.style),
        // `config` and `bulk` are commands too; their topics are about both.
        ["config"] => &topics::config(layout.style),
        ["bulk"] => BULK,
        ["json", ..] => JSON,
        _ => return Ok(asked_for(&HelpRequest { command: full_name(&words)?, is_long: true }, layout)),
    };
    Ok(layout.wrap(text))
}

/// The name of a command with its parents; `words` may be aliases.
fn full_name(words: &[&str]) -> Result<String, CommandError> {
    let mut found = command();
    let mut names = Vec::new();
    for name in words {
        found = found.find_subcommand(name).cloned().ok_or_else(|| {
            let commands: Vec<&str> = found.get_subcommands().map(clap::Command::get_name).collect();
            let suggestion = did_you_mean(name, commands.iter().chain(TOPICS).copied());
            CommandError::usage(
                format!("no help on `{}`{suggestion}", name.escape_debug()),
                format!("commands: {}; topics: {}", commands.join(", "), TOPICS.join(", ")),
            )
        })?;
        names.push(found.get_name().to_owned());
    }
    Ok(names.join(" "))
}

/// The help for `-h` and `--help`. It does not use a template of clap, which would break the lines of the examples.
pub fn asked_for(request: &HelpRequest, layout: Layout) -> String {
    let HelpRequest { command: words, is_long } = request;
    let Layout { style, width } = layout;
    let mut root = command();
    // Gives each subcommand its full name and the global flags.
    root.build();
    let found = words.split_whitespace().fold(&root, |found, name| found.find_subcommand(name).unwrap_or(found));
    let (examples, main_flags, notes) =
        help_of(words).map_or((&[][..], &[][..], ""), |row| (row.examples, row.main_flags, row.notes));
    let topics = if words.is_empty() { format!("Topics: vescli help {}\n", TOPICS.join(" | ")) } else { String::new() };
    let path = format!("vescli {words}");
    let path = path.trim_end();
    let end = if *is_long {
        format!("{notes}{topics}")
    } else if found.has_subcommands() {
        format!("{topics}More: {path} COMMAND -h; all flags: {path} --help")
    } else {
        format!("All flags: {path} --help")
    };
    let shown = if *is_long { found.clone() } else { with_main_flags(found, main_flags) };
    let text = |text: StyledStr| if style.has_colors() { text.ansi().to_string() } else { text.to_string() };
    let about = found.get_about().map(ToString::to_string).unwrap_or_default();
    let lines = examples.iter().fold(String::new(), |lines, example| lines + "\n  " + example);
    let parts = [
        layout.wrap(&about),
        format!("{}{lines}", style.section("Examples:")),
        text(found.clone().render_usage()),
        text(shown.help_template("{all-args}").term_width(width).render_help()),
        layout.wrap(&end),
    ];
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_matches('\n')).filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

/// A command that lists only its main flags, without headings.
fn with_main_flags(command: &clap::Command, main_flags: &[&str]) -> clap::Command {
    command.clone().mut_args(|arg| {
        let place = main_flags.iter().position(|flag| arg.get_long() == Some(flag));
        let is_positional = arg.is_positional();
        let arg = arg.hide(place.is_none() && !is_positional).help_heading(None::<&str>);
        let arg = if is_positional { arg } else { arg.hide_possible_values(true) };
        arg.display_order(place.unwrap_or(0))
    })
}

#[derive(Debug, Clone, Copy)]
pub struct Layout {
    pub style: Style,
    pub width: usize,
}

impl Layout {
    /// `COLUMNS`, which a user exports on purpose, wins over the terminal's width. The text does not fill a wide terminal: long
    /// lines are hard to read.
    pub fn new(style: Style, environment: &Environment, is_terminal: bool) -> Self {
        let exported = environment.get("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
        let terminal = || terminal_size_of(stdout()).map(|(Width(columns), _)| usize::from(columns));
        let columns = exported.or_else(|| terminal().filter(|_| is_terminal)).filter(|columns| *columns > 0);
        Self { style, width: columns.unwrap_or(USUAL_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH) }
    }

    /// Each line is a paragraph and keeps its indentation. A line with a gap of two or more spaces is an entry of a table: it
    /// continues below its last column.
    pub fn wrap(self, text: &str) -> String {
        let mut wrapped = String::with_capacity(text.len() + text.len() / 16);
        for line in text.lines() {
            wrap_line(line, self.width, &mut wrapped);
            wrapped.push('\n');
        }
        wrapped
    }
}

const MIN_WIDTH: usize = 20;
const MAX_WIDTH: usize = 100;
const USUAL_WIDTH: usize = 80;
const MIN_COLUMN: usize = 16;

fn wrap_line(line: &str, width: usize, wrapped: &mut String) {
    let indent = line.len() - line.trim_start().len();
    // A command must stay on one line, or it cannot be pasted. A coloured heading is shorter than its bytes.
    let stays = line[indent..].starts_with("vescli ") || line.contains('\u{1b}');
    if stays || line.chars().count() <= width {
        wrapped.push_str(line);
        return;
    }
    let last_column = line[indent..].rfind("  ").map_or(0, |gap| gap + 2);
    let (head, rest) = line.split_at(indent + last_column);
    let mut hang = head.chars().count();
    let longest = rest.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
    if last_column > 0 && hang + longest.max(MIN_COLUMN) > width {
        // If there is no room for the last column, its text goes below the entry.
        hang = indent + 4;
        wrapped.push_str(&format!("{}\n{:hang$}", head.trim_end(), ""));
    } else {
        wrapped.push_str(head);
    }
    let mut column = hang;
    for (index, word) in rest.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 {
            let is_full = column + 1 + length > width;
            wrapped.push_str(&if is_full { format!("\n{:hang$}", "") } else { " ".to_owned() });
            column = if is_full { hang } else { column + 1 };
        }
        wrapped.push_str(word);
        column += length;
    }
}

/// Prints help, through the pager if it is longer than the screen of a terminal.
pub fn show(text: &str, reporter: &mut Reporter, environment: &Environment) -> Result<(), ErrorReport> {
    let is_dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
    // The prompt takes one line.
    let is_long =
        || terminal_size_of(stdout()).is_some_and(|(_, Height(rows))| text.lines().count() >= usize::from(rows));
    // If the pager cannot be run, the text is printed here.
    let is_paged = || pager(environment).is_some_and(|pager| run_pager(&pager, text, environment).unwrap_or(false));
    if reporter.terminals().stdout && !is_dumb && is_long() && is_paged() { Ok(()) } else { reporter.print(text) }
}

/// The exit code of a shell if it cannot find the command; with 126 it cannot run it.
const NOT_FOUND: i32 = 127;

/// The command of the pager, for the shell. An empty `PAGER` or `cat` means no pager.
fn pager(environment: &Environment) -> Option<String> {
    if !environment.is_set("PAGER") {
        return Some(format!("command -v less >/dev/null && exec less; exit {NOT_FOUND}"));
    }
    environment.get("PAGER")?.to_str().filter(|pager| *pager != "cat").map(str::to_owned)
}

/// Whether the pager has shown the text, as far as the reader wanted.
#[cfg(unix)]
fn run_pager(pager: &str, text: &str, environment: &Environment) -> io::Result<bool> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use signal_hook::consts::{SIGINT, SIGQUIT};
    use signal_hook::{flag, low_level};

    use crate::args::environment::hidden_from_token_command;

    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    // As git does: print a text that fits on the screen without paging, and show colours.
    command.envs([("LESS", "FRX"), ("LV", "-c")].into_iter().filter(|(name, _)| !environment.is_set(name)));
    for name in hidden_from_token_command() {
        command.env_remove(name);
    }
    // Ctrl-C is for the pager. If it ended vescli, the shell and the pager would read the same keyboard.
    let ignored = [SIGINT, SIGQUIT].map(|signal| flag::register(signal, std::sync::Arc::default()));
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that was closed early is not an error.
        let _ = stdin.write_all(text.as_bytes());
    }
    let status = child.wait()?;
    ignored.into_iter().flatten().for_each(|id| _ = low_level::unregister(id));
    Ok(!matches!(status.code(), Some(126 | NOT_FOUND)))
}

#[cfg(not(unix))]
fn run_pager(_: &str, _: &str, _: &Environment) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_entries_and_commands_are_wrapped_each_in_its_way() {
        let text = "Title\n  one two three four five six\n  key    one two three four five six\n  vescli a b c d e f g h i j\n";
        let expected = "Title\n  one two three four five\n  six\n  key    one two three\n         four five six\n  \
             vescli a b c d e f g h i j\n";
        let wrap = |text, width| Layout { style: Style::default(), width }.wrap(text);
        assert_eq!(wrap(text, 25), expected);
        assert_eq!(
            wrap("  a long key that is wide    one two three", 30),
            "  a long key that is wide\n      one two three\n"
        );
        assert_eq!(wrap("", 10), "");
        assert_eq!(wrap("…… ……", 2), "……\n……\n");
    }

    #[test]
    fn the_variable_decides_about_the_pager() {
        let chosen = |pairs: &[(&str, &str)]| pager(&pairs.iter().copied().collect());
        assert!(chosen(&[]).unwrap().contains("exec less"));
        assert_eq!(chosen(&[("PAGER", "most -s")]).as_deref(), Some("most -s"));
        assert_eq!(chosen(&[("PAGER", "")]), None);
        assert_eq!(chosen(&[("PAGER", "cat")]), None);
    }
}

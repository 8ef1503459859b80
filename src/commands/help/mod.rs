//! `vescli help`: the help of a command, or one of the topics. Needs neither configuration nor network. The help of a command
//! has the examples first, then the usage and the flags. `-h` fits a screen, `--help` has everything. It is wrapped to the width
//! of the terminal, and what does not fit on that goes through a pager, by the conventions of git and man.

mod topics;

use std::io::{self, stdout};
use std::iter::repeat_n;

use clap::builder::StyledStr;
use terminal_size::{Height, Width, terminal_size_of};

use super::error::CommandError;
use super::explain;
use crate::args::command_help::help_of;
use crate::args::commands::HelpRequest;
use crate::args::commands::{TOPICS, command};
use crate::args::did_you_mean;
use crate::args::environment::Environment;
use crate::report::text::Style;
use crate::report::{ErrorReport, Reporter};
pub use topics::{BULK, FOREIGN_VARIABLES, JSON, SECRET_VARIABLES};

/// The text for a command with its subcommands, for a topic, or for vescli as a whole.
pub fn help(topic: &[String], layout: Layout) -> Result<String, CommandError> {
    let mut words = topic.iter().map(String::as_str);
    let text = match words.next() {
        Some("exit-codes") => explain::table(layout.style),
        Some("environment") => topics::environment(layout.style),
        // `config` and `bulk` are commands as well; their topics cover both.
        Some("config") if words.len() == 0 => topics::config(layout.style),
        Some("bulk") if words.len() == 0 => BULK.to_owned(),
        Some("json") => JSON.to_owned(),
        _ => {
            let mut found = command();
            let mut names = Vec::new();
            for name in topic {
                found = subcommand(&found, name)?;
                names.push(found.get_name().to_owned());
            }
            return Ok(asked_for(&HelpRequest { command: names.join(" "), is_long: true }, layout));
        }
    };
    Ok(layout.wrap(&text))
}

/// The help that `-h` and `--help` ask for.
pub fn asked_for(request: &HelpRequest, layout: Layout) -> String {
    let mut root = command();
    // Gives each subcommand its full name and the global flags.
    root.build();
    let mut found = &root;
    for name in request.command.split_whitespace() {
        found = found.find_subcommand(name).unwrap_or(found);
    }
    if request.is_long { long(found, &request.command, layout) } else { short(found, &request.command, layout) }
}

fn subcommand(command: &clap::Command, name: &str) -> Result<clap::Command, CommandError> {
    command.find_subcommand(name).cloned().ok_or_else(|| {
        let commands: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let known = commands.iter().copied().chain(TOPICS.iter().copied());
        CommandError::usage(
            format!("no help on `{}`{}", name.escape_debug(), did_you_mean(name, known)),
            format!("commands: {}; topics: {}", commands.join(", "), TOPICS.join(", ")),
        )
    })
}

/// What `-h` shows: the flags that matter, without headings.
fn short(command: &clap::Command, words: &str, layout: Layout) -> String {
    let main_flags = help_of(words).map_or(&[][..], |row| row.main_flags);
    let shown = command.clone().mut_args(|arg| {
        let place = main_flags.iter().position(|flag| arg.get_long() == Some(flag));
        let is_hidden = place.is_none() && !arg.is_positional();
        let arg = if arg.is_positional() { arg } else { arg.hide_possible_values(true) };
        arg.hide(is_hidden).help_heading(None::<&str>).display_order(place.unwrap_or(0))
    });
    let more = if command.has_subcommands() {
        let topics =
            if words.is_empty() { format!("Topics: vescli help {}\n", TOPICS.join(" | ")) } else { String::new() };
        let path = full(words);
        format!("{topics}More: {path} COMMAND -h; all flags: {path} --help")
    } else {
        format!("All flags: {} --help", full(words))
    };
    assembled(command, &shown, words, &more, layout)
}

/// What `--help` and `vescli help` show.
fn long(command: &clap::Command, words: &str, layout: Layout) -> String {
    let mut notes = help_of(words).map_or("", |row| row.notes).to_owned();
    if words.is_empty() {
        notes.push_str(&format!("Topics: vescli help {}", TOPICS.join(" | ")));
    }
    assembled(command, command, words, &notes, layout)
}

fn full(words: &str) -> String {
    format!("vescli {words}").trim_end().to_owned()
}

/// Not by a template of clap, which would break the lines of the examples. `shown` is the command with the arguments that
/// are listed.
fn assembled(command: &clap::Command, shown: &clap::Command, words: &str, end: &str, layout: Layout) -> String {
    let Layout { style, width } = layout;
    let text = |text: StyledStr| if style.has_colors() { text.ansi().to_string() } else { text.to_string() };
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let examples = help_of(words).map_or(&[][..], |row| row.examples);
    let lines = examples.iter().fold(String::new(), |lines, example| lines + "\n  " + example);
    let arguments = shown.clone().help_template("{all-args}").term_width(width).render_help();
    let parts = [
        layout.wrap(&about),
        format!("{}{lines}", style.section("Examples:")),
        text(command.clone().render_usage()),
        text(arguments),
        layout.wrap(end),
    ];
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_matches('\n')).filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

#[derive(Debug, Clone, Copy)]
pub struct Layout {
    pub style: Style,
    pub width: usize,
}

impl Layout {
    /// For a stream that is a terminal or not. Wide terminals are not filled: long lines are hard to read.
    pub fn new(style: Style, environment: &Environment, is_terminal: bool) -> Self {
        let width = columns(environment, is_terminal).clamp(MIN_WIDTH, MAX_WIDTH);
        Self { style, width }
    }

    /// A line is a paragraph, and keeps its indentation; one that has a gap of two or more columns is an entry of a table, and
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

/// `COLUMNS`, which a user exports on purpose, else the width of the terminal.
fn columns(environment: &Environment, is_terminal: bool) -> usize {
    let given = environment.get("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let of_terminal = || terminal_size_of(stdout()).map(|(Width(columns), _)| usize::from(columns));
    given.or_else(|| of_terminal().filter(|_| is_terminal)).filter(|columns| *columns > 0).unwrap_or(USUAL_WIDTH)
}

const MIN_COLUMN: usize = 16;

fn wrap_line(line: &str, width: usize, wrapped: &mut String) {
    let indent = line.len() - line.trim_start().len();
    // A command has to stay one line, or it cannot be pasted; a heading in colour is shorter than it seems.
    let stays = line[indent..].starts_with("vescli ") || line.contains('\u{1b}');
    if stays || line.chars().count() <= width {
        wrapped.push_str(line);
        return;
    }
    let last_column = line[indent..].rfind("  ").map_or(0, |gap| gap + 2);
    let (head, rest) = line.split_at(indent + last_column);
    let mut hang = head.chars().count();
    let longest = rest.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
    if head.len() > indent && hang + longest.max(MIN_COLUMN) > width {
        // With no room for a last column, its text goes below the entry.
        hang = indent + 4;
        wrapped.push_str(head.trim_end());
        wrapped.push('\n');
        wrapped.extend(repeat_n(' ', hang));
    } else {
        wrapped.push_str(head);
    }
    let mut column = hang;
    for (index, word) in rest.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.extend(repeat_n(' ', hang));
            column = hang;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
}

/// Prints help, through the pager if it is longer than the screen of a terminal.
pub fn show(text: &str, reporter: &mut Reporter, environment: &Environment) -> Result<(), ErrorReport> {
    let is_dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
    if reporter.terminals().stdout && !is_dumb && is_longer_than_the_screen(text) {
        // A pager that cannot be run has shown nothing.
        if let Some(pager) = pager(environment)
            && run_pager(&pager, text, environment).unwrap_or(false)
        {
            return Ok(());
        }
    }
    reporter.print(text)
}

fn is_longer_than_the_screen(text: &str) -> bool {
    // The prompt takes one line.
    terminal_size_of(stdout()).is_some_and(|(_, Height(rows))| text.lines().count() >= usize::from(rows))
}

/// The exit code of a shell that cannot find a command; 126 is that of one that cannot run it.
const NOT_FOUND: i32 = 127;

/// The command for the shell. `PAGER` set to nothing or to `cat` means none.
fn pager(environment: &Environment) -> Option<String> {
    match environment.get("PAGER").map(|pager| pager.to_str().unwrap_or_default()) {
        Some("" | "cat") => None,
        Some(pager) => Some(pager.to_owned()),
        None if environment.is_set("PAGER") => None,
        None => Some(format!("command -v less >/dev/null && exec less; exit {NOT_FOUND}")),
    }
}

/// Whether the pager has shown the text, all of it or as much as the reader wanted.
#[cfg(unix)]
fn run_pager(pager: &str, text: &str, environment: &Environment) -> io::Result<bool> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use signal_hook::consts::{SIGINT, SIGQUIT};
    use signal_hook::{flag, low_level};

    use crate::args::environment::hidden_from_token_command;

    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    // Leave a text that fits on the screen, and show colours: what git sets.
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")].into_iter().filter(|(name, _)| !environment.is_set(name)) {
        command.env(name, value);
    }
    for name in hidden_from_token_command().filter(|name| environment.is_set(name)) {
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

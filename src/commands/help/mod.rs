//! `vescli help`: the help of a command, or one of the topics. Needs neither configuration nor network. The help of a command
//! has the examples first, then the usage and the flags. `-h` fits a screen, `--help` has everything.

mod layout;
pub mod pager;
mod topics;

use clap::builder::StyledStr;

use super::error::CommandError;
use super::explain;
use crate::args::command_help::help_of;
use crate::args::commands::{TOPICS, command};
use crate::args::parse::HelpRequest;
use crate::args::suggest::did_you_mean;
pub use layout::Layout;
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

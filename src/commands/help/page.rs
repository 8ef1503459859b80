//! The help of a command: examples first, then the usage and the flags. `-h` fits a screen, `--help` has everything.

use clap::Command;
use clap::builder::StyledStr;

use super::layout::Layout;
use crate::args::command_help::help_of;
use crate::args::commands::TOPICS;

/// What `-h` shows: the flags that matter, without headings.
pub(super) fn short(command: &Command, words: &str, layout: Layout) -> String {
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
pub(super) fn long(command: &Command, words: &str, layout: Layout) -> String {
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
fn assembled(command: &Command, shown: &Command, words: &str, end: &str, layout: Layout) -> String {
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

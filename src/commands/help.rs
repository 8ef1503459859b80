//! `vescli help`: the help of a command, or one of the topics. Needs neither configuration nor network.

use super::error::CommandError;
use super::explain;
use super::{topic_bulk, topics};
use crate::args::command_line::{TOPICS, command};
use crate::args::suggest::did_you_mean;
use crate::report::streams::Paint;

/// The text for a topic: a command with its subcommands, a topic, or nothing for the whole.
///
/// # Errors
/// [`CommandError::Usage`] when there is no such command or topic.
pub fn help(topic: &[String], paint: Paint) -> Result<String, CommandError> {
    let mut topic = topic.iter().map(String::as_str);
    let mut found = command();
    // Gives each subcommand its full name and the global flags.
    found.build();
    match topic.next() {
        Some("exit-codes") => return Ok(explain::table(paint)),
        Some("environment") => return Ok(topics::environment(paint)),
        // `config` and `bulk` are commands as well; their topics tell of both.
        Some("config") if topic.len() == 0 => return Ok(topics::config(paint)),
        Some("bulk") if topic.len() == 0 => return Ok(topic_bulk::BULK.to_owned()),
        Some("json") => return Ok(topics::JSON.to_owned()),
        Some(name) => found = subcommand(&found, name)?,
        None => {}
    }
    for name in topic {
        found = subcommand(&found, name)?;
    }
    let text = found.render_long_help();
    Ok(if paint.is_on() { text.ansi().to_string() } else { text.to_string() })
}

fn subcommand(command: &clap::Command, name: &str) -> Result<clap::Command, CommandError> {
    command.find_subcommand(name).cloned().ok_or_else(|| {
        let commands: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let known = commands.iter().copied().chain(TOPICS.iter().copied());
        CommandError::Usage {
            message: format!("there is no help on `{}`{}", name.escape_debug(), did_you_mean(name, known)),
            hint: format!("commands: {}; topics: {}", commands.join(", "), TOPICS.join(", ")),
        }
    })
}

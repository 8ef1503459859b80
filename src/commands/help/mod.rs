//! `vescli help`: the help of a command, or one of the topics. Needs neither configuration nor network.

mod layout;
mod page;
pub mod pager;
mod topics;
mod wrap;

use super::error::CommandError;
use super::explain;
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
    if request.is_long {
        page::long(found, &request.command, layout)
    } else {
        page::short(found, &request.command, layout)
    }
}

fn subcommand(command: &clap::Command, name: &str) -> Result<clap::Command, CommandError> {
    command.find_subcommand(name).cloned().ok_or_else(|| {
        let commands: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let known = commands.iter().copied().chain(TOPICS.iter().copied());
        CommandError::Usage {
            message: format!("no help on `{}`{}", name.escape_debug(), did_you_mean(name, known)),
            hint: format!("commands: {}; topics: {}", commands.join(", "), TOPICS.join(", ")),
        }
    })
}

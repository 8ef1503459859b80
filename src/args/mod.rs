//! The command line as typed, and the table of everything that can be set, which flags, variables and file share.

pub mod command_line;
pub mod config_command;
pub mod environment;
mod examples;
pub mod journal_command;
pub mod layer;
pub mod settings_table;
mod slips;
mod subcommands;
pub mod suggest;

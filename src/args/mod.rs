//! The command line as typed, and the table of everything that can be set, which flags, variables and file share.

pub mod command_help;
pub mod commands;
pub mod environment;
pub mod layer;
pub mod parse;
pub mod settings_table;
pub mod suggest;

//! One module per subcommand that is more than a call.

pub mod bulk;
pub mod config;
mod config_document;
mod config_explain;
mod config_in_force;
mod config_init;
mod config_show;
pub mod doctor;
pub mod error;
pub mod explain;
pub mod help;
mod interrupt;
pub mod journal;
mod redact;
pub mod rehearse;
pub mod sandbox;
pub mod send;
pub mod topic_bulk;
pub mod topics;
pub mod usage;

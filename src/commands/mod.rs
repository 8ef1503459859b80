//! The commands, one module each, and what they share.

pub mod bulk;
pub mod completion;
pub mod config;
pub mod context;
pub mod doctor;
pub mod error;
pub mod explain;
pub mod help;
mod interrupt;
pub mod journal;
pub mod sandbox;
pub mod send;
mod send_journal;
pub mod usage;

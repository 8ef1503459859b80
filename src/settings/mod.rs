//! What holds: flags, variables and file laid over each other.

pub mod label;
pub mod rate;

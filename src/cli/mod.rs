//! What a user types and reads.

pub mod args;

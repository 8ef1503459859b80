//! A list of people instead of one: reading it, and the journal that knows what became of each row.

pub mod journal;
pub mod rows;

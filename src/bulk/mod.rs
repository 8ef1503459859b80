//! A list of people instead of one: reading it, the journal with the outcome of each row, and the run over it.

pub mod gate;
pub mod journal;
pub mod list;
pub mod pace;
pub mod plan;
pub mod results;
pub mod run;

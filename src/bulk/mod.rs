//! Sends to a list of people: reading the list, the journal with the outcome of each row, and the run.

pub mod gate;
pub mod journal;
pub mod list;
pub mod pace;
pub mod plan;
pub mod results;
pub mod run;

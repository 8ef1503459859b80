//! A list of people instead of one: reading it, the journal that knows what became of each row, and the run over it.

pub mod budget;
pub mod event;
pub mod gate;
pub mod journal;
pub mod known;
pub mod list_name;
pub mod pace;
pub mod pending;
pub mod plan;
pub mod rivals;
pub mod rows;
pub mod run;
pub mod stop;
pub mod tally;
pub mod throttle;

//! What workers tell of their rows, as values: an exchange, a repeat that is coming, an end.

use std::time::Duration;

use crate::api::outcome::Outcome;
use crate::api::request::ApiRequest;
use crate::api::transport::Exchange;

/// What a worker tells on the way.
#[derive(Debug)]
pub enum Told {
    /// An attempt, when exchanges are to be told.
    Exchanged {
        /// The request, with its body.
        request: Box<ApiRequest>,
        /// The answer, if there was one.
        answer: Option<Box<Exchange>>,
    },
    /// A row is going to be tried again.
    Again {
        /// Its place in the list.
        index: u32,
        /// Which attempt failed.
        attempt: u64,
        /// What came of it.
        outcome: Box<Outcome>,
        /// After how long.
        wait: Duration,
    },
    /// A row has ended.
    Ended(Box<RowEnd>),
}

/// How a row ended.
#[derive(Debug)]
pub struct RowEnd {
    /// Its place in the list.
    pub index: u32,
    /// What came of it, all attempts together.
    pub outcome: Outcome,
    /// How often it was tried.
    pub attempts: u64,
    /// How long all of it took.
    pub elapsed: Duration,
    /// Whether the next run sends it, because the run was stopped and not the row refused.
    pub open: bool,
    /// Whether the end could not be written into the journal.
    pub unwritten: bool,
}

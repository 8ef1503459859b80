//! What workers report of their rows, as values: an exchange, a retry, an end. They travel through the journal, which
//! passes them on when their records are written.

use std::time::Duration;

use super::plan::Before;
use crate::api::outcome::AttemptResult;
use crate::api::request::ApiRequest;
use crate::api::transport::Exchange;

/// What a worker reports.
#[derive(Debug)]
pub enum Event {
    /// An attempt, when exchanges are to be shown.
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
        result: Box<AttemptResult>,
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
    /// What was known of it before this run.
    pub before: Before,
    /// What came of it, all attempts together.
    pub result: AttemptResult,
    /// How often it was tried.
    pub attempts: u64,
    /// How long all of it took.
    pub elapsed: Duration,
    /// Whether the next run sends it, unasked: it was not sent, or refused for a reason that is not its own.
    pub due: bool,
    /// Whether the journal could not take its record.
    pub unwritten: bool,
}

impl From<RowEnd> for Event {
    fn from(end: RowEnd) -> Self {
        Self::Ended(Box::new(end))
    }
}

//! What workers tell of their rows, as values: an exchange, a repeat that is coming, an end. Whoever shows an outcome
//! first waits until the journal has it, by the ticket that comes along.

use std::time::Duration;

use super::journal::Ticket;
use super::plan::Before;
use crate::api::outcome::AttemptResult;
use crate::api::request::ApiRequest;
use crate::api::transport::Exchange;

/// What a worker tells on the way.
#[derive(Debug)]
pub enum Event {
    /// An attempt, when exchanges are to be told.
    Exchanged {
        /// The request, with its body.
        request: Box<ApiRequest>,
        /// The answer, if there was one.
        answer: Option<Box<Exchange>>,
        /// The record of what it means in the journal.
        ticket: Ticket,
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
        /// Its record in the journal.
        ticket: Ticket,
    },
    /// A row has ended.
    Ended(Box<RowEnd>),
}

impl Event {
    /// The record that has to be written before this is shown.
    pub const fn ticket(&self) -> Ticket {
        match self {
            Self::Exchanged { ticket, .. } | Self::Again { ticket, .. } => *ticket,
            Self::Ended(end) => end.ticket,
        }
    }
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
    /// Its record in the journal.
    pub ticket: Ticket,
    /// Whether that could not be written; found out by whoever waits for it.
    pub unwritten: bool,
}

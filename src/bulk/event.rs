//! What a run reports, as values: exchanges, retries and ends of rows, and why the run stopped. Events travel through the
//! journal, which passes them on when their records are written.

use std::time::Duration;

use super::journal::JournalStopped;
use super::plan::Prior;
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::api::request::ApiRequest;
use crate::api::transport::Exchange;

/// What a worker reports.
#[derive(Debug)]
pub enum Event {
    /// An attempt, when exchanges are to be shown.
    Exchange {
        request: Box<ApiRequest>,
        answer: Option<Box<Exchange>>,
    },
    /// A row will be retried.
    Retry {
        index: u32,
        attempt: u64,
        result: Box<AttemptResult>,
        wait: Duration,
    },
    Finished(Box<RowEnd>),
}

/// How a row ended.
#[derive(Debug)]
pub struct RowEnd {
    pub index: u32,
    pub prior: Prior,
    /// Of all attempts together.
    pub result: AttemptResult,
    pub attempts: u64,
    pub elapsed: Duration,
    /// Whether the next run sends it without another flag: it was not sent, or the row itself was not the reason of the
    /// refusal.
    pub due: bool,
    /// Whether its end could not be written to the journal.
    pub unrecorded: bool,
}

impl RowEnd {
    /// The outcome as the next run finds it: a row whose end could not be written is unknown, unless the service accepted
    /// it.
    pub const fn outcome(&self) -> Outcome {
        match self.result.outcome {
            Outcome::Rejected | Outcome::NotSent if self.unrecorded => Outcome::Unknown,
            outcome => outcome,
        }
    }
}

impl From<RowEnd> for Event {
    fn from(end: RowEnd) -> Self {
        Self::Finished(Box::new(end))
    }
}

/// Why a run stops before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A signal with this number came.
    Signal(i32),
    /// An answer or failure that every other row would get as well.
    EveryRowFails(Class),
    /// N consecutive rows were not accepted.
    Failures(u64),
    /// The server asks for a wait longer than the one allowed.
    WaitTooLong(Duration),
    /// The server asks to wait again and again, and accepts nothing in between.
    ThrottledTooOften,
    /// Another run is mailing people on this list.
    OtherRun,
    /// The journal cannot be written, or was removed; in words.
    Journal(String),
}

impl Stop {
    /// The stop by a journal that failed.
    pub fn journal(stopped: &JournalStopped) -> Self {
        Self::Journal(format!("{stopped}; no request was sent after that"))
    }
}

/// Whether every other row would fail the same way: the credential, the URL or the network is wrong.
pub const fn fails_every_row(class: Class) -> bool {
    match class {
        Class::Unauthorized
        | Class::Forbidden
        | Class::Redirected
        | Class::Certificate
        | Class::ClientCertificate
        | Class::Proxy => true,
        Class::Accepted
        | Class::Dns
        | Class::Connect
        | Class::BrokenReply
        | Class::NotTheApi
        | Class::Timeout
        | Class::Tls
        | Class::ClientError
        | Class::NotFound
        | Class::Conflict
        | Class::RateLimited
        | Class::ServerError
        | Class::BadGateway
        | Class::Unavailable
        | Class::ServerTimeout
        | Class::ServerErrorOther => false,
    }
}

/// Whether the server asks for fewer requests.
pub const fn is_throttled(result: &AttemptResult) -> bool {
    matches!(result.class, Class::RateLimited | Class::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_credential_or_the_way_stops_a_run_and_nothing_else_does() {
        let hopeless = Class::ALL.into_iter().filter(|class| fails_every_row(*class));
        assert_eq!(
            hopeless.collect::<Vec<_>>(),
            [
                Class::Redirected,
                Class::Unauthorized,
                Class::Forbidden,
                Class::ClientCertificate,
                Class::Certificate,
                Class::Proxy,
            ]
        );
    }
}

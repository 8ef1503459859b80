//! Reports what happened: as text for people, as one JSON document for scripts.

pub mod bulk_json;
pub mod bulk_text;
pub mod curl;
pub mod escape;
pub mod exit;
pub mod json;
mod reporter;
pub mod style;
pub mod text;

use std::time::Duration;

use crate::api::outcome::{AttemptResult, Outcome};
use exit::Exit;
pub use reporter::{Reporter, Streams, Terminals};

/// What to do when somebody may have been mailed.
const CHECK_FIRST: &str = "ask the person or check the console before sending again";

/// What is known of a request when it is reported; less, the earlier it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestInfo {
    pub email: Option<String>,
    pub cname: Option<String>,
    pub tenant: Option<String>,
    pub url: Option<String>,
    pub with_credential: bool,
}

/// A request that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendResult {
    pub result: AttemptResult,
    pub attempts: u64,
    /// The time of all attempts, waits included.
    pub elapsed: Duration,
}

impl SendResult {
    pub fn exit(&self) -> Exit {
        Exit::from(self.result.class)
    }
}

/// A request that a signal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    pub signal: i32,
    pub may_have_been_sent: bool,
    pub attempts: u64,
    pub elapsed: Duration,
}

impl Interruption {
    fn outcome(&self) -> Outcome {
        if self.may_have_been_sent { Outcome::Unknown } else { Outcome::NotSent }
    }

    fn message(&self) -> String {
        // These numbers are the same on all systems (POSIX, `kill`).
        let signal = match self.signal {
            1 => "SIGHUP".to_owned(),
            2 => "SIGINT".to_owned(),
            15 => "SIGTERM".to_owned(),
            other => format!("signal {other}"),
        };
        let known = if self.may_have_been_sent {
            "the request may have been sent: somebody may have been mailed"
        } else {
            "nothing was sent"
        };
        format!("ended by {signal}: {known}")
    }

    fn hint(&self) -> &'static str {
        if self.may_have_been_sent { CHECK_FIRST } else { "run it again" }
    }
}

/// An error that kept a command from doing its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReport {
    pub exit: Exit,
    pub message: String,
    pub hint: Option<String>,
}

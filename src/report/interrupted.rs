//! A request that a signal ended: whether it may have left, in words and as a document.

use std::time::Duration;

use super::document::{ErrorDocument, ResultDocument};
use super::{Reporter, Subject};
use crate::api::outcome::Outcome;
use crate::report::exit::Ending;
use crate::report::safe_text::json_line;

/// The class in the document. It is none of the table: the process has no exit code, it dies by the signal.
const CLASS: &str = "interrupted";

/// What is known when a signal comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// The signal.
    pub signal: i32,
    /// Whether the request may have left.
    pub may_have_left: bool,
    /// How many attempts were begun.
    pub attempts: u64,
    /// How long all of it took.
    pub elapsed: Duration,
}

impl Reporter<'_, '_> {
    /// Tells that a signal ended the request, and gives the end of the process.
    pub fn interrupted(&mut self, subject: &Subject, ended: &Interruption) -> Ending {
        let message = format!("ended by {}", signal_name(ended.signal));
        let (outcome, known, hint) = if ended.may_have_left {
            (
                Outcome::Unknown,
                "the request may have left: somebody may have been mailed",
                "ask the person or check the console before sending again",
            )
        } else {
            (Outcome::NotSent, "nothing was sent", "run it again")
        };
        if !(self.output.json && self.output.quiet) {
            let (error, label) = (self.err.bad("error:"), self.err.faint("  hint:"));
            self.streams.talk(&format!("{error} {message}: {known}\n{label} {hint}\n"));
        }
        if self.output.json {
            let document = ResultDocument {
                ok: false,
                outcome: outcome.word(),
                attempts: ended.attempts,
                elapsed_ms: u64::try_from(ended.elapsed.as_millis()).unwrap_or(u64::MAX),
                exit_code: u8::try_from(128 + ended.signal).unwrap_or(u8::MAX),
                error: Some(ErrorDocument {
                    class: CLASS,
                    message: format!("{message}: {known}"),
                    server_code: None,
                    server_message: None,
                    safe_to_retry: !ended.may_have_left,
                    retry_after_s: None,
                    hint: Some(hint.to_owned()),
                    cause: None,
                    location: None,
                }),
                ..ResultDocument::about(subject)
            };
            // The signal ends the process, whatever becomes of the telling.
            let _ = self.streams.result(&json_line(&document));
        }
        Ending::Signal(ended.signal)
    }
}

/// The name of a signal that is heeded. Their numbers are the same on all systems (POSIX, `kill`).
fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}

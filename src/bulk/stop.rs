//! What stops a run before its end, and what one answer says of all the rows to come.

use std::time::Duration;

use super::journal::JournalStopped;
use crate::api::outcome::{AttemptResult, Class};

/// Why a run stops before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A signal with this number came.
    Signal(i32),
    /// An answer or failure that everybody else would meet as well.
    Hopeless(Class),
    /// So many rows in a row were not accepted.
    Failures(u64),
    /// The server asks for a wait longer than the one allowed.
    AsksTooLong(Duration),
    /// The server asks to wait again and again, and takes nothing in between.
    AsksTooOften,
    /// Another run is mailing people on this list.
    OtherRun,
    /// The journal cannot be written, or is gone; in words.
    Journal(String),
    /// A worker met a fault of ours.
    Fault,
}

impl Stop {
    /// The stop by a journal that took no more.
    pub fn journal(stopped: &JournalStopped) -> Self {
        Self::Journal(format!("{stopped}; no request was sent after that"))
    }
}

/// Whether everybody else would meet the same: the credential, the URL or the way there is wrong.
pub const fn is_hopeless(class: Class) -> bool {
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

/// Whether the server wants everybody to slow down.
pub const fn is_throttled(result: &AttemptResult) -> bool {
    matches!(result.class, Class::RateLimited | Class::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_credential_or_the_way_stops_a_run_and_nothing_else_does() {
        let hopeless = Class::ALL.into_iter().filter(|class| is_hopeless(*class));
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

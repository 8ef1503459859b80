//! The only table of exit codes and classes. `help exit-codes`, `explain`, the man page, the README and the JSON
//! documents are made of it. HTTP answers take the first and the last digit of the status (429 is 42), network
//! failures take curl's numbers, the rest follows sysexits.

use super::exit_table;
use crate::api::outcome::Class;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    Accepted = 0,
    Internal = 1,
    Usage = 2,
    Dns = 6,
    Connect = 7,
    BrokenReply = 8,
    BulkFailed = 10,
    BulkUnknown = 11,
    BulkStopped = 12,
    NotTheApi = 20,
    Timeout = 28,
    Redirected = 30,
    Tls = 35,
    ClientError = 40,
    Unauthorized = 41,
    RateLimited = 42,
    Forbidden = 43,
    NotFound = 44,
    Conflict = 49,
    ServerError = 50,
    BadGateway = 52,
    Unavailable = 53,
    ServerTimeout = 54,
    ClientCertificate = 58,
    ServerErrorOther = 59,
    Certificate = 60,
    BadInput = 65,
    NoInput = 66,
    OsError = 71,
    Io = 74,
    Locked = 75,
    Config = 78,
    Proxy = 97,
}

/// How the process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a code of the table.
    Exit(Exit),
    /// With the code of a command that was run for the user.
    Child(u8),
    /// By a signal, so that the shell around it stops too.
    Signal(i32),
}

impl From<Exit> for Ending {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct ExitRow {
    /// The code.
    pub exit: Exit,
    /// The name of its class, as in JSON.
    pub name: &'static str,
    /// The same in words, as in messages.
    pub title: &'static str,
    /// The HTTP statuses that lead to it.
    pub statuses: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What became of the request: a word of `Outcome`, or when which.
    pub outcome: &'static str,
    /// Whether the same command may be run again.
    pub again: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its row.
    pub fn row(self) -> &'static ExitRow {
        // Every code has a row: a test holds it.
        rows().find(|row| row.exit == self).unwrap_or(&NO_ROW)
    }

    /// The exit that belongs to an HTTP status, if it is one that can be answered.
    pub fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            200..=299 => Self::Accepted,
            300..=399 => Self::Redirected,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 => Self::Conflict,
            429 => Self::RateLimited,
            400..=499 => Self::ClientError,
            500 => Self::ServerError,
            502 => Self::BadGateway,
            503 => Self::Unavailable,
            504 => Self::ServerTimeout,
            500..=599 => Self::ServerErrorOther,
            _ => return None,
        })
    }
}

impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        match class {
            Class::Accepted => Self::Accepted,
            Class::Dns => Self::Dns,
            Class::Connect => Self::Connect,
            Class::BrokenReply => Self::BrokenReply,
            Class::NotTheApi => Self::NotTheApi,
            Class::Timeout => Self::Timeout,
            Class::Redirected => Self::Redirected,
            Class::Tls => Self::Tls,
            Class::ClientError => Self::ClientError,
            Class::Unauthorized => Self::Unauthorized,
            Class::Forbidden => Self::Forbidden,
            Class::NotFound => Self::NotFound,
            Class::Conflict => Self::Conflict,
            Class::RateLimited => Self::RateLimited,
            Class::ServerError => Self::ServerError,
            Class::BadGateway => Self::BadGateway,
            Class::Unavailable => Self::Unavailable,
            Class::ServerTimeout => Self::ServerTimeout,
            Class::ServerErrorOther => Self::ServerErrorOther,
            Class::ClientCertificate => Self::ClientCertificate,
            Class::Certificate => Self::Certificate,
            Class::Proxy => Self::Proxy,
        }
    }
}

/// What is told of a code without a row, which cannot be.
static NO_ROW: ExitRow = ExitRow {
    exit: Exit::Internal,
    name: "internal",
    title: "a fault of vescli",
    statuses: "",
    meaning: "",
    outcome: "",
    again: "",
    advice: "",
};

/// All rows, by code.
pub fn rows() -> impl Iterator<Item = &'static ExitRow> {
    exit_table::ROWS.iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::answer::{Body, Reply};
    use crate::api::outcome::{AttemptResult, Received};

    #[test]
    fn the_numbers_are_the_promised_ones() {
        let promised = [
            (0, "accepted"),
            (1, "internal"),
            (2, "usage"),
            (6, "dns"),
            (7, "connect"),
            (8, "broken_reply"),
            (10, "bulk_failed"),
            (11, "bulk_unknown"),
            (12, "bulk_stopped"),
            (20, "not_the_api"),
            (28, "timeout"),
            (30, "redirected"),
            (35, "tls"),
            (40, "client_error"),
            (41, "unauthorized"),
            (42, "rate_limited"),
            (43, "forbidden"),
            (44, "not_found"),
            (49, "conflict"),
            (50, "server_error"),
            (52, "bad_gateway"),
            (53, "unavailable"),
            (54, "server_timeout"),
            (58, "client_certificate"),
            (59, "server_error_other"),
            (60, "certificate"),
            (65, "bad_input"),
            (66, "no_input"),
            (71, "os_error"),
            (74, "io"),
            (75, "locked"),
            (78, "config"),
            (97, "proxy"),
        ];
        let rows: Vec<(u8, &str)> = rows().map(|row| (row.exit.code(), row.name)).collect();
        assert_eq!(rows, promised);
    }

    #[test]
    fn every_class_has_a_code_of_its_own() {
        let mut codes: Vec<u8> = Class::ALL.iter().map(|class| Exit::from(*class).code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Class::ALL.len());
    }

    #[test]
    fn a_status_explained_is_the_status_answered() {
        for status in 200..=599 {
            let body = Body::Complete(b"{}".to_vec());
            let outcome = AttemptResult::of(Received::Reply(Reply { status, retry_after: None, location: None, body }));
            assert_eq!(Exit::of_status(status), Some(Exit::from(outcome.class)), "{status}");
        }
        assert_eq!(Exit::of_status(100), None);
        assert_eq!(Exit::of_status(600), None);
    }

    #[test]
    fn http_codes_are_the_first_and_last_digit_of_their_status() {
        for status in [401_u16, 403, 404, 409, 500, 502, 503, 504] {
            let code = Exit::of_status(status).unwrap().code();
            assert_eq!(u16::from(code), status / 100 * 10 + status % 10);
        }
    }
}

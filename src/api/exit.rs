//! The only table of exit codes and classes: the help, the man page, `explain`, the README and the JSON documents are made
//! from it. HTTP answers take the first and the last digit of the status (429 is 42), network failures take curl's
//! numbers, the rest follows sysexits.

use serde::{Serialize, Serializer};

/// How the process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Exit(Exit),
    /// With the code of the command that the sandbox ran.
    Child(u8),
    /// By a signal, so that the shell around it stops too.
    Signal(i32),
}

impl Ending {
    /// The code that a shell sees; for a signal 128 plus its number.
    pub fn code(self) -> u8 {
        match self {
            Self::Exit(exit) => exit.code(),
            Self::Child(code) => code,
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

impl From<Exit> for Ending {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

/// One entry of the table; as JSON, what `explain` prints.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ExitEntry {
    #[serde(rename = "exit_code")]
    pub exit: Exit,
    /// The class, as in JSON.
    #[serde(rename = "class")]
    pub name: &'static str,
    /// The class, as in messages.
    #[serde(skip)]
    pub title: &'static str,
    /// The HTTP statuses that lead to it.
    pub statuses: &'static str,
    pub meaning: &'static str,
    /// A word of `Outcome`, or under which condition it is which.
    pub outcome: &'static str,
    /// Whether the same command may be run again.
    #[serde(rename = "safe_to_run_again")]
    pub again: &'static str,
    pub advice: &'static str,
}

/// Makes the exits, their entries, and the classes of the API's answers and failures from one entry for each exit.
macro_rules! exits {
    ($($exit:ident = $code:literal $(from $class:ident)?: $name:literal, $title:literal, $statuses:literal,
       $outcome:literal, $again:literal, $meaning:literal, $advice:expr;)*) => {
        /// How a run ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Exit {
            $($exit = $code),*
        }

        static ENTRIES: &[ExitEntry] = &[$(ExitEntry {
            exit: Exit::$exit, name: $name, title: $title, statuses: $statuses, outcome: $outcome, again: $again,
            meaning: $meaning, advice: $advice,
        }),*];

        /// What kind of answer or failure it was. Each has an exit code of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Class {
            $($($class,)?)*
        }

        impl Class {
            #[cfg(test)]
            pub const ALL: &[Self] = &[$($(Self::$class,)?)*];
        }

        impl From<Class> for Exit {
            fn from(class: Class) -> Self {
                match class {
                    $($(Class::$class => Self::$exit,)?)*
                }
            }
        }
    };
}

/// What to do when the outcome is unknown.
const ASK_FIRST: &str = "Ask the person or check the console before sending again.";

// In the order of the codes. Each entry: variant and code, `from` the class that leads to it, class name, title, HTTP
// statuses, outcome, safe to run again; what it means; what to do. If the code of a status is taken, the status gets no entry
// of its own: 451 would be 41, which is `unauthorized`, so it is a `client_error` (40).
exits! {
    Accepted = 0 from Accepted: "accepted", "accepted", "2xx", "accepted", "no need",
        "The service took the request: a 2xx whose body is complete and is empty or a JSON object without an error. It says nothing about delivery. Also: a dry run whose request could be sent, and a bulk run with every row accepted, now or earlier, except those that --limit left for later.",
        "Nothing. The person finds the link in the mailbox; if not, check the spam folder first.";
    Internal = 1: "internal", "internal error", "", "see the message", "no",
        "Internal error: this is a bug in vescli.",
        "Report the message with the command that led to it; it contains no secret.";
    Usage = 2: "usage", "wrong usage", "", "not_sent", "after fixing",
        "A flag, a value or a command that vescli does not know.",
        "Read the message; `vescli help COMMAND` lists the flags.";
    Dns = 6 from Dns: "dns", "name not found", "", "not_sent", "yes",
        "The name of the host, or of the proxy, cannot be resolved.",
        "Check the name for a typing error (--tenant, --base-url, --proxy), then the network; `--resolve` sets an address by hand.";
    Connect = 7 from Connect: "connect", "no connection", "", "not_sent", "yes",
        "No connection could be made: refused, unreachable, broken before the request, or no more sockets on this machine.",
        "Check the network, a firewall, and whether a proxy is needed (--proxy).";
    BrokenReply = 8 from BrokenReply: "broken_reply", "broken reply", "", "unknown", "may mail twice",
        "The request was sent, and then the connection broke before the answer was complete, or the answer was not HTTP.",
        ASK_FIRST;
    BulkFailed = 10: "bulk_failed", "some rows failed", "", "per row", "yes: those that are due are sent, other rejected ones stay",
        "A bulk run finished; some rows were rejected or not sent.",
        "Run the command that is printed: the same one for the rows that are due, with --retry-rejected for the other rejected ones.";
    BulkUnknown = 11: "bulk_unknown", "some rows are unknown", "", "per row", "yes: those stay until they are resolved",
        "A bulk run finished; some rows are unknown: these people may have been mailed.",
        "Run the command that is printed, `vescli journal show`: it lists these rows and the `vescli journal resolve` for each. --resend-unknown sends them again and may mail twice.";
    BulkStopped = 12: "bulk_stopped", "stopped early", "", "per row", "yes",
        "A bulk run stopped before its end: every other row would have failed the same way, too many rows failed, or sending was not confirmed.",
        "Fix the cause in the message, then run the command that is printed.";
    NotTheApi = 20 from NotTheApi: "not_the_api", "not the API", "2xx", "unknown", "may mail twice",
        "A 2xx that proves nothing: a login page, an error object, an encoded body, anything but an empty body or a JSON object, or more than 64 KiB.",
        "Read the server's message and check the URL: something other than the API answered, perhaps a portal or a proxy. Ask the person before sending again.";
    Timeout = 28 from Timeout: "timeout", "out of time", "", "not_sent if no connection was up, else unknown", "if not_sent: yes; if unknown: may mail twice",
        "No complete answer within --timeout, or no connection within --connect-timeout.",
        "Check the outcome first; then try a longer --timeout.";
    Redirected = 30 from Redirected: "redirected", "redirected", "3xx", "rejected", "after fixing",
        "The server answered with a redirect. Redirects are never followed: usually the tenant or the URL is wrong.",
        "Check --tenant and --base-url; a redirect to a login page means that the tenant does not exist there.";
    Tls = 35 from Tls: "tls", "TLS failed", "", "not_sent", "after fixing",
        "The TLS handshake failed.",
        "Check that the port speaks TLS 1.2 or 1.3; a proxy in between may break it.";
    ClientError = 40 from ClientError: "client_error", "refused", "4xx", "rejected", "after fixing; 408 and 425: yes",
        "400, 422, or any 4xx without a code of its own.",
        "Read the server's message; `--dry-run` shows what would be sent.";
    Unauthorized = 41 from Unauthorized: "unauthorized", "not authorized", "401", "rejected", "after fixing",
        "The service does not accept the credential, or needs one.",
        "Check the token: expired, of another tenant, or not given (VESCLI_TOKEN, --token-file).";
    RateLimited = 42 from RateLimited: "rate_limited", "rate limited", "429", "rejected", "yes, later",
        "Too many requests.",
        "Wait, then run it again; `vescli bulk --rate` sends a list at a steady pace.";
    Forbidden = 43 from Forbidden: "forbidden", "forbidden", "403", "rejected", "after fixing",
        "The credential is valid but may not do this.",
        "Ask for the role, or use another user's credential.";
    NotFound = 44 from NotFound: "not_found", "not found", "404", "rejected", "after fixing",
        "There is no such user, tenant or URL.",
        "Check --email, --tenant and --base-url; for a user who was just created, add --wait-for-user 2m.";
    Conflict = 49 from Conflict: "conflict", "conflict", "409", "rejected", "after fixing",
        "The request conflicts with the service's data.",
        "Read the server's message; the user may have a password already.";
    ServerError = 50 from ServerError: "server_error", "server error", "500", "unknown", "may mail twice",
        "The service failed while it worked on the request.",
        ASK_FIRST;
    BadGateway = 52 from BadGateway: "bad_gateway", "bad gateway", "502", "unknown", "may mail twice",
        "A gateway got no usable answer from the service.",
        ASK_FIRST;
    Unavailable = 53 from Unavailable: "unavailable", "unavailable", "503", "rejected with Retry-After, else unknown", "with Retry-After: yes, later; else may mail twice",
        "The service is not available at the moment.",
        "Check the outcome: rejected can be sent again after the wait, unknown has to be checked first.";
    ServerTimeout = 54 from ServerTimeout: "server_timeout", "server timed out", "504", "unknown", "may mail twice",
        "The service did not finish in time.",
        ASK_FIRST;
    ClientCertificate = 58 from ClientCertificate: "client_certificate", "client certificate refused", "", "not_sent if no connection was up, else unknown", "after fixing; if unknown: may mail twice",
        "The server requires a client certificate, or refused the one it got.",
        "Give one with --cert and --key or --p12, or check its dates and its issuer. If the outcome is unknown, ask the person before sending again: with TLS 1.3 the refusal comes after the request.";
    ServerErrorOther = 59 from ServerErrorOther: "server_error_other", "server error", "5xx", "unknown", "may mail twice",
        "A 5xx without a code of its own.",
        ASK_FIRST;
    Certificate = 60 from Certificate: "certificate", "certificate not trusted", "", "not_sent", "after fixing",
        "The server's certificate is not trusted, has expired, or is for another name.",
        "With a private certificate authority, name its certificate with --cacert. There is no switch that turns the check off.";
    BadInput = 65: "bad_input", "bad input", "", "not_sent", "after fixing",
        "A list, or a file that a flag names, cannot be used. Also: a journal that is damaged, or a file that is not a journal; people on the list who are known from other lists, without --known.",
        "Fix what the message names; for a damaged journal there is `vescli journal repair`.";
    NoInput = 66: "no_input", "no such file", "", "not_sent", "after fixing",
        "A file that was named does not exist.",
        "Check the path in the message.";
    OsError = 71: "os_error", "system limit reached", "", "not_sent", "yes, later",
        "This machine lacks what vescli needs: threads, file descriptors, a local port to listen on, or a clock after 1970.",
        "End other programs or raise the limit that the message names (`ulimit -a` lists them), then run it again.";
    Io = 74: "io", "cannot be written", "", "see the message", "see the message; no, if it was accepted",
        "Output or the journal cannot be written, or the journal was removed, moved or cut during the run. The message says what happened to the request. A send that was answered keeps the code of its answer, and a warning says that it could not be printed.",
        "Free some space, or write elsewhere; put a removed journal back before the next run.";
    Locked = 75: "locked", "locked", "", "not_sent", "yes, later",
        "Another run uses this journal.",
        "Wait for the other run to end.";
    Config = 78: "config", "configuration", "", "not_sent", "after fixing",
        "The configuration or the credential cannot be used.",
        "Fix what the message names; `vescli config explain` shows where each value comes from.";
    Proxy = 97 from Proxy: "proxy", "the proxy refused", "", "not_sent", "after fixing",
        "The proxy refused the tunnel (407, or not allowed).",
        "Check the proxy's user and password in --proxy, and whether it allows this host.";
}

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

pub fn entries() -> impl Iterator<Item = &'static ExitEntry> {
    ENTRIES.iter()
}

impl Exit {
    pub const fn code(self) -> u8 {
        self as u8
    }

    pub fn entry(self) -> &'static ExitEntry {
        // The macro makes entries and variants together, so the entry is there.
        let index = ENTRIES.partition_point(|entry| entry.exit < self);
        &ENTRIES[index]
    }

    /// None for a status that no final answer has (see [`Class::of_status`]).
    pub fn of_status(status: u16) -> Option<Self> {
        Class::of_status(status).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::answer::{Body, Reply};
    use crate::api::outcome::AttemptResult;

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
        let entries: Vec<(u8, &str)> = entries().map(|entry| (entry.exit.code(), entry.name)).collect();
        assert_eq!(entries, promised);
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
            let body = Body { bytes: b"{}".to_vec(), cut: None, is_encoded: false };
            let outcome = AttemptResult::from(Reply { status, retry_after: None, location: None, body });
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

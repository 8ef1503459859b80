//! Success, local faults, and what happens before an HTTP answer.

use super::row;
use crate::report::exit::{Exit, ExitRow};

pub(super) static ROWS: &[ExitRow] = &[
    row(
        Exit::Accepted,
        "accepted",
        "accepted",
        "2xx",
        [
            "The service took the request: a 2xx whose body arrived whole and is empty or a JSON object without an error. It says nothing about delivery. Also: a dry run whose request could be sent, and a bulk run with every row accepted, now or earlier, but for those that --limit kept back.",
            "accepted",
            "no need",
            "Nothing. The person finds the link in the mailbox; if not, look at the spam folder first.",
        ],
    ),
    row(
        Exit::Internal,
        "internal",
        "a fault of vescli",
        "",
        [
            "Internal error: this is a bug in vescli.",
            "see the message",
            "no",
            "Report the message with the command that led to it; it holds no secret.",
        ],
    ),
    row(
        Exit::Usage,
        "usage",
        "wrong usage",
        "",
        [
            "A flag, a value or a command that vescli does not know.",
            "not_sent",
            "after fixing",
            "Read the message; `vescli help COMMAND` lists the flags.",
        ],
    ),
    row(
        Exit::Dns,
        "dns",
        "name not found",
        "",
        [
            "The name of the host, or of the proxy, was not found.",
            "not_sent",
            "yes",
            "Check --tenant and --base-url for a slip, then the network; `--resolve` sets an address by hand.",
        ],
    ),
    row(
        Exit::Connect,
        "connect",
        "no connection",
        "",
        [
            "No connection came up: refused, unreachable, broken before the request, or no more sockets on this machine.",
            "not_sent",
            "yes",
            "Check the network, a firewall, and whether a proxy is needed (--proxy).",
        ],
    ),
    row(
        Exit::BrokenReply,
        "broken_reply",
        "broken reply",
        "",
        [
            "The request left, and then the connection broke, also within the answer, or the answer was not HTTP.",
            "unknown",
            "may mail twice",
            "Ask the person, or look into the console, before sending again.",
        ],
    ),
    row(
        Exit::BulkFailed,
        "bulk_failed",
        "some rows failed",
        "",
        [
            "A bulk run finished; some rows were rejected or not sent.",
            "per row",
            "yes: those that are due go out, other rejected ones stay",
            "Run the command that is printed: the same again for the rows that are due, with --retry-rejected for the other rejected ones.",
        ],
    ),
    row(
        Exit::BulkUnknown,
        "bulk_unknown",
        "some rows are unknown",
        "",
        [
            "A bulk run finished; some rows are unknown: these people may have been mailed, and nothing proves it.",
            "per row",
            "yes: those stay until they are resolved",
            "Run the command that is printed, `vescli journal show`: it lists these rows and the `vescli journal resolve` for each. --resend-unknown sends them again, and may mail twice.",
        ],
    ),
    row(
        Exit::BulkStopped,
        "bulk_stopped",
        "stopped early",
        "",
        [
            "A bulk run stopped before its end: every other row would have failed the same way, or the answer to its question was no.",
            "per row",
            "yes",
            "Fix the cause in the message, then run the command that is printed.",
        ],
    ),
    row(
        Exit::NotTheApi,
        "not_the_api",
        "not the API",
        "2xx",
        [
            "A 2xx that proves nothing: a login page, an error object, an encoded body, anything but an empty body or a JSON object, or more than 64 KiB.",
            "unknown",
            "may mail twice",
            "Read what the server says and check the URL: something other than the API answered, a portal or a proxy perhaps. Ask the person before sending again.",
        ],
    ),
    row(
        Exit::Timeout,
        "timeout",
        "out of time",
        "",
        [
            "No whole answer came within --timeout, or no connection within --connect-timeout.",
            "not_sent if no connection was up, else unknown",
            "if not_sent: yes; if unknown: may mail twice",
            "Look at the outcome first; then try a longer --timeout.",
        ],
    ),
    row(
        Exit::Redirected,
        "redirected",
        "redirected",
        "3xx",
        [
            "The server pointed elsewhere. Redirects are never followed: mostly the tenant or the URL is wrong.",
            "rejected",
            "after fixing",
            "Check --tenant and --base-url; a login page as the target means that the tenant does not exist there.",
        ],
    ),
    row(
        Exit::Tls,
        "tls",
        "TLS failed",
        "",
        [
            "The TLS handshake failed.",
            "not_sent",
            "after fixing",
            "Check that the port speaks TLS 1.2 or 1.3; a proxy in between may cut it.",
        ],
    ),
];

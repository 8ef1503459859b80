//! The rows that say how a list is read, how fast it is sent, and what becomes of what an earlier run has left.

use super::keys::{Group, Key, Kind, Reach, Row};

/// The flags of `bulk`, but for `rate`, which the sandbox takes as well.
pub(super) static ROWS: &[Row] = &[
    Row::new(
        Key::Jobs,
        Group::Bulk,
        "jobs",
        Kind::Count,
        "Requests under way at once, 1 to 256; fewer where the machine has too few files or threads",
    )
    .default("4"),
    Row::new(
        Key::MaxFailures,
        Group::Bulk,
        "max-failures",
        Kind::Count,
        "Stop after N consecutive rows that were not accepted; 0 never stops",
    )
    .default("10"),
    Row::new(
        Key::KeepAlive,
        Group::Bulk,
        "keep-alive",
        Kind::Switch,
        "Reuse a connection that was idle for less than a second: faster, with a small risk of unknown rows",
    ),
    Row::new(
        Key::Format,
        Group::Bulk,
        "format",
        Kind::Choice(&["auto", "csv", "ndjson", "lines"]),
        "Format of the list",
    )
    .default("auto"),
    Row::new(
        Key::SkipInvalid,
        Group::Bulk,
        "skip-invalid",
        Kind::Switch,
        "Leave out rows that cannot be used instead of refusing the list; they are always counted",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Journal,
        Group::Bulk,
        "journal",
        Kind::File,
        "Journal of the run [default: a file of its own for each URL, cname and list; `vescli journal list` shows them]",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Fresh,
        Group::Bulk,
        "fresh",
        Kind::Switch,
        "Start a new journal: people already mailed will be mailed again (people known from other lists: see --known)",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::RetryRejected,
        Group::Bulk,
        "retry-rejected",
        Kind::Switch,
        "Send again the rows that the service rejected earlier",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::ResendUnknown,
        Group::Bulk,
        "resend-unknown",
        Kind::Switch,
        "Send again the rows that are unknown: a person may be mailed twice",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Limit,
        Group::Bulk,
        "limit",
        Kind::Count,
        "Send at most N rows of the list and end with 0 if they are accepted; the next run continues after them",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Known,
        Group::Bulk,
        "known",
        Kind::Choice(&["skip", "send"]),
        "People known from the journals of other lists: skip leaves them out, send mails them again [default: ask, or refuse]",
    )
    .reach(Reach::RunOnly),
    Row::new(
        Key::Yes,
        Group::Bulk,
        "yes",
        Kind::Switch,
        "Do not ask for confirmation; needed where standard input is not a terminal",
    )
    .reach(Reach::RunOnly),
];

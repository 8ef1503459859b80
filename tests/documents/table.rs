//! What the commands in the documents need besides a fresh home, and how they end. A command without a row is run in a
//! fresh home and has to end with 0.

/// What is there before a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// A configuration with two profiles, a list, a script.
    Fresh,
    /// No configuration.
    NoConfig,
    /// The list was sent, and everyone was accepted.
    Sent,
    /// The list was sent, and everyone is unknown.
    Unknown,
    /// The same, and then an operator has decided.
    Resolved,
    /// The list was sent, and then its journal was damaged.
    Damaged,
    /// As a fresh one; the command serves until it is interrupted.
    Serves,
}

/// A command, found by a part of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) command: &'static str,
    pub(crate) start: Start,
    /// Variables that take the place of a person at a terminal.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    pub(crate) code: u8,
}

const fn row(command: &'static str, start: Start) -> Row {
    Row { command, start, variables: &[], code: 0 }
}

/// Says yes to the question that a terminal would be asked.
const fn confirmed(command: &'static str, start: Start) -> Row {
    Row { command, start, variables: &[("VESCLI_YES", "1")], code: 0 }
}

/// The row of a command that has none.
pub(crate) const ANY: Row = row("", Start::Fresh);

/// The first row whose text is part of a command applies to it.
pub(crate) const ROWS: &[Row] = &[
    row("vescli config init", Start::NoConfig),
    row("vescli sandbox --rate 30/m --log requests.ndjson", Start::Serves),
    Row { code: 42, ..row("vescli sandbox -- vescli send --email status-429@", Start::Fresh) },
    row("vescli sandbox -- vescli", Start::Fresh),
    row("--undo", Start::Resolved),
    row("vescli journal resolve", Start::Unknown),
    row("vescli journal check users.csv --json", Start::Sent),
    Row { code: 65, ..row("vescli journal check users.csv", Start::Damaged) },
    row("vescli journal repair", Start::Damaged),
    row("vescli journal rm users.csv --yes", Start::Sent),
    confirmed("vescli journal rm users.csv", Start::Sent),
    row("vescli journal", Start::Sent),
    row("vescli bulk users.csv --profile prod --rate 30/m --yes", Start::Fresh),
    confirmed("vescli bulk users.csv --profile prod --rate 30/m", Start::Fresh),
    confirmed("vescli bulk users.csv", Start::Fresh),
];

/// What is not run: how the command begins, and why.
pub(crate) const NOT_RUN: &[(&str, &str)] = &[
    ("cargo run --locked --release -- sandbox", "builds for minutes; .ci/run runs this very line"),
    ("cargo install --locked --path .", "builds for minutes, and changes the machine"),
    ("cargo test --", "builds for minutes; .ci/run runs these checks; that they exist is checked"),
    ("cargo audit bin", "asks the network for known vulnerabilities, so its answer changes by the day"),
    ("cargo deny check advisories", "asks the network for known vulnerabilities, so its answer changes by the day"),
    ("cargo bench --", "measures for minutes; that it exists is checked"),
    ("VESCLI_CASES=", "the large size of a check that .ci/run runs in a small one; that it exists is checked"),
    ("VESCLI_KILLS=", "the large size of a check that .ci/run runs in a small one; that it exists is checked"),
    ("VESCLI_DAMAGE=", "the large size of a check that .ci/run runs in a small one; that it exists is checked"),
    ("VESCLI_POWER_CUTS=", "the large size of a check that .ci/run runs in a small one; that it exists is checked"),
    ("VESCLI_MODEL=", "the large size of a check that .ci/run runs in a small one; that it exists is checked"),
    ("VESCLI_LATE=", "the large size of a check that .ci/run runs in a small one; that it exists is checked"),
    ("VESCLI_REWRITE=", "changes the checkout; the check that it belongs to is part of `cargo test`"),
    (".ci/", "runs this test itself"),
    ("man -l man/vescli.7", "needs man-db, and .ci/run shows all pages"),
];

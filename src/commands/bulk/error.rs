//! What keeps a list from being sent.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::bulk::list::{BadRow, RowsError};

/// Most invalid rows that a message lists.
const LISTED: usize = 20;

/// What keeps a list from being sent.
#[derive(Debug, Error)]
pub enum BulkError {
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{name}: {error}")]
    Rows { name: String, error: RowsError },
    #[error("{name}: {count} of its rows cannot be used, nothing was sent{lines}", count = .bad.len(), lines = lines(.bad))]
    BadRows {
        name: String,
        bad: Vec<BadRow>,
        /// Whether other rows can be used.
        usable: bool,
    },
    #[error("both the token and the list would come from standard input")]
    TwoInputs,
    #[error("{0}; nothing was sent, because neither --known skip nor --known send says what to do with them")]
    Known(String),
    #[error("{0}; nothing was sent, because neither --known skip nor --known send says what to do with them")]
    Unread(String),
    #[error(
        "cannot ask for confirmation: standard input is not a terminal; {0} would be mailed: check the plan with --dry-run, then add --yes"
    )]
    NotAsked(String),
}

fn lines(bad: &[BadRow]) -> String {
    let mut text = String::new();
    for row in bad.iter().take(LISTED) {
        text.push_str(&format!("\n  line {}: {}", row.line, row.reason));
    }
    if let Some(rest) = bad.len().checked_sub(LISTED + 1) {
        text.push_str(&format!("\n  and {} more", rest + 1));
    }
    text
}

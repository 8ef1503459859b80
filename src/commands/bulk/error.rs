//! What keeps a list from being sent.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::bulk::list::{BadRow, RowsError};

/// Most rows that cannot be used that a message lists.
const LISTED: usize = 20;

/// What keeps a list from being sent.
#[derive(Debug, Error)]
pub enum BulkError {
    /// It is not there.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// It cannot be opened.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The list.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be used as a whole.
    #[error("{name}: {error}")]
    Rows {
        /// The list.
        name: String,
        /// Why.
        error: RowsError,
    },
    /// Some of its rows cannot be used.
    #[error("{name}: {count} of its rows cannot be used, nothing was sent{lines}", count = .bad.len(), lines = lines(.bad))]
    BadRows {
        /// The list.
        name: String,
        /// The rows.
        bad: Vec<BadRow>,
        /// Whether there are others that can be.
        usable: bool,
    },
    /// Token and list both come from standard input.
    #[error("both the token and the list would come from standard input")]
    TwoInputs,
    /// Some people are known from other lists, and nobody has said what to do with them.
    #[error("{0}; nothing was sent, because neither --known skip nor --known send says what to do with them")]
    Known(String),
    /// A journal that may know people of this list cannot be read, and nobody has said what to do with them.
    #[error("{0}; nothing was sent, because neither --known skip nor --known send says what to do with them")]
    Unread(String),
    /// Nobody can be asked.
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

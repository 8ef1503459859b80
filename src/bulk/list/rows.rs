//! Collects the rows of a list in any format, checks them, and removes repeats.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::io;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use crate::api::operation::{check_email, check_text};
use crate::bulk::journal::fold_name;

/// The format of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Detected from the content.
    #[default]
    Auto,
    /// A table with a header. The separator is detected.
    Csv,
    Ndjson,
    Lines,
}

impl Format {
    /// The value of `--format`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Lines => "lines",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        [Self::Auto, Self::Csv, Self::Ndjson, Self::Lines].into_iter().find(|format| format.word() == word)
    }

    /// The format that the name of a file shows, or [`Format::Auto`].
    pub fn of_name(path: &Path) -> Self {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("csv" | "tsv") => Self::Csv,
            Some("ndjson" | "jsonl") => Self::Ndjson,
            _ => Self::Auto,
        }
    }
}

/// One person to be mailed. Small, because there may be a million of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the row's first line in the list, from 1.
    pub line: u64,
    /// The address, checked.
    pub email: Box<str>,
    /// The cname, checked, if the row has one. Consecutive rows share an equal cname.
    pub cname: Option<Arc<str>>,
}

/// A list that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// The rows that can be sent, in the order of the list. Each pair of address and cname appears once.
    pub rows: Vec<Row>,
    /// How many rows were removed because an earlier row has the same address and cname. Case is ignored.
    pub repeats: u64,
    /// How many rows have the address of an earlier row and another cname. Each of them is a separate mail.
    pub other_cname: u64,
    /// The names of columns or fields that are not read, in the order of the list.
    pub ignored_columns: Vec<String>,
    /// The rows that cannot be sent, in the order of the list.
    pub bad: Vec<BadRow>,
    /// The SHA-256 of the original bytes, in hexadecimal digits.
    pub sha256: String,
    /// The format in which it was read; never [`Format::Auto`].
    pub format: Format,
}

/// Columns that would send a row to another service. They are refused, because one run sends to one service.
const REFUSED_COLUMNS: [&str; 2] = ["tenant", "region"];

/// The first of [`REFUSED_COLUMNS`] that is among the names.
pub(super) fn refused_column(names: &[impl AsRef<str>]) -> Option<&'static str> {
    REFUSED_COLUMNS.into_iter().find(|word| names.iter().any(|name| name.as_ref().trim().eq_ignore_ascii_case(word)))
}

/// At most this many ignored columns are named.
const IGNORED_COLUMNS_MAX: usize = 64;

/// The index of the first row with this hash for which `is_same` is true. If there is none, inserts the index `next`
/// and returns nothing. A row with the same hash as another one gets the next free number, because it is not a repeat.
fn first_or_insert(
    indexes: &mut HashMap<u64, u32>,
    mut hash: u64,
    next: usize,
    is_same: impl Fn(usize) -> bool,
) -> Option<usize> {
    loop {
        match indexes.entry(hash) {
            Entry::Vacant(entry) => {
                // A list of four thousand million rows does not fit into memory anyway.
                entry.insert(u32::try_from(next).unwrap_or(u32::MAX));
                return None;
            }
            Entry::Occupied(entry) if is_same(*entry.get() as usize) => return Some(*entry.get() as usize),
            Entry::Occupied(_) => hash = hash.wrapping_add(1),
        }
    }
}

/// Collects the rows while the list is read.
#[derive(Default)]
pub(super) struct Collector<'a> {
    default_cname: &'a str,
    allow_any_email: bool,
    list: List,
    /// The index of the first row with an address, by the hash of the address: a second copy of a million addresses
    /// would be too large.
    by_email: HashMap<u64, u32>,
    /// The address and cname of all other rows with an address. Most lists have none.
    others: HashSet<(String, String)>,
    hasher: RandomState,
    /// The cname of the last row. The next row often has the same one.
    last_cname: Option<Arc<str>>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(default_cname: &'a str, allow_any_email: bool) -> Self {
        Self { default_cname, allow_any_email, ..Self::default() }
    }

    /// Adds a row. An empty cname counts as none.
    pub(super) fn row(&mut self, line: u64, email: &str, cname: Option<&str>) {
        let cname = cname.filter(|cname| !cname.is_empty());
        if let Err(error) = check_email(email, self.allow_any_email) {
            self.bad(line, format!("the address `{}` {error}", short(email)));
        } else if let Some((cname, error)) = cname.and_then(|cname| Some((cname, check_text(cname).err()?))) {
            self.bad(line, format!("the cname `{}` {error}", short(cname)));
        } else if self.is_repeat(email, cname.unwrap_or(self.default_cname)) {
            self.list.repeats += 1;
        } else {
            let cname = cname.map(|cname| self.shared(cname));
            self.list.rows.push(Row { line, email: email.into(), cname });
        }
    }

    /// Whether an earlier row has this address and this cname. If not, notes the next row under both.
    fn is_repeat(&mut self, email: &str, cname: &str) -> bool {
        let (email, cname) = (email.to_lowercase(), fold_name(cname));
        let rows = &self.list.rows;
        let hash = self.hasher.hash_one(&email);
        let has_email = |index: usize| rows.get(index).is_some_and(|row| row.email.to_lowercase() == email);
        let Some(first) = first_or_insert(&mut self.by_email, hash, rows.len(), has_email) else {
            return false;
        };
        let first = rows.get(first).and_then(|row| row.cname.as_deref()).unwrap_or(self.default_cname);
        let is_repeat = fold_name(first) == cname || !self.others.insert((email, cname.into_owned()));
        self.list.other_cname += u64::from(!is_repeat);
        is_repeat
    }

    fn shared(&mut self, cname: &str) -> Arc<str> {
        let last = self.last_cname.take().filter(|last| **last == *cname);
        Arc::clone(self.last_cname.insert(last.unwrap_or_else(|| cname.into())))
    }

    pub(super) fn bad(&mut self, line: u64, reason: String) {
        self.list.bad.push(BadRow { line, reason });
    }

    /// Notes a column that is not read.
    pub(super) fn ignore(&mut self, name: &str) {
        let ignored = &mut self.list.ignored_columns;
        if ignored.len() < IGNORED_COLUMNS_MAX && !ignored.iter().any(|known| known == name) {
            ignored.push(name.to_owned());
        }
    }

    pub(super) fn finish(self, format: Format, sha256: String) -> Result<List, RowsError> {
        if self.list.rows.is_empty() && self.list.bad.is_empty() {
            return Err(RowsError::Empty);
        }
        Ok(List { sha256, format, ..self.list })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The number of its first line in the list, from 1.
    pub line: u64,
    /// What is wrong with it. Contains text of the list, shortened, which must be escaped before it is shown.
    pub reason: String,
}

/// Why a list cannot be used at all. Messages contain text of the list, which must be escaped before it is shown.
#[derive(Debug, Error)]
pub enum RowsError {
    #[error("the list cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("the list contains no rows")]
    Empty,
    #[error(
        "line {line} is not UTF-8 text; most likely it is Latin-1: convert the list with `iconv -f latin1 -t utf-8`"
    )]
    NotUtf8 { line: u64 },
    #[error("the list is UTF-16 text, not UTF-8: convert it with `iconv -f utf-16 -t utf-8`")]
    Utf16,
    #[error("the list is a workbook or an archive, not text: export it as CSV (UTF-8) from the program that made it")]
    Workbook,
    #[error("the list is a JSON array; one object per line is needed: convert it with `jq -c '.[]'`")]
    JsonArray,
    #[error(
        "line {line}: no column is called `email`; the columns are {}: rename the one with the addresses", listed(.columns)
    )]
    NoEmailColumn { line: u64, columns: Vec<String> },
    #[error(
        "line {line} contains an address where the column names belong: put a line such as `email,cname` on top; for one address per line without a header, use --format lines"
    )]
    NoHeader { line: u64 },
    #[error("line {line}: two columns are called `{name}`: rename the one that is not meant")]
    TwoColumns { line: u64, name: &'static str },
    #[error(
        "line {line}: a list cannot have a `{name}` for each row, because one run is for one tenant: make one list per {name}, set it with --{name}, and remove the column"
    )]
    RefusedColumn { line: u64, name: &'static str },
    #[error("line {line}: a quote is opened and never closed, so the rows after it cannot be separated")]
    OpenQuote { line: u64 },
    #[error("line {line}: there is text after a closing quote: a quote inside a quoted field has to be written twice")]
    StrayQuote { line: u64 },
    #[error("line {line} is longer than 1 MiB: this is not a list of addresses")]
    TooLong { line: u64 },
}

/// A message names at most this many columns.
const COLUMNS_NAMED_MAX: usize = 12;

fn listed(columns: &[String]) -> String {
    let named: Vec<String> = columns.iter().take(COLUMNS_NAMED_MAX).map(|name| format!("`{}`", short(name))).collect();
    let rest = columns.get(COLUMNS_NAMED_MAX..).filter(|rest| !rest.is_empty());
    named.join(", ") + &rest.map_or_else(String::new, |rest| format!(" and {} more", rest.len()))
}

/// Text of the list, shortened for a message.
pub(super) fn short(text: &str) -> String {
    let end = text.char_indices().nth(80).map(|(end, _)| end);
    let cut = end.map_or_else(|| text.to_owned(), |end| format!("{}…", &text[..end]));
    // A line break inside a cell must not look like the end of the message.
    cut.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::first_or_insert;

    #[test]
    fn addresses_with_the_same_hash_are_different_rows() {
        let rows = ["ada", "bob", "cy"];
        let mut seen = std::collections::HashMap::default();
        for round in 0..2 {
            for (index, row) in rows.iter().enumerate() {
                let found = first_or_insert(&mut seen, 7, index, |other| rows[other] == *row);
                assert_eq!(found, (round == 1).then_some(index), "{row}");
            }
        }
    }
}

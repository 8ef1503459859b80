//! Takes rows of whatever format, checks them, and drops repeats.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::sync::Arc;

use super::error::{BadRow, RowsError, short};
use super::{Format, List, Row};
use crate::api::recipient::{check_email, check_text};
use crate::bulk::journal::fold_name;

/// Most ignored columns that are named.
const IGNORED_MAX: usize = 64;

/// Where rows stand, by a hash.
#[derive(Default)]
struct Seen {
    places: HashMap<u64, u32>,
    /// Rows whose hash is that of another one. Next to none, but they must not be taken for repeats.
    collided: Vec<u32>,
}

impl Seen {
    /// The row that `is_same` among those with this hash; if there is none, the `next` row is noted under it.
    fn first(&mut self, hash: u64, next: usize, is_same: impl Fn(usize) -> bool) -> Option<usize> {
        // A list of four thousand million rows does not fit into the memory anyway.
        let next = u32::try_from(next).unwrap_or(u32::MAX);
        let first = match self.places.entry(hash) {
            Entry::Vacant(place) => {
                place.insert(next);
                return None;
            }
            Entry::Occupied(first) => *first.get(),
        };
        let found = std::iter::once(first)
            .chain(self.collided.iter().copied())
            .map(|index| index as usize)
            .find(|index| is_same(*index));
        if found.is_none() {
            self.collided.push(next);
        }
        found
    }
}

/// What was read so far.
pub(super) struct Collector<'a> {
    default_cname: &'a str,
    allow_any_email: bool,
    rows: Vec<Row>,
    bad: Vec<BadRow>,
    ignored: Vec<String>,
    repeats: u64,
    other_cname: u64,
    /// Where the first row of an address stands. Hashes, because a million addresses once more would be too many.
    seen: Seen,
    /// Where the other rows of an address stand, by address and cname: mostly there are none.
    others: Seen,
    hasher: RandomState,
    /// The cname of the row before: mostly the same again.
    last_cname: Option<Arc<str>>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(default_cname: &'a str, allow_any_email: bool) -> Self {
        Self {
            default_cname,
            allow_any_email,
            rows: Vec::new(),
            bad: Vec::new(),
            ignored: Vec::new(),
            repeats: 0,
            other_cname: 0,
            seen: Seen::default(),
            others: Seen::default(),
            hasher: RandomState::new(),
            last_cname: None,
        }
    }

    /// A row. An empty cname is none.
    pub(super) fn row(&mut self, line: u64, email: &str, cname: Option<&str>) {
        let cname = cname.filter(|cname| !cname.is_empty());
        if let Err(error) = check_email(email, self.allow_any_email) {
            return self.bad(line, format!("the address `{}` {error}", short(email)));
        }
        if let Some(cname) = cname
            && let Err(error) = check_text(cname)
        {
            return self.bad(line, format!("the cname `{}` {error}", short(cname)));
        }
        if self.is_repeat(email, cname.unwrap_or(self.default_cname)) {
            self.repeats += 1;
            return;
        }
        let cname = cname.map(|cname| self.shared(cname));
        self.rows.push(Row { line, email: email.into(), cname });
    }

    /// Whether a row has this address and this cname already; if none has, the next row is noted under both.
    fn is_repeat(&mut self, email: &str, cname: &str) -> bool {
        let (email, cname) = (email.to_lowercase(), fold_name(cname));
        let (rows, default) = (&self.rows, self.default_cname);
        let has_email = |index: usize| {
            let row = rows.get(index);
            row.is_some_and(|row| row.email.to_lowercase() == email)
        };
        let has_cname = |index: usize| {
            let row = rows.get(index);
            row.is_some_and(|row| fold_name(row.cname.as_deref().unwrap_or(default)) == cname)
        };
        let hash = self.hasher.hash_one(&email);
        let Some(first) = self.seen.first(hash, rows.len(), has_email) else {
            return false;
        };
        let hash = || self.hasher.hash_one((&email, &cname));
        let has_both = |index: usize| has_email(index) && has_cname(index);
        let found = has_cname(first) || self.others.first(hash(), rows.len(), has_both).is_some();
        self.other_cname += u64::from(!found);
        found
    }

    fn shared(&mut self, cname: &str) -> Arc<str> {
        match &self.last_cname {
            Some(last) if **last == *cname => Arc::clone(last),
            _ => {
                let fresh: Arc<str> = cname.into();
                self.last_cname = Some(Arc::clone(&fresh));
                fresh
            }
        }
    }

    /// A row that cannot be sent.
    pub(super) fn bad(&mut self, line: u64, reason: String) {
        self.bad.push(BadRow { line, reason });
    }

    /// A column that means nothing here.
    pub(super) fn ignore(&mut self, name: &str) {
        if self.ignored.len() < IGNORED_MAX && !self.ignored.iter().any(|known| known == name) {
            self.ignored.push(name.to_owned());
        }
    }

    pub(super) fn finish(self, format: Format, sha256: String) -> Result<List, RowsError> {
        if self.rows.is_empty() && self.bad.is_empty() {
            return Err(RowsError::Empty);
        }
        Ok(List {
            rows: self.rows,
            repeats: self.repeats,
            other_cname: self.other_cname,
            ignored_columns: self.ignored,
            bad: self.bad,
            sha256,
            format,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn addresses_that_share_a_hash_are_not_taken_for_one() {
        let rows = ["ada", "bob", "cy"];
        let mut seen = Seen::default();
        for round in 0..2 {
            for (index, row) in rows.iter().enumerate() {
                let found = seen.first(7, index, |other| rows[other] == *row);
                assert_eq!(found, (round == 1).then_some(index), "{row}");
            }
        }
    }
}

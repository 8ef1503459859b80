//! The states of the rows of a journal.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::path::PathBuf;

use super::error::Flaw;
use super::key::{KeyHasher, RowKey};
use super::record::{Record, Resolution};
use super::run_record::RunRecord;
use crate::api::outcome::Outcome;
use crate::settings::clock::Timestamp;

/// A row after its last record. Small: there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowState {
    /// It was about to be sent, and no record shows how it ended.
    Intended {
        attempt: u32,
    },
    Accepted {
        at: Timestamp,
    },
    Rejected {
        status: Option<u16>,
        /// Whether the next run sends it without another flag: the reason was not its own.
        due: bool,
    },
    NotSent,
    /// It was sent, and no answer shows its outcome.
    Unknown {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
    },
    /// It was unknown, and an operator resolved it.
    Resolved(Resolution),
}

impl RowState {
    /// What it means for the recipient. An intent without an end is unknown.
    pub const fn effective(self) -> Outcome {
        match self {
            Self::Accepted { .. } => Outcome::Accepted,
            Self::Rejected { .. } => Outcome::Rejected,
            Self::NotSent => Outcome::NotSent,
            Self::Intended { .. } | Self::Unknown { .. } => Outcome::Unknown,
            Self::Resolved(resolution) => resolution.outcome(),
        }
    }

    /// Whether an operator may record this: what they found out about an unknown row, or that they take it back.
    pub fn can_be_resolved(self, resolution: Resolution) -> bool {
        match resolution {
            Resolution::Unknown => matches!(self, Self::Resolved(before) if before != Resolution::Unknown),
            Resolution::Accepted | Resolution::NotSent => self.effective() == Outcome::Unknown,
        }
    }
}

impl RowState {
    pub(super) const fn ended(outcome: Outcome, status: Option<u16>, due: bool, at: Timestamp) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted { at },
            Outcome::Rejected => Self::Rejected { status, due },
            Outcome::NotSent => Self::NotSent,
            Outcome::Unknown => Self::Unknown { status },
        }
    }

    /// What counts where journals differ. A row that is due goes out unasked, like one that was not sent.
    pub(super) const fn weight(self) -> u8 {
        match self.effective() {
            Outcome::Accepted => 4,
            Outcome::Unknown => 3,
            Outcome::Rejected if matches!(self, Self::Rejected { due: true, .. }) => 1,
            Outcome::Rejected => 2,
            Outcome::NotSent => 0,
        }
    }
}

/// How many rows there are of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub accepted: u64,
    pub rejected: u64,
    pub not_sent: u64,
    pub unknown: u64,
    /// How many of these the next run sends without another flag.
    pub due: u64,
}

impl Counts {
    pub const fn total(&self) -> u64 {
        self.accepted + self.rejected + self.not_sent + self.unknown
    }
}

/// What a journal knew when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Every row that was ever about to be sent.
    pub states: HashMap<RowKey, RowState, BuildHasherDefault<KeyHasher>>,
    /// The runs before this one, the first one first.
    pub runs: Vec<RunRecord>,
    /// When the first and the last row were accepted.
    pub accepted: Option<(Timestamp, Timestamp)>,
    /// How many bytes of an unfinished record were cut off the end.
    pub cut: u64,
    /// Where the old journal is now, after `--fresh`.
    pub set_aside: Option<PathBuf>,
}

impl Recovered {
    /// The state of a row; nothing if the row was never about to be sent.
    pub fn state(&self, key: RowKey) -> Option<RowState> {
        self.states.get(&key).copied()
    }

    /// How many rows there are of each outcome.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for state in self.states.values() {
            let is_due = matches!(state, RowState::Rejected { due: true, .. });
            counts.due += u64::from(is_due || state.effective() == Outcome::NotSent);
            match state.effective() {
                Outcome::Accepted => counts.accepted += 1,
                Outcome::Rejected => counts.rejected += 1,
                Outcome::NotSent => counts.not_sent += 1,
                Outcome::Unknown => counts.unknown += 1,
            }
        }
        counts
    }

    pub(super) fn apply(&mut self, record: Record) -> Result<(), Flaw> {
        if self.runs.is_empty() && !matches!(record, Record::Run(_)) {
            return Err(Flaw::NoRun);
        }
        match record {
            // A journal that was put together has a run's record wherever requests of that run begin.
            Record::Run(run) if self.runs.iter().any(|known| known.id == run.id) => {}
            Record::Run(run) => self.runs.push(*run),
            Record::Intent { key, attempt } => {
                let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
                self.states.insert(key, RowState::Intended { attempt });
            }
            Record::End { key, outcome, status, due, at } => {
                if outcome == Outcome::Accepted {
                    let (first, last) = self.accepted.unwrap_or((at, at));
                    self.accepted = Some((first.min(at), last.max(at)));
                }
                self.end(key, RowState::ended(outcome, status, due, at))?;
            }
            Record::Resolved { key, resolution } => self.end(key, RowState::Resolved(resolution))?,
            Record::Synced { .. } => {}
        }
        Ok(())
    }

    /// An end without its intent means that a line is lost, and others may be lost too.
    fn end(&mut self, key: RowKey, state: RowState) -> Result<(), Flaw> {
        let before = self.states.get_mut(&key).ok_or(Flaw::NoIntent)?;
        *before = state;
        Ok(())
    }
}

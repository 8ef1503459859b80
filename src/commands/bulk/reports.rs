//! The files that a run leaves for other programs, `--junit` and `--metrics`: opened before anyone is mailed, written at
//! the end.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::api::failure::without_number;
use crate::bulk::plan::Plan;
use crate::bulk::results::Tally;
use crate::commands::error::CommandError;
use crate::report::atomic_file::{AtomicFile, Readers};
use crate::report::bulk_text::PlanFacts;
use crate::report::exit::Ending;
use crate::report::junit::Cases;
use crate::report::{Reporter, metrics};
use crate::settings::bulk::BulkSettings;

/// The files, if they were asked for.
#[derive(Debug, Default)]
pub(super) struct Reports {
    junit: Option<AtomicFile>,
    metrics: Option<AtomicFile>,
    started: Option<SystemTime>,
}

impl Reports {
    /// A file that would destroy the list, the journal or the other report is an error of usage.
    pub(super) fn open(bulk: &BulkSettings, list: &Path, journal: &Path) -> Result<Self, CommandError> {
        let open = |flag, path: Option<&Path>, readers, others: &[&Path]| {
            let Some(path) = path else {
                return Ok(None);
            };
            let file = AtomicFile::open(path, readers).map_err(|error| {
                let error = without_number(&error.to_string());
                CommandError::Io(format!("{flag} {}: cannot be written: {error}; nothing was sent", path.display()))
            })?;
            if others.iter().any(|other| file.replaces(other)) {
                let message = format!("{flag} {} would replace another file of this run", path.display());
                return Err(CommandError::usage(message, "give list, journal and reports a file each"));
            }
            Ok(Some(file))
        };
        let (junit, metrics) = (bulk.junit.as_deref(), bulk.metrics.as_deref());
        let others = [list, journal, junit.unwrap_or(list)];
        Ok(Self {
            junit: open("--junit", junit, Readers::Owner, &others[..2])?,
            metrics: open("--metrics", metrics, Readers::Others, &others)?,
            started: Some(SystemTime::now()),
        })
    }

    /// Where ends are noted, if a report is to have every row.
    pub(super) fn cases(&self, plan: &Plan) -> Option<Cases> {
        self.junit.as_ref().map(|_| Cases::new(plan))
    }

    /// Writes the files of a run that has ended. Its exit code does not change: it is about the rows, and a job that
    /// needs its file notices that it is missing.
    pub(super) fn write(
        &self,
        facts: &PlanFacts,
        tally: &Tally,
        cases: Option<Cases>,
        ending: Ending,
        reporter: &mut Reporter,
    ) {
        let ended = SystemTime::now();
        let started = self.started.unwrap_or(ended);
        let mut warn = |flag, written: io::Result<()>| {
            if let Err(error) = written {
                let error = without_number(&error.to_string());
                reporter.warn_always(&format!("the file of {flag} could not be written: {error}"));
            }
        };
        if let (Some(file), Some(cases)) = (&self.junit, cases) {
            let elapsed = ended.duration_since(started).unwrap_or_default();
            warn("--junit", file.write(|out| cases.write(facts, started, elapsed, out)));
        }
        if let Some(file) = &self.metrics {
            let text = metrics::text(facts, tally, [started, ended], ending.code());
            warn("--metrics", file.write(|out| out.write_all(text.as_bytes())));
        }
    }
}

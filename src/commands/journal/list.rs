//! `vescli journal list`: every journal in the folder, on a line each.

use std::path::Path;

use serde::Serialize;

use crate::bulk::journal::{Counts, JournalError, Recovered, Scan, kept_in, leftovers_in, look};
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::bulk_text::due;
use crate::report::escape::json_line;
use crate::report::text::counted;

#[derive(Debug, Serialize)]
struct ListDocument {
    schema: &'static str,
    ok: bool,
    folder: String,
    journals: Vec<JournalDocument>,
    leftovers: Vec<String>,
}

/// A journal that cannot be read has nothing but its path and the error.
#[derive(Debug, Serialize)]
struct JournalDocument {
    path: String,
    url: Option<String>,
    tenant: Option<String>,
    runs: usize,
    first_run: Option<String>,
    last_run: Option<String>,
    rows: Counts,
    accepted_first: Option<String>,
    accepted_last: Option<String>,
    error: Option<String>,
}

/// A journal that cannot be read is listed with its error.
pub(super) fn list(folder: &Path, reporter: &Reporter) -> Result<String, CommandError> {
    let paths = kept_in(folder)?;
    let leftovers = leftovers_in(folder)?;
    let scans = paths.iter().map(|path| (path, look(path)));
    if reporter.output().json {
        return Ok(json_line(&ListDocument {
            schema: "vescli.journals/1",
            ok: true,
            folder: folder.to_string_lossy().into_owned(),
            journals: scans.map(|(path, found)| document(path, &found)).collect(),
            leftovers: leftovers.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        }));
    }
    let mut text = if paths.is_empty() {
        format!("no journals in {}\n", reporter.path(folder))
    } else {
        scans.map(|(path, found)| line(path, &found, reporter)).collect()
    };
    if !leftovers.is_empty() {
        text.push_str(&format!(
            "{} of killed runs: `vescli journal prune` removes them\n",
            counted(leftovers.len() as u64, "file")
        ));
    }
    Ok(text)
}

/// What keeps a journal from being used.
fn error_of(found: &Result<Scan, JournalError>) -> Option<String> {
    match found {
        Ok(scan) => scan.damage.first().map(|damage| format!("damaged at line {}: {}", damage.line, damage.flaw)),
        Err(error) => Some(error.to_string()),
    }
}

fn line(path: &Path, found: &Result<Scan, JournalError>, reporter: &Reporter) -> String {
    let path = reporter.path(path);
    if let Some(error) = error_of(found) {
        return format!("{path}  {}\n", reporter.out_style().error(&reporter.redactor().escape(&error)));
    }
    let Ok(Scan { recovered, .. }) = found else {
        return format!("{path}\n");
    };
    let last = recovered.runs.last().map_or_else(|| "never".to_owned(), |run| run.at.to_string());
    format!("{path}  last run {last}  {}\n", outcomes(&recovered.counts()))
}

pub(super) fn outcomes(counts: &Counts) -> String {
    let due = if counts.due > counts.not_sent { due(counts.due) } else { String::new() };
    format!(
        "{} accepted, {} rejected, {} not_sent, {} unknown{due}",
        counts.accepted, counts.rejected, counts.not_sent, counts.unknown
    )
}

fn document(path: &Path, found: &Result<Scan, JournalError>) -> JournalDocument {
    let recovered = found.as_ref().map(|scan| &scan.recovered).ok();
    let runs = recovered.map_or(&[][..], |recovered| recovered.runs.as_slice());
    let accepted = recovered.and_then(|recovered| recovered.accepted);
    JournalDocument {
        path: path.to_string_lossy().into_owned(),
        url: runs.last().map(|run| run.url.clone()),
        tenant: runs.last().and_then(|run| run.tenant.clone()),
        runs: runs.len(),
        first_run: runs.first().map(|run| run.at.to_string()),
        last_run: runs.last().map(|run| run.at.to_string()),
        rows: recovered.map(Recovered::counts).unwrap_or_default(),
        accepted_first: accepted.map(|(first, _)| first.to_string()),
        accepted_last: accepted.map(|(_, last)| last.to_string()),
        error: error_of(found),
    }
}

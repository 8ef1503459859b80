//! `vescli journal list` and `show`: every journal in the folder, on a line each; and all of one journal, with the rows that
//! need a decision.

use std::path::Path;

use serde::Serialize;

use crate::api::outcome::Outcome;
use crate::bulk::journal::{
    Author, Counts, JournalError, Recovered, RowKey, RowState, RunRecord, Scan, find_intents, inspect, journals_in,
    leftovers_in,
};
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::bulk_text::due;
use crate::report::escape::{json_line, quote};
use crate::report::text::counted;

#[derive(Debug, Serialize)]
struct ListDocument {
    schema: &'static str,
    ok: bool,
    folder: String,
    journals: Vec<JournalDocument>,
    leftovers: Vec<String>,
    exit_code: u8,
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
    /// Whether it is of single sends, not of a list.
    single_sends: bool,
    error: Option<String>,
}

/// A journal that cannot be read is listed with its error.
pub(super) fn list(folder: &Path, reporter: &Reporter) -> Result<String, CommandError> {
    let paths = journals_in(folder)?;
    let leftovers = leftovers_in(folder)?;
    let scans = paths.iter().map(|path| (path, inspect(path)));
    if reporter.output().json {
        return Ok(json_line(&ListDocument {
            schema: "vescli.journals/1",
            ok: true,
            folder: folder.to_string_lossy().into_owned(),
            journals: scans.map(|(path, found)| list_document(path, &found)).collect(),
            leftovers: leftovers.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
            exit_code: 0,
        }));
    }
    let mut text = if paths.is_empty() {
        format!("no journals in {}\n", reporter.path(folder))
    } else {
        scans.map(|(path, found)| list_line(path, &found, reporter)).collect()
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

fn list_line(path: &Path, found: &Result<Scan, JournalError>, reporter: &Reporter) -> String {
    let path = reporter.path(path);
    if let Some(error) = error_of(found) {
        return format!("{path}  {}\n", reporter.out_style().error(&reporter.redactor().escape(&error)));
    }
    let Ok(Scan { recovered, .. }) = found else {
        return format!("{path}\n");
    };
    let last = recovered.runs.last().map_or_else(|| "never".to_owned(), |run| run.at.to_string());
    let what = if of_single_sends(recovered) { "single sends, last" } else { "last run" };
    format!("{path}  {what} {last}  {}\n", outcomes(&recovered.counts()))
}

fn of_single_sends(recovered: &Recovered) -> bool {
    recovered.runs.last().is_some_and(RunRecord::is_single_send)
}

pub(super) fn outcomes(counts: &Counts) -> String {
    let due = if counts.due > counts.not_sent { due(counts.due) } else { String::new() };
    format!(
        "{} accepted, {} rejected, {} not_sent, {} unknown{due}",
        counts.accepted, counts.rejected, counts.not_sent, counts.unknown
    )
}

fn list_document(path: &Path, found: &Result<Scan, JournalError>) -> JournalDocument {
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
        single_sends: recovered.is_some_and(of_single_sends),
        error: error_of(found),
    }
}

#[derive(Debug, Serialize)]
struct ShowDocument {
    schema: &'static str,
    ok: bool,
    path: String,
    url: Option<String>,
    tenant: Option<String>,
    runs: Vec<RunDocument>,
    rows: Counts,
    accepted_first: Option<String>,
    accepted_last: Option<String>,
    unknown: Vec<UnknownDocument>,
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct RunDocument {
    id: String,
    at: String,
    rows: u64,
    input_sha256: String,
    vescli: String,
    user: Option<String>,
    host: Option<String>,
    job: Option<String>,
}

#[derive(Debug, Serialize)]
struct UnknownDocument {
    key: String,
    email: String,
    cname: String,
    row: u64,
    attempt: u64,
    at: String,
    status: Option<u16>,
    ended: bool,
}

/// A damaged journal is an error: a part of the rows would look like all of them.
pub(super) fn show(path: &Path, reporter: &Reporter) -> Result<String, CommandError> {
    let scan = inspect(path)?;
    if let Some(damage) = scan.damage.first() {
        return Err(JournalError::Damaged { path: path.to_owned(), damage: *damage }.into());
    }
    let recovered = scan.recovered;
    let unknown = unknown(path, &recovered)?;
    if reporter.output().json {
        return Ok(json_line(&document(path, &recovered, unknown)));
    }
    let mut text = summary(path, &recovered, reporter);
    if unknown.is_empty() {
        text.push_str("no row needs a decision\n");
        return Ok(text);
    }
    let heading = format!("rows that need a decision ({}):", unknown.len());
    text.push_str(&format!("{}\n", reporter.out_style().heading(&heading)));
    for row in &unknown {
        let how = match (row.ended, row.status) {
            (true, Some(status)) => format!("HTTP {status}"),
            (true, None) => "the answer is missing".to_owned(),
            (false, _) => "no answer in the journal".to_owned(),
        };
        text.push_str(&format!(
            "  unknown  {}  cname {}, row {}, attempt {}, {}, {how}\n",
            reporter.redactor().escape(&row.email),
            reporter.redactor().escape(&row.cname),
            row.row,
            row.attempt,
            reporter.redactor().escape(&row.at),
        ));
    }
    text.push_str("Ask these people or check the console, then run one of these for each; for the first:\n");
    if let Some(first) = unknown.first() {
        let word = |text: &str| reporter.redactor().escape_uncut(quote(text).as_bytes());
        let several = unknown.iter().filter(|row| row.email == first.email).count() > 1;
        let cname = if several { format!(" --cname {}", word(&first.cname)) } else { String::new() };
        for answer in ["accepted", "not-sent"] {
            text.push_str(&format!(
                "  vescli journal resolve {} --email {}{cname} --as {answer}\n",
                word(&path.to_string_lossy()),
                word(&first.email),
            ));
        }
    }
    Ok(text)
}

/// The rows that are unknown, in the order of the list.
fn unknown(path: &Path, recovered: &Recovered) -> Result<Vec<UnknownDocument>, JournalError> {
    let state = |key| recovered.state(key).filter(|state| state.effective() == Outcome::Unknown);
    let intents = find_intents(path, |key| state(key).is_some(), |_| true)?;
    let mut unknown: Vec<UnknownDocument> = intents
        .into_iter()
        .filter_map(|(key, intent): (RowKey, _)| {
            let (ended, status) = match state(key)? {
                RowState::Unknown { status } => (true, status),
                _ => (false, None),
            };
            Some(UnknownDocument {
                key: key.to_string(),
                email: intent.email,
                cname: intent.cname,
                row: intent.row,
                attempt: intent.attempt,
                at: intent.at,
                status,
                ended,
            })
        })
        .collect();
    unknown.sort_by(|a, b| (a.row, &a.key).cmp(&(b.row, &b.key)));
    Ok(unknown)
}

fn summary(path: &Path, recovered: &Recovered, reporter: &Reporter) -> String {
    let mut text = format!("journal   {}\n", reporter.path(path));
    if let (Some(first), Some(last)) = (recovered.runs.first(), recovered.runs.last()) {
        text.push_str(&format!("url       {}\n", reporter.redactor().escape(&last.url)));
        if let Some(tenant) = &last.tenant {
            text.push_str(&format!("tenant    {}\n", reporter.redactor().escape(tenant)));
        }
        let (runs, first, at) = (recovered.runs.len(), first.at, last.at);
        text.push_str(&if last.is_single_send() {
            format!("sends     {runs}, the first {first}, the last {at}\n")
        } else {
            format!("runs      {runs}, the first {first}, the last {at} with {} rows\n", last.rows)
        });
        text.push_str(&ran_by(last, reporter));
    }
    text.push_str(&format!("rows      {}\n", outcomes(&recovered.counts())));
    if let Some((first, last)) = recovered.accepted {
        text.push_str(&format!("accepted  from {first} to {last}\n"));
    }
    text
}

/// Who ran the last run, if its journal is new enough to say so.
fn ran_by(run: &RunRecord, reporter: &Reporter) -> String {
    let Author { user, host, job } = &run.author;
    let parts = [("", user), ("host ", host), ("job ", job)];
    let known = parts.into_iter().filter_map(|(label, value)| Some((label, value.as_deref()?)));
    let parts: Vec<String> =
        known.map(|(label, value)| format!("{label}{}", reporter.redactor().escape(value))).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("run by    {}, vescli {}\n", parts.join(", "), reporter.redactor().escape(&run.vescli))
    }
}

fn document(path: &Path, recovered: &Recovered, unknown: Vec<UnknownDocument>) -> ShowDocument {
    let last = recovered.runs.last();
    ShowDocument {
        schema: "vescli.journal/1",
        ok: true,
        path: path.to_string_lossy().into_owned(),
        url: last.map(|run| run.url.clone()),
        tenant: last.and_then(|run| run.tenant.clone()),
        runs: recovered
            .runs
            .iter()
            .map(|run| RunDocument {
                id: run.id.clone(),
                at: run.at.to_string(),
                rows: run.rows,
                input_sha256: run.input_sha256.clone(),
                vescli: run.vescli.clone(),
                user: run.author.user.clone(),
                host: run.author.host.clone(),
                job: run.author.job.clone(),
            })
            .collect(),
        rows: recovered.counts(),
        accepted_first: recovered.accepted.map(|(first, _)| first.to_string()),
        accepted_last: recovered.accepted.map(|(_, last)| last.to_string()),
        unknown,
        exit_code: 0,
    }
}

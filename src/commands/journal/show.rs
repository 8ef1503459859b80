//! `vescli journal list`, `show` and `export`: a line for each journal in the folder; a summary of one journal with the rows
//! that need a decision; and everyone in it with their outcome, for an auditor's spreadsheet or a script.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::api::outcome::Outcome;
use crate::bulk::journal::{
    Author, Counts, IntentDetails, JournalError, People, PersonState, Recovered, RowKey, RowState, RunRecord, Scan,
    find_intents, inspect, journals_in, leftovers_in,
};
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::bulk_text::due;
use crate::report::escape::{json_line, quote, success};
use crate::report::exit::{Ending, Exit};
use crate::report::json::document;
use crate::report::text::counted;

pub(super) fn list(folder: &Path, reporter: &Reporter) -> Result<String, CommandError> {
    let journals = journals_in(folder)?;
    let leftovers: Vec<String> = leftovers_in(folder)?.iter().map(|path| path.display().to_string()).collect();
    if reporter.output().json {
        let journals: Vec<_> = journals.iter().map(|path| listed(path)).collect();
        let folder = folder.display().to_string();
        let document = document! { folder: folder, journals: journals, leftovers: leftovers };
        return Ok(success("vescli.journals/1", document));
    }
    let mut text: String = journals.iter().map(|path| list_line(path, reporter)).collect();
    if journals.is_empty() {
        text = format!("no journals in {}\n", reporter.path(folder));
    }
    if !leftovers.is_empty() {
        let files = counted(leftovers.len() as u64, "file");
        text.push_str(&format!("{files} of killed runs: `vescli journal prune` removes them\n"));
    }
    Ok(text)
}

/// What a journal contains, and its damage. If it cannot be read, it counts as empty.
fn inspected(path: &Path) -> (Scan, Option<String>) {
    let scan = match inspect(path) {
        Ok(scan) => scan,
        Err(error) => return (Scan::default(), Some(error.to_string())),
    };
    let error = scan.damage.first().map(|damage| format!("damaged at line {}: {}", damage.line, damage.fault));
    (scan, error)
}

fn listed(path: &Path) -> impl Serialize + use<> {
    let (scan, error) = inspected(path);
    let Recovered { runs, accepted, .. } = &scan.recovered;
    let last = runs.last();
    let (accepted_first, accepted_last) = accepted.unzip();
    document! {
        path: path.display().to_string(),
        url: last.map(|run| run.url.clone()),
        tenant: last.and_then(|run| run.tenant.clone()),
        runs: runs.len(),
        first_run: runs.first().map(|run| run.at),
        last_run: last.map(|run| run.at),
        rows: scan.recovered.counts(),
        accepted_first: accepted_first,
        accepted_last: accepted_last,
        single_sends: last.is_some_and(RunRecord::is_single_send),
        error: error,
    }
}

fn list_line(path: &Path, reporter: &Reporter) -> String {
    let (scan, error) = inspected(path);
    let path = reporter.path(path);
    if let Some(error) = error {
        return format!("{path}  {}\n", reporter.out_style().error(&reporter.escape(&error)));
    }
    let last = scan.recovered.runs.last();
    let what = if last.is_some_and(RunRecord::is_single_send) { "single sends, last" } else { "last run" };
    let at = last.map_or_else(|| "never".to_owned(), |run| run.at.to_string());
    format!("{path}  {what} {at}  {}\n", outcomes(&scan.recovered.counts()))
}

pub(super) fn outcomes(counts: &Counts) -> String {
    let Counts { accepted, rejected, not_sent, unknown, due: is_due } = *counts;
    let due = if is_due > not_sent { due(is_due) } else { String::new() };
    format!("{accepted} accepted, {rejected} rejected, {not_sent} not_sent, {unknown} unknown{due}")
}

/// A row that needs a decision.
type Unknown = (RowKey, IntentDetails, RowState);

/// A damaged journal is an error: otherwise some of the rows would look like all rows.
pub(super) fn show(path: &Path, reporter: &Reporter) -> Result<String, CommandError> {
    let Scan { recovered, damage, .. } = inspect(path)?;
    if let Some(damage) = damage.first() {
        return Err(JournalError::Damaged { path: path.to_owned(), damage: *damage }.into());
    }
    let state = |key| recovered.state(key).filter(|state| state.effective() == Outcome::Unknown);
    let intents = find_intents(path, |key| state(key).is_some(), |_| true)?.into_iter();
    let mut unknown: Vec<Unknown> =
        intents.filter_map(|(key, intent)| state(key).map(|state| (key, intent, state))).collect();
    unknown.sort_by_key(|(key, intent, _)| (intent.row, *key));
    if reporter.output().json {
        return Ok(document(path, &recovered, &unknown));
    }
    Ok(summary(path, &recovered, reporter) + &decisions(path, &unknown, reporter))
}

fn document(path: &Path, recovered: &Recovered, unknown: &[Unknown]) -> String {
    let last = recovered.runs.last();
    let runs = recovered.runs.iter().map(|run| {
        document! {
            id: &run.id,
            at: run.at,
            rows: run.rows,
            input_sha256: &run.input_sha256,
            vescli: &run.vescli,
            #[serde(flatten)]
            author: &run.author,
        }
    });
    let unknown = unknown.iter().map(|(key, intent, state)| {
        document! {
            key: key.to_string(),
            email: &intent.email,
            cname: &intent.cname,
            row: intent.row,
            attempt: intent.attempt,
            at: &intent.at,
            status: if let RowState::Unknown { status } = *state { status } else { None },
            ended: matches!(state, RowState::Unknown { .. }),
        }
    });
    let (accepted_first, accepted_last) = recovered.accepted.unzip();
    let document = document! {
        path: path.display().to_string(),
        url: last.map(|run| &run.url),
        tenant: last.and_then(|run| run.tenant.as_ref()),
        runs: runs.collect::<Vec<_>>(),
        rows: recovered.counts(),
        accepted_first: accepted_first,
        accepted_last: accepted_last,
        unknown: unknown.collect::<Vec<_>>(),
    };
    success("vescli.journal/1", document)
}

fn summary(path: &Path, recovered: &Recovered, reporter: &Reporter) -> String {
    let mut text = String::new();
    let mut line = |label: &str, content: &str| text.push_str(&format!("{label:<9} {content}\n"));
    line("journal", &reporter.path(path));
    if let (Some(first), Some(last)) = (recovered.runs.first(), recovered.runs.last()) {
        line("url", &reporter.escape(&last.url));
        if let Some(tenant) = &last.tenant {
            line("tenant", &reporter.escape(tenant));
        }
        let (runs, first, at) = (recovered.runs.len(), first.at, last.at);
        let times = format!("{runs}, the first {first}, the last {at}");
        if last.is_single_send() {
            line("sends", &times);
        } else {
            line("runs", &format!("{times} with {}", counted(last.rows, "row")));
        }
        // Older journals do not contain it.
        let Author { user, host, job } = &last.author;
        let parts = [("", user), ("host ", host), ("job ", job)].into_iter();
        let known = parts.filter_map(|(label, value)| Some(format!("{label}{}", reporter.escape(value.as_deref()?))));
        let known: Vec<String> = known.collect();
        if !known.is_empty() {
            line("run by", &format!("{}, vescli {}", known.join(", "), reporter.escape(&last.vescli)));
        }
    }
    line("rows", &outcomes(&recovered.counts()));
    if let Some((first, last)) = recovered.accepted {
        line("accepted", &format!("from {first} to {last}"));
    }
    text
}

/// The rows that need a decision, and the commands to record it.
fn decisions(path: &Path, unknown: &[Unknown], reporter: &Reporter) -> String {
    let Some((_, first, _)) = unknown.first() else { return "no row needs a decision\n".to_owned() };
    let heading = format!("rows that need a decision ({}):", unknown.len());
    let mut text = format!("{}\n", reporter.out_style().heading(&heading));
    for (_, IntentDetails { email, cname, row, attempt, at }, state) in unknown {
        let how = match state {
            RowState::Unknown { status: Some(status) } => &format!("HTTP {status}"),
            RowState::Unknown { status: None } => "the answer is missing",
            _ => "no answer in the journal",
        };
        let [email, cname, at] = [email, cname, at].map(|text| reporter.escape(text));
        text.push_str(&format!("  unknown  {email}  cname {cname}, line {row}, attempt {attempt}, {at}, {how}\n"));
    }
    text.push_str("Ask these people or check the console, then run one of these for each; for the first:\n");
    // Not cut: a part of a command does not work.
    let word = |text: &str| reporter.redactor().escape_uncut(quote(text).as_bytes());
    let several = unknown.iter().filter(|(_, intent, _)| intent.email == first.email).count() > 1;
    let cname = if several { format!(" --cname {}", word(&first.cname)) } else { String::new() };
    let (journal, email) = (word(&path.to_string_lossy()), word(&first.email));
    for answer in ["accepted", "not-sent"] {
        text.push_str(&format!("  vescli journal resolve {journal} --email {email}{cname} --as {answer}\n"));
    }
    text
}

/// How many people are written at once: fewer system calls, without holding a long journal in memory.
const BATCH: usize = 500;

/// Columns of the CSV: the fields of a person's document.
const COLUMNS: [&str; 12] =
    ["email", "cname", "outcome", "at", "status", "attempts", "resolved", "row", "run", "user", "host", "job"];

/// Prints everyone in a journal, and writes while it reads. With `csv` it prints CSV even if a variable asks for JSON.
pub(super) fn export(path: &Path, csv: bool, reporter: &mut Reporter) -> Result<Ending, CommandError> {
    let mut people = People::of(path)?;
    let runs = std::mem::take(&mut people.runs);
    // The cells of an older journal may be empty, and the file does not show why.
    let nameless = runs.iter().filter(|run| run.author == Author::default()).count() as u64;
    if nameless > 0 {
        let runs = counted(nameless, "run");
        reporter.warn(&format!("user, host and job of {runs} are missing: an older vescli did not write them down"));
    }
    let is_csv = csv || !reporter.output().json;
    if is_csv {
        reporter.print(&format!("{}\n", COLUMNS.join(",")))?;
    }
    loop {
        let batch: Vec<PersonState> = people.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(Exit::Accepted.into());
        }
        let documents = batch.iter().filter_map(|person| Some(person_document(person, runs.get(person.run)?)));
        let text = if is_csv {
            let values = documents.filter_map(|document| serde_json::to_value(document).ok());
            table(values, |text| reporter.redactor().escape_uncut(text.as_bytes()))
        } else {
            documents.map(|document| json_line(&document)).collect()
        };
        reporter.print(&text)?;
    }
}

fn person_document(person: &PersonState, run: &RunRecord) -> impl Serialize {
    document! {
        schema: "vescli.journal-person/1",
        email: &person.email,
        cname: &person.cname,
        outcome: person.outcome.word(),
        at: &person.at,
        status: person.status,
        attempts: person.attempts,
        resolved: person.is_resolved,
        row: person.row,
        run: &run.id,
        #[serde(flatten)]
        author: &run.author,
    }
}

/// The lines of the CSV, one for each document.
fn table(people: impl Iterator<Item = Value>, escape: impl Fn(&str) -> String) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for person in people {
        let cell = |column| match &person[column] {
            Value::Null => String::new(),
            Value::String(text) => guarded(escape(text)),
            other => other.to_string(),
        };
        // Does not fail: it writes to memory, and all lines have the same number of cells.
        let _ = writer.write_record(COLUMNS.map(cell));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A cell that no spreadsheet takes for a formula. Quotes do not prevent that; a leading apostrophe does:
/// <https://owasp.org/www-community/attacks/CSV_Injection>.
fn guarded(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for cell in ["=1+1", "+49@x.de", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(guarded(cell.to_owned()), format!("'{cell}"));
        }
        for cell in ["", "ada@example.com", "a=b", "'=1", " =1"] {
            assert_eq!(guarded(cell.to_owned()), cell);
        }
    }

    #[test]
    fn a_csv_reader_reads_each_cell_back_as_one() {
        let person = serde_json::json!({
            "email": "=HYPERLINK(\"http://x\",\"y\")@x.de",
            "cname": "a,\"b\"\nc",
            "outcome": "unknown",
            "at": "2026-01-02T03:04:05.678Z",
            "status": null,
            "attempts": 2,
            "resolved": false,
            "row": 3,
            "run": "r",
            "user": "-ada",
            "host": null,
            "job": "\r=1",
        });
        let text = table([person].into_iter(), str::to_owned);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1);
        let email = "'=HYPERLINK(\"http://x\",\"y\")@x.de";
        let rest = ["unknown", "2026-01-02T03:04:05.678Z", "", "2", "false", "3", "r", "'-ada", "", "'\r=1"];
        let cells: Vec<&str> = rows[0].iter().collect();
        assert_eq!(cells[..2], [email, "a,\"b\"\nc"]);
        assert_eq!(cells[2..], rest);
        assert_eq!(cells.len(), COLUMNS.len());
    }
}

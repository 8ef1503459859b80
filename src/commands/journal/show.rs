//! `vescli journal list`, `show` and `export`: every journal in the folder, on a line each; all of one journal, with the rows
//! that need a decision; and everyone in it with their outcome, for an auditor's spreadsheet or a script.

use std::path::Path;

use serde::Serialize;

use crate::api::outcome::Outcome;
use crate::bulk::journal::{
    Author, Counts, JournalError, LastWord, People, Recovered, RowState, RunRecord, find_intents, inspect, journals_in,
    leftovers_in,
};
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::bulk_text::due;
use crate::report::escape::{json_line, quote, success};
use crate::report::exit::{Ending, Exit};
use crate::report::text::counted;
use crate::settings::clock::Timestamp;

#[derive(Debug, Serialize)]
struct ListDocument {
    folder: String,
    journals: Vec<JournalDocument>,
    leftovers: Vec<String>,
}

/// A journal that cannot be read has nothing but its path and the error.
#[derive(Debug, Default, Serialize)]
struct JournalDocument {
    path: String,
    url: Option<String>,
    tenant: Option<String>,
    runs: usize,
    first_run: Option<Timestamp>,
    last_run: Option<Timestamp>,
    rows: Counts,
    accepted_first: Option<Timestamp>,
    accepted_last: Option<Timestamp>,
    /// Whether it is of single sends, not of a list.
    single_sends: bool,
    error: Option<String>,
}

/// A journal that cannot be read is listed with its error.
pub(super) fn list(folder: &Path, reporter: &Reporter) -> Result<String, CommandError> {
    let journals: Vec<JournalDocument> = journals_in(folder)?.iter().map(|path| listed(path)).collect();
    let leftovers: Vec<String> = leftovers_in(folder)?.iter().map(|path| path.display().to_string()).collect();
    if reporter.output().json {
        let document = ListDocument { folder: folder.display().to_string(), journals, leftovers };
        return Ok(success("vescli.journals/1", document));
    }
    let mut text = if journals.is_empty() {
        format!("no journals in {}\n", reporter.path(folder))
    } else {
        journals.iter().map(|journal| list_line(journal, reporter)).collect()
    };
    if !leftovers.is_empty() {
        let files = counted(leftovers.len() as u64, "file");
        text.push_str(&format!("{files} of killed runs: `vescli journal prune` removes them\n"));
    }
    Ok(text)
}

fn listed(path: &Path) -> JournalDocument {
    let path_only = JournalDocument { path: path.display().to_string(), ..JournalDocument::default() };
    let scan = match inspect(path) {
        Ok(scan) => scan,
        Err(error) => return JournalDocument { error: Some(error.to_string()), ..path_only },
    };
    let Recovered { runs, accepted, .. } = &scan.recovered;
    let last = runs.last();
    let (accepted_first, accepted_last) = accepted.unzip();
    let damage = scan.damage.first();
    JournalDocument {
        url: last.map(|run| run.url.clone()),
        tenant: last.and_then(|run| run.tenant.clone()),
        runs: runs.len(),
        first_run: runs.first().map(|run| run.at),
        last_run: last.map(|run| run.at),
        rows: scan.recovered.counts(),
        accepted_first,
        accepted_last,
        single_sends: last.is_some_and(RunRecord::is_single_send),
        error: damage.map(|damage| format!("damaged at line {}: {}", damage.line, damage.flaw)),
        ..path_only
    }
}

fn list_line(journal: &JournalDocument, reporter: &Reporter) -> String {
    let path = reporter.escape(&journal.path);
    if let Some(error) = &journal.error {
        return format!("{path}  {}\n", reporter.out_style().error(&reporter.escape(error)));
    }
    let last = journal.last_run.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let what = if journal.single_sends { "single sends, last" } else { "last run" };
    format!("{path}  {what} {last}  {}\n", outcomes(&journal.rows))
}

pub(super) fn outcomes(counts: &Counts) -> String {
    let due = if counts.due > counts.not_sent { due(counts.due) } else { String::new() };
    format!(
        "{} accepted, {} rejected, {} not_sent, {} unknown{due}",
        counts.accepted, counts.rejected, counts.not_sent, counts.unknown
    )
}

#[derive(Debug, Serialize)]
struct ShowDocument<'a> {
    path: String,
    url: Option<&'a str>,
    tenant: Option<&'a str>,
    runs: Vec<RunDocument<'a>>,
    rows: Counts,
    accepted_first: Option<Timestamp>,
    accepted_last: Option<Timestamp>,
    unknown: Vec<UnknownDocument>,
}

#[derive(Debug, Serialize)]
struct RunDocument<'a> {
    id: &'a str,
    at: Timestamp,
    rows: u64,
    input_sha256: &'a str,
    vescli: &'a str,
    #[serde(flatten)]
    author: &'a Author,
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
        return Ok(success("vescli.journal/1", document(path, &recovered, unknown)));
    }
    Ok(summary(path, &recovered, reporter) + &decisions(path, &unknown, reporter))
}

/// The rows that are unknown, in the order of the list.
fn unknown(path: &Path, recovered: &Recovered) -> Result<Vec<UnknownDocument>, JournalError> {
    let state = |key| recovered.state(key).filter(|state| state.effective() == Outcome::Unknown);
    let intents = find_intents(path, |key| state(key).is_some(), |_| true)?;
    let mut unknown: Vec<UnknownDocument> = intents
        .into_iter()
        .filter_map(|(key, intent)| {
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

fn document<'a>(path: &Path, recovered: &'a Recovered, unknown: Vec<UnknownDocument>) -> ShowDocument<'a> {
    let last = recovered.runs.last();
    let run = |run: &'a RunRecord| RunDocument {
        id: &run.id,
        at: run.at,
        rows: run.rows,
        input_sha256: &run.input_sha256,
        vescli: &run.vescli,
        author: &run.author,
    };
    let (accepted_first, accepted_last) = recovered.accepted.unzip();
    ShowDocument {
        path: path.display().to_string(),
        url: last.map(|run| run.url.as_str()),
        tenant: last.and_then(|run| run.tenant.as_deref()),
        runs: recovered.runs.iter().map(run).collect(),
        rows: recovered.counts(),
        accepted_first,
        accepted_last,
        unknown,
    }
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
        if last.is_single_send() {
            line("sends", &format!("{runs}, the first {first}, the last {at}"));
        } else {
            line("runs", &format!("{runs}, the first {first}, the last {at} with {}", counted(last.rows, "row")));
        }
        // Older journals do not say it.
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

/// The rows that need a decision, and the commands that record it.
fn decisions(path: &Path, unknown: &[UnknownDocument], reporter: &Reporter) -> String {
    let Some(first) = unknown.first() else {
        return "no row needs a decision\n".to_owned();
    };
    let heading = format!("rows that need a decision ({}):", unknown.len());
    let mut text = format!("{}\n", reporter.out_style().heading(&heading));
    for UnknownDocument { email, cname, row, attempt, at, status, ended, .. } in unknown {
        let how = match (ended, status) {
            (true, Some(status)) => format!("HTTP {status}"),
            (true, None) => "the answer is missing".to_owned(),
            (false, _) => "no answer in the journal".to_owned(),
        };
        let [email, cname, at] = [email, cname, at].map(|text| reporter.escape(text));
        text.push_str(&format!("  unknown  {email}  cname {cname}, line {row}, attempt {attempt}, {at}, {how}\n"));
    }
    text.push_str("Ask these people or check the console, then run one of these for each; for the first:\n");
    // A command that is cut does not work.
    let word = |text: &str| reporter.redactor().escape_uncut(quote(text).as_bytes());
    let several = unknown.iter().filter(|row| row.email == first.email).count() > 1;
    let cname = if several { format!(" --cname {}", word(&first.cname)) } else { String::new() };
    let (journal, email) = (word(&path.to_string_lossy()), word(&first.email));
    for answer in ["accepted", "not-sent"] {
        text.push_str(&format!("  vescli journal resolve {journal} --email {email}{cname} --as {answer}\n"));
    }
    text
}

/// People that are written at once: not all of a long journal, and not a system call for each.
const BATCH: usize = 500;

const COLUMNS: [&str; 12] =
    ["email", "cname", "outcome", "at", "status", "attempts", "resolved", "row", "run", "user", "host", "job"];

#[derive(Debug, Serialize)]
struct PersonDocument<'a> {
    schema: &'static str,
    email: &'a str,
    cname: &'a str,
    outcome: &'static str,
    at: &'a str,
    status: Option<u16>,
    attempts: u64,
    resolved: bool,
    row: u64,
    run: &'a str,
    #[serde(flatten)]
    author: &'a Author,
}

/// Prints everyone in a journal. Writes while it reads. With `csv` it is CSV, also where a variable asks for JSON.
pub(super) fn export(path: &Path, csv: bool, reporter: &mut Reporter) -> Result<Ending, CommandError> {
    let mut people = People::of(path)?;
    let runs = std::mem::take(&mut people.runs);
    warn_of_nameless(&runs, reporter);
    let is_csv = csv || !reporter.output().json;
    if is_csv {
        reporter.print(&format!("{}\n", COLUMNS.join(",")))?;
    }
    loop {
        let batch: Vec<LastWord> = people.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(Exit::Accepted.into());
        }
        let documents = batch.iter().filter_map(|person| Some(person_document(person, runs.get(person.run)?)));
        let text = if is_csv {
            table(documents, |text| reporter.redactor().escape_uncut(text.as_bytes()))
        } else {
            documents.map(|document| json_line(&document)).collect()
        };
        reporter.print(&text)?;
    }
}

/// An older journal lacks some values, and an empty cell does not show why.
fn warn_of_nameless(runs: &[RunRecord], reporter: &mut Reporter) {
    let nameless = runs.iter().filter(|run| run.author == Author::default()).count() as u64;
    if nameless > 0 {
        let runs = counted(nameless, "run");
        reporter.warn(&format!("user, host and job of {runs} are missing: an older vescli did not write them down"));
    }
}

fn person_document<'a>(person: &'a LastWord, run: &'a RunRecord) -> PersonDocument<'a> {
    PersonDocument {
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
        author: &run.author,
    }
}

fn table<'a>(people: impl Iterator<Item = PersonDocument<'a>>, escape: impl Fn(&str) -> String) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for person in people {
        let status = person.status.map(|status| status.to_string()).unwrap_or_default();
        let (attempts, row) = (person.attempts.to_string(), person.row.to_string());
        let Author { user, host, job } = person.author;
        let [user, host, job] = [user, host, job].map(|value| value.as_deref().unwrap_or_default());
        let cells = [
            person.email,
            person.cname,
            person.outcome,
            person.at,
            &status,
            &attempts,
            if person.resolved { "true" } else { "false" },
            &row,
            person.run,
            user,
            host,
            job,
        ];
        // Writing to memory does not fail, and every row has as many cells as the first.
        let _ = writer.write_record(cells.map(|cell| guarded(escape(cell))));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A cell that no spreadsheet reads as a formula. Quotes do not prevent that; an apostrophe in front does:
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
        let author = Author { user: Some("-ada".to_owned()), host: None, job: Some("\r=1".to_owned()) };
        let person = PersonDocument {
            schema: "",
            email: "=HYPERLINK(\"http://x\",\"y\")@x.de",
            cname: "a,\"b\"\nc",
            outcome: "unknown",
            at: "2026-01-02T03:04:05.678Z",
            status: None,
            attempts: 2,
            resolved: false,
            row: 3,
            run: "r",
            author: &author,
        };
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

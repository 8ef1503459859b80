//! `vescli journal export`: everyone in a journal with their outcome, for an auditor's spreadsheet or a script.

use std::path::Path;

use serde::Serialize;

use crate::bulk::journal::{Author, LastWord, People, RunRecord};
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::escape::json_line;
use crate::report::exit::{Ending, Exit};
use crate::report::text::counted;

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

/// Writes while it reads. With `csv` it is CSV, also where a variable asks for JSON.
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
        let documents = batch.iter().filter_map(|person| Some(document(person, runs.get(person.run)?)));
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

fn document<'a>(person: &'a LastWord, run: &'a RunRecord) -> PersonDocument<'a> {
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

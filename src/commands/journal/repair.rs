//! `vescli journal check` and `repair`: report where a journal is damaged, and make it usable again.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::api::operation::{self, SEND_PASSWORD_EMAIL};
use crate::args::settings_table::Setting;
use crate::bulk::journal::{
    Author, DamagedJournal, DamagedLine, JournalError, ListedPerson, Repaired, RunHeader, Tail, excerpt, first_run,
    inspect, service_of,
};
use crate::bulk::list::{self, Format};
use crate::commands::Context;
use crate::commands::error::{BulkError, CommandError};
use crate::report::Reporter;
use crate::report::escape::{json_line, quote, success};
use crate::report::exit::{Ending, Exit};
use crate::report::json::document;
use crate::report::text::counted;
use crate::settings::file::FileErrorKind;
use crate::settings::sources::Sources;
use crate::settings::target::Target;

/// How many damaged lines or people are listed at most; JSON has all people.
const LISTED_MAX: usize = 20;
/// How many bytes of a damaged line are shown at most.
const EXCERPT_MAX: usize = 400;

const ADVICE: &str = include_str!("damaged.txt");

/// Prints whether a journal is valid, and what to do if it is not. Damage is not an error but a result, with exit 65.
pub(super) fn check(path: &Path, reporter: &mut Reporter) -> Result<Ending, CommandError> {
    let scan = inspect(path)?;
    let exit = if scan.damage.is_empty() { Exit::Accepted } else { Exit::BadInput };
    // The bytes of an unfinished last line. The next run removes them: no request was sent for them.
    let unfinished = if scan.tail == Tail::Torn { scan.length - scan.valid } else { 0 };
    let excerpts = scan.damage.iter().take(LISTED_MAX).map(|damage| {
        let bytes = excerpt(path, damage.offset, EXCERPT_MAX)?;
        Ok((damage, String::from_utf8_lossy(&bytes).into_owned()))
    });
    let damage: Vec<(&DamagedLine, String)> = excerpts.collect::<Result<_, JournalError>>()?;
    let (shown, lines) = (reporter.path(path), scan.lines);
    let mut text;
    if reporter.output().json {
        let damage = damage.into_iter().map(|(damage, text)| {
            document! { line: damage.line, offset: damage.offset, reason: damage.fault.to_string(), holds: text }
        });
        text = json_line(&document! {
            schema: "vescli.journal-check/1",
            ok: scan.damage.is_empty(),
            path: path.display().to_string(),
            lines: lines,
            bytes: scan.length,
            runs: scan.recovered.runs.len(),
            unfinished_bytes: unfinished,
            damaged_lines: scan.damage.len(),
            damage: damage.collect::<Vec<_>>(),
            exit_code: exit.code(),
        });
    } else if scan.damage.is_empty() {
        let runs = counted(scan.recovered.runs.len() as u64, "run");
        text = format!("{shown}: valid, {}, {runs}\n", counted(lines, "line"));
        if unfinished > 0 {
            text.push_str(&format!(
                "line {lines} is unfinished: nothing was sent because of it, and the next run removes its {unfinished} bytes\n"
            ));
        }
    } else {
        let count = counted(scan.damage.len() as u64, "damaged line");
        text = format!("{shown}: {}\n", reporter.out_style().error(&count));
        for (DamagedLine { line, offset, fault }, excerpt) in &damage {
            text.push_str(&format!("  line {line}, byte {offset}: {fault}\n    {}\n", reporter.escape(excerpt)));
        }
        text.push_str(&and_more(scan.damage.len()));
        text.push_str(ADVICE);
    }
    reporter.print(&text)?;
    Ok(exit.into())
}

/// The line with the number of those that are not listed.
fn and_more(count: usize) -> String {
    let more = count.saturating_sub(LISTED_MAX);
    if more > 0 { format!("  and {more} more\n") } else { String::new() }
}

/// Makes a damaged journal usable again. An error leaves it unchanged.
pub(super) fn repair(path: &Path, context: &Context) -> Result<String, CommandError> {
    let sources = Sources::gather(context.flags, context.environment)?;
    let list = sources.text(Setting::List).map(|(list, _)| PathBuf::from(list));
    // Single sends have no list: only the damaged line itself can show whose it is.
    if list.is_none() && !first_run(path).is_some_and(|run| run.is_single_send()) {
        let hint = "name the list of the run: it shows who may be on a damaged line";
        return Err(CommandError::usage("--list is missing", hint));
    }
    let Some(journal) = DamagedJournal::open(path)? else {
        return Ok(report(path, None, &context.reporter));
    };
    let cname = default_cname(&journal, &sources)?;
    let (mut people, sha256) = list.map_or_else(|| Ok(Default::default()), |list| people(&list, &cname))?;
    journal.retain_own(&mut people);
    let author = Author::of(context.environment);
    let header = if let Some(run) = journal.last_run() {
        RunHeader::after(run, author)
    } else {
        // No record of a run is left, so the URL comes from the settings.
        let url = operation::url(&SEND_PASSWORD_EMAIL, &Target::resolve(&sources)?)?.to_string();
        RunHeader { service: service_of(&url), url, author, list: "-".to_owned(), ..RunHeader::default() }
    };
    let header = RunHeader { cname, input_sha256: sha256, rows: people.len() as u64, ..header };
    let repaired = journal.repair(&header, &people)?;
    Ok(report(path, Some(repaired), &context.reporter))
}

/// The cname for rows without one: from the last run, else from the settings, else from the journal.
fn default_cname(journal: &DamagedJournal, sources: &Sources) -> Result<String, CommandError> {
    let of_run = journal.last_run().and_then(|run| run.cname.as_deref());
    let of_settings = || [Setting::Cname, Setting::Tenant].into_iter().find_map(|key| sources.text(key));
    let found = of_run.or_else(|| of_settings().map(|(text, _)| text)).map(str::to_owned);
    Ok(found.or_else(|| journal.some_cname()).ok_or_else(|| sources.missing(Setting::Cname))?)
}

fn people(list: &Path, cname: &str) -> Result<(Vec<ListedPerson>, String), BulkError> {
    let file = File::open(list).map_err(|error| FileErrorKind::from(error).at(list))?;
    // The run may have used --allow-any-email, so addresses need not fit the published pattern.
    let read = list::read(file, Format::of_name(list), cname, true);
    let read = read.map_err(|error| BulkError::Rows { name: list.to_string_lossy().into_owned(), error })?;
    let people = read.rows.iter().map(|row| {
        let cname = row.cname.as_deref().unwrap_or(cname).to_owned();
        ListedPerson { row: row.line, email: row.email.to_string(), cname }
    });
    Ok((people.collect(), read.sha256))
}

fn report(path: &Path, repaired: Option<Repaired>, reporter: &Reporter) -> String {
    let was_damaged = repaired.is_some();
    let Repaired { kept, damaged, unreadable, nameless, unknown, old } = repaired.unwrap_or_default();
    if reporter.output().json {
        let document = document! {
            path: path.display().to_string(),
            was_damaged: was_damaged,
            kept_lines: kept,
            damaged_lines: damaged,
            unreadable_lines: unreadable,
            nameless_lines: nameless,
            unknown: unknown,
            old_file: was_damaged.then(|| old.display().to_string()),
        };
        return success("vescli.journal-repair/1", document);
    }
    let shown = reporter.path(path);
    if !was_damaged {
        return format!("{shown}: valid, nothing to repair\n");
    }
    let (kept, removed) = (counted(kept, "line"), counted(damaged.len() as u64, "damaged line"));
    let old = reporter.path(&old);
    let mut text = format!("repaired: {shown}\n  {kept} kept, {removed} removed\n  the old file is {old}\n");
    for (label, numbers) in [
        ("damaged lines", damaged),
        ("of these, lines that do not show whose they are", unreadable),
        ("lines about people who are not on the list, also removed", nameless),
    ] {
        if !numbers.is_empty() {
            let first: Vec<String> = numbers.iter().take(LISTED_MAX).map(u64::to_string).collect();
            let more = if numbers.len() > LISTED_MAX { ", …" } else { "" };
            text.push_str(&format!("  {label}: {}{more}\n", first.join(", ")));
        }
    }
    let who = match unknown.len() {
        0 => return text + "no one became unknown: run the bulk command again to continue\n",
        1 => "1 person is".to_owned(),
        count => format!("{count} people are"),
    };
    text.push_str(&format!("{who} unknown now, because they may be on a damaged line:\n"));
    for ListedPerson { row, email, cname } in unknown.iter().take(LISTED_MAX) {
        let [email, cname] = [email, cname].map(|text| reporter.escape(text));
        text.push_str(&format!("  row {row}: {email} (cname {cname})\n"));
    }
    let journal = reporter.escape(&quote(&path.to_string_lossy()));
    text + &and_more(unknown.len()) + &format!("next: vescli journal show {journal}\n")
}

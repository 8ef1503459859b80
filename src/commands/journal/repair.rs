//! `vescli journal check` and `repair`: whether a journal is valid, where it is damaged, and what was changed to make it usable
//! again.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::api::operation::{self, SEND_PASSWORD_EMAIL};
use crate::args::settings_table::Setting;
use crate::bulk::journal::{
    Author, Damage, DamagedJournal, JournalError, ListedPerson, Repaired, RunHeader, Tail, excerpt, first_run, inspect,
    service_of,
};
use crate::bulk::list::{self, Format};
use crate::commands::Context;
use crate::commands::error::{BulkError, CommandError};
use crate::report::Reporter;
use crate::report::escape::{json_line, quote, success};
use crate::report::exit::Exit;
use crate::report::json::document;
use crate::report::text::counted;
use crate::settings::error::SettingsError;
use crate::settings::file::FileErrorKind;
use crate::settings::sources::Sources;
use crate::settings::target::Target;

/// Most damaged lines that are listed one by one.
const LISTED_MAX: usize = 20;
/// Most bytes of a damaged line that are shown.
const EXCERPT_MAX: u64 = 400;

const ADVICE: &str = "\
No run continues with this journal: someone on a damaged line may have been mailed, and would be mailed again.
What you can do:
  - put back a copy of the file, if there is one; or
  - `vescli journal repair FILE --list LIST`: people who may be on a damaged line become unknown, and the old file is kept.
";

/// Whether a journal is valid, and what to do if not. Damage is not an error but the result, with exit 65.
pub(super) fn check(path: &Path, reporter: &Reporter) -> Result<(String, Exit), CommandError> {
    let scan = inspect(path)?;
    let exit = if scan.damage.is_empty() { Exit::Accepted } else { Exit::BadInput };
    // The next run cuts them off: nothing was sent because of them.
    let unfinished = if scan.tail == Tail::Torn { scan.length - scan.valid } else { 0 };
    let excerpts = scan.damage.iter().take(LISTED_MAX).map(|damage| {
        let bytes = excerpt(path, damage.offset, EXCERPT_MAX)?;
        Ok((damage, String::from_utf8_lossy(&bytes).into_owned()))
    });
    let damage: Vec<(&Damage, String)> = excerpts.collect::<Result<_, JournalError>>()?;
    if reporter.output().json {
        let damage = damage.into_iter().map(|(damage, text)| {
            document! { line: damage.line, offset: damage.offset, reason: damage.flaw.to_string(), holds: text }
        });
        let document = document! {
            schema: "vescli.journal-check/1",
            ok: scan.damage.is_empty(),
            path: path.display().to_string(),
            lines: scan.lines,
            bytes: scan.length,
            runs: scan.recovered.runs.len(),
            unfinished_bytes: unfinished,
            damaged_lines: scan.damage.len(),
            damage: damage.collect::<Vec<_>>(),
            exit_code: exit.code(),
        };
        return Ok((json_line(&document), exit));
    }
    let path = reporter.path(path);
    let lines = scan.lines;
    if scan.damage.is_empty() {
        let runs = counted(scan.recovered.runs.len() as u64, "run");
        let mut text = format!("{path}: valid, {}, {runs}\n", counted(lines, "line"));
        if unfinished > 0 {
            text.push_str(&format!(
                "line {lines} is unfinished: nothing was sent because of it, and the next run removes its {unfinished} bytes\n"
            ));
        }
        return Ok((text, exit));
    }
    let count = counted(scan.damage.len() as u64, "damaged line");
    let mut text = format!("{path}: {}\n", reporter.out_style().error(&count));
    for (Damage { line, offset, flaw }, excerpt) in &damage {
        text.push_str(&format!("  line {line}, byte {offset}: {flaw}\n    {}\n", reporter.escape(excerpt)));
    }
    let more = scan.damage.len() - damage.len();
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    Ok((text + ADVICE, exit))
}

/// Most people who are named in the report; JSON names all of them.
const NAMED_MAX: usize = 20;

/// Makes a damaged journal usable again. An error leaves it unchanged.
pub(super) fn repair(path: &Path, context: &Context) -> Result<String, CommandError> {
    let sources = Sources::gather(context.flags, context.environment)?;
    let list = sources.text(Setting::List).map(|(list, _)| PathBuf::from(list));
    // Single sends have no list: who is on a damaged line can only be seen there.
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
    let header = header(&journal, &sources, Author::of(context.environment))?;
    let header = RunHeader { cname, input_sha256: sha256, rows: people.len() as u64, ..header };
    let repaired = journal.repair(&header, &people)?;
    Ok(report(path, Some(repaired), &context.reporter))
}

/// The cname of rows that bring none: as the last run had it, else as a run would have it now.
fn default_cname(journal: &DamagedJournal, sources: &Sources) -> Result<String, CommandError> {
    let of_run = journal.last_run().and_then(|run| run.cname.clone());
    let of_settings = || {
        let text = |key| sources.text(key).map(|(text, _)| text.to_owned());
        text(Setting::Cname).or_else(|| text(Setting::Tenant))
    };
    let found = of_run.or_else(of_settings).or_else(|| journal.some_cname());
    Ok(found.ok_or_else(|| SettingsError::Missing { key: Setting::Cname, config: sources.config.clone() })?)
}

fn people(list: &Path, cname: &str) -> Result<(Vec<ListedPerson>, String), BulkError> {
    let file = File::open(list).map_err(|error| FileErrorKind::from(error).at(list))?;
    // An address that the run accepted need not fit the published pattern.
    let read = list::read(file, Format::of_name(list), cname, true);
    let read = read.map_err(|error| BulkError::Rows { name: list.to_string_lossy().into_owned(), error })?;
    let people = read.rows.iter().map(|row| ListedPerson {
        row: row.line,
        email: row.email.to_string(),
        cname: row.cname.as_deref().unwrap_or(cname).to_owned(),
    });
    Ok((people.collect(), read.sha256))
}

/// The header of a run like the journal's last one; its URL is that of the settings if none is left.
fn header(journal: &DamagedJournal, sources: &Sources, author: Author) -> Result<RunHeader, CommandError> {
    if let Some(run) = journal.last_run() {
        return Ok(RunHeader::after(run, author));
    }
    let url = operation::url(&SEND_PASSWORD_EMAIL, &Target::resolve(sources)?)?.to_string();
    let service = service_of(&url);
    Ok(RunHeader { url, service, author, list: "-".to_owned(), ..RunHeader::default() })
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
            let first: Vec<String> = numbers.iter().take(NAMED_MAX).map(u64::to_string).collect();
            let more = if numbers.len() > NAMED_MAX { ", …" } else { "" };
            text.push_str(&format!("  {label}: {}{more}\n", first.join(", ")));
        }
    }
    let who = match unknown.len() {
        0 => return text + "no one became unknown: run the bulk command again to continue\n",
        1 => "1 person is".to_owned(),
        count => format!("{count} people are"),
    };
    text.push_str(&format!("{who} unknown now, because they may be on a damaged line:\n"));
    for ListedPerson { row, email, cname } in unknown.iter().take(NAMED_MAX) {
        let [email, cname] = [email, cname].map(|text| reporter.escape(text));
        text.push_str(&format!("  row {row}: {email} (cname {cname})\n"));
    }
    if let Some(more) = unknown.len().checked_sub(NAMED_MAX + 1) {
        text.push_str(&format!("  and {} more\n", more + 1));
    }
    let journal = reporter.escape(&quote(&path.to_string_lossy()));
    text + &format!("next: vescli journal show {journal}\n")
}

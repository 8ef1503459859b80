//! `vescli journal`: inspects, exports, merges, repairs and removes journals, and resolves rows with an unknown outcome. This
//! file finds the journals for each command.

mod remove;
mod repair;
mod resolve;
mod show;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Context;
use super::error::CommandError;
use crate::args::commands::{JournalAction, JournalFile};
use crate::args::environment::SANDBOX_VARIABLE;
use crate::args::settings_table::Setting;
use crate::bulk::journal::{
    Author, JournalError, ListName, RunHeader, RunRecord, begins_like_a_journal, first_run, journal_folder,
    journals_in, leave_out_set_aside, merge as join, named_after,
};
use crate::report::escape::success;
use crate::report::exit::{Ending, Exit};
use crate::report::json::document;
use crate::report::text::counted;
use crate::report::{ErrorReport, Reporter};
use crate::settings::bulk::Shard;
use show::outcomes;

pub fn run(action: &JournalAction, context: &mut Context) -> Result<Ending, CommandError> {
    let environment = context.environment;
    // Within a sandbox, the command works on the journals of rehearsals.
    let folder = journal_folder(environment, environment.get(SANDBOX_VARIABLE).is_some())?;
    let find = |file: &Option<PathBuf>, reporter: &Reporter| match file {
        Some(file) => find_named(file, &folder, reporter),
        None => the_only_one(&folder, reporter),
    };
    let reporter = &mut context.reporter;
    let text = match action {
        JournalAction::Check(JournalFile { file }) => return repair::check(&find(file, reporter)?, reporter),
        JournalAction::Export { journal: JournalFile { file }, csv } => {
            return show::export(&find(file, reporter)?, *csv, reporter);
        }
        JournalAction::List => show::list(&folder, reporter)?,
        JournalAction::Show(JournalFile { file }) => show::show(&find(file, reporter)?, reporter)?,
        JournalAction::Resolve { journal: JournalFile { file }, emails } => {
            let request = resolve::Request::new(emails, context)?;
            resolve::resolve(&find(file, &context.reporter)?, &request, &context.reporter)?
        }
        JournalAction::Merge { files } => {
            let files = files.iter().map(|file| find_all(file, &folder, &context.reporter));
            let files: Vec<Vec<PathBuf>> = files.collect::<Result<_, _>>()?;
            merge(&files.concat(), context)?
        }
        JournalAction::Repair(JournalFile { file }) => repair::repair(&find(file, reporter)?, context)?,
        JournalAction::Remove { file } => {
            let request = remove::Request::new(context)?;
            let path = find_named(file, &folder, &context.reporter)?;
            remove::one(&path, &request, &mut context.reporter)?
        }
        JournalAction::Prune => {
            let request = remove::Request::new(context)?;
            let folders = [journal_folder(environment, false)?, journal_folder(environment, true)?];
            remove::prune(&folders, &request, &mut context.reporter)?
        }
    };
    context.print(&text)
}

/// The journal for a file of the command line: the file itself, or the journal of the list. `folder` is where journals are kept.
fn find_named(file: &Path, folder: &Path, reporter: &Reporter) -> Result<PathBuf, CommandError> {
    let mut journals = find_all(file, folder, reporter)?;
    if journals.len() == 1 {
        return Ok(journals.remove(0));
    }
    let names: Vec<String> = journals.iter().map(|path| reporter.path(path)).collect();
    let (file, count) = (reporter.path(file), journals.len());
    let message = format!("{file} has {count} journals, one for each URL, cname and shard");
    Err(CommandError::usage(message, format!("name one of them: {}", names.join(", "))))
}

/// The journal, or all journals of the list; at least one.
fn find_all(file: &Path, folder: &Path, reporter: &Reporter) -> Result<Vec<PathBuf>, CommandError> {
    if is_journal(file) {
        return Ok(vec![file.to_owned()]);
    }
    let journals = of_list(file, folder)?;
    if !journals.is_empty() {
        return Ok(journals);
    }
    if matches!(fs::symlink_metadata(file), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Err(JournalError::Missing { path: file.to_owned() }.into());
    }
    let (file, folder) = (reporter.path(file), reporter.path(folder));
    let message = format!("{file} is not a journal, and {folder} has no journal of a list with that name");
    Err(ErrorReport::new(Exit::BadInput, message, "`vescli journal list` shows the journals").into())
}

/// Whether a file begins like a journal; damage is reported when it is read. A file that cannot be read counts as a journal,
/// so that the error about it is shown.
fn is_journal(file: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(file) else { return false };
    if !metadata.is_file() {
        return true;
    }
    let mut first = [0; 16];
    let read = File::open(file).and_then(|mut file| file.read(&mut first));
    read.map_or(true, |length| begins_like_a_journal(&first[..length]))
}

fn of_list(list: &Path, folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let name = ListName::of(list);
    let word = name.word();
    let mut found = journals_in(folder)?;
    found.retain(|path| match first_run(path).and_then(|run| run.list) {
        Some(list) => list == word,
        None => named_after(path, &name),
    });
    leave_out_set_aside(&mut found);
    Ok(found)
}

fn the_only_one(folder: &Path, reporter: &Reporter) -> Result<PathBuf, CommandError> {
    let all = journals_in(folder)?;
    // Without a name, the command means the journal of a list, and not the one of single sends.
    let is_of_list = |path: &&PathBuf| !first_run(path).is_some_and(|run| run.is_single_send());
    let of_lists: Vec<&PathBuf> = all.iter().filter(is_of_list).collect();
    let folder = reporter.path(folder);
    let (exit, message, hint) = match (&of_lists[..], all.is_empty()) {
        ([journal], _) => return Ok((*journal).clone()),
        ([], true) => (Exit::NoInput, format!("there is no journal in {folder}"), "name the file of the journal"),
        ([], false) => (
            Exit::NoInput,
            format!("there is no journal of a list in {folder}, only of single sends"),
            "name the file of the journal: `vescli journal list` shows them",
        ),
        (several, _) => (
            Exit::Usage,
            format!("there are {} journals in {folder}", several.len()),
            "name one of them, or its list: `vescli journal list` shows them",
        ),
    };
    Err(ErrorReport::new(exit, message, hint).into())
}

/// Merges journals into a new one, and reports what it contains. After an error there is no new file.
fn merge(journals: &[PathBuf], context: &mut Context) -> Result<String, CommandError> {
    let missing = || CommandError::usage("--into is missing", "name a new file for the merged journal");
    let into = PathBuf::from(context.flags_and_variables()?.text(Setting::Into).ok_or_else(missing)?);
    let journals = each_once(journals);
    let author = Author::of(context.environment);
    // The header of the last run, but without a shard: the new journal is for the whole list.
    let header = |last: &RunRecord, people| RunHeader { rows: people, shard: None, ..RunHeader::after(last, author) };
    let merged = join(&into, &journals, header)?;
    let missing_shards: Vec<String> = merged.missing.iter().map(Shard::to_string).collect();
    let reporter = &mut context.reporter;
    if !missing_shards.is_empty() {
        reporter.warn_always(&format!(
            "the journals of some shards are not among them ({}): people whom only these know would be mailed again",
            missing_shards.join(", ")
        ));
    }
    if reporter.output().json {
        let text = |path: &Path| path.display().to_string();
        let document = document! {
            path: text(&into),
            journals: journals.iter().map(|path| text(path)).collect::<Vec<_>>(),
            rows: merged.counts,
            missing_shards: missing_shards,
        };
        return Ok(success("vescli.journal-merge/1", document));
    }
    let journals = counted(journals.len() as u64, "journal");
    Ok(format!("merged: {}\n  {journals}: {}\n", reporter.path(&into), outcomes(&merged.counts)))
}

/// Each journal only once, even if it is named twice or by two paths.
fn each_once(journals: &[PathBuf]) -> Vec<PathBuf> {
    let mut known = BTreeSet::new();
    let is_new = |path: &&PathBuf| known.insert(fs::canonicalize(path).unwrap_or_else(|_| (*path).clone()));
    journals.iter().filter(is_new).cloned().collect()
}

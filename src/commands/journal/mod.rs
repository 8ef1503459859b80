//! `vescli journal`: inspects, exports, repairs and removes journals, and resolves rows with an unknown outcome.

mod check;
mod export;
mod merge;
mod remove;
mod repair;
mod resolve;
mod show;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::context::Context;
use super::error::CommandError;
use crate::args::commands::{JournalAction, JournalFile};
use crate::args::environment::SANDBOX_VARIABLE;
use crate::bulk::journal::{
    JournalError, ListName, begins_like_a_journal, first_run, journal_folder, journals_in, named_after,
};
use crate::report::exit::{Ending, Exit};
use crate::report::{ErrorReport, Reporter};

pub fn run(action: &JournalAction, context: &mut Context) -> Result<Ending, CommandError> {
    let environment = context.environment;
    // Within a sandbox it is the journals of rehearsals that are meant.
    let folder = journal_folder(environment, environment.get(SANDBOX_VARIABLE).is_some())?;
    let reporter = &mut context.reporter;
    let text = match action {
        JournalAction::Check(JournalFile { file }) => {
            let (text, exit) = check::check(&find(file.as_deref(), &folder, reporter)?, reporter)?;
            reporter.print(&text)?;
            return Ok(exit.into());
        }
        JournalAction::Export { journal: JournalFile { file }, csv } => {
            return export::export(&find(file.as_deref(), &folder, reporter)?, *csv, reporter);
        }
        JournalAction::List => show::list(&folder, reporter)?,
        JournalAction::Show(JournalFile { file }) => show::show(&find(file.as_deref(), &folder, reporter)?, reporter)?,
        JournalAction::Resolve { journal: JournalFile { file }, emails } => {
            let request = resolve::Request::new(emails, context)?;
            let reporter = &context.reporter;
            resolve::resolve(&find(file.as_deref(), &folder, reporter)?, &request, reporter)?
        }
        JournalAction::Merge { files } => {
            let files = files.iter().map(|file| find_all(file, &folder, &context.reporter));
            let files: Vec<Vec<PathBuf>> = files.collect::<Result<_, _>>()?;
            merge::merge(&files.concat(), context)?
        }
        JournalAction::Repair(JournalFile { file }) => {
            repair::repair(&find(file.as_deref(), &folder, reporter)?, context)?
        }
        JournalAction::Remove { file } => {
            let request = remove::Request::new(context)?;
            let path = find(Some(file), &folder, &context.reporter)?;
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

/// The journal that is meant by a file of the command line, or by none. `folder` is where journals are kept.
///
/// # Errors
/// [`CommandError`] when there is no such journal, or more than one.
fn find(file: Option<&Path>, folder: &Path, reporter: &Reporter) -> Result<PathBuf, CommandError> {
    let Some(file) = file else {
        return the_only_one(folder, reporter);
    };
    if is_journal(file) {
        return Ok(file.to_owned());
    }
    let journals = of_list(file, folder)?;
    match &journals[..] {
        [journal] => Ok(journal.clone()),
        [] if matches!(fs::symlink_metadata(file), Err(error) if error.kind() == io::ErrorKind::NotFound) => {
            Err(JournalError::Missing { path: file.to_owned() }.into())
        }
        [] => Err(ErrorReport {
            exit: Exit::BadInput,
            message: format!(
                "{} is not a journal, and no journal of such a list is in {}",
                reporter.path(file),
                reporter.path(folder)
            ),
            hint: Some("`vescli journal list` shows the journals".to_owned()),
        }
        .into()),
        several => Err(CommandError::Usage {
            message: format!(
                "{} has {} journals, one for each URL, cname and shard",
                reporter.path(file),
                several.len()
            ),
            hint: format!("name one of them: {}", names(several, reporter)),
        }),
    }
}

/// The same where all journals of a list are meant.
fn find_all(file: &Path, folder: &Path, reporter: &Reporter) -> Result<Vec<PathBuf>, CommandError> {
    let of_list = if is_journal(file) { Vec::new() } else { of_list(file, folder)? };
    if of_list.is_empty() { Ok(vec![find(Some(file), folder, reporter)?]) } else { Ok(of_list) }
}

fn names(journals: &[PathBuf], reporter: &Reporter) -> String {
    let names: Vec<String> = journals.iter().map(|path| reporter.path(path)).collect();
    names.join(", ")
}

/// Whether a file is a journal, by its first bytes; what else is wrong with it is said where it is read. What cannot be
/// read counts as one too, so that its own error is shown.
fn is_journal(file: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(file) else {
        return false;
    };
    if !metadata.is_file() {
        return true;
    }
    let mut first = [0; 16];
    match File::open(file).and_then(|mut file| file.read(&mut first)) {
        Ok(length) => begins_like_a_journal(&first[..length]),
        Err(_) => true,
    }
}

/// The journals of a list. One that `--fresh` has set aside counts only where there is no other.
fn of_list(list: &Path, folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let name = ListName::of(list);
    let word = name.word();
    let mut found = journals_in(folder)?;
    found.retain(|path| match first_run(path).and_then(|run| run.list) {
        Some(list) => list == word,
        None => named_after(path, &name),
    });
    let is_current = |path: &PathBuf| !path.to_string_lossy().contains(".until-");
    if found.iter().any(is_current) {
        found.retain(is_current);
    }
    Ok(found)
}

fn the_only_one(folder: &Path, reporter: &Reporter) -> Result<PathBuf, CommandError> {
    let all = journals_in(folder)?;
    let count = all.len();
    // A journal of single sends is there beside that of a list, and is not what a command without a name means.
    let is_of_list = |path: &PathBuf| !first_run(path).is_some_and(|run| run.is_single_send());
    let mut journals: Vec<PathBuf> = all.into_iter().filter(is_of_list).collect();
    match journals.len() {
        1 => Ok(journals.remove(0)),
        0 => Err(ErrorReport {
            exit: Exit::NoInput,
            message: match count {
                0 => format!("there is no journal in {}", reporter.path(folder)),
                _ => format!("there is no journal of a list in {}, only of single sends", reporter.path(folder)),
            },
            hint: Some(match count {
                0 => "name the file of the journal".to_owned(),
                _ => "name the file of the journal: `vescli journal list` shows them".to_owned(),
            }),
        }
        .into()),
        many => Err(CommandError::Usage {
            message: format!("there are {many} journals in {}", reporter.path(folder)),
            hint: "name one of them, or its list: `vescli journal list` shows them".to_owned(),
        }),
    }
}

//! Which journal is meant: the file itself, the list that it belongs to, or the only one there is.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Form;
use crate::bulk::journal::{JournalError, begins_like_a_journal, first_run, kept_in, named_after};
use crate::bulk::list_name::ListName;
use crate::commands::error::CommandError;
use crate::report::ErrorReport;
use crate::report::exit::Exit;

/// The journal that is meant by a file of the command line, or by none. `folder` is where journals are kept.
///
/// # Errors
/// [`CommandError`] when there is no such journal, or more than one.
pub(super) fn find(file: Option<&Path>, folder: &Path, form: &Form) -> Result<PathBuf, CommandError> {
    let Some(file) = file else {
        return the_only_one(folder, form);
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
                form.path(file),
                form.path(folder)
            ),
            hint: Some("`vescli journal list` shows the journals".to_owned()),
        }
        .into()),
        several => Err(CommandError::Usage {
            message: format!("{} has {} journals, one for each URL and cname", form.path(file), several.len()),
            hint: format!("name one of them: {}", names(several, form)),
        }),
    }
}

fn names(journals: &[PathBuf], form: &Form) -> String {
    let names: Vec<String> = journals.iter().map(|path| form.path(path)).collect();
    names.join(", ")
}

/// Whether a file is a journal, by its first bytes; what else is wrong with it is said where it is read. What cannot be
/// looked at counts as one too, so that its own error is shown.
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
    let mut found = kept_in(folder)?;
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

fn the_only_one(folder: &Path, form: &Form) -> Result<PathBuf, CommandError> {
    let mut journals = kept_in(folder)?;
    match journals.len() {
        1 => Ok(journals.remove(0)),
        0 => Err(ErrorReport {
            exit: Exit::NoInput,
            message: format!("there is no journal in {}", form.path(folder)),
            hint: Some("name the file of the journal".to_owned()),
        }
        .into()),
        many => Err(CommandError::Usage {
            message: format!("there are {many} journals in {}", form.path(folder)),
            hint: "name one of them, or its list: `vescli journal list` shows them".to_owned(),
        }),
    }
}

//! `vescli journal rm` and `prune`: remove journals. Removing one also removes the record of who was mailed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::bulk::journal::{
    JournalError, RunRecord, Scan, index_of, inspect, journals_in, leftovers_in, lock_to_remove,
};
use crate::commands::error::CommandError;
use crate::commands::{Context, Input};
use crate::report::Reporter;
use crate::report::escape::success;
use crate::report::json::document;
use crate::report::text::counted;

/// The options, from flags and variables only.
pub(super) struct Request {
    older_than: Option<Duration>,
    given: Layer,
}

impl Request {
    pub(super) fn new(context: &Context) -> Result<Self, CommandError> {
        let given = context.flags_and_variables()?;
        let duration = |text: String| {
            let message = format!("--older-than: `{text}` is not a time");
            humantime::parse_duration(&text)
                .map_err(|_| CommandError::usage(message, "use a number with its unit, such as 90d or 12h"))
        };
        Ok(Self { older_than: given.text(Setting::OlderThan).map(duration).transpose()?, given })
    }

    /// Asks whether to remove. Without a terminal, `--yes` is needed.
    fn confirm(&self, question: &str, reporter: &mut Reporter) -> Result<bool, CommandError> {
        if self.given.is_on(Setting::Yes) {
            return Ok(true);
        }
        let message = "cannot ask for confirmation: standard input is not a terminal";
        let input = Input::find(reporter, self.given.is_on(Setting::NoInput), false);
        let input = input.ok_or_else(|| CommandError::usage(message, "add --yes"))?;
        Ok(matches!(input.ask(&format!("{question} [y/N] "), reporter).as_str(), "y" | "yes"))
    }
}

pub(super) fn one(path: &Path, request: &Request, reporter: &mut Reporter) -> Result<String, CommandError> {
    let scan = inspect(path)?;
    let people = scan.recovered.counts().total();
    let (shown, rows) = (reporter.path(path), counted(people, "row"));
    let question = format!("Remove {shown} with {rows}? A run of the same list mails these people again.");
    if !request.confirm(&question, reporter)? {
        return Ok(removed(&[], &[], false, reporter));
    }
    remove(path, || true)?;
    Ok(removed(&[path.to_owned()], &[], false, reporter))
}

/// Removes old journals of finished runs, old journals of rehearsals, and temporary files of killed runs.
pub(super) fn prune(
    [journals, rehearsals]: &[PathBuf; 2],
    request: &Request,
    reporter: &mut Reporter,
) -> Result<String, CommandError> {
    let is_old = |path: &Path, is_rehearsal: bool| {
        inspect(path).is_ok_and(|scan| {
            let last = scan.recovered.runs.last();
            let since = last.and_then(|run| SystemTime::now().duration_since(run.at.time()).ok());
            since.zip(request.older_than).is_some_and(|(since, age)| since >= age)
                && (is_rehearsal || is_finished(&scan))
        })
    };
    let (mut old, mut leftovers) = (Vec::new(), Vec::new());
    for (folder, is_rehearsal) in [(journals, false), (rehearsals, true)] {
        if request.older_than.is_some() {
            old.extend(journals_in(folder)?.into_iter().filter(|path| is_old(path, is_rehearsal)));
        }
        leftovers.extend(leftovers_in(folder)?);
    }
    // A run is still writing a file that is locked.
    leftovers.retain(|path| lock_to_remove(path).is_ok());
    let is_dry_run = request.given.is_on(Setting::DryRun);
    if is_dry_run || old.is_empty() && leftovers.is_empty() {
        return Ok(removed(&old, &leftovers, is_dry_run, reporter));
    }
    let listed: String = old.iter().map(|path| reporter.path(path) + "\n").collect();
    let (journals, files) = (counted(old.len() as u64, "journal"), counted(leftovers.len() as u64, "file"));
    if !request.confirm(&format!("{listed}Remove {journals} and {files} of killed runs?"), reporter)? {
        return Ok(removed(&[], &[], false, reporter));
    }
    let mut gone = Vec::new();
    for path in old {
        // A run may have used it since the question was asked. Then it is no longer old.
        if remove(&path, || is_old(&path, true))? {
            gone.push(path);
        }
    }
    for path in &leftovers {
        fs::remove_file(path).map_err(|source| JournalError::Write { path: path.clone(), source })?;
    }
    Ok(removed(&gone, &leftovers, false, reporter))
}

/// Removes a journal and its index, unless `is_allowed` returns false. The journal is locked during this, so that no run can
/// use it.
fn remove(path: &Path, is_allowed: impl FnOnce() -> bool) -> Result<bool, JournalError> {
    let _lock = lock_to_remove(path)?;
    if !is_allowed() {
        return Ok(false);
    }
    fs::remove_file(path).map_err(|source| JournalError::Write { path: path.to_owned(), source })?;
    // There may be no index.
    let _ = fs::remove_file(index_of(path));
    Ok(true)
}

/// Whether no row is left to send or to resolve. A rejected row may be due, so the next run sends it.
fn is_finished(scan: &Scan) -> bool {
    let counts = scan.recovered.counts();
    let last = scan.recovered.runs.last();
    // A single send leaves nothing for a next run.
    let is_sent = last.is_some_and(RunRecord::is_single_send)
        || counts.due == 0 && counts.accepted + counts.rejected >= last.map_or(0, |run| run.rows);
    scan.damage.is_empty() && counts.unknown == 0 && is_sent
}

fn removed(journals: &[PathBuf], leftovers: &[PathBuf], dry_run: bool, reporter: &Reporter) -> String {
    if reporter.output().json {
        let texts = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        let document = document! { dry_run: dry_run, removed: texts(journals), leftovers: texts(leftovers) };
        return success("vescli.journal-remove/1", document);
    }
    let word = if dry_run { "would remove" } else { "removed" };
    let line = |path: &PathBuf| format!("{word}: {}\n", reporter.path(path));
    let text: String = journals.iter().chain(leftovers).map(line).collect();
    if text.is_empty() { "nothing was removed\n".to_owned() } else { text }
}

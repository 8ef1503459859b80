//! `vescli journal merge`: joins journals in a new one, and says what it knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::show::outcomes;
use crate::args::settings_table::Setting;
use crate::bulk::journal::{Author, Counts, RunHeader, RunRecord, merge as join};
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::report::escape::success;
use crate::report::text::counted;
use crate::settings::bulk::Shard;

#[derive(Debug, Serialize)]
struct MergeDocument {
    path: String,
    journals: Vec<String>,
    rows: Counts,
    missing_shards: Vec<String>,
}

/// An error leaves no new file.
pub(super) fn merge(journals: &[PathBuf], context: &mut Context) -> Result<String, CommandError> {
    let into = context.given()?.text(Setting::Into).map(PathBuf::from);
    let into =
        into.ok_or_else(|| CommandError::usage("--into is missing", "name a new file for the joined journal"))?;
    let journals = each_once(journals);
    let author = Author::of(context.environment);
    // The last run stands for all of them; the new journal is one of the whole list.
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
        let journals = journals.iter().map(|path| text(path)).collect();
        let document = MergeDocument { path: text(&into), journals, rows: merged.counts, missing_shards };
        return Ok(success("vescli.journal-merge/1", document));
    }
    let journals = counted(journals.len() as u64, "journal");
    Ok(format!("joined: {}\n  {journals}: {}\n", reporter.path(&into), outcomes(&merged.counts)))
}

/// A journal that is named twice, or by two names, is one.
fn each_once(journals: &[PathBuf]) -> Vec<PathBuf> {
    let mut known = BTreeSet::new();
    let is_new = |path: &&PathBuf| known.insert(fs::canonicalize(path).unwrap_or_else(|_| (*path).clone()));
    journals.iter().filter(is_new).cloned().collect()
}

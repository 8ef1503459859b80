//! Merges journals into a new one, which a run can continue. Writes each run's record, then its requests, line by line
//! as in the source journal. The request that decides about a person is written last.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::file::{self, LockedJournal};
use super::known::missing_shards;
use super::merged::{MergedJournals, Request};
use super::path::split_name;
use super::record::{self, RunHeader};
use super::run_record::{Part, RunRecord};
use super::scan::{Counts, Lines, Recovered};
use crate::settings::bulk::Shard;

/// What a merged journal contains.
#[derive(Debug)]
pub struct Merged {
    /// How many people have each outcome now.
    pub counts: Counts,
    /// The shards that are missing from the divisions of the journals.
    pub missing: Vec<Shard>,
}

/// Merges journals into a new file.
///
/// `header` makes the record of the merge from the last of all runs and the number of people.
///
/// # Errors
/// [`JournalError`] when a run writes to one of the journals; when one is damaged, has another service or path than the
/// first, or was written by an older vescli; when the new file exists or cannot be written. No file is left behind
/// then.
pub fn merge(
    into: &Path,
    journals: &[PathBuf],
    header: impl FnOnce(&RunRecord, u64) -> RunHeader,
) -> Result<Merged, JournalError> {
    if into.symlink_metadata().is_ok() {
        return Err(JournalError::Exists { path: into.to_owned() });
    }
    // A merged journal belongs to no shard. With the name of one, the runs of that division would not read it, and
    // other runs would report the other shards as missing.
    if split_name(into).1.is_some() {
        return Err(JournalError::NameOfShard { path: into.to_owned() });
    }
    let mut merged = MergedJournals::default();
    for path in journals {
        merged.add(path, file::open_locked_shared(path)?)?;
        check_target(&merged, path)?;
    }
    let last = merged.runs.iter().max_by_key(|run| run.record.at).ok_or(JournalError::NothingToMerge)?;
    let header = header(&last.record, merged.people.len() as u64);
    let (new, temporary) = LockedJournal::new_temporary(into)?;
    let made = write(&merged, journals, &header, &new)
        .map_err(JournalError::writing(into))
        .and_then(|()| put_in_place(&temporary, into));
    let _ = fs::remove_file(&temporary);
    made?;
    let present: BTreeSet<Shard> = merged.runs.iter().filter_map(|run| run.record.shard).collect();
    let states = merged.states().map(|(key, state, _)| (key, state)).collect();
    let counts = Recovered { states, ..Recovered::default() }.counts();
    Ok(Merged { counts, missing: missing_shards(&present, &present) })
}

fn check_target(merged: &MergedJournals, path: &Path) -> Result<(), JournalError> {
    let mut runs = merged.runs.iter().map(|run| &run.record);
    let Some(first) = runs.next() else {
        return Ok(());
    };
    runs.find(|run| !run.is_to(&first.service, &first.url)).map_or(Ok(()), |other| {
        let (path, url, first) = (path.display(), &other.url, &first.url);
        Err(JournalError::Unfit(format!(
            "the journal {path} belongs to {url}, and the others to {first}: journals of different services cannot be merged"
        )))
    })
}

/// The requests in the order in which they are written, each with whether it decides. Requests that decide come last,
/// because the last line about a person counts. Apart from that, they are sorted by run, and then as in the source
/// journals.
fn in_order(merged: &MergedJournals) -> Vec<(bool, Request)> {
    let all = merged.people.values().flat_map(|person| {
        let deciding = person.deciding();
        person.0.iter().enumerate().map(move |(index, request)| (Some(index) == deciding, *request))
    });
    let mut all: Vec<(bool, Request)> = all.collect();
    all.sort_unstable_by_key(|(decides, request)| (*decides, request.run(), request.superseded, request.intent));
    all
}

fn write(merged: &MergedJournals, journals: &[PathBuf], header: &RunHeader, new: &LockedJournal) -> io::Result<()> {
    let mut out = BufWriter::new(&new.file);
    let readers: io::Result<Vec<_>> = merged.files.iter().map(|(_, file)| Lines::of_file(file, 0)).collect();
    let mut readers = readers?;
    // All runs come first, also those that mailed no one: they show which shards have run.
    for run in &merged.runs {
        out.write_all(run.with_part(Part::Merged).as_bytes())?;
    }
    let mut group = None;
    for (decides, request) in in_order(merged) {
        let part = if request.superseded { Part::Superseded } else { Part::Merged };
        if group.replace((decides, request.run(), part)) != Some((decides, request.run(), part))
            && let Some(run) = merged.runs.get(request.run() as usize)
        {
            out.write_all(run.with_part(part).as_bytes())?;
        }
        let places = [Some(request.intent), request.end.map(|end| end.1), request.resolution().map(|found| found.2)];
        for place in places.into_iter().flatten() {
            out.write_all(readers[usize::from(place.file)].at(place.offset)?)?;
            out.write_all(b"\n")?;
        }
    }
    out.write_all(header.record_of_merge(journals).as_bytes())?;
    out.flush()?;
    drop(out);
    new.file.sync_all()?;
    let length = new.file.metadata()?.len();
    (&new.file).write_all(record::synced(length).as_bytes())?;
    new.file.sync_all()
}

/// Gives the finished journal its name, unless another file has it by now.
fn put_in_place(temporary: &Path, into: &Path) -> Result<(), JournalError> {
    let failed = JournalError::writing(into);
    // A hard link fails if the name is taken; a rename would replace the other file.
    fs::hard_link(temporary, into).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => JournalError::Exists { path: into.to_owned() },
        _ => failed(error),
    })?;
    file::sync_folder(file::folder_of(into)).map_err(failed)
}

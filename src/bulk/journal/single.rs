//! The journals of single sends: one for each service and month, so that none grows for ever. A send appends its run,
//! its intents and its ends, and holds the lock only while it writes. Records of several sends are interleaved.
//!
//! If the last record is a `synced`, a send does not read the rest. Only an end that is not accepted reads the whole
//! file: the last record of a person decides, and a rejected end must not replace the outcome of another send.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use super::error::JournalError;
use super::file::{self, LockedJournal};
use super::open::begin;
use super::path::EXTENSION;
use super::record::{self, End, Intent, Person, Record, Resolution, RowState, RunHeader};
use super::run_record::RunRecord;
use super::scan::{Lines, read_valid};
use crate::api::outcome::Outcome;
use crate::settings::clock::Timestamp;

/// The list in the record of a single send. No list has this name, because the paths of lists are absolute.
pub const SINGLE_SENDS: &str = "send";
/// How long a send waits for the lock.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// More bytes than a `synced` record ever has.
const SYNCED_BYTES_MAX: u64 = 128;

/// The journal of single sends to a service in the present month.
pub fn path_of_single_sends(folder: &Path, service: &str) -> PathBuf {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' }
    };
    // Not shortened, unlike the name of a list: two services must not share a journal.
    let service: String = service.chars().map(plain).collect();
    let now = Timestamp::from(SystemTime::now()).to_string();
    let month = now.get(..7).unwrap_or_default();
    folder.join(format!("send-{service}-{month}.{EXTENSION}"))
}

impl RunRecord {
    /// Whether it is the record of a single send.
    pub fn is_single_send(&self) -> bool {
        self.list.as_deref() == Some(SINGLE_SENDS)
    }
}

/// A send in the journal of its service and month. The file stays open, so that the end can only go to the file that
/// has the intent.
pub struct SingleSend(LockedJournal);

impl SingleSend {
    /// Writes and syncs the record of the run and its first intent. On return the request may be sent. `wait` waits for
    /// the given time, and returns whether to continue to wait for the lock.
    ///
    /// # Errors
    /// [`JournalError`] when the intent may not be on the disk.
    pub fn begin(
        path: &Path,
        header: &RunHeader,
        intent: &Intent<'_>,
        mut wait: impl FnMut(Duration) -> bool,
    ) -> Result<Self, JournalError> {
        let mut send = Self(LockedJournal::open_with(path, true, |file, path| lock(file, path, &mut wait))?);
        send.append(|_| Ok(header.record() + &record::intent(intent)))?;
        Ok(send)
    }

    /// The same for the intent of another attempt.
    pub fn intend(&mut self, intent: &Intent<'_>, wait: impl FnMut(Duration) -> bool) -> Result<(), JournalError> {
        self.lock(wait)?;
        self.append(|_| Ok(record::intent(intent)))
    }

    /// Records and syncs the outcome of all attempts so far. Returns whether the person is unknown in the journal now.
    pub fn conclude(&mut self, person: &Person<'_>, end: &End) -> Result<bool, JournalError> {
        self.lock(|time| {
            sleep(time);
            true
        })?;
        let mut is_unknown = false;
        self.append(|file| {
            let others =
                if end.outcome == Outcome::Accepted { None } else { stronger_record_of_others(file, person, end)? };
            let line = others.unwrap_or_else(|| record::end(person, end));
            let about = record::read(line.trim_end().as_bytes()).ok().and_then(|record| record.about());
            is_unknown = about.is_some_and(|(_, outcome)| outcome == Outcome::Unknown);
            Ok(line)
        })?;
        Ok(is_unknown)
    }

    fn lock(&self, wait: impl FnMut(Duration) -> bool) -> Result<(), JournalError> {
        let LockedJournal { path, file, .. } = &self.0;
        lock(file, path, wait)?;
        if file::leads_to(path, file::file_id(file)) {
            return Ok(());
        }
        self.0.unlock();
        Err(JournalError::Missing { path: path.clone() })
    }

    /// Writes and syncs, and releases the lock.
    fn append(&mut self, text: impl FnOnce(&File) -> io::Result<String>) -> Result<(), JournalError> {
        let appended = self.append_locked(text);
        self.0.unlock();
        appended.map_err(|error| match error {
            // Nothing was reserved, so there is no number of bytes to report.
            JournalError::NoSpace { path, source, .. } => JournalError::Write { path, source },
            error => error,
        })
    }

    fn append_locked(&mut self, text: impl FnOnce(&File) -> io::Result<String>) -> Result<(), JournalError> {
        let LockedJournal { path, file, folders, .. } = &mut self.0;
        let failed = JournalError::reading(path);
        let mut valid = file.metadata().map_err(failed)?.len();
        if valid == 0 {
            // Another send may have made the file, and may be waiting for the lock.
            folders.push(file::folder_of(path).to_owned());
        }
        let mut line_break = "";
        if !ends_synced(file, valid).map_err(failed)? {
            let found = read_valid(file, path)?;
            (valid, line_break) = (found.valid, found.line_break());
        }
        let text = line_break.to_owned() + &text(file).map_err(failed)?;
        begin(&mut self.0, valid, 0, &text)?;
        self.0.folders.clear();
        Ok(())
    }
}

/// Waits for the lock, which another send holds as long as a sync takes.
fn lock(file: &File, path: &Path, mut wait: impl FnMut(Duration) -> bool) -> Result<(), JournalError> {
    let end = Instant::now() + LOCK_WAIT_MAX;
    loop {
        match file::lock(file, path) {
            // A random time, so that waiting sends do not try at the same moment.
            Err(JournalError::Locked { .. })
                if Instant::now() < end && wait(Duration::from_micros(fastrand::u64(500..5000))) => {}
            locked => return locked,
        }
    }
}

/// Whether the last line is a complete `synced` record for everything before it.
fn ends_synced(file: &File, length: u64) -> io::Result<bool> {
    let bytes = file::bytes_before(file, length, SYNCED_BYTES_MAX)?;
    let Some(text) = bytes.strip_suffix(b"\n") else {
        return Ok(false);
    };
    let last = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let begin = length - last.len() as u64 - 1;
    Ok(matches!(record::read(last), Ok(Record::Synced { bytes }) if bytes == begin))
}

/// The record to write instead of the own end, if another send to the same person has a stronger outcome: it was
/// accepted, or it is unknown, perhaps because it is under way. Damaged lines are ignored: readers of the journal
/// report them.
fn stronger_record_of_others(file: &File, person: &Person<'_>, end: &End) -> io::Result<Option<String>> {
    let mut lines = Lines::of_file(file, 0)?;
    // Requests without an end, the own one included.
    let mut open = 0_u64;
    let (mut accepted, mut unknown) = (None, None);
    while lines.advance()?.is_some() {
        let state = match record::read(&lines.text) {
            Ok(Record::Row { key, state, .. }) if key == person.key => state,
            _ => continue,
        };
        let line = || Some(String::from_utf8_lossy(&lines.text).into_owned() + "\n");
        open = match state {
            RowState::Intended { .. } => open + 1,
            RowState::Resolved(_) => 0,
            _ => open.saturating_sub(1),
        };
        match state {
            RowState::Accepted { .. } => accepted = line(),
            RowState::Resolved(Resolution::NotSent) => unknown = None,
            RowState::Unknown { .. } | RowState::Resolved(_) => unknown = line(),
            RowState::Intended { .. } | RowState::Rejected { .. } | RowState::NotSent => {}
        }
    }
    let under_way = || {
        let end = End { outcome: Outcome::Unknown, status: None, ..*end };
        (open > 1).then(|| record::end(person, &end))
    };
    Ok(accepted.or(unknown).or_else(under_way))
}

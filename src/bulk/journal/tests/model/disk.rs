//! What is on the disk: the real lines of journals, each kept once. The crate's own code reads and changes real files.
//! Its result for each content is remembered, because most states differ in other things.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::super::super::file;
use super::{Journal, OpenMode, Recovered, RunHeader, Scan, Snapshot, record, take_snapshot};
use crate::bulk::journal::{
    DamagedJournal, JournalError, ListedPerson, OwnRun, Resolution, RowKey, RunRecord, Siblings, journal_of_shard, scan,
};
use crate::settings::bulk::Shard;

/// The time of every record, so that states that differ only in time are the same.
const TIME: &str = "2026-01-02T03:04:05.678Z";
/// The beginning of the id of every run. The id that a run makes itself is random.
const RUN_START: &str = "00000000000000";
/// The run of every record for which the run does not matter.
pub(super) const RUN: u8 = 0xa1;

/// The number of a line.
pub(super) type Line = u32;

/// Every line that was ever written, each kept once.
#[derive(Default)]
pub(super) struct Lines(Mutex<Known>);

#[derive(Default)]
struct Known {
    all: Vec<Arc<[u8]>>,
    numbers: HashMap<Arc<[u8]>, Line>,
}

impl Lines {
    pub(super) fn number(&self, line: &[u8]) -> Line {
        self.number_of(line, RUN)
    }

    /// `run` is the run that a record of a new run gets.
    fn number_of(&self, line: &[u8], run: u8) -> Line {
        if let Some(number) = self.0.lock().unwrap().numbers.get(line) {
            return *number;
        }
        let line: Arc<[u8]> = timeless(line, run).into();
        let Known { all, numbers } = &mut *self.0.lock().unwrap();
        *numbers.entry(Arc::clone(&line)).or_insert_with(|| {
            all.push(line);
            u32::try_from(all.len() - 1).unwrap()
        })
    }

    pub(super) fn numbers(&self, bytes: &[u8], run: u8) -> Vec<Line> {
        bytes.split_inclusive(|byte| *byte == b'\n').map(|line| self.number_of(line, run)).collect()
    }

    pub(super) fn bytes(&self, lines: &[Line]) -> Vec<u8> {
        let Known { all, .. } = &*self.0.lock().unwrap();
        let lines: Vec<&[u8]> = lines.iter().map(|line| &*all[*line as usize]).collect();
        lines.concat()
    }

    /// The length of a file with these lines.
    pub(super) fn length(&self, lines: &[Line]) -> u64 {
        let Known { all, .. } = &*self.0.lock().unwrap();
        lines.iter().map(|line| all[*line as usize].len() as u64).sum()
    }
}

/// The id of a run in its record.
pub(super) fn run_id(run: u8) -> String {
    format!("{RUN_START}{run:02x}")
}

/// A record with the common time and the number of its run, without the names of files, and with a new check sum.
/// Anything that is not a record stays as it is.
fn timeless(line: &[u8], run: u8) -> Vec<u8> {
    let Some(text) = str::from_utf8(line).ok().filter(|text| record::read(text.trim_end().as_bytes()).is_ok()) else {
        return line.to_vec();
    };
    let mut text = text.split_once(",\"crc\":").unwrap().0.to_owned();
    let id = run_id(run);
    for (name, value) in [("at", TIME), ("id", &id)] {
        let field = format!("\"{name}\":\"");
        let at = text.find(&field).map(|at| at + field.len());
        if let Some(at) = at.filter(|at| !text[*at..].starts_with(RUN_START)) {
            text.replace_range(at..at + value.len(), value);
        }
    }
    if let Some((before, _)) = text.split_once(",\"merged\":") {
        text = format!("{before},\"merged\":[]");
    }
    let with_crc = record::with_crc(text);
    with_crc[..with_crc.len() - usize::from(!line.ends_with(b"\n"))].into()
}

/// A journal's file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) lines: Vec<Line>,
    /// How many lines survive a power failure.
    pub(super) durable: usize,
    /// Whether a durable line was damaged and is not repaired yet.
    pub(super) is_damaged: bool,
}

impl Disk {
    /// What a power failure may leave: any beginning of the unsynced part, also one that is cut within a line, has
    /// zeros in place of the rest, or has a line of zeros before the rest.
    pub(super) fn after_power_failure(&self, lines: &Lines) -> Vec<Self> {
        let durable = self.durable.min(self.lines.len());
        let (kept, unsynced) = self.lines.split_at(durable);
        let mut images = Vec::new();
        let mut leave = |rest: &[&[u8]]| {
            let lines: Vec<Line> = kept.iter().copied().chain(lines.numbers(&rest.concat(), RUN)).collect();
            let image = Self { durable: lines.len(), lines, is_damaged: self.is_damaged };
            if !images.contains(&image) {
                images.push(image);
            }
        };
        let unsynced: Vec<Vec<u8>> = unsynced.iter().map(|line| lines.bytes(&[*line])).collect();
        let whole: Vec<&[u8]> = unsynced.iter().map(Vec::as_slice).collect();
        for count in 0..=whole.len() {
            leave(&whole[..count]);
            if let Some(torn) = whole.get(count) {
                leave(&[&whole[..count], &[&torn[..torn.len() / 2]]].concat());
            }
        }
        if let Some((first, rest)) = whole.split_first() {
            let zeros = vec![0; whole.concat().len()];
            leave(&[&zeros]);
            leave(&[&[&zeros[..first.len()]], rest].concat());
        }
        images
    }
}

/// A journal that a run has opened: its lines, and what it and the other journals of the list know.
pub(super) type Opened = (Vec<Line>, Arc<Recovered>);

/// Why a journal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Damaged,
    Locked,
    ShardsMissing,
    Other,
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Damaged { .. } => Self::Damaged,
            JournalError::Locked { .. } => Self::Locked,
            JournalError::ShardsMissing { .. } => Self::ShardsMissing,
            _ => Self::Other,
        }
    }
}

/// The journals of a list, the one that a run opens, and which of them are locked.
pub(super) struct Folder<'a> {
    pub(super) journals: Vec<&'a [Line]>,
    pub(super) is_locked: Vec<bool>,
    pub(super) at: usize,
    /// The run that opens it.
    pub(super) run: u8,
}

impl Folder<'_> {
    /// The key under which results for this content are remembered.
    fn key(&self) -> (Vec<Line>, u64) {
        let lines = self.journals.iter().flat_map(|lines| lines.iter().copied().chain([Line::MAX]));
        let locked = self.is_locked.iter().fold(0, |bits, locked| bits << 1 | u64::from(*locked));
        (lines.collect(), locked << 16 | (self.at as u64) << 8 | u64::from(self.run))
    }
}

/// A folder of journals that are only read. They stay for the next call, because most of them are the same again.
pub(super) struct Desk {
    pub(super) root: PathBuf,
    files: HashMap<PathBuf, Vec<Line>>,
}

impl Desk {
    /// Removes the other journals, and writes those that are missing.
    fn lay(&mut self, lines: &Lines, journals: &[(PathBuf, &[Line])]) {
        let Self { root, files } = self;
        files.retain(|name, there| {
            let stays = journals.iter().any(|(wanted, lines)| wanted == name && lines == there);
            if !stays {
                fs::remove_file(root.join(name)).unwrap();
            }
            stays
        });
        for (name, wanted) in journals {
            if let Entry::Vacant(new) = files.entry(name.clone()) {
                let mut file = file::make_file(&root.join(name)).unwrap();
                file.write_all(&lines.bytes(wanted)).unwrap();
                new.insert(wanted.to_vec());
            }
        }
    }
}

/// The folders that no call uses at the moment.
pub(super) type Desks = Mutex<Vec<Desk>>;

pub(super) type Memory<T> = Mutex<HashMap<(Vec<Line>, u64), T>>;

/// The crate's functions on journals.
pub(super) struct Files {
    pub(super) lines: Arc<Lines>,
    /// The shard of each place; none for the whole list.
    shards: Vec<Option<Shard>>,
    folder: tempfile::TempDir,
    number: AtomicU64,
    desks: Desks,
    pub(super) desks_of_merges: Desks,
    opened: Memory<Result<Opened, Refusal>>,
    snapshots: Memory<Result<Arc<Recovered>, Refusal>>,
    known: Memory<Result<Arc<Recovered>, Refusal>>,
    scanned: Memory<Arc<Scan>>,
    resolved: Memory<Option<Vec<Line>>>,
    repaired: Memory<Option<Vec<Line>>>,
    pub(super) merged: Memory<Result<Option<Vec<Line>>, Refusal>>,
}

impl Files {
    /// In memory if the system has such a folder: nothing here is needed later.
    pub(super) fn new(shards: &[&str]) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self {
            lines: Arc::default(),
            shards: shards.iter().map(|shard| shard.parse().ok()).collect(),
            folder: folder.unwrap(),
            number: AtomicU64::default(),
            desks: Desks::default(),
            desks_of_merges: Desks::default(),
            opened: Memory::default(),
            snapshots: Memory::default(),
            known: Memory::default(),
            scanned: Memory::default(),
            resolved: Memory::default(),
            repaired: Memory::default(),
            merged: Memory::default(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.shards.len()
    }

    pub(super) fn shard(&self, at: usize) -> Option<Shard> {
        self.shards[at]
    }

    /// A folder that no other call uses.
    pub(super) fn new_folder(&self) -> PathBuf {
        let root = self.folder.path().join(self.number.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&root).unwrap();
        root
    }

    /// The file name of the journal at a place.
    fn name(&self, at: usize) -> PathBuf {
        let whole = Path::new("list.ndjson");
        self.shards[at].map_or(whole.to_owned(), |shard| journal_of_shard(whole, shard))
    }

    /// Calls `act` with the journals as files, and returns the lines of the chosen one.
    fn with_files<T>(&self, folder: &Folder<'_>, act: impl FnOnce(&Path) -> T) -> (T, Vec<Line>) {
        let root = self.new_folder();
        let name = |at: usize| root.join(self.name(at));
        let mut locks = Vec::new();
        for (at, lines) in folder.journals.iter().enumerate().filter(|(_, lines)| !lines.is_empty()) {
            let mut file = file::make_file(&name(at)).unwrap();
            file.write_all(&self.lines.bytes(lines)).unwrap();
            if folder.is_locked[at] {
                file.lock().unwrap();
                locks.push(file);
            }
        }
        let result = act(&name(folder.at));
        let left = fs::read(name(folder.at)).unwrap_or_default();
        fs::remove_dir_all(&root).unwrap();
        (result, self.lines.numbers(&left, folder.run))
    }

    /// Only reads the journals with these names, some of them locked.
    pub(super) fn reading<T>(
        &self,
        desks: &Desks,
        journals: &[(PathBuf, &[Line], bool)],
        read: impl FnOnce(&Path) -> T,
    ) -> T {
        let desk = desks.lock().unwrap().pop();
        let mut desk = desk.unwrap_or_else(|| Desk { root: self.new_folder(), files: HashMap::new() });
        let there: Vec<_> = journals.iter().map(|(name, lines, _)| (name.clone(), *lines)).collect();
        desk.lay(&self.lines, &there);
        let locked = journals.iter().filter(|(.., is_locked)| *is_locked);
        let lock = |name: &PathBuf| {
            let file = File::open(desk.root.join(name)).unwrap();
            file.lock().unwrap();
            file
        };
        let locks: Vec<File> = locked.map(|(name, ..)| lock(name)).collect();
        let result = read(&desk.root);
        drop(locks);
        desks.lock().unwrap().push(desk);
        result
    }

    fn own_run<'a>(&self, at: usize, path: &'a Path, header: &'a RunHeader) -> OwnRun<'a> {
        OwnRun { journal: path, shard: self.shards[at], service: &header.service, url: &header.url }
    }

    /// What a run knows before it sends, as `vescli bulk` finds it out: first from its own journal.
    pub(super) fn known(
        &self,
        folder: &Folder<'_>,
        header: &RunHeader,
        alone: bool,
    ) -> Result<Arc<Recovered>, Refusal> {
        let own = folder.journals[folder.at];
        let snapshot = remember(&self.snapshots, (own.to_vec(), folder.at as u64), || {
            let own = [(self.name(folder.at), own, false)];
            let own = if own[0].1.is_empty() { &[][..] } else { &own };
            self.reading(&self.desks, own, |root| match take_snapshot(&root.join(self.name(folder.at))) {
                Err(JournalError::Missing { .. }) => Ok(Arc::default()),
                snapshot => Ok(Arc::new(snapshot?.recovered)),
            })
        })?;
        if alone {
            return Ok(snapshot);
        }
        remember(&self.known, folder.key(), || {
            let journals = folder.journals.iter().enumerate().filter(|(_, lines)| !lines.is_empty());
            let journals: Vec<_> = journals.map(|(at, lines)| (self.name(at), *lines, folder.is_locked[at])).collect();
            let siblings = self.reading(&self.desks, &journals, |root| {
                Siblings::read(self.own_run(folder.at, &root.join(self.name(folder.at)), header))
            })?;
            let mut known = (*snapshot).clone();
            siblings.add_to(&mut known);
            Ok(Arc::new(known))
        })
    }

    /// Opens a journal for a run, as `vescli bulk` does.
    pub(super) fn open(&self, folder: &Folder<'_>, header: &RunHeader, alone: bool) -> Result<Opened, Refusal> {
        remember(&self.opened, folder.key(), || {
            let (known, lines) = self.with_files(folder, |path| {
                let own = self.own_run(folder.at, path, header);
                let snapshot = match take_snapshot(path) {
                    Err(JournalError::Missing { .. }) => Snapshot::default(),
                    snapshot => snapshot?,
                };
                let siblings = if alone { Siblings::default() } else { Siblings::read(own)? };
                let (journal, mut known) = Journal::open_with_snapshot(path, OpenMode::Resume, header, snapshot)?;
                if !alone {
                    siblings.check_unchanged(own)?;
                }
                siblings.add_to(&mut known);
                drop(journal);
                Ok::<_, JournalError>(known)
            });
            Ok((lines, Arc::new(known?)))
        })
    }

    /// What a journal says.
    pub(super) fn scan(&self, lines: &[Line]) -> Arc<Scan> {
        remember(&self.scanned, (lines.to_vec(), 0), || Arc::new(scan(self.lines.bytes(lines).as_slice()).unwrap()))
    }

    /// Records an operator's resolution, as `vescli journal resolve` does; nothing if it is refused.
    pub(super) fn resolve(&self, lines: &[Line], key: RowKey, resolution: Resolution) -> Option<Vec<Line>> {
        let call = u64::from(key.bytes()[0]) << 8 | resolution as u64;
        remember(&self.resolved, (lines.to_vec(), call), || {
            let (resolved, lines) = self.with_files(&only(lines), |path| {
                Journal::resolve(path, |known| match known.state(key) {
                    Some(state) if state.can_be_resolved(resolution) => Ok(vec![(key, resolution)]),
                    _ => Err(JournalError::Missing { path: path.to_owned() }),
                })
            });
            resolved.is_ok().then_some(lines)
        })
    }

    /// Repairs as `vescli journal repair` does; nothing if there is nothing to repair.
    pub(super) fn repair(
        &self,
        at: usize,
        lines: &[Line],
        header: &RunHeader,
        people: &[ListedPerson],
    ) -> Option<Vec<Line>> {
        // The records that two repairs make are not the same either.
        let run = RUN + u8::try_from(at).unwrap();
        remember(&self.repaired, (lines.to_vec(), u64::from(run)), || {
            let (repaired, lines) = self.with_files(&Folder { run, ..only(lines) }, |path| {
                let journal = DamagedJournal::open(path).unwrap()?;
                let mut people = people.to_vec();
                journal.retain_own(&mut people);
                let shard = journal.last_run().and_then(RunRecord::own_shard);
                let header = RunHeader { shard, ..header.clone() };
                Some(journal.repair(&header, &people).unwrap())
            });
            repaired.map(|_| lines)
        })
    }
}

fn only(lines: &[Line]) -> Folder<'_> {
    Folder { journals: vec![lines], is_locked: vec![false], at: 0, run: RUN }
}

/// How many results are remembered at a time: some gigabytes in all if there are millions of states.
const REMEMBERED_MAX: usize = 400_000;

pub(super) fn remember<T: Clone>(memory: &Memory<T>, key: (Vec<Line>, u64), compute: impl FnOnce() -> T) -> T {
    if let Some(known) = memory.lock().unwrap().get(&key) {
        return known.clone();
    }
    let computed = compute();
    let mut memory = memory.lock().unwrap();
    if memory.len() >= REMEMBERED_MAX {
        memory.clear();
    }
    // The first result stays, so that a state does not depend on the thread that finds it.
    memory.entry(key).or_insert(computed).clone()
}

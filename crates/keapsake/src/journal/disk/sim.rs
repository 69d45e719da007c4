//! A disk in memory that forgets, tears and fails when told to: for simulations and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::{Disk, DiskFile};

/// A disk shared by several simulated processes, each with its own [`process`](SimDisk::process) view.
///
/// It is as unkind as a real one may be: what was not synced is lost in a [`crash`](SimDisk::crash), wholly or from
/// some byte on, with all of the sector around it; a write that fails may have got anywhere; after a sync that failed,
/// later ones do not make up for it. Where, is decided by the seed. Everything happens at once; nothing takes real
/// time.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call fails; the next one works.
    Fails,
    /// The process dies in the middle of the call: it and all later ones of this process fail, until
    /// [`crash`](SimDisk::crash) and a new [`process`](SimDisk::process).
    Dies,
}

#[derive(Debug)]
struct State {
    random: u64,
    files: BTreeMap<PathBuf, FileId>,
    contents: BTreeMap<FileId, Contents>,
    /// Who holds a file.
    held: BTreeMap<FileId, ProcessId>,
    /// All processes that there were.
    owners: BTreeMap<ProcessId, Uuid>,
    alive: BTreeSet<ProcessId>,
    next_id: u64,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    is_full: bool,
    is_read_only: bool,
    slowness: Duration,
    time: Duration,
}

/// What a disk writes at once.
const SECTOR: usize = 4096;

/// Also the inode.
type FileId = u64;
type ProcessId = u64;

#[derive(Debug, Clone, Default)]
struct Contents {
    durable: Vec<u8>,
    /// Written since the last sync, in this order.
    pending: Vec<(usize, Vec<u8>)>,
    /// What a failed sync left behind: readers see it, no sync writes it, a crash takes it.
    abandoned: Vec<(usize, Vec<u8>)>,
}

impl SimDisk {
    /// An empty one. The same seed and the same calls give the same accidents.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: seed,
            files: BTreeMap::new(),
            contents: BTreeMap::new(),
            held: BTreeMap::new(),
            owners: BTreeMap::new(),
            alive: BTreeSet::new(),
            next_id: 0,
            operations: 0,
            faults: BTreeMap::new(),
            is_full: false,
            is_read_only: false,
            slowness: Duration::ZERO,
            time: Duration::ZERO,
        })))
    }

    /// The disk as a new process sees it.
    pub fn process(&self, owner: Uuid) -> Arc<dyn Disk> {
        let mut state = self.state();
        let id = state.new_id();
        state.owners.insert(id, owner);
        state.alive.insert(id);
        Arc::new(Process { disk: self.clone(), id })
    }

    /// The process is killed, and with it the machine's memory of what it had not synced. Its files are free.
    pub fn crash(&self, owner: Uuid) {
        let mut state = self.state();
        let State { owners, alive, held, .. } = &mut *state;
        alive.retain(|process| owners.get(process) != Some(&owner));
        let lost = held.extract_if(.., |_, process| owners.get(process) == Some(&owner));
        let lost: Vec<FileId> = lost.map(|(file, _)| file).collect();
        for file in lost {
            state.lose_unsynced(file);
        }
    }

    /// Calls that change something, so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets this call that changes something go wrong; the first one of all is 1.
    pub fn fault_at(&self, operation: u64, fault: Fault) {
        self.state().faults.insert(operation, fault);
    }

    /// No more of what [`fault_at`](Self::fault_at) has announced.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Whether new files find no space. Those that exist can be written: their space is theirs.
    pub fn set_full(&self, is_full: bool) {
        self.state().is_full = is_full;
    }

    /// Whether nothing can be changed.
    pub fn set_read_only(&self, is_read_only: bool) {
        self.state().is_read_only = is_read_only;
    }

    /// How much later it is, by [`Disk::steady_time`], after each call that changes something.
    pub fn set_slowness(&self, slowness: Duration) {
        self.state().slowness = slowness;
    }

    /// The paths of all files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.state().files.keys().cloned().collect()
    }

    /// What a reader finds in a file; empty when there is none.
    pub fn contents(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        state.files.get(path).and_then(|id| state.contents.get(id)).map(Contents::visible).unwrap_or_default()
    }

    /// Puts a file there, as a restored backup or a copy would be: durable, under a new inode, held by nobody.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let id = state.new_file(path);
        state.contents.insert(id, Contents { durable: bytes, ..Contents::default() });
    }

    /// Changes the bytes of a file in their place, as a failing disk does.
    pub fn spoil(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        if let Some(contents) = state.files.get(path).copied().and_then(|id| state.contents.get_mut(&id)) {
            change(&mut contents.durable);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of a call that changes something.
enum Course {
    Works,
    /// It fails, and may have done its work or a part of it.
    Breaks(io::Error),
}

impl State {
    /// Splitmix64: good enough for accidents.
    fn roll(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `most`, both often.
    fn roll_up_to(&mut self, most: usize) -> usize {
        match self.roll() % 4 {
            0 => 0,
            1 => most,
            _ => usize::try_from(self.roll()).unwrap_or(usize::MAX) % (most + 1),
        }
    }

    fn course(&mut self, process: ProcessId) -> io::Result<Course> {
        self.check_alive(process)?;
        self.operations += 1;
        self.time += self.slowness;
        if self.is_read_only {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(match self.faults.get(&self.operations) {
            None => Course::Works,
            Some(Fault::Fails) => Course::Breaks(io::Error::other("a simulated fault")),
            Some(Fault::Dies) => {
                self.alive.remove(&process);
                Course::Breaks(dead())
            }
        })
    }

    fn check_alive(&self, process: ProcessId) -> io::Result<()> {
        if self.alive.contains(&process) { Ok(()) } else { Err(dead()) }
    }

    /// A change that is made or not, never in part: of names.
    fn change_names(&mut self, process: ProcessId, change: impl FnOnce(&mut Self)) -> io::Result<()> {
        match self.course(process)? {
            Course::Works => change(self),
            Course::Breaks(error) => {
                if self.roll().is_multiple_of(2) {
                    change(self);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn new_file(&mut self, path: &Path) -> FileId {
        let id = self.new_id();
        self.files.insert(path.to_owned(), id);
        id
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn forget(&mut self, path: &Path) {
        if let Some(id) = self.files.remove(path)
            && !self.held.contains_key(&id)
        {
            self.contents.remove(&id);
        }
    }

    /// Each write since the last sync got to the disk, or up to some byte, or not at all. The sector in which it was
    /// cut off may hold anything afterwards, before and after that byte.
    fn lose_unsynced(&mut self, id: FileId) {
        let Some(mut contents) = self.contents.remove(&id) else { return };
        contents.abandoned.clear();
        for (offset, bytes) in std::mem::take(&mut contents.pending) {
            let arrived = self.roll_up_to(bytes.len());
            apply(&mut contents.durable, offset, bytes.get(..arrived).unwrap_or_default());
            if arrived < bytes.len() && self.roll().is_multiple_of(2) {
                self.spoil_sector(&mut contents.durable, offset + arrived);
            }
        }
        self.contents.insert(id, contents);
    }

    fn spoil_sector(&mut self, bytes: &mut [u8], at: usize) {
        let start = at - at % SECTOR;
        let end = bytes.len().min(start + SECTOR);
        let noise = self.roll().to_le_bytes();
        for (byte, noise) in
            bytes.get_mut(start..end).unwrap_or_default().iter_mut().zip(noise.iter().cycle())
        {
            *byte = *noise;
        }
    }

    fn contents(&mut self, id: FileId) -> io::Result<&mut Contents> {
        self.contents.get_mut(&id).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Contents {
    fn visible(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (offset, written) in self.abandoned.iter().chain(&self.pending) {
            apply(&mut bytes, *offset, written);
        }
        bytes
    }
}

fn apply(to: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    if let Some(place) = to.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

fn dead() -> io::Error {
    io::Error::other("this simulated process is dead")
}

struct Process {
    disk: SimDisk,
    id: ProcessId,
}

impl Process {
    fn hold(&self, state: &mut State, id: FileId) -> Box<dyn DiskFile> {
        state.held.insert(id, self.id);
        Box::new(Held { disk: self.disk.clone(), process: self.id, id })
    }
}

impl Disk for Process {
    fn make_directory(&self, _: &Path) -> io::Result<()> {
        self.disk.state().check_alive(self.id)
    }

    fn is_private(&self, _: &Path) -> io::Result<bool> {
        Ok(true)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.disk.state();
        state.check_alive(self.id)?;
        Ok(state.files.keys().filter(|path| path.parent() == Some(dir)).cloned().collect())
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.disk.state();
        let course = state.course(self.id)?;
        if state.is_full {
            return Err(ErrorKind::StorageFull.into());
        }
        if state.files.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let length = usize::try_from(length).map_err(|_| io::Error::from(ErrorKind::StorageFull))?;
        let arrived = match &course {
            Course::Works => length,
            Course::Breaks(_) => state.roll_up_to(length),
        };
        let id = state.new_file(path);
        state.contents.insert(id, Contents { durable: vec![0; arrived], ..Contents::default() });
        match course {
            Course::Works => Ok(self.hold(&mut state, id)),
            Course::Breaks(error) => Err(error),
        }
    }

    fn open_orphan(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
        let mut state = self.disk.state();
        state.check_alive(self.id)?;
        let free = state.files.get(path).copied().filter(|id| !state.held.contains_key(id));
        Ok(free.map(|id| self.hold(&mut state, id)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.disk.state();
        if !state.files.contains_key(from) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change_names(self.id, |state| {
            state.forget(to);
            if let Some(id) = state.files.remove(from) {
                state.files.insert(to.to_owned(), id);
            }
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.state().change_names(self.id, |state| state.forget(path))
    }

    fn steady_time(&self) -> Duration {
        self.disk.state().time
    }

    fn is_instant(&self) -> bool {
        true
    }
}

struct Held {
    disk: SimDisk,
    process: ProcessId,
    id: FileId,
}

impl DiskFile for Held {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let course = state.course(self.process)?;
        let arrived = match &course {
            Course::Works => bytes.len(),
            Course::Breaks(_) => state.roll_up_to(bytes.len()),
        };
        let offset = usize::try_from(offset).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
        let contents = state.contents(self.id)?;
        if offset + bytes.len() > contents.durable.len() {
            return Err(io::Error::other("a simulated journal writes beyond what it pre-allocated"));
        }
        contents.pending.push((offset, bytes.get(..arrived).unwrap_or_default().to_vec()));
        match course {
            Course::Works => Ok(()),
            Course::Breaks(error) => Err(error),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if let Course::Breaks(error) = state.course(self.process)? {
            let seen = state.contents(self.id)?.pending.clone();
            state.lose_unsynced(self.id);
            state.contents(self.id)?.abandoned.extend(seen);
            return Err(error);
        }
        let contents = state.contents(self.id)?;
        for (offset, bytes) in std::mem::take(&mut contents.pending) {
            apply(&mut contents.durable, offset, &bytes);
        }
        Ok(())
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut state = self.disk.state();
        state.check_alive(self.process)?;
        Ok(state.contents(self.id)?.visible())
    }

    fn inode(&self) -> io::Result<Option<u64>> {
        Ok(Some(self.id))
    }
}

impl Drop for Held {
    /// A process that goes on lets go of the file; of one that was killed, the crash has decided already.
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if !state.alive.contains(&self.process) || state.held.get(&self.id) != Some(&self.process) {
            return;
        }
        state.held.remove(&self.id);
        if !state.files.values().any(|id| *id == self.id) {
            state.contents.remove(&self.id);
        }
    }
}

//! What is on a simulated disk, and who holds what.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::Fault;

/// The whole disk.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) random: u64,
    pub(super) files: BTreeMap<PathBuf, FileId>,
    pub(super) contents: BTreeMap<FileId, Contents>,
    /// Who holds a file.
    pub(super) held: BTreeMap<FileId, ProcessId>,
    /// All processes that there were.
    pub(super) owners: BTreeMap<ProcessId, Uuid>,
    pub(super) alive: BTreeSet<ProcessId>,
    pub(super) operations: u64,
    pub(super) faults: BTreeMap<u64, Fault>,
    pub(super) is_full: bool,
    pub(super) is_read_only: bool,
    pub(super) slowness: Duration,
    pub(super) time: Duration,
    next_id: u64,
}

/// What a disk writes at once.
const SECTOR: usize = 4096;

/// Also the inode.
pub(super) type FileId = u64;
pub(super) type ProcessId = u64;

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) durable: Vec<u8>,
    /// Written since the last sync, in this order.
    pub(super) pending: Vec<(usize, Vec<u8>)>,
    /// What a failed sync left behind: readers see it, no sync writes it, a crash takes it.
    abandoned: Vec<(usize, Vec<u8>)>,
}

/// What becomes of a call that changes something.
pub(super) enum Course {
    Works,
    /// It fails, and may have done its work or a part of it.
    Breaks(io::Error),
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: seed, ..Self::default() }
    }

    /// All processes of this owner are gone, and what they had not synced.
    pub(super) fn crash(&mut self, owner: Uuid) {
        let Self { owners, alive, held, .. } = self;
        alive.retain(|process| owners.get(process) != Some(&owner));
        let free = held.extract_if(.., |_, process| owners.get(process) == Some(&owner));
        let free: Vec<FileId> = free.map(|(file, _)| file).collect();
        for file in free {
            self.lose_unsynced(file);
        }
    }

    /// A sync that fails leaves on the disk what a crash would, but readers still see it all.
    pub(super) fn fail_to_sync(&mut self, id: FileId) -> io::Result<()> {
        let seen = self.contents(id)?.pending.clone();
        self.lose_unsynced(id);
        self.contents(id)?.abandoned.extend(seen);
        Ok(())
    }

    /// Splitmix64: good enough for accidents.
    fn roll(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `most`, both often.
    pub(super) fn roll_up_to(&mut self, most: usize) -> usize {
        match self.roll() % 4 {
            0 => 0,
            1 => most,
            _ => usize::try_from(self.roll()).unwrap_or(usize::MAX) % (most + 1),
        }
    }

    pub(super) fn course(&mut self, process: ProcessId) -> io::Result<Course> {
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

    pub(super) fn check_alive(&self, process: ProcessId) -> io::Result<()> {
        if self.alive.contains(&process) { Ok(()) } else { Err(dead()) }
    }

    /// A change that is made or not, never in part: of names.
    pub(super) fn change_names(
        &mut self,
        process: ProcessId,
        change: impl FnOnce(&mut Self),
    ) -> io::Result<()> {
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

    pub(super) fn new_file(&mut self, path: &Path) -> FileId {
        let id = self.new_id();
        self.files.insert(path.to_owned(), id);
        id
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn forget(&mut self, path: &Path) {
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

    pub(super) fn contents(&mut self, id: FileId) -> io::Result<&mut Contents> {
        self.contents.get_mut(&id).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Contents {
    /// Nothing but what is durable.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { durable: bytes, ..Self::default() }
    }

    pub(super) fn sync(&mut self) {
        for (offset, bytes) in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, offset, &bytes);
        }
    }

    pub(super) fn visible(&self) -> Vec<u8> {
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

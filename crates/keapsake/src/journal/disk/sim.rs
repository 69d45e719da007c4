//! A disk in memory that forgets, tears and fails when told to: for simulations and tests.

mod process;
mod state;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::Disk;
use process::Process;
use state::{Contents, State};

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

impl SimDisk {
    /// An empty one. The same seed and the same calls give the same accidents.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State::new(seed))))
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
        self.state().crash(owner);
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
        state.contents.insert(id, Contents::durable(bytes));
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

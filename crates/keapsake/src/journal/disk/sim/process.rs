//! A simulated disk as one process sees it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{Disk, DiskFile};
use super::SimDisk;
use super::state::{Contents, Course, FileId, ProcessId, State};

/// The view of one process.
pub(super) struct Process {
    pub(super) disk: SimDisk,
    pub(super) id: ProcessId,
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
        state.contents.insert(id, Contents::durable(vec![0; arrived]));
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

/// A file that a process holds.
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
        match state.course(self.process)? {
            Course::Works => state.contents(self.id)?.sync(),
            Course::Breaks(error) => {
                state.fail_to_sync(self.id)?;
                return Err(error);
            }
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

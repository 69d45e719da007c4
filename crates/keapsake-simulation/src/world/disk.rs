//! The disk as one process has it: its faults are those of [`SimDisk`], at moments of chance.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keapsake::journal::disk::{Disk, DiskFile, Fault, SimDisk};

use super::gate::Life;
use super::network::Access;

#[derive(Clone)]
pub(crate) struct ProcessDisk {
    pub(crate) sim: SimDisk,
    pub(crate) inner: Arc<dyn Disk>,
    pub(crate) access: Access,
    pub(crate) does_not_sync: bool,
}

impl ProcessDisk {
    /// Lets the next call go wrong, if it is to.
    fn roll(&self) {
        let network = &self.access.network;
        if !network.weather.breaks_disk_call() {
            return;
        }
        let next = self.sim.operations() + 1;
        network.truth.disk_fails(self.access.process);
        if network.chance.once_in(2) {
            network.truth.diary.count("disk fails");
            network.truth.diary.note(format_args!("{} its disk fails", self.access.process));
            self.sim.fault_at(next, Fault::Fails);
        } else {
            network.truth.diary.count("dies in a disk call");
            network.truth.diary.note(format_args!("{} dies in a disk call", self.access.process));
            self.sim.fault_at(next, Fault::Dies);
            self.access.gate.set(Life::Dead);
        }
    }
}

impl ProcessDisk {
    /// What the disk did not take, nobody can be blamed for.
    fn notice(&self, done: io::Result<()>) -> io::Result<()> {
        if done.is_err() {
            self.access.network.truth.disk_fails(self.access.process);
        }
        done
    }
}

impl Disk for ProcessDisk {
    fn make_directory(&self, dir: &Path) -> io::Result<()> {
        self.inner.make_directory(dir)
    }

    fn is_private(&self, path: &Path) -> io::Result<bool> {
        self.inner.is_private(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.inner.list(dir)
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>> {
        self.roll();
        let file = self.inner.create(path, length)?;
        Ok(Box::new(File { inner: file, disk: self.clone() }))
    }

    fn open_orphan(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
        let file = self.inner.open_orphan(path)?;
        Ok(file.map(|inner| -> Box<dyn DiskFile> { Box::new(File { inner, disk: self.clone() }) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.roll();
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.roll();
        self.inner.remove(path)
    }

    fn steady_time(&self) -> Duration {
        self.inner.steady_time()
    }

    fn is_instant(&self) -> bool {
        true
    }
}

struct File {
    inner: Box<dyn DiskFile>,
    disk: ProcessDisk,
}

impl DiskFile for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.roll();
        self.disk.notice(self.inner.write_at(offset, bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.roll();
        let synced = if self.disk.does_not_sync { Ok(()) } else { self.inner.sync() };
        self.disk.notice(synced)?;
        self.disk.access.network.truth.journaled(self.disk.access.process);
        Ok(())
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        self.inner.read()
    }

    fn inode(&self) -> io::Result<Option<u64>> {
        self.inner.inode()
    }
}

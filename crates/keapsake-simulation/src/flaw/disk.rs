//! Mistakes in how the journal is kept.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keapsake::journal::disk::{Disk, DiskFile};

use super::Flaw;

pub(super) fn flawed(flaw: Flaw, inner: Arc<dyn Disk>) -> Arc<dyn Disk> {
    match flaw {
        Flaw::JournalNotReplayed => Arc::new(Blind(inner)),
        _ => inner,
    }
}

/// A disk on which nobody sees the files of others.
struct Blind(Arc<dyn Disk>);

impl Disk for Blind {
    fn make_directory(&self, dir: &Path) -> io::Result<()> {
        self.0.make_directory(dir)
    }

    fn is_private(&self, path: &Path) -> io::Result<bool> {
        self.0.is_private(path)
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>> {
        self.0.create(path, length)
    }

    fn open_orphan(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
        self.0.open_orphan(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn steady_time(&self) -> Duration {
        self.0.steady_time()
    }

    fn is_instant(&self) -> bool {
        self.0.is_instant()
    }
}

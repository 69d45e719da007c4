//! The disk as the journal sees it: the seam at which a simulation puts faults.

mod real;
mod sim;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use real::RealDisk;
pub use sim::{Fault, SimDisk};

/// A file system. All calls block.
pub trait Disk: Send + Sync + 'static {
    /// Makes a directory that only its owner can use, durably, unless it exists.
    fn make_directory(&self, dir: &Path) -> io::Result<()>;

    /// Whether only its owner can use a file or directory.
    fn is_private(&self, path: &Path) -> io::Result<bool>;

    /// The files in a directory, without the directories in it.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Makes a file of so many zeros that must not exist yet, holds it, and makes its contents durable (its name is
    /// not before [`rename`](Disk::rename)). What is written into it later needs no more space.
    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file and holds it; `None` when somebody else holds it, or when it is gone.
    fn open_orphan(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>>;

    /// Gives a file another name, durably.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, durably. One that is gone already is no error.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// A time that only goes forward, for measuring how long the disk takes.
    fn steady_time(&self) -> Duration;

    /// Whether calls take no real time, so that there is no need to make them on a thread for blocking work.
    fn is_instant(&self) -> bool {
        false
    }
}

/// A file that is held by this process: for others it has a living owner. Dropping it lets go.
pub trait DiskFile: Send + Sync {
    /// Writes at this place. After a failure any part of it may be there.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything that was written is durable.
    fn sync(&self) -> io::Result<()>;

    /// All of it.
    fn read(&self) -> io::Result<Vec<u8>>;

    /// The number that the file system knows it by; a copy has another one. `None` where there is no such thing.
    fn inode(&self) -> io::Result<Option<u64>>;
}

//! The directory that holds everything: private, and one instance at a time.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::private_file;
use crate::trouble::Trouble;

const LOCK_FILE: &str = "buttonpush.lock";
const PROBE_FILE: &str = "buttonpush.probe";

/// Enough room for a database and its log to begin with; less means that the disk is full.
const PROBE_BYTES: usize = 256 * 1024;

/// An open data directory. While this value lives, no other process can open it.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    /// The operating system releases the lock when the file is closed, also after a crash.
    _lock: File,
}

impl DataDirectory {
    /// Opens the directory, creates it when absent, takes its lock, and shows that it can be written to.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let absent = !path.exists();
        if absent {
            let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
            created.map_err(|error| unwritable(path, &error))?;
        }
        Self::open_existing(path).inspect_err(|_| {
            // Nothing half made stays: this removes only what was created above, and only while it is empty.
            if absent {
                let _ = std::fs::remove_dir(path);
            }
        })
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_existing(path: &Path) -> Result<Self, Trouble> {
        if !path.is_dir() {
            let error = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(unwritable(path, &error));
        }
        private_file::refuse_if_shared(path, "700")?;
        let lock =
            private_file::open_or_create(&path.join(LOCK_FILE)).map_err(|error| unwritable(path, &error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => in_use(path),
            TryLockError::Error(error) => unwritable(path, &error),
        })?;
        probe(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Creates a file that only its owner may read, unless it is there, and refuses one that others may read.
    ///
    /// SQLite gives the files beside a database the database's permissions.
    pub fn private_file(&self, path: &Path) -> Result<(), Trouble> {
        private_file::open_or_create(path).map_err(|error| unwritable(path, &error))?;
        private_file::refuse_if_shared(path, "600")
    }
}

/// Writes as much as a start needs, all the way to the disk, and removes it again.
fn probe(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(PROBE_FILE);
    let written = private_file::open_or_create(&path).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Trouble {
    let likely = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "the disk is full",
        std::io::ErrorKind::ReadOnlyFilesystem => "the disk is mounted read-only",
        std::io::ErrorKind::NotADirectory => "there is a file where a directory should be",
        _ => "it belongs to another user, or the path is wrong",
    };
    Trouble::new(
        path.display().to_string(),
        format!("cannot be used as the data directory: {error}."),
        likely,
        "free some space or change the owner, or set BUTTONPUSH_DATA to a directory this user may write to",
    )
}

fn in_use(path: &Path) -> Trouble {
    Trouble::new(
        path.display().to_string(),
        "is in use by another instance of ButtonPush.",
        "it is still running, in another terminal or as a service, or is just stopping",
        "stop the other instance, or set BUTTONPUSH_DATA to another directory",
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn is_created_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/data");
        let directory = DataDirectory::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join(LOCK_FILE)), 0o600);
        let file = path.join("key");
        directory.private_file(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        assert!(!path.join(PROBE_FILE).exists());
    }

    #[test]
    fn a_second_instance_is_refused_until_the_first_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataDirectory::open(&path).unwrap();
        let refused = DataDirectory::open(&path).unwrap_err().to_string();
        assert!(refused.contains("another instance"), "{refused}");
        drop(first);
        DataDirectory::open(&path).unwrap();
    }

    #[test]
    fn one_that_others_may_read_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
        let refused = DataDirectory::open(&path).unwrap_err().to_string();
        assert!(refused.contains("750") && refused.contains("chmod 700"), "{refused}");
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    }

    #[test]
    fn one_that_cannot_be_written_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("data"), PathBuf::from("/proc/buttonpush")] {
            let refused = DataDirectory::open(&path).unwrap_err().to_string();
            assert!(refused.contains("BUTTONPUSH_DATA"), "{refused}");
        }
    }
}

//! What can go wrong with the journal, in words that say what to do.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The journal did not do it. What was durable before still is; what was to be written may be in the file or not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Others than its owner have access.
    #[error(
        "{path} is open to others on this machine. Run `chmod {mode} {path}`; what is in it is sealed, but others may \
         have removed something"
    )]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// The mode it should have.
        mode: &'static str,
    },
    /// There is no space left.
    #[error(
        "the disk (or the quota) of {path} is full, so no answer of Keap could be kept safe. Free some space; \
         refreshing goes on by itself"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written to.
    #[error(
        "{path} is on a file system that is read-only, so no answer of Keap could be kept safe. Mount it for writing \
         (a disk with errors is often mounted read-only: look into the system's log), or choose another directory"
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error(
        "this program may not use {path}. Let the directory and everything in it belong to the user this program \
         runs as"
    )]
    Denied {
        /// The file.
        path: PathBuf,
    },
    /// Something else.
    #[error(
        "{path} cannot be used: {source}. If it stays like that, the disk may be failing: look into the system's log"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An answer that no journal holds.
    #[error("a record of {length} bytes is too long for the journal, which takes up to {limit}")]
    TooLong {
        /// Of the record.
        length: usize,
        /// The longest there is.
        limit: usize,
    },
    /// So many requests wait for their answers that the journal cannot promise room for one more.
    #[error(
        "{open} refreshes wait for their answers already; the next one is made when some of them have ended"
    )]
    Crowded {
        /// How many.
        open: usize,
    },
    /// The runtime is going down.
    #[error("the program is ending, and writes nothing into its journal any more")]
    Stopping,
}

impl JournalError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            ErrorKind::PermissionDenied => Self::Denied { path },
            _ => Self::Io { path, source },
        }
    }
}

/// Puts the path to what the operating system said.
pub(super) trait AtPath<T> {
    fn at(self, path: &Path) -> Result<T, JournalError>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, JournalError> {
        self.map_err(|source| JournalError::io(path, source))
    }
}

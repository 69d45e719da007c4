//! The file that holds the sealing key: one line, readable by its owner only.
//!
//! While the key is [replaced](replace), the file has two lines: the new key, and the one before it.

mod durable;
mod format;
mod private;
mod replace;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::seal::{SealingKey, UnlockError};
use super::{Store, StoreError};
use crate::randomness::Randomness;
pub use replace::replace;

/// Why a key file cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is not a key file.
    #[error(
        "{path} is not a Keapsake key file: it is empty, cut short or something else. Put the right file back from your backup"
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can read it.
    #[error(
        "{path} can be read by others on this machine. Run `chmod 600 {path}`, and if others had access, connect Keap anew"
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can exchange it.
    #[error(
        "others on this machine can exchange files in {path}, where the key file is. Run `chmod go-w {path}`, or keep \
         the key file in a directory of its own"
    )]
    DirectoryOpenToOthers {
        /// The directory.
        path: PathBuf,
    },
    /// The file is gone, but the database was written with it.
    #[error(
        "{path} is missing, and the database has tokens that only it can open. Put it back from your backup; if it is \
         gone for good, remove the connection's rows (`DELETE FROM keapsake_connection; DELETE FROM \
         keapsake_identity;`) and connect to Keap again"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is no key in use that could be replaced.
    #[error(
        "{path} is not in use yet: the database was never written with a key, so there is none to replace. Start the \
         program once first"
    )]
    NotInUse {
        /// The file.
        path: PathBuf,
    },
    /// Another process is replacing the key.
    #[error(
        "{path} is being replaced by another process; wait until it has ended, and look whether it is done"
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The key is another one than the store was written with.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The store could not be asked whether it has a key already.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused.
    #[error(
        "{path} cannot be used: {source}. Check that the folder exists and belongs to the user this program runs as"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl KeyFileError {
    fn io(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { path: path.into(), source }
    }
}

/// Reads a key file; `None` when there is none.
///
/// # Errors
/// [`KeyFileError`]: stop, and show it. Going on with another key would make every stored token unreadable.
pub fn read(path: &Path) -> Result<Option<SealingKey>, KeyFileError> {
    let Some(text) = private::read(path)? else { return Ok(None) };
    let key = format::parse(&text).ok_or_else(|| KeyFileError::NotAKey { path: path.into() })?;
    Ok(Some(key))
}

/// Reads the key for a store; makes one when neither the file nor the store's identity exists yet.
///
/// # Errors
/// [`KeyFileError`]: stop, and show it. In particular a new key is never made for a store that has one.
pub async fn for_store(
    path: &Path,
    store: &dyn Store,
    randomness: &dyn Randomness,
) -> Result<SealingKey, KeyFileError> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let made_meanwhile = || read(path)?.ok_or_else(|| KeyFileError::Missing { path: path.into() });
    if store.identity().await?.is_some() {
        return made_meanwhile();
    }
    match create(path, randomness) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => made_meanwhile(),
        made => made,
    }
}

/// Makes a new key and writes it, durably, to a file that must not exist yet.
///
/// # Errors
/// [`KeyFileError::Io`], also when the file exists; [`KeyFileError::DirectoryOpenToOthers`].
pub fn create(path: &Path, randomness: &dyn Randomness) -> Result<SealingKey, KeyFileError> {
    private::check_directory(path)?;
    let key = SealingKey::random(randomness);
    durable::create(path, format::lines(&key).as_bytes(), randomness).map_err(KeyFileError::io(path))?;
    Ok(key)
}

#[cfg(test)]
mod tests;

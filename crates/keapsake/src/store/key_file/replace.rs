//! Another sealing key, in the file and in the store.

use std::fs::{self, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use super::{KeyFileError, durable, format, private, read};
use crate::randomness::Randomness;
use crate::store::seal::wrapping::{rewrap, wrapper_of};
use crate::store::seal::{SealingKey, UnlockError};
use crate::store::{Store, Swap, WrappedKeys};

/// Replaces the sealing key by a new one: first the file holds both, then the store's data keys are wrapped by the new
/// one, then the file holds the new one only. Cut off anywhere, the file opens the store, and calling this again
/// finishes the change that was begun.
///
/// Programs that run go on with the data keys they know, but cannot learn of another one: restart them soon, and before
/// the next new data key. On other machines put the new file before they are restarted. Back the new file up.
///
/// # Errors
/// [`KeyFileError`]: the store opens with the file as it is. A file that is wrong or foreign is left as it is.
pub async fn replace(
    path: &Path,
    store: &dyn Store,
    randomness: &dyn Randomness,
) -> Result<(), KeyFileError> {
    // Whoever gave us a link wants the file behind it replaced.
    let path = &fs::canonicalize(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => KeyFileError::Missing { path: path.into() },
        _ => KeyFileError::Io { path: path.into(), source },
    })?;
    private::check_directory(path)?;
    let lock = durable::lock_file(path).map_err(KeyFileError::io(path))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => KeyFileError::Busy { path: path.into() },
        TryLockError::Error(source) => KeyFileError::Io { path: path.into(), source },
    })?;
    let old = read(path)?.ok_or_else(|| KeyFileError::Missing { path: path.into() })?;
    check(&old, path, store).await?;
    let both = begin(old, path, randomness)?;
    while rewrap_all(&both, path, store, randomness).await? == Swap::Lost {}
    write(&both.alone(), path, randomness)
}

/// That the file is the one of this store, before anything is changed.
async fn check(key: &SealingKey, path: &Path, store: &dyn Store) -> Result<(), KeyFileError> {
    let identity = store.identity().await?.ok_or_else(|| KeyFileError::NotInUse { path: path.into() })?;
    wrapper_of(key, identity.deployment, &identity.keys.keys).map_err(UnlockError::WrongKey)?;
    Ok(())
}

/// Both keys, durably in the file: a new one, or the one of a change that was cut off.
fn begin(old: SealingKey, path: &Path, randomness: &dyn Randomness) -> Result<SealingKey, KeyFileError> {
    if old.is_being_replaced() {
        return Ok(old);
    }
    let both = SealingKey::random(randomness).replacing(&old);
    write(&both, path, randomness)?;
    Ok(both)
}

async fn rewrap_all(
    key: &SealingKey,
    path: &Path,
    store: &dyn Store,
    randomness: &dyn Randomness,
) -> Result<Swap, KeyFileError> {
    let identity = store.identity().await?.ok_or_else(|| KeyFileError::NotInUse { path: path.into() })?;
    let WrappedKeys { revision, keys } = identity.keys;
    let from = wrapper_of(key, identity.deployment, &keys).map_err(UnlockError::WrongKey)?;
    let to = key.newest();
    if std::ptr::eq(from, to) {
        return Ok(Swap::Done);
    }
    let keys = rewrap((from, to), identity.deployment, &keys, randomness).map_err(UnlockError::WrongKey)?;
    Ok(store.swap_keys(revision, WrappedKeys { revision: revision.next(), keys }).await?)
}

fn write(key: &SealingKey, path: &Path, randomness: &dyn Randomness) -> Result<(), KeyFileError> {
    durable::replace(path, format::lines(key).as_bytes(), randomness).map_err(KeyFileError::io(path))
}

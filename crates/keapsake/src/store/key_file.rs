//! The file that holds the sealing key: one line, readable by its owner only.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::seal::SealingKey;
use super::{Store, StoreError};
use crate::randomness::Randomness;

const PREFIX: &str = "keapsake-key-1 ";

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

/// Reads a key file; `None` when there is none.
///
/// # Errors
/// [`KeyFileError`]: stop, and show it. Going on with another key would make every stored token unreadable.
pub fn read(path: &Path) -> Result<Option<SealingKey>, KeyFileError> {
    let text = match fs::read(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyFileError::Io { path: path.into(), source }),
    };
    if is_open_to_others(path)? {
        return Err(KeyFileError::OpenToOthers { path: path.into() });
    }
    let key = std::str::from_utf8(&text).ok().and_then(|text| text.trim().strip_prefix(PREFIX.trim()));
    let key = key.and_then(|key| URL_SAFE_NO_PAD.decode(key.trim()).ok()).map(Zeroizing::new);
    let key: [u8; 32] = key
        .and_then(|key| key.as_slice().try_into().ok())
        .ok_or_else(|| KeyFileError::NotAKey { path: path.into() })?;
    Ok(Some(SealingKey::from_bytes(key)))
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
    if store.identity().await?.is_some() {
        return Err(KeyFileError::Missing { path: path.into() });
    }
    create(path, randomness)
}

/// Makes a new key and writes it, durably, to a file that must not exist yet.
///
/// # Errors
/// [`KeyFileError::Io`], also when the file exists.
pub fn create(path: &Path, randomness: &dyn Randomness) -> Result<SealingKey, KeyFileError> {
    let key = SealingKey::random(randomness);
    let line = Zeroizing::new(format!("{PREFIX}{}\n", URL_SAFE_NO_PAD.encode(key.expose())));
    write_new(path, line.as_bytes()).map_err(|source| KeyFileError::Io { path: path.into(), source })?;
    Ok(key)
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // A key that is not whole is worse than none.
        let _ = fs::remove_file(path);
    }
    written
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> Result<bool, KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).map_err(|source| KeyFileError::Io { path: path.into(), source })?;
    Ok(metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> Result<bool, KeyFileError> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(read(&path).unwrap().is_none());
        let key = create(&path, &SystemRandomness).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().expose(), key.expose());
        assert!(matches!(create(&path, &SystemRandomness), Err(KeyFileError::Io { .. })));
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, &SystemRandomness).unwrap();
        let whole = fs::read(&path).unwrap();
        for bytes in
            [&b""[..], b"\n", b"something else", &whole[..20], &whole[..whole.len() - 4], b"\xff\xfe"]
        {
            fs::write(&path, bytes).unwrap();
            assert!(matches!(read(&path), Err(KeyFileError::NotAKey { .. })), "{bytes:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, &SystemRandomness).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::OpenToOthers { .. })));
    }
}

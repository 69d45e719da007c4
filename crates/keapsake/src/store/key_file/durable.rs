//! Writing a file whole or not at all. A crash may leave a file ending in `.new` beside it, which nobody reads.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Result, Write as _};
use std::path::{Path, PathBuf};

use super::private::directory_of;
use crate::randomness::{self, Randomness};

/// Writes a file that must not exist yet.
pub(super) fn create(path: &Path, bytes: &[u8], randomness: &dyn Randomness) -> Result<()> {
    // A rename would take the place of a file that another process has just made; a link does not.
    put(path, bytes, randomness, |temporary| {
        fs::hard_link(temporary, path)?;
        fs::remove_file(temporary)
    })
}

/// Puts a file in the place of what is there.
pub(super) fn replace(path: &Path, bytes: &[u8], randomness: &dyn Randomness) -> Result<()> {
    put(path, bytes, randomness, |temporary| fs::rename(temporary, path))
}

fn put(
    path: &Path,
    bytes: &[u8],
    randomness: &dyn Randomness,
    into_place: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let temporary = beside(path, u64::from_le_bytes(randomness::bytes(randomness)));
    let put = write(&temporary, bytes).and_then(|()| into_place(&temporary));
    if put.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    put.and_then(|()| sync_directory(path))
}

fn beside(path: &Path, number: u64) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number:016x}.new"));
    name.into()
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = owners_only(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A file to lock, which stays where it is while the key file is exchanged.
pub(super) fn lock_file(path: &Path) -> Result<File> {
    let mut name = OsString::from(path);
    name.push(".lock");
    owners_only(OpenOptions::new().write(true).create(true)).open(name)
}

#[cfg(unix)]
fn owners_only(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn owners_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Makes the new name durable, too.
#[cfg(unix)]
fn sync_directory(path: &Path) -> Result<()> {
    File::open(directory_of(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> Result<()> {
    Ok(())
}

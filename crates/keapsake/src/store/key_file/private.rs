//! Reading a file that only its owner may read, in a directory where only its owner may exchange it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyFileError;

/// More than any key file has.
const MOST: u64 = 4096;

/// The bytes of the file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileError> {
    let io = KeyFileError::io(path);
    // Asked before it is opened: opening a pipe would wait for a writer.
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
        Ok(metadata) if !metadata.is_file() => return Err(KeyFileError::NotAKey { path: path.into() }),
        Ok(_) => {}
    }
    let file = File::open(path).map_err(&io)?;
    if mode(&file.metadata().map_err(&io)?) & 0o077 != 0 {
        return Err(KeyFileError::OpenToOthers { path: path.into() });
    }
    check_directory(path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(256));
    file.take(MOST).read_to_end(&mut bytes).map_err(&io)?;
    Ok(Some(bytes))
}

/// Refuses a directory in which others could put another file in the place of this one. In one with the sticky bit
/// they cannot.
pub(super) fn check_directory(path: &Path) -> Result<(), KeyFileError> {
    let directory = directory_of(path);
    let mode = mode(&fs::metadata(directory).map_err(KeyFileError::io(directory))?);
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        return Err(KeyFileError::DirectoryOpenToOthers { path: directory.into() });
    }
    Ok(())
}

/// The directory a file is in.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

/// Other systems have no such bits; there the directory's own access rights count.
#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}

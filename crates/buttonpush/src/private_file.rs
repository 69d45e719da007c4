//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::trouble::Trouble;

/// Read and write for the owner, nothing for anybody else.
pub(crate) const OWNER_ONLY: u32 = 0o600;

/// No secret is longer; a bigger file is the wrong file.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Opens a file for writing and creates it, readable by the owner only, when it is absent.
pub(crate) fn open_or_create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(OWNER_ONLY).open(path)
}

/// Refuses a file or directory that the group or the world may read, write or enter.
pub(crate) fn refuse_if_shared(path: &Path, remedy_mode: &str) -> Result<(), Trouble> {
    let subject = path.display().to_string();
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    let for_others = mode & 0o077;
    if for_others == 0 {
        return Ok(());
    }
    Err(Trouble::new(
        &subject,
        format!("is open to other users of this machine (its mode is {mode:03o})."),
        "it was copied or created with the usual permissions, but what it holds is secret",
        format!("chmod {remedy_mode} {subject}"),
    ))
}

/// Reads a secret from a file of its owner, without the line end that editors leave.
pub(crate) fn read_secret(path: &Path) -> Result<String, Trouble> {
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    refuse_if_shared(path, "600")?;
    let mut text = String::new();
    let read = file.by_ref().take(SECRET_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| unreadable(path, &error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::new(
        path.display().to_string(),
        format!("cannot be read: {error}."),
        "the path is relative to another directory, or the file belongs to another user",
        "give the full path, and let this user own the file",
    )
}

//! The database file: nobody else's, and on this machine.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::StoreError;

/// Creates the file if it is missing, and refuses one that others could read, replace, or use over a network.
///
/// # Errors
/// [`StoreError`] with what to do about it.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    let folder = folder_of(path);
    let whole = folder.canonicalize().map_err(|error| unusable(&folder, &error))?;
    refuse_network(&whole)?;
    permissions::refuse_writable_by_others(&whole)?;
    create(path).map_err(|error| unusable(path, &error))?;
    // What was written lately is in the files beside it.
    ["", "-wal", "-shm"].iter().try_for_each(|suffix| {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        permissions::refuse_readable_by_others(Path::new(&file))
    })
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// SQLite gives the files beside it the same permissions.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        created => created.map(|_| ()),
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::new(format!(
        "{} cannot be used: {error}. Check that the folder exists and belongs to the user this program runs as",
        path.display()
    ))
}

#[cfg(unix)]
mod permissions {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::{StoreError, unusable};

    /// Group and world.
    const OTHERS: u32 = 0o077;

    /// Whoever can write into the folder can put another database in its place.
    pub(super) fn refuse_writable_by_others(folder: &Path) -> Result<(), StoreError> {
        if mode(folder)? & 0o022 == 0 {
            return Ok(());
        }
        let folder = folder.display();
        Err(StoreError::new(format!(
            "the folder of the database, {folder}, can be written by others on this machine. Run `chmod go-w {folder}`, \
             or use a folder that belongs to the user this program runs as"
        )))
    }

    pub(super) fn refuse_readable_by_others(file: &Path) -> Result<(), StoreError> {
        if !file.exists() || mode(file)? & OTHERS == 0 {
            return Ok(());
        }
        let file = file.display();
        Err(StoreError::new(format!(
            "the database file {file} can be read by others on this machine. Run `chmod 600 {file}`"
        )))
    }

    fn mode(path: &Path) -> Result<u32, StoreError> {
        fs::metadata(path).map(|found| found.permissions().mode()).map_err(|error| unusable(path, &error))
    }
}

#[cfg(not(unix))]
mod permissions {
    use std::path::Path;

    use super::StoreError;

    pub(super) fn refuse_writable_by_others(_: &Path) -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) fn refuse_readable_by_others(_: &Path) -> Result<(), StoreError> {
        Ok(())
    }
}

/// File systems on which the locks of one machine mean nothing to another.
const NETWORK: [&str; 18] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fuse.ceph-fuse",
    "fuse.davfs2",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// Looks where Linux tells of its mounts; elsewhere it is not told.
fn refuse_network(folder: &Path) -> Result<(), StoreError> {
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mountinfo") else { return Ok(()) };
    match file_system(&mounts, folder) {
        Some(kind) if NETWORK.contains(&&*kind) => Err(StoreError::new(format!(
            "{} is on a network file system ({kind}), where SQLite can lose what was saved. Put the database on a disk of \
             this machine, or use PostgreSQL",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// The kind of the innermost file system; of several at one place the last one covers the others.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(read_mount);
    let around = mounts.filter(|(place, _)| folder.starts_with(place));
    around.max_by_key(|(place, _)| place.components().count()).map(|(_, kind)| kind.to_owned())
}

/// As `36 35 98:0 /root /place rw,noatime master:1 - ext4 /dev/sda1 rw`.
fn read_mount(line: &str) -> Option<(PathBuf, &str)> {
    let (before, after) = line.split_once(" - ")?;
    let place = before.split(' ').nth(4)?;
    Some((PathBuf::from(unescape(place)), after.split(' ').next()?))
}

/// The four characters that are written as octal numbers.
fn unescape(place: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(place.to_owned(), |place, (escaped, character)| place.replace(escaped, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
40 22 0:40 / /srv/data rw,relatime shared:9 - nfs4 nas:/export rw,vers=4.2
41 40 8:2 / /srv/data/local rw - xfs /dev/sdb1 rw
42 22 0:42 / /mnt/my\\040share rw - cifs //nas/share rw
43 22 8:3 / /over rw - ext4 /dev/sdc1 rw
44 43 0:44 / /over rw - fuse.sshfs host: rw
a line that is none
";

    #[test]
    fn the_innermost_file_system_counts() {
        for (folder, kind) in [
            ("/home/app", "ext4"),
            ("/srv/data/app", "nfs4"),
            ("/srv/database", "ext4"),
            ("/srv/data/local/app", "xfs"),
            ("/mnt/my share/app", "cifs"),
            ("/over/app", "fuse.sshfs"),
        ] {
            assert_eq!(file_system(MOUNTS, Path::new(folder)).as_deref(), Some(kind), "{folder}");
        }
        assert_eq!(file_system("", Path::new("/home")), None);
    }

    #[cfg(unix)]
    mod permissions {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::PermissionsExt as _;

        use super::super::*;

        fn folder() -> tempfile::TempDir {
            let folder = tempfile::tempdir().unwrap();
            fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
            folder
        }

        #[test]
        fn a_new_file_is_its_owners_alone() {
            let folder = folder();
            let path = folder.path().join("app.db");
            prepare(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::write(&path, "kept").unwrap();
            prepare(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"kept", "a second start changes nothing");
        }

        #[test]
        fn a_file_that_others_can_read_is_refused() {
            for (suffix, mode) in [("", 0o640), ("", 0o604), ("", 0o660), ("-wal", 0o644), ("-shm", 0o644)] {
                let folder = folder();
                let path = folder.path().join("app.db");
                prepare(&path).unwrap();
                let open = folder.path().join(format!("app.db{suffix}"));
                fs::write(&open, "").unwrap();
                fs::set_permissions(&open, Permissions::from_mode(mode)).unwrap();
                let words = prepare(&path).unwrap_err().to_string();
                assert!(words.contains("chmod 600"), "{words}");
            }
        }

        #[test]
        fn a_folder_that_others_can_write_is_refused() {
            for mode in [0o720, 0o702, 0o777, 0o1777] {
                let folder = folder();
                fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
                let words = prepare(&folder.path().join("app.db")).unwrap_err().to_string();
                assert!(words.contains("chmod go-w"), "{words}");
                assert!(!folder.path().join("app.db").exists(), "nothing was made");
            }
        }

        #[test]
        fn a_missing_folder_is_an_error_in_words() {
            let words = prepare(&folder().path().join("none/app.db")).unwrap_err().to_string();
            assert!(words.contains("Check that the folder exists"), "{words}");
        }
    }
}

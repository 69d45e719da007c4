//! What is found broken or out of place, in words that say what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Something in a journal that is not as it was written. Everything else was read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// Bytes between two records are no record any more; what they said is lost.
    Broken {
        /// The file.
        file: PathBuf,
        /// Where.
        offset: u64,
        /// How many bytes.
        length: u64,
    },
    /// A record is whole but does not open: it was moved here from another place.
    Misplaced {
        /// The file.
        file: PathBuf,
        /// Where.
        offset: u64,
    },
    /// A record comes after a later one. It was used all the same.
    OutOfOrder {
        /// The file.
        file: PathBuf,
        /// Where.
        offset: u64,
    },
    /// The beginning of the file is broken. Its records were read; whether it is a copy is not known.
    NoHeader {
        /// The file.
        file: PathBuf,
    },
    /// The file is a copy: a backup that was put back, or a copied machine. What it says was used, but it does not
    /// prove that this deployment is the one that wrote it.
    Copied {
        /// The file.
        file: PathBuf,
    },
    /// The file is of another deployment; it was left alone.
    OtherDeployment {
        /// The file.
        file: PathBuf,
        /// The other one.
        deployment: Uuid,
    },
    /// Not all of its records open, because their data key is not there (a newer one, when the data keys were not read
    /// again since it was made; or an older database was restored). What opens was used; the file was left alone.
    OtherKey {
        /// The file.
        file: PathBuf,
    },
    /// It could not be read, or not be understood; it was left alone.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file().display();
        match self {
            Self::Broken { offset, length, .. } => {
                write!(
                    f,
                    "{file}: {length} bytes at {offset} are broken; the disk may be failing. The rest was read"
                )
            }
            Self::Misplaced { offset, .. } => {
                write!(f, "{file}: the record at {offset} does not open; somebody moved it there")
            }
            Self::OutOfOrder { offset, .. } => {
                write!(f, "{file}: the record at {offset} comes after a later one; somebody moved it")
            }
            Self::NoHeader { .. } => {
                write!(f, "{file}: the beginning is broken; the disk may be failing. The rest was read")
            }
            Self::Copied { .. } => {
                write!(
                    f,
                    "{file} is a copy: a backup was put back, or the machine was copied. Make sure the original runs \
                     nowhere"
                )
            }
            Self::OtherDeployment { deployment, .. } => write!(
                f,
                "{file} belongs to another deployment ({deployment}) and was left alone; give each its own directory, \
                 or remove it"
            ),
            Self::OtherKey { .. } => write!(
                f,
                "{file} has records whose data key is not in the database, and was left alone; if an older database was \
                 restored, put the newer one back or remove the file"
            ),
            Self::Unreadable { reason, .. } => {
                write!(f, "{file} cannot be read ({reason}) and was left alone")
            }
        }
    }
}

impl Damage {
    /// In which file.
    pub fn file(&self) -> &Path {
        match self {
            Self::Broken { file, .. }
            | Self::Misplaced { file, .. }
            | Self::OutOfOrder { file, .. }
            | Self::NoHeader { file }
            | Self::Copied { file }
            | Self::OtherDeployment { file, .. }
            | Self::OtherKey { file }
            | Self::Unreadable { file, .. } => file,
        }
    }

    /// What is to become of the file.
    pub(super) fn fate(&self) -> Fate {
        match self {
            Self::Copied { .. } | Self::OutOfOrder { .. } => Fate::Remove,
            Self::Broken { .. } | Self::Misplaced { .. } | Self::NoHeader { .. } => Fate::SetAside,
            Self::OtherDeployment { .. } | Self::OtherKey { .. } | Self::Unreadable { .. } => Fate::Leave,
        }
    }
}

/// What becomes of a file when all that was read in it is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// All of it was understood.
    Remove,
    /// Some of it is lost; a person may want to look at it.
    SetAside,
    /// Some of it may be understood later.
    Leave,
}

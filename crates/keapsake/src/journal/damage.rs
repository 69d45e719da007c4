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
    /// A record is whole but does not open: it was moved here from another place, or its key is gone.
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
    /// Not one of its records opens, so it was written with another key; it was left alone.
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
                write!(
                    f,
                    "{file}: the record at {offset} does not open; it was moved there, or its data key is gone"
                )
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
                    "{file} is a copy: a backup was put back, or the machine was copied. Make sure the original runs nowhere"
                )
            }
            Self::OtherDeployment { deployment, .. } => write!(
                f,
                "{file} belongs to another deployment ({deployment}) and was left alone; give each its own directory, or remove it"
            ),
            Self::OtherKey { .. } => write!(
                f,
                "{file} was written with another data key and was left alone; if an older database was restored, its \
                 tokens cannot be read any more"
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

    /// Whether there may be something in the file that was not understood.
    pub(super) fn leaves_something_unread(&self) -> bool {
        !matches!(self, Self::Copied { .. } | Self::OutOfOrder { .. })
    }
}

//! Reads the bytes of a journal file whose owner is gone. Pure: it is given the bytes, and never panics for any.

use std::fmt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::frame::{self, Frame};
use super::header::{Beginning, HEADER_LEN, Header};
use super::record::Record;
use crate::store::seal::{Sealed, Sealer};

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

/// What a file says.
#[derive(Debug)]
pub(super) enum Reading {
    /// It is ours.
    Ours(Contents),
    /// It is not to be touched.
    NotOurs(Damage),
}

/// What a file of ours says.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) records: Vec<Record>,
    /// Numbers of the data keys that its records need.
    pub(super) keys: Vec<u32>,
    /// Whose it was, when that is certain. A copy says nothing about the owner of its original, who may be alive.
    pub(super) owner: Option<Uuid>,
    pub(super) damage: Vec<Damage>,
}

/// The file as it was found.
pub(super) struct Found<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: &'a [u8],
    pub(super) inode: Option<u64>,
}

impl Found<'_> {
    /// Reads it for this deployment.
    pub(super) fn read(&self, sealer: &Sealer, deployment: Uuid) -> Reading {
        let file = self.path.to_owned();
        let unreadable =
            |reason: &str| Reading::NotOurs(Damage::Unreadable { file: file.clone(), reason: reason.into() });
        let header = match Beginning::read(self.bytes) {
            Beginning::Newer => return unreadable("it was written by a newer Keapsake"),
            Beginning::Broken => None,
            Beginning::Whole(header) if header.deployment != deployment => {
                let deployment = header.deployment;
                return Reading::NotOurs(Damage::OtherDeployment { file, deployment });
            }
            Beginning::Whole(header) => Some(header),
        };
        let Some(id) = header.map(|header| header.file).or_else(|| id_in_name(self.path)) else {
            return unreadable("it is not a journal");
        };
        let mut contents = self.about(header);
        let opened = self.open_all(sealer, id, &mut contents);
        if opened == Opened::None {
            return Reading::NotOurs(Damage::OtherKey { file });
        }
        Reading::Ours(contents)
    }

    /// What the header tells.
    fn about(&self, header: Option<Header>) -> Contents {
        let file = self.path.to_owned();
        let (owner, damage) = match header {
            None => (None, vec![Damage::NoHeader { file }]),
            Some(header) if header.inode != self.inode => (None, vec![Damage::Copied { file }]),
            Some(header) => (Some(header.owner), Vec::new()),
        };
        Contents { records: Vec::new(), keys: Vec::new(), owner, damage }
    }

    fn open_all(&self, sealer: &Sealer, id: Uuid, contents: &mut Contents) -> Opened {
        let (mut end, mut latest, mut frames) = (HEADER_LEN, None, 0);
        for frame in frame::scan(self.bytes, HEADER_LEN) {
            frames += 1;
            let offset = frame.start as u64;
            let file = || self.path.to_owned();
            if let Some(length) =
                frame.start.saturating_sub(frame.gap).checked_sub(end).filter(|length| *length > 0)
            {
                contents.damage.push(Damage::Broken {
                    file: file(),
                    offset: end as u64,
                    length: length as u64,
                });
            }
            end = frame.end;
            let Some((record, key)) = open(&frame, sealer, id) else {
                contents.damage.push(Damage::Misplaced { file: file(), offset });
                continue;
            };
            if latest >= Some(frame.sequence) {
                contents.damage.push(Damage::OutOfOrder { file: file(), offset });
            }
            latest = latest.max(Some(frame.sequence));
            contents.records.push(record);
            contents.keys.extend(key);
        }
        if frames > 0 && contents.records.is_empty() { Opened::None } else { Opened::Some }
    }
}

/// Whether anything of what is whole opened.
#[derive(PartialEq, Eq)]
enum Opened {
    Some,
    None,
}

fn open(frame: &Frame<'_>, sealer: &Sealer, file: Uuid) -> Option<(Record, Option<u32>)> {
    let stored = Sealed::from_stored(frame.sealed.to_vec());
    let payload = sealer.open_at(&place(&file.to_string(), &frame.sequence.to_string()), &stored).ok()?;
    Some((Record::decode(&payload)?, stored.key_number()))
}

/// What a record is bound to, besides the deployment.
pub(super) fn place<'a>(file: &'a str, sequence: &'a str) -> [&'a str; 3] {
    ["journal", file, sequence]
}

/// A file is named after its id.
fn id_in_name(path: &Path) -> Option<Uuid> {
    Uuid::try_parse(path.file_stem()?.to_str()?).ok()
}

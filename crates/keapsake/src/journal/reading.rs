//! Reads the bytes of a journal file whose owner is gone. Pure: it is given the bytes, and never panics for any.

use std::path::Path;

use uuid::Uuid;

use super::damage::Damage;
use super::frame::{self, Frame};
use super::header::{Beginning, HEADER_LEN, Header};
use super::record::Record;
use crate::store::seal::{Sealed, Sealer};

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
        let frames = self.open_all(sealer, id, &mut contents);
        if frames > 0 && contents.records.is_empty() {
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

    /// How many records are whole; those that open are among the contents.
    fn open_all(&self, sealer: &Sealer, id: Uuid, contents: &mut Contents) -> usize {
        let (mut end, mut latest, mut frames) = (HEADER_LEN, None, 0);
        for frame in frame::scan(self.bytes, HEADER_LEN) {
            frames += 1;
            contents.damage.extend(self.broken_before(&frame, end));
            end = frame.end;
            let stored = Sealed::from_stored(frame.sealed.to_vec());
            let Some(record) = open(&stored, frame.sequence, sealer, id) else {
                contents.note(self.unopened(&frame, &stored, sealer));
                continue;
            };
            if latest >= Some(frame.sequence) {
                contents.note(Damage::OutOfOrder { file: self.path.to_owned(), offset: frame.start as u64 });
            }
            latest = latest.max(Some(frame.sequence));
            contents.records.push(record);
            contents.keys.extend(stored.key_number());
        }
        frames
    }

    /// What lies between two frames that does not belong there.
    fn broken_before(&self, frame: &Frame<'_>, end: usize) -> Option<Damage> {
        let length = frame.start.saturating_sub(frame.gap).saturating_sub(end) as u64;
        let file = self.path.to_owned();
        (length > 0).then_some(Damage::Broken { file, offset: end as u64, length })
    }

    fn unopened(&self, frame: &Frame<'_>, stored: &Sealed, sealer: &Sealer) -> Damage {
        let file = self.path.to_owned();
        match stored.key_number() {
            Some(number) if !sealer.has_key(number) => Damage::OtherKey { file },
            _ => Damage::Misplaced { file, offset: frame.start as u64 },
        }
    }
}

impl Contents {
    /// Each thing once.
    fn note(&mut self, damage: Damage) {
        if !self.damage.contains(&damage) {
            self.damage.push(damage);
        }
    }
}

fn open(stored: &Sealed, sequence: u64, sealer: &Sealer, file: Uuid) -> Option<Record> {
    let payload = sealer.open_at(&place(&file.to_string(), &sequence.to_string()), stored).ok()?;
    Record::decode(&payload)
}

/// What a record is bound to, besides the deployment.
pub(super) fn place<'a>(file: &'a str, sequence: &'a str) -> [&'a str; 3] {
    ["journal", file, sequence]
}

/// A file is named after its id.
fn id_in_name(path: &Path) -> Option<Uuid> {
    Uuid::try_parse(path.file_stem()?.to_str()?).ok()
}

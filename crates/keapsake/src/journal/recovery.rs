//! Finds the files whose owners are gone, reads them, and holds them until they are not needed any more.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::damage::{Damage, Fate};
use super::disk::DiskFile;
use super::error::{AtPath as _, JournalError};
use super::ledger::Ledger;
use super::own::{EXTENSION, EXTENSION_WHILE_NEW, Maker};
use super::reading::{Contents, Found, Reading};
use super::record::{Answer, Attempt};
use crate::connection::ConnectionId;
use crate::connection::record::Position;

/// A file that was read, and could not be wholly understood, gets this name when it is not needed any more.
const EXTENSION_SET_ASIDE: &str = "damaged";

/// What dead processes left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Answers that the store may not have: neither closed, nor is a later position known to be committed.
    pub answers: Vec<Answer>,
    /// Requests that may have been sent, and of which nothing more is known.
    pub open: Vec<Attempt>,
    /// The highest position of each connection that a store is known to have held.
    pub positions: BTreeMap<ConnectionId, Position>,
    /// Whose files they were: nobody waits for what these have leased.
    pub dead_owners: Vec<Uuid>,
    /// What is not as it was written.
    pub damage: Vec<Damage>,
}

/// A file that was read, held until it is removed.
pub(super) struct Orphan {
    /// Its lock tells others to leave it alone.
    _handle: Box<dyn DiskFile>,
    path: PathBuf,
    fate: Fate,
    pub(super) keys: Vec<u32>,
}

/// All orphans of a directory, and what they say.
#[derive(Default)]
pub(super) struct Orphans {
    pub(super) files: Vec<Orphan>,
    pub(super) ledger: Ledger,
    pub(super) owners: BTreeSet<Uuid>,
    pub(super) damage: Vec<Damage>,
}

impl Maker<'_> {
    /// Takes every journal that nobody holds.
    pub(super) fn take_orphans(&self) -> Result<Orphans, JournalError> {
        let mut orphans = Orphans::default();
        for path in self.disk.list(self.dir).at(self.dir)? {
            match path.extension().and_then(OsStr::to_str) {
                Some(EXTENSION) => self.take(path, &mut orphans)?,
                Some(EXTENSION_WHILE_NEW) => self.sweep(&path),
                _ => {}
            }
        }
        Ok(orphans)
    }

    fn take(&self, path: PathBuf, orphans: &mut Orphans) -> Result<(), JournalError> {
        let Some(handle) = self.disk.open_orphan(&path).at(&path)? else { return Ok(()) };
        if !self.disk.is_private(&path).at(&path)? {
            return Err(JournalError::OpenToOthers { path, mode: "600" });
        }
        let inode = handle.inode().at(&path)?;
        let reading = match handle.read() {
            Ok(bytes) => Found { path: &path, bytes: &bytes, inode }.read(self.sealer, self.deployment),
            Err(error) => {
                Reading::NotOurs(Damage::Unreadable { file: path.clone(), reason: error.to_string() })
            }
        };
        match reading {
            Reading::NotOurs(damage) => orphans.damage.push(damage),
            Reading::Ours(contents) => orphans.add(handle, path, contents),
        }
        Ok(())
    }

    /// What was never finished has nothing in it. That it cannot be removed now does no harm.
    fn sweep(&self, path: &Path) {
        let removed = match self.disk.open_orphan(path) {
            Ok(Some(_held)) => self.disk.remove(path),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "an unfinished journal file cannot be removed");
        }
    }

    /// What was taken over is not needed any more.
    pub(super) fn put_away(&self, orphan: &Orphan) -> Result<(), JournalError> {
        let path = &orphan.path;
        match orphan.fate {
            Fate::Remove => self.disk.remove(path).at(path),
            Fate::SetAside => self.disk.rename(path, &path.with_extension(EXTENSION_SET_ASIDE)).at(path),
            Fate::Leave => Ok(()),
        }
    }
}

impl Orphans {
    fn add(&mut self, handle: Box<dyn DiskFile>, path: PathBuf, contents: Contents) {
        let Contents { records, keys, owner, damage } = contents;
        let fate = damage.iter().map(Damage::fate).max().unwrap_or(Fate::Remove);
        for record in records {
            self.ledger.add(record);
        }
        self.owners.extend(owner);
        self.damage.extend(damage);
        self.files.push(Orphan { _handle: handle, path, fate, keys });
    }

    /// What is to be done about it.
    pub(super) fn recovered(&self) -> Recovered {
        Recovered {
            answers: self.ledger.answers().cloned().collect(),
            open: self.ledger.open().cloned().collect(),
            positions: self.ledger.positions().clone(),
            dead_owners: self.owners.iter().copied().collect(),
            damage: self.damage.clone(),
        }
    }
}

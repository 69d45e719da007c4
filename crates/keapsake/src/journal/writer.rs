//! All that a journal does, one thing at a time. It blocks; [`Journal`](super::Journal) calls it where it may.

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::disk::{Disk, DiskFile};
use super::error::{AtPath as _, JournalError};
use super::health::JournalHealth;
use super::ledger::{Committed, Ledger};
use super::own::{Failed, LONGEST_PAYLOAD, Maker, OwnFile, room_for_append, room_for_beginning};
use super::record::{LONGEST_LINE, Record};
use super::recovery::{Orphan, Orphans, Recovered};
use crate::connection::ConnectionId;
use crate::randomness::Randomness;
use crate::store::seal::Sealer;

/// The size of a file is a multiple of this.
pub(super) const UNIT: usize = 1 << 20;

/// A bigger file is not made.
const LARGEST_FILE: usize = 64 << 20;

/// What the transport takes at most from the token endpoint.
const LONGEST_BODY: usize = 64 << 10;

/// What a request may still write after its intent: its answer, and how it ended.
const ROOM_FOR_THE_REST: usize =
    room_for_append(LONGEST_LINE + LONGEST_BODY) + 2 * room_for_append(LONGEST_LINE);
const ROOM_FOR_INTENT: usize = room_for_append(LONGEST_LINE);

/// Where and for whom.
pub(super) struct Setting {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) sealer: Arc<Sealer>,
    pub(super) randomness: Arc<dyn Randomness>,
    pub(super) owner: Uuid,
    pub(super) deployment: Uuid,
    /// [`UNIT`], but for tests that replace many files.
    pub(super) unit: usize,
}

impl Setting {
    fn maker(&self) -> Maker<'_> {
        Maker {
            disk: &*self.disk,
            dir: &self.dir,
            sealer: &self.sealer,
            randomness: &*self.randomness,
            owner: self.owner,
            deployment: self.deployment,
        }
    }
}

/// The own file, and what is in it.
pub(super) struct Writer {
    setting: Setting,
    file: OwnFile,
    /// What the own file comes to.
    ledger: Ledger,
    /// Files of dead processes that were read; all they say is in the own file too.
    orphans: Vec<Orphan>,
    /// Files of our own that are to be removed. They are held until they are gone: a free file has a dead owner.
    spent: Vec<Spent>,
}

struct Spent {
    _handle: Box<dyn DiskFile>,
    paths: Vec<PathBuf>,
}

impl Writer {
    /// Reads what dead processes left, and begins a file with it.
    pub(super) fn open(setting: Setting) -> Result<(Self, Recovered), JournalError> {
        let dir = &setting.dir;
        setting.disk.make_directory(dir).at(dir)?;
        if !setting.disk.is_private(dir).at(dir)? {
            return Err(JournalError::OpenToOthers { path: dir.clone(), mode: "700" });
        }
        let found = setting.maker().take_orphans()?;
        let recovered = found.recovered();
        let Orphans { files: orphans, ledger, .. } = found;
        let beginning = ledger.checkpoint();
        let length = length_for(&beginning, reserve(ledger.open().count() + 1), setting.unit);
        let file = setting.maker().make(length, &beginning).map_err(|failed| failed.error)?;
        Ok((Self { setting, file, ledger, orphans, spent: Vec::new() }, recovered))
    }

    /// What a store is known to have held of a connection.
    pub(super) fn committed(&self, connection: &ConnectionId) -> Option<Committed> {
        self.ledger.committed(connection)
    }

    /// Appends one record; when it returns, it is durable.
    pub(super) fn append(&mut self, record: Record) -> Result<(), JournalError> {
        let payload = longest_payload(&record);
        if payload > LONGEST_PAYLOAD {
            return Err(JournalError::TooLong { length: payload, limit: LONGEST_PAYLOAD });
        }
        self.make_room(&record, payload)?;
        self.setting.maker().append(&mut self.file, &record)?;
        self.ledger.add(record);
        Ok(())
    }

    /// An intent is only written when there is room for what follows it. Everything else has that room already, and
    /// uses it when a new file cannot be had.
    fn make_room(&mut self, record: &Record, payload: usize) -> Result<(), JournalError> {
        let open = self.ledger.open().count();
        let reserve = match record {
            Record::Intent(_) => reserve(open + 1),
            Record::Answer(_) => 0,
            Record::Closed { .. } | Record::Committed { .. } => reserve(open),
        };
        if self.file.fits(payload, reserve) {
            return Ok(());
        }
        let is_promised = !matches!(record, Record::Intent(_)) && self.file.fits(payload, 0);
        match self.replace_file(room_for_append(payload) + reserve) {
            Err(error) if is_promised => {
                tracing::warn!(%error, "the journal cannot begin a new file; there is room left in the old one");
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Sees that the next intent and all that follows it have room.
    pub(super) fn has_room(&mut self) -> Result<(), JournalError> {
        let reserve = reserve(self.ledger.open().count() + 1);
        if self.file.fits(LONGEST_LINE, reserve) {
            Ok(())
        } else {
            self.replace_file(ROOM_FOR_INTENT + reserve)
        }
    }

    /// Begins a new file with what is still of use, and removes the old one when the new one is durable.
    fn replace_file(&mut self, room: usize) -> Result<(), JournalError> {
        self.remove_spent();
        self.forget_what_is_over();
        let beginning = self.ledger.checkpoint();
        let length = length_for(&beginning, room, self.setting.unit);
        if length > LARGEST_FILE {
            return Err(JournalError::Crowded { open: self.ledger.open().count() });
        }
        let new = match self.setting.maker().make(length, &beginning) {
            Ok(new) => new,
            Err(Failed { error, remains }) => {
                self.spent
                    .extend(remains.map(|(handle, paths)| Spent { _handle: handle, paths: paths.into() }));
                self.remove_spent();
                return Err(error);
            }
        };
        let old = std::mem::replace(&mut self.file, new);
        self.spent.push(Spent { _handle: old.handle, paths: vec![old.path] });
        self.remove_spent();
        Ok(())
    }

    /// The own file says it all, and is about to go. Another one that is still there might say half of it again.
    fn forget_what_is_over(&mut self) {
        if self.spent.is_empty() && self.orphans.is_empty() {
            self.ledger.compact();
        }
    }

    /// A new file, so that all records are sealed with the newest data key.
    pub(super) fn renew(&mut self) -> Result<(), JournalError> {
        self.replace_file(ROOM_FOR_INTENT + reserve(self.ledger.open().count() + 1))
    }

    /// Reads what died since the start, and takes it into the own file.
    pub(super) fn recover(&mut self) -> Result<Recovered, JournalError> {
        let mut found = self.setting.maker().take_orphans()?;
        if found.files.is_empty() {
            return Ok(Recovered { damage: found.damage, ..Recovered::default() });
        }
        for (connection, position) in self.ledger.positions() {
            let (connection, position) = (connection.clone(), *position);
            found.ledger.add(Record::Committed { connection, position });
        }
        let recovered = found.recovered();
        let mut both = self.ledger.clone();
        found.ledger.checkpoint().into_iter().for_each(|record| both.add(record));
        let before = std::mem::replace(&mut self.ledger, both);
        if let Err(error) = self.renew() {
            // Let go of: they are found again.
            self.ledger = before;
            return Err(error);
        }
        self.orphans.append(&mut found.files);
        Ok(recovered)
    }

    /// Puts away the files of dead processes. What they say is in the own file since they were read.
    pub(super) fn adopt(&mut self) -> Result<(), JournalError> {
        self.remove_spent();
        let maker = self.setting.maker();
        let mut first_error = None;
        self.orphans.retain(|orphan| {
            let put_away = maker.put_away(orphan);
            let stays = put_away.is_err();
            first_error = first_error.take().or(put_away.err());
            stays
        });
        first_error.map_or(Ok(()), Err)
    }

    /// Tried again with the next file: until then they are held, and say nothing that is wrong.
    fn remove_spent(&mut self) {
        let disk = &self.setting.disk;
        self.spent.retain_mut(|spent| {
            spent.paths.retain(|path| match disk.remove(path) {
                Ok(()) => false,
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "an old journal file cannot be removed yet");
                    true
                }
            });
            !spent.paths.is_empty()
        });
    }

    /// How it is now, as far as the writer knows.
    pub(super) fn describe(&self, health: &mut JournalHealth) {
        let keys = self.orphans.iter().flat_map(|orphan| &orphan.keys);
        health.file.clone_from(&self.file.path);
        (health.used, health.size) = self.file.usage();
        health.records = self.file.records;
        health.open = self.ledger.open().count();
        health.unsaved = self.ledger.answers().count();
        health.keys = self.file.keys.iter().chain(keys).copied().collect();
    }
}

/// Bytes that so many requests may still need.
fn reserve(open: usize) -> usize {
    open * ROOM_FOR_THE_REST
}

/// As much again as the file begins with, so that files are not replaced ever more often when they begin with much.
fn length_for(beginning: &[Record], room: usize, unit: usize) -> usize {
    (2 * room_for_beginning(beginning) + room).next_multiple_of(unit)
}

fn longest_payload(record: &Record) -> usize {
    let body = match record {
        Record::Answer(answer) => answer.body.len(),
        _ => 0,
    };
    LONGEST_LINE + body
}

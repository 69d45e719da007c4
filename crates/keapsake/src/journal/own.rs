//! The file that this process writes.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::disk::{Disk, DiskFile};
use super::error::{AtPath as _, JournalError};
use super::frame::{self, LONGEST_SEALED};
use super::header::{HEADER_LEN, Header};
use super::reading::place;
use super::record::Record;
use crate::randomness::{self, Randomness};
use crate::store::seal::{Sealed, Sealer};

/// Files that are journals, and files that are about to become some.
pub(super) const EXTENSION: &str = "journal";
pub(super) const EXTENSION_WHILE_NEW: &str = "new";

/// What is synced by itself begins here: a sector that is torn by a power cut holds nothing that was durable before.
const SECTOR: usize = 4096;

/// Another process that cleans up may take a file from us before we hold it.
const TRIES: usize = 5;

/// How a file is made and its records are sealed.
pub(super) struct Maker<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) dir: &'a Path,
    pub(super) sealer: &'a Sealer,
    pub(super) randomness: &'a dyn Randomness,
    pub(super) owner: Uuid,
    pub(super) deployment: Uuid,
}

/// A held, pre-allocated file of which the first `end` bytes are durable records.
pub(super) struct OwnFile {
    pub(super) handle: Box<dyn DiskFile>,
    pub(super) path: PathBuf,
    id: Uuid,
    length: usize,
    /// After the last durable record.
    end: usize,
    /// After what failed appends may have left.
    torn: usize,
    sequence: u64,
    pub(super) records: u64,
    /// Numbers of the data keys that its records need.
    pub(super) keys: Vec<u32>,
}

impl Maker<'_> {
    /// Makes a file that begins with these records. When it returns, all of it is durable, under its name.
    ///
    /// On failure there may be remains; they are handed back still held, so that nobody takes them for those of a
    /// dead owner.
    pub(super) fn make(&self, length: usize, records: &[Record]) -> Result<OwnFile, Failed> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match self.try_make(length, records) {
                Err(Failed { error, .. }) if tries > 0 && was_taken_away(&error) => {}
                outcome => return outcome,
            }
        }
    }

    fn try_make(&self, length: usize, records: &[Record]) -> Result<OwnFile, Failed> {
        let id = uuid::Builder::from_random_bytes(randomness::bytes(self.randomness)).into_uuid();
        let new = self.dir.join(format!("{id}.{EXTENSION_WHILE_NEW}"));
        let path = self.dir.join(format!("{id}.{EXTENSION}"));
        let handle = self.disk.create(&new, length as u64).at(&new).map_err(Failed::without_remains)?;
        let mut file = OwnFile {
            handle,
            path: path.clone(),
            id,
            length,
            end: 0,
            torn: 0,
            sequence: 0,
            records: 0,
            keys: Vec::new(),
        };
        let written = self.fill(&mut file, records).at(&new);
        let named = written.and_then(|()| self.disk.rename(&new, &path).at(&path));
        match named {
            Ok(()) => Ok(file),
            Err(error) => Err(Failed { error, remains: Some((file.handle, [new, path])) }),
        }
    }

    /// Writes the header and the first records in one go: nothing of it counts before the file has its name.
    fn fill(&self, file: &mut OwnFile, records: &[Record]) -> io::Result<()> {
        let inode = file.handle.inode()?;
        let header = Header { file: file.id, owner: self.owner, deployment: self.deployment, inode };
        let mut bytes = header.encode().to_vec();
        for record in records {
            let sealed = self.seal(record, file);
            bytes.extend_from_slice(&frame::encode(file.sequence, 0, sealed.as_bytes()));
            bytes.resize(bytes.len().next_multiple_of(frame::GRID), 0);
            file.count(&sealed);
        }
        file.handle.write_at(0, &bytes)?;
        file.handle.sync()?;
        (file.end, file.torn) = (bytes.len(), bytes.len());
        Ok(())
    }

    /// Appends one record with one write, and returns when it is durable.
    pub(super) fn append(&self, file: &mut OwnFile, record: &Record) -> Result<(), JournalError> {
        let sealed = self.seal(record, file);
        let start = file.next_start();
        let gap = u32::try_from(start - file.end).unwrap_or(u32::MAX);
        let bytes = frame::encode(file.sequence, gap, sealed.as_bytes());
        // If it fails, what is there is unknown: the next record goes behind it, under the next number.
        file.torn = start + frame::room_for(sealed.as_bytes().len());
        file.count(&sealed);
        file.handle.write_at(start as u64, &bytes).and_then(|()| file.handle.sync()).at(&file.path)?;
        file.end = file.torn;
        Ok(())
    }

    fn seal(&self, record: &Record, file: &OwnFile) -> Sealed {
        let (id, sequence) = (file.id.to_string(), file.sequence.to_string());
        self.sealer.seal_at(&place(&id, &sequence), &record.encode(), self.randomness)
    }
}

impl OwnFile {
    /// Whether so many bytes of payload can be appended, and so many bytes stay free then.
    pub(super) fn fits(&self, payload: usize, reserve: usize) -> bool {
        self.next_start() + frame::room_for(sealed_len(payload)) + reserve <= self.length
    }

    /// Bytes in use, and bytes in all.
    pub(super) fn usage(&self) -> (u64, u64) {
        (self.torn as u64, self.length as u64)
    }

    fn next_start(&self) -> usize {
        self.torn.next_multiple_of(SECTOR)
    }

    fn count(&mut self, sealed: &Sealed) {
        self.sequence += 1;
        self.records += 1;
        if let Some(key) = sealed.key_number().filter(|key| !self.keys.contains(key)) {
            self.keys.push(key);
        }
    }
}

/// A file that could not be made.
pub(super) struct Failed {
    pub(super) error: JournalError,
    pub(super) remains: Option<(Box<dyn DiskFile>, [PathBuf; 2])>,
}

impl Failed {
    fn without_remains(error: JournalError) -> Self {
        Self { error, remains: None }
    }
}

fn was_taken_away(error: &JournalError) -> bool {
    let JournalError::Io { source, .. } = error else { return false };
    matches!(source.kind(), ErrorKind::NotFound | ErrorKind::WouldBlock)
}

/// How long a payload may be.
pub(super) const LONGEST_PAYLOAD: usize = LONGEST_SEALED - SEAL_OVERHEAD;

/// At most what sealing adds.
const SEAL_OVERHEAD: usize = 64;

fn sealed_len(payload: usize) -> usize {
    payload + SEAL_OVERHEAD
}

/// How many bytes of a file a payload takes at most, when it is appended by itself.
pub(super) const fn room_for_append(payload: usize) -> usize {
    (payload + SEAL_OVERHEAD + frame::FRAME_HEADER).next_multiple_of(SECTOR)
}

/// How many bytes of a file these records take when it begins with them.
pub(super) fn room_for_beginning(records: &[Record]) -> usize {
    let payloads = records.iter().map(|record| frame::room_for(sealed_len(record.encode().len())));
    (HEADER_LEN + payloads.sum::<usize>()).next_multiple_of(SECTOR)
}

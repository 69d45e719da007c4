//! A simulated disk, and processes that keep their journals on it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use jiff::Timestamp;
use uuid::Uuid;

use super::super::disk::SimDisk;
use super::super::writer::{Setting, UNIT};
use super::super::{Answer, Attempt, Committed, Journal, JournalError, Record, Recovered};
use crate::connection::ConnectionId;
use crate::connection::record::Position;
use crate::randomness::SystemRandomness;
use crate::store::seal::{Sealer, SealingKey};

/// In every body: it must never be seen on the disk.
pub(super) const CANARY: &str = "canary-7f3a-refresh-token";

pub(super) const DIR: &str = "/journal";

/// Of files that are to be replaced often: room for one answer of 64 KiB, and for some short records.
pub(super) const SMALL: usize = 128 << 10;

pub(super) struct World {
    pub(super) disk: SimDisk,
    pub(super) unit: usize,
    pub(super) sealer: Arc<Sealer>,
    pub(super) deployment: Uuid,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self { disk: SimDisk::new(seed), unit: UNIT, sealer: sealer(7, 1), deployment: Uuid::from_u128(1) }
    }

    /// With small files.
    pub(super) fn small(seed: u64) -> Self {
        Self { unit: SMALL, ..Self::new(seed) }
    }

    /// A new process of this owner.
    pub(super) fn start(&self, owner: u128) -> (Process, Recovered) {
        self.try_start(owner).unwrap()
    }

    pub(super) fn try_start(&self, owner: u128) -> Result<(Process, Recovered), JournalError> {
        let owner = Uuid::from_u128(owner);
        let disk = self.disk.process(owner);
        let (sealer, randomness) = (self.sealer.clone(), Arc::new(SystemRandomness));
        let (dir, deployment, unit) = (PathBuf::from(DIR), self.deployment, self.unit);
        let (journal, recovered) =
            Journal::begin(Setting { disk, dir, sealer, randomness, owner, deployment, unit })?;
        Ok((Process { journal }, recovered))
    }

    pub(super) fn crash(&self, owner: u128) {
        self.disk.crash(Uuid::from_u128(owner));
    }

    /// The files that are journals.
    pub(super) fn journals(&self) -> Vec<PathBuf> {
        self.disk
            .files()
            .into_iter()
            .filter(|path| path.extension().is_some_and(|is| is == "journal"))
            .collect()
    }
}

/// A journal on a disk that takes no time: nothing ever waits.
pub(super) struct Process {
    pub(super) journal: Journal,
}

impl Process {
    pub(super) fn append(&self, record: Record) -> Result<(), JournalError> {
        now(self.journal.append(record))
    }

    pub(super) fn has_room(&self) -> Result<(), JournalError> {
        now(self.journal.has_room())
    }

    pub(super) fn recover(&self) -> Result<Recovered, JournalError> {
        now(self.journal.recover())
    }

    pub(super) fn adopt(&self) -> Result<(), JournalError> {
        now(self.journal.adopt())
    }

    pub(super) fn committed(&self, connection: &ConnectionId) -> Option<Committed> {
        now(self.journal.committed(connection))
    }

    pub(super) fn renew(&self) -> Result<(), JournalError> {
        now(self.journal.renew())
    }
}

/// What was written, as far as its writers know.
#[derive(Debug, Default)]
pub(super) struct Notes {
    tried: Vec<Record>,
    acknowledged: Vec<Record>,
}

impl Notes {
    pub(super) fn append(&mut self, process: &Process, record: Record) -> Result<(), JournalError> {
        self.tried.push(record.clone());
        process.append(record.clone())?;
        self.acknowledged.push(record);
        Ok(())
    }

    /// Every acknowledged answer that nobody tried to settle has to be found, and none that certainly was settled.
    pub(super) fn check(&self, recovered: &Recovered, context: &str) {
        let found = BTreeSet::from_iter(answered(recovered));
        let must = unsettled(&self.acknowledged, &self.tried);
        let may = unsettled(&self.tried, &self.acknowledged);
        assert!(found.is_superset(&must), "{context}: lost of {must:?} all but {found:?}");
        assert!(
            found.is_subset(&may),
            "{context}: found {found:?}, of which some were settled; {may:?} were not"
        );
    }

    /// As [`check`](Self::check), when settling and answer may have ended up with different processes.
    pub(super) fn check_nothing_lost(&self, found: &BTreeSet<u64>, context: &str) {
        let must = unsettled(&self.acknowledged, &self.tried);
        assert!(found.is_superset(&must), "{context}: lost of {must:?} all but {found:?}");
    }
}

/// The answers among these records that those records do not settle.
fn unsettled(answers: &[Record], settling: &[Record]) -> BTreeSet<u64> {
    let closed: BTreeSet<Uuid> = settling.iter().filter_map(closed_entry).collect();
    let highest = settling.iter().filter_map(committed_position).max();
    let is_settled = |attempt: &Attempt| {
        closed.contains(&attempt.entry) || highest.is_some_and(|highest| highest > attempt.position)
    };
    let attempts = answers.iter().filter_map(|record| match record {
        Record::Answer(answer) => Some(&answer.attempt),
        _ => None,
    });
    numbers(attempts.filter(|attempt| !is_settled(attempt))).into_iter().collect()
}

fn closed_entry(record: &Record) -> Option<Uuid> {
    if let Record::Closed { entry } = record { Some(*entry) } else { None }
}

fn committed_position(record: &Record) -> Option<Position> {
    if let Record::Committed { position, .. } = record { Some(*position) } else { None }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("a simulated disk keeps nobody waiting")
}

pub(super) fn sealer(key: u8, deployment: u128) -> Arc<Sealer> {
    Arc::new(Sealer::new(&SealingKey::from_bytes([key; 32]), Uuid::from_u128(deployment)))
}

pub(super) fn position(generation: u64) -> Position {
    Position { lineage: 1, generation }
}

/// The attempt of this number; it spends the pair of the same number.
pub(super) fn attempt(number: u64) -> Attempt {
    Attempt {
        connection: ConnectionId::main(),
        position: position(number),
        entry: Uuid::from_u128(number.into()),
        started_at: Timestamp::from_second(1_800_000_000).unwrap(),
    }
}

pub(super) fn intent(number: u64) -> Record {
    Record::Intent(attempt(number))
}

pub(super) fn answer(number: u64) -> Record {
    long_answer(number, 200)
}

pub(super) fn long_answer(number: u64, length: usize) -> Record {
    Record::Answer(Answer { attempt: attempt(number), status: 200, body: body(number, length) })
}

fn body(number: u64, length: usize) -> Bytes {
    let mut body = format!("{{\"refresh_token\":\"{CANARY}-{number}\"}}").into_bytes();
    body.resize(length.max(body.len()), b' ');
    body.into()
}

pub(super) fn closed(number: u64) -> Record {
    Record::Closed { entry: attempt(number).entry }
}

/// The store holds the pair of this number.
pub(super) fn committed(number: u64) -> Record {
    Record::Committed { connection: ConnectionId::main(), position: position(number) }
}

/// The numbers of the answers.
pub(super) fn answered(recovered: &Recovered) -> Vec<u64> {
    numbers(recovered.answers.iter().map(|answer| &answer.attempt))
}

/// The numbers of the open attempts.
pub(super) fn open(recovered: &Recovered) -> Vec<u64> {
    numbers(recovered.open.iter())
}

fn numbers<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Vec<u64> {
    attempts.map(|attempt| u64::try_from(attempt.entry.as_u128()).unwrap()).collect()
}

/// The highest position of the only connection.
pub(super) fn highest(recovered: &Recovered) -> Option<u64> {
    recovered.positions.get(&ConnectionId::main()).map(|position| position.generation)
}

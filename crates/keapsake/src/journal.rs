//! The journal: what must not be lost between Keap's answer and the store, durable on this machine.
//!
//! A refresh token works once. From the moment Keap has answered, the answer holds the only live one, until the store
//! has saved it. So the raw answer is written down here before anybody reads it: neither a crash, nor a store that
//! fails, nor one that comes back from a backup can lose it.
//!
//! - [`record`](Record): what is written down.
//! - `frame`, `header`: how it lies in a file; each record is sealed, numbered, checked and bound to its file.
//! - `own`: the file of this process: pre-allocated, so that appending needs no space; held by a lock.
//! - `writer`: appends, replaces a full file, takes over what dead processes left.
//! - `reading`, `damage`, `recovery`: finds and reads the files of dead processes. Nothing is ever cut off, or passed
//!   over silently.
//! - `ledger`: what the records come to.
//! - [`disk`]: the seam at which a simulation puts faults.
//!
//! A process has one journal in a directory of the local disk; several processes may share the directory. A file
//! whose lock is free has a dead owner.

pub mod disk;

mod damage;
mod error;
mod frame;
mod header;
mod health;
mod ledger;
mod own;
mod reading;
mod record;
mod recovery;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::connection::ConnectionId;
use crate::randomness::Randomness;
use crate::store::seal::Sealer;
pub use damage::Damage;
pub use disk::{Disk, RealDisk};
pub use error::JournalError;
pub use health::JournalHealth;
pub use ledger::Committed;
pub use record::{Answer, Attempt, Record};
pub use recovery::Recovered;
use writer::{Setting, UNIT, Writer};

/// The journal of this process. Cloning it gives another handle to the same one.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    disk: Arc<dyn Disk>,
    writer: Arc<tokio::sync::Mutex<Writer>>,
    /// Beside the writer, so that looking at it never waits for the disk.
    health: Mutex<JournalHealth>,
}

impl Journal {
    /// Begins a journal file of this process in `dir`, with everything of use in the files of dead processes. Those
    /// stay until [`adopt`](Self::adopt).
    ///
    /// It blocks for as long as the disk takes to write a megabyte.
    ///
    /// # Errors
    /// [`JournalError`]: show it and stop. Nothing is lost: what dead processes left is still there.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        sealer: Arc<Sealer>,
        owner: Uuid,
        deployment: Uuid,
        randomness: Arc<dyn Randomness>,
    ) -> Result<(Self, Recovered), JournalError> {
        let dir = dir.to_owned();
        Self::begin(Setting { disk, dir, sealer, randomness, owner, deployment, unit: UNIT })
    }

    fn begin(setting: Setting) -> Result<(Self, Recovered), JournalError> {
        let disk = setting.disk.clone();
        let (writer, recovered) = Writer::open(setting)?;
        let mut health = JournalHealth { damage: recovered.damage.clone(), ..JournalHealth::default() };
        writer.describe(&mut health);
        let writer = Arc::new(tokio::sync::Mutex::new(writer));
        Ok((Self(Arc::new(Inner { disk, writer, health: Mutex::new(health) })), recovered))
    }

    /// Appends a record. When it returns `Ok`, the record is durable.
    ///
    /// An intent is only taken when there is room for its answer too.
    ///
    /// # Errors
    /// [`JournalError`]: the record may be durable or not. The journal goes on; append again if it matters.
    pub fn append(&self, record: Record) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.run(move |writer, inner| {
            let before = inner.disk.steady_time();
            let outcome = writer.append(record);
            let took = inner.disk.steady_time().saturating_sub(before);
            inner.health().last_append = Some(took);
            outcome
        }))
    }

    /// Sees that the next intent, and an answer of 64 KiB to it, have room.
    ///
    /// # Errors
    /// [`JournalError`]: send nothing, the answer might be lost.
    pub fn has_room(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.run(|writer, _| writer.has_room()))
    }

    /// Looks again for journals whose owners are gone; some may have lived when this one was opened. To be called
    /// when a refresh of somebody else was cut off: its answer may be here. Let the [`Sealer`] read the data keys
    /// again first, and [`adopt`](Self::adopt) afterwards. What it finds is also in the own file when it returns.
    ///
    /// # Errors
    /// [`JournalError`]: nothing was taken over; look again later.
    pub fn recover(&self) -> BoxFuture<'_, Result<Recovered, JournalError>> {
        Box::pin(self.run(|writer, inner| {
            let recovered = writer.recover()?;
            let mut health = inner.health();
            let news = recovered.damage.iter().filter(|damage| !health.damage.contains(damage));
            let news: Vec<Damage> = news.cloned().collect();
            health.damage.extend(news);
            Ok(recovered)
        }))
    }

    /// Everything that was recovered has been dealt with (saved, or written down as open): removes the files of dead
    /// processes. Those with something broken in them are renamed to `….damaged` and stay for a person to look at;
    /// those with records whose data key is not known stay as they are.
    ///
    /// # Errors
    /// [`JournalError`]: some are still there. Nothing is wrong with that; they are read again at the next start.
    pub fn adopt(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.run(|writer, _| writer.adopt()))
    }

    /// Begins a new file, so that everything in it is sealed with the newest data key.
    ///
    /// # Errors
    /// [`JournalError`]: the old file is still in use.
    pub fn renew(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.run(|writer, _| writer.renew()))
    }

    /// The numbers of the data keys that this journal needs; see [`renew`](Self::renew).
    pub fn keys_in_use(&self) -> BTreeSet<u32> {
        self.health().keys
    }

    /// What a store is known to have held of a connection, by this journal; for a store that has gone back.
    pub async fn committed(&self, connection: &ConnectionId) -> Option<Committed> {
        self.0.writer.lock().await.committed(connection)
    }

    /// How it is. Never waits for the disk.
    pub fn health(&self) -> JournalHealth {
        self.0.health().clone()
    }

    /// One thing at a time, in the order of asking, and never on a thread that others wait for.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer, &Inner) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let mut writer = self.0.writer.clone().lock_owned().await;
        let inner = self.0.clone();
        let is_instant = inner.disk.is_instant();
        let work = move || {
            let outcome = work(&mut writer, &inner);
            inner.note(&writer, outcome.as_ref().err());
            outcome
        };
        if is_instant {
            return work();
        }
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(JournalError::Stopping))
    }
}

impl Inner {
    fn health(&self) -> MutexGuard<'_, JournalHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, writer: &Writer, error: Option<&JournalError>) {
        let mut health = self.health();
        writer.describe(&mut health);
        health.last_error = error.map(ToString::to_string);
    }
}

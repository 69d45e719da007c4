//! The rules of Keap, as far as the sandbox knows them. Nothing here knows HTTP.
//!
//! Each rule that is more than bookkeeping says how it is known: *documented* by Keap, *observed* on the live service by
//! somebody, or *assumed* because nobody has said.

pub(crate) mod accounts;
pub(crate) mod authorization;
pub(crate) mod business_profile;
pub(crate) mod clients;
pub(crate) mod contacts;
pub(crate) mod credentials;
pub(crate) mod custom_fields;
pub(crate) mod duplicates;
pub(crate) mod exchange;
pub(crate) mod faults;
pub(crate) mod filter;
pub(crate) mod grants;
pub(crate) mod paging;
pub(crate) mod quota;
pub(crate) mod records;
pub(crate) mod redirect;
pub(crate) mod requests;
pub(crate) mod rotation;
pub(crate) mod schema;
pub(crate) mod secret;
pub(crate) mod seed;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod tags;
pub(crate) mod time;
pub(crate) mod truth;
pub(crate) mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::clock::SandboxClock;
use records::Row;
use world::World;

/// The world behind its lock, and the way to the data file.
///
/// The lock is never held across an await: a change is made, its rows are queued in the same order, and only then does
/// the caller wait for the disk.
pub(crate) struct State {
    pub(crate) clock: SandboxClock,
    world: Mutex<World>,
    disk: Option<mpsc::UnboundedSender<Batch>>,
}

/// Rows that become durable together.
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    pub(crate) done: oneshot::Sender<()>,
}

/// The data file refused a change.
#[derive(Debug, thiserror::Error)]
#[error("the data file could not be written, so the change may be lost at the next start")]
pub(crate) struct NotSaved;

impl State {
    pub(crate) fn new(clock: SandboxClock, world: World, disk: Option<mpsc::UnboundedSender<Batch>>) -> Self {
        Self { clock, world: Mutex::new(world), disk }
    }

    /// Looks at the world, or changes what is not kept on disk (counters, sessions, the request log).
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.lock())
    }

    /// Changes the world and returns when the change is on disk.
    pub(crate) async fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> Result<T, NotSaved> {
        let (value, saved) = self.change_and_queue(change);
        if let Some(saved) = saved {
            saved.await.map_err(|_| NotSaved)?;
        }
        Ok(value)
    }

    fn change_and_queue<T>(
        &self,
        change: impl FnOnce(&mut World) -> T,
    ) -> (T, Option<oneshot::Receiver<()>>) {
        let mut world = self.lock();
        let value = change(&mut world);
        let touched = world.touched.take();
        let Some(disk) = &self.disk else { return (value, None) };
        if touched.is_empty() {
            return (value, None);
        }
        let rows = touched.into_iter().map(|record| world.row(record, &self.clock)).collect();
        let (done, saved) = oneshot::channel();
        // A writer that is gone drops `done`, and the caller sees that nothing was saved.
        let _ = disk.send(Batch { rows, done });
        (value, Some(saved))
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::clock::ClockMode;

    const CLIENT: &str = "sandbox-client";

    #[test]
    fn of_64_uses_of_one_refresh_token_one_succeeds_a_thousand_times() {
        let state = State::new(SandboxClock::new(ClockMode::Manual), World::sample(), None);
        let now = state.clock.now();
        let (_, pair) = state.look(|world| world.open_grant(now, CLIENT, "owner@example.com", "acme"));
        let current = Mutex::new(pair.refresh);
        for round in 0..1_000 {
            let token = current.lock().unwrap().clone();
            let won = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..16 {
                            if let Ok(pair) = state.look(|world| world.refresh(now, CLIENT, &token)) {
                                won.fetch_add(1, Ordering::SeqCst);
                                *current.lock().unwrap() = pair.refresh;
                            }
                        }
                    });
                }
            });
            assert_eq!(won.load(Ordering::SeqCst), 1, "round {round}");
        }
    }

    #[tokio::test]
    async fn a_change_that_is_not_on_disk_is_not_called_saved() {
        let (disk, batches) = mpsc::unbounded_channel();
        drop(batches);
        let state = State::new(SandboxClock::new(ClockMode::Manual), World::sample(), Some(disk));
        let now = state.clock.now();
        assert!(state.change(|world| world.create_tag("acme", now, "VIP", "", None)).await.is_err());
        state.look(|world| world.touched.take());
        assert!(state.change(|_| ()).await.is_ok(), "nothing was to be saved");
    }
}

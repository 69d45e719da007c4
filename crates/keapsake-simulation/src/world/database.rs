//! The database that all processes share, and what can happen to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keapsake::connection::record::Position;
use keapsake::store::MemoryStore;

use super::clock::TrueTime;
use super::signal::Signal;

/// One database: always some copy of the data, never the same one after a failover or a restore.
pub(crate) struct Database {
    state: Mutex<State>,
    changes: Signal<u64>,
}

struct State {
    data: Arc<MemoryStore>,
    copy: u64,
    is_down: bool,
    /// The highest that was ever saved in this copy.
    highest: Position,
}

impl Database {
    pub(crate) fn new(time: TrueTime) -> Self {
        let data = Arc::new(MemoryStore::on(Arc::new(time)));
        let state = State { data, copy: 1, is_down: false, highest: Position::NONE };
        Self { state: Mutex::new(state), changes: Signal::new(0) }
    }

    /// The data as they are.
    pub(crate) fn data(&self) -> Arc<MemoryStore> {
        self.state().data.clone()
    }

    pub(crate) fn incarnation(&self) -> String {
        format!("copy:{}", self.state().copy)
    }

    /// A copy of everything, as a backup or a replica that lags behind has it.
    pub(crate) fn snapshot(&self) -> MemoryStore {
        self.state().data.snapshot()
    }

    /// From now on it is this copy.
    pub(crate) fn becomes(&self, data: MemoryStore) {
        let mut state = self.state();
        state.data = Arc::new(data);
        state.copy += 1;
        state.highest = Position::NONE;
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    pub(crate) fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// Notes what was saved; the position of before when that was a later one.
    pub(crate) fn saved(&self, position: Position) -> Option<Position> {
        self.changes.set(self.changes.get() + 1);
        let mut state = self.state();
        let before = state.highest;
        state.highest = position.max(before);
        (position < before).then_some(before)
    }

    /// Waits until something is saved.
    pub(crate) fn changes(&self) -> impl Future<Output = ()> + Send + use<> {
        self.changes.changed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

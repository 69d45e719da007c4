//! Whether a process runs: everything it asks of the world passes here.

use std::future::pending;
use std::sync::Arc;

use super::signal::Signal;

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// Stopped by a signal: it goes on later as if nothing had been.
    Paused,
    /// Killed.
    Dead,
}

/// One process's gate. Of a process that is dead nothing comes through any more, and nothing comes back to it.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Signal<Life>>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Signal::new(Life::Running)))
    }

    pub(crate) fn life(&self) -> Life {
        self.0.get()
    }

    /// What is dead stays dead.
    pub(crate) fn set(&self, life: Life) {
        if self.life() != Life::Dead {
            self.0.set(life);
        }
    }

    /// Waits until the process is dead.
    pub(crate) async fn ends(&self) {
        self.0.until(|life| life == Life::Dead).await;
    }

    /// Waits while the process is paused; for a dead one, forever.
    pub(crate) async fn pass(&self) {
        if !self.lives_on().await {
            pending::<()>().await;
        }
    }

    /// Waits while the process is paused; whether it lives then.
    pub(crate) async fn lives_on(&self) -> bool {
        self.0.until(|life| life != Life::Paused).await == Life::Running
    }
}

//! Hearing of what other processes changed. Whoever waits first listens for all who wait.

use std::time::Duration;

use sqlx::pool::Pool;
use tokio::sync::{Mutex, watch};

use super::Engine;

/// How long to wait when there is no way to hear.
const DEAF_WAIT: Duration = Duration::from_secs(5);

/// Wakes everybody who waits for a change.
pub(crate) struct Changes<E: Engine> {
    ear: Mutex<Option<E::Ear>>,
    told: watch::Sender<()>,
}

impl<E: Engine> Changes<E> {
    pub(crate) fn new() -> Self {
        Self { ear: Mutex::new(None), told: watch::Sender::new(()) }
    }

    /// Waits until something may have changed.
    pub(crate) async fn wait(&self, pool: &Pool<E>) {
        let mut told = self.told.subscribe();
        tokio::select! {
            biased;
            _ = told.changed() => {}
            () = self.listen(pool) => {}
        }
    }

    async fn listen(&self, pool: &Pool<E>) {
        let mut ear = self.ear.lock().await;
        if hear::<E>(&mut ear, pool).await.is_err() {
            *ear = None;
            pause(DEAF_WAIT).await;
        }
        self.told.send_replace(());
    }
}

async fn hear<E: Engine>(ear: &mut Option<E::Ear>, pool: &Pool<E>) -> sqlx::Result<()> {
    if let Some(ear) = ear {
        return E::hear(ear).await;
    }
    // What happened before there was an ear was not heard.
    *ear = Some(E::listen(pool).await?);
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "other processes and databases do not live on the injected clock"
)]
pub(crate) async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}

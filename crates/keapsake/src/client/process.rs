//! What runs in the background of a [`Keap`](super::Keap), and how it is stopped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use url::Url;

use crate::alarm::{Heartbeat, UnsafeAddress};
use crate::clock::{Clock, later};
use crate::connection::deployment::Deployment;
use crate::connection::refresher;

/// A running refresh may take two minutes and a little; longer it is not waited for.
const LONGEST_STOP: Duration = Duration::from_secs(130);

/// Ends with the last clone of a [`Keap`](super::Keap): dropping the sender stops the tasks.
pub(super) struct Process {
    clock: Arc<dyn Clock>,
    stop: watch::Sender<bool>,
    refresher: Mutex<Option<JoinHandle<()>>>,
    _heartbeat: Option<Heartbeat>,
}

impl Process {
    /// Nothing runs.
    pub(super) fn idle(clock: Arc<dyn Clock>) -> Self {
        Self { clock, stop: watch::Sender::new(false), refresher: Mutex::new(None), _heartbeat: None }
    }

    /// Keeps the connections of this deployment alive.
    pub(super) fn keeping(
        deployment: Arc<Deployment>,
        heartbeat: Option<&Url>,
    ) -> Result<Self, UnsafeAddress> {
        let (stop, stopped) = watch::channel(false);
        let clock = deployment.clock.clone();
        let heartbeat = heartbeat.map(|url| {
            let (watched, transport) = (deployment.clone(), deployment.api.clone());
            Heartbeat::start(url, transport, clock.clone(), move || watched.is_well())
        });
        let heartbeat = heartbeat.transpose()?;
        let refresher = refresher::start(deployment, stopped);
        Ok(Self { clock, stop, refresher: Mutex::new(Some(refresher)), _heartbeat: heartbeat })
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) async fn stop(&self) {
        let give_up_at = later(self.clock.now(), LONGEST_STOP);
        let _ = self.stop.send(true);
        if let Some(refresher) = self.refresher.lock().await.take() {
            tokio::select! {
                biased;
                _ = refresher => {}
                () = self.clock.sleep_until(give_up_at) => {}
            }
        }
    }
}

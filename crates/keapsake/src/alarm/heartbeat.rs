//! Says that all is well to a service outside: a dead man's switch. Nothing on a host can tell that the host is down;
//! a service that hears nothing for a while can.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::address::{self, UnsafeAddress};
use super::wait::wait;
use crate::clock::Clock;
use crate::transport::Transport;

/// How often it says so. The service should wait for two or three of them to be missing.
pub const EVERY: Duration = Duration::from_mins(5);

/// A running heartbeat.
pub struct Heartbeat {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Pulse<F> {
    uri: Uri,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    is_well: F,
}

impl Heartbeat {
    /// GETs this address now and every [`EVERY`], while `is_well` says so: alive, and no person is needed. Runs in the
    /// runtime it is called in, until [`stop`](Heartbeat::stop) or until this is dropped. Failures are only logged.
    ///
    /// # Errors
    /// [`UnsafeAddress`] for plain HTTP beyond this machine: use the service's https address.
    pub fn start(
        url: &Url,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        is_well: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Self, UnsafeAddress> {
        let pulse = Pulse { uri: address::checked(url)?, transport, clock, is_well };
        let stop = watch::Sender::new(false);
        let task = Mutex::new(Some(tokio::spawn(pulse.run(stop.subscribe()))));
        Ok(Self { stop, task })
    }

    /// Stops, after the beat that is on its way.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

impl<F: Fn() -> bool + Send + Sync> Pulse<F> {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() && stop.has_changed().is_ok() {
            if (self.is_well)() {
                self.beat().await;
            }
            tokio::select! {
                () = wait(&*self.clock, EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// The address is not logged: whoever knows it can say that all is well.
    async fn beat(&self) {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = self.uri.clone();
        match self.transport.send(request).await {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => tracing::warn!(status = answer.status().as_u16(), "the heartbeat was not taken"),
            Err(error) => tracing::warn!(%error, "the heartbeat did not get through"),
        }
    }
}

//! Brings effects to Keap: one after the other, in order for each person.
//!
//! Two kinds of failure are kept apart. What Keap refuses is the effect's own fault: it fails, visibly, and holds
//! back only its person. What the network, Keap's health, its quota or the connection cause is nobody's fault: all
//! deliveries pause, nothing is used up, and they go on by themselves.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sqlx::SqliteConnection;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::contact::ContactDelivery;
use super::effect::Action;
use super::known::QUARANTINE;
use super::outbox::{Due, ItemState, Outbox, Pause};
use super::tag::TagDelivery;
use crate::Keap;
use crate::client::ContactId;
use crate::clock::later;
use crate::error::Error;
use crate::store::StoreError;

/// What the application does when an effect has come true, in the transaction that marks it done.
pub trait OnDelivered: Send + Sync + 'static {
    /// A person's contact is known: write its id on the person's row.
    ///
    /// # Errors
    /// When the database fails; the whole is rolled back and tried again.
    fn contact_linked<'a>(
        &'a self,
        tx: &'a mut SqliteConnection,
        person: &'a str,
        contact: &'a ContactId,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// What one try came to.
pub(super) enum Verdict {
    /// It is true in Keap, and saved.
    Delivered,
    /// Keap did not do it, for a reason that may pass.
    TryAgain(String),
    /// It needs a person.
    Failed(String),
    /// It may or may not have been done; nothing is sent again before then.
    Unconfirmed {
        /// The end of the quarantine.
        until: Timestamp,
        /// Why.
        words: String,
    },
}

/// A running worker.
pub struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Where Keap's contacts carry our key for the person, unless said otherwise.
pub const PERSON_FIELD: &str = "AppUserId";

const LONGEST_IDLE: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Waits between tries of an effect that fails for a reason of its own, 28 hours in all; then a person is needed.
const OWN_TRIES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(10),
];

impl Worker {
    /// Starts delivering, in the runtime it is called in. One worker for each database.
    pub fn start(outbox: Outbox, keap: Keap, hook: Arc<dyn OnDelivered>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(supervise(Arc::new(Round { outbox, keap, hook }), stopped));
        Self { stop, task }
    }

    /// Finishes the delivery at hand and stops.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }

    /// Cuts off whatever it is doing, as a crash would. What was cut off is found again by the next worker.
    pub fn abort(self) {
        self.task.abort();
    }
}

struct Round {
    outbox: Outbox,
    keap: Keap,
    hook: Arc<dyn OnDelivered>,
}

/// A panic in one delivery must not end all of them.
async fn supervise(round: Arc<Round>, mut stop: watch::Receiver<bool>) {
    loop {
        let (task_round, task_stop) = (round.clone(), stop.clone());
        // In a set, so that it ends with this task.
        let mut running = JoinSet::new();
        running.spawn(async move { task_round.run(task_stop).await });
        match running.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!("a delivery panicked; deliveries start again");
            }
            _ => return,
        }
        round.rest(later(round.outbox.clock.now(), SHORTEST_PAUSE), &mut stop).await;
    }
}

impl Round {
    async fn run(&self, mut stop: watch::Receiver<bool>) {
        let quarantine = later(self.outbox.clock.now(), QUARANTINE);
        while let Err(error) = self.outbox.quarantine_sent(quarantine).await {
            tracing::error!(%error, "deliveries cannot start yet");
            self.rest(later(self.outbox.clock.now(), SHORTEST_PAUSE), &mut stop).await;
            if is_stopped(&stop) {
                return;
            }
        }
        while !is_stopped(&stop) {
            if let Some(until) = self.still_paused() {
                self.rest(until, &mut stop).await;
                continue;
            }
            let looked_at = self.outbox.clock.now();
            match self.outbox.due().await {
                Ok(Some(due)) => self.deliver(due).await,
                Ok(None) => self.rest(later(looked_at, LONGEST_IDLE), &mut stop).await,
                Err(error) => self.pause(&Error::from(error)),
            }
        }
    }

    async fn deliver(&self, due: Due) {
        let outcome = match &due.action {
            Action::Contact(wanted) => {
                let delivery = ContactDelivery {
                    outbox: &self.outbox,
                    keap: &self.keap,
                    hook: &*self.hook,
                    person_field: PERSON_FIELD,
                };
                delivery.deliver(&due, wanted).await
            }
            Action::Tag(wanted) => {
                TagDelivery { outbox: &self.outbox, keap: &self.keap }.deliver(&due, wanted).await
            }
        };
        let verdict = match outcome {
            Ok(verdict) => {
                self.outbox.pause.send_replace(None);
                verdict
            }
            Err(error) if error.is_refused() => Verdict::Failed(error.to_string()),
            Err(error) => return self.pause(&error),
        };
        if let Err(error) = self.settle(&due, verdict).await {
            self.pause(&Error::from(error));
        }
    }

    async fn settle(&self, due: &Due, verdict: Verdict) -> Result<(), StoreError> {
        let now = self.outbox.clock.now();
        match verdict {
            Verdict::Delivered => {
                tracing::info!(effect = due.id, "delivered");
                Ok(())
            }
            Verdict::Failed(words) => {
                tracing::warn!(effect = due.id, words, "an effect failed and needs a person");
                self.outbox.put_off(due, ItemState::Failed, due.attempts + 1, now, &words).await
            }
            Verdict::TryAgain(words) => {
                let wait = OWN_TRIES.get(due.attempts as usize);
                let state = if wait.is_some() { ItemState::Waiting } else { ItemState::Failed };
                let until = later(now, wait.copied().unwrap_or_default());
                tracing::warn!(effect = due.id, words, "an effect was not delivered yet");
                self.outbox.put_off(due, state, due.attempts + 1, until, &words).await
            }
            Verdict::Unconfirmed { until, words } => {
                tracing::warn!(effect = due.id, words, "the outcome of a delivery is unknown");
                self.outbox.put_off(due, ItemState::Waiting, due.attempts, until, &words).await
            }
        }
    }

    /// Everything rests: twice as long each time in a row, and as long as Keap asks for.
    fn pause(&self, error: &Error) {
        let now = self.outbox.clock.now();
        let before = self.outbox.pause.borrow().clone();
        let doubled = before.as_ref().map_or(SHORTEST_PAUSE, |pause| pause.wait * 2).min(LONGEST_PAUSE);
        let wait = doubled.max(error.retry_after().unwrap_or_default());
        let pause = Pause {
            since: before.as_ref().map_or(now, |pause| pause.since),
            until: later(now, wait),
            wait,
            words: error.to_string(),
        };
        tracing::warn!(%error, wait_s = wait.as_secs(), "deliveries pause");
        self.outbox.pause.send_replace(Some(pause));
    }

    fn still_paused(&self) -> Option<Timestamp> {
        let until = self.outbox.pause.borrow().as_ref()?.until;
        (self.outbox.clock.now() < until).then_some(until)
    }

    /// Waits, unless there is something new: an effect, or a turn of the connection.
    async fn rest(&self, until: Timestamp, stop: &mut watch::Receiver<bool>) {
        tokio::select! {
            () = self.outbox.clock.sleep_until(until) => {}
            () = self.outbox.wake.notified() => {}
            () = self.turned() => { self.outbox.pause.send_replace(None); }
            _ = stop.changed() => {}
        }
    }

    /// Ends when the connection comes back, and when it turns out that only a person can bring it back: then the next
    /// try says so.
    async fn turned(&self) {
        let mut before = Outlook::of(&self.keap);
        loop {
            self.keap.changed().await;
            let now = Outlook::of(&self.keap);
            if now != before && now != Outlook::Waiting {
                return;
            }
            before = now;
        }
    }
}

/// What deliveries can expect of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outlook {
    CanCall,
    Waiting,
    NeedsAPerson,
}

impl Outlook {
    fn of(keap: &Keap) -> Self {
        let status = keap.status();
        match (status.can_call, status.phase.needs_a_person()) {
            (true, _) => Self::CanCall,
            (false, true) => Self::NeedsAPerson,
            (false, false) => Self::Waiting,
        }
    }
}

fn is_stopped(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

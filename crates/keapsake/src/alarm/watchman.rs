//! Looks at what is so, compares it with what is raised, and tells the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::channel::{Channel, ChannelName, check_names};
use super::condition::Condition;
use super::courier::{Courier, Letter};
use super::debts::Debts;
use super::facts::{Facts, of_connection, of_deployment, trouble};
use super::ledger::{Kept, Ledger, Raised};
use super::look::Look;
use super::views::Views;
use super::{Alarm, deployment};
use crate::clock::{Clock, from_millis};
use crate::connection::ConnectionId;
use crate::store::{Store, StoreError};

/// The watchman: one for each process, for all its connections.
///
/// Any number of processes may watch one store: each alarm is told once by all of them together. Only when a process
/// dies, or the store fails, in the very moment of telling is it told again, with the same `id`.
pub struct Alarms {
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    couriers: Vec<Arc<Courier>>,
    debts: Debts,
    views: Views,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Alarms {
    /// Starts a task for each channel, in the runtime it is called in. They end with [`stop`](Alarms::stop), and when
    /// this is dropped.
    ///
    /// # Errors
    /// [`ChannelName`] when the channels cannot be told apart; it says what to change.
    pub fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        channels: Vec<Arc<dyn Channel>>,
    ) -> Result<Self, ChannelName> {
        check_names(&channels)?;
        let ledger = Arc::new(Ledger::new(store, clock.clone()));
        let courier = |channel| Arc::new(Courier::new(channel, ledger.clone(), clock.clone()));
        let couriers: Vec<_> = channels.into_iter().map(courier).collect();
        let stop = watch::Sender::new(false);
        let start = |courier: &Arc<Courier>| tokio::spawn(courier.clone().run(stop.subscribe()));
        let tasks = Mutex::new(couriers.iter().map(start).collect());
        Ok(Self { ledger, clock, couriers, debts: Debts::default(), views: Views::default(), stop, tasks })
    }

    /// Compares what is known of a connection, and of the whole deployment, with what is raised; what began or ended is
    /// told.
    ///
    /// To be called when something changed and at least once a minute. Waits for the store (ten seconds at most for
    /// each question), never for a channel.
    pub async fn look(&self, id: &ConnectionId, facts: &Facts<'_>) {
        // Stores keep milliseconds; an alarm's id must not depend on where its time comes from.
        let now = from_millis(self.clock.now().as_millisecond());
        let read = self.ledger.refresh(id).await;
        let store_works = read.is_ok();
        let holding = self.of_connection(id, facts, now, store_works).await;
        let look = Look { subject: id, now, store_works, holding, left_alone: BTreeSet::new() };
        self.show(Some(id), &look);
        self.settle(&look).await;
        self.look_around(facts, now, read.err()).await;
    }

    /// What is about the deployment; `trouble` is what the store said just now.
    async fn look_around(&self, facts: &Facts<'_>, now: Timestamp, said: Option<StoreError>) {
        let subject = &deployment();
        let read = self.ledger.refresh(subject).await;
        let store_works = read.is_ok();
        let mut holding = of_deployment(facts);
        if let Some(error) = said.or(read.err()) {
            let (condition, words) = trouble(Condition::StoreTrouble, "The database", &error.to_string());
            holding.entry(condition).or_insert(words);
        }
        let left_alone = self.left_alone(facts, &holding, store_works);
        let look = Look { subject, now, store_works, holding, left_alone };
        self.show(None, &look);
        self.settle(&look).await;
    }

    /// Before anything is told of a connection, the store is asked how it is: this process may have missed what another
    /// one did. When the store does not say, what is known here has to do.
    async fn of_connection(
        &self,
        id: &ConnectionId,
        facts: &Facts<'_>,
        now: Timestamp,
        store_works: bool,
    ) -> BTreeMap<Condition, String> {
        let seen = of_connection(facts.record, now);
        let is_as_raised = seen.keys().eq(self.ledger.raised(id).keys());
        if is_as_raised || !store_works || facts.store_trouble.is_some() {
            return seen;
        }
        match self.ledger.record(id).await {
            Ok(Some(record)) => of_connection(Some(&record), now),
            Ok(None) | Err(_) => seen,
        }
    }

    /// What does not hold for this process and did not before either, or is not known.
    fn left_alone(
        &self,
        facts: &Facts<'_>,
        holding: &BTreeMap<Condition, String>,
        store_works: bool,
    ) -> BTreeSet<Condition> {
        let is_left_alone = |condition: &Condition| {
            if holding.contains_key(condition) {
                self.views.is_news(*condition, true);
                return false;
            }
            let is_unknown = *condition == Condition::ClockSkew && facts.skew.is_none();
            // An end that cannot be written yet has to be news later.
            is_unknown || (store_works && !self.views.is_news(*condition, false))
        };
        let of_deployment = |condition: &Condition| condition.kind().is_of_deployment();
        Condition::ALL.iter().copied().filter(of_deployment).filter(is_left_alone).collect()
    }

    fn show(&self, connection: Option<&ConnectionId>, look: &Look<'_>) {
        for courier in &self.couriers {
            courier.channel().show(connection, &look.holding);
        }
    }

    async fn settle(&self, look: &Look<'_>) {
        if look.store_works {
            self.hand_over(look).await;
        }
        let before = self.ledger.raised(look.subject);
        self.raise(look, &before).await;
        self.clear(look, &before).await;
        if look.store_works {
            self.collect_debts(look);
        }
    }

    /// Stops, after the alarms that are being told at this moment. What still waits is told after the next start.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            let _ = task.await;
        }
    }

    /// The store works (again): what this process had to keep in memory goes there.
    async fn hand_over(&self, look: &Look<'_>) {
        for (condition, raised) in self.ledger.raised(look.subject) {
            if raised.kept == Kept::Store || !look.holding.contains_key(&condition) {
                continue;
            }
            if let Err(error) = self.hand_over_one(look.subject, condition, raised.since).await {
                tracing::warn!(subject = %look.subject, %condition, %error, "an alarm stays in memory");
                return;
            }
        }
    }

    /// First who was told: in the other order, a crash in between would have it told twice.
    async fn hand_over_one(
        &self,
        id: &ConnectionId,
        condition: Condition,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        for courier in self.couriers.iter().filter(|courier| !courier.has(id, condition)) {
            self.ledger.note_told(id, condition, courier.channel().name(), since).await?;
        }
        self.ledger.raise(id, condition, since).await.map(|_| ())
    }

    async fn raise(&self, look: &Look<'_>, before: &BTreeMap<Condition, Raised>) {
        for (condition, words) in &look.holding {
            if before.contains_key(condition) {
                continue;
            }
            if let Some(kept) = self.claim(look, *condition).await {
                self.post(&Alarm::raised(look.subject, *condition, look.now, words.clone()), kept);
            }
        }
    }

    /// The right to tell a condition, and who remembers that it is raised.
    async fn claim(&self, look: &Look<'_>, condition: Condition) -> Option<Kept> {
        if look.store_works {
            match self.ledger.raise(look.subject, condition, look.now).await {
                Ok(won) => return won.then_some(Kept::Store),
                Err(error) => {
                    tracing::warn!(subject = %look.subject, %condition, %error, "an alarm is kept in memory");
                }
            }
        }
        self.ledger.raise_here(look.subject, condition, look.now).then_some(Kept::Memory)
    }

    async fn clear(&self, look: &Look<'_>, before: &BTreeMap<Condition, Raised>) {
        for (condition, raised) in
            before.iter().filter(|(condition, raised)| look.can_end(**condition, raised))
        {
            match self.ledger.clear(look.subject, *condition, raised.kept).await {
                Ok(true) => {
                    let state = look.end_of(*condition);
                    let alarm = Alarm::ended(look.subject, *condition, state, raised.since, look.now);
                    self.post(&alarm, raised.kept);
                }
                Ok(false) => {}
                Err(error) => {
                    self.views.forget(*condition);
                    tracing::warn!(subject = %look.subject, %condition, %error, "an alarm is not cleared yet");
                }
            }
        }
    }

    fn post(&self, alarm: &Alarm, kept: Kept) {
        for courier in &self.couriers {
            courier.post(Letter { alarm: alarm.clone(), kept });
        }
    }

    /// Tells what a process that died left untold, and a new channel what is so already.
    fn collect_debts(&self, look: &Look<'_>) {
        let owed: Vec<_> = self.couriers.iter().flat_map(|courier| self.owed(look, courier)).collect();
        for (courier, alarm) in self.debts.overdue(look.subject, owed, look.now) {
            courier.post(Letter { alarm, kept: Kept::Store });
        }
    }

    /// What this channel should know and does not, and what is not on its way to it either.
    fn owed<'a>(&self, look: &Look<'_>, courier: &'a Courier) -> Vec<(&'a Courier, Alarm)> {
        let raised = self.ledger.raised(look.subject);
        let owed = |condition: &Condition| {
            let told = self.ledger.told(look.subject, *condition, courier.channel().name());
            look.debt(*condition, raised.get(condition), told)
        };
        let is_waiting = |alarm: &Alarm| courier.has(look.subject, alarm.condition);
        let alarms = Condition::ALL.iter().filter_map(owed).filter(|alarm| !is_waiting(alarm));
        alarms.map(|alarm| (courier, alarm)).collect()
    }
}

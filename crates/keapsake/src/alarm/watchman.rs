//! Looks at what is so, compares it with what is raised, and tells the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::channel::Channel;
use super::condition::Condition;
use super::courier::{Courier, Letter};
use super::debts::Debts;
use super::facts::{Facts, conditions, trouble};
use super::ledger::{Kept, Ledger, Raised};
use super::{Alarm, State};
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
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A channel's name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelName {
    /// It is not one.
    #[error("`{0}` cannot be the name of an alarm channel: use 1 to 32 letters, digits, `-` or `_`")]
    Invalid(String),
    /// Two channels have it.
    #[error("two alarm channels are called `{0}`, so one would never be told: give it another name")]
    Twice(String),
}

/// One look at one connection.
struct Look<'a> {
    id: &'a ConnectionId,
    now: Timestamp,
    holding: BTreeMap<Condition, String>,
}

impl Look<'_> {
    /// How a condition that does not hold any more ended.
    fn end_of(&self, condition: Condition) -> State {
        let is_replaced = self.holding.keys().any(|other| other.kind() == condition.kind());
        if is_replaced { State::Replaced } else { State::Recovered }
    }

    /// What somebody should be told who was told of this condition since `told`, or of its end.
    fn debt(&self, condition: Condition, raised: Option<&Raised>, told: Option<Timestamp>) -> Option<Alarm> {
        match (raised, told) {
            (Some(Raised { since, kept: Kept::Store }), None) => {
                let words = self.holding.get(&condition)?;
                Some(Alarm::raised(self.id, condition, *since, words.clone()))
            }
            (None, Some(since)) => {
                Some(Alarm::ended(self.id, condition, self.end_of(condition), since, self.now))
            }
            _ => None,
        }
    }
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
        Ok(Self { ledger, clock, couriers, debts: Debts::default(), stop, tasks })
    }

    /// Compares what is known of a connection with what is raised for it; what began or ended is told.
    ///
    /// To be called when something changed and at least once a minute. Waits for the store (ten seconds at most for
    /// each question), never for a channel.
    pub async fn look(&self, id: &ConnectionId, facts: &Facts<'_>) {
        // Stores keep milliseconds; an alarm's id must not depend on where its time comes from.
        let now = from_millis(self.clock.now().as_millisecond());
        let mut look = Look { id, now, holding: conditions(facts, now) };
        let read = self.ledger.refresh(id).await;
        if let Err(error) = &read {
            let (condition, words) = trouble(Condition::StoreTrouble, "The database", &error.to_string());
            look.holding.entry(condition).or_insert(words);
        }
        for courier in &self.couriers {
            courier.channel().show(id, &look.holding);
        }
        let store_works = read.is_ok();
        if store_works {
            self.hand_over(&look).await;
        }
        let before = self.ledger.raised(id);
        self.raise(&look, &before, store_works).await;
        self.clear(&look, &before, store_works).await;
        if store_works {
            self.collect_debts(&look);
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
        for (condition, raised) in self.ledger.raised(look.id) {
            if raised.kept == Kept::Store || !look.holding.contains_key(&condition) {
                continue;
            }
            if let Err(error) = self.hand_over_one(look.id, condition, raised.since).await {
                tracing::warn!(connection = %look.id, %condition, %error, "an alarm stays in memory");
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

    async fn raise(&self, look: &Look<'_>, before: &BTreeMap<Condition, Raised>, store_works: bool) {
        for (condition, words) in &look.holding {
            if before.contains_key(condition) {
                continue;
            }
            if let Some(kept) = self.claim(look, *condition, store_works).await {
                self.post(&Alarm::raised(look.id, *condition, look.now, words.clone()), kept);
            }
        }
    }

    /// The right to tell a condition, and who remembers that it is raised.
    async fn claim(&self, look: &Look<'_>, condition: Condition, store_works: bool) -> Option<Kept> {
        if store_works {
            match self.ledger.raise(look.id, condition, look.now).await {
                Ok(won) => return won.then_some(Kept::Store),
                Err(error) => {
                    tracing::warn!(connection = %look.id, %condition, %error, "an alarm is kept in memory");
                }
            }
        }
        self.ledger.raise_here(look.id, condition, look.now).then_some(Kept::Memory)
    }

    async fn clear(&self, look: &Look<'_>, before: &BTreeMap<Condition, Raised>, store_works: bool) {
        for (condition, raised) in before {
            let is_unreachable = raised.kept == Kept::Store && !store_works;
            if look.holding.contains_key(condition) || is_unreachable {
                continue;
            }
            match self.ledger.clear(look.id, *condition, raised.kept).await {
                Ok(true) => {
                    let state = look.end_of(*condition);
                    self.post(&Alarm::ended(look.id, *condition, state, raised.since, look.now), raised.kept);
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(connection = %look.id, %condition, %error, "an alarm is not cleared yet");
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
        for (courier, alarm) in self.debts.overdue(look.id, owed, look.now) {
            courier.post(Letter { alarm, kept: Kept::Store });
        }
    }

    /// What this channel should know and does not, and what is not on its way to it either.
    fn owed<'a>(&self, look: &Look<'_>, courier: &'a Courier) -> Vec<(&'a Courier, Alarm)> {
        let raised = self.ledger.raised(look.id);
        let owed = |condition: &Condition| {
            let told = self.ledger.told(look.id, *condition, courier.channel().name());
            look.debt(*condition, raised.get(condition), told)
        };
        let is_waiting = |alarm: &Alarm| courier.has(look.id, alarm.condition);
        let alarms = Condition::ALL.iter().filter_map(owed).filter(|alarm| !is_waiting(alarm));
        alarms.map(|alarm| (courier, alarm)).collect()
    }
}

fn check_names(channels: &[Arc<dyn Channel>]) -> Result<(), ChannelName> {
    let mut seen = BTreeSet::new();
    for name in channels.iter().map(|channel| channel.name()) {
        let fits = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !fits {
            return Err(ChannelName::Invalid(name.chars().take(64).collect()));
        }
        if !seen.insert(name) {
            return Err(ChannelName::Twice(name.to_owned()));
        }
    }
    Ok(())
}

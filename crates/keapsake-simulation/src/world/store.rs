//! The database as one process reaches it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keapsake::connection::ConnectionId;
use keapsake::connection::flow::Flow;
use keapsake::connection::history::{Ending, Entry};
use keapsake::connection::record::{Health, Link, LostReason};
use keapsake::store::{
    Begin, Due, Identity, Lease, MemoryStore, Revision, Store, StoreError, Stored, Swap, Tokens, WrappedKeys,
    Write,
};
use tokio::time::sleep;
use uuid::Uuid;

use super::database::Database;
use super::keap::CANARY;
use super::network::Access;
use super::truth::Fate;

/// A process's way to the database: it can be slow, fail before or after a statement was carried out, or be cut.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) database: Arc<Database>,
    pub(crate) access: Access,
    /// Whether this process alone is cut off.
    pub(crate) is_cut: Arc<std::sync::atomic::AtomicBool>,
}

/// How weighty a call is: what is asked each minute takes no time in here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Light,
    Heavy,
}

use Weight::{Heavy, Light};

impl Reach {
    async fn ask<T, F>(
        &self,
        weight: Weight,
        what: &'static str,
        act: impl FnOnce(Arc<MemoryStore>) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.step(weight).await;
        self.travel(weight).await;
        self.check(what)?;
        let breaks = self.access.network.weather.breaks_store_call();
        if breaks && self.access.network.chance.once_in(2) {
            return Err(self.fails(what, "before"));
        }
        let done = act(self.database.data()).await;
        self.travel(weight).await;
        self.step(weight).await;
        if breaks {
            return Err(self.fails(what, "after"));
        }
        done
    }

    async fn step(&self, weight: Weight) {
        match weight {
            Light => self.access.gate.pass().await,
            Heavy => self.access.tread().await,
        }
    }

    async fn travel(&self, weight: Weight) {
        let chance = &self.access.network.chance;
        if weight == Heavy {
            sleep(chance.span(Duration::from_millis(1), Duration::from_millis(8))).await;
        }
        if self.access.network.weather.breaks_store_call() {
            self.access.network.truth.hinders(self.access.process.host);
            self.access.network.truth.diary.count("store is slow");
            sleep(chance.any_span(Duration::from_millis(50), Duration::from_secs(10))).await;
        }
    }

    fn check(&self, what: &'static str) -> Result<(), StoreError> {
        let is_cut = self.is_cut.load(std::sync::atomic::Ordering::Relaxed);
        if is_cut || self.database.is_down() {
            self.access.network.truth.hinders(self.access.process.host);
            self.access.network.truth.diary.count("store does not answer");
            return Err(StoreError::new(format!("the database does not answer ({what})")));
        }
        Ok(())
    }

    fn fails(&self, what: &'static str, when: &'static str) -> StoreError {
        let truth = &self.access.network.truth;
        truth.hinders(self.access.process.host);
        truth.diary.count(if when == "before" { "store fails before" } else { "store fails after" });
        truth.diary.note(format_args!("{} store fails {when} {what}", self.access.process));
        StoreError::new(format!("the database failed ({what})"))
    }

    /// What was just saved has not got to the replica that takes over soon.
    fn fail_over_to(&self, replica: MemoryStore) {
        let since = self.access.network.truth.now();
        let lag = self.access.network.chance.any_span(Duration::from_millis(1), Duration::from_secs(30));
        let (database, truth) = (self.database.clone(), self.access.network.truth.clone());
        tokio::spawn(async move {
            sleep(lag).await;
            database.becomes(replica);
            truth.diary.count("failovers after a save");
            truth.diary.note(format_args!("the database fails over to a replica that was {lag:?} behind"));
            truth.forgotten(since);
        });
    }

    /// What a process wants to save, and what it comes to.
    fn saved(&self, before: Option<&Stored>, write: &Write) {
        let truth = &self.access.network.truth;
        let process = self.access.process;
        let position = write.record.position;
        truth.diary.note(format_args!("{process} saves {position} {:?}", health(write)));
        truth.diary.count(health_name(write));
        if let Some(higher) = self.database.saved(position) {
            truth.diary.violation(format_args!("{process} saves {position} over {higher}"));
        }
        if matches!(write.tokens, Tokens::Replace(_)) {
            truth.stored(process);
        }
        let was_disconnected =
            before.is_some_and(|before| matches!(before.record.link, Link::Disconnected { .. }));
        let is_of_before = before.is_some_and(|before| position.lineage <= before.record.position.lineage);
        if was_disconnected && is_of_before && matches!(write.record.link, Link::Linked(_)) {
            truth
                .diary
                .violation(format_args!("{process} brings back a disconnected connection as {position}"));
        }
        let was_lost = before.is_some_and(|before| is_lost(&before.record.link));
        if is_lost(&write.record.link) && !was_lost {
            self.check_loss();
        }
    }

    /// A connection must not be given up while somebody holds what is needed to go on.
    fn check_loss(&self) {
        let network = &self.access.network;
        if let Some(excuse) = network.keap.excuse() {
            network.truth.diary.note(format_args!("given up, rightly: {excuse}"));
            return;
        }
        let fate = network.keap.newest().map(|newest| network.truth.fate(newest));
        let is_out_of_reach = match fate {
            // The journal of a machine that does not run, or runs but reaches no database.
            Some(Fate::Journaled(holder, _) | Fate::Arrived(holder, _) | Fate::Unkept(holder, _)) => {
                network.truth.calm_of(holder.host) < Duration::from_hours(1)
            }
            // Of a new authorization, say.
            Some(Fate::OnItsWay) => true,
            _ => false,
        };
        if !is_out_of_reach {
            network.truth.diary.violation(format_args!(
                "{} gives up although the newest pair is there ({fate:?})",
                self.access.process
            ));
        }
    }
}

fn is_lost(link: &Link) -> bool {
    matches!(link, Link::Linked(linked) if matches!(linked.health, Health::Lost(_)))
}

fn health(write: &Write) -> Option<Health> {
    match &write.record.link {
        Link::Linked(linked) => Some(linked.health),
        Link::Disconnected { .. } => None,
    }
}

fn health_name(write: &Write) -> &'static str {
    match health(write) {
        None => "state Disconnected",
        Some(Health::Well) => "state Well",
        Some(Health::Unreached { .. }) => "state Unreached",
        Some(Health::Unconfirmed { .. }) => "state Unconfirmed",
        Some(Health::Suspect { .. }) => "state Suspect",
        Some(Health::Misconfigured) => "state Misconfigured",
        Some(Health::Restored(_)) => "state Restored",
        Some(Health::Lost(LostReason::Rejected)) => "state Lost (rejected)",
        Some(Health::Lost(LostReason::Expired)) => "state Lost (expired)",
    }
}

impl Store for Reach {
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>> {
        Box::pin(self.ask(Heavy, "identity", |data| async move { data.identity().await }))
    }

    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>> {
        Box::pin(self.ask(Heavy, "identify", |data| async move { data.identify(identity).await }))
    }

    fn incarnation(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        Box::pin(self.ask(Heavy, "incarnation", |_| async { Ok(self.database.incarnation()) }))
    }

    fn settle(&self, incarnation: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.ask(Heavy, "settle", |data| async move { data.settle(incarnation).await }))
    }

    fn swap_keys(&self, expected: Revision, keys: WrappedKeys) -> BoxFuture<'_, Result<Swap, StoreError>> {
        Box::pin(self.ask(
            Heavy,
            "swap_keys",
            move |data| async move { data.swap_keys(expected, keys).await },
        ))
    }

    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(self.ask(Light, "load", move |data| async move { data.load(id).await }))
    }

    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Revision>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        Box::pin(self.ask(Heavy, "swap", move |data| async move {
            let before = data.load(id).await?;
            self.check_text(&format!("{write:?}"));
            let replica = self.access.network.weather.forgets_a_save().then(|| self.database.snapshot());
            let swapped = data.swap(id, expected, write.clone()).await?;
            if swapped == Swap::Done {
                self.saved(before.as_ref(), &write);
                if let Some(replica) = replica {
                    self.fail_over_to(replica);
                }
            }
            Ok(swapped)
        }))
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>> {
        Box::pin(self.ask(Light, "due", move |data| async move { data.due(limit).await }))
    }

    fn connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConnectionId>, StoreError>> {
        Box::pin(self.ask(
            Light,
            "connections",
            move |data| async move { data.connections(after, limit).await },
        ))
    }

    fn lease<'a>(
        &'a self,
        id: &'a ConnectionId,
        owner: Uuid,
        life: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(self.ask(Heavy, "lease", move |data| async move { data.lease(id, owner, life).await }))
    }

    fn release<'a>(&'a self, id: &'a ConnectionId, owner: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.ask(Heavy, "release", move |data| async move { data.release(id, owner).await }))
    }

    fn release_all(&self, owner: Uuid) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.ask(Heavy, "release_all", move |data| async move { data.release_all(owner).await }))
    }

    fn begin<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<Begin, StoreError>> {
        Box::pin(self.ask(Heavy, "begin", move |data| async move { data.begin(id, entry).await }))
    }

    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.ask(Heavy, "end_entry", move |data| async move {
            self.check_text(&ending.words);
            data.end_entry(id, entry, ending).await
        }))
    }

    fn open_entries<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(self.ask(Heavy, "open_entries", move |data| async move { data.open_entries(id).await }))
    }

    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(self.ask(Light, "history", move |data| async move { data.history(id, limit).await }))
    }

    fn add_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        flow: Flow,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.ask(Heavy, "add_flow", move |data| async move { data.add_flow(id, flow, now).await }))
    }

    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        Box::pin(self.ask(
            Light,
            "peek_flow",
            move |data| async move { data.peek_flow(id, state_digest).await },
        ))
    }

    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        Box::pin(self.ask(
            Heavy,
            "take_flow",
            move |data| async move { data.take_flow(id, state_digest).await },
        ))
    }

    fn raise<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.ask(Light, "raise", move |data| async move { data.raise(id, condition, at).await }))
    }

    fn clear<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.ask(Light, "clear", move |data| async move { data.clear(id, condition).await }))
    }

    fn raised<'a>(
        &'a self,
        id: &'a ConnectionId,
    ) -> BoxFuture<'a, Result<Vec<(String, Timestamp)>, StoreError>> {
        Box::pin(self.ask(Light, "raised", move |data| async move { data.raised(id).await }))
    }

    fn changes(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.database.changes().await;
            self.access.gate.pass().await;
        })
    }
}

impl Reach {
    /// What is written down in words must not have a token in it.
    fn check_text(&self, text: &str) {
        if text.contains(CANARY) {
            self.access.network.truth.diary.violation(format_args!("a token is stored in the clear"));
        }
    }
}

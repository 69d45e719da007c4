//! The supervised task that keeps all connections of a process alive.
//!
//! It asks the store which connections are due, so that a hundred thousand cost no more to watch than one, and makes
//! each attempt in a task of its own. It wakes at least once a minute and compares with the wall clock, so that a
//! suspended machine or a moved clock is noticed. A stop lets running attempts finish.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::ConnectionId;
use super::attempt::Came;
use super::deployment::Deployment;
use super::keeper::Keeper;
use super::record::{Health, Link, Next, Record};
use super::schedule::{self, LONGEST_SLEEP};
use super::step::Event;
use crate::clock::later;
use crate::store::StoreError;

/// After a failure of the store, or a panic: long enough not to spin, short against the three hours' margin.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// While another process has the lease, its result is looked for this often.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// For what is seldom: a failover that was lived through, a due time that a wrong clock has written. Not so often that
/// two machines whose clocks disagree would ask Keap all the time.
const REPAIR_EVERY: Duration = Duration::from_mins(10);

/// Attempts at the same time: what Keap allows one application in a second.
const MOST_AT_ONCE: usize = 25;

/// After a sign from another process, this many connections are read again at once; the others when they are used.
const MOST_READ_AGAIN: usize = 64;

/// Starts the refresher; it ends when `stop` becomes true or its sender is gone.
pub(crate) fn start(deployment: Arc<Deployment>, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(supervise(deployment, stop))
}

/// A panic inside must not end the keeping alive.
async fn supervise(deployment: Arc<Deployment>, mut stop: watch::Receiver<bool>) {
    let running = Arc::new(Running::default());
    loop {
        let round =
            Refresher { deployment: deployment.clone(), running: running.clone(), waits: BTreeMap::new() };
        match tokio::spawn(round.run(stop.clone())).await {
            Err(error) if error.is_panic() => tracing::error!("the refresher panicked; starting it again"),
            Ok(()) | Err(_) => break,
        }
        let until = later(deployment.now(), AFTER_TROUBLE);
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = deployment.clock.sleep_until(until) => {}
        }
    }
    running.emptied().await;
}

struct Refresher {
    deployment: Arc<Deployment>,
    running: Arc<Running>,
    /// Connections that are not looked at before a time, whatever the store says.
    waits: BTreeMap<ConnectionId, Timestamp>,
}

impl Refresher {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (mut watched_at, mut repaired_at) = (Timestamp::MIN, Timestamp::MIN);
        while !*stop.borrow() && stop.has_changed().is_ok() {
            let now = self.deployment.now();
            if is_time(watched_at, LONGEST_SLEEP, now) {
                watched_at = now;
                // A signal may not have come, and a clock may have been wrong.
                read_again(&self.deployment).await;
                super::watchman::look_at_loaded(&self.deployment).await;
            }
            if is_time(repaired_at, REPAIR_EVERY, now) {
                repaired_at = now;
                self.repair().await;
            }
            let wake_at = self.start_what_is_due(now).await;
            self.pause(wake_at, &mut stop).await;
        }
    }

    async fn repair(&self) {
        let settled = self.deployment.settle_what_was_lived_through().await;
        self.deployment.trouble.store(&settled);
        for keeper in self.deployment.loaded().into_iter().take(MOST_READ_AGAIN) {
            if let Err(error) = keeper.put_a_wrong_time_right().await {
                tracing::warn!(connection = %keeper.id, %error, "a wrong due time could not be put right");
                return;
            }
        }
    }

    /// Starts the attempts that are due; says when to look again.
    async fn start_what_is_due(&mut self, now: Timestamp) -> Timestamp {
        self.take_notes(now);
        for id in self.deployment.nudges.take() {
            if !self.is_to_wait(&id, now) && !self.work_on(&id) {
                // Its turn comes when the work that is going on has ended: that may have looked too early.
                self.deployment.nudges.keep(id);
            }
        }
        let due = self.due().await;
        self.deployment.trouble.store(&due);
        let Ok(due) = due else { return later(now, AFTER_TROUBLE) };
        let mut wake_at = later(now, LONGEST_SLEEP);
        for (id, at) in due {
            let at = self.waits.get(&id).map_or(at, |wait| at.max(*wait));
            if at <= now && self.running.has_room() {
                self.work_on(&id);
            } else if at > now {
                wake_at = wake_at.min(at);
            }
        }
        self.waits.values().fold(wake_at, |wake_at, wait| wake_at.min(*wait))
    }

    /// What is due soonest and is not being worked on.
    async fn due(&self) -> Result<Vec<(ConnectionId, Timestamp)>, StoreError> {
        let set_aside = self.waits.len() + self.running.lock().len();
        let limit = u32::try_from(MOST_AT_ONCE + set_aside + 1).unwrap_or(u32::MAX);
        let due = self.deployment.store.due(limit).await?;
        let free = due.into_iter().filter(|due| !self.running.lock().contains(&due.connection));
        Ok(free.map(|due| (due.connection, due.at)).collect())
    }

    fn is_to_wait(&self, id: &ConnectionId, now: Timestamp) -> bool {
        self.waits.get(id).is_some_and(|wait| !is_over(*wait, now))
    }

    /// What ended attempts said about when to look again. Whoever has waited is looked at, due or not: a caller may
    /// still wait for it.
    fn take_notes(&mut self, now: Timestamp) {
        self.waits.retain(|id, wait| {
            if is_over(*wait, now) {
                self.deployment.nudges.add(id);
            }
            !is_over(*wait, now)
        });
        for (id, came) in self.running.take_notes() {
            let wait = match came {
                Came::ToAnEnd => continue,
                Came::LeaseTaken(left) => LOOK_AGAIN_AFTER.min(left.max(Duration::from_millis(1))),
                Came::Rests(left) => AFTER_TROUBLE.min(left),
                Came::Trouble => AFTER_TROUBLE,
            };
            self.waits.insert(id, later(now, wait));
        }
    }

    /// In a task of its own that nothing cancels. Of two for the same connection the second does nothing, and says so.
    fn work_on(&self, id: &ConnectionId) -> bool {
        let Some(place) = self.running.enter(id) else { return false };
        let (deployment, id) = (self.deployment.clone(), id.clone());
        tokio::spawn(async move {
            let came = match deployment.keeper(&id).await {
                Ok(keeper) => keeper.work().await,
                Err(error) => {
                    tracing::error!(connection = %id, %error, "a connection could not be read");
                    Came::Trouble
                }
            };
            place.note(came);
        });
        true
    }

    async fn pause(&mut self, until: Timestamp, stop: &mut watch::Receiver<bool>) {
        let Deployment { clock, nudges, store, .. } = &*self.deployment;
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = nudges.came.notified() => {}
            () = self.running.left.notified() => {}
            () = store.changes() => {
                self.waits.clear();
                read_again(&self.deployment).await;
            }
            () = clock.sleep_until(until) => {}
        }
    }
}

/// Whether something that is done every so often is to be done, also after the clock was moved back.
fn is_time(last: Timestamp, every: Duration, now: Timestamp) -> bool {
    later(last, every) <= now || last > now
}

/// No wait is longer than [`AFTER_TROUBLE`]: one that seems to be was begun before the clock was moved back.
fn is_over(wait: Timestamp, now: Timestamp) -> bool {
    wait <= now || wait > later(now, AFTER_TROUBLE)
}

/// A store that does not answer is asked once and not for each of them: meanwhile nothing that is due is started.
async fn read_again(deployment: &Deployment) {
    for keeper in deployment.loaded().into_iter().take(MOST_READ_AGAIN) {
        if let Err(error) = keeper.read_once_more().await {
            tracing::warn!(connection = %keeper.id, %error, "a connection could not be read again");
            return;
        }
    }
}

impl Keeper {
    /// Reads the connection again. A store that has gone back is looked at now.
    async fn read_once_more(&self) -> Result<(), StoreError> {
        let Some(stored) = self.reload().await? else { return Ok(()) };
        if self.has_gone_back(&stored).await {
            self.deployment.nudges.add(&self.id);
        }
        Ok(())
    }

    /// A time that no state ever waits for was written by a clock that was ahead.
    async fn put_a_wrong_time_right(&self) -> Result<(), StoreError> {
        match self.record().map(|record| record.link) {
            Some(Link::Linked(linked)) if schedule::is_absurd(&linked, self.deployment.now()) => {
                self.save_event(&Event::Misdated).await
            }
            _ => Ok(()),
        }
    }

    /// Does for the connection what is due, if anything is; reads it again in any case.
    async fn work(&self) -> Came {
        let came = match self.record() {
            None => self.look_whether_it_was_made().await,
            Some(record) if is_to_be_probed(&record) => self.probe_when_due(&record).await,
            Some(_) => self.attempt().await,
        };
        super::watchman::look_at(self).await;
        came
    }

    /// A token that has ended tells nothing, but by then the request is long presumed dead.
    async fn probe_when_due(&self, record: &Record) -> Came {
        let is_due = record.due_at().is_some_and(|due| due <= self.deployment.now());
        match (is_due, self.can_be_probed()) {
            (false, _) => Came::ToAnEnd,
            (true, true) => self.probe().await,
            (true, false) => self.attempt().await,
        }
    }

    /// There is nothing to refresh in a connection that was never made; another process may have made it.
    async fn look_whether_it_was_made(&self) -> Came {
        let read = self.reload().await;
        self.deployment.trouble.store(&read);
        if read.is_err() { Came::Trouble } else { Came::ToAnEnd }
    }
}

fn is_to_be_probed(record: &Record) -> bool {
    let Link::Linked(linked) = &record.link else { return false };
    matches!(linked.health, Health::Unconfirmed { next: Next::Probe, .. })
}

/// The connections that are being worked on, and how the last works came out.
#[derive(Default)]
struct Running {
    connections: Mutex<BTreeSet<ConnectionId>>,
    notes: Mutex<Vec<(ConnectionId, Came)>>,
    left: Notify,
}

/// A place among the running; given back when dropped, also by a panic.
struct Place {
    running: Arc<Running>,
    id: ConnectionId,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<ConnectionId>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self) -> bool {
        self.lock().len() < MOST_AT_ONCE
    }

    fn enter(self: &Arc<Self>, id: &ConnectionId) -> Option<Place> {
        self.lock().insert(id.clone()).then(|| Place { running: self.clone(), id: id.clone() })
    }

    fn take_notes(&self) -> Vec<(ConnectionId, Came)> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.lock().is_empty() {
                return;
            }
            left.await;
        }
    }
}

impl Place {
    fn note(self, came: Came) {
        let mut notes = self.running.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push((self.id.clone(), came));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.lock().remove(&self.id);
        self.running.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_the_clock_is_moved_back() {
        let now: Timestamp = "2026-11-24T10:30:00Z".parse().unwrap();
        let wait = later(now, AFTER_TROUBLE);
        assert!(!is_over(wait, now));
        assert!(is_over(wait, wait));
        assert!(is_over(wait, now - Duration::from_secs(1)));
    }
}

//! The supervised task that makes attempts when they are due.
//!
//! There is one for each connection in a process, so refreshes are single-flight by construction. It wakes at
//! least once a minute and compares with the wall clock. A stop lets a running attempt finish.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::keeper::Keeper;
use super::record::{Health, Link};
use super::schedule::LONGEST_SLEEP;
use crate::clock::later;

/// After a failure of the store, or a panic: long enough not to spin, short against the three hours' margin.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// Starts the refresher; it ends when `stop` becomes true or its sender is gone.
pub(crate) fn start(keeper: Arc<Keeper>, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(supervise(keeper, stop))
}

/// A panic inside must not end the keeping alive: the next round finds the open attempt and goes on from there.
async fn supervise(keeper: Arc<Keeper>, mut stop: watch::Receiver<bool>) {
    loop {
        match tokio::spawn(run(keeper.clone(), stop.clone())).await {
            Ok(()) => return,
            Err(error) if error.is_cancelled() => return,
            Err(_) => tracing::error!(connection = %keeper.id, "the refresher panicked; starting it again"),
        }
        pause(&keeper, later(keeper.clock.now(), AFTER_TROUBLE), &mut stop).await;
        keeper.known.send_modify(|known| known.refreshing = None);
        if let Err(error) = keeper.end_what_a_crash_cut_off().await {
            tracing::error!(connection = %keeper.id, %error, "an interrupted refresh could not be recorded");
        }
    }
}

async fn run(keeper: Arc<Keeper>, mut stop: watch::Receiver<bool>) {
    let mut not_before = Timestamp::MIN;
    while !*stop.borrow() && stop.has_changed().is_ok() {
        let now = keeper.clock.now();
        match keeper.due_at() {
            Some(due) if due.max(not_before) <= now => {
                if let Err(error) = keeper.attempt().await {
                    tracing::error!(connection = %keeper.id, %error, "no refresh was made");
                    not_before = later(keeper.clock.now(), AFTER_TROUBLE);
                }
            }
            due => {
                let longest = later(now, LONGEST_SLEEP);
                let until = due.map_or(longest, |due| due.max(not_before).min(longest));
                pause(&keeper, until, &mut stop).await;
            }
        }
    }
}

async fn pause(keeper: &Keeper, until: Timestamp, stop: &mut watch::Receiver<bool>) {
    let mut known = keeper.known.subscribe();
    tokio::select! {
        () = keeper.clock.sleep_until(until) => {}
        () = keeper.nudge.notified() => {}
        _ = known.changed() => {}
        _ = stop.changed() => {}
    }
}

impl Keeper {
    /// When the next attempt is due; `None` when there is nothing to refresh.
    fn due_at(&self) -> Option<Timestamp> {
        let known = self.known.borrow();
        let Link::Linked(linked) = &known.record.as_ref()?.link else { return None };
        if let Health::Lost(_) = linked.health {
            return None;
        }
        // A live token that is simply due, or one that has ended while all seemed well (a suspended machine).
        Some(linked.refresh_at)
    }
}

//! One channel's queue and the task that works it off: in order, each alarm until it is told.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Notify, watch};

use super::channel::{Channel, ChannelError};
use super::condition::Condition;
use super::ledger::{Kept, Ledger};
use super::wait::wait;
use super::{Alarm, State};
use crate::clock::Clock;
use crate::connection::ConnectionId;

/// As many alarms wait for one channel at most. The oldest stay: they say how it began.
const LONGEST_QUEUE: usize = 256;

/// An alarm on its way to a channel.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) alarm: Alarm,
    pub(super) kept: Kept,
}

impl Letter {
    fn is_about(&self, subject: &ConnectionId, condition: Condition) -> bool {
        self.alarm.condition == condition && self.alarm.subject() == *subject
    }
}

pub(super) struct Courier {
    channel: Arc<dyn Channel>,
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    queue: Mutex<VecDeque<Letter>>,
    wake: Notify,
}

impl Courier {
    pub(super) fn new(channel: Arc<dyn Channel>, ledger: Arc<Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self { channel, ledger, clock, queue: Mutex::default(), wake: Notify::new() }
    }

    pub(super) fn channel(&self) -> &dyn Channel {
        &*self.channel
    }

    /// Puts an alarm at the end of the queue, without waiting.
    pub(super) fn post(&self, letter: Letter) {
        let mut queue = self.queue();
        if queue.len() < LONGEST_QUEUE {
            queue.push_back(letter);
            self.wake.notify_one();
        } else {
            // Not lost: the store knows that the channel was not told, so it is found again later.
            tracing::error!(channel = self.channel.name(), alarm = letter.alarm.id, "too many alarms wait");
        }
    }

    /// Whether something about this waits here.
    pub(super) fn has(&self, subject: &ConnectionId, condition: Condition) -> bool {
        self.queue().iter().any(|letter| letter.is_about(subject, condition))
    }

    /// Works off the queue until `stop` becomes true or its sender is gone; an alarm that is being told is finished.
    pub(super) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut failures = 0;
        while !*stop.borrow() && stop.has_changed().is_ok() {
            let first = self.queue().front().cloned();
            let Some(letter) = first else {
                tokio::select! {
                    () = self.wake.notified() => {}
                    _ = stop.changed() => {}
                }
                continue;
            };
            let Err(error) = self.deliver(&letter).await else {
                failures = 0;
                // It was left in the queue until here, so that it counts as waiting.
                self.queue().pop_front();
                continue;
            };
            failures += 1;
            tracing::warn!(channel = self.channel.name(), alarm = letter.alarm.id, failures, %error, "not told");
            tokio::select! {
                () = wait(&*self.clock, back_off(failures)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn deliver(&self, letter: &Letter) -> Result<(), ChannelError> {
        if self.is_settled(letter).await {
            return Ok(());
        }
        let telling = AssertUnwindSafe(async { self.channel.tell(&letter.alarm).await });
        match telling.catch_unwind().await {
            Ok(told) => told?,
            Err(_) => return Err(ChannelError::new("the channel panicked")),
        }
        self.note(&letter.alarm).await;
        Ok(())
    }

    /// Whether the channel knows already, from another process: told of what began, or never told of what ended.
    async fn is_settled(&self, letter: &Letter) -> bool {
        if letter.kept == Kept::Memory {
            return false;
        }
        let Letter { alarm, .. } = letter;
        let told = self.ledger.is_told(&alarm.subject(), alarm.condition, self.channel.name()).await;
        told == Some(alarm.state == State::Raised)
    }

    /// Notes in the store that it was told. If that fails, it may be told once more after a restart: better than never.
    async fn note(&self, alarm: &Alarm) {
        let (subject, condition, name) = (&alarm.subject(), alarm.condition, self.channel.name());
        let noted = match alarm.state {
            State::Raised => self.ledger.note_told(subject, condition, name, alarm.since).await,
            State::Recovered | State::Replaced => self.ledger.note_ended(subject, condition, name).await,
        };
        if let Err(error) = noted {
            tracing::warn!(channel = name, alarm = alarm.id, %error, "it was told, which could not be noted");
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Letter>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 1 s, 2 s, 4 s … 60 s.
fn back_off(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.clamp(1, 7).saturating_sub(1)).min(Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_double_up_to_a_minute() {
        let waits: Vec<u64> = (1..=9).map(|failures| back_off(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}

//! The machine's clock, shifted; the shift can be changed while others wait on it.

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keapsake::clock::{Clock, SystemClock};
use tokio::sync::watch;

/// A machine whose clock is wrong, by an amount that may change at any time.
#[derive(Debug, Clone)]
pub(crate) struct ShiftedClock(watch::Sender<SignedDuration>);

impl ShiftedClock {
    pub(crate) fn ahead_by(seconds: i64) -> Self {
        Self(watch::Sender::new(SignedDuration::from_secs(seconds)))
    }

    /// Jumps, forward or back. Whoever waits looks again.
    pub(crate) fn jump(&self, seconds: i64) {
        self.0.send_modify(|shift| *shift = shift.saturating_add(SignedDuration::from_secs(seconds)));
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        shifted(SystemClock.now(), *self.0.borrow())
    }

    fn steady(&self) -> std::time::Duration {
        SystemClock.steady()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut jumped = self.0.subscribe();
        let shift = *jumped.borrow_and_update();
        let machine = SystemClock.sleep_until(shifted(at, -shift));
        Box::pin(async move {
            tokio::select! {
                () = machine => {}
                _ = jumped.changed() => {}
            }
        })
    }
}

/// Held at the ends of time instead of overflowing.
fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(by).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_jump_is_seen_and_wakes_who_waits() {
        let clock = ShiftedClock::ahead_by(-3_600);
        let before = clock.now();
        assert!(before < SystemClock.now() - Duration::from_secs(3_599));
        let waiting = clock.sleep_until(before + Duration::from_secs(1_000));
        clock.jump(7_200);
        waiting.await;
        assert!(clock.now() >= before + Duration::from_hours(2));
    }
}

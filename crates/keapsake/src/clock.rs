//! Time comes in from outside.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

/// What time it is, and waiting.
///
/// The SDK asks this and nothing else, so that a test (or the sandbox's own clock) can move time.
pub trait Clock: Send + Sync + 'static {
    /// The wall-clock time now. It may jump in both directions; nothing here relies on it being steady.
    fn now(&self) -> Timestamp;

    /// A time that only goes forward, whoever sets the clock: for how long something must rest. Without a better one it
    /// is the wall clock's.
    fn steady(&self) -> Duration {
        until(Timestamp::UNIX_EPOCH, self.now())
    }

    /// Waits until this time at the latest. It may return early (after a jump of the clock, say): callers look at
    /// [`now`](Clock::now) again and decide anew.
    ///
    /// A time that has passed ends the wait at once, so a jump between looking and waiting is never missed.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the real clock comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where the steady clock comes in")]
    fn steady(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where real waiting comes in")]
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(until(self.now(), at)))
    }
}

/// A clock that stands still until it is moved: for tests.
///
/// Waiting on it ends when it is moved, however far, so that callers look again.
#[derive(Debug, Clone)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// Standing at this time.
    pub fn at(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = later(*now, by));
    }

    /// Moves it anywhere, also back.
    pub fn set(&self, now: Timestamp) {
        self.0.send_replace(now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut moved = self.0.subscribe();
        Box::pin(async move {
            if *moved.borrow_and_update() < at && moved.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// `at + by`, held at the end of time instead of overflowing.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long from `from` until `to`; zero when `to` has passed.
pub fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// A time as the stores keep it: milliseconds since 1970 in UTC.
pub(crate) fn from_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

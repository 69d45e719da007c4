//! Time comes in from outside, so that a test can move it.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// What time it is, and waiting.
pub trait Clock: Send + Sync + 'static {
    /// The wall-clock time now. It may jump in both directions.
    fn now(&self) -> Timestamp;

    /// Waits, at most this long. It may return early.
    fn sleep(&self, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(at_most))
    }
}

/// `at + by`, held at the end of time instead of overflowing.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long from `from` until `to`; zero when `to` has passed.
pub(crate) fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

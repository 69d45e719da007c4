//! Time comes in from outside, so that a test can move it.

use std::time::Duration;

use jiff::Timestamp;

pub use keapsake::{Clock, SystemClock};

/// `at + by`, held at the end of time instead of overflowing.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long from `from` until `to`; zero when `to` has passed.
pub(crate) fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

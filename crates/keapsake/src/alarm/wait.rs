//! Waiting for a span of the injected clock.

use std::time::Duration;

use crate::clock::{Clock, later};
use crate::connection::schedule::LONGEST_SLEEP;

/// Waits this long. Never sleeps long in one go, so that a suspended machine is noticed; a clock that is set back
/// ends the wait rather than prolonging it.
pub(super) async fn wait(clock: &dyn Clock, span: Duration) {
    let start = clock.now();
    let end = later(start, span);
    loop {
        let now = clock.now();
        if now < start || now >= end {
            return;
        }
        clock.sleep_until(end.min(later(now, LONGEST_SLEEP))).await;
    }
}

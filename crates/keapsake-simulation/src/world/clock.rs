//! Time: the true one, which the store and Keap go by, and the wrong one of each machine.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keapsake::Clock;
use keapsake::clock::{later, until};
use tokio::time::{Instant, sleep};

use super::gate::Gate;
use super::signal::Signal;

/// When every run begins: 2026-11-24T10:30:00Z.
const BEGINNING: i64 = 1_795_516_200;

/// The true time: moves only when everything waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrueTime(Instant);

impl TrueTime {
    /// It is the beginning now.
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn beginning() -> Timestamp {
        Timestamp::from_second(BEGINNING).unwrap_or_default()
    }

    pub(crate) fn now(self) -> Timestamp {
        later(Self::beginning(), self.0.elapsed())
    }
}

impl Clock for TrueTime {
    fn now(&self) -> Timestamp {
        (*self).now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(sleep(until((*self).now(), at)))
    }
}

/// A machine's clock: beside the true time by an offset that can jump. A jump wakes whoever sleeps.
#[derive(Debug, Clone)]
pub(crate) struct MachineClock {
    time: TrueTime,
    offset: Arc<Signal<SignedDuration>>,
}

impl MachineClock {
    pub(crate) fn new(time: TrueTime, offset: SignedDuration) -> Self {
        Self { time, offset: Arc::new(Signal::new(offset)) }
    }

    pub(crate) fn set_offset(&self, offset: SignedDuration) {
        self.offset.set(offset);
    }

    pub(crate) fn offset(&self) -> SignedDuration {
        self.offset.get()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.time.now().checked_add(self.offset()).unwrap_or(Timestamp::MAX)
    }

    /// As one process sees it.
    pub(crate) fn of_process(&self, gate: Gate) -> ProcessClock {
        ProcessClock { clock: self.clone(), gate, ignores_jumps: false }
    }
}

/// The machine's clock in one of its processes.
#[derive(Debug, Clone)]
pub(crate) struct ProcessClock {
    clock: MachineClock,
    gate: Gate,
    pub(crate) ignores_jumps: bool,
}

impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn steady(&self) -> std::time::Duration {
        self.clock.time.0.elapsed()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let (gate, jumped) = (self.gate.clone(), self.clock.offset.changed());
        let span = until(self.clock.now(), at);
        let ignores_jumps = self.ignores_jumps;
        Box::pin(async move {
            if !span.is_zero() {
                tokio::select! {
                    biased;
                    () = jumped, if !ignores_jumps => {}
                    () = sleep(span) => {}
                }
            }
            gate.pass().await;
        })
    }
}

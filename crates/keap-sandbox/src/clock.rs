//! The sandbox's own time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// Whether time passes by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockMode {
    /// Time passes as it does outside; moving the clock adds to it.
    #[default]
    Real,
    /// Time stands still until somebody moves it.
    Manual,
}

impl ClockMode {
    /// The word used on the command line and in answers: `real` or `manual`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Manual => "manual",
        }
    }
}

/// A clock that can be moved. Clones are cheap and all show the same time.
///
/// Everything that expires in the sandbox expires on this clock, and an application in the same process can run on it
/// too: it waits on [`SandboxClock::jumped`] beside its own timers.
#[derive(Clone, Debug)]
pub struct SandboxClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: ClockMode,
    /// Milliseconds added to the time outside (real), or the time itself (manual).
    millis: AtomicI64,
    jumps: watch::Sender<u64>,
}

impl SandboxClock {
    /// A clock that shows the present time.
    pub fn new(mode: ClockMode) -> Self {
        let millis = match mode {
            ClockMode::Real => 0,
            ClockMode::Manual => outside(),
        };
        Self {
            shared: Arc::new(Shared { mode, millis: AtomicI64::new(millis), jumps: watch::Sender::new(0) }),
        }
    }

    /// Whether this clock runs by itself.
    pub fn mode(&self) -> ClockMode {
        self.shared.mode
    }

    /// The time, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let base = match self.shared.mode {
            ClockMode::Real => outside(),
            ClockMode::Manual => 0,
        };
        let millis = base.saturating_add(self.shared.millis.load(Ordering::SeqCst));
        let limits = Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond();
        Timestamp::from_millisecond(millis.clamp(*limits.start(), *limits.end())).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock forward, in either mode.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let moved = |millis: i64| Some(millis.saturating_add(by));
        // The closure never refuses, so there is no error to handle.
        let _ = self.shared.millis.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
        self.announce();
    }

    /// Sets the clock, forward or back, in either mode.
    pub fn set(&self, to: Timestamp) {
        let millis = match self.shared.mode {
            ClockMode::Real => to.as_millisecond().saturating_sub(outside()),
            ClockMode::Manual => to.as_millisecond(),
        };
        self.shared.millis.store(millis, Ordering::SeqCst);
        self.announce();
    }

    /// Changes each time the clock is moved by hand; the value counts the jumps.
    pub fn jumped(&self) -> watch::Receiver<u64> {
        self.shared.jumps.subscribe()
    }

    /// What has to be kept so that a restart shows the time that the clock would have reached.
    pub(crate) fn kept(&self) -> KeptClock {
        let millis = self.shared.millis.load(Ordering::SeqCst);
        KeptClock { mode: self.shared.mode.word().to_owned(), millis }
    }

    /// Takes up a kept clock. One kept in the other mode means something else and is left alone.
    pub(crate) fn resume(&self, kept: &KeptClock) {
        if kept.mode == self.shared.mode.word() {
            self.shared.millis.store(kept.millis, Ordering::SeqCst);
        }
    }

    fn announce(&self) {
        self.shared.jumps.send_modify(|jumps| *jumps += 1);
    }
}

/// A clock as it lies in the data file.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptClock {
    mode: String,
    millis: i64,
}

fn outside() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = SandboxClock::new(ClockMode::Manual);
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_hours(1));
        assert_eq!(clock.now().as_second() - before.as_second(), 3_600);
    }

    #[test]
    fn a_real_clock_can_be_set_too() {
        let clock = SandboxClock::new(ClockMode::Real);
        let to: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        clock.set(to);
        assert!((clock.now().as_second() - to.as_second()).abs() < 5);
    }

    #[test]
    fn a_jump_wakes_who_waits() {
        let clock = SandboxClock::new(ClockMode::Manual);
        let mut jumped = clock.jumped();
        assert!(!jumped.has_changed().unwrap());
        clock.advance(Duration::from_secs(1));
        assert!(jumped.has_changed().unwrap());
        assert_eq!(*jumped.borrow_and_update(), 1);
    }
}

//! What stands in the way of keeping connections, in this process: the store, the journal, the clock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

/// What was last heard of each.
#[derive(Default)]
pub(crate) struct Trouble(Mutex<Heard>);

/// A copy of what was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) store: Option<String>,
    pub(crate) journal: Option<String>,
    pub(crate) skew: Option<SignedDuration>,
}

impl Trouble {
    pub(crate) fn heard(&self) -> Heard {
        self.lock().clone()
    }

    /// How an access to the store went.
    pub(crate) fn store<T, E: ToString>(&self, outcome: &Result<T, E>) {
        self.lock().store = outcome.as_ref().err().map(ToString::to_string);
    }

    /// How an access to the journal went.
    pub(crate) fn journal<T, E: ToString>(&self, outcome: &Result<T, E>) {
        self.lock().journal = outcome.as_ref().err().map(ToString::to_string);
    }

    /// How far our clock is ahead of Keap's.
    pub(crate) fn skew(&self, skew: Option<SignedDuration>) {
        if skew.is_some() {
            self.lock().skew = skew;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

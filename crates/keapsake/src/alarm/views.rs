//! What this process saw of what can differ between processes: its clock, its way to the store, its journal.
//!
//! One that sees trouble and one that does not must not raise and clear the same alarm in turns. So an alarm is cleared
//! by who saw the end of it: by a process for which it held before, or by one that looks for the first time, because a
//! restart ends what the process of before had raised.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::condition::Condition;

#[derive(Default)]
pub(super) struct Views(Mutex<BTreeMap<Condition, bool>>);

impl Views {
    /// Notes how it is; true when that is news.
    pub(super) fn is_news(&self, condition: Condition, holds: bool) -> bool {
        self.views().insert(condition, holds) != Some(holds)
    }

    /// What was news could not be written: it is news again.
    pub(super) fn forget(&self, condition: Condition) {
        self.views().remove(&condition);
    }

    fn views(&self) -> MutexGuard<'_, BTreeMap<Condition, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

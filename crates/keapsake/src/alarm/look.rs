//! What one look found, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::condition::Condition;
use super::ledger::{Kept, Raised};
use super::{Alarm, State};
use crate::connection::ConnectionId;

/// One look at a connection, or at the deployment.
pub(super) struct Look<'a> {
    pub(super) subject: &'a ConnectionId,
    pub(super) now: Timestamp,
    pub(super) store_works: bool,
    pub(super) holding: BTreeMap<Condition, String>,
    /// What does not hold here and is not for this process to clear.
    pub(super) left_alone: BTreeSet<Condition>,
}

impl Look<'_> {
    /// Whether a condition that is raised is over and can be cleared now.
    pub(super) fn can_end(&self, condition: Condition, raised: &Raised) -> bool {
        let is_in_reach = raised.kept == Kept::Memory || self.store_works;
        is_in_reach && !self.holding.contains_key(&condition) && !self.left_alone.contains(&condition)
    }

    /// How a condition that does not hold any more ended.
    pub(super) fn end_of(&self, condition: Condition) -> State {
        let is_replaced = self.holding.keys().any(|other| other.kind() == condition.kind());
        if is_replaced { State::Replaced } else { State::Recovered }
    }

    /// What somebody should be told who was told of this condition since `told`, or of its end.
    pub(super) fn debt(
        &self,
        condition: Condition,
        raised: Option<&Raised>,
        told: Option<Timestamp>,
    ) -> Option<Alarm> {
        match (raised, told) {
            (Some(Raised { since, kept: Kept::Store }), None) => {
                let words = self.holding.get(&condition)?;
                Some(Alarm::raised(self.subject, condition, *since, words.clone()))
            }
            (None, Some(since)) => {
                Some(Alarm::ended(self.subject, condition, self.end_of(condition), since, self.now))
            }
            _ => None,
        }
    }
}

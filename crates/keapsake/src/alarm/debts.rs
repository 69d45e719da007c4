//! What channels should have been told by somebody and were not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::Alarm;
use super::courier::Courier;
use crate::clock::until;
use crate::connection::ConnectionId;

/// When an alarm is owed to a channel for this long, whoever had to tell it is gone: then the one who notices does it.
/// Far longer than a process needs that is alive.
pub const GRACE: Duration = Duration::from_mins(2);

/// A channel's name and the alarm's id.
type Debt = (String, String);

/// Remembers since when an alarm is seen to be owed.
#[derive(Default)]
pub(super) struct Debts(Mutex<BTreeMap<ConnectionId, BTreeMap<Debt, Timestamp>>>);

impl Debts {
    /// Of what is owed now for a connection, that which was owed at each look for so long that nobody else can be about
    /// to tell it.
    pub(super) fn overdue<'a>(
        &self,
        id: &ConnectionId,
        owed: Vec<(&'a Courier, Alarm)>,
        now: Timestamp,
    ) -> Vec<(&'a Courier, Alarm)> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.remove(id).unwrap_or_default();
        let (mut after, mut overdue) = (BTreeMap::new(), Vec::new());
        for (courier, alarm) in owed {
            let debt = (courier.channel().name().to_owned(), alarm.id.clone());
            let since = before.get(&debt).copied().unwrap_or(now);
            if until(since, now) >= GRACE {
                overdue.push((courier, alarm));
            }
            after.insert(debt, since);
        }
        if !after.is_empty() {
            seen.insert(id.clone(), after);
        }
        overdue
    }
}

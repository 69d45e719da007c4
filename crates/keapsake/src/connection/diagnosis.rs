//! What is between Keap and this process, for people and monitors.

use jiff::{SignedDuration, Timestamp};

use super::keeper::Keeper;
use crate::alarm::Condition;
use crate::journal::JournalHealth;
use crate::store::StoreError;

/// What may stand in the way. Made by [`Keap::diagnosis`](crate::Keap::diagnosis).
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// How the journal is; `None` without one.
    pub journal: Option<JournalHealth>,
    /// What the store said when it last did not do what it should, while that lasts.
    pub store_trouble: Option<String>,
    /// What the journal said when it last did not do what it should, while that lasts.
    pub journal_trouble: Option<String>,
    /// How far our clock is ahead of Keap's, when that was last seen.
    pub skew: Option<SignedDuration>,
    /// The alarms that are raised for this connection or for the whole deployment, and since when.
    pub alarms: Vec<(Condition, Timestamp)>,
}

impl Keeper {
    pub(crate) async fn diagnosis(&self) -> Result<Diagnosis, StoreError> {
        let heard = self.deployment.trouble.heard();
        let alarms = crate::alarm::raised(&*self.deployment.store, &self.id).await?;
        Ok(Diagnosis {
            journal: self.deployment.journal.as_ref().map(crate::journal::Journal::health),
            store_trouble: heard.store,
            journal_trouble: heard.journal,
            skew: heard.skew,
            alarms,
        })
    }
}

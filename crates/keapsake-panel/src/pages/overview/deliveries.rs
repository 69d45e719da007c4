//! What waits to be delivered to Keap, and what needs a person.

use keapsake::connection::status::Status;
use keapsake::delivery::{Item, ItemState, Outbox, Pause, Summary};
use keapsake::store::StoreError;

use crate::moments::{Moment, between, span};
use crate::words::opening;

const SHOWN: u32 = 20;

pub(super) struct Deliveries {
    pub(super) waiting: u64,
    pub(super) failed: u64,
    pub(super) done: u64,
    pub(super) oldest: Option<String>,
    pub(super) pause: Option<Rest>,
    pub(super) waiting_items: Vec<Shown>,
    pub(super) failed_items: Vec<Shown>,
}

/// They rest.
pub(super) struct Rest {
    pub(super) why: String,
    /// Until when; `None` when that time has come.
    pub(super) until: Option<Moment>,
}

pub(super) struct Shown {
    pub(super) id: String,
    pub(super) person: String,
    pub(super) words: String,
    pub(super) trouble: String,
    pub(super) since: Moment,
}

impl Deliveries {
    pub(super) async fn load(outbox: &Outbox, status: &Status) -> Result<Self, StoreError> {
        let Summary { waiting, failed, done, oldest_waiting, pause } = outbox.summary().await?;
        let shown = async |state| {
            let items = outbox.items(state, SHOWN).await?;
            Ok::<_, StoreError>(items.into_iter().map(|item| Shown::of(item, status)).collect())
        };
        Ok(Self {
            waiting,
            failed,
            done,
            oldest: oldest_waiting.map(|oldest| span(between(oldest, status.now.max(oldest)))),
            pause: pause.map(|pause| Rest::of(&pause, status)),
            waiting_items: shown(ItemState::Waiting).await?,
            failed_items: shown(ItemState::Failed).await?,
        })
    }

    /// How many there are beyond the ones shown.
    pub(super) fn more(total: u64, shown: &[Shown]) -> u64 {
        total.saturating_sub(u64::try_from(shown.len()).unwrap_or(u64::MAX))
    }
}

impl Rest {
    fn of(pause: &Pause, status: &Status) -> Self {
        let until = (pause.until > status.now).then(|| Moment::new(pause.until, status.now));
        Self { why: opening(&pause.words), until }
    }
}

impl Shown {
    fn of(item: Item, status: &Status) -> Self {
        Self {
            id: item.id,
            person: item.person,
            words: item.words,
            trouble: opening(&item.trouble),
            since: Moment::new(item.created_at, status.now),
        }
    }
}

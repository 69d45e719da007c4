//! Things in Keap that are needed by name and by id, and made once if missing: the tag, our custom field.
//!
//! Making one cannot be repeated safely, so the intent is written down first: an interrupted or unanswered
//! creation is not repeated before the quarantine is over and a look-up has found nothing.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;

use super::outbox::Outbox;
use crate::clock::{from_millis, later};
use crate::error::Error;
use crate::store::StoreError;
use crate::store::sqlite::trouble;

/// A request that got no answer may still be carried out, and be slow to be found; after this long it is not.
pub(super) const QUARANTINE: Duration = Duration::from_secs(90);

/// Before the id is known the row holds this and the time of the intent.
const INTENT: &str = "?";

/// Which kind of thing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Tag,
    CustomField,
}

/// What is known of a name.
pub(super) enum Known {
    /// Its id.
    Id(String),
    /// It was to be made at this time, and nothing more is known.
    Intended(Timestamp),
    /// Nothing.
    Nothing,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::CustomField => "custom_field",
        }
    }
}

impl Outbox {
    pub(super) async fn known(&self, kind: Kind, name: &str) -> Result<Known, StoreError> {
        let row = sqlx::query("SELECT id FROM keapsake_known_id WHERE kind = $1 AND name = $2")
            .bind(kind.word())
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(trouble)?;
        let Some(row) = row else { return Ok(Known::Nothing) };
        let id: String = row.try_get("id").map_err(trouble)?;
        Ok(match id.strip_prefix(INTENT) {
            Some(time) => Known::Intended(from_millis(time.parse().unwrap_or_default())),
            None => Known::Id(id),
        })
    }

    pub(super) async fn learn(&self, kind: Kind, name: &str, id: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO keapsake_known_id (kind, name, id) VALUES ($1, $2, $3)
             ON CONFLICT (kind, name) DO UPDATE SET id = $3",
        )
        .bind(kind.word())
        .bind(name)
        .bind(id)
        .execute(&self.pool)
        .await
        .map_err(trouble)?;
        Ok(())
    }

    pub(super) async fn intend(&self, kind: Kind, name: &str) -> Result<(), StoreError> {
        let intent = format!("{INTENT}{}", self.clock.now().as_millisecond());
        self.learn(kind, name, &intent).await
    }

    pub(super) async fn forget(&self, kind: Kind, name: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM keapsake_known_id WHERE kind = $1 AND name = $2")
            .bind(kind.word())
            .bind(name)
            .execute(&self.pool)
            .await
            .map_err(trouble)?;
        Ok(())
    }

    /// The id of a thing: remembered, found, or made.
    pub(super) async fn ensure(
        &self,
        kind: Kind,
        name: &str,
        find: impl Future<Output = Result<Option<String>, Error>>,
        make: impl Future<Output = Result<String, Error>>,
    ) -> Result<String, Error> {
        match self.known(kind, name).await? {
            Known::Id(id) => return Ok(id),
            Known::Intended(at) => self.wait_for_quarantine(at)?,
            Known::Nothing => {}
        }
        if let Some(id) = find.await? {
            self.learn(kind, name, &id).await?;
            return Ok(id);
        }
        self.intend(kind, name).await?;
        match make.await {
            Ok(id) => {
                self.learn(kind, name, &id).await?;
                Ok(id)
            }
            Err(error) => {
                if !error.may_have_happened() {
                    self.forget(kind, name).await?;
                }
                Err(error)
            }
        }
    }

    fn wait_for_quarantine(&self, intended_at: Timestamp) -> Result<(), Error> {
        let (now, over_at) = (self.clock.now(), later(intended_at, QUARANTINE));
        if now >= over_at {
            return Ok(());
        }
        let words = "it is not known yet whether Keap made what was asked for; looking again shortly";
        Err(Error::renewing(words, crate::clock::until(now, over_at)))
    }
}

//! A person's contact gets a tag. The tag is found by name, or made once.

use super::contact::contact_of;
use super::effect::NewTag;
use super::known::Kind;
use super::outbox::{Due, Outbox, finish};
use super::worker::Verdict;
use crate::Keap;
use crate::client::TagId;
use crate::client::tags::Applied;
use crate::error::Error;
use crate::store::StoreError;
use crate::store::sqlite::{begin, trouble};

pub(super) struct TagDelivery<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) keap: &'a Keap,
}

impl TagDelivery<'_> {
    pub(super) async fn deliver(&self, due: &Due, wanted: &NewTag) -> Result<Verdict, Error> {
        let mut connection = self.outbox.pool.acquire().await.map_err(trouble)?;
        let contact = contact_of(&mut connection, &due.person).await?;
        drop(connection);
        let Some(contact) = contact else {
            return Ok(Verdict::Failed("the person has no contact in Keap yet".into()));
        };
        let tag = self.tag(wanted).await?;
        let applied = match self.keap.tags().apply(&tag, std::slice::from_ref(&contact)).await {
            Ok(results) => results.into_iter().next(),
            Err(error) if error.is_not_found() => Some(Applied::NoSuchTag),
            Err(error) => return Err(error),
        };
        match applied {
            Some(Applied::HasIt) => {
                self.save(due).await?;
                Ok(Verdict::Delivered)
            }
            Some(Applied::NoSuchTag) => {
                // It was deleted in Keap; the next try finds or makes another.
                self.outbox.forget(Kind::Tag, &wanted.name).await?;
                Ok(Verdict::TryAgain("the tag is gone in Keap; it will be made again".into()))
            }
            Some(Applied::NoSuchContact) => {
                Ok(Verdict::Failed("the person's contact was deleted in Keap".into()))
            }
            Some(Applied::Failed(word)) => {
                Ok(Verdict::TryAgain(format!("Keap did not apply the tag, and says {word}")))
            }
            None => Ok(Verdict::TryAgain("Keap did not say whether it applied the tag".into())),
        }
    }

    async fn tag(&self, wanted: &NewTag) -> Result<TagId, Error> {
        let tags = self.keap.tags();
        let find = async { Ok(tags.find_by_name(&wanted.name).await?.map(|tag| tag.id.to_string())) };
        let make = async { Ok(tags.create(&wanted.name, &wanted.description).await?.id.to_string()) };
        let id = self.outbox.ensure(Kind::Tag, &wanted.name, find, make).await?;
        TagId::new(id).map_err(|_| Error::unreadable("tag"))
    }

    async fn save(&self, due: &Due) -> Result<(), StoreError> {
        let mut tx = begin(&self.outbox.pool).await?;
        finish(&mut tx, &due.id, self.outbox.clock.now()).await?;
        tx.commit().await.map_err(trouble)
    }
}

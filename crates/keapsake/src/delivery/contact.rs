//! A person becomes a contact, at most once, and nobody else's contact is changed by it.
//!
//! Keap's upsert writes over the contact it finds, and anybody can sign up with somebody else's address. So:
//! look first, and link what is there without touching it. Create with nothing but the address and our own key
//! for the person, and write the names only when Keap says that the contact is new: even if somebody creates it
//! between look-up and upsert, nothing of theirs is overwritten.

use serde_json::Value;
use sqlx::{Row as _, SqliteConnection};

use super::effect::NewContact;
use super::known::{Kind, QUARANTINE};
use super::outbox::{Due, Outbox, Phase, finish};
use super::worker::{OnDelivered, Verdict};
use crate::Keap;
use crate::client::contacts::{Contact, ContactFields, DuplicateOption, Upserted};
use crate::client::{ContactId, CustomFieldId};
use crate::clock::later;
use crate::error::Error;
use crate::store::StoreError;
use crate::store::sqlite::{begin, trouble};

/// Keap's limit for each name.
const LONGEST_NAME: usize = 40;

/// What to do after looking at what Keap has.
enum Plan {
    /// There is none.
    Create,
    /// There is one, from before; it is left as it is.
    Link(ContactId),
    /// There is one that we made.
    Ours(Contact),
    /// There is one that belongs to another person of the application.
    SomebodyElses,
}

pub(super) struct ContactDelivery<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) keap: &'a Keap,
    pub(super) hook: &'a dyn OnDelivered,
    /// The label of the custom field that holds our key for the person.
    pub(super) person_field: &'a str,
}

impl ContactDelivery<'_> {
    pub(super) async fn deliver(&self, due: &Due, wanted: &NewContact) -> Result<Verdict, Error> {
        let field = self.person_field().await?;
        let contact = match self.plan(due, wanted, &field).await? {
            Plan::SomebodyElses => {
                let words = "Keap has a contact with this address that belongs to another person of this application; \
                             merge or correct the contacts in Keap, then try again";
                return Ok(Verdict::Failed(words.into()));
            }
            Plan::Link(contact) => contact,
            Plan::Ours(contact) => self.with_names(contact, wanted).await?,
            Plan::Create => match self.create(due, wanted, &field).await {
                Ok(contact) => contact,
                Err(error) if error.may_have_happened() => return Ok(self.unconfirmed(&error)),
                Err(error) => {
                    self.outbox.set_phase(&due.id, Phase::New).await?;
                    return Err(error);
                }
            },
        };
        self.save(due, &contact).await?;
        Ok(Verdict::Delivered)
    }

    async fn person_field(&self) -> Result<CustomFieldId, Error> {
        let fields = self.keap.contact_custom_fields();
        let find = async {
            let all = fields.list().await?;
            let ours = all.into_iter().find(|field| field.label.as_deref() == Some(self.person_field));
            Ok(ours.map(|field| field.id.to_string()))
        };
        let make = async { Ok(fields.create_text(self.person_field).await?.id.to_string()) };
        let id = self.outbox.ensure(Kind::CustomField, self.person_field, find, make).await?;
        CustomFieldId::new(id).map_err(|_| Error::unreadable("custom field"))
    }

    async fn plan(&self, due: &Due, wanted: &NewContact, field: &CustomFieldId) -> Result<Plan, Error> {
        let found = self.keap.contacts().find_by_email(&wanted.email).await?;
        let owner = |contact: &Contact| contact.custom_field(field).map(text);
        if let Some(ours) = found.iter().find(|contact| owner(contact).as_deref() == Some(&due.person)) {
            return Ok(Plan::Ours(ours.clone()));
        }
        if let Some(free) = found.iter().find(|contact| owner(contact).is_none()) {
            return Ok(Plan::Link(free.id.clone()));
        }
        Ok(if found.is_empty() { Plan::Create } else { Plan::SomebodyElses })
    }

    async fn create(
        &self,
        due: &Due,
        wanted: &NewContact,
        field: &CustomFieldId,
    ) -> Result<ContactId, Error> {
        self.outbox.set_phase(&due.id, Phase::Sent).await?;
        let fields =
            ContactFields::with_email(&wanted.email).custom_field(field.clone(), due.person.as_str());
        match self.keap.contacts().upsert(&fields, DuplicateOption::Email).await? {
            Upserted::Created(contact) => self.with_names(contact, wanted).await,
            Upserted::Updated(contact) => Ok(contact.id),
        }
    }

    /// Writes the names to a contact that we made, unless somebody gave it a name meanwhile.
    async fn with_names(&self, contact: Contact, wanted: &NewContact) -> Result<ContactId, Error> {
        let is_named = [&contact.given_name, &contact.family_name]
            .into_iter()
            .any(|name| name.as_deref().is_some_and(|name| !name.is_empty()));
        let (given, family) = (cut(&wanted.given_name), cut(&wanted.family_name));
        if is_named || (given.is_empty() && family.is_empty()) {
            return Ok(contact.id);
        }
        let names = ContactFields::default();
        let names = if given.is_empty() { names } else { names.given_name(given) };
        let names = if family.is_empty() { names } else { names.family_name(family) };
        self.keap.contacts().update(&contact.id, &names).await?;
        Ok(contact.id)
    }

    fn unconfirmed(&self, error: &Error) -> Verdict {
        let until = later(self.outbox.clock.now(), QUARANTINE);
        let words =
            format!("{error}; whether Keap made the contact will be looked up before it is tried again");
        Verdict::Unconfirmed { until, words }
    }

    /// The contact id on the application's row, ours, and the end of the effect: one transaction.
    async fn save(&self, due: &Due, contact: &ContactId) -> Result<(), StoreError> {
        let mut tx = begin(&self.outbox.pool).await?;
        sqlx::query(
            "INSERT INTO keapsake_contact (person, contact, created) VALUES ($1, $2, $3)
             ON CONFLICT (person) DO UPDATE SET contact = $2",
        )
        .bind(&due.person)
        .bind(contact.as_str())
        .bind(self.outbox.clock.now().as_millisecond())
        .execute(&mut *tx)
        .await
        .map_err(trouble)?;
        finish(&mut tx, &due.id, self.outbox.clock.now()).await?;
        self.hook.contact_linked(&mut tx, &due.person, contact).await?;
        tx.commit().await.map_err(trouble)
    }
}

/// The contact of a person, once it is known.
pub(super) async fn contact_of(
    tx: &mut SqliteConnection,
    person: &str,
) -> Result<Option<ContactId>, StoreError> {
    let row = sqlx::query("SELECT contact FROM keapsake_contact WHERE person = $1")
        .bind(person)
        .fetch_optional(tx)
        .await
        .map_err(trouble)?;
    let Some(row) = row else { return Ok(None) };
    let id: String = row.try_get("contact").map_err(trouble)?;
    Ok(ContactId::new(id).ok())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect::<String>().trim().to_owned()
}

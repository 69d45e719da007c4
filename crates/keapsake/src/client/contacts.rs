//! Contacts: people in Keap.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ContactId, CustomFieldId, Keap};
use crate::error::Error;

/// Operations on contacts. Made by [`Keap::contacts`].
#[derive(Clone, Copy)]
pub struct Contacts<'a>(&'a Keap);

/// A contact. Fields that Keap sends only when asked for are absent otherwise.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Up to three e-mail addresses.
    #[serde(default)]
    pub email_addresses: Option<Vec<EmailAddress>>,
    /// Ids of the tags it has.
    #[serde(default)]
    pub tag_ids: Option<Vec<String>>,
    /// Values of custom fields, when asked for.
    #[serde(default)]
    pub custom_fields: Option<Vec<CustomFieldValue>>,
}

/// One of a contact's e-mail addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmailAddress {
    /// The address.
    pub email: Option<String>,
    /// The slot: `EMAIL1`, `EMAIL2` or `EMAIL3`.
    pub field: Option<String>,
}

/// The value of a custom field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomFieldValue {
    /// Which field.
    pub id: CustomFieldId,
    /// Any JSON value, by the field's type.
    pub content: Value,
}

/// A contact to create, or the fields to change. What is `None` is not sent, and so left alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ContactFields {
    /// First name; Keap takes at most 40 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Last name; Keap takes at most 40 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// E-mail addresses. An update replaces all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_addresses: Option<Vec<EmailAddress>>,
    /// Custom fields. An update replaces the named ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Vec<CustomFieldValue>>,
}

/// How Keap looks for an existing contact before it creates one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DuplicateOption {
    /// By e-mail address.
    Email,
    /// By e-mail address and name.
    EmailAndName,
    /// By e-mail address, name and company.
    EmailAndNameAndCompany,
}

/// What an upsert did.
#[derive(Debug, Clone, PartialEq)]
pub enum Upserted {
    /// There was none; it was created.
    Created(Contact),
    /// There was one; the fields sent were written over its own.
    Updated(Contact),
}

#[derive(Deserialize)]
struct Page {
    contacts: Option<Vec<Contact>>,
}

impl Keap {
    /// The contacts of the account.
    pub fn contacts(&self) -> Contacts<'_> {
        Contacts(self)
    }
}

impl ContactFields {
    /// A contact known by its address.
    pub fn with_email(address: impl Into<String>) -> Self {
        let email = EmailAddress { email: Some(address.into()), field: Some("EMAIL1".into()) };
        Self { email_addresses: Some(vec![email]), ..Self::default() }
    }

    /// The same with a first name.
    #[must_use]
    pub fn given_name(self, name: impl Into<String>) -> Self {
        Self { given_name: Some(name.into()), ..self }
    }

    /// The same with a last name.
    #[must_use]
    pub fn family_name(self, name: impl Into<String>) -> Self {
        Self { family_name: Some(name.into()), ..self }
    }

    /// The same with a value in a custom field.
    #[must_use]
    pub fn custom_field(mut self, id: CustomFieldId, content: impl Into<Value>) -> Self {
        let value = CustomFieldValue { id, content: content.into() };
        self.custom_fields.get_or_insert_default().push(value);
        self
    }

    /// The names of the fields that are there: the `update_mask` that goes with them.
    fn mask(&self) -> impl Iterator<Item = &'static str> {
        [
            ("given_name", self.given_name.is_some()),
            ("family_name", self.family_name.is_some()),
            ("email_addresses", self.email_addresses.is_some()),
            ("custom_fields", self.custom_fields.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_there)| is_there.then_some(name))
    }
}

impl DuplicateOption {
    fn word(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::EmailAndName => "EmailAndName",
            Self::EmailAndNameAndCompany => "EmailAndNameAndCompany",
        }
    }
}

impl Contact {
    /// Whether one of its addresses is this one, whatever the letter case.
    pub fn has_email(&self, address: &str) -> bool {
        let addresses = self.email_addresses.iter().flatten().filter_map(|entry| entry.email.as_deref());
        addresses.into_iter().any(|email| email.to_lowercase() == address.to_lowercase())
    }

    /// The value of a custom field, if it was asked for and has one.
    pub fn custom_field(&self, id: &CustomFieldId) -> Option<&Value> {
        let value = self.custom_fields.iter().flatten().find(|value| value.id == *id)?;
        Some(&value.content).filter(|content| !content.is_null() && content.as_str() != Some(""))
    }
}

const WITH_CUSTOM_FIELDS: &str = "id,given_name,family_name,email_addresses,tag_ids,custom_fields";

impl Contacts<'_> {
    /// `POST /rest/v2/contacts` without looking for an existing one: twice is two contacts.
    ///
    /// # Errors
    /// As any call. When [`Error::may_have_happened`], look before you repeat it.
    pub async fn create(&self, fields: &ContactFields) -> Result<Contact, Error> {
        self.0.call(Method::POST, "/rest/v2/contacts").json(fields).send_json("contact").await
    }

    /// `POST /rest/v2/contacts?duplicate_option=…`: writes over an existing contact, or creates one.
    ///
    /// # Errors
    /// As any call. When [`Error::may_have_happened`], repeating it is safe as far as Keap's own check is.
    pub async fn upsert(&self, fields: &ContactFields, same: DuplicateOption) -> Result<Upserted, Error> {
        let call = self.0.call(Method::POST, "/rest/v2/contacts").query("duplicate_option", same.word());
        let answer = call.json(fields).send().await?;
        let contact = answer.json("contact")?;
        match answer.status() {
            StatusCode::CREATED => Ok(Upserted::Created(contact)),
            _ => Ok(Upserted::Updated(contact)),
        }
    }

    /// `GET /rest/v2/contacts/{id}`, with custom fields.
    ///
    /// # Errors
    /// As any call; [`Error::is_not_found`] when there is none.
    pub async fn get(&self, id: &ContactId) -> Result<Contact, Error> {
        let path = format!("/rest/v2/contacts/{id}");
        self.0.call(Method::GET, &path).query("fields", WITH_CUSTOM_FIELDS).send_json("contact").await
    }

    /// `PATCH /rest/v2/contacts/{id}`: writes the fields that are there and no others.
    ///
    /// # Errors
    /// As any call; repeating it is harmless.
    pub async fn update(&self, id: &ContactId, fields: &ContactFields) -> Result<Contact, Error> {
        let path = format!("/rest/v2/contacts/{id}");
        let call = self.0.call(Method::PATCH, &path);
        let call = fields.mask().fold(call, |call, name| call.query("update_mask", name));
        call.json(fields).send_json("contact").await
    }

    /// `GET /rest/v2/contacts?filter=email==…`: those that have exactly this address, in any letter case, with
    /// custom fields.
    ///
    /// Keap reads `*` as a wildcard and ignores filters it does not know, so what comes back is compared again.
    ///
    /// # Errors
    /// As any call; [`Error::is_refused`] for an address with `;`, which Keap's filters cannot express.
    pub async fn find_by_email(&self, address: &str) -> Result<Vec<Contact>, Error> {
        if address.contains(';') {
            return Err(Error::request("an address with `;` cannot be looked up in Keap"));
        }
        let call =
            self.0.call(Method::GET, "/rest/v2/contacts").query("filter", &format!("email=={address}"));
        let call = call.query("fields", WITH_CUSTOM_FIELDS).query("page_size", "1000");
        let page: Page = call.send_json("list of contacts").await?;
        let contacts = page.contacts.unwrap_or_default();
        Ok(contacts.into_iter().filter(|contact| contact.has_email(address)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_not_sent() {
        let fields = ContactFields::with_email("a@b.c").given_name("Ann");
        let json = serde_json::to_string(&fields).unwrap();
        assert_eq!(json, r#"{"given_name":"Ann","email_addresses":[{"email":"a@b.c","field":"EMAIL1"}]}"#);
        assert_eq!(fields.mask().collect::<Vec<_>>(), ["given_name", "email_addresses"]);
    }

    #[test]
    fn odd_contacts_are_read() {
        let read = |json: &str| serde_json::from_str::<Contact>(json);
        assert_eq!(read(r#"{"id":42,"email_addresses":null,"new_thing":{}}"#).unwrap().id.as_str(), "42");
        let contact =
            read(r#"{"id":"1","email_addresses":[{"email":"A@B.c","field":"EMAIL9"},{}]}"#).unwrap();
        assert!(contact.has_email("a@b.C") && !contact.has_email("b@b.c"));
        assert!(read("{}").is_err());
    }
}

//! Custom fields of contacts.

use http::Method;
use serde::{Deserialize, Serialize};

use super::{CustomFieldId, Keap};
use crate::error::Error;

/// Operations on the custom fields of contacts. Made by [`Keap::contact_custom_fields`].
#[derive(Clone, Copy)]
pub struct ContactCustomFields<'a>(&'a Keap);

/// A custom field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CustomField {
    /// Its id.
    pub id: CustomFieldId,
    /// What people see.
    pub label: Option<String>,
    /// Its type, in Keap's words: `TEXT`, `DATE` …
    pub field_type: Option<String>,
}

#[derive(Deserialize)]
struct Model {
    custom_fields: Option<Vec<CustomField>>,
}

#[derive(Serialize)]
struct NewField<'a> {
    label: &'a str,
    field_type: &'static str,
}

impl Keap {
    /// The custom fields of the account's contacts.
    pub fn contact_custom_fields(&self) -> ContactCustomFields<'_> {
        ContactCustomFields(self)
    }
}

impl ContactCustomFields<'_> {
    /// `GET /rest/v2/contacts/model`
    ///
    /// # Errors
    /// As any call.
    pub async fn list(&self) -> Result<Vec<CustomField>, Error> {
        let model: Model =
            self.0.call(Method::GET, "/rest/v2/contacts/model").send_json("contact model").await?;
        Ok(model.custom_fields.unwrap_or_default())
    }

    /// `POST /rest/v2/contacts/model/customFields` for a text field: twice is two fields.
    ///
    /// # Errors
    /// As any call. When [`Error::may_have_happened`], look before you repeat it.
    pub async fn create_text(&self, label: &str) -> Result<CustomField, Error> {
        let field = NewField { label, field_type: "TEXT" };
        let call = self.0.call(Method::POST, "/rest/v2/contacts/model/customFields");
        call.json(&field).send_json("custom field").await
    }
}

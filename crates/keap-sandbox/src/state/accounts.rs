//! Keap applications (tenants) and the people who can sign in to them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::contacts::Contacts;
use super::custom_fields::CustomFields;
use super::tags::Tags;

/// One Keap account with everything in it.
pub(crate) struct Account {
    pub(crate) head: AccountHead,
    pub(crate) contacts: Contacts,
    pub(crate) tags: Tags,
    pub(crate) custom_fields: CustomFields,
}

/// What an account is apart from its records.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccountHead {
    /// As `acme`.
    pub(crate) key: String,
    /// As `Acme Toys`.
    pub(crate) name: String,
    pub(crate) profile: Map<String, Value>,
    /// Ids already given out; a deleted record's id never comes back.
    pub(crate) last_contact_id: u64,
    pub(crate) last_tag_id: u64,
    pub(crate) last_category_id: u64,
    pub(crate) last_custom_field_id: u64,
}

impl Account {
    pub(crate) fn new(key: &str, name: &str) -> Self {
        let profile = super::business_profile::initial(name);
        Self::with_head(AccountHead {
            key: key.to_owned(),
            name: name.to_owned(),
            profile,
            last_contact_id: 0,
            last_tag_id: 100,
            last_category_id: 0,
            last_custom_field_id: 0,
        })
    }

    pub(crate) fn with_head(head: AccountHead) -> Self {
        Self {
            head,
            contacts: Contacts::default(),
            tags: Tags::default(),
            custom_fields: CustomFields::default(),
        }
    }

    /// The host by which clients know the account: `acme.infusionsoft.com`.
    pub(crate) fn host(&self) -> String {
        host_of(&self.head.key)
    }
}

pub(crate) fn host_of(key: &str) -> String {
    format!("{key}.infusionsoft.com")
}

/// A person who can sign in. Everybody may enter every account.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
}

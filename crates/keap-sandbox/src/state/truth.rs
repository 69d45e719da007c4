//! What an account really holds, for tests and for the page.

use serde_json::{Value, json};

use super::accounts::Account;

impl Account {
    /// Every contact with all it holds, in the order of ids.
    pub(crate) fn raw_contacts(&self) -> Vec<Value> {
        let contacts = self.contacts.iter();
        let shown = contacts.map(|contact| {
            json!({
                "id": contact.id.to_string(),
                "email": contact.first_email(),
                "given_name": contact.text("given_name"),
                "family_name": contact.text("family_name"),
                "create_time": contact.create_time,
                "update_time": contact.update_time,
                "tag_ids": contact.tags.keys().map(u64::to_string).collect::<Vec<_>>(),
                "fields": contact.fields,
            })
        });
        shown.collect()
    }

    /// Every tag, with how many wear it.
    pub(crate) fn raw_tags(&self) -> Vec<Value> {
        let tags = self.tags.tags.values();
        let shown = tags.map(|tag| {
            json!({
                "id": tag.id.to_string(),
                "name": tag.name,
                "description": tag.description,
                "category_id": tag.category.map(|id| id.to_string()),
                "create_time": tag.create_time,
                "update_time": tag.update_time,
                "contacts": self.contacts.with_tag(tag.id).count(),
            })
        });
        shown.collect()
    }

    /// Who wears what since when, in the order of contact and tag.
    pub(crate) fn raw_applied(&self) -> Vec<Value> {
        let worn =
            self.contacts.iter().flat_map(|contact| contact.tags.iter().map(move |worn| (contact, worn)));
        let shown = worn.map(|(contact, (tag, at))| {
            json!({
                "contact_id": contact.id.to_string(),
                "email": contact.first_email(),
                "tag_id": tag.to_string(),
                "tag_name": self.tags.tags.get(tag).map(|tag| tag.name.as_str()),
                "applied_time": at,
            })
        });
        shown.collect()
    }
}

//! Tags, their categories, and who wears them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::records::RecordKey;
use super::world::World;

/// A tag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: Option<u64>,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
}

/// A drawer for tags.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Category {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
}

/// The tags and categories of one account.
#[derive(Default)]
pub(crate) struct Tags {
    pub(crate) tags: BTreeMap<u64, Tag>,
    pub(crate) categories: BTreeMap<u64, Category>,
}

/// What came of putting a tag on a contact. The words are documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    Success,
    /// It was there already, and automations do not start again.
    Duplicate,
    ContactNotFound,
}

impl Applied {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Duplicate => "DUPLICATE",
            Self::ContactNotFound => "CONTACT_NOT_FOUND",
        }
    }
}

impl Tags {
    pub(crate) fn insert(&mut self, tag: Tag) {
        self.tags.insert(tag.id, tag);
    }

    pub(crate) fn insert_category(&mut self, category: Category) {
        self.categories.insert(category.id, category);
    }

    /// The tag with this name, the oldest if there are several.
    pub(crate) fn named(&self, name: &str) -> Option<u64> {
        let wanted = name.to_lowercase();
        self.tags.values().find(|tag| tag.name.to_lowercase() == wanted).map(|tag| tag.id)
    }
}

impl World {
    /// Creates a tag. Keap has not been seen to refuse a second tag of the same name, so neither does the sandbox.
    pub(crate) fn create_tag(
        &mut self,
        account: &str,
        now: Timestamp,
        name: &str,
        description: &str,
        category: Option<u64>,
    ) -> Option<u64> {
        let it = self.accounts.get_mut(account)?;
        it.head.last_tag_id += 1;
        let id = it.head.last_tag_id;
        it.tags.insert(Tag {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            category,
            create_time: now,
            update_time: now,
        });
        self.touched.add(RecordKey::Account(account.to_owned()));
        self.touched.add(RecordKey::Tag(account.to_owned(), id));
        Some(id)
    }

    pub(crate) fn update_tag(&mut self, account: &str, id: u64, change: impl FnOnce(&mut Tag)) {
        if let Some(tag) = self.accounts.get_mut(account).and_then(|it| it.tags.tags.get_mut(&id)) {
            change(tag);
            self.touched.add(RecordKey::Tag(account.to_owned(), id));
        }
    }

    /// Deletes a tag and takes it off everybody.
    pub(crate) fn delete_tag(&mut self, account: &str, id: u64) -> bool {
        let Some(it) = self.accounts.get_mut(account) else { return false };
        if it.tags.tags.remove(&id).is_none() {
            return false;
        }
        let wearers: Vec<u64> = it.contacts.with_tag(id).map(|contact| contact.id).collect();
        for contact in wearers {
            it.contacts.take_off(contact, id);
            self.touched.add(RecordKey::Contact(account.to_owned(), contact));
        }
        self.touched.add(RecordKey::Tag(account.to_owned(), id));
        true
    }

    pub(crate) fn create_category(
        &mut self,
        account: &str,
        now: Timestamp,
        name: &str,
        description: &str,
    ) -> Option<u64> {
        let it = self.accounts.get_mut(account)?;
        it.head.last_category_id += 1;
        let id = it.head.last_category_id;
        it.tags.insert_category(Category {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            create_time: now,
            update_time: now,
        });
        self.touched.add(RecordKey::Account(account.to_owned()));
        self.touched.add(RecordKey::Category(account.to_owned(), id));
        Some(id)
    }

    pub(crate) fn update_category(&mut self, account: &str, id: u64, change: impl FnOnce(&mut Category)) {
        let it = self.accounts.get_mut(account);
        if let Some(category) = it.and_then(|it| it.tags.categories.get_mut(&id)) {
            change(category);
            self.touched.add(RecordKey::Category(account.to_owned(), id));
        }
    }

    /// Deletes a category; its tags stay, without one (assumed).
    pub(crate) fn delete_category(&mut self, account: &str, id: u64) -> bool {
        let Some(it) = self.accounts.get_mut(account) else { return false };
        if it.tags.categories.remove(&id).is_none() {
            return false;
        }
        for tag in it.tags.tags.values_mut().filter(|tag| tag.category == Some(id)) {
            tag.category = None;
            self.touched.add(RecordKey::Tag(account.to_owned(), tag.id));
        }
        self.touched.add(RecordKey::Category(account.to_owned(), id));
        true
    }

    pub(crate) fn apply_tag(&mut self, account: &str, now: Timestamp, tag: u64, contact: u64) -> Applied {
        let applied = self.accounts.get_mut(account).and_then(|it| it.contacts.apply(contact, tag, now));
        match applied {
            None => Applied::ContactNotFound,
            Some(false) => Applied::Duplicate,
            Some(true) => {
                self.touched.add(RecordKey::Contact(account.to_owned(), contact));
                Applied::Success
            }
        }
    }

    pub(crate) fn remove_tag(&mut self, account: &str, tag: u64, contact: u64) -> bool {
        let removed = self.accounts.get_mut(account).is_some_and(|it| it.contacts.take_off(contact, tag));
        if removed {
            self.touched.add(RecordKey::Contact(account.to_owned(), contact));
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn a_tag_is_applied_once_and_goes_with_its_deletion() {
        let now = Timestamp::UNIX_EPOCH;
        let mut world = World::sample();
        let tag = world.create_tag("acme", now, "VIP", "", None).unwrap();
        let contact = world.create_contact("acme", now, Map::new()).unwrap();
        assert_eq!(world.apply_tag("acme", now, tag, contact), Applied::Success);
        let later = now + std::time::Duration::from_secs(9);
        assert_eq!(world.apply_tag("acme", later, tag, contact), Applied::Duplicate);
        assert_eq!(world.accounts["acme"].contacts.get(contact).unwrap().tags[&tag], now);
        assert_eq!(world.apply_tag("acme", now, tag, 999), Applied::ContactNotFound);
        assert!(world.delete_tag("acme", tag));
        assert!(world.accounts["acme"].contacts.get(contact).unwrap().tags.is_empty());
    }
}

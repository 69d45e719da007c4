//! Contacts and the indexes over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::records::RecordKey;
use super::world::World;

/// A person in Keap.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) id: u64,
    /// As sent by clients: the properties of a create request.
    pub(crate) fields: Map<String, Value>,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
    /// Tags and when they were applied.
    pub(crate) tags: BTreeMap<u64, Timestamp>,
}

impl Contact {
    /// A property that is plain text, or nothing.
    pub(crate) fn text(&self, field: &str) -> &str {
        text(&self.fields, field)
    }

    /// All e-mail addresses, EMAIL1 first as far as the client said which is which.
    pub(crate) fn emails(&self) -> impl Iterator<Item = &str> {
        emails(&self.fields)
    }

    pub(crate) fn first_email(&self) -> &str {
        let list = self.fields.get("email_addresses").and_then(Value::as_array);
        let primary = list.into_iter().flatten().find(|entry| entry["field"] == "EMAIL1");
        primary.and_then(|entry| entry["email"].as_str()).or_else(|| self.emails().next()).unwrap_or_default()
    }

    pub(crate) fn name(&self) -> String {
        let name = format!("{} {}", self.text("given_name"), self.text("family_name"));
        name.trim().to_owned()
    }
}

/// The contacts of one account.
#[derive(Default)]
#[expect(clippy::struct_field_names, reason = "each name says what the index is by")]
pub(crate) struct Contacts {
    by_id: BTreeMap<u64, Contact>,
    by_email: HashMap<String, BTreeSet<u64>>,
    by_tag: HashMap<u64, BTreeSet<u64>>,
}

impl Contacts {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Contact> {
        self.by_id.get(&id)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Contact> {
        self.by_id.values()
    }

    /// Contacts with this e-mail address in any place, by index. Letter case does not count (assumed).
    pub(crate) fn with_email(&self, email: &str) -> impl Iterator<Item = &Contact> {
        let ids = self.by_email.get(&email.to_lowercase());
        ids.into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    pub(crate) fn with_tag(&self, tag: u64) -> impl Iterator<Item = &Contact> {
        let ids = self.by_tag.get(&tag);
        ids.into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Takes a contact in, in the place of the one with the same id.
    pub(crate) fn insert(&mut self, contact: Contact) {
        self.remove(contact.id);
        for email in contact.emails() {
            self.by_email.entry(email.to_lowercase()).or_default().insert(contact.id);
        }
        for tag in contact.tags.keys() {
            self.by_tag.entry(*tag).or_default().insert(contact.id);
        }
        self.by_id.insert(contact.id, contact);
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Contact> {
        let contact = self.by_id.remove(&id)?;
        for email in contact.emails() {
            unlist(&mut self.by_email, &email.to_lowercase(), id);
        }
        for tag in contact.tags.keys() {
            unlist(&mut self.by_tag, tag, id);
        }
        Some(contact)
    }

    /// Puts a tag on. `None`: no such contact; `false`: it was there already and keeps its time.
    pub(crate) fn apply(&mut self, id: u64, tag: u64, now: Timestamp) -> Option<bool> {
        let contact = self.by_id.get_mut(&id)?;
        if contact.tags.contains_key(&tag) {
            return Some(false);
        }
        contact.tags.insert(tag, now);
        self.by_tag.entry(tag).or_default().insert(id);
        Some(true)
    }

    /// Takes a tag off. Says whether it was there.
    pub(crate) fn take_off(&mut self, id: u64, tag: u64) -> bool {
        let removed = self.by_id.get_mut(&id).and_then(|contact| contact.tags.remove(&tag)).is_some();
        unlist(&mut self.by_tag, &tag, id);
        removed
    }
}

impl World {
    pub(crate) fn create_contact(
        &mut self,
        account: &str,
        now: Timestamp,
        mut fields: Map<String, Value>,
    ) -> Option<u64> {
        let it = self.accounts.get_mut(account)?;
        it.head.last_contact_id += 1;
        let id = it.head.last_contact_id;
        fields.retain(|_, value| !value.is_null());
        name_places(&mut fields);
        let tags = BTreeMap::new();
        it.contacts.insert(Contact { id, fields, create_time: now, update_time: now, tags });
        self.touched.add(RecordKey::Account(account.to_owned()));
        self.touched.add(RecordKey::Contact(account.to_owned(), id));
        Some(id)
    }

    /// Changes the properties in `changes`: a value replaces (lists as a whole, documented), `null` clears.
    pub(crate) fn update_contact(
        &mut self,
        account: &str,
        now: Timestamp,
        id: u64,
        changes: Map<String, Value>,
    ) -> Option<()> {
        let it = self.accounts.get_mut(account)?;
        let mut contact = it.contacts.get(id)?.clone();
        for (field, value) in changes {
            if value.is_null() {
                contact.fields.remove(&field);
            } else {
                contact.fields.insert(field, value);
            }
        }
        name_places(&mut contact.fields);
        contact.update_time = now;
        it.contacts.insert(contact);
        self.touched.add(RecordKey::Contact(account.to_owned(), id));
        Some(())
    }

    pub(crate) fn delete_contact(&mut self, account: &str, id: u64) -> bool {
        let gone = self.accounts.get_mut(account).and_then(|it| it.contacts.remove(id)).is_some();
        if gone {
            self.touched.add(RecordKey::Contact(account.to_owned(), id));
        }
        gone
    }
}

/// Whether there is any way to reach the person. Documented: a new contact needs e-mail, phone or address.
pub(crate) fn is_reachable(fields: &Map<String, Value>) -> bool {
    let filled = |list: &str, part: &[&str]| {
        let entries = fields.get(list).and_then(Value::as_array);
        entries.into_iter().flatten().any(|entry| {
            part.iter().any(|part| entry[*part].as_str().is_some_and(|text| !text.trim().is_empty()))
        })
    };
    filled("email_addresses", &["email"])
        || filled("phone_numbers", &["number", "number_e164"])
        || filled("addresses", &["line1", "line2", "locality", "postal_code", "zip_code", "region_code"])
}

/// Gives list entries without a `field` the next free place, as EMAIL1, EMAIL2 and so on (assumed).
fn name_places(fields: &mut Map<String, Value>) {
    for (list, places) in PLACES {
        let Some(entries) = fields.get_mut(*list).and_then(Value::as_array_mut) else { continue };
        for at in 0..entries.len() {
            if entries[at]["field"].is_string() {
                continue;
            }
            let taken = |place: &&&str| entries.iter().any(|entry| entry["field"] == **place);
            let free = places.iter().find(|place| !taken(place)).copied();
            if let (Some(free), Some(entry)) = (free, entries[at].as_object_mut()) {
                entry.insert("field".to_owned(), Value::from(free));
            }
        }
    }
}

const PLACES: &[(&str, &[&str])] = &[
    ("email_addresses", &["EMAIL1", "EMAIL2", "EMAIL3"]),
    ("phone_numbers", &["PHONE1", "PHONE2", "PHONE3", "PHONE4", "PHONE5"]),
    ("fax_numbers", &["FAX1", "FAX2"]),
    ("addresses", &["BILLING", "SHIPPING", "OTHER"]),
];

pub(crate) fn text<'a>(fields: &'a Map<String, Value>, field: &str) -> &'a str {
    fields.get(field).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn emails(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let list = fields.get("email_addresses").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|entry| entry["email"].as_str())
}

fn unlist<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<u64>>, key: &K, id: u64) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_email_index_follows_every_change() {
        let now = Timestamp::UNIX_EPOCH;
        let mut world = World::sample();
        let ann = fields(&json!({"email_addresses": [{"email": "Ann@Example.com"}]}));
        let id = world.create_contact("acme", now, ann).unwrap();
        let found = |world: &World, email: &str| world.accounts["acme"].contacts.with_email(email).count();
        assert_eq!(found(&world, "ann@example.com"), 1);
        let moved = fields(&json!({"email_addresses": [{"email": "ann@new.example"}]}));
        world.update_contact("acme", now, id, moved).unwrap();
        assert_eq!((found(&world, "ann@example.com"), found(&world, "ANN@new.example")), (0, 1));
        assert!(world.delete_contact("acme", id));
        assert_eq!(found(&world, "ann@new.example"), 0);
        assert!(!world.delete_contact("acme", id));
    }

    #[test]
    fn ids_never_come_back() {
        let now = Timestamp::UNIX_EPOCH;
        let mut world = World::sample();
        let first = world.create_contact("acme", now, Map::new()).unwrap();
        world.delete_contact("acme", first);
        assert_eq!(world.create_contact("acme", now, Map::new()).unwrap(), first + 1);
    }

    #[test]
    fn places_are_given_in_order() {
        let mut contact =
            fields(&json!({"email_addresses": [{"email": "a"}, {"email": "b", "field": "EMAIL1"}]}));
        name_places(&mut contact);
        assert_eq!(contact["email_addresses"][0]["field"], "EMAIL2");
    }

    #[test]
    fn reachable_means_email_phone_or_address() {
        for (body, good) in [
            (json!({}), false),
            (json!({"given_name": "Ann"}), false),
            (json!({"email_addresses": []}), false),
            (json!({"email_addresses": [{"email": " "}]}), false),
            (json!({"email_addresses": [{"email": "a@b.c"}]}), true),
            (json!({"phone_numbers": [{"number": "1"}]}), true),
            (json!({"addresses": [{"line1": "1 Main St"}]}), true),
        ] {
            assert_eq!(is_reachable(&fields(&body)), good, "{body}");
        }
    }
}

//! Fields that an account has added to its contacts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::contacts::text;
use super::records::RecordKey;
use super::world::World;

/// The definition of a custom field.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CustomField {
    pub(crate) id: u64,
    pub(crate) label: String,
    pub(crate) field_type: String,
    /// How filters call it: an underscore and the label without spaces (as in the XML-RPC tables).
    pub(crate) field_name: String,
    pub(crate) group_id: String,
    pub(crate) options: Vec<String>,
}

/// The custom fields of one account.
#[derive(Default)]
pub(crate) struct CustomFields {
    pub(crate) by_id: BTreeMap<u64, CustomField>,
}

impl CustomFields {
    pub(crate) fn insert(&mut self, field: CustomField) {
        self.by_id.insert(field.id, field);
    }

    pub(crate) fn named(&self, name: &str) -> Option<u64> {
        self.by_id.values().find(|field| field.field_name == name).map(|field| field.id)
    }

    /// The first custom field id in a contact that nobody has defined.
    pub(crate) fn first_unknown<'a>(&self, contact: &'a Map<String, Value>) -> Option<&'a str> {
        let values = contact.get("custom_fields").and_then(Value::as_array);
        let ids = values.into_iter().flatten().map(|value| value["id"].as_str().unwrap_or_default());
        ids.into_iter().find(|id| !id.parse().is_ok_and(|id: u64| self.by_id.contains_key(&id)))
    }
}

impl World {
    /// Defines a field from the properties of a create request.
    pub(crate) fn create_custom_field(&mut self, account: &str, asked: &Map<String, Value>) -> Option<u64> {
        let it = self.accounts.get_mut(account)?;
        it.head.last_custom_field_id += 1;
        let id = it.head.last_custom_field_id;
        let label = text(asked, "label").to_owned();
        let options = asked.get("options").and_then(Value::as_array);
        let labels = options.into_iter().flatten().filter_map(|option| option["label"].as_str());
        let group = text(asked, "group_id");
        let mut field_name = format!("_{}", label.replace(|c: char| !c.is_alphanumeric(), ""));
        if it.custom_fields.named(&field_name).is_some() {
            field_name = format!("{field_name}{id}");
        }
        it.custom_fields.insert(CustomField {
            id,
            field_type: text(asked, "field_type").to_owned(),
            field_name,
            group_id: if group.is_empty() { "1".to_owned() } else { group.to_owned() },
            options: labels.map(str::to_owned).collect(),
            label,
        });
        self.touched.add(RecordKey::Account(account.to_owned()));
        self.touched.add(RecordKey::CustomField(account.to_owned(), id));
        Some(id)
    }

    /// Removes a field; values that contacts hold for it are no longer shown.
    pub(crate) fn delete_custom_field(&mut self, account: &str, id: u64) -> bool {
        let gone = self.accounts.get_mut(account).and_then(|it| it.custom_fields.by_id.remove(&id)).is_some();
        if gone {
            self.touched.add(RecordKey::CustomField(account.to_owned(), id));
        }
        gone
    }
}

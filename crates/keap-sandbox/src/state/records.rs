//! What lies in the data file, and which of it has changed.

use serde::Serialize;

use super::secret::TokenHash;
use super::world::World;
use crate::clock::SandboxClock;

/// Names one thing that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordKey {
    /// The service account key.
    ApiKey,
    Clock,
    Account(String),
    Contact(String, u64),
    Tag(String, u64),
    Category(String, u64),
    CustomField(String, u64),
    Grant(u64),
    Code(TokenHash),
}

/// One row of the data file. Without a body the row is deleted.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: String,
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) body: Option<String>,
}

/// What a change has touched, in order and without repetition.
#[derive(Default)]
pub(crate) struct Touched(Vec<RecordKey>);

impl Touched {
    pub(crate) fn add(&mut self, record: RecordKey) {
        if !self.0.contains(&record) {
            self.0.push(record);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<RecordKey> {
        std::mem::take(&mut self.0)
    }
}

impl World {
    /// The row for a record as it is now.
    pub(crate) fn row(&self, record: RecordKey, clock: &SandboxClock) -> Row {
        let row = |kind: &str, account: String, id: String, body: Option<String>| Row {
            kind: kind.to_owned(),
            account,
            id,
            body,
        };
        let none = String::new;
        match record {
            RecordKey::ApiKey => row("api_key", none(), none(), json(Some(&self.api_key))),
            RecordKey::Clock => row("clock", none(), none(), json(Some(&clock.kept()))),
            RecordKey::Account(key) => {
                let body = json(self.accounts.get(&key).map(|account| &account.head));
                row("account", key, none(), body)
            }
            RecordKey::Contact(account, id) => {
                let body = json(self.accounts.get(&account).and_then(|it| it.contacts.get(id)));
                row("contact", account, id.to_string(), body)
            }
            RecordKey::Tag(account, id) => {
                let body = json(self.accounts.get(&account).and_then(|it| it.tags.tags.get(&id)));
                row("tag", account, id.to_string(), body)
            }
            RecordKey::Category(account, id) => {
                let body = json(self.accounts.get(&account).and_then(|it| it.tags.categories.get(&id)));
                row("category", account, id.to_string(), body)
            }
            RecordKey::CustomField(account, id) => {
                let body = json(self.accounts.get(&account).and_then(|it| it.custom_fields.by_id.get(&id)));
                row("custom_field", account, id.to_string(), body)
            }
            RecordKey::Grant(id) => row("grant", none(), id.to_string(), json(self.grants.by_id.get(&id))),
            RecordKey::Code(hash) => row("code", none(), hash.to_hex(), json(self.codes.get(&hash))),
        }
    }

    /// Every record there is, for the first writing of a data file and after a reset.
    pub(crate) fn touch_everything(&mut self) {
        let touched = &mut self.touched;
        touched.add(RecordKey::ApiKey);
        touched.add(RecordKey::Clock);
        for (key, account) in &self.accounts {
            touched.add(RecordKey::Account(key.clone()));
            account.contacts.iter().for_each(|it| touched.add(RecordKey::Contact(key.clone(), it.id)));
            account.tags.tags.keys().for_each(|id| touched.add(RecordKey::Tag(key.clone(), *id)));
            account.tags.categories.keys().for_each(|id| touched.add(RecordKey::Category(key.clone(), *id)));
            account
                .custom_fields
                .by_id
                .keys()
                .for_each(|id| touched.add(RecordKey::CustomField(key.clone(), *id)));
        }
        self.grants.by_id.keys().for_each(|id| touched.add(RecordKey::Grant(*id)));
        self.codes.keys().for_each(|hash| touched.add(RecordKey::Code(*hash)));
    }

    /// Takes up a row from the data file. Accounts come before what is in them.
    pub(crate) fn restore(&mut self, row: &Row, clock: &SandboxClock) -> Result<(), serde_json::Error> {
        let Some(body) = row.body.as_deref() else { return Ok(()) };
        match row.kind.as_str() {
            "api_key" => self.api_key = serde_json::from_str(body)?,
            "clock" => clock.resume(&serde_json::from_str(body)?),
            "account" => {
                let account = super::accounts::Account::with_head(serde_json::from_str(body)?);
                self.accounts.insert(row.account.clone(), account);
            }
            "grant" => self.grants.insert(serde_json::from_str(body)?),
            "code" => {
                let hash = serde_json::from_value(serde_json::Value::String(row.id.clone()))?;
                self.codes.insert(hash, serde_json::from_str(body)?);
            }
            _ => self.restore_in_account(row, body)?,
        }
        Ok(())
    }

    fn restore_in_account(&mut self, row: &Row, body: &str) -> Result<(), serde_json::Error> {
        let Some(account) = self.accounts.get_mut(&row.account) else { return Ok(()) };
        match row.kind.as_str() {
            "contact" => account.contacts.insert(serde_json::from_str(body)?),
            "tag" => account.tags.insert(serde_json::from_str(body)?),
            "category" => account.tags.insert_category(serde_json::from_str(body)?),
            "custom_field" => account.custom_fields.insert(serde_json::from_str(body)?),
            // A kind that this version does not know was written by a later one; it is left in the file.
            _ => {}
        }
        Ok(())
    }
}

fn json<T: Serialize>(record: Option<&T>) -> Option<String> {
    record.and_then(|record| serde_json::to_string(record).ok())
}

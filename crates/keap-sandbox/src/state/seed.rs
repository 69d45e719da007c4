//! What an account holds at the start.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::accounts::{Account, User};
use super::world::World;

/// A seed file. Everything in it is optional; what is absent keeps its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    #[serde(default)]
    pub(crate) clients: Vec<SeedClient>,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    users: Option<Vec<SeedUser>>,
    accounts: Option<Vec<SeedAccount>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedClient {
    pub(crate) id: String,
    pub(crate) secret: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedUser {
    email: String,
    password: String,
    #[serde(default)]
    given_name: String,
    #[serde(default)]
    family_name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAccount {
    key: String,
    name: String,
    #[serde(default)]
    tags: Vec<SeedTag>,
    #[serde(default)]
    custom_fields: Vec<Map<String, Value>>,
    #[serde(default)]
    contacts: Vec<SeedContact>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedTag {
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Clone, Debug, Deserialize)]
struct SeedContact {
    /// Names of tags; a tag that does not exist is created.
    #[serde(default)]
    tags: Vec<String>,
    /// The rest is a contact as one would create it through the API.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Seed {
    /// The people who can sign in.
    pub(crate) fn people(&self) -> Vec<User> {
        let Some(users) = &self.users else { return vec![default_user()] };
        let numbered = users.iter().zip(1..);
        numbered
            .map(|(user, id)| User {
                id,
                email: user.email.clone(),
                password: user.password.clone(),
                given_name: user.given_name.clone(),
                family_name: user.family_name.clone(),
            })
            .collect()
    }

    fn accounts(&self) -> Vec<SeedAccount> {
        let empty = |key: &str, name: &str| SeedAccount {
            key: key.to_owned(),
            name: name.to_owned(),
            tags: Vec::new(),
            custom_fields: Vec::new(),
            contacts: Vec::new(),
        };
        self.accounts
            .clone()
            .filter(|accounts| !accounts.is_empty())
            .unwrap_or_else(|| vec![empty("acme", "Acme Toys"), empty("globex", "Globex")])
    }
}

impl World {
    /// Fills a new world.
    pub(crate) fn plant(&mut self, seed: &Seed, now: Timestamp) {
        for planted in seed.accounts() {
            let key = planted.key.clone();
            self.accounts.insert(key.clone(), Account::new(&key, &planted.name));
            for tag in planted.tags {
                self.create_tag(&key, now, &tag.name, &tag.description, None);
            }
            for field in &planted.custom_fields {
                self.create_custom_field(&key, field);
            }
            for contact in planted.contacts {
                self.plant_contact(&key, now, contact.fields, &contact.tags);
            }
        }
    }

    /// Creates a contact that wears tags from the start. Says which id it got.
    pub(crate) fn plant_contact(
        &mut self,
        account: &str,
        now: Timestamp,
        fields: Map<String, Value>,
        tags: &[String],
    ) -> Option<u64> {
        let contact = self.create_contact(account, now, fields)?;
        for name in tags {
            let known = self.accounts.get(account).and_then(|it| it.tags.named(name));
            let tag = known.or_else(|| self.create_tag(account, now, name, "", None));
            if let Some(tag) = tag {
                self.apply_tag(account, now, tag, contact);
            }
        }
        Some(contact)
    }
}

fn default_user() -> User {
    User {
        id: 1,
        email: "owner@example.com".to_owned(),
        password: "sandbox".to_owned(),
        given_name: "Olive".to_owned(),
        family_name: "Owner".to_owned(),
    }
}

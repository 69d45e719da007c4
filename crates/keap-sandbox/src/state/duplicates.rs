//! Which contact a new one would double.

use serde_json::{Map, Value};

use super::contacts::{Contact, Contacts, emails, text};

/// Documented words of `duplicate_option`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DuplicateOption {
    Email,
    EmailAndName,
    EmailAndNameAndCompany,
}

impl DuplicateOption {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "Email" => Some(Self::Email),
            "EmailAndName" => Some(Self::EmailAndName),
            "EmailAndNameAndCompany" => Some(Self::EmailAndNameAndCompany),
            _ => None,
        }
    }
}

impl Contacts {
    /// The contact that `fields` means. Letter case does not count, and the oldest wins (both assumed).
    pub(crate) fn duplicate_of(&self, fields: &Map<String, Value>, option: DuplicateOption) -> Option<u64> {
        let email = emails(fields).next()?;
        let same = |contact: &&Contact| match option {
            DuplicateOption::Email => true,
            DuplicateOption::EmailAndName => same_name(contact, fields),
            DuplicateOption::EmailAndNameAndCompany => {
                same_name(contact, fields) && company(&contact.fields) == company(fields)
            }
        };
        self.with_email(email).find(same).map(|contact| contact.id)
    }
}

fn same_name(contact: &Contact, fields: &Map<String, Value>) -> bool {
    ["given_name", "family_name"]
        .iter()
        .all(|name| contact.text(name).to_lowercase() == text(fields, name).to_lowercase())
}

/// A company is known by its id, or else by its name.
fn company(fields: &Map<String, Value>) -> Option<String> {
    let company = fields.get("company")?;
    let known_by = company["id"].as_str().or_else(|| company["company_name"].as_str())?;
    Some(known_by.to_lowercase())
}

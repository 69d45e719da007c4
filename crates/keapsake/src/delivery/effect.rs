//! What should become true in Keap.

use serde::{Deserialize, Serialize};

/// Something that should become true in Keap, for one person of the application.
///
/// Effects of one person arrive in the order in which they were enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The application's own key of the person; it is also written to the contact in Keap, to recognise it.
    pub person: String,
    /// Two effects of one person with the same key are one.
    pub dedupe: String,
    /// What should become true.
    pub action: Action,
}

/// What should become true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// The person is a contact.
    Contact(NewContact),
    /// The person's contact has a tag.
    Tag(NewTag),
}

/// The contact a person should be. An existing contact with the address is linked and left as it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewContact {
    /// The address.
    pub email: String,
    /// First name; longer than Keap's 40 characters is cut.
    pub given_name: String,
    /// Last name; longer than Keap's 40 characters is cut.
    pub family_name: String,
}

/// The tag a person's contact should have. It is created once if there is none of that name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTag {
    /// Its name.
    pub name: String,
    /// Its description, if it has to be created.
    pub description: String,
}

impl Effect {
    /// The person is a contact in Keap.
    pub fn contact(person: impl Into<String>, contact: NewContact) -> Self {
        Self { person: person.into(), dedupe: "contact".into(), action: Action::Contact(contact) }
    }

    /// The person's contact has this tag.
    pub fn tag(person: impl Into<String>, tag: NewTag) -> Self {
        Self { person: person.into(), dedupe: format!("tag:{}", tag.name), action: Action::Tag(tag) }
    }
}

impl Action {
    /// In words for people, without personal data.
    pub fn words(&self) -> String {
        match self {
            Self::Contact(_) => "become a contact".into(),
            Self::Tag(tag) => format!("get the tag “{}”", tag.name),
        }
    }
}

impl std::fmt::Debug for NewContact {
    /// Without the person's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewContact").finish_non_exhaustive()
    }
}

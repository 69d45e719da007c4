//! Tags: what happened to a contact, in a word.

use std::collections::BTreeMap;

use http::Method;
use serde::{Deserialize, Serialize};

use super::{ContactId, Keap, TagId};
use crate::error::Error;

/// Operations on tags. Made by [`Keap::tags`].
#[derive(Clone, Copy)]
pub struct Tags<'a>(&'a Keap);

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Tag {
    /// Its id.
    pub id: TagId,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// What became of one contact of an [`apply`](Tags::apply).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// It has the tag now, or had it before.
    HasIt,
    /// Keap has no such contact.
    NoSuchContact,
    /// Keap has no such tag.
    NoSuchTag,
    /// Keap did not do it, in its own word.
    Failed(String),
}

#[derive(Serialize)]
struct NewTag<'a> {
    name: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct ContactIds<'a> {
    contact_ids: &'a [ContactId],
}

#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
struct Results {
    results: Option<BTreeMap<String, String>>,
}

impl Keap {
    /// The tags of the account.
    pub fn tags(&self) -> Tags<'_> {
        Tags(self)
    }
}

impl Tags<'_> {
    /// `GET /rest/v2/tags?filter=name==…`: the first tag with exactly this name.
    ///
    /// # Errors
    /// As any call; [`Error::is_refused`] for a name with `;`, which Keap's filters cannot express.
    pub async fn find_by_name(&self, name: &str) -> Result<Option<Tag>, Error> {
        if name.contains(';') {
            return Err(Error::request("a tag name with `;` cannot be looked up in Keap"));
        }
        let call = self.0.call(Method::GET, "/rest/v2/tags").query("filter", &format!("name=={name}"));
        let page: Page = call.query("page_size", "1000").send_json("list of tags").await?;
        Ok(page.tags.unwrap_or_default().into_iter().find(|tag| tag.name.as_deref() == Some(name)))
    }

    /// `POST /rest/v2/tags`: twice can be two tags of one name.
    ///
    /// # Errors
    /// As any call. When [`Error::may_have_happened`], look before you repeat it.
    pub async fn create(&self, name: &str, description: &str) -> Result<Tag, Error> {
        let call = self.0.call(Method::POST, "/rest/v2/tags").json(&NewTag { name, description });
        call.send_json("tag").await
    }

    /// `POST /rest/v2/tags/{id}/contacts:applyTags`, for up to 100 contacts. A contact that has the tag keeps it.
    ///
    /// Keap answers 200 even if it failed for all of them, so look at each.
    ///
    /// # Errors
    /// As any call; repeating it is harmless.
    pub async fn apply(&self, tag: &TagId, contacts: &[ContactId]) -> Result<Vec<Applied>, Error> {
        let path = format!("/rest/v2/tags/{tag}/contacts:applyTags");
        let call = self.0.call(Method::POST, &path).json(&ContactIds { contact_ids: contacts });
        let results =
            call.send_json::<Results>("result of applying a tag").await?.results.unwrap_or_default();
        Ok(contacts.iter().map(|contact| applied(results.get(contact.as_str()))).collect())
    }
}

fn applied(word: Option<&String>) -> Applied {
    match word.map(String::as_str) {
        Some("SUCCESS" | "DUPLICATE") => Applied::HasIt,
        Some("CONTACT_NOT_FOUND") => Applied::NoSuchContact,
        Some("TAG_ID_NOT_FOUND" | "TAG_NOT_FOUND") => Applied::NoSuchTag,
        Some(word) => Applied::Failed(word.chars().filter(|c| !c.is_control()).take(60).collect()),
        None => Applied::Failed("no result for this contact".into()),
    }
}

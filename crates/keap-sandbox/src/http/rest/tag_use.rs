//! Who wears which tag: `:applyTags`, `:removeTags` and the two lists.

use serde_json::{Map, Value, json};

use super::Answer;
use super::call::{Call, id};
use super::refusal::Refusal;
use super::{contacts, tags};
use crate::state::filter::{Fields, Kind, in_window};
use crate::state::paging::{Keyed, time_key};
use crate::state::tags::Applied;
use crate::state::time::written;
use crate::state::world::World;

const BODY: &str = "ApplyRemoveTagRequest";

/// Documented: 200 with a word for each contact, also when some or all failed.
pub(super) fn apply(world: &mut World, call: &Call<'_>, tag: &str) -> Result<Answer, Refusal> {
    tags::find(world, call, tag)?;
    let mut results = Map::new();
    for contact in contact_ids(call)? {
        let applied = match contact.parse() {
            Ok(contact) => world.apply_tag(call.account_key(), call.now, id(tag), contact),
            Err(_) => Applied::ContactNotFound,
        };
        results.insert(contact, Value::from(applied.word()));
    }
    Ok(Answer::ok(json!({"results": results})))
}

/// Documented: 204, whoever wore it.
pub(super) fn remove(world: &mut World, call: &Call<'_>, tag: &str) -> Result<Answer, Refusal> {
    tags::find(world, call, tag)?;
    for contact in contact_ids(call)? {
        world.remove_tag(call.account_key(), id(tag), id(&contact));
    }
    Ok(Answer::no_content())
}

/// From the description.
const TAGS_FILTER: Fields = &[
    ("name", Kind::Text),
    ("description", Kind::Text),
    ("category_id", Kind::Text),
    ("since_applied_time", Kind::Time),
    ("until_applied_time", Kind::Time),
    ("since_create_time", Kind::Time),
    ("until_create_time", Kind::Time),
    ("since_update_time", Kind::Time),
    ("until_update_time", Kind::Time),
];

/// `GET contacts/{id}/tags`: each tag nested beside its time.
pub(super) fn of_contact(world: &mut World, call: &Call<'_>, contact: &str) -> Result<Answer, Refusal> {
    let contact = contacts::find(world, call, contact)?;
    let filter = call.filter(TAGS_FILTER, |_| false)?;
    let paging = call.paging(&["name", "create_time", "update_time", "applied_time", "category_id"])?;
    let known = &call.account(world)?.tags.tags;
    let worn = contact.tags.iter().filter_map(|(tag, at)| Some((known.get(tag)?, *at)));
    let passing = worn.filter(|(tag, at)| {
        tags::passes(tag, &filter) && in_window(&filter, "since_applied_time", "until_applied_time", *at)
    });
    let keyed = passing.map(|(tag, at)| {
        let key = match paging.order_by {
            "applied_time" => time_key(at),
            "category_id" => format!("{:020}", tag.category.unwrap_or_default()),
            order_by => tags::order_key(tag, order_by),
        };
        Keyed { key, id: tag.id, item: json!({"tag": tags::view(tag), "applied_time": written(at)}) }
    });
    let (tags, next_page_token) = paging.cut(keyed.collect());
    Ok(Answer::ok(json!({"tags": tags, "next_page_token": next_page_token})))
}

/// From the description.
const CONTACTS_FILTER: Fields = &[
    ("given_name", Kind::Text),
    ("family_name", Kind::Text),
    ("email", Kind::Text),
    ("since_applied_time", Kind::Time),
    ("until_applied_time", Kind::Time),
];

/// `GET tags/{id}/contacts`: flat, and with less of each contact.
pub(super) fn of_tag(world: &mut World, call: &Call<'_>, tag: &str) -> Result<Answer, Refusal> {
    let tag = tags::find(world, call, tag)?.id;
    let filter = call.filter(CONTACTS_FILTER, |_| false)?;
    let paging = call.paging(&["given_name", "family_name", "email", "applied_time"])?;
    let takes = |field: &str, text: &str| filter.clause(field).is_none_or(|clause| clause.takes(text));
    let wearers = call.account(world)?.contacts.with_tag(tag);
    let worn = wearers.filter_map(|contact| Some((contact, *contact.tags.get(&tag)?)));
    let passing = worn.filter(|(contact, at)| {
        takes("given_name", contact.text("given_name"))
            && takes("family_name", contact.text("family_name"))
            && takes("email", contact.first_email())
            && in_window(&filter, "since_applied_time", "until_applied_time", *at)
    });
    let keyed = passing.map(|(contact, at)| {
        let key = match paging.order_by {
            "applied_time" => time_key(at),
            "email" => contact.first_email().to_lowercase(),
            name => contact.text(name).to_lowercase(),
        };
        let item = json!({
            "id": contact.id.to_string(),
            "email": contact.first_email(),
            "given_name": contact.text("given_name"),
            "family_name": contact.text("family_name"),
            "applied_time": written(at),
        });
        Keyed { key, id: contact.id, item }
    });
    let (contacts, next_page_token) = paging.cut(keyed.collect());
    Ok(Answer::ok(json!({"contacts": contacts, "next_page_token": next_page_token})))
}

fn contact_ids(call: &Call<'_>) -> Result<Vec<String>, Refusal> {
    let body = call.body(BODY)?;
    let ids = body.get("contact_ids").and_then(Value::as_array);
    Ok(ids.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
}

//! `/rest/v2/tags`.

use serde_json::{Map, Value, json};

use super::Answer;
use super::call::{Call, id};
use super::refusal::Refusal;
use crate::state::contacts::text;
use crate::state::filter::{Fields, Filter, Kind, in_window};
use crate::state::paging::{Keyed, time_key};
use crate::state::tags::Tag;
use crate::state::time::written;
use crate::state::world::World;

const BODY: &str = "CreateUpdateTagRequest";

/// From the description.
const FILTER: Fields = &[
    ("name", Kind::Text),
    ("description", Kind::Text),
    ("category_id", Kind::Text),
    ("tag_ids", Kind::Set),
    ("since_create_time", Kind::Time),
    ("until_create_time", Kind::Time),
    ("since_update_time", Kind::Time),
    ("until_update_time", Kind::Time),
];

const ORDERS: &[&str] = &["name", "create_time", "update_time"];

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let filter = call.filter(FILTER, |_| false)?;
    let paging = call.paging(ORDERS)?;
    let tags = call.account(world)?.tags.tags.values().filter(|tag| passes(tag, &filter));
    let keyed = tags.map(|tag| Keyed { key: order_key(tag, paging.order_by), id: tag.id, item: view(tag) });
    let (tags, next_page_token) = paging.cut(keyed.collect());
    Ok(Answer::ok(json!({"tags": tags, "next_page_token": next_page_token})))
}

pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.body(BODY)?;
    let name = required_name(&body)?;
    let category = category(world, call, &body)?;
    let created = world.create_tag(call.account_key(), call.now, name, text(&body, "description"), category);
    let tag = find(world, call, &created.unwrap_or_default().to_string())?;
    Ok(Answer::created(view(tag)))
}

pub(super) fn get(world: &mut World, call: &Call<'_>, tag: &str) -> Result<Answer, Refusal> {
    Ok(Answer::ok(view(find(world, call, tag)?)))
}

pub(super) fn update(world: &mut World, call: &Call<'_>, tag: &str) -> Result<Answer, Refusal> {
    find(world, call, tag)?;
    let changes = call.changes(call.body(BODY)?, &["name", "description", "category"])?;
    if changes.contains_key("name") {
        required_name(&changes)?;
    }
    let category = category(world, call, &changes)?;
    world.update_tag(call.account_key(), id(tag), |tag| {
        if changes.contains_key("name") {
            text(&changes, "name").clone_into(&mut tag.name);
        }
        if changes.contains_key("description") {
            text(&changes, "description").clone_into(&mut tag.description);
        }
        if changes.contains_key("category") {
            tag.category = category;
        }
        tag.update_time = call.now;
    });
    Ok(Answer::ok(view(find(world, call, tag)?)))
}

pub(super) fn delete(world: &mut World, call: &Call<'_>, tag: &str) -> Result<Answer, Refusal> {
    if world.delete_tag(call.account_key(), id(tag)) {
        Ok(Answer::no_content())
    } else {
        Err(Refusal::not_found("Tag", tag))
    }
}

pub(super) fn find<'w>(world: &'w World, call: &Call<'_>, tag: &str) -> Result<&'w Tag, Refusal> {
    let found = call.account(world)?.tags.tags.get(&id(tag));
    found.ok_or_else(|| Refusal::not_found("Tag", tag))
}

/// A tag as the API shows it. Without a category the property is left out.
pub(super) fn view(tag: &Tag) -> Value {
    let mut shown = json!({
        "id": tag.id.to_string(),
        "name": tag.name,
        "description": tag.description,
        "create_time": written(tag.create_time),
        "update_time": written(tag.update_time),
    });
    if let Some(category) = tag.category {
        shown["category"] = json!({"id": category.to_string()});
    }
    shown
}

/// Whether a tag passes the clauses that are about the tag itself.
pub(super) fn passes(tag: &Tag, filter: &Filter) -> bool {
    let text = |field: &str, text: &str| filter.clause(field).is_none_or(|clause| clause.takes(text));
    let category = tag.category.map(|id| id.to_string()).unwrap_or_default();
    text("name", &tag.name)
        && text("description", &tag.description)
        && text("category_id", &category)
        && text("tag_ids", &tag.id.to_string())
        && in_window(filter, "since_create_time", "until_create_time", tag.create_time)
        && in_window(filter, "since_update_time", "until_update_time", tag.update_time)
}

pub(super) fn order_key(tag: &Tag, order_by: &str) -> String {
    match order_by {
        "create_time" => time_key(tag.create_time),
        "update_time" => time_key(tag.update_time),
        _ => tag.name.to_lowercase(),
    }
}

/// The schema does not require a name, but a tag without one is nothing (assumed).
pub(super) fn required_name(body: &Map<String, Value>) -> Result<&str, Refusal> {
    let name = text(body, "name");
    if name.trim().is_empty() { Err(Refusal::bad_request("name is required")) } else { Ok(name) }
}

fn category(world: &World, call: &Call<'_>, body: &Map<String, Value>) -> Result<Option<u64>, Refusal> {
    let Some(category) = body.get("category").filter(|category| !category.is_null()) else { return Ok(None) };
    let text = category["id"].as_str().unwrap_or_default();
    let id = id(text);
    if call.account(world)?.tags.categories.contains_key(&id) {
        Ok(Some(id))
    } else {
        Err(Refusal::bad_request(format!("Tag category with id {text} does not exist")))
    }
}

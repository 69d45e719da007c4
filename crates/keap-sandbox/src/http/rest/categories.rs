//! `/rest/v2/tags/categories`.

use serde_json::{Value, json};

use super::Answer;
use super::call::{Call, id};
use super::refusal::Refusal;
use super::tags::required_name;
use crate::state::contacts::text;
use crate::state::filter::{Fields, Filter, Kind, in_window};
use crate::state::paging::{Keyed, time_key};
use crate::state::tags::Category;
use crate::state::time::written;
use crate::state::world::World;

const BODY: &str = "CreateUpdateTagCategoryRequest";

/// From the description.
const FILTER: Fields = &[
    ("name", Kind::Text),
    ("description", Kind::Text),
    ("since_create_time", Kind::Time),
    ("until_create_time", Kind::Time),
    ("since_update_time", Kind::Time),
    ("until_update_time", Kind::Time),
];

const ORDERS: &[&str] = &["name", "create_time", "update_time"];

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let filter = call.filter(FILTER, |_| false)?;
    let paging = call.paging(ORDERS)?;
    let categories = call.account(world)?.tags.categories.values().filter(|it| passes(it, &filter));
    let keyed = categories.map(|it| Keyed { key: order_key(it, paging.order_by), id: it.id, item: view(it) });
    let (categories, next_page_token) = paging.cut(keyed.collect());
    Ok(Answer::ok(json!({"tag_categories": categories, "next_page_token": next_page_token})))
}

pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.body(BODY)?;
    let name = required_name(&body)?;
    let created = world.create_category(call.account_key(), call.now, name, text(&body, "description"));
    let category = find(world, call, &created.unwrap_or_default().to_string())?;
    Ok(Answer::created(view(category)))
}

pub(super) fn get(world: &mut World, call: &Call<'_>, category: &str) -> Result<Answer, Refusal> {
    Ok(Answer::ok(view(find(world, call, category)?)))
}

pub(super) fn update(world: &mut World, call: &Call<'_>, category: &str) -> Result<Answer, Refusal> {
    find(world, call, category)?;
    let changes = call.changes(call.body(BODY)?, &["name", "description"])?;
    if changes.contains_key("name") {
        required_name(&changes)?;
    }
    world.update_category(call.account_key(), id(category), |category| {
        if changes.contains_key("name") {
            text(&changes, "name").clone_into(&mut category.name);
        }
        if changes.contains_key("description") {
            text(&changes, "description").clone_into(&mut category.description);
        }
        category.update_time = call.now;
    });
    Ok(Answer::ok(view(find(world, call, category)?)))
}

pub(super) fn delete(world: &mut World, call: &Call<'_>, category: &str) -> Result<Answer, Refusal> {
    if world.delete_category(call.account_key(), id(category)) {
        Ok(Answer::no_content())
    } else {
        Err(Refusal::not_found("Tag category", category))
    }
}

fn find<'w>(world: &'w World, call: &Call<'_>, category: &str) -> Result<&'w Category, Refusal> {
    let found = call.account(world)?.tags.categories.get(&id(category));
    found.ok_or_else(|| Refusal::not_found("Tag category", category))
}

fn view(category: &Category) -> Value {
    json!({
        "id": category.id.to_string(),
        "name": category.name,
        "description": category.description,
        "create_time": written(category.create_time),
        "update_time": written(category.update_time),
    })
}

fn passes(category: &Category, filter: &Filter) -> bool {
    let text = |field: &str, text: &str| filter.clause(field).is_none_or(|clause| clause.takes(text));
    text("name", &category.name)
        && text("description", &category.description)
        && in_window(filter, "since_create_time", "until_create_time", category.create_time)
        && in_window(filter, "since_update_time", "until_update_time", category.update_time)
}

fn order_key(category: &Category, order_by: &str) -> String {
    match order_by {
        "create_time" => time_key(category.create_time),
        "update_time" => time_key(category.update_time),
        _ => category.name.to_lowercase(),
    }
}

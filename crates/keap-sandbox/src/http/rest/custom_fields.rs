//! `/rest/v2/contacts/model`.

use serde_json::{Value, json};

use super::Answer;
use super::call::{Call, id};
use super::contact_view::OPTIONAL;
use super::refusal::Refusal;
use crate::state::contacts::text;
use crate::state::custom_fields::CustomField;
use crate::state::world::World;

pub(super) fn model(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let fields: Value = call.account(world)?.custom_fields.by_id.values().map(view).collect();
    Ok(Answer::ok(json!({"custom_fields": fields, "optional_properties": OPTIONAL})))
}

pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.body("CreateCustomFieldRequest")?;
    if text(&body, "label").trim().is_empty() {
        return Err(Refusal::bad_request("label is required"));
    }
    let created = world.create_custom_field(call.account_key(), &body);
    let fields = &call.account(world)?.custom_fields;
    let field = created.and_then(|id| fields.by_id.get(&id)).ok_or_else(Refusal::no_such_path)?;
    Ok(Answer::created(view(field)))
}

pub(super) fn delete(world: &mut World, call: &Call<'_>, field: &str) -> Result<Answer, Refusal> {
    if world.delete_custom_field(call.account_key(), id(field)) {
        Ok(Answer::no_content())
    } else {
        Err(Refusal::not_found("Custom field", field))
    }
}

fn view(field: &CustomField) -> Value {
    let options = field.options.iter().zip(1..);
    let options: Value = options.map(|(label, id)| json!({"id": format!("{id}"), "label": label})).collect();
    json!({
        "id": field.id.to_string(),
        "label": field.label,
        "options": options,
        "record_type": "CONTACT",
        "field_type": field.field_type,
        "field_name": field.field_name,
        "default_value": null,
        "group_id": field.group_id,
        "group_name": "Custom Fields",
    })
}

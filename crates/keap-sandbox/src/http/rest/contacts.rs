//! `/rest/v2/contacts`.

use serde_json::{Map, Value, json};

use super::Answer;
use super::call::{Call, id};
use super::contact_filter;
use super::contact_view::{FIELDS, chosen, view};
use super::refusal::Refusal;
use crate::state::accounts::Account;
use crate::state::contacts::{Contact, emails, is_reachable};
use crate::state::duplicates::DuplicateOption;
use crate::state::paging::{Keyed, number_key, time_key};
use crate::state::world::World;

const BODY: &str = "CreateUpdateContactRequest";

const ORDERS: &[&str] = &["id", "create_time", "email", "update_time"];

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let account = call.account(world)?;
    let filter = contact_filter::read(account, call)?;
    let paging = call.paging(ORDERS)?;
    let fields = chosen(call.words("fields"))?;
    let items = contact_filter::found(account, &filter).map(|contact| Keyed {
        key: order_key(contact, paging.order_by),
        id: contact.id,
        item: contact,
    });
    let (page, next_page_token) = paging.cut(items.collect());
    let contacts: Value = page.into_iter().map(|contact| view(account, contact, fields.as_deref())).collect();
    Ok(Answer::ok(json!({"contacts": contacts, "next_page_token": next_page_token})))
}

pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let duplicates = duplicate_option(call)?;
    let shown = chosen(call.words("fields"))?;
    let body = call.body(BODY)?;
    check_values(call.account(world)?, &body)?;
    if !is_reachable(&body) {
        return Err(Refusal::bad_request("A contact needs an email address, a phone number or an address"));
    }
    let doubled =
        duplicates.and_then(|option| call.account(world).ok()?.contacts.duplicate_of(&body, option));
    if let Some(id) = doubled {
        world.update_contact(call.account_key(), call.now, id, body);
        return Ok(Answer::ok(shown_by_id(world, call, id, shown.as_deref())?));
    }
    let id = world.create_contact(call.account_key(), call.now, body).unwrap_or_default();
    Ok(Answer::created(shown_by_id(world, call, id, shown.as_deref())?))
}

pub(super) fn get(world: &mut World, call: &Call<'_>, contact: &str) -> Result<Answer, Refusal> {
    let shown = chosen(call.words("fields"))?;
    find(world, call, contact)?;
    Ok(Answer::ok(shown_by_id(world, call, id(contact), shown.as_deref())?))
}

pub(super) fn update(world: &mut World, call: &Call<'_>, contact: &str) -> Result<Answer, Refusal> {
    find(world, call, contact)?;
    let shown = chosen(call.words("fields"))?;
    let body = call.body(BODY)?;
    check_values(call.account(world)?, &body)?;
    let mut changes = call.changes(body, FIELDS)?;
    // The mask may also name what only Keap itself can change; that has no effect.
    changes.retain(|name, _| !["id", "create_time", "update_time", "tag_ids"].contains(&name.as_str()));
    world.update_contact(call.account_key(), call.now, id(contact), changes);
    Ok(Answer::ok(shown_by_id(world, call, id(contact), shown.as_deref())?))
}

pub(super) fn delete(world: &mut World, call: &Call<'_>, contact: &str) -> Result<Answer, Refusal> {
    if world.delete_contact(call.account_key(), id(contact)) {
        Ok(Answer::no_content())
    } else {
        Err(Refusal::not_found("Contact", contact))
    }
}

/// The contact with an id from the path, or a 404.
pub(super) fn find<'w>(world: &'w World, call: &Call<'_>, contact: &str) -> Result<&'w Contact, Refusal> {
    let found = call.account(world)?.contacts.get(id(contact));
    found.ok_or_else(|| Refusal::not_found("Contact", contact))
}

fn duplicate_option(call: &Call<'_>) -> Result<Option<DuplicateOption>, Refusal> {
    let Some(word) = call.parameter("duplicate_option").filter(|word| !word.is_empty()) else {
        return Ok(None);
    };
    let unknown = || Refusal::bad_request(format!("duplicate_option has an unknown value: {word}"));
    DuplicateOption::from_word(word).map(Some).ok_or_else(unknown)
}

fn shown_by_id(world: &World, call: &Call<'_>, id: u64, shown: Option<&[&str]>) -> Result<Value, Refusal> {
    let account = call.account(world)?;
    let contact = account.contacts.get(id).ok_or_else(|| Refusal::not_found("Contact", &id.to_string()))?;
    Ok(view(account, contact, shown))
}

/// What the schema cannot say: addresses look like addresses, custom fields exist (assumed).
fn check_values(account: &Account, body: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(bad) = emails(body).find(|email| !looks_like_an_address(email)) {
        return Err(Refusal::bad_request(format!("Invalid email address: {bad}")));
    }
    if let Some(unknown) = account.custom_fields.first_unknown(body) {
        return Err(Refusal::bad_request(format!("Custom field with id {unknown} does not exist")));
    }
    Ok(())
}

fn looks_like_an_address(email: &str) -> bool {
    let Some((person, host)) = email.rsplit_once('@') else { return false };
    !person.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !email.contains(char::is_whitespace)
}

fn order_key(contact: &Contact, order_by: &str) -> String {
    match order_by {
        "email" => contact.first_email().to_lowercase(),
        "create_time" => time_key(contact.create_time),
        "update_time" => time_key(contact.update_time),
        _ => number_key(contact.id),
    }
}

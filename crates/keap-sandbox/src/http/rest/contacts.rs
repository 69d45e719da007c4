//! `/rest/v2/contacts`.

use serde_json::{Map, Value, json};

use super::Answer;
use super::call::{Call, id};
use super::contact_view::{FIELDS, chosen, view};
use super::refusal::Refusal;
use crate::state::accounts::Account;
use crate::state::contacts::{Contact, emails, is_reachable};
use crate::state::duplicates::DuplicateOption;
use crate::state::filter::{Clause, Fields, Filter, Kind, in_window};
use crate::state::paging::{Keyed, number_key, time_key};
use crate::state::world::World;

const BODY: &str = "CreateUpdateContactRequest";

/// From the description.
const FILTER: Fields = &[
    ("email", Kind::Wildcard),
    ("given_name", Kind::Wildcard),
    ("family_name", Kind::Wildcard),
    ("middle_name", Kind::Wildcard),
    ("company_id", Kind::Text),
    ("contact_ids", Kind::Set),
    ("ids", Kind::Set),
    ("start_update_time", Kind::Time),
    ("end_update_time", Kind::Time),
    ("phone_number", Kind::Text),
    ("phone_fields", Kind::Set),
    ("billing_address_line1", Kind::Text),
    ("billing_address_locality", Kind::Text),
    ("billing_address_region", Kind::Text),
    ("billing_address_postal_code", Kind::Text),
    ("billing_address_country_code", Kind::Text),
    ("shipping_address_line1", Kind::Text),
    ("shipping_address_locality", Kind::Text),
    ("shipping_address_region", Kind::Text),
    ("shipping_address_postal_code", Kind::Text),
    ("shipping_address_country_code", Kind::Text),
    ("other_address_line1", Kind::Text),
    ("other_address_locality", Kind::Text),
    ("other_address_region", Kind::Text),
    ("other_address_postal_code", Kind::Text),
    ("other_address_country_code", Kind::Text),
    ("city", Kind::Prefix),
    ("state", Kind::Prefix),
    ("website", Kind::Wildcard),
    ("lead_source_name", Kind::Wildcard),
    ("contact_id", Kind::Number),
];

const ORDERS: &[&str] = &["id", "create_time", "email", "update_time"];

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let account = call.account(world)?;
    let filter = call.filter(FILTER, |name| account.custom_fields.named(name).is_some())?;
    // Documented: a phone number is looked for only in named places.
    if filter.clause("phone_number").is_some() != filter.clause("phone_fields").is_some() {
        return Err(Refusal::bad_request("phone_number and phone_fields must be used together"));
    }
    let paging = call.paging(ORDERS)?;
    let shown = chosen(call.words("fields"))?;
    let found = candidates(account, &filter).filter(|contact| passes(account, contact, &filter));
    let keyed = found.map(|contact| Keyed {
        key: order_key(contact, paging.order_by),
        id: contact.id,
        item: contact,
    });
    let (page, next_page_token) = paging.cut(keyed.collect());
    let contacts: Value = page.into_iter().map(|contact| view(account, contact, shown.as_deref())).collect();
    Ok(Answer::ok(json!({"contacts": contacts, "next_page_token": next_page_token})))
}

pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let option =
        match call.parameter("duplicate_option") {
            None | Some("") => None,
            Some(word) => Some(DuplicateOption::from_word(word).ok_or_else(|| {
                Refusal::bad_request(format!("duplicate_option has an unknown value: {word}"))
            })?),
        };
    let shown = chosen(call.words("fields"))?;
    let body = call.body(BODY)?;
    check_values(call.account(world)?, &body)?;
    if !is_reachable(&body) {
        return Err(Refusal::bad_request("A contact needs an email address, a phone number or an address"));
    }
    let doubled = option.and_then(|option| call.account(world).ok()?.contacts.duplicate_of(&body, option));
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

/// Where to look: an exact e-mail address and ids have their own way to the contact.
fn candidates<'a>(account: &'a Account, filter: &'a Filter) -> Box<dyn Iterator<Item = &'a Contact> + 'a> {
    if let Some(email) = filter.clause("email").and_then(Clause::exact) {
        return Box::new(account.contacts.with_email(email));
    }
    if let Some(ids) = filter.clause("ids").or_else(|| filter.clause("contact_ids")) {
        return Box::new(ids.set().filter_map(|id| account.contacts.get(id.parse().ok()?)));
    }
    Box::new(account.contacts.iter())
}

fn passes(account: &Account, contact: &Contact, filter: &Filter) -> bool {
    filter.clauses.iter().all(|clause| passes_clause(account, contact, filter, clause))
        && in_window(filter, "start_update_time", "end_update_time", contact.update_time)
}

fn passes_clause(account: &Account, contact: &Contact, filter: &Filter, clause: &Clause) -> bool {
    let in_place = |places: &[&str], part: &[&str]| {
        entries(contact, "addresses").any(|address| {
            places.iter().any(|place| address["field"] == **place)
                && part.iter().any(|part| address[*part].as_str().is_some_and(|text| clause.takes(text)))
        })
    };
    match clause.field.as_str() {
        "email" => contact.emails().any(|email| clause.takes(email)),
        "ids" | "contact_ids" => clause.takes(&contact.id.to_string()),
        "contact_id" => clause.takes_number(contact.id),
        "company_id" => {
            contact.fields.get("company").is_some_and(|it| clause.takes(it["id"].as_str().unwrap_or("")))
        }
        "given_name" | "family_name" | "middle_name" | "website" => clause.takes(contact.text(&clause.field)),
        // The windows are looked at together; there are no lead sources yet, so that nothing has one of this name.
        "start_update_time" | "end_update_time" => true,
        "lead_source_name" => false,
        "phone_fields" => true,
        "phone_number" => entries(contact, "phone_numbers").any(|phone| {
            let named = filter
                .clause("phone_fields")
                .is_some_and(|it| it.takes(phone["field"].as_str().unwrap_or("")));
            named && clause.takes(phone["number"].as_str().unwrap_or(""))
        }),
        "city" => in_place(&["BILLING", "SHIPPING", "OTHER"], &["locality"]),
        "state" => in_place(&["BILLING", "SHIPPING", "OTHER"], &["region", "region_code"]),
        field => match field.split_once("_address_") {
            Some((place, "region")) => in_place(&[&place.to_uppercase()], &["region", "region_code"]),
            Some((place, part)) => in_place(&[&place.to_uppercase()], &[part]),
            None => custom_field_passes(account, contact, clause),
        },
    }
}

/// A custom field is named by its `field_name` (assumed: the description says only that it can be done).
fn custom_field_passes(account: &Account, contact: &Contact, clause: &Clause) -> bool {
    let Some(id) = account.custom_fields.named(&clause.field) else { return false };
    let id = id.to_string();
    entries(contact, "custom_fields").filter(|value| value["id"] == id.as_str()).any(|value| {
        match &value["content"] {
            Value::String(text) => clause.takes(text),
            Value::Null => false,
            other => clause.takes(&other.to_string()),
        }
    })
}

fn entries<'a>(contact: &'a Contact, list: &str) -> impl Iterator<Item = &'a Value> {
    contact.fields.get(list).and_then(Value::as_array).into_iter().flatten()
}

fn order_key(contact: &Contact, order_by: &str) -> String {
    match order_by {
        "email" => contact.first_email().to_lowercase(),
        "create_time" => time_key(contact.create_time),
        "update_time" => time_key(contact.update_time),
        _ => number_key(contact.id),
    }
}

//! A contact as the API shows it.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use crate::state::accounts::Account;
use crate::state::contacts::Contact;
use crate::state::time::written;

/// Every property that `fields` may name, from the description.
pub(super) const FIELDS: &[&str] = &[
    "addresses",
    "anniversary_date",
    "birth_date",
    "company",
    "contact_type",
    "create_time",
    "custom_fields",
    "email_addresses",
    "family_name",
    "fax_numbers",
    "given_name",
    "id",
    "job_title",
    "leadsource_id",
    "links",
    "middle_name",
    "notes",
    "origin",
    "owner_id",
    "phone_numbers",
    "preferred_locale",
    "preferred_name",
    "prefix",
    "referral_code",
    "score_value",
    "social_accounts",
    "source_type",
    "spouse_name",
    "suffix",
    "tag_ids",
    "time_zone",
    "update_time",
    "utm_parameters",
    "website",
    "account_id",
    "assistant_name",
    "assistant_phone",
    "billing_information",
    "created_by",
    "groups",
    "last_updated_by",
];

/// Shown only when asked for. That there is such a set is documented, what is in it is assumed.
pub(super) const OPTIONAL: &[&str] = &[
    "account_id",
    "assistant_name",
    "assistant_phone",
    "billing_information",
    "created_by",
    "custom_fields",
    "groups",
    "job_title",
    "last_updated_by",
    "links",
    "notes",
    "score_value",
    "social_accounts",
    "utm_parameters",
];

/// Reads the `fields` parameter; `None` means the default set.
pub(super) fn chosen(words: Option<Vec<&str>>) -> Result<Option<Vec<&str>>, Refusal> {
    let Some(words) = words.filter(|words| !words.is_empty()) else { return Ok(None) };
    match words.iter().find(|word| !FIELDS.contains(*word)) {
        Some(unknown) => Err(Refusal::bad_request(format!("Unknown property in fields: {unknown}"))),
        None => Ok(Some(words)),
    }
}

/// The contact with the chosen properties. The id is always among them.
pub(super) fn view(account: &Account, contact: &Contact, chosen: Option<&[&str]>) -> Value {
    let mut shown = Map::new();
    for field in FIELDS {
        let wanted = match chosen {
            None => !OPTIONAL.contains(field),
            Some(chosen) => *field == "id" || chosen.contains(field),
        };
        if wanted && let Some(value) = property(account, contact, field) {
            shown.insert((*field).to_owned(), value);
        }
    }
    Value::Object(shown)
}

/// One property. Lists are there even when empty; other properties without a value are left out (assumed).
fn property(account: &Account, contact: &Contact, field: &str) -> Option<Value> {
    let plain = || contact.fields.get(field).cloned();
    match field {
        "id" => Some(Value::from(contact.id.to_string())),
        "create_time" => Some(Value::from(written(contact.create_time))),
        "update_time" => Some(Value::from(written(contact.update_time))),
        "tag_ids" => Some(contact.tags.keys().map(u64::to_string).collect()),
        "email_addresses" => Some(email_addresses(contact)),
        "custom_fields" => Some(custom_fields(account, contact)),
        "origin" => contact
            .fields
            .get("origin")
            .map(|origin| json!({"date": written(contact.create_time), "ip_address": origin["ip_address"]})),
        "utm_parameters" => Some(utm_parameters(contact)),
        "score_value" => Some(Value::from("0")),
        "source_type" => Some(plain().unwrap_or_else(|| Value::from("API"))),
        "links" | "notes" => Some(json!([])),
        "addresses" | "phone_numbers" | "fax_numbers" | "social_accounts" => {
            Some(plain().unwrap_or_else(|| json!([])))
        }
        _ => plain(),
    }
}

/// Documented: a reason given by the client opts an address in.
fn email_addresses(contact: &Contact) -> Value {
    let entries = contact.fields.get("email_addresses").and_then(Value::as_array);
    let shown = entries.into_iter().flatten().map(|entry| {
        let opted_in = entry["opt_in_reason"].as_str().is_some_and(|reason| !reason.is_empty());
        let mut entry = entry.clone();
        entry["is_opt_in"] = Value::from(opted_in);
        entry["email_opt_status"] =
            Value::from(if opted_in { "SINGLE_OPT_IN" } else { "UNENGAGED_NON_MARKETABLE" });
        entry
    });
    shown.collect()
}

/// A value for every field that the account has, as Keap does (assumed), so that a cleared one is seen as cleared.
fn custom_fields(account: &Account, contact: &Contact) -> Value {
    let values = contact.fields.get("custom_fields").and_then(Value::as_array);
    let content = |id: &str| {
        let value = values.into_iter().flatten().find(|value| value["id"] == id);
        value.map_or(Value::Null, |value| value["content"].clone())
    };
    let ids = account.custom_fields.by_id.keys().map(u64::to_string);
    ids.map(|id| json!({"content": content(&id), "id": id})).collect()
}

/// Goes in as one object in snake case and comes out as a list in camel case (documented).
fn utm_parameters(contact: &Contact) -> Value {
    let Some(utm) = contact.fields.get("utm_parameters") else { return json!([]) };
    json!([{
        "id": contact.id,
        "keapSourceId": utm["keap_source_id"],
        "utmSource": utm["utm_source"],
        "utmMedium": utm["utm_medium"],
        "utmTerm": utm["utm_term"],
        "utmCampaign": utm["utm_campaign"],
        "utmContent": utm["utm_content"],
        "firstTouch": true,
        "lastTouch": true,
        "dateCreated": written(contact.create_time),
    }])
}

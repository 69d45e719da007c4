//! The card of the company that owns an account.

use serde_json::{Map, Value, json};

/// Properties that a PATCH may name, from the description.
pub(crate) const WRITABLE: &[&str] = &[
    "name",
    "email",
    "website",
    "phone",
    "address",
    "currency_code",
    "business_goals",
    "business_primary_color",
    "business_secondary_color",
];

/// The profile of a new account.
pub(crate) fn initial(name: &str) -> Map<String, Value> {
    let profile = json!({
        "name": name,
        "email": "hello@example.com",
        "website": "https://example.com",
        "phone": "(480) 555-0100",
        "address": {
            "line1": "1 Main St", "line2": "", "locality": "Chandler", "region": "Arizona",
            "country_code": "USA", "postal_code": "85225",
        },
        "time_zone": "America/Phoenix",
        "currency_code": "USD",
        "language_tag": "en-US",
        "business_type": "Other",
        "business_goals": [],
    });
    match profile {
        Value::Object(profile) => profile,
        _ => Map::new(),
    }
}

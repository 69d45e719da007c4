//! Checks request bodies against the schemas of the published API description.

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Request schemas taken from the description of REST v2, with everything they refer to.
static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    // A test makes sure that this parses.
    serde_json::from_str(include_str!("../../description/schemas-v2.json")).unwrap_or_default()
});

/// Checks a body. The error is a sentence for the client's developer.
///
/// Documented: types, lengths, enum words and required properties. Observed (v1): an unknown property is refused.
/// Assumed: `null` is the same as absent.
pub(crate) fn check(schema: &str, body: &Value) -> Result<(), String> {
    match SCHEMAS.get(schema) {
        Some(schema) => check_value(schema, body, ""),
        None => Ok(()),
    }
}

fn check_value(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let schema = resolve(schema);
    match schema["type"].as_str() {
        Some("object") => check_object(schema, value, path),
        Some("array") => check_array(schema, value, path),
        Some("string") => check_string(schema, value, path),
        Some("boolean") if !value.is_boolean() => Err(format!("{path} must be a boolean")),
        Some("integer") if !value.is_i64() && !value.is_u64() => Err(format!("{path} must be an integer")),
        _ => Ok(()),
    }
}

fn check_object(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let Value::Object(object) = value else {
        return Err(if path.is_empty() {
            "Input could not be converted to a valid request".to_owned()
        } else {
            format!("{path} must be an object")
        });
    };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if object.get(required).is_none_or(Value::is_null) {
            return Err(format!("{} is required", join(path, required)));
        }
    }
    let properties = &schema["properties"];
    for (name, value) in object {
        let Some(property) = properties.get(name) else {
            return Err(format!("Unrecognized property: {}", join(path, name)));
        };
        if !value.is_null() {
            check_value(property, value, &join(path, name))?;
        }
    }
    Ok(())
}

fn check_array(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let items = value.as_array().ok_or_else(|| format!("{path} must be an array"))?;
    for (at, item) in items.iter().enumerate() {
        check_value(&schema["items"], item, &format!("{path}[{at}]"))?;
    }
    Ok(())
}

fn check_string(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let text = value.as_str().ok_or_else(|| format!("{path} must be a string"))?;
    if let Some(most) = schema["maxLength"].as_u64()
        && text.chars().count() as u64 > most
    {
        return Err(format!("{path} must be at most {most} characters long"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.iter().any(|word| word == text)
    {
        return Err(format!("{path} has an unknown value: {text}"));
    }
    Ok(())
}

fn resolve(schema: &Value) -> &Value {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.and_then(|name| SCHEMAS.get(name)).unwrap_or(schema)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_reference_in_the_description_leads_somewhere() {
        assert!(SCHEMAS.len() >= 18);
        let text = include_str!("../../description/schemas-v2.json");
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(SCHEMAS.contains_key(name), "{name}");
        }
    }

    #[test]
    fn bodies_are_checked_by_kind_of_mistake() {
        let long = "x".repeat(41);
        for (body, message) in [
            (json!([]), "Input could not be converted to a valid request"),
            (json!({"tag_ids": ["1"]}), "Unrecognized property: tag_ids"),
            (json!({"given_name": long}), "given_name must be at most 40 characters long"),
            (json!({"given_name": 5}), "given_name must be a string"),
            (json!({"email_addresses": {}}), "email_addresses must be an array"),
            (json!({"email_addresses": ["x"]}), "email_addresses[0] must be an object"),
            (
                json!({"email_addresses": [{"email": "a@b.c", "field": "EMAIL9"}]}),
                "email_addresses[0].field has an unknown value: EMAIL9",
            ),
            (json!({"social_accounts": [{"name": "x"}]}), "social_accounts[0].type is required"),
            (json!({"company": "Acme"}), "company must be an object"),
        ] {
            assert_eq!(check("CreateUpdateContactRequest", &body).unwrap_err(), message);
        }
        let good =
            json!({"given_name": "Ann", "family_name": null, "custom_fields": [{"id": "1", "content": [1]}]});
        assert_eq!(check("CreateUpdateContactRequest", &good), Ok(()));
    }
}

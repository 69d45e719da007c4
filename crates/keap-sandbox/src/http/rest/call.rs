//! One call of an operation, taken apart.

use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::state::accounts::Account;
use crate::state::credentials::Caller;
use crate::state::filter::{Fields, Filter};
use crate::state::paging::Paging;
use crate::state::schema;
use crate::state::world::World;

/// A call by somebody who may make it.
pub(super) struct Call<'a> {
    pub(super) now: Timestamp,
    pub(super) method: &'a Method,
    pub(super) caller: &'a Caller,
    path: &'a str,
    query: Vec<(String, String)>,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    pub(super) fn new(
        now: Timestamp,
        method: &'a Method,
        path: &'a str,
        query: &str,
        body: &'a [u8],
        caller: &'a Caller,
    ) -> Self {
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { now, method, caller, path, query, body }
    }

    /// `POST /rest/v2/contacts`, as Keap names it in errors.
    pub(super) fn resource(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn account_key(&self) -> &str {
        &self.caller.account
    }

    pub(super) fn account<'w>(&self, world: &'w World) -> Result<&'w Account, Refusal> {
        world.accounts.get(self.account_key()).ok_or_else(Refusal::no_such_path)
    }

    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may be repeated or hold a comma list.
    pub(super) fn words(&self, name: &str) -> Option<Vec<&str>> {
        let mut values = self.query.iter().filter(|(known, _)| known == name).peekable();
        values.peek()?;
        let words = values.flat_map(|(_, value)| value.split(','));
        Some(words.map(str::trim).filter(|word| !word.is_empty()).collect())
    }

    /// The body, once it fits its schema.
    pub(super) fn body(&self, schema: &str) -> Result<Map<String, Value>, Refusal> {
        let malformed = || Refusal::bad_request("Input could not be converted to a valid request");
        let body: Value = serde_json::from_slice(self.body).map_err(|_| malformed())?;
        schema::check(schema, &body).map_err(Refusal::bad_request)?;
        match body {
            Value::Object(body) => Ok(body),
            _ => Err(malformed()),
        }
    }

    /// The properties that a PATCH changes: those of the body, or those of the mask. A property that is in the mask
    /// and not in the body is cleared (assumed).
    pub(super) fn changes(
        &self,
        mut body: Map<String, Value>,
        maskable: &[&str],
    ) -> Result<Map<String, Value>, Refusal> {
        let Some(mask) = self.words("update_mask").filter(|mask| !mask.is_empty()) else { return Ok(body) };
        let mut changes = Map::new();
        for name in mask {
            if !maskable.contains(&name) {
                return Err(Refusal::bad_request(format!("Unknown property in update_mask: {name}")));
            }
            changes.insert(name.to_owned(), body.remove(name).unwrap_or(Value::Null));
        }
        Ok(changes)
    }

    pub(super) fn filter(&self, fields: Fields, is_custom: impl Fn(&str) -> bool) -> Result<Filter, Refusal> {
        let text = self.parameter("filter").unwrap_or_default();
        Filter::parse(text, fields, is_custom).map_err(Refusal::bad_request)
    }

    pub(super) fn paging(&self, orders: &'static [&'static str]) -> Result<Paging, Refusal> {
        Paging::parse(
            self.parameter("order_by"),
            self.parameter("page_size"),
            self.parameter("page_token"),
            self.parameter("filter").unwrap_or_default(),
            orders,
        )
        .map_err(Refusal::bad_request)
    }
}

/// An id from the path; what is not a number names nothing.
pub(super) fn id(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

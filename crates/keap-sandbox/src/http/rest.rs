//! The REST API: the gateway in front, then one function per operation.

mod business_profile;
mod call;
mod categories;
mod contact_filter;
mod contact_view;
mod contacts;
mod custom_fields;
mod gateway;
mod quota_headers;
mod refusal;
mod tag_use;
mod tags;
mod userinfo;

use std::borrow::Cow;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::Value;

pub(super) use gateway::throttled;

use self::call::Call;
use self::refusal::Refusal;
use super::Answered;
use crate::description::{self, Found};
use crate::state::State;
use crate::state::world::World;

/// What an operation answers.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Option<Value>,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body) }
    }

    fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, body: Some(body) }
    }

    fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None }
    }
}

/// Answers a request below `/crm`. The gateway comes before routing (observed): an unknown path without a credential
/// is a 401, not a 404.
pub(super) async fn answer(state: &State, parts: &Parts, body: &Bytes) -> Answered {
    let now = state.clock.now();
    let path = plain_path(parts.uri.path());
    let found = description::find(&parts.method, &path);
    let query = parts.uri.query().unwrap_or_default();
    let outcome = state.change(|world| {
        let passed = gateway::pass(world, now, &parts.headers);
        let answer = passed.as_ref().ok().filter(|passed| !passed.quota.exceeded).map(|passed| {
            let call = Call::new(now, &parts.method, &path, query, body, &passed.caller);
            dispatch(world, &found, &call).map_err(|refusal| (refusal, call.resource()))
        });
        (passed, answer)
    });
    let (passed, answer) = match outcome.await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(%error, "a change was not saved");
            return Answered { response: refusal::internal(), account: None };
        }
    };
    let (mut response, quota, account) = match passed {
        Err(refused) => (gateway::unauthorized(refused), None, None),
        Ok(passed) => {
            let response = match answer {
                None => throttled(),
                Some(Ok(answer)) => json_response(answer.status, answer.body.as_ref()),
                Some(Err((refusal, resource))) => refusal.response(&resource),
            };
            (response, Some(passed.quota), Some(passed.caller.account))
        }
    };
    quota_headers::write(response.headers_mut(), quota.as_ref(), account.as_deref());
    Answered { response, account }
}

/// The table of contents.
fn dispatch(world: &mut World, found: &Found<'_>, call: &Call<'_>) -> Result<Answer, Refusal> {
    let (id, parameters) = match found {
        Found::Operation { id, parameters } => (*id, parameters.as_slice()),
        Found::OtherMethods(methods) if call.method == Method::OPTIONS => {
            return Err(Refusal::options(methods));
        }
        Found::OtherMethods(methods) => return Err(Refusal::method_not_allowed(methods)),
        Found::Nothing => return Err(Refusal::no_such_path()),
    };
    let first = parameters.first().copied().unwrap_or_default();
    match id {
        "listContacts" => contacts::list(world, call),
        "createContact" => contacts::create(world, call),
        "getContact" => contacts::get(world, call, first),
        "updateContact" => contacts::update(world, call, first),
        "deleteContact" => contacts::delete(world, call, first),
        "listTagsForContact" => tag_use::of_contact(world, call, first),
        "retrieveContactModel" => custom_fields::model(world, call),
        "createContactCustomField" => custom_fields::create(world, call),
        "deleteContactCustomField" => custom_fields::delete(world, call, first),
        "listTags" => tags::list(world, call),
        "createTag" => tags::create(world, call),
        "getTag" => tags::get(world, call, first),
        "updateTag" => tags::update(world, call, first),
        "deleteTag" => tags::delete(world, call, first),
        "applyTags" => tag_use::apply(world, call, first),
        "removeTags" => tag_use::remove(world, call, first),
        "listContactsWithTagId" => tag_use::of_tag(world, call, first),
        "listTagCategories" => categories::list(world, call),
        "createTagCategory" => categories::create(world, call),
        "getCategory" => categories::get(world, call, first),
        "updateTagCategory" => categories::update(world, call, first),
        "deleteTagCategory" => categories::delete(world, call, first),
        "getUserInfo" => userinfo::get(world, call),
        "getBusinessProfile" => business_profile::get(world, call),
        "updateBusinessProfile" => business_profile::update(world, call),
        _ => Err(Refusal::not_implemented()),
    }
}

/// The path below `/crm`, with the colon of custom verbs as a colon: some HTTP libraries encode it.
pub(super) fn plain_path(path: &str) -> Cow<'_, str> {
    let path = path.strip_prefix("/crm").unwrap_or(path);
    if path.contains('%') {
        Cow::Owned(path.replace("%3A", ":").replace("%3a", ":"))
    } else {
        Cow::Borrowed(path)
    }
}

fn json_response(status: StatusCode, body: Option<&Value>) -> Response<Body> {
    let Some(body) = body else { return super::plain_status(status) };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

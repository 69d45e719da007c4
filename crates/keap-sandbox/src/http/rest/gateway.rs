//! What stands before every operation: the credential and the quota.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::json;

use super::json_response;
use crate::state::credentials::{Caller, CallerRefused};
use crate::state::quota::QuotaReport;
use crate::state::world::World;

/// A caller who may go on, if the quota is not exceeded.
pub(super) struct Passed {
    pub(super) caller: Caller,
    pub(super) quota: QuotaReport,
}

/// Why a caller may not.
#[derive(Clone, Copy)]
pub(super) struct Unauthorized {
    why: CallerRefused,
    with_key: bool,
}

/// Credentials count in headers only; the old `?access_token=` is not looked at.
pub(super) fn pass(world: &mut World, now: Timestamp, headers: &HeaderMap) -> Result<Passed, Unauthorized> {
    let key = headers.get("x-keap-api-key");
    let refused = |why| Unauthorized { why, with_key: key.is_some() };
    let caller = match key {
        Some(key) => world.key(key.to_str().unwrap_or_default()),
        None => match bearer(headers) {
            Some(token) => world.bearer(now, token),
            None => Err(CallerRefused::Missing),
        },
    };
    let caller = caller.map_err(refused)?;
    let quota = world.count_call(now, &caller);
    Ok(Passed { caller, quota })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Observed shapes; the one for a bad key is Apigee's usual one (assumed).
pub(super) fn unauthorized(refused: Unauthorized) -> Response<Body> {
    let (text, code) = match refused.why {
        CallerRefused::Missing => ("Invalid access token", "oauth.v2.InvalidAccessToken"),
        CallerRefused::Unknown if refused.with_key => ("Invalid ApiKey", "oauth.v2.InvalidApiKey"),
        CallerRefused::Unknown => ("Invalid Access Token", "keymanagement.service.invalid_access_token"),
        CallerRefused::Expired => ("Access Token expired", "keymanagement.service.access_token_expired"),
    };
    let body = json!({"fault": {"faultstring": text, "detail": {"errorcode": code}}});
    let mut response = json_response(StatusCode::UNAUTHORIZED, Some(&body));
    // RFC 6750, 3: no error code when no credential was shown.
    let challenge = match refused.why {
        CallerRefused::Missing => "Bearer realm=\"keap\"",
        CallerRefused::Unknown | CallerRefused::Expired => "Bearer realm=\"keap\", error=\"invalid_token\"",
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// Observed: `code` is a string here, and there is no `Retry-After`.
pub(in crate::http) fn throttled() -> Response<Body> {
    let body = json!({
        "code": "429", "message": "Quota Exceeded", "status": "Request Throttled", "details": null,
    });
    json_response(StatusCode::TOO_MANY_REQUESTS, Some(&body))
}

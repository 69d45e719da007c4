//! Errors in the shape of Keap's v2 service.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::json_response;

/// A call that is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    allow: Option<String>,
}

impl Refusal {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} with id {id} was not found"))
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "The requested resource does not exist")
    }

    pub(super) fn method_not_allowed(methods: &[&str]) -> Self {
        let message = format!("This resource supports {}", methods.join(", "));
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, message);
        Self { allow: Some(methods.join(", ")), ..refusal }
    }

    /// Not a refusal, but an answer without content all the same.
    pub(super) fn options(methods: &[&str]) -> Self {
        let refusal = Self::new(StatusCode::NO_CONTENT, String::new());
        Self { allow: Some(methods.join(", ")), ..refusal }
    }

    pub(super) fn not_implemented() -> Self {
        let message = "Keap has this operation, the sandbox does not have it yet";
        Self::new(StatusCode::NOT_IMPLEMENTED, message)
    }

    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }

    /// The answer; `resource` is the method and path as Keap names them.
    pub(super) fn response(&self, resource: &str) -> Response<Body> {
        let body = json!({
            "code": self.status.as_u16(),
            "message": self.message,
            "status": self.status.canonical_reason().unwrap_or_default(),
            "details": [{"domain": "keap-sandbox", "resource": resource}],
        });
        let body = (self.status != StatusCode::NO_CONTENT).then_some(&body);
        let mut response = json_response(self.status, body);
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}

/// The answer when a change could not be kept.
pub(super) fn internal() -> Response<Body> {
    let message = "The sandbox could not write its data file; its console says why";
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, message).response("")
}

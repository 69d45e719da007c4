//! This application speaks GET, HEAD and POST, whatever the path.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::errors::Fault;

/// Answers every other method, `TRACE` among them, before anything looks at the request.
pub(super) async fn refuse_unknown(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        return next.run(request).await;
    }
    let mut refused = Fault::MethodNotAllowed.into_response();
    refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    refused
}

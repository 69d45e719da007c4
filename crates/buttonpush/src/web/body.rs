//! Bodies: small, and read at once.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::errors::Fault;

/// The longest form anybody has to send.
const BYTES_MAX: usize = 64 * 1024;

/// How long a body may take to arrive. Longer is a stuck connection, or somebody who holds it on purpose.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// The whole body of a request that has arrived.
#[derive(Debug, Clone)]
pub(super) struct Collected(pub(super) Bytes);

/// Reads the body of a form, keeps it for whoever needs it first, and hands it on.
pub(super) async fn collect(request: Request, next: Next) -> Result<Response, Fault> {
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let reading = tokio::time::timeout(ARRIVES_WITHIN, to_bytes(body, BYTES_MAX));
    let bytes = match reading.await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(Fault::TooLarge),
        Err(_) => return Err(Fault::TooSlow),
    };
    parts.extensions.insert(Collected(bytes.clone()));
    Ok(next.run(Request::from_parts(parts, Body::from(bytes))).await)
}

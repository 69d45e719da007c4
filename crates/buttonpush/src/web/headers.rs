//! The headers that every answer has, also an error.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::Site;

const ALWAYS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: with it, browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), usb=()",
    ),
    // What may be kept says so itself: the stylesheet does.
    (header::CACHE_CONTROL, "no-store"),
];

const HSTS: &str = "max-age=63072000; includeSubDomains";

/// Adds what the answer does not have yet: the panel may be stricter, never absent.
pub(super) async fn add(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) = content_security_policy(&site).parse() {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    if site.origin.is_https() {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static(HSTS));
    }
    response
}

/// Chromium applies `form-action` to where a form is redirected to as well, so Keap's sign-in has to be in it.
fn content_security_policy(site: &Site) -> String {
    let keap = site.keap_sign_in.as_ref().map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'{keap}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )
}

//! HTML pages and the headers that protect them.

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use url::Url;

/// A page, with the places that its forms may lead to.
pub(super) struct Page<T> {
    pub(super) status: StatusCode,
    pub(super) template: T,
    /// Browsers apply `form-action` to redirects as well, so a form whose answer leads to another site must say so.
    pub(super) leads_to: Option<String>,
}

impl<T: Template> Page<T> {
    pub(super) fn new(template: T) -> Self {
        Self { status: StatusCode::OK, template, leads_to: None }
    }

    /// A page whose form is answered by a redirect to this URI.
    pub(super) fn leading_to(template: T, uri: &str) -> Self {
        let origin = Url::parse(uri).ok().map(|uri| uri.origin().ascii_serialization());
        Self { status: StatusCode::OK, template, leads_to: origin }
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.template.render() {
            Ok(html) => html_response(self.status, html, self.leads_to.as_deref()),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A page that says what went wrong.
pub(super) fn problem(status: StatusCode, title: &str, text: &str) -> Response {
    Page { status, template: Problem { title, text }, leads_to: None }.into_response()
}

/// The page for a change that did not reach the data file.
pub(super) fn not_saved() -> Response {
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The change was not saved",
        "The sandbox could not write its data file. Its console says why; a full disk is the usual reason.",
    )
}

/// The answer to a form that did not come from one of our own pages.
pub(super) fn foreign_form() -> Response {
    problem(
        StatusCode::FORBIDDEN,
        "This form came from somewhere else",
        "The sandbox only takes forms from its own pages. Go back, load the page again and repeat what you did.",
    )
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    title: &'a str,
    text: &'a str,
}

fn html_response(status: StatusCode, html: String, leads_to: Option<&str>) -> Response {
    let form_action = leads_to.map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{form_action}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, "text/html; charset=utf-8");
    put(header::CONTENT_SECURITY_POLICY, &policy);
    put(header::CACHE_CONTROL, "no-store");
    put(header::REFERRER_POLICY, "same-origin");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    put(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    response
}

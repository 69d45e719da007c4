//! Keeps web pages from elsewhere away from the controls.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Problem;
use crate::http::origin;

pub(super) async fn own_callers_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !origin::is_local_name(headers) {
        let text =
            "the sandbox is controlled only under a name of this computer, such as 127.0.0.1 or localhost";
        return Problem(StatusCode::FORBIDDEN, text.to_owned()).into_response();
    }
    if !request.method().is_safe() && !origin::is_own(headers) {
        let text = "the sandbox is not controlled by pages from elsewhere";
        return Problem(StatusCode::FORBIDDEN, text.to_owned()).into_response();
    }
    next.run(request).await
}

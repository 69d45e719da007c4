//! One name for the site: `localhost` and `127.0.0.1` are one machine, but to a browser two sites with two sessions.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::app::Site;

/// Leads whoever comes under another name to the public origin.
///
/// It also ends the attack in which a name of somebody else's is pointed at this machine. Behind https the proxy has
/// decided about names already, and may have changed the one we see.
pub(super) async fn lead_to_origin(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let right_name = host.is_none_or(|host| host.eq_ignore_ascii_case(site.origin.authority()));
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if right_name || !safe || site.origin.is_https() {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    Redirect::temporary(&format!("{}{path}", site.origin)).into_response()
}

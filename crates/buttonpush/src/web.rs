//! The pages: a table of contents, grouped by who calls.

pub mod admin;
mod assets;
mod body;
mod button;
pub mod caller;
pub mod cookies;
pub mod errors;
mod first_administrator;
pub mod forgery;
mod form;
mod headers;
mod home;
mod host;
mod log_in;
mod log_out;
mod methods;
mod next_path;
mod page;
mod ready;
mod request_log;
mod sign_up;
mod visitor;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

pub use assets::{icon_path, stylesheet_path};
pub use next_path::NextPath;
pub use visitor::Peer;

use crate::app::App;

/// All routes, with the admin pages of the SDK mounted below `/admin/keap`.
pub fn router(app: App, panel: Router) -> Router {
    let pages = Router::new()
        // Everybody.
        .route("/", get(home::show))
        .route("/sign-up", get(sign_up::show).post(sign_up::submit))
        .route("/log-in", get(log_in::show).post(log_in::submit))
        .route("/log-out", post(log_out::submit))
        // Whoever is logged in.
        .route("/button", get(button::show).post(button::press))
        // Whoever holds the link on the console.
        .route(admin::FIRST_PATH, get(first_administrator::show).post(first_administrator::submit))
        // Administrators.
        .route(admin::HOME_PATH, get(admin::show))
        .nest(admin::PANEL_PATH, panel.with_state(()));
    let guarded = pages
        .fallback(errors::not_found)
        // Asked from the last to the first: under which name, who calls, whether they may, whether they mean it.
        .layer(from_fn_with_state(app.site.clone(), forgery::refuse))
        .layer(from_fn(body::collect))
        .layer(from_fn(admin::guard))
        .layer(from_fn_with_state(app.clone(), caller::identify))
        .layer(from_fn_with_state(app.site.clone(), host::lead_to_origin));
    let site = app.site.clone();
    Router::new()
        // Machines: no cookies, no session.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready::show))
        .with_state(app.clone())
        .route("/assets/{file}", get(assets::serve))
        .merge(guarded.with_state(app))
        .layer(from_fn(methods::refuse_unknown))
        .layer(from_fn(errors::dress))
        .layer(CatchPanicLayer::custom(errors::panicked))
        .layer(from_fn_with_state(site, headers::add))
        .layer(from_fn(request_log::write))
}

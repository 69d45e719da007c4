//! The panel's table of contents.

use axum::Router;
use axum::routing::{get, post};

use crate::page::add_headers;
use crate::pages::{callback, connect, deliveries, disconnect, overview, returned, status};
use crate::panel::Panel;
use crate::{assets, page};

impl Panel {
    /// The routes, to be nested at the mount path.
    pub fn router(self) -> Router {
        Router::new()
            // Administrators.
            .route("/", get(overview::show))
            .route("/status.json", get(status::show))
            .route("/connect", post(connect::submit))
            .route("/disconnect", get(disconnect::show).post(disconnect::submit))
            .route("/deliveries/{id}/retry", post(deliveries::retry))
            // A browser that comes from Keap.
            .route("/callback", get(callback::receive))
            .route("/return", get(returned::show))
            // Anybody.
            .route("/{file}", get(assets::serve))
            .fallback(page::not_found)
            .layer(axum::middleware::map_response(add_headers))
            .with_state(self)
    }
}

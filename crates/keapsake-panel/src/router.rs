//! The panel's table of contents.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response_with_state;
use axum::routing::{get, post};

use crate::pages::{adopt, callback, connect, deliveries, disconnect, overview, refresh, returned, status};
use crate::panel::Panel;
use crate::{assets, headers, page};

/// Longer than any form of the panel.
const BODY_BYTES_MAX: usize = 16 << 10;

impl Panel {
    /// The routes, to be nested at the mount path.
    pub fn router(self) -> Router {
        Router::new()
            // Administrators.
            .route("/", get(overview::show))
            .route("/status.json", get(status::show))
            .route("/connect", post(connect::submit))
            .route("/refresh", post(refresh::submit))
            .route("/adopt", get(adopt::show).post(adopt::submit))
            .route("/disconnect", get(disconnect::show).post(disconnect::submit))
            .route("/deliveries/{id}/retry", post(deliveries::retry))
            // A browser that comes from Keap.
            .route("/callback", get(callback::receive).head(callback::get_only).fallback(callback::get_only))
            .route("/return", get(returned::show))
            // Anybody.
            .route(&format!("/{}", *assets::STYLE_FILE), get(assets::serve))
            .fallback(page::not_found)
            .method_not_allowed_fallback(page::method_not_allowed)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(map_response_with_state(self.clone(), headers::add))
            .with_state(self)
    }
}

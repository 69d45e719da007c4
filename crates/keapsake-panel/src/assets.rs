//! The stylesheet. Its name changes with its content, so browsers may keep it for ever.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("../assets/panel.css");

/// The stylesheet's file name.
pub(crate) static STYLE_FILE: LazyLock<String> = LazyLock::new(|| {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(STYLE));
    format!("style-{a:02x}{b:02x}{c:02x}{d:02x}.css")
});

/// Whether this page of the panel (its path below the mount) has to be reachable without a session: what a browser
/// meets on its way back from Keap, and the stylesheet of those pages.
pub fn needs_no_session(page: &str) -> bool {
    matches!(page, "/callback" | "/return") || page.strip_prefix('/') == Some(STYLE_FILE.as_str())
}

pub(crate) async fn serve() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLE).into_response()
}

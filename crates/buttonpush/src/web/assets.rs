//! The stylesheet and the icon. Their names change with their content, so browsers may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::errors::Fault;

/// A file that is part of the program.
struct Asset {
    path: String,
    kind: &'static str,
    content: &'static str,
}

static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("buttonpush", "css", "text/css; charset=utf-8", include_str!("../../assets/buttonpush.css"))
});

static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")));

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, content: &'static str) -> Self {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(content));
        Self {
            path: format!("/assets/{name}-{:08x}.{ending}", u32::from_be_bytes([a, b, c, d])),
            kind,
            content,
        }
    }
}

/// Where the stylesheet of this build is.
pub fn stylesheet_path() -> &'static str {
    &STYLESHEET.path
}

/// Where the icon of this build is.
pub fn icon_path() -> &'static str {
    &ICON.path
}

/// Answers with the file of exactly this name.
pub(super) async fn serve(Path(file): Path<String>) -> Result<Response, Fault> {
    let asset =
        [&STYLESHEET, &ICON].into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&file));
    let asset = asset.ok_or(Fault::NotFound)?;
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}

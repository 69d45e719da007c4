//! Who may see the panel. The application knows; the panel asks.

use std::fmt;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::page::Trouble;
use crate::panel::Panel;

/// Answers for the application who is an administrator.
pub trait Gate: Send + Sync + 'static {
    /// The administrator who sent this request; `None` for anybody else, who then gets a 403.
    fn admin(&self, request: &Parts) -> Option<Admin>;

    /// Whether the session that [`Admin::session`] stands for is still an administrator's.
    ///
    /// Asked when Keap sends the browser back, which happens without the session's own cookie if that is
    /// `SameSite=Strict`.
    fn is_live_admin<'a>(&'a self, session: &'a str) -> BoxFuture<'a, bool>;
}

/// An administrator at a browser.
#[derive(Clone)]
pub struct Admin {
    /// Stands for the session, without being of use to whoever reads it (a hash of its id, say).
    pub session: String,
    /// The session's token for forms; the panel's forms carry it as `csrf_token` and refuse any other.
    pub csrf_token: String,
}

impl fmt::Debug for Admin {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("session", &self.session).finish_non_exhaustive()
    }
}

impl FromRequestParts<Panel> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Response> {
        panel.gate.admin(parts).ok_or_else(|| panel.trouble(&Trouble::NOT_AN_ADMIN))
    }
}

/// A form that an administrator sent, made for this very session. No handler that changes something takes another.
pub(crate) struct AdminForm<T> {
    pub(crate) admin: Admin,
    pub(crate) fields: T,
}

#[derive(Deserialize)]
struct Posted<T> {
    #[serde(default)]
    csrf_token: String,
    #[serde(flatten)]
    fields: T,
}

/// A form with nothing but its token.
#[derive(Deserialize)]
pub(crate) struct NoFields {}

impl<T: DeserializeOwned> FromRequest<Panel> for AdminForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, panel: &Panel) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let admin = Admin::from_request_parts(&mut parts, panel).await?;
        let is_foreign = is_from_elsewhere(&parts.headers);
        let form = Form::<Posted<T>>::from_request(Request::from_parts(parts, body), panel).await;
        let is_ours = |posted: &Posted<T>| {
            !posted.csrf_token.is_empty()
                && bool::from(admin.csrf_token.as_bytes().ct_eq(posted.csrf_token.as_bytes()))
        };
        match form {
            Ok(Form(posted)) if !is_foreign && is_ours(&posted) => Ok(Self { admin, fields: posted.fields }),
            _ => {
                tracing::warn!("a form was refused that no page of the panel made for this session");
                Err(panel.trouble(&Trouble::FOREIGN_FORM))
            }
        }
    }
}

/// Whether the browser says that another site's page sent it. Old browsers say nothing; the token decides for them.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

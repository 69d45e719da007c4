//! Who may see the panel. The application knows; the panel asks.

use axum::extract::FromRequestParts;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::request::Parts;
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
#[derive(Debug, Clone)]
pub struct Admin {
    /// Stands for the session, without being of use to whoever reads it (a hash of its id, say).
    pub session: String,
    /// The session's token for forms; the panel's forms carry it as `csrf_token` and refuse any other.
    pub csrf_token: String,
}

impl Admin {
    /// Refuses a form that was not made for this session.
    pub(crate) fn check(&self, panel: &Panel, csrf_token: &str) -> Result<(), Response> {
        if bool::from(self.csrf_token.as_bytes().ct_eq(csrf_token.as_bytes())) && !csrf_token.is_empty() {
            return Ok(());
        }
        Err(panel.trouble(&Trouble::FOREIGN_FORM))
    }
}

impl FromRequestParts<Panel> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Response> {
        panel.gate.admin(parts).ok_or_else(|| panel.trouble(&Trouble::NOT_AN_ADMIN))
    }
}

//! What every page between the request and the answer has to know first.

use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::http::{cookies, form::Form, origin, page};
use crate::state::secret::same;
use crate::state::sessions::Pending;
use crate::state::world::World;

/// A page in the middle of an authorization.
pub(super) struct Step {
    pub(super) authorization: String,
    pub(super) csrf: String,
    pub(super) user: Option<String>,
    pub(super) pending: Pending,
}

/// Finds the authorization that a page belongs to.
pub(super) fn shown(world: &mut World, headers: &HeaderMap, query: &str) -> Result<Step, Lost> {
    let form = Form::read(query.as_bytes());
    find(world, headers, form.get("authorization").unwrap_or_default())
}

/// The same for a form, which must also come from one of our pages.
pub(super) fn submitted(world: &mut World, headers: &HeaderMap, form: &Form<'_>) -> Result<Step, Lost> {
    if !origin::is_own(headers) {
        return Err(Lost::Foreign);
    }
    let step = find(world, headers, form.get("authorization").unwrap_or_default())?;
    if same(&step.csrf, form.get("csrf").unwrap_or_default()) { Ok(step) } else { Err(Lost::Foreign) }
}

fn find(world: &mut World, headers: &HeaderMap, id: &str) -> Result<Step, Lost> {
    let cookie = cookies::session(headers).ok_or(Lost::NoSession)?;
    let session = world.sessions.get(cookie).ok_or(Lost::NoSession)?;
    let (csrf, user) = (session.csrf.clone(), session.user.clone());
    let pending = session.pending(id).ok_or(Lost::NoAuthorization)?.clone();
    Ok(Step { authorization: id.to_owned(), csrf, user, pending })
}

/// Why there is no page.
pub(super) enum Lost {
    NoSession,
    NoAuthorization,
    Foreign,
}

impl Lost {
    pub(super) fn response(&self) -> Response {
        match self {
            Self::Foreign => page::foreign_form(),
            Self::NoSession => page::problem(
                StatusCode::BAD_REQUEST,
                "Your session has ended",
                "The sandbox does not know this browser. It was restarted, or the browser keeps no cookies. Go back to \
                 your application and connect again.",
            ),
            Self::NoAuthorization => page::problem(
                StatusCode::BAD_REQUEST,
                "This request has been answered",
                "Each request can be answered once. Go back to your application and connect again.",
            ),
        }
    }
}

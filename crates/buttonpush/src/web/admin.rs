//! `/admin`: the administrators' pages, and what the mounted panel needs to know about them.

use askama::Template;
use axum::extract::{OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::caller::Caller;
use super::errors::Fault;
use super::next_path::NextPath;
use super::page::{Layout, Visitor, render};
use crate::accounts::users;
use crate::app::App;
use crate::keap::panel_page_needs_no_session;
use crate::presses;
use crate::sessions::Sessions;
use crate::token::TokenHash;

/// The administrators' start page.
pub const HOME_PATH: &str = "/admin";

/// The one-time link's page.
pub const FIRST_PATH: &str = "/admin/first";

/// Where the panel is mounted.
pub const PANEL_PATH: &str = "/admin/keap";

/// Whether this page below [`HOME_PATH`] has to be reachable without a session.
///
/// Keap sends the administrator's browser to the panel's callback from another site, so it comes without the session's
/// cookie; the panel recognises it by a cookie of its own and then asks [`session_is_live_administrator`].
fn is_public(path: &str) -> bool {
    path == FIRST_PATH || path.strip_prefix(PANEL_PATH).is_some_and(panel_page_needs_no_session)
}

/// What the panel is told about a request of an administrator, as an extension of the request.
///
/// A request without it comes from somebody unknown, which only the callback and the page after it ever see.
#[derive(Debug, Clone)]
pub struct AdministratorVisit {
    /// Stands for the session, without being of use to whoever reads it.
    pub binding: String,
    /// The token for the panel's forms, in the field [`super::forgery::TOKEN_FIELD`].
    pub form_token: String,
}

impl AdministratorVisit {
    fn of(caller: &Caller) -> Option<Self> {
        let session = caller.administrator()?;
        let form_token = caller.form_token().reveal().to_owned();
        Some(Self { binding: session.hash.as_str().to_owned(), form_token })
    }
}

/// Whether the session that this binding stands for is an administrator's and still alive.
pub async fn session_is_live_administrator(sessions: &Sessions, binding: &str) -> anyhow::Result<bool> {
    Ok(sessions.is_live_administrator(&TokenHash::from(binding.to_owned())).await?)
}

/// Keeps everybody but administrators from everything below `/admin`, whatever is mounted there.
pub(super) async fn guard(caller: Caller, mut request: Request, next: Next) -> Result<Response, Fault> {
    let path = request.uri().path();
    if !is_below_home(path) {
        return Ok(next.run(request).await);
    }
    let public = is_public(path);
    match AdministratorVisit::of(&caller) {
        Some(visit) => {
            request.extensions_mut().insert(visit);
        }
        None if public => {}
        None if caller.session().is_some() => return Err(Fault::NotAdministrator),
        None => return Ok(to_log_in(&request)),
    }
    Ok(next.run(request).await)
}

fn is_below_home(path: &str) -> bool {
    path.strip_prefix(HOME_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn to_log_in(request: &Request) -> Response {
    let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |OriginalUri(uri)| uri);
    let wanted = uri.path_and_query().and_then(|wanted| NextPath::parse(wanted.as_str()));
    let next = wanted.as_ref().map_or(HOME_PATH, NextPath::as_str);
    let query = serde_html_form::to_string([("next", next)]).unwrap_or_default();
    Redirect::to(&format!("/log-in?{query}")).into_response()
}

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminHome {
    layout: Layout,
    users: i64,
    presses: i64,
    panel: &'static str,
}

/// Shows how many people and presses there are, and the way to the panel.
pub(super) async fn show(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    let users = users::count(app.database.readers()).await?;
    let presses = presses::count(app.database.readers()).await?;
    let layout = Layout::of(&caller, "Administration");
    render(StatusCode::OK, &AdminHome { layout, users, presses, panel: PANEL_PATH })
}

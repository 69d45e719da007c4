//! `/log-in`: becoming somebody.

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::admin;
use super::caller::Caller;
use super::cookies::{Cookie, SameSite};
use super::errors::Fault;
use super::form::{Field, Fields};
use super::next_path::NextPath;
use super::page::{FormPage, Layout};
use super::visitor::VisitorNetwork;
use crate::accounts::log_in::LogInError;
use crate::accounts::{Email, PasswordAttempt, Role, User, Wait};
use crate::app::App;
use crate::sessions::Session;

const WELCOME: &str = "Thank you. Now log in with this address and the password you just chose. \
    If the address had an account already, nothing about it has changed: log in with the password it had before.";
const WRONG: &str = "This address and this password do not belong together. Check both and try again.";

/// Shows the empty form.
pub(super) async fn show(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, Fault> {
    let query = Query::read(query.as_deref().unwrap_or_default());
    if let Some(session) = caller.session() {
        return Ok(Redirect::to(&destination(session.user.role, query.next.as_ref())).into_response());
    }
    page(&caller, "", query.next, query.welcome.then_some(WELCOME), None).respond()
}

/// Begins a session and leads on; or shows that address and password do not belong together.
pub(super) async fn submit(
    State(app): State<App>,
    VisitorNetwork(network): VisitorNetwork,
    caller: Caller,
    mut fields: Fields,
) -> Result<Response, Fault> {
    let next = NextPath::parse(fields.get("next"));
    let typed = fields.take("email");
    let password = PasswordAttempt::new(fields.take("password"));
    let email = Email::parse(&typed).ok();
    match app.accounts.log_in(email.as_ref(), &password, network).await {
        Ok(user) => enter(&app, &caller, &user, &destination(user.role, next.as_ref())).await,
        Err(LogInError::Wrong) => page(&caller, &typed, next, None, Some(WRONG)).respond(),
        Err(LogInError::TooMany(Wait(wait))) => Err(Fault::TooManyAttempts(wait)),
        Err(LogInError::Busy(_)) => Err(Fault::Busy),
        Err(LogInError::Internal(error)) => Err(Fault::from(error)),
    }
}

/// Begins a session with a new id, gives its cookie to the browser, and leads to a page.
pub(super) async fn enter(app: &App, caller: &Caller, user: &User, to: &str) -> Result<Response, Fault> {
    let earlier = caller.session().map(|Session { hash, .. }| hash);
    let token = app.sessions.begin(user, earlier).await?;
    let same_site = match user.role {
        Role::Person => SameSite::Lax,
        Role::Administrator => SameSite::Strict,
    };
    let cookies = app.site.cookies;
    let mut response = Redirect::to(to).into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, cookies.set(Cookie::Session, &token, same_site, None));
    headers.append(header::SET_COOKIE, cookies.remove(Cookie::Visit));
    Ok(response)
}

fn destination(role: Role, next: Option<&NextPath>) -> String {
    let usual = match role {
        Role::Person => "/button",
        Role::Administrator => admin::HOME_PATH,
    };
    next.map_or(usual, NextPath::as_str).to_owned()
}

fn page(
    caller: &Caller,
    email: &str,
    next: Option<NextPath>,
    notice: Option<&'static str>,
    problem: Option<&'static str>,
) -> FormPage {
    FormPage {
        layout: Layout::of(caller, "Log in"),
        heading: "Log in",
        lead: "Good to see you.",
        notice,
        problem,
        action: "/log-in",
        fields: vec![Field::email(email), Field::current_password()],
        next: next.map(|next| next.as_str().to_owned()),
        submit: "Log in",
        otherwise: Some(("New here?", "/sign-up", "Sign up")),
    }
}

/// What the address of the page says.
#[derive(Debug)]
struct Query {
    next: Option<NextPath>,
    welcome: bool,
}

impl Query {
    fn read(query: &str) -> Self {
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
        let next = pairs.iter().find(|(name, _)| name == "next").and_then(|(_, path)| NextPath::parse(path));
        Self { next, welcome: pairs.iter().any(|(name, _)| name == "welcome") }
    }
}

//! `/admin/first`: the one-time link on the console, and the form behind it.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::admin;
use super::caller::Caller;
use super::cookies::{Cookie, SameSite};
use super::errors::Fault;
use super::form::{Field, Fields};
use super::log_in::enter;
use super::page::{FormPage, Layout};
use super::sign_up::{SignUpForm, fault};
use crate::accounts::first_administrator::FirstAdministratorError;
use crate::app::App;
use crate::token::{Token, TokenHash};

/// As long as the link itself.
const COOKIE_SECONDS: u32 = 30 * 60;

const TAKEN: &str = "This address has an ordinary account. Use another one for the administrator.";

/// With a token in the address: moves it into a cookie, out of the browser's history. Without: shows the form.
///
/// Opening the link does not use it up: programs that look at links before people do would leave none.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    if let Some(token) = token_in(query.as_deref().unwrap_or_default()) {
        open_invitation(&app, Some(&token)).await?;
        let set = app.site.cookies.set(Cookie::Invitation, &token, SameSite::Lax, Some(COOKIE_SECONDS));
        return Ok(([(header::SET_COOKIE, set)], Redirect::to(admin::FIRST_PATH)).into_response());
    }
    open_invitation(&app, app.site.cookies.read(&headers, Cookie::Invitation).as_ref()).await?;
    page(&caller, SignUpForm::default().fields()).respond()
}

/// Makes the administrator, logs them in, and leads to the admin pages.
pub(super) async fn submit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let token = app.site.cookies.read(&headers, Cookie::Invitation);
    let token = open_invitation(&app, token.as_ref()).await?;
    let sign_up = match SignUpForm::read(fields) {
        Ok(sign_up) => sign_up,
        Err(form) => return page(&caller, form.fields()).respond(),
    };
    let (name, email) = (sign_up.name.as_str().to_owned(), sign_up.email.as_str().to_owned());
    match app.accounts.become_first_administrator(&token, sign_up).await {
        Ok(user) => {
            let mut response = enter(&app, &caller, &user, admin::HOME_PATH).await?;
            response.headers_mut().append(header::SET_COOKIE, app.site.cookies.remove(Cookie::Invitation));
            Ok(response)
        }
        Err(FirstAdministratorError::NotOpen) => Err(Fault::LinkNotOpen),
        Err(FirstAdministratorError::AddressTaken) => {
            page(&caller, SignUpForm::with_email_error(&name, &email, TAKEN).fields()).respond()
        }
        Err(FirstAdministratorError::SignUp(error)) => Err(fault(error)),
    }
}

/// The invitation, if it can be used. Used, expired, wrong and none look alike.
async fn open_invitation(app: &App, token: Option<&Token>) -> Result<TokenHash, Fault> {
    let hash = token.ok_or(Fault::LinkNotOpen)?.hash();
    if app.accounts.invitation_is_open(&hash).await? { Ok(hash) } else { Err(Fault::LinkNotOpen) }
}

/// A token that is no token is treated as one that is wrong.
fn token_in(query: &str) -> Option<Token> {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
    pairs.iter().find(|(name, _)| name == "token").and_then(|(_, token)| Token::received(token))
}

fn page(caller: &Caller, fields: Vec<Field>) -> FormPage {
    FormPage {
        layout: Layout::of(caller, "First administrator"),
        heading: "Be the administrator",
        lead: "You started this ButtonPush, so you decide which Keap account it talks to. Make your account first.",
        notice: None,
        problem: None,
        action: admin::FIRST_PATH,
        fields,
        next: None,
        submit: "Become the administrator",
        otherwise: None,
    }
}

//! Who calls: found out once for each request, before anything else.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::cookies::{Cookie, SameSite};
use super::errors::Fault;
use crate::accounts::Role;
use crate::app::App;
use crate::sessions::Session;
use crate::token::Token;

/// What the token in forms is derived for.
const FORM_TOKEN: &str = "buttonpush form 1";

/// Who calls, and the token that their forms carry.
#[derive(Debug, Clone)]
pub struct Caller {
    session: Option<Session>,
    form_token: Arc<Token>,
}

impl Caller {
    /// The session, if they are logged in.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The session, if it is an administrator's.
    pub fn administrator(&self) -> Option<&Session> {
        self.session().filter(|session| session.user.role == Role::Administrator)
    }

    /// The token that every form of this caller carries in the field [`super::forgery::TOKEN_FIELD`].
    ///
    /// It follows from the session's id, or from the visit's when nobody is logged in: a page of another site can
    /// neither read nor guess it, and it ends with what it is bound to.
    pub fn form_token(&self) -> &Token {
        &self.form_token
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| {
            Fault::Internal(anyhow::anyhow!("a page was reached without finding out who calls"))
        })
    }
}

/// Finds out who calls, and gives a browser without cookies one that binds its forms to it.
pub(super) async fn identify(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let cookies = app.site.cookies;
    let session_token = cookies.read(request.headers(), Cookie::Session);
    let session = match &session_token {
        Some(token) => app.sessions.resume(token).await?,
        None => None,
    };
    let visit = cookies.read(request.headers(), Cookie::Visit);
    let (bound_to, new_visit) = match (session_token, &session, visit) {
        (Some(token), Some(_), _) => (token, None),
        (_, _, Some(visit)) => (visit, None),
        _ => {
            let visit = Token::random::<32>()?;
            (visit.clone(), Some(visit))
        }
    };
    let form_token = Arc::new(bound_to.derive(FORM_TOKEN));
    request.extensions_mut().insert(Caller { session, form_token });
    let mut response = next.run(request).await;
    if let Some(visit) = new_visit {
        let set = cookies.set(Cookie::Visit, &visit, SameSite::Lax, None);
        response.headers_mut().append(header::SET_COOKIE, set);
    }
    Ok(response)
}

//! From bytes to rules and back. One request passes, in this order: reading, faults, the API or the pages, the log.

mod control;
mod cookies;
mod form;
mod oauth;
pub(crate) mod oauth_answer;
mod origin;
mod page;
mod people;
mod reading;
mod rest;
mod routes;
mod strike;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use jiff::Timestamp;
use tower::ServiceExt;

use crate::description::{self, Found};
use crate::state::State;
use crate::state::faults::Strike;
use crate::state::requests::{Logged, LoggedBody};

/// The whole sandbox as one function from request to answer.
pub(crate) struct App {
    state: Arc<State>,
    routes: Router,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer, as asked for")]
pub(crate) struct Dropped;

/// A request that has been read to its end.
struct Asked {
    parts: Parts,
    body: Bytes,
    operation: &'static str,
}

/// An answer and what the log wants to know about it.
struct Answered {
    response: Response<Body>,
    account: Option<String>,
}

impl App {
    pub(crate) fn new(state: Arc<State>) -> Self {
        let routes = routes::all(state.clone());
        Self { state, routes }
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
        let (parts, body) = request.into_parts();
        let body = match reading::whole(body).await {
            Ok(body) => body,
            Err(reading::Unread::Broken) => return Err(Dropped),
            Err(reading::Unread::Refused(status)) => return Ok(plain_status(status)),
        };
        let operation = operation(&parts, &body);
        let asked = Asked { parts, body, operation };
        let now = self.state.clock.now();
        let (method, path) = (asked.parts.method.as_str(), asked.parts.uri.path());
        let strike = self.state.look(|world| world.strike(now, method, path, operation));
        let mut log = self.log_entry(&asked, strike.as_ref());
        let response = match strike {
            None => {
                let answered = self.process(asked).await;
                log.note(&answered);
                Ok(answered.response)
            }
            Some(strike) => self.struck(asked, strike, &mut log).await,
        };
        self.finish(response, log)
    }

    /// Carries out a request.
    async fn process(&self, asked: Asked) -> Answered {
        if asked.parts.method == Method::TRACE || asked.parts.method == Method::CONNECT {
            return Answered { response: plain_status(StatusCode::METHOD_NOT_ALLOWED), account: None };
        }
        if asked.parts.uri.path().starts_with("/crm/") {
            return rest::answer(&self.state, &asked.parts, &asked.body).await;
        }
        let request = Request::from_parts(asked.parts, Body::from(asked.body));
        let Ok(response) = self.routes.clone().oneshot(request).await;
        Answered { response, account: None }
    }

    fn log_entry(&self, asked: &Asked, strike: Option<&Strike>) -> Entry {
        let headers = &asked.parts.headers;
        let at = self.state.clock.now();
        let logged = Logged {
            at,
            method: asked.parts.method.clone(),
            path: asked.parts.uri.path().to_owned(),
            query: asked.parts.uri.query().unwrap_or_default().to_owned(),
            status: None,
            operation: asked.operation,
            account: None,
            applied: false,
            fault: strike.map(|strike| strike.fault),
            user_agent: text(headers, "user-agent").chars().take(200).collect(),
            authorization: authorization_kind(headers),
            body: LoggedBody::new(text(headers, "content-type"), &asked.body),
        };
        Entry { logged }
    }

    fn finish(
        &self,
        response: Result<Response<Body>, Dropped>,
        mut entry: Entry,
    ) -> Result<Response<Body>, Dropped> {
        entry.logged.status = response.as_ref().ok().map(|response| response.status().as_u16());
        // Looking at the log would otherwise fill it.
        if !matches!(entry.logged.operation, "control" | "page") {
            self.state.look(|world| world.requests.push(entry.logged));
        }
        let mut response = response?;
        let headers = response.headers_mut();
        if !headers.contains_key(header::DATE)
            && let Ok(date) = HeaderValue::from_str(&http_date(self.state.clock.now()))
        {
            headers.insert(header::DATE, date);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}

/// A line of the log that is not finished.
struct Entry {
    logged: Logged,
}

impl Entry {
    fn note(&mut self, answered: &Answered) {
        let status = answered.response.status();
        self.logged.applied = status.is_success() || status.is_redirection();
        self.logged.account.clone_from(&answered.account);
    }
}

/// What the description, or the sandbox, calls a request.
fn operation(parts: &Parts, body: &Bytes) -> &'static str {
    let path = parts.uri.path();
    if path.starts_with("/crm/") {
        let path = rest::plain_path(path);
        return match description::find(&parts.method, &path) {
            Found::Operation { id, .. } => id,
            Found::OtherMethods(_) | Found::Nothing => "unknown",
        };
    }
    match path {
        "/token" if token::is_refresh(body) => "refresh",
        "/token" => "exchange",
        "/" => "page",
        _ if path.starts_with("/_sandbox") => "control",
        _ if path.starts_with("/app/oauth/") => "authorize",
        _ => "unknown",
    }
}

fn authorization_kind(headers: &HeaderMap) -> &'static str {
    if headers.contains_key("x-keap-api-key") {
        return "key";
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else { return "none" };
    let value = value.as_bytes();
    let begins = |scheme: &str| {
        value.len() > scheme.len() && value[..scheme.len()].eq_ignore_ascii_case(scheme.as_bytes())
    };
    match () {
        () if begins("bearer ") => "bearer",
        () if begins("basic ") => "basic",
        () => "other",
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn plain_status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A time as `Date` shows it.
fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

//! Pages about what went wrong, in words that help.

use std::any::Any;
use std::time::Duration;

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::page::{Layout, Visitor, render};
use crate::token::Token;

/// How soon to come back when the machine is busy.
const BUSY_FOR: Duration = Duration::from_secs(5);

/// The codes of SQLite for: busy, input or output failed, disk full, cannot open.
const STORAGE_CODES: [&str; 4] = ["5", "10", "13", "14"];

/// Why a page is not shown.
///
/// Not an error type itself: every error of a page's making turns into one with `?`.
#[derive(Debug)]
pub enum Fault {
    /// There is no such page.
    NotFound,
    /// The page is for administrators.
    NotAdministrator,
    /// The form did not come from one of our pages, or from one that is too old.
    ForgedForm,
    /// The first administrator's link is used, expired or wrong.
    LinkNotOpen,
    /// The method is not for this page.
    MethodNotAllowed,
    /// The body did not arrive in time.
    TooSlow,
    /// The body is larger than any form.
    TooLarge,
    /// Too many attempts; the next is taken after this time.
    TooManyAttempts(Duration),
    /// Too much is going on, or nothing can be stored right now.
    Busy,
    /// Something of ours failed. The cause is for the log only.
    Internal(anyhow::Error),
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    layout: Layout,
    status: u16,
    heading: &'static str,
    what: String,
    todo: &'static str,
    /// What the log has it under.
    reference: Option<String>,
}

/// Marks an answer whose words are already for people.
#[derive(Debug, Clone, Copy)]
struct ForPeople;

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotAdministrator | Self::ForgedForm | Self::LinkNotOpen => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn page(&self, reference: Option<String>) -> ErrorPage {
        let (heading, what, todo) = self.words();
        ErrorPage {
            layout: Layout::bare(heading),
            status: self.status().as_u16(),
            heading,
            what,
            todo,
            reference,
        }
    }

    /// A heading, what happened, and what to do.
    fn words(&self) -> (&'static str, String, &'static str) {
        let (heading, what, todo) = match self {
            Self::NotFound => (
                "There is no page here",
                "The address may be mistyped, or the page has moved.",
                "Check the address, or begin at the start page.",
            ),
            Self::NotAdministrator => (
                "This page is for administrators",
                "You are logged in, but your account is not an administrator's.",
                "Log out and log in as an administrator, or ask one for help.",
            ),
            Self::ForgedForm => (
                "This form could not be accepted",
                "It was open for too long, you have logged in or out since, cookies are switched off, or another site has sent it. Nothing was changed.",
                "Go back, reload the page, and send the form again.",
            ),
            Self::LinkNotOpen => (
                "This link does not work any more",
                "A link for the first administrator works once and for 30 minutes, and only while there is no administrator.",
                "If there is no administrator yet, restart ButtonPush: it prints a new link on its console.",
            ),
            Self::MethodNotAllowed => (
                "This page does not do that",
                "The address is right, but it does not take requests of this kind.",
                "Begin at the start page.",
            ),
            Self::TooSlow => (
                "That took too long",
                "The connection was too slow to send the form. Nothing was changed.",
                "Check your connection, go back, and send the form again.",
            ),
            Self::TooLarge => (
                "That is too much",
                "What was sent is larger than any form here can be. Nothing was changed.",
                "Go back, shorten what you typed, and send the form again.",
            ),
            Self::TooManyAttempts(wait) => {
                let what = format!(
                    "There were too many attempts in a short time. The next one is possible in {}.",
                    in_words(*wait)
                );
                return (
                    "Please wait a little",
                    what,
                    "Wait, go back, and try again. Nothing is locked and nothing was changed.",
                );
            }
            Self::Busy => (
                "Too busy right now",
                "ButtonPush cannot take your request at this moment. Nothing was changed.",
                "Try again in a few seconds. If you run this server and it stays like this: look for a full disk or a stuck process.",
            ),
            Self::Internal(_) => (
                "Something went wrong here",
                "It is our fault, not yours. What you sent was not stored.",
                "Try again. If you run this server: the log has the cause under the reference below.",
            ),
        };
        (heading, what.to_owned(), todo)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts(wait) => Some(*wait),
            Self::Busy => Some(BUSY_FOR),
            _ => None,
        }
    }
}

/// Whatever of ours fails below a page is internal, except that a storage which refuses may recover.
impl<E: Into<anyhow::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        let error = error.into();
        if is_storage_trouble(&error) {
            tracing::error!(
                error = format!("{error:#}"),
                "nothing can be stored right now: is the disk full?"
            );
            return Self::Busy;
        }
        Self::Internal(error)
    }
}

fn is_storage_trouble(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::PoolTimedOut) => true,
        Some(sqlx::Error::Database(error)) => {
            // Extended codes have the kind in their lowest byte.
            let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xff;
            STORAGE_CODES.contains(&code.to_string().as_str())
        }
        _ => false,
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let reference = match &self {
            Self::Internal(error) => {
                let reference = reference();
                tracing::error!(error = format!("{error:#}"), %reference, "a request failed");
                Some(reference)
            }
            _ => None,
        };
        let mut response = render(self.status(), &self.page(reference))
            .unwrap_or_else(|_| (self.status(), "Something went wrong here.\n").into_response());
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(ForPeople);
        response
    }
}

/// The answer to an unknown path.
pub(super) async fn not_found() -> Fault {
    Fault::NotFound
}

/// Gives bare answers of the router the page that belongs to their status.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let bare = next.run(request).await;
    let fault = match bare.status() {
        StatusCode::NOT_FOUND => Fault::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Fault::MethodNotAllowed,
        _ => return bare,
    };
    if bare.extensions().get::<ForPeople>().is_some() || bare.headers().contains_key(header::CONTENT_TYPE) {
        return bare;
    }
    let mut dressed = fault.into_response();
    for name in [header::ALLOW, header::SET_COOKIE] {
        for value in bare.headers().get_all(&name) {
            dressed.headers_mut().append(&name, value.clone());
        }
    }
    dressed
}

/// A handler has panicked: the visitor sees a page, the log has the words, and the process goes on.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over like this")]
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Fault::Internal(anyhow::anyhow!("panic: {}", words.unwrap_or("without words"))).into_response()
}

fn reference() -> String {
    Token::random::<6>().map(|token| token.reveal().to_owned()).unwrap_or_default()
}

fn in_words(wait: Duration) -> String {
    match wait.as_secs() + u64::from(wait.subsec_nanos() > 0) {
        1 => "1 second".to_owned(),
        seconds @ ..=90 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

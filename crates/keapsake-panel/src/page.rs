//! What all pages have: the frame, and the page that says what is wrong.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use crate::assets::STYLE_FILE;
use crate::panel::Panel;

/// What the frame of a page shows.
pub(crate) struct Frame {
    pub(crate) application: String,
    pub(crate) style: String,
    pub(crate) icon: Option<String>,
    pub(crate) back: Option<(String, String)>,
    /// Load the page, or another one, by itself after so many seconds.
    pub(crate) reload: Option<(u32, String)>,
}

/// Something that cannot be done, and what can.
pub(crate) struct Trouble {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

impl Trouble {
    pub(crate) const NOT_AN_ADMIN: Self = Self {
        status: StatusCode::FORBIDDEN,
        title: "For administrators only",
        text: "This page shows the connection to Keap. Log in as an administrator to see it.",
    };
    pub(crate) const FOREIGN_FORM: Self = Self {
        status: StatusCode::FORBIDDEN,
        title: "That form is too old",
        text: "It was made for another session, so nothing was done. Go back to the connection and try again.",
    };
    pub(crate) const NOT_FOUND: Self = Self {
        status: StatusCode::NOT_FOUND,
        title: "There is no such page",
        text: "The address may have been typed wrong or be an old one.",
    };
    pub(crate) const METHOD_NOT_ALLOWED: Self = Self {
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "This page does not do that",
        text: "The address is right, but it does not take requests of this kind.",
    };
    pub(crate) const NOTHING_TO_CONNECT: Self = Self {
        status: StatusCode::CONFLICT,
        title: "There is nothing to connect or disconnect",
        text: "This application talks to Keap with an API key from its settings. Nothing was changed.",
    };
    pub(crate) const NOT_SAVED: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "The new connection could not be saved",
        text: "Keap answered, but the database did not take it. Look into the application's log for what the database \
               said, and press Connect again: that is safe.",
    };
    pub(crate) const DATABASE: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "The database did not answer",
        text: "Nothing was lost. Try again in a moment; if it stays like this, look into the application's log: it \
               says what the database said.",
    };
    pub(crate) const SESSION_ENDED: Self = Self {
        status: StatusCode::FORBIDDEN,
        title: "Your session has ended",
        text: "Keap answered, but you are no longer logged in here as an administrator, so nothing was changed. Log in \
               and press Connect again.",
    };
    pub(crate) const OTHER_BROWSER: Self = Self {
        status: StatusCode::BAD_REQUEST,
        title: "This was not started in this browser",
        text: "An answer from Keap is taken only in the browser in which Connect was pressed, within ten minutes. \
               Nothing was changed. Press Connect here to start again.",
    };
    pub(crate) const NOT_ASKED_FOR: Self = Self {
        status: StatusCode::BAD_REQUEST,
        title: "This answer cannot be used",
        text: "It was used already, is older than ten minutes, or was never asked for. Nothing was changed by it. The \
               connection's page says how things are.",
    };
    pub(crate) const MALFORMED: Self = Self {
        status: StatusCode::BAD_REQUEST,
        title: "This is not an answer from Keap",
        text: "The address lacks what Keap sends, or was changed on its way. Nothing was changed. Press Connect to start \
               again.",
    };
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage<'a> {
    frame: Frame,
    trouble: &'a Trouble,
    panel: String,
}

impl Panel {
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            application: self.application.to_string(),
            style: self.path(&format!("/{}", *STYLE_FILE)),
            icon: self.icon.as_ref().map(ToString::to_string),
            back: self.back.as_ref().map(|(href, label)| (href.to_string(), label.to_string())),
            reload: None,
        }
    }

    pub(crate) fn trouble(&self, trouble: &Trouble) -> Response {
        let page = TroublePage { frame: self.frame(), trouble, panel: self.path("") };
        (trouble.status, render(&page)).into_response()
    }

    /// To one of the panel's pages, by GET.
    pub(crate) fn to(&self, page: &str) -> Response {
        Redirect::to(&self.path(page)).into_response()
    }

    /// Says that the database failed, here and in the log.
    pub(crate) fn database_failed(&self, error: &impl std::fmt::Display) -> Response {
        self.failed(error, &Trouble::DATABASE)
    }

    /// Says what failed: here in words, in the log with its cause.
    pub(crate) fn failed(&self, error: &impl std::fmt::Display, trouble: &Trouble) -> Response {
        tracing::error!(%error, "the panel could not do what was asked");
        self.trouble(trouble)
    }
}

pub(crate) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the panel could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(crate) async fn not_found(State(panel): State<Panel>) -> Response {
    panel.trouble(&Trouble::NOT_FOUND)
}

pub(crate) async fn method_not_allowed(State(panel): State<Panel>) -> Response {
    panel.trouble(&Trouble::METHOD_NOT_ALLOWED)
}

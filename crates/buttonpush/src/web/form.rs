//! Forms: what was sent, and how a form looks with what was wrong about it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::body::Collected;

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// The fields of a form that was sent. What is missing is empty.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// Moves a value out, so that no copy of a password stays behind.
    pub(super) fn take(&mut self, name: &str) -> String {
        let found = self.0.iter_mut().find(|(found, _)| found == name);
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_form =
            kind.is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim() == CONTENT_TYPE);
        let body = parts.extensions.get::<Collected>().filter(|_| is_form);
        let fields = body.and_then(|Collected(body)| serde_html_form::from_bytes(body).ok());
        Ok(Self(fields.unwrap_or_default()))
    }
}

/// A field of a form as the page shows it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) hint: Option<&'static str>,
    pub(super) length_max: u16,
    pub(super) value: String,
    pub(super) error: Option<String>,
}

impl Field {
    /// A person's name.
    pub(super) fn name(value: &str) -> Self {
        Self {
            name: "name",
            label: "Your name",
            kind: "text",
            autocomplete: "name",
            hint: None,
            length_max: 100,
            value: value.to_owned(),
            error: None,
        }
    }

    /// An e-mail address.
    pub(super) fn email(value: &str) -> Self {
        Self {
            name: "email",
            label: "E-mail address",
            kind: "email",
            autocomplete: "username",
            hint: None,
            length_max: 254,
            value: value.to_owned(),
            error: None,
        }
    }

    /// A password to choose. What was typed is never sent back.
    pub(super) fn new_password() -> Self {
        Self {
            hint: Some("At least 8 characters. A few words in a row are good."),
            ..Self::password("new-password")
        }
    }

    /// A password to remember.
    pub(super) fn current_password() -> Self {
        Self::password("current-password")
    }

    fn password(autocomplete: &'static str) -> Self {
        Self {
            name: "password",
            label: "Password",
            kind: "password",
            autocomplete,
            hint: None,
            length_max: 128,
            value: String::new(),
            error: None,
        }
    }

    /// The field with what was wrong about it.
    pub(super) fn with_error(self, error: Option<impl ToString>) -> Self {
        Self { error: error.map(|error| error.to_string()), ..self }
    }
}
